"""Tabulate the exact local propagators of driven transmons.

In the common frame, exp(i w_c N t), a transmon's local part is diagonal
except for its drive. Between two edges (of stages, of held samples) the drive
is a sum of carriers; each piece takes a commutator-free Magnus step of order
4 (Alvermann and Fehske, J. Comput. Phys. 230, 5930 (2011)), cut into equal
parts where a carrier turns too far. Only d x d matrices are touched, so that
counter-rotating terms cost the same state-size work as the RWA.
"""

from __future__ import annotations

import math
from typing import List, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .timeline import Tone

__all__ = ["busy_intervals", "local_table", "stretches"]

_GAUSS = (0.5 - 3**0.5 / 6, 0.5 + 3**0.5 / 6)
_WEIGHT = (0.5 + 3**0.5 / 3, 0.5 - 3**0.5 / 3)


def busy_intervals(tones: Sequence[Tone], dt: float, start: int, stop: int) -> List[Tuple[int, int]]:
    """Return the merged intervals [a, b) of samples in which any tone plays."""
    spans = []
    for tone in tones:
        a = math.floor(tone.start_s / dt + 1e-9)
        b = math.ceil(tone.start_s / dt - 1e-9) + tone.samples.size
        if max(a, start) < min(b, stop):
            spans.append((max(a, start), min(b, stop)))
    out: List[Tuple[int, int]] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], b))
        else:
            out.append((a, b))
    return out


def stretches(tones: Sequence[Tone], dt: float, start: int, stop: int, idle: int) -> List[Tuple[int, int, bool]]:
    """Cut start..stop into (first, last, whether nothing plays for ``idle`` samples or more)."""
    out: List[Tuple[int, int, bool]] = []
    now = start
    for a, b in [*busy_intervals(tones, dt, start, stop), (stop, stop)]:
        if a - now >= idle:
            out.append((now, a, True))
            now = a
        if b > now:
            begin = now if not out or out[-1][2] else out.pop()[0]
            out.append((begin, b, False))
            now = b
    return out


def _pieces(edges: np.ndarray, tones: Sequence[Tone], dt: float, aligned: bool, cut: int) -> np.ndarray:
    """Return piece edges: stage edges, sample edges, equal cuts."""
    if not aligned:
        marks = [edges]
        for tone in tones:
            marks.append(tone.start_s + np.arange(tone.samples.size + 1) * dt)
        every = np.unique(np.concatenate(marks))
        every = every[(every > edges[0] - 1e-6 * dt) & (every < edges[-1] + 1e-6 * dt)]
        near = np.searchsorted(edges, every)
        near = np.clip(near, 1, edges.size - 1)
        snapped = np.where(np.abs(every - edges[near - 1]) < 1e-6 * dt, edges[near - 1], every)
        snapped = np.where(np.abs(every - edges[near]) < 1e-6 * dt, edges[near], snapped)
        edges = np.unique(snapped)
        keep = np.concatenate([[True], np.diff(edges) > 1e-7 * dt])
        edges = edges[keep]
    if cut > 1:
        fractions = np.arange(cut) / cut
        edges = np.append((edges[:-1, None] + np.diff(edges)[:, None] * fractions).reshape(-1), edges[-1])
    return edges


def local_table(
    diagonal: np.ndarray,
    tones: Sequence[Tone],
    w_half: Sequence[float],
    lane: int,
    edges: np.ndarray,
    *,
    w_c: float,
    dt: float,
    rwa: bool,
    aligned: bool,
    tolerance: float,
) -> np.ndarray:
    """Return the propagator of every stage between ``edges``.

    Args:
        diagonal: float64[d], rad/s, common frame.
        tones: those on this transmon.
        w_half: rad/s, half the line's rate, per tone.
        lane: which lane's amplitude and carrier.
        edges: float64[stages + 1], s, ascending.
        w_c: rad/s, the common frame.
        dt: s.
        rwa: drop counter-rotating terms.
        aligned: every sample edge is a stage edge.
        tolerance: error allowed in the whole table.

    Returns:
        float64[stages, d * d, 2].
    """
    cut = _cuts(tones, w_half, lane, float(np.max(np.diff(edges))), edges.size, w_c, rwa, tolerance)
    marks = _pieces(edges, tones, dt, aligned, cut)
    tau = np.diff(marks)
    nodes = [marks[:-1] + g * tau for g in _GAUSS]
    middle = marks[:-1] + tau / 2
    f = [np.zeros(tau.size, dtype=complex) for _ in nodes]
    for tone, half in zip(tones, w_half):
        index = np.floor((middle - tone.start_s) / dt).astype(np.int64)
        lo, hi = np.searchsorted(index, [0, tone.samples.size])
        if lo == hi:
            continue
        envelope = (half * tone.amplitude[lane]) * tone.samples[index[lo:hi]]
        for part, t in zip(f, nodes):
            part[lo:hi] += _signal(envelope, float(tone.w[lane]), t[lo:hi], w_c, rwa)
    f1 = _WEIGHT[0] * f[0] + _WEIGHT[1] * f[1]
    f2 = _WEIGHT[1] * f[0] + _WEIGHT[0] * f[1]
    first = np.searchsorted(marks, edges).astype(np.int64)
    out = np.empty((edges.size - 1, diagonal.size**2, 2))
    kernel("split").local_products(diagonal, tau, _pairs(f1), _pairs(f2), first, out)
    return out


def _pairs(f: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(f).view(np.float64).reshape(-1, 2)


def _signal(envelope: np.ndarray, w: float, t: np.ndarray, w_c: float, rwa: bool) -> np.ndarray:
    f = envelope if w == w_c else envelope * np.exp(1j * ((w - w_c) * t))
    return f if rwa else f + np.conj(f) * np.exp(-2j * w_c * t)


def _cuts(
    tones: Sequence[Tone],
    w_half: Sequence[float],
    lane: int,
    longest: float,
    stages: int,
    w_c: float,
    rwa: bool,
    tolerance: float,
) -> int:
    fast = max((abs(float(t.w[lane]) - w_c) for t in tones), default=0.0)
    if not rwa:
        fast = max((float(t.w[lane]) + w_c for t in tones), default=0.0)
    strong = sum(
        h * abs(t.amplitude[lane]) * float(np.max(np.abs(t.samples), initial=0.0)) for t, h in zip(tones, w_half)
    )
    error = (fast * longest) ** 4 * strong * longest * stages / 3000
    return int(np.clip(np.ceil((error / (0.1 * tolerance)) ** 0.25), 1, 64))
