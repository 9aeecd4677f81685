"""Resolve phases and frequencies into what each pulse's carrier does.

A channel's carrier phase is the integral of its frequency over the whole
program plus its phase shifts. Everything is expressed against the channel's
job-level LO ``f_ref`` (``LoTable.of(channel)[0]``), so that no phase grows
beyond the detuning times the duration. With

    s(t) = Re[ f(t) exp(i 2 pi f_ref t) ],

a play that starts at sample ``t0`` contributes, in its sample ``k``,

    f(t) = scale * envelope[k] * exp(i 2 pi (freq - f_ref) (t - t0 dt)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional

import numpy as np

from .channels import Channel
from .events import Op
from .lo import LoTable
from .program import Program

__all__ = ["Plays", "resolve_frames"]


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
    events = program.events
    out: Dict[Channel, Plays] = {}
    for index, channel in enumerate(program.channels):
        if channel.kind == "a":
            continue
        rows = np.flatnonzero(events.channel == index)
        if rows.size:
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
    count = len(los)
    freq = np.array(lo, dtype=np.float64, copy=True)
    shift = np.zeros(count)  # sum of phase shifts, rad
    carrier = np.zeros(count)  # 2 pi int (freq - f_ref) dt, rad
    now = 0
    saved_freq: List[np.ndarray] = []
    saved_carrier: List[np.ndarray] = []
    saved_time: List[int] = []
    scales: List[np.ndarray] = []
    freqs: List[np.ndarray] = []
    played: List[int] = []
    for row, t0, op in zip(rows.tolist(), events.t0[rows].tolist(), events.op[rows].tolist()):
        if t0 != now:
            carrier = carrier + 2 * np.pi * (freq - f_ref) * ((t0 - now) * dt)
            now = t0
        v = events.value[row] if value is None else value[:, row]
        if op == Op.PLAY:
            a = events.angle[row] if angle is None else angle[:, row]
            scales.append(np.broadcast_to(v * np.exp(1j * (a + shift + carrier)), (count,)))
            freqs.append(freq)
            played.append(row)
        elif op == Op.SHIFT_PHASE:
            shift = shift + v
        elif op == Op.SET_PHASE:
            shift = np.zeros(count) + v
        elif op == Op.SHIFT_FREQUENCY:
            freq = freq + v
        elif op == Op.SET_FREQUENCY:
            freq = np.zeros(count) + v
        elif op == Op.SAVE_FRAME:
            saved_freq.append(freq)
            saved_carrier.append(carrier)
            saved_time.append(t0)
        elif op == Op.RESTORE_FRAME and saved_freq:
            old, start, before = saved_freq.pop(), saved_time.pop(), saved_carrier.pop()
            changed = freq != old
            unchanged = before + 2 * np.pi * (old - f_ref) * ((t0 - start) * dt)
            carrier = np.where(changed, unchanged, carrier)
            freq = np.where(changed, old, freq)
    shape = (count, len(played))
    index = np.array(played, dtype=np.int32)
    return Plays(
        channel=channel,
        f_ref=f_ref,
        t0=events.t0[index] if played else np.zeros(0, np.int64),
        duration=events.duration[index] if played else np.zeros(0, np.int64),
        pulse=events.ref[index] if played else np.zeros(0, np.int32),
        scale=np.array(scales, dtype=np.complex128).T.reshape(shape).copy(),
        freq=np.array(freqs, dtype=np.float64).T.reshape(shape).copy(),
        row=index,
        final_phase=shift,
    )
