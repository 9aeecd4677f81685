"""Hold what a lane plays as arrays, all transmons in one, for kernels that work without the GIL."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, List, Sequence, Tuple, TypeVar

import numpy as np

from .model import Model
from .timeline import Tone

__all__ = ["Layout", "Played", "Shared", "played"]

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
class Played:
    """What one lane plays."""

    layout: Layout
    tones: List[Tone]
    lane: int
    numbers: np.ndarray  # float64[n, 4]: half of what envelope 1 drives (re, im), carrier, rad/s; the first sample, s
    samples: np.ndarray  # float64[all, 2]


def played(
    model: Model,
    tones: Sequence[Tone],
    lane: int,
    start: int,
    stop: int,
    *,
    w_c: float,
    known: "OrderedDict[Any, Layout]",
    align: int = 1,
) -> Played:
    """Return what a lane plays.

    Args:
        model: the cluster.
        tones: of its program.
        lane: which lane's amplitudes and carriers.
        start, stop: samples.
        w_c: rad/s, the common frame.
        known: layouts of before, one of which it may have.
        align: samples from ``start`` of which intervals begin and end at
            multiples, that of what plays one before and after it; 1: at its
            edges.
    """
    dt, lines = model.dt, model.lines
    live: List[Tuple[int, float, Tone]] = []
    for tone in tones:
        begin = tone.start_s / dt
        begin = float(round(begin)) if abs(begin - round(begin)) < 1e-7 else begin
        if begin < stop and begin + tone.samples.size > start and tone.amplitude[lane] != 0:
            live.append((lines[tone.line].local_qubit, begin, tone))
    live.sort(key=lambda found: found[:2])
    when = tuple((q, begin, tone.samples.size) for q, begin, tone in live)
    key = (start, stop, align, when)
    if key not in known:
        known[key] = _layout(start, stop, align, when)
        while len(known) > KEPT:
            known.popitem(last=False)
    layout = known[key]
    chosen = [tone for _, _, tone in live]
    half = np.array([lines[t.line].w_rate / 2 * t.amplitude[lane] for t in chosen], dtype=complex)
    numbers = np.empty((len(chosen), 4))
    numbers[:, 0], numbers[:, 1] = half.real, half.imag
    numbers[:, 2] = [t.w[lane] - w_c for t in chosen]
    numbers[:, 3] = layout.places[:, 0] * dt
    samples = np.concatenate([*(t.samples for t in chosen), np.zeros(1, dtype=complex)])
    return Played(layout, chosen, lane, numbers, samples.view(np.float64).reshape(-1, 2))


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
