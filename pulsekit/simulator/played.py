"""Hold what a lane plays as arrays, all transmons in one, for kernels that work without the GIL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from .model import Model
from .timeline import Tone

__all__ = ["Played", "played"]


@dataclass(frozen=True, eq=False)
class Played:
    """The tones of a lane between two samples, those of one transmon after another, by time."""

    tones: List[Tone]
    lane: int
    qubit: np.ndarray  # int64[n], local
    places: np.ndarray  # int64[n, 4]: first sample, samples, samples of the tone before it, its first row in samples
    numbers: np.ndarray  # float64[n, 4]: half of what envelope 1 drives (re, im), carrier, rad/s; the first sample, s
    samples: np.ndarray  # float64[all, 2], every pulse once
    spans: np.ndarray  # int64[m, 3]: local qubit, samples [a, b) in which it is driven
    mixed: "frozenset[int]"  # local qubits whose tones overlap, or do not begin with a sample


def played(
    model: Model, tones: Sequence[Tone], lane: int, start: int, stop: int, *, w_c: float, align: int = 1
) -> Played:
    """Return what a lane plays.

    Args:
        model: the cluster.
        tones: of its program.
        lane: which lane's amplitudes and carriers.
        start, stop: samples.
        w_c: rad/s, the common frame.
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
    mixed = set()
    spans: List[List[int]] = []
    before = (-1, 0.0)
    for q, begin, tone in live:
        end = begin + tone.samples.size
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
    chosen = [tone for _, _, tone in live]
    begins = np.rint(np.array([begin for _, begin, _ in live])).astype(np.int64)
    sizes = np.array([tone.samples.size for tone in chosen], dtype=np.int64)
    first, last = np.maximum(begins, start), np.minimum(begins + sizes, stop)
    rows, samples = _rows(chosen)
    half = np.array([lines[t.line].w_rate / 2 * t.amplitude[lane] for t in chosen], dtype=complex)
    w = np.array([t.w[lane] for t in chosen])
    return Played(
        chosen,
        lane,
        np.array([q for q, _, _ in live], dtype=np.int64),
        np.stack([first, last - first, first - begins, rows], axis=1),
        np.stack([half.real, half.imag, w - w_c, first * dt], axis=1),
        samples,
        np.array(spans, dtype=np.int64).reshape(-1, 3),
        frozenset(mixed),
    )


def _rows(tones: Sequence[Tone]) -> Tuple[np.ndarray, np.ndarray]:
    """Return where each tone's samples begin in an array of all pulses, and that."""
    at: Dict[int, int] = {}
    pulses: List[np.ndarray] = []
    size, out = 0, []
    for tone in tones:
        key = id(tone.samples)
        if key not in at:
            at[key] = size
            pulses.append(tone.samples)
            size += tone.samples.size
        out.append(at[key])
    joined = np.concatenate(pulses) if pulses else np.zeros(1, dtype=complex)
    return np.array(out, dtype=np.int64), joined.view(np.float64).reshape(-1, 2)
