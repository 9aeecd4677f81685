"""Estimate the effect of every coupling and crosstalk path of a program."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterator, List, Tuple

import numpy as np

from ..device import Device
from ..program import Channel
from ..units import TWO_PI
from .activity import Activity, Tone, driven_qubit
from .perturb import Pair, excitation, leak, zz_shift

__all__ = ["Estimator", "Link"]

HYBRID = 0.2  # J sqrt(n + 1) over a gap of the pair, from which the pair is one system


@dataclass(frozen=True)
class Link:
    """Qubits that a coupling, or a path of two, ties, and how strongly."""

    qubits: Tuple[int, ...]  # two, or three with the path's middle second
    couplings: Tuple[Tuple[int, int], ...]  # device pairs (low, high)
    effect: float  # estimated largest change of a population


class Estimator:
    """Estimates on one device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.w = TWO_PI * np.array([t.frequency for t in device.transmons])
        self.w_alpha = TWO_PI * np.array([t.anharmonicity for t in device.transmons])
        self.neighbours: Dict[int, Dict[int, float]] = defaultdict(dict)
        for c in device.couplings:
            a, b = c.qubits
            strength = self.neighbours[a].get(b, 0.0) + TWO_PI * c.strength
            self.neighbours[a][b] = self.neighbours[b][a] = strength

    def links(self, activity: Activity, excited: FrozenSet[int] = frozenset()) -> Iterator[Link]:
        """Yield every coupling and two-step path that a drive touches.

        Args:
            activity: what drives.
            excited: idle qubits that may start above their ground state.
        """
        driven = set(activity.driven)
        seen = set()
        for a in sorted(driven):
            for b, w_j in sorted(self.neighbours[a].items()):
                pair = (min(a, b), max(a, b))
                if pair not in seen:
                    seen.add(pair)
                    yield Link(pair, (pair,), self._effect(activity, a, b, w_j, excited))
        for a in sorted(driven):
            yield from self._paths(activity, a, driven, excited)

    def _paths(self, activity: Activity, a: int, driven: "set[int]", excited: FrozenSet[int]) -> Iterator[Link]:
        for m, w_am in sorted(self.neighbours[a].items()):
            for b, w_mb in sorted(self.neighbours[m].items()):
                ends = (min(a, b), max(a, b))
                if b == a or (b in driven and a > b):
                    continue
                gaps = [_safe(self.w[m] - self.w[q], max(abs(w_am), abs(w_mb))) for q in (a, b)]
                w_eff = -w_am * w_mb * (1 / gaps[0] + 1 / gaps[1]) / 2
                steps = ((min(a, m), max(a, m)), (min(m, b), max(m, b)))
                yield Link((ends[0], m, ends[1]), steps, self._effect(activity, a, b, w_eff, excited))

    def _effect(self, activity: Activity, a: int, b: int, w_j: float, excited: FrozenSet[int]) -> float:
        if w_j == 0.0:
            return 0.0
        driven = [q for q in (a, b) if q in activity.tones]
        if self._hybrid(a, b, w_j):
            return 1.0
        if len(driven) == 1:
            i, j = driven[0], b if driven[0] == a else a
            if j not in excited:
                return min(1.0, self._sum(activity, i, j, w_j, (0,)))
            span = activity.span[i]
        else:
            span = (max(activity.span[q][0] for q in (a, b)), max(activity.span[q][1] for q in (a, b)))
        ways = [(i, b if i == a else a) for i in driven]
        amplitude = sum(np.sqrt(self._sum(activity, i, j, w_j, (0, 1))) for i, j in ways)
        phase = abs(zz_shift(self._pair(a, b, w_j))) * max(0, span[1] - span[0]) * self.device.timing.dt / 2
        return float(min(1.0, amplitude + phase))

    def _hybrid(self, a: int, b: int, w_j: float) -> bool:
        delta = self.w[a] - self.w[b]
        gaps = ((delta, 1.0), (delta + self.w_alpha[a], 2**0.5), (delta - self.w_alpha[b], 2**0.5))
        return any(abs(w_j) * root > HYBRID * abs(gap) for gap, root in gaps)

    def _pair(self, i: int, j: int, w_j: float) -> Pair:
        return Pair(float(self.w[i] - self.w[j]), float(self.w_alpha[i]), float(self.w_alpha[j]), float(abs(w_j)))

    def _sum(self, activity: Activity, i: int, j: int, w_j: float, levels: Tuple[int, ...]) -> float:
        """Return the excitation probability of j from all plays on i."""
        pair, linear, square = self._pair(i, j, w_j), 0.0, 0.0
        for tone in activity.tones[i]:
            w_half, w_detuning = self._drive(tone, i)
            m = max(excitation(pair, tone.pulse, w_half, w_detuning, self.device.timing.dt, s) for s in levels)
            linear += tone.count * m
            square += tone.count * m * m
        return float(min(linear**2, 4 * square))

    def _drive(self, tone: Tone, qubit: int) -> Tuple[float, float]:
        lines = self.device.drives if tone.channel.kind == "d" else self.device.controls
        line = lines[tone.channel.index]
        w_half = TWO_PI * line.rabi_rate * abs(line.gain) * tone.amplitude / 2
        return float(w_half), float(TWO_PI * tone.freq - self.w[qubit])

    def crosstalk(self, activity: Activity) -> Dict[int, float]:
        """Return the population that crosstalk takes out of undriven qubits."""
        by_channel: Dict[Channel, List[Tone]] = defaultdict(list)
        for tones in activity.tones.values():
            for tone in tones:
                by_channel[tone.channel].append(tone)
        found: Dict[int, float] = {}
        for path in self.device.crosstalk:
            channel = Channel.parse(path.channel)
            if path.qubit in activity.tones or channel not in by_channel or path.gain == 0:
                continue
            source = driven_qubit(self.device, channel)
            for tone in by_channel[channel]:
                w_half = self._drive(tone, source)[0] * abs(path.gain)
                w_detuning = float(TWO_PI * tone.freq - self.w[path.qubit])
                taken = leak(tone.pulse, w_half, w_detuning, float(self.w_alpha[path.qubit]), self.device.timing.dt)
                found[path.qubit] = min(1.0, found.get(path.qubit, 0.0) + 4 * tone.count * taken)
        return found


def _safe(gap: float, floor: float) -> float:
    return gap if abs(gap) > 2 * floor else (2 * floor if gap >= 0 else -2 * floor)
