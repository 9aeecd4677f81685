"""Find measure tones that nothing acquires, and what they do to states."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Channel, Op, Plays, Program
from ..readout import coherence_exponents, solve_field
from ..simulator.lanes import LaneGroup
from ..simulator.model import Model
from .collapse import outcome_map
from .signals import tones_at, warmup_of
from .steps import acquires_of

__all__ = ["Dephasing", "Window"]

SLICE = 16  # samples between two applications while the qubit is driven
RING_DOWN = 0.5  # of what a resonator remembers: intensities decay twice as fast as amplitudes


class Window(NamedTuple):
    """When a tone acts on a qubit that is not being acquired, samples."""

    qubit: int
    start: int
    stop: int


class Dephasing:
    """The free tones of one cluster of one lane group."""

    def __init__(self, device: Device, model: Model, group: LaneGroup, plays: Dict[Channel, Plays]) -> None:
        self.device, self.model, self.group, self.plays = device, model, group, plays
        self.windows = _windows(device, group.program, plays, model.qubits)
        self._exponents: Dict[Tuple[int, int], np.ndarray] = {}  # (lane, window): log F per sample

    def cuts(self, start: int, stop: int) -> List[int]:
        """Return where an evolution has to pause, ascending, with both ends.

        The factor commutes with free evolution of its qubit, so that a pause
        is needed only where the qubit is driven during the tone, or coupled.
        """
        marks = {start, stop}
        for window in self.windows:
            lo, hi = max(window.start, start), min(window.stop, stop)
            if hi > lo:
                marks |= {lo, hi}
                if self.model.n > 1 or _driven(self.group.program, lo, hi):
                    marks |= set(range(lo, hi, SLICE))
        return sorted(marks)

    def apply(self, states: np.ndarray, lanes: Sequence[int], start: int, stop: int) -> np.ndarray:
        """Apply what the tones do between two samples.

        Args:
            states: complex128[n, dim, dim], density matrices.
            lanes: of each state.
            start, stop: samples.
        """
        for number, window in enumerate(self.windows):
            lo, hi = max(window.start, start), min(window.stop, stop)
            if hi <= lo:
                continue
            digit = outcome_map(self.model.levels, (self.model.qubits.index(window.qubit),))
            for k, lane in enumerate(lanes):
                table = self._table(lane, number)
                factor = np.exp(table[hi - window.start] - table[lo - window.start])
                states[k] *= factor[np.ix_(digit, digit)]
        return states

    def _table(self, lane: int, number: int) -> np.ndarray:
        known = self._exponents.get((lane, number))
        if known is None:
            q, start, stop = self.windows[number]
            device, group = self.device, self.group
            lo_freq = float(group.los.measure[lane, q])
            tones, _ = tones_at(device, group.program, self.plays, lane, q, lo_freq, start, stop)
            dt, resonator = device.timing.dt, device.resonators[q]
            levels = max(2, self.model.levels[self.model.qubits.index(q)])
            first = min([t.start for t in tones], default=0)
            warmup = min(max(0, -first), warmup_of(device, q))
            field = solve_field(resonator, lo_freq, tones, stop - start, dt, levels, warmup)
            known = self._exponents[lane, number] = coherence_exponents(resonator, field, dt)
        return known


def _windows(device: Device, program: Program, plays: Dict[Channel, Plays], qubits: Sequence[int]) -> List[Window]:
    out: List[Window] = []
    acquires = acquires_of(program) if plays else []
    for q in qubits:
        if q >= len(device.resonators):
            continue
        own = [(a.t0, a.t0 + a.duration) for a in acquires if a.qubit == q]
        for lo, hi in _outside(_spans(device, plays, q, own), own):
            ends = min([t0 for t0, _ in own if t0 >= hi], default=program.duration)
            if _driven(program, lo, ends):  # else its coherence is never seen
                out.append(Window(q, lo, hi))
    return out


def _spans(
    device: Device, plays: Dict[Channel, Plays], qubit: int, own: Sequence[Tuple[int, int]]
) -> List[Tuple[int, int]]:
    """Return when something rings in a qubit's resonator; the ring-down of a tone that is acquired is left out."""
    lines = {qubit} | {a for a, b, gain in device.readout_crosstalk if b == qubit and gain != 0}
    ring = int(RING_DOWN * warmup_of(device, qubit))
    tones: List[Tuple[int, int]] = []
    for line in lines:
        play = plays.get(Channel("m", line))
        for t0, duration in [] if play is None else zip(play.t0.tolist(), play.duration.tolist()):
            end = t0 + duration
            acquired = any(lo < end <= hi for lo, hi in own)
            tones.append((t0, end if acquired else end + ring))
    spans: List[Tuple[int, int]] = []
    for t0, stop in sorted(tones):
        if spans and t0 <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((t0, stop))
    return spans


def _outside(spans: Sequence[Tuple[int, int]], own: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Cut a qubit's acquires, in order of time, out of some spans."""
    out: List[Tuple[int, int]] = []
    for start, stop in spans:
        for lo, hi in own:
            if start < lo < stop:
                out.append((start, lo))
            if lo < stop and hi > start:
                start = max(start, hi)
        if start < stop:
            out.append((start, stop))
    return out


def _driven(program: Program, start: int, stop: int) -> bool:
    events = program.events
    kinds = np.array([c.kind in "du" for c in program.channels] or [False])
    plays = (events.op == int(Op.PLAY)) & kinds[events.channel]
    return bool((plays & (events.t0 < stop) & (events.t0 + events.duration > start)).any())
