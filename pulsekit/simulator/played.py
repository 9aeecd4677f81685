"""Hold what a lane plays as arrays, all transmons in one, for kernels that work without the GIL."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple, TypeVar

import numpy as np

from .model import Model
from .timeline import Tone

__all__ = ["Layout", "Played", "Score", "Shared"]

T = TypeVar("T")
KEPT = 8  # layouts of a model


class Shared:
    """Keeps what is made of it: that of all lanes that play at the same times."""

    made: Dict[Any, Any]

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Return what ``make`` returned when it was first called for a key."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Layout(Shared):
    """When what plays between two samples, one transmon after another, by time."""

    start: int  # samples
    stop: int
    qubit: np.ndarray  # int64[n], local
    places: np.ndarray  # int64[n, 4]: first sample, samples, those of the tone before it, its first row in all
    spans: np.ndarray  # int64[m, 3]: local qubit, samples [a, b) in which it is driven
    mixed: FrozenSet[int]  # local qubits whose tones overlap, or do not begin with a sample
    made: Dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Played(Shared):
    """What one lane plays; shares with those that play the same tones."""

    layout: Layout
    tones: List[Tone]
    lane: int  # of the tones
    numbers: np.ndarray  # float64[n, 4]: half of what envelope 1 drives (re, im), carrier, rad/s; the first sample, s
    samples: np.ndarray  # float64[all, 2]
    made: Dict[Any, Any]


class _Part(NamedTuple):
    """What lanes play between two samples that play the same tones."""

    key: Tuple[Any, ...]  # of the layout
    which: np.ndarray  # int64[n], of the score's tones
    tones: List[Tone]
    samples: np.ndarray  # float64[all, 2]
    made: Dict[Any, Any]


class Score(Shared):
    """What lanes of a program play, their numbers in arrays; threads may share it.

    Args:
        model: the cluster.
        tones: of the program.
        lanes: of the tones.
        w_c: rad/s, the common frame.
    """

    def __init__(self, model: Model, tones: Sequence[Tone], lanes: range, w_c: float) -> None:
        dt, lines = model.dt, model.lines
        found: List[Tuple[int, float, Tone]] = []
        for tone in tones:
            begin = tone.start_s / dt
            begin = float(round(begin)) if abs(begin - round(begin)) < 1e-7 else begin
            found.append((lines[tone.line].local_qubit, begin, tone))
        found.sort(key=lambda one: one[:2])
        self.dt, self.lanes, self.made, self.transmons = dt, lanes, {}, model.n
        self.tones = [tone for _, _, tone in found]
        self.when = [(q, begin, tone.samples.size) for q, begin, tone in found]
        mine, shape = slice(lanes.start, lanes.stop), (len(found), len(lanes))
        amplitude = np.array([t.amplitude[mine] for t in self.tones], dtype=complex).reshape(shape)
        half = np.array([lines[t.line].w_rate / 2 for t in self.tones]).reshape(-1, 1) * amplitude
        w = np.array([t.w[mine] for t in self.tones], dtype=float).reshape(shape)
        self.live = np.ascontiguousarray((amplitude != 0).T)  # bool[lanes, tones]
        self.numbers = np.stack([half.real.T, half.imag.T, w.T - w_c, np.zeros(shape[::-1])], axis=2)

    @cached_property
    def strongest(self) -> np.ndarray:
        """By how many rad the strongest tone drives in a sample, float64[lanes]."""
        peak = self._of_envelopes(lambda samples: np.abs(samples).max(initial=0.0))
        return (self._drives * peak).max(axis=1, initial=0.0)  # type: ignore[no-any-return]

    def turned(self, lanes: Sequence[int], start: int, stop: int) -> np.ndarray:
        """Return by how many rad lanes drive every transmon in all, float64[lanes, n], by tones between two samples."""
        inside = np.array([begin < stop and begin + size > start for _, begin, size in self.when], dtype=bool)
        area = self._of_envelopes(lambda samples: np.abs(samples).sum()) * inside
        out = np.zeros((len(lanes), self.transmons))
        for k in np.flatnonzero(area).tolist():
            out[:, self.when[k][0]] += self._drives[lanes, k] * area[k]
        return out

    @cached_property
    def _drives(self) -> np.ndarray:
        """What tones drive in a sample where their envelopes are 1, rad, float64[lanes, tones]."""
        return np.hypot(self.numbers[:, :, 0], self.numbers[:, :, 1]) * self.dt

    def _of_envelopes(self, what: Callable[[np.ndarray], float]) -> np.ndarray:
        """Return a number of every tone's envelope, float64[tones]."""
        known = {key: what(samples) for key, samples in {id(t.samples): t.samples for t in self.tones}.items()}
        return np.array([known[id(t.samples)] for t in self.tones], dtype=float)

    def alike(self) -> List[np.ndarray]:
        """Return the lanes that play the same tones, kind by kind."""
        if (self.live == self.live[:1]).all():
            return [np.arange(len(self.live))] if len(self.live) else []
        _, which = np.unique(self.live, axis=0, return_inverse=True)
        which = np.reshape(which, -1)
        return [np.flatnonzero(which == k) for k in range(int(which.max()) + 1)]

    def sounding(self, lane: int) -> List[Tone]:
        """Return the tones that a lane plays at all; lanes are counted from the score's first."""
        return [self.tones[k] for k in np.flatnonzero(self.live[lane]).tolist()]

    def played(self, lane: int, start: int, stop: int, known: "OrderedDict[Any, Layout]", align: int = 1) -> Played:
        """Return what a lane plays.

        Args:
            lane: counted from the score's first.
            start, stop: samples.
            known: layouts of before, one of which it may have.
            align: samples from ``start`` of which intervals begin and end at
                multiples, that of what plays one before and after it; 1: at
                its edges.
        """
        key = (start, stop, align, self.live[lane].tobytes())
        part = self.once(key, lambda: self._part(lane, start, stop, align))
        if part.key not in known:
            known[part.key] = _layout(*part.key)
            while len(known) > KEPT:
                known.popitem(last=False)
        layout = known[part.key]
        numbers = self.numbers[lane, part.which]
        numbers[:, 3] = layout.places[:, 0] * self.dt
        return Played(layout, part.tones, self.lanes[lane], numbers, part.samples, part.made)

    def numbers_of(self, lanes: Sequence[int], what: Played) -> np.ndarray:
        """Return the numbers of lanes that play the same tones as one, float64[lanes, n, 4]."""
        at = {id(tone): k for k, tone in enumerate(self.tones)}
        numbers = self.numbers[np.array(lanes)[:, None], [at[id(tone)] for tone in what.tones]]
        numbers[:, :, 3] = what.numbers[:, 3]
        return numbers

    def _part(self, lane: int, start: int, stop: int, align: int) -> _Part:
        live = self.live[lane].tolist()
        inside = [on and begin < stop and begin + size > start for on, (_, begin, size) in zip(live, self.when)]
        which = np.flatnonzero(inside)
        tones = [self.tones[k] for k in which.tolist()]
        samples = np.concatenate([*(t.samples for t in tones), np.zeros(1, dtype=complex)])
        key = (start, stop, align, tuple(self.when[k] for k in which.tolist()))
        return _Part(key, which, tones, samples.view(np.float64).reshape(-1, 2), {})


def _layout(start: int, stop: int, align: int, when: Sequence[Tuple[int, float, int]]) -> Layout:
    mixed = set()
    spans: List[List[int]] = []
    before = (-1, 0.0)
    for q, begin, size in when:
        end = begin + size
        if begin != round(begin) or (q == before[0] and begin < before[1] - 1e-6):
            mixed.add(q)
        before = (q, max(end, before[1]) if q == before[0] else end)
        a, b = max(math.floor(begin), start), min(math.ceil(end), stop)
        if align > 1:
            a = max(start, a - (a - start) % align - align)
            b = min(stop, b - (b - start) % -align + align)
        if spans and spans[-1][0] == q and a <= spans[-1][2]:
            spans[-1][2] = max(b, spans[-1][2])
        else:
            spans.append([q, a, b])
    begins = np.array([round(begin) for _, begin, _ in when], dtype=np.int64)
    sizes = np.array([size for _, _, size in when], dtype=np.int64)
    first, last = np.maximum(begins, start), np.minimum(begins + sizes, stop)
    return Layout(
        start,
        stop,
        np.array([q for q, _, _ in when], dtype=np.int64),
        np.stack([first, last - first, first - begins, np.cumsum(sizes) - sizes], axis=1),
        np.array(spans, dtype=np.int64).reshape(-1, 3),
        frozenset(mixed),
    )
