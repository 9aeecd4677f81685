"""Refuse what cannot be simulated before anything is computed."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..device.checks import LOWEST
from ..errors import SimulationError
from ..program import Batch, Channel, LoTable, Op, Program
from .methods import METHODS
from .model import ExtraTerm
from .remembered import remembered

__all__ = ["check_batch", "check_choices", "check_clusters", "check_extra", "check_settings", "check_trajectories"]

SOLVERS = ("schroedinger", "lindblad")
TIMES = 2  # columns of a parameter table from here on are durations and starts


def check_settings(solver: str, method: str, tolerance: float, more: Tuple[str, ...] = ()) -> None:
    """Refuse unknown solvers and methods and impossible tolerances.

    Args:
        more: solvers, beside those that evolve states.

    Raises:
        SimulationError: any of those.
    """
    known = [*SOLVERS, *more]
    if solver not in (*known, "auto"):
        raise SimulationError(f"Argument `solver` must be 'auto' or one of {known}, but {solver!r} came.")
    if method not in ("auto", "polynomial") and method not in METHODS:
        raise SimulationError(
            f"Argument `method` must be 'auto', 'polynomial' or one of {sorted(METHODS)}, but {method!r} came."
        )
    if not isinstance(tolerance, (int, float, np.number)) or not 0 < tolerance < 1:
        raise SimulationError(f"Argument `tolerance` must be between 0 and 1, but {tolerance} came.")


def check_choices(
    times: Optional[Sequence[int]],
    threads: int,
    trajectories: Optional[int],
    seed: Optional[int] = None,
    memory_cap: Optional[int] = None,
) -> None:
    """Refuse impossible grids and counts.

    Raises:
        SimulationError: any of those.
    """
    if times is not None:
        grid = np.asarray(times)
        bad = grid.ndim != 1 or (
            grid.size and (grid.dtype.kind not in "iu" or grid.min() < 0 or (np.diff(grid) < 0).any())
        )
        if bad:
            raise SimulationError(
                "Argument `times` must be samples, whole and ascending from 0 on, "
                f"but {np.ravel(times)[:8].tolist()} came."
            )
    counts = (("threads", threads, 1), ("trajectories", trajectories, 1), ("seed", seed, 0))
    for name, value, least in counts:
        if value is None and name != "threads":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not value >= least or value % 1:
            raise SimulationError(f"Argument `{name}` must be a whole number of at least {least}, but {value!r} came.")
    if memory_cap is not None and (not isinstance(memory_cap, (int, float, np.number)) or not memory_cap > 0):
        raise SimulationError(f"Argument `memory_cap` must be a number of bytes, but {memory_cap!r} came.")


def check_trajectories(
    solver: str,
    outputs: Sequence[str],
    trajectories: Optional[int],
    extra: Sequence[ExtraTerm],
) -> None:
    """Refuse what trajectories do not give, and a number of them where there are none.

    Raises:
        SimulationError: any of those.
    """
    if solver != "trajectories":
        if trajectories is not None:
            raise SimulationError(
                f"Argument `trajectories` must come with solver='trajectories', but solver={solver!r} came."
            )
        return
    asked = {"`outputs`": "propagators" in outputs, "`extra`": bool(extra)}
    wrong = [name for name, is_asked in asked.items() if is_asked]
    if wrong:
        raise SimulationError(
            f"Argument {wrong[0]} must not ask trajectories for propagators or terms of the user's. "
            "Use solver='lindblad'."
        )


def check_clusters(clusters: Sequence[object], batch: Batch) -> None:
    """Refuse clusters that are none, or of experiments that the batch has not.

    Raises:
        SimulationError: any of those.
    """
    for cluster in clusters:
        experiments = np.asarray(getattr(cluster, "experiments", [-1]))
        if experiments.size and not 0 <= experiments.min() <= experiments.max() < len(batch):
            raise SimulationError(
                f"Argument `clusters` must hold Clusters of experiments 0 to {len(batch) - 1}, but {cluster!r} came."
            )


def check_batch(batch: Batch, device: Device) -> None:
    """Refuse programs with channels that the device has not, or impossible numbers or LOs.

    A program, and a batch of the same numbers, is looked at once per shape of device.

    Raises:
        SimulationError: with the channel and the time.
    """
    sizes = (len(device.drives), len(device.controls), device.n_qubits)
    remembered(batch, ("checked", sizes), lambda: _check_batch(batch, sizes))


def _check_batch(batch: Batch, sizes: Tuple[int, int, int]) -> None:
    _check_los(batch.los, sizes)
    for program in batch.programs:
        if program.__dict__.get("_checked") != sizes:
            _check_program(program, sizes)
            program.__dict__["_checked"] = sizes
    if batch.theta is not None and not np.isfinite(np.asarray(batch.theta, dtype=np.float64)).all():
        row, column = np.argwhere(~np.isfinite(np.asarray(batch.theta, dtype=np.float64)))[0]
        raise SimulationError(
            f"Argument `batch` must have finite parameters, but experiment {row} has {batch.theta[row, column]} "
            f"as number {column}."
        )


def _check_los(los: LoTable, sizes: Tuple[int, int, int]) -> None:
    drives, controls, qubits = sizes
    for name, count in (("drive", drives), ("control", controls), ("measure", qubits)):
        frame, table = np.asarray(getattr(los, f"{name}_frame")), np.asarray(getattr(los, name))
        if frame.shape != (count,) or table.shape[1:] != (count,):
            raise SimulationError(
                f"Argument `los` must have {count} {name} LOs, as the device has, but {frame.size} job-level ones and "
                f"rows of shape {table.shape[1:]} came."
            )
        if not (np.isfinite(frame).all() and np.isfinite(table).all()):
            raise SimulationError(f"Argument `los` must be finite, but a {name} LO is not.")
        least = min(frame.min(initial=np.inf), table.min(initial=np.inf))
        if name == "drive" and least < LOWEST:
            raise SimulationError(f"Argument `los` must be in Hz, drives at {LOWEST:g} or more, but {least:g} came.")


def _check_rows(program: Program) -> None:
    """Refuse rows that point at nothing, that go back in time, or plays of a channel that overlap."""
    events = program.events
    plays = events.op == Op.PLAY
    for name, where, most in (("channel", events.op >= 0, len(program.channels)), ("ref", plays, len(program.pulses))):
        column = getattr(events, name)
        wrong = np.flatnonzero(where & ((column < 0) | (column >= most)))
        if wrong.size:
            raise SimulationError(
                f"Row {wrong[0]}: `{name}` must be below {most} (what the program has), but {column[wrong[0]]} came."
            )
    table = program.parameters
    if table is not None and (table.column.max(initial=0) >= TIMES or any(e[1] >= TIMES for e in table.expressions)):
        return
    late = np.flatnonzero(np.diff(events.t0) < 0)
    if late.size:
        row = int(late[0]) + 1
        raise SimulationError(f"{_where(program, row)}: rows must be in order of time, but the one before is later.")
    played = np.flatnonzero(plays & (events.duration > 0))
    played = played[np.argsort(events.channel[played], kind="stable")]
    ends = events.t0[played] + events.duration[played]
    clash = (np.diff(events.channel[played]) == 0) & (events.t0[played][1:] < ends[:-1])
    if clash.any():
        row = int(played[1:][clash][0])
        raise SimulationError(f"{_where(program, row)}: a channel must play one pulse at a time, but two overlap.")


def _check_program(program: Program, sizes: Tuple[int, int, int]) -> None:
    drives, controls, qubits = sizes
    _check_rows(program)
    most = {"d": drives, "u": controls, "m": qubits, "a": qubits}
    for channel in program.channels:
        if channel.kind in most and not 0 <= channel.index < most[channel.kind]:
            raise SimulationError(
                f"{channel}: must be a channel of the device, but that has {most[channel.kind]} of kind "
                f"'{channel.kind}'."
            )
    events = program.events
    rules = (
        ("values must be finite", ~np.isfinite(events.value), events.value),
        ("angles must be finite", ~np.isfinite(events.angle), events.angle),
        ("must start at 0 or later", events.t0 < 0, events.t0),
        ("must last 0 samples or more", events.duration < 0, events.duration),
        (f"a frequency must be in Hz, at least {LOWEST:g}", _too_low(program), events.value),
    )
    for rule, broken, numbers in rules:
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise SimulationError(f"{_where(program, row)}: {rule}, but {numbers[row]} came.")
    played = np.flatnonzero(events.op == Op.PLAY)
    lengths = np.array([p.duration for p in program.pulses], dtype=np.int64)
    for row in played[lengths[events.ref[played]] != events.duration[played]].tolist():
        raise SimulationError(
            f"{_where(program, row)}: must last as long as its pulse, but that has {lengths[events.ref[row]]} samples."
        )
    driven = np.array([c.kind in "du" for c in program.channels] or [False])[events.channel[played]]
    _, first = np.unique(events.ref[played[driven]], return_index=True)
    for row in played[driven][first].tolist():
        if not np.isfinite(program.pulses[events.ref[row]].samples).all():
            raise SimulationError(f"{_where(program, row)}: samples must be finite, but some are NaN or infinite.")


def _too_low(program: Program) -> np.ndarray:
    """Tell of every row whether it sets a drive frequency that no drive has, bool[rows]."""
    events = program.events
    drives = np.array([c.kind == "d" for c in program.channels] or [False])[events.channel]
    low = drives & (events.op == Op.SET_FREQUENCY) & (events.value < LOWEST)
    table = program.parameters
    if table is not None and low.any():
        low[[*table.row, *(row for row, _, _ in table.expressions)]] = False
    return low


def _where(program: Program, row: int) -> str:
    events = program.events
    start, length = events.t0[row], events.duration[row]
    return f"{program.channels[events.channel[row]]}@{start}..{start + length}"


def check_extra(extra: Sequence[ExtraTerm], device: Device) -> None:
    """Refuse terms that are not Hermitian, or driven by a channel that the device has not.

    Raises:
        SimulationError: any of those.
    """
    for k, term in enumerate(extra):
        if not isinstance(term, ExtraTerm) or not np.isfinite(term.delay_s):
            raise SimulationError(
                f"Argument `extra` must hold ExtraTerms with finite delays, but number {k} is {type(term).__name__}"
                f"{' late by ' + str(term.delay_s) + ' s' if isinstance(term, ExtraTerm) else ''}."
            )
        operator = np.asarray(term.operator)
        if operator.ndim == 2 and operator.shape[0] == operator.shape[1] and np.isfinite(operator).all():
            off = float(np.abs(operator - operator.conj().T).max(initial=0.0))
            if off > 1e-9 * float(np.abs(operator).max(initial=0.0)):
                raise SimulationError(
                    f"Argument `extra` must hold Hermitian operators, but number {k} is off by {off:g} rad/s. "
                    "Add its adjoint."
                )
        if term.channel is not None:
            _check_channel(term.channel, k, device)


def _check_channel(channel: Channel, k: int, device: Device) -> None:
    most = {"d": len(device.drives), "u": len(device.controls)}
    if channel.kind not in most or not 0 <= channel.index < most[channel.kind]:
        raise SimulationError(
            f"Argument `extra` must name drive or control channels of the device, but number {k} has {channel}."
        )
