"""Evolve kets of three or more transmons by splitting (method S).

H = A + B: A local and exact (drives, anharmonicities), B the couplings, about
a hundred times weaker. Each outer step is a composition of
:mod:`~pulsekit.simulator.schemes`; its cost is the state size times the number
of driven transmons and couplings. Idle stretches are one exact step in the
dressed basis where that is tabulated.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from ..errors import CancelledError
from .ket import MARGIN, KetLayout
from .localdrive import busy_intervals, local_table
from .model import Model
from .pairgates import Coupling, coupling_layer, pair_correction
from .schemes import SCHEMES, Scheme
from .timeline import Tone

__all__ = ["Splitting", "StepChoice"]

CHUNK_SECONDS = 0.05  # between looks at ``cancel``


@dataclass(frozen=True)
class StepChoice:
    """A scheme and its outer step in samples (a whole number, or 1 over one)."""

    scheme: Scheme
    samples: float


@dataclass(frozen=True)
class _Segment:
    """Equal outer steps during which the same transmons are driven."""

    start_s: float
    h: float  # s
    count: int
    busy: Tuple[int, ...]


class Splitting:
    """The splitting propagator of one model, common frame, bare basis."""

    def __init__(self, model: Model, choice: StepChoice, *, rwa: bool, tolerance: float) -> None:
        self.model, self.choice, self.rwa, self.tolerance = model, choice, rwa, tolerance
        self.layout = KetLayout(model.levels)
        self.w_c = float(np.mean(model.w_bare))
        self.local = []
        for q, d in enumerate(model.levels):
            n = np.arange(float(d))
            self.local.append((model.w_bare[q] - self.w_c) * n + model.w_alpha[q] / 2 * n * (n - 1))
        self.couplings = _ordered(model.couplings)
        self._layers: Dict[float, int] = {}
        self._gates: List[np.ndarray] = []
        self._pool: List[np.ndarray] = []
        self._pool_size = 0
        self._diagonals: Dict[Tuple[float, float, Tuple[int, ...]], int] = {}
        self._diagonal: List[np.ndarray] = []
        self._two_body: Dict[float, np.ndarray] = {}

    def run(
        self,
        tones: Sequence[Tone],
        lane: int,
        columns: np.ndarray,
        start: int,
        stop: int,
        cancel: Optional[threading.Event] = None,
    ) -> np.ndarray:
        """Evolve columns complex128[dim, m] from sample ``start`` to ``stop``."""
        segments, tables = self._prepare(tones, lane, start, stop)
        out = np.empty_like(columns)
        re, im = self.layout.empty()
        for m in range(columns.shape[1]):
            self.layout.put(columns[:, m], re, im)
            self._column(segments, tables, re, im, cancel)
            out[:, m] = self.layout.get(re, im)
        return out

    def _prepare(
        self, tones: Sequence[Tone], lane: int, start: int, stop: int
    ) -> Tuple[List[_Segment], List[Dict[int, np.ndarray]]]:
        dt = self.model.dt
        lines = self.model.lines
        mine: Dict[int, List[Tone]] = {}
        for tone in tones:
            if tone.amplitude[lane] != 0:
                mine.setdefault(lines[tone.line].local_qubit, []).append(tone)
        busy = {q: busy_intervals(t, dt, start, stop) for q, t in mine.items()}
        segments = self._segments(busy, start, stop)
        tables: List[Dict[int, np.ndarray]] = [{} for _ in segments]
        edges = np.array(self.choice.scheme.edges)
        stages = len(self.choice.scheme.stages)
        for q, intervals in busy.items():
            for a, b in intervals:
                inside = [k for k, s in enumerate(segments) if q in s.busy and a * dt <= s.start_s + s.h / 2 <= b * dt]
                marks = []
                for k in inside:
                    s = segments[k]
                    marks.append((s.start_s + s.h * (np.arange(s.count)[:, None] + edges[None, :-1])).reshape(-1))
                last = segments[inside[-1]]
                marks.append(np.array([last.start_s + last.h * last.count]))
                table = self._table(q, mine[q], lane, np.concatenate(marks), a, b)
                at = 0
                for k in inside:
                    size = segments[k].count * stages
                    tables[k][q] = table[at : at + size]
                    at += size
        return segments, tables

    def _table(self, q: int, tones: List[Tone], lane: int, marks: np.ndarray, a: int, b: int) -> np.ndarray:
        dt = self.model.dt
        here = [t for t in tones if t.start_s < (b - 0.5) * dt and t.start_s + t.samples.size * dt > (a + 0.5) * dt]
        whole = all(abs(t.start_s / dt - round(t.start_s / dt)) < 1e-7 for t in here)
        lines = self.model.lines
        return local_table(
            self.local[q],
            here,
            [lines[t.line].w_rate / 2 * self._drive_factor(q) for t in here],
            lane,
            marks,
            w_c=self.w_c,
            dt=dt,
            rwa=self.rwa,
            aligned=whole and self.choice.samples <= 1,
            tolerance=self.tolerance / 10,
        )

    def _drive_factor(self, q: int) -> float:
        """Return what undoes the scheme's c h^2 [B, [B, D]] = c h^2 (sum J^2) D."""
        square = sum(w_j**2 for i, j, w_j in self.couplings if q in (i, j))
        return 1.0 - self.choice.scheme.second * (self.choice.samples * self.model.dt) ** 2 * square

    def _segments(self, busy: Dict[int, List[Tuple[int, int]]], start: int, stop: int) -> List[_Segment]:
        dt = self.model.dt
        marks = sorted({start, stop, *(x for spans in busy.values() for span in spans for x in span)})
        out: List[_Segment] = []
        for a, b in zip(marks[:-1], marks[1:]):
            on = tuple(sorted(q for q, spans in busy.items() if any(x <= a and b <= y for x, y in spans)))
            m = self.choice.samples
            if m <= 1:
                out.append(_Segment(a * dt, m * dt, round((b - a) / m), on))
                continue
            whole, rest = divmod(b - a, int(m))
            if whole:
                out.append(_Segment(a * dt, int(m) * dt, whole, on))
            if rest:
                out.append(_Segment((b - rest) * dt, rest * dt, 1, on))
        return out

    def _column(
        self,
        segments: List[_Segment],
        tables: List[Dict[int, np.ndarray]],
        re: np.ndarray,
        im: np.ndarray,
        cancel: Optional[threading.Event],
    ) -> None:
        layout, scheme = self.layout, self.choice.scheme
        levels = np.array(layout.levels, dtype=np.int64)
        plans = []
        for k, s in enumerate(segments):
            before = segments[k - 1].h if k else 0.0
            after = segments[k + 1].h if k + 1 < len(segments) else 0.0
            plans.append(self._plan(s, before, after))
        gates, pool, diagonal = self._arrays()
        per_chunk = max(1, int(CHUNK_SECONDS / max(1e-9, self.step_seconds())))
        parity = 0
        for s, table, (kinds, opening, closing) in zip(segments, tables, plans):
            on = np.array(s.busy, dtype=np.int64)
            done = 0
            while done < s.count:
                if cancel is not None and cancel.is_set():
                    raise CancelledError("The simulation was cancelled.")
                count = min(per_chunk, s.count - done)
                last = done + count == s.count
                parity = kernel("split").steps(
                    re,
                    im,
                    MARGIN,
                    layout.total,
                    levels,
                    layout.strides,
                    layout.group,
                    layout.padded,
                    on,
                    [table[q] for q in s.busy],
                    done,
                    count,
                    gates,
                    pool,
                    kinds,
                    diagonal,
                    opening if done == 0 else -1,
                    closing if last else -2,
                    parity,
                )
                done += count
        del scheme

    def step_seconds(self) -> float:
        """Return a rough time of one outer step, s (for chunks; see cost.py)."""
        stages = len(self.choice.scheme.stages)
        return 1e-9 * stages * self.layout.total * (1.0 + len(self.model.levels) + 0.7 * len(self.couplings))

    def _plan(self, s: _Segment, before: float, after: float) -> Tuple[np.ndarray, int, int]:
        """Return the segment's kinds of diagonals and layers, and its ends.

        A step's last layer joins the next step's first; so does the last of a
        segment where the next has the same step.
        """
        scheme = self.choice.scheme
        joined = scheme.stages[-1][1] + scheme.first
        diagonals, layers = [], []
        for k, (a, b) in enumerate(scheme.stages):
            diagonals.append(self._diagonal_of(a * s.h, s.h, s.busy))
            layers.append(self._layer_of((joined if k == len(scheme.stages) - 1 else b) * s.h))
        opening = -1 if before == s.h else self._layer_of(scheme.first * s.h / 2)
        closing = -2 if after == s.h else self._layer_of(scheme.stages[-1][1] * s.h / 2)
        return np.array(diagonals + layers, dtype=np.int64), opening, closing

    def _layer_of(self, span: float) -> int:
        if span == 0.0 or not self.couplings:
            return -1
        if span not in self._layers:
            rows, numbers = coupling_layer(self.layout, self.couplings, span, [1.0] * len(self.couplings))
            rows[:, 5] += self._pool_size
            self._pool_size += numbers.size
            self._gates.append(rows)
            self._pool.append(numbers)
            self._layers[span] = len(self._gates) - 1
        return self._layers[span]

    def _diagonal_of(self, span: float, h: float, busy: Tuple[int, ...]) -> int:
        key = (span, h, busy)
        if key not in self._diagonals:
            values = self._two_body_of(h).copy()
            n = len(self.local)
            for q, energies in enumerate(self.local):
                if q not in busy:
                    shape = [1] * n
                    shape[n - 1 - q] = energies.size
                    values = values + energies.reshape(shape)
            phase = self.layout.spread(np.exp(-1j * span * values.reshape(-1)))
            self._diagonal.append(np.stack([phase.real, phase.imag]))
            self._diagonals[key] = len(self._diagonal) - 1
        return self._diagonals[key]

    def _two_body_of(self, h: float) -> np.ndarray:
        if h not in self._two_body:
            levels = self.layout.levels
            n = len(levels)
            total = np.zeros(levels[::-1])
            for i, j, w_j in self.couplings:
                shift = pair_correction(
                    self.choice.scheme, h, (levels[i], levels[j]), (self.local[i], self.local[j]), w_j
                )
                shape = [1] * n
                shape[n - 1 - j], shape[n - 1 - i] = levels[j], levels[i]
                total = total + shift.reshape(shape)
            self._two_body[h] = total
        return self._two_body[h]

    def _arrays(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        gates = np.stack(self._gates) if self._gates else np.zeros((1, 0, 6), np.int64)
        pool = np.concatenate(self._pool) if self._pool else np.zeros(1)
        return gates, pool, np.stack(self._diagonal)


def _ordered(couplings: Sequence[Tuple[int, int, float]]) -> List[Coupling]:
    """Return couplings as (low, high, J), low strides first."""
    return sorted((min(i, j), max(i, j), float(w)) for i, j, w in couplings if w != 0.0)


def scheme_named(name: str) -> Scheme:
    """Return a scheme of the table."""
    return SCHEMES[name]
