"""Refuse what cannot be simulated before anything is computed."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Batch, Channel, Op, Program
from .methods import METHODS
from .model import ExtraTerm

__all__ = ["check_batch", "check_choices", "check_extra", "check_settings"]

SOLVERS = ("schroedinger", "lindblad")


def check_settings(solver: str, method: str, tolerance: float) -> None:
    """Refuse unknown solvers and methods and impossible tolerances.

    Raises:
        SimulationError: any of those.
    """
    if solver not in (*SOLVERS, "auto"):
        raise SimulationError(f"Argument `solver` must be 'auto' or one of {list(SOLVERS)}, but {solver!r} came.")
    if method not in ("auto", "polynomial") and method not in METHODS:
        raise SimulationError(
            f"Argument `method` must be 'auto', 'polynomial' or one of {sorted(METHODS)}, but {method!r} came."
        )
    if not 0 < tolerance < 1:
        raise SimulationError(f"Argument `tolerance` must be between 0 and 1, but {tolerance} came.")


def check_choices(times: Optional[Sequence[int]], threads: int, trajectories: Optional[int]) -> None:
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
                f"Argument `times` must be samples, whole and ascending from 0 on, but {list(times)[:8]} came."
            )
    for name, value in (("threads", threads), ("trajectories", trajectories)):
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
            raise SimulationError(f"Argument `{name}` must be a whole number of at least 1, but {value} came.")


def check_batch(batch: Batch, device: Device) -> None:
    """Refuse programs with channels that the device has not, or impossible numbers.

    A program is looked at once per shape of device.

    Raises:
        SimulationError: with the channel and the time.
    """
    sizes = (len(device.drives), len(device.controls), device.n_qubits)
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


def _check_program(program: Program, sizes: Tuple[int, int, int]) -> None:
    drives, controls, qubits = sizes
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
