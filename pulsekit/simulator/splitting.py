"""Evolve states of three or more transmons by splitting (method S).

H = A + B: A local and exact (drives, anharmonicities), B the couplings, about
a hundred times weaker. Each outer step is a composition of
:mod:`~pulsekit.simulator.schemes`; its cost is the state size times the number
of driven transmons and couplings. Density matrices are kets of twice as many
sites (:mod:`~pulsekit.simulator.sites`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from ..errors import CancelledError
from .ket import MARGIN, KetLayout
from .layers import Layers
from .localdrive import busy_intervals, local_table
from .model import Model
from .schemes import Scheme
from .sites import sites_of
from .timeline import Tone

__all__ = ["Segment", "Splitting", "StepChoice"]

CHUNK_SECONDS = 0.03  # between looks at ``cancel``


@dataclass(frozen=True)
class StepChoice:
    """A scheme and its outer step in samples (a whole number, or 1 over one)."""

    scheme: Scheme
    samples: float


@dataclass(frozen=True)
class Segment:
    """Equal outer steps during which the same transmons are driven."""

    start_s: float
    h: float  # s
    count: int
    busy: Tuple[int, ...]  # sites with a table
    tables: Tuple[np.ndarray, ...]  # float64[count * stages, d * d, 2] per busy site


class Splitting:
    """The splitting propagator of one model, common frame, bare basis.

    Args:
        model: the cluster.
        choice: scheme and step.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in the local propagators of a program.
        mode: "ket", "density", or "nojump" (a trajectory between jumps).
    """

    def __init__(self, model: Model, choice: StepChoice, *, rwa: bool, tolerance: float, mode: str = "ket") -> None:
        self.model, self.choice, self.rwa, self.tolerance = model, choice, rwa, tolerance
        self.w_c = float(np.mean(model.w_bare))
        self.sites = sites_of(model, self.w_c, mode)
        self.layout = KetLayout(self.sites.levels)
        self.layers = Layers(model, self.sites, self.layout, choice.scheme)
        self._levels = np.array(self.layout.levels, dtype=np.int64)

    def run(
        self, segments: Sequence[Segment], columns: np.ndarray, cancel: Optional[threading.Event] = None
    ) -> np.ndarray:
        """Evolve columns complex128[size, m] through all segments."""
        for s in segments:
            self.layers.kinds(s.h, s.busy)
            self.layers.end(s.h)
        out = np.empty_like(columns)
        re, im = self.layout.empty()
        for m in range(columns.shape[1]):
            self.layout.put(columns[:, m], re, im)
            for k in range(len(segments)):
                self.advance(segments, k, re, im, cancel=cancel)
            out[:, m] = self.layout.get(re, im)
        return out

    def segments(self, tones: Sequence[Tone], lane: int, start: int, stop: int) -> List[Segment]:
        """Return the program as segments with their local propagators."""
        dt, lines = self.model.dt, self.model.lines
        mine: Dict[int, List[Tone]] = {}
        for tone in tones:
            if tone.amplitude[lane] != 0:
                mine.setdefault(lines[tone.line].local_qubit, []).append(tone)
        busy = {q: busy_intervals(t, dt, start, stop) for q, t in mine.items()}
        plain = self._grid(busy, start, stop)
        tables: List[Dict[int, np.ndarray]] = [{} for _ in plain]
        for q, intervals in busy.items():
            for a, b in intervals:
                inside = [k for k, s in enumerate(plain) if q in s.busy and a * dt <= s.start_s + s.h / 2 <= b * dt]
                if inside:
                    self._fill(q, mine[q], lane, [plain[k] for k in inside], [tables[k] for k in inside], (a, b))
        for s in plain:
            self._ready(s)
        return [self._finished(s, t) for s, t in zip(plain, tables)]

    def _ready(self, s: Segment) -> None:
        self.layers.kinds(s.h, self._sites(s.busy))
        self.layers.end(s.h)

    def _sites(self, busy: Tuple[int, ...]) -> Tuple[int, ...]:
        extra = tuple(q + self.sites.transmons for q in busy) if self.sites.mode == "density" else ()
        return busy + extra

    def _finished(self, s: Segment, tables: Dict[int, np.ndarray]) -> Segment:
        found = [tables[q] for q in s.busy]
        if self.sites.mode == "density":
            found += [t * np.array([1.0, -1.0]) for t in found]
        return Segment(s.start_s, s.h, s.count, self._sites(s.busy), tuple(found))

    def _fill(
        self,
        q: int,
        tones: List[Tone],
        lane: int,
        segments: List[Segment],
        tables: List[Dict[int, np.ndarray]],
        span: Tuple[int, int],
    ) -> None:
        edges = np.array(self.choice.scheme.edges[:-1])
        marks = [(s.start_s + s.h * (np.arange(s.count)[:, None] + edges[None, :])).reshape(-1) for s in segments]
        last = segments[-1]
        table = self._table(q, tones, lane, np.append(np.concatenate(marks), last.start_s + last.h * last.count), span)
        at = 0
        for s, found in zip(segments, tables):
            size = s.count * edges.size
            found[q] = table[at : at + size]
            at += size

    def _table(self, q: int, tones: List[Tone], lane: int, marks: np.ndarray, span: Tuple[int, int]) -> np.ndarray:
        dt, lines = self.model.dt, self.model.lines
        begin, end = (span[0] + 0.5) * dt, (span[1] - 0.5) * dt
        here = [t for t in tones if t.start_s < end and t.start_s + t.samples.size * dt > begin]
        whole = all(abs(t.start_s / dt - round(t.start_s / dt)) < 1e-7 for t in here)
        ticks = np.rint(marks / dt).astype(np.int64)
        by_sample = whole and self.rwa and self.choice.samples > 1 and bool((np.abs(marks / dt - ticks) < 1e-7).all())
        table = local_table(
            self.sites.energies[q],
            here,
            [lines[t.line].w_rate / 2 for t in here],
            lane,
            np.arange(ticks[0], ticks[-1] + 1) * dt if by_sample else marks,
            w_c=self.w_c,
            dt=dt,
            rwa=self.rwa,
            aligned=by_sample or (whole and self.choice.samples <= 1),
            tolerance=self.tolerance / 10,
        )
        if not by_sample:
            return table
        out = np.empty((marks.size - 1, table.shape[1], 2))
        kernel("split").products(table, ticks - ticks[0], out, self.sites.levels[q])
        return out

    def _grid(self, busy: Dict[int, List[Tuple[int, int]]], start: int, stop: int) -> List[Segment]:
        dt, m = self.model.dt, self.choice.samples
        marks = sorted({start, stop, *(x for spans in busy.values() for span in spans for x in span)})
        out: List[Segment] = []
        for a, b in zip(marks[:-1], marks[1:]):
            on = tuple(sorted(q for q, spans in busy.items() if any(x <= a and b <= y for x, y in spans)))
            if m <= 1:
                out.append(Segment(a * dt, m * dt, round((b - a) / m), on, ()))
                continue
            whole, rest = divmod(b - a, int(m))
            if whole:
                out.append(Segment(a * dt, int(m) * dt, whole, on, ()))
            if rest:
                out.append(Segment((b - rest) * dt, rest * dt, 1, on, ()))
        return out

    def advance(
        self,
        segments: Sequence[Segment],
        k: int,
        re: np.ndarray,
        im: np.ndarray,
        *,
        first: int = 0,
        floor: float = -1.0,
        fresh: bool = False,
        cancel: Optional[threading.Event] = None,
    ) -> int:
        """Run segment ``k`` from its step ``first``, in place.

        Args:
            segments: of the whole program (a step's last layer joins the next
                segment's first where they have one length).
            k: which segment.
            re, im: the state, laid out.
            first: steps done already.
            floor: stop after the step at whose end the squared norm is not
                above it; negative: never.
            fresh: the state is whole at ``first``: apply the opening layer.
            cancel: looked at every :data:`CHUNK_SECONDS` or so.

        Returns:
            Steps done of the segment, ``first`` included. After a stop, the
            state is a layer ahead (:meth:`close`).
        """
        s = segments[k]
        joins = k > 0 and segments[k - 1].h == s.h and first == 0 and not fresh
        opening = -1 if joins or (first and not fresh) else self.layers.end(s.h)
        follows = k + 1 < len(segments) and segments[k + 1].h == s.h
        closing = -2 if follows else self.layers.end(s.h)
        kinds = self.layers.kinds(s.h, s.busy)
        chunk = max(1, int(CHUNK_SECONDS / self.step_seconds()))
        done = first
        while done < s.count:
            if cancel is not None and cancel.is_set():
                raise CancelledError("The simulation was cancelled.")
            count = min(chunk, s.count - done)
            last = done + count == s.count
            ran = self._steps(s, re, im, done, count, kinds, opening, closing if last else -2, floor)
            opening = -1
            done += ran
            if ran < count:
                break
        return done

    def close(self, segments: Sequence[Segment], k: int, done: int, re: np.ndarray, im: np.ndarray) -> None:
        """Take back the layer that the step after ``done`` of segment ``k`` has lent."""
        s = segments[k]
        follows = k + 1 < len(segments) and segments[k + 1].h == s.h
        if done < s.count or follows:
            self._steps(s, re, im, 0, 0, self.layers.kinds(s.h, s.busy), self.layers.end(s.h, back=True), -2, -1.0)

    def _steps(
        self,
        s: Segment,
        re: np.ndarray,
        im: np.ndarray,
        done: int,
        count: int,
        kinds: np.ndarray,
        opening: int,
        closing: int,
        floor: float,
    ) -> int:
        gates, pool, diagonal = self.layers.arrays()
        layout = self.layout
        return int(
            kernel("split").steps(
                re,
                im,
                MARGIN,
                layout.total,
                self._levels,
                layout.strides,
                layout.group,
                layout.padded,
                np.array(s.busy, dtype=np.int64),
                list(s.tables),
                done,
                count,
                gates,
                pool,
                kinds,
                diagonal,
                opening,
                closing,
                floor,
            )
        )

    def step_seconds(self) -> float:
        """Return a rough time of one outer step, s (for chunks; see cost.py)."""
        stages = len(self.choice.scheme.stages)
        passes = 1.0 + len(self.layout.levels) + 0.7 * len(self.sites.couplings)
        return 2e-7 + 4e-10 * stages * self.layout.total * passes
