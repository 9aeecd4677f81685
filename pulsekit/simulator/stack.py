"""Stack experiments of one structure: programs equal but for their numbers.

Experiments whose programs have the same operations on the same channels, with
pulses of the same lengths, become lanes of one stack; start times, amplitudes,
phases, frequencies and envelopes may differ from lane to lane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Batch, Channel, LoTable, Op, Program, Pulse
from ..units import TWO_PI
from .remembered import remembered

__all__ = ["Stack", "StackedPlays", "runs_of", "stacks_of"]

FLAT = 8  # a run of at least this many equal samples is a flat
_PLAIN = (int(Op.PLAY), int(Op.DELAY), int(Op.SHIFT_PHASE), int(Op.ACQUIRE), int(Op.RESET))


@dataclass(frozen=True, eq=False)
class StackedPlays:
    """The plays of one channel; columns are plays."""

    f_ref: float  # Hz
    t0: np.ndarray  # int64[lanes, plays], samples
    duration: np.ndarray  # int64[plays], samples
    pulse: np.ndarray  # int32[lanes, plays], index into Stack.pulses
    magnitude: np.ndarray  # float64[lanes, plays], may be negative
    phase: np.ndarray  # float64[lanes, plays], rad, of exp(i 2 pi freq t)
    freq: np.ndarray  # float64[lanes, plays], Hz
    fixed: np.ndarray  # bool[lanes, plays]: amplitude and frequency come from no sweep
    final_phase: np.ndarray  # float64[lanes], rad, phase shifts only


@dataclass(frozen=True, eq=False)
class Stack:
    """Experiments that are lanes of one structure."""

    experiments: np.ndarray  # int64[lanes]
    pulses: Tuple[Pulse, ...]
    plays: Dict[Channel, StackedPlays]
    end: np.ndarray  # int64[lanes], where coherent evolution ends, samples


def runs_of(pulse: Pulse) -> Tuple[Tuple[int, int, bool], ...]:
    """Return (start, stop, constant?) pieces of an envelope, in order."""
    known = pulse.__dict__.get("_runs")
    if known is None:
        z = pulse.samples
        edges = np.flatnonzero(np.concatenate([[True], z[1:] != z[:-1], [True]])) if z.size else np.zeros(1, int)
        long = [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:]) if b - a >= FLAT]
        pieces, at = [], 0
        for a, b in long:
            if a > at:
                pieces.append((at, a, False))
            pieces.append((a, b, True))
            at = b
        if at < z.size:
            pieces.append((at, int(z.size), False))
        if not np.isfinite(z).all():
            raise SimulationError(f"Pulse {pulse.name or pulse.shape!r} must have finite samples, but some are not.")
        known = pulse.__dict__["_runs"] = tuple(pieces)
    return known


def _structure(program: Program) -> Tuple[Any, ...]:
    known = program.__dict__.get("_structure")
    if known is None:
        events = program.events
        played = events.op == Op.PLAY
        known = program.__dict__["_structure"] = (
            events.op.tobytes(),
            events.channel.tobytes(),
            program.channels,
            events.duration[played].tobytes(),
            events.ref[played].tobytes(),
            tuple(runs_of(p) for p in program.pulses),
        )
    return known


@dataclass(frozen=True, eq=False)
class _Rows:
    """Event columns of some lanes; each [lanes or 1, rows]."""

    experiments: np.ndarray
    value: np.ndarray
    angle: np.ndarray
    t0: np.ndarray
    duration: np.ndarray
    pulse: np.ndarray  # int32[lanes or 1, rows]
    fixed: np.ndarray  # bool[1, rows]


def stacks_of(batch: Batch, dt: float) -> List[Stack]:
    """Return the stacks of a batch, parameters bound.

    They are kept with the batch; one whose arrays were changed is stacked anew.

    Raises:
        SimulationError: parameters without values, or pulses with samples that
            are not finite.
    """
    return remembered(batch, ("stacks", dt), lambda: _all_stacks(batch, dt))


def _all_stacks(batch: Batch, dt: float) -> List[Stack]:
    pulses: Dict[Pulse, int] = {}
    grouped: Dict[Tuple[Any, ...], List[Tuple[Program, np.ndarray]]] = {}
    owners = np.asarray(batch.program_of)
    if len(batch.programs) == 1:
        members = [np.arange(len(owners))]
    else:
        order = np.argsort(owners, kind="stable")
        cuts = np.searchsorted(owners[order], np.arange(len(batch.programs) + 1))
        members = [order[a:b] for a, b in zip(cuts[:-1], cuts[1:])]
    for program, lanes in zip(batch.programs, members):
        if lanes.size:
            grouped.setdefault(_structure(program), []).append((program, lanes))
    out: List[Stack] = []
    for parts in grouped.values():
        rows = [_bound(p, lanes, batch.theta, pulses) for p, lanes in parts]
        out.append(_stack([p for p, _ in parts], rows, batch.los, dt, pulses))
    return out


def _bound(program: Program, lanes: np.ndarray, theta: Optional[np.ndarray], pulses: Dict[Pulse, int]) -> _Rows:
    events = program.events
    ids = np.array([pulses.setdefault(p, len(pulses)) for p in program.pulses] + [-1], dtype=np.int32)
    pulse = ids[events.ref if program.acquires == () else np.where(events.op == Op.PLAY, events.ref, -1)][None, :]
    columns = [events.value[None, :], events.angle[None, :], events.duration[None, :], events.t0[None, :]]
    fixed = np.ones((1, len(events)), dtype=bool)
    table = program.parameters
    if table is not None and table.names:
        if theta is None or table.expressions:
            raise SimulationError(
                f"Argument `batch` must have every parameter bound, but {list(table.names)} of program "
                f"{program.name!r} have no values here. Bind them."
            )
        mine = np.asarray(theta, dtype=np.float64)[lanes]
        for column in np.unique(table.column).tolist():
            chosen = np.flatnonzero(table.column == column)
            full = np.repeat(columns[column].astype(np.float64), len(lanes), axis=0)
            for k in chosen.tolist():
                full[:, table.row[k]] += table.coefficient[k] * mine[:, table.parameter[k]]
            columns[column] = full if column < 2 else np.rint(full).astype(np.int64)
            if column == 2 and (full != full[0])[:, events.op == Op.PLAY].any():
                raise SimulationError("Lengths of pulses must not depend on parameters. Use one program per length.")
        fixed[0, table.row[table.column < 2]] = False
    return _Rows(lanes, columns[0], columns[1], columns[3], columns[2], pulse, fixed)


def _join(parts: List[np.ndarray], counts: List[int]) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.broadcast_to(p, (n,) + p.shape[1:]) for p, n in zip(parts, counts)])


def _stack(programs: List[Program], rows: List[_Rows], los: LoTable, dt: float, pulses: Dict[Pulse, int]) -> Stack:
    program = programs[0]
    counts = [len(r.experiments) for r in rows]
    experiments = rows[0].experiments if len(rows) == 1 else np.concatenate([r.experiments for r in rows])
    whole = _Rows(
        experiments,
        *(_join([getattr(r, f) for r in rows], counts) for f in _Rows.__dataclass_fields__ if f != "experiments"),
    )
    events = program.events
    plays = {}
    for index, channel in enumerate(program.channels):
        if channel.kind in "du":
            at = np.flatnonzero(events.channel == index)
            if at.size:
                plays[channel] = _resolve(events.op[at], at, whole, los, channel, dt)
    lanes = len(experiments)
    stop = (whole.t0 + whole.duration).max(axis=1, initial=0)
    if program.parameters is None or not program.parameters.names:
        longest = [p.duration for p in programs]
        stop = np.maximum(stop, longest[0] if len(longest) == 1 else np.repeat(longest, counts))
    acquired = events.op == Op.ACQUIRE
    if acquired.any():
        stop = whole.t0[:, acquired].min(axis=1)
    return Stack(experiments, tuple(pulses), plays, np.broadcast_to(stop, (lanes,)))


def _resolve(op: np.ndarray, at: np.ndarray, rows: _Rows, los: LoTable, channel: Channel, dt: float) -> StackedPlays:
    lanes = len(rows.experiments)
    f_ref, every = los.of(channel)
    lo = every[rows.experiments]
    value, angle, t0 = rows.value[:, at], rows.angle[:, at], rows.t0[:, at]
    played = op == Op.PLAY
    shape = (lanes, int(played.sum()))
    if np.isin(op, _PLAIN).all():
        shifts = np.cumsum(np.where(op == Op.SHIFT_PHASE, value, 0.0), axis=1)
        phase = angle[:, played] + shifts[:, played]
        final = shifts[:, -1]
        freq = np.broadcast_to(lo[:, None], shape)
    else:
        phase, freq, final = _walk(op, value, angle, t0, lo, f_ref, dt, lanes)
    magnitude = value[:, played]
    fixed = rows.fixed[:, at][:, played] & (freq == f_ref)
    return StackedPlays(
        f_ref,
        np.broadcast_to(t0[:, played], shape),
        rows.duration[0, at][played],
        np.broadcast_to(rows.pulse[:, at][:, played], shape),
        np.broadcast_to(magnitude, shape),
        np.broadcast_to(phase, shape),
        freq,
        np.broadcast_to(fixed, shape),
        np.broadcast_to(final, (lanes,)),
    )


def _walk(
    op: np.ndarray,
    value: np.ndarray,
    angle: np.ndarray,
    t0: np.ndarray,
    lo: np.ndarray,
    f_ref: float,
    dt: float,
    lanes: int,
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return phase, frequency per play and final phase, frames followed."""
    freq, shift, carrier = lo.astype(np.float64), np.zeros(lanes), np.zeros(lanes)
    now = np.zeros(lanes, dtype=np.int64)
    saved: List[Tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    phases, freqs = [], []
    for k, code in enumerate(op.tolist()):
        carrier = carrier + TWO_PI * (freq - f_ref) * ((t0[:, k] - now) * dt)
        now = t0[:, k]
        v = value[:, k]
        if code == Op.PLAY:
            phases.append(angle[:, k] + shift + (carrier - TWO_PI * (freq - f_ref) * (now * dt)))
            freqs.append(freq)
        elif code == Op.SHIFT_PHASE:
            shift = shift + v
        elif code == Op.SET_PHASE:
            shift = np.zeros(lanes) + v
        elif code == Op.SHIFT_FREQUENCY:
            freq = freq + v
        elif code == Op.SET_FREQUENCY:
            freq = np.zeros(lanes) + v
        elif code == Op.SAVE_FRAME:
            saved.append((freq, carrier, now))
        elif code == Op.RESTORE_FRAME and saved:
            old, before, since = saved.pop()
            changed = freq != old
            carrier = np.where(changed, before + TWO_PI * (old - f_ref) * ((now - since) * dt), carrier)
            freq = np.where(changed, old, freq)
    shape = (lanes, len(phases))
    return np.array(phases).T.reshape(shape), np.array(freqs).T.reshape(shape), shift
