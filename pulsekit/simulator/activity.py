"""Say what a program does to every qubit: drives, acquires, resets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Tuple

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Batch, Channel, Op, Program, Pulse
from .lanes import LaneGroup, lane_groups

__all__ = ["Activity", "Tone", "activity_of"]


@dataclass(frozen=True)
class Tone:
    """Equal plays on one line: the estimate's unit of work."""

    channel: Channel
    pulse: Pulse
    amplitude: float  # |scale|, dimensionless
    freq: float  # Hz
    count: int


@dataclass(frozen=True, eq=False)
class Activity:
    """What a program does, as far as clusters depend on it."""

    experiments: np.ndarray  # int64[E]
    tones: Dict[int, Tuple[Tone, ...]]  # by the qubit that the line drives
    span: Dict[int, Tuple[int, int]]  # first and last sample of drives on each qubit
    acquired: Tuple[int, ...]
    reset: Tuple[int, ...]
    swept: bool  # parameters, or LOs that differ from the job's

    @property
    def driven(self) -> Tuple[int, ...]:
        """Qubits with a drive that is not zero."""
        return tuple(sorted(self.tones))

    @cached_property
    def key(self) -> Tuple[object, ...]:
        """Equal for programs that get equal clusters."""
        return (
            tuple((q, tuple(sorted(t, key=repr))) for q, t in sorted(self.tones.items())),
            tuple(sorted(self.span.items())),
            self.acquired,
            self.reset,
            self.swept,
        )


def activity_of(batch: Batch, device: Device) -> List[Activity]:
    """Return one activity per group of experiments that share a program.

    Raises:
        SimulationError: a channel that the device has not.
    """
    return [_activity(group, device) for group in lane_groups(batch)]


def driven_qubit(device: Device, channel: Channel) -> int:
    """Return the qubit that a drive or control channel drives."""
    lines = device.drives if channel.kind == "d" else device.controls
    if not 0 <= channel.index < len(lines):
        raise SimulationError(
            f"{channel}: a channel must be one of device {device.name!r}, but it has {len(device.drives)} drive and "
            f"{len(device.controls)} control channels."
        )
    return lines[channel.index].qubit


def _activity(group: LaneGroup, device: Device) -> Activity:
    tones: Dict[int, List[Tone]] = {}
    span: Dict[int, Tuple[int, int]] = {}
    for channel, plays in group.plays(device.timing.dt).items():
        if channel.kind not in "du":
            continue
        qubit = driven_qubit(device, channel)
        size = np.abs(plays.scale)
        live = np.flatnonzero(size.max(axis=0, initial=0.0) > 0)
        if not live.size:
            continue
        tones.setdefault(qubit, []).extend(_tones(channel, group.program, plays.pulse, size, plays.freq, live))
        first = int(plays.t0[live].min())
        last = int((plays.t0[live] + plays.duration[live]).max())
        old = span.get(qubit, (first, last))
        span[qubit] = (min(old[0], first), max(old[1], last))
    acquired, reset = _measured(group.program, device)
    los = group.los
    moved = (los.drive != los.drive_frame).any() or (los.control != los.control_frame).any()
    swept = group.value is not None or bool(moved)
    return Activity(group.experiments, {q: tuple(t) for q, t in tones.items()}, span, acquired, reset, swept)


def _tones(
    channel: Channel, program: Program, pulse: np.ndarray, size: np.ndarray, freq: np.ndarray, live: np.ndarray
) -> List[Tone]:
    """Merge plays with one pulse, one amplitude (the largest) and one frequency.

    Of a sweep, the largest and the middle amplitude count, and every
    frequency up to 16 of them.
    """
    counts: Dict[Tuple[int, float, float], int] = {}
    for p in live.tolist():
        amplitudes = size[:, p]
        top = float(amplitudes.max())
        picks = {round(top, 6)}
        if amplitudes.min() < 0.9 * top:
            picks.add(round(top / 2, 6))
        every = np.unique(np.round(freq[:, p], -3))
        some = every if every.size <= 16 else every[np.linspace(0, every.size - 1, 16).astype(int)]
        for amplitude in picks:
            for f in some.tolist():
                key = (int(pulse[p]), amplitude, f)
                counts[key] = counts.get(key, 0) + 1
    return [Tone(channel, program.pulses[i], a, f, n) for (i, a, f), n in counts.items()]


def _measured(program: Program, device: Device) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    events = program.events
    found = []
    for op in (Op.ACQUIRE, Op.RESET):
        channels = np.unique(events.channel[events.op == op])
        qubits = tuple(sorted({int(program.channels[c].index) for c in channels.tolist()}))
        if any(q >= device.n_qubits for q in qubits):
            raise SimulationError(
                f"Programs must use qubits below {device.n_qubits} ({device.name}), but {list(qubits)} came."
            )
        found.append(qubits)
    return found[0], found[1]
