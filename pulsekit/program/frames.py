"""Resolve phases and frequencies into what each pulse's carrier does.

A channel's carrier phase is the integral of its frequency over the whole
program plus its phase shifts. Everything is expressed against the channel's
job-level LO ``f_ref`` (``LoTable.of(channel)[0]``), so that no phase grows
beyond the detuning times the duration. With

    s(t) = Re[ f(t) exp(i 2 pi f_ref t) ],

a play that starts at sample ``t0`` contributes, in its sample ``k``,

    f(t) = scale * envelope[k] * exp(i 2 pi (freq - f_ref) (t - t0 dt)).

A gate-scoped frequency lives between ``SAVE_FRAME`` and ``RESTORE_FRAME``. If
the channel then has another frequency than it had, frequency and carrier
phase go back as if they had never changed; if the gate itself returned the
frequency, the carrier phase that it made stays. Phase shifts stay either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from .channels import Channel
from .events import Op
from .lo import LoTable
from .program import Program

__all__ = ["Plays", "carrier_at", "resolve_frames"]

FREQUENCY_TOLERANCE = 1e-3  # Hz; f + a - a may miss f by rounding, about 1e-6 Hz at 5 GHz
_FRAME_OPS = (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY, Op.SAVE_FRAME, Op.RESTORE_FRAME)
_CHANGES = np.array([op in _FRAME_OPS for op in Op])  # by op: does it change or remember the frequency?


@dataclass(frozen=True, eq=False)
class Plays:
    """The pulses of one channel, for the experiments that share a program."""

    channel: Channel
    f_ref: float  # Hz, the job-level LO
    t0: np.ndarray  # int64[plays], samples
    duration: np.ndarray  # int64[plays], samples
    pulse: np.ndarray  # int32[plays], index into Program.pulses
    scale: np.ndarray  # complex128[experiments, plays]
    freq: np.ndarray  # float64[experiments, plays], Hz
    row: np.ndarray  # int32[plays], the event row
    final_phase: np.ndarray  # float64[experiments], rad: phase against f_ref at the program's end,
    #                          sum of phase shifts only (virtual Z)


def resolve_frames(
    program: Program, los: LoTable, dt: float, *, value: Optional[np.ndarray] = None, angle: Optional[np.ndarray] = None
) -> Dict[Channel, Plays]:
    """Return the plays of every channel of a program.

    Args:
        program: nothing left to bind, unless ``value`` and ``angle`` are given.
        los: one row per experiment.
        dt: sample time in s.
        value: float64[experiments, rows], per-experiment event values that
            replace the program's (bound parameters); likewise ``angle``.

    Returns:
        One :class:`Plays` per channel that has any event (drive, control and
        measure channels).
    """
    out: Dict[Channel, Plays] = {}
    index = program.events.channel
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(program.channels) + 1)).tolist()
    for k, channel in enumerate(program.channels):
        if channel.kind != "a" and bounds[k] < bounds[k + 1]:
            rows = order[bounds[k] : bounds[k + 1]]
            out[channel] = _resolve(program, channel, rows, los, dt, value, angle)
    return out


def _resolve(
    program: Program,
    channel: Channel,
    rows: np.ndarray,
    los: LoTable,
    dt: float,
    value: Optional[np.ndarray],
    angle: Optional[np.ndarray],
) -> Plays:
    events = program.events
    f_ref, lo = los.of(channel)
    op, t0 = events.op[rows], events.t0[rows]
    values = events.value[rows][None, :] if value is None else value[:, rows]
    changes = np.flatnonzero(_CHANGES[op])
    shifts = _phase_shifts(op, values)
    played = np.flatnonzero(op == Op.PLAY)
    if changes.size:
        starts, freqs, carriers = _carrier_segments(lo, f_ref, dt, op[changes], t0[changes], values[:, changes])
        segment = np.searchsorted(changes, played)  # how many frame changes came before the play
        freq = freqs[:, segment]
        carrier = carriers[:, segment] + 2 * np.pi * (freq - f_ref) * ((t0[played] - starts[segment]) * dt)
    else:
        freq = np.repeat(np.asarray(lo, dtype=np.float64)[:, None], played.size, axis=1)
        carrier = 2 * np.pi * (freq - f_ref) * (t0[played] * dt)
    index = rows[played].astype(np.int32)
    angles = events.angle[index][None, :] if angle is None else angle[:, index]
    final = shifts[:, -1] if rows.size else np.zeros(1)
    return Plays(
        channel=channel,
        f_ref=f_ref,
        t0=t0[played],
        duration=events.duration[index],
        pulse=events.ref[index],
        scale=values[:, played] * np.exp(1j * (angles + shifts[:, played] + carrier)),
        freq=freq,
        row=index,
        final_phase=np.broadcast_to(final, (len(los),)).copy(),
    )


def carrier_at(
    program: Program, channel: Channel, los: LoTable, dt: float, time: int, *, value: Optional[np.ndarray] = None
) -> Tuple[np.ndarray, np.ndarray]:
    """Return a channel's frequency and carrier phase at one time.

    Args:
        program, los, dt, value: as in :func:`resolve_frames`.
        channel: a drive, control or measure channel.
        time: samples.

    Returns:
        float64[experiments] in Hz and float64[experiments] in rad; the phase
        is against the channel's job-level LO, phase shifts not included.
    """
    events = program.events
    f_ref, lo = los.of(channel)
    on_channel = (events.channel == program.channel_id(channel)) & (events.t0 <= time)
    rows = np.flatnonzero(on_channel & _CHANGES[events.op])
    values = events.value[rows][None, :] if value is None else value[:, rows]
    starts, freqs, carriers = _carrier_segments(lo, f_ref, dt, events.op[rows], events.t0[rows], values)
    freq = freqs[:, -1]
    return freq, carriers[:, -1] + 2 * np.pi * (freq - f_ref) * ((time - int(starts[-1])) * dt)


def _carrier_segments(
    lo: np.ndarray, f_ref: float, dt: float, ops: np.ndarray, times: np.ndarray, values: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow frequency and carrier phase through the frame changes.

    Returns:
        Per segment between changes (one more than there are changes): its
        start in samples int64[s], its frequency in Hz float64[experiments, s]
        and its carrier phase at the start in rad float64[experiments, s].
    """
    freq = np.array(lo, dtype=np.float64)
    carrier = np.zeros_like(freq)  # 2 pi int (freq - f_ref) dt
    now = 0
    starts, freqs, carriers = [now], [freq], [carrier]
    saved: List[Tuple[int, np.ndarray, np.ndarray]] = []
    for k, (op, t) in enumerate(zip(ops.tolist(), times.tolist())):
        carrier = carrier + 2 * np.pi * (freq - f_ref) * ((t - now) * dt)
        now = t
        if op == Op.SHIFT_FREQUENCY:
            freq = freq + values[:, k]
        elif op == Op.SET_FREQUENCY:
            freq = np.zeros_like(freq) + values[:, k]
        elif op == Op.SAVE_FRAME:
            saved.append((t, freq, carrier))
        elif saved:
            then, before, phase = saved.pop()
            unchanged = phase + 2 * np.pi * (before - f_ref) * ((t - then) * dt)
            carrier = np.where(np.abs(freq - before) > FREQUENCY_TOLERANCE, unchanged, carrier)
            freq = before
        starts.append(now)
        freqs.append(freq)
        carriers.append(carrier)
    return np.array(starts, dtype=np.int64), np.array(freqs).T, np.array(carriers).T


def _phase_shifts(op: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sum of phase shifts after each row, rad[1 or experiments, rows]."""
    total = np.cumsum(np.where(op == Op.SHIFT_PHASE, values, 0.0), axis=1)
    is_set = op == Op.SET_PHASE
    if not is_set.any():
        return total
    last = np.maximum.accumulate(np.where(is_set, np.arange(op.size), -1))
    return np.where(last >= 0, total - total[:, last] + values[:, last], total)
