"""Cut a program into segments, each of equal steps that drive the same transmons."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .localdrive import local_table
from .model import Model
from .played import Layout, Played, Score, Shared
from .timeline import Tone

__all__ = ["Course", "Grid", "LocalDrive", "Tables"]

TOUCH = 1e-6  # samples by which a tone reaches into an interval, at least


@dataclass(frozen=True, eq=False)
class Tables:
    """Where the local propagators of driven transmons are, one table after another."""

    qubits: np.ndarray  # int64[k], local, ascending
    rows: np.ndarray  # int64[k]
    first: np.ndarray  # int64[k], first number of each
    size: int  # numbers of all

    @staticmethod
    def of(levels: np.ndarray, qubits: np.ndarray, rows: np.ndarray) -> "Tables":
        """Return tables float64[rows, d, d, 2]."""
        sizes = rows * 2 * levels[qubits] ** 2
        return Tables(qubits, rows, np.cumsum(sizes) - sizes, int(sizes.sum()))

    def empty(self) -> np.ndarray:
        """Return room for them."""
        return np.empty(max(1, self.size))

    def into(self, other: "Tables", rows: np.ndarray) -> np.ndarray:
        """Return how kernels make other tables of these, int64[k, 5].

        Args:
            other: of the same transmons.
            rows: int64[k], that are to be made.
        """
        return np.stack([self.qubits, self.first, rows, other.first, np.cumsum(rows) - rows], axis=1)


@dataclass(frozen=True, eq=False)
class Grid(Shared):
    """A program's segments, in order."""

    h: np.ndarray  # float64[m], length of a step, s; 0: drives only, no couplings, no energies
    counts: np.ndarray  # int64[m], steps
    busy: np.ndarray  # bool[m, transmons], which are driven
    rows: np.ndarray  # int64[m, transmons], each table's row at the segment's first step
    tables: Tables
    made: Dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Course:
    """Segments with their local propagators."""

    grid: Grid
    numbers: np.ndarray  # float64[all], of the tables


class _Carried(NamedTuple):
    """What the kernel takes of some tables beside a lane's numbers."""

    mine: Optional[np.ndarray]  # bool[n], which tones; None: all
    sites: np.ndarray  # the tables
    places: np.ndarray  # where the tones lie in them


@dataclass(frozen=True, eq=False)
class LocalDrive:
    """Makes courses of what a lane plays, in the common frame. Of one thread at a time."""

    model: Model
    energies: Tuple[np.ndarray, ...]  # float64[d] per transmon, rad/s, common frame
    w_c: float  # rad/s, the common frame
    rwa: bool
    tolerance: float  # error allowed in a whole table
    known: "OrderedDict[Any, Layout]" = field(default_factory=OrderedDict)

    @cached_property
    def levels(self) -> np.ndarray:
        """The levels of every transmon, int64[n]."""
        return np.array(self.model.levels, dtype=np.int64)

    @cached_property
    def padded(self) -> np.ndarray:
        """The energies, float64[n, 5]."""
        out = np.zeros((self.model.n, 5))
        for q, d in enumerate(self.model.levels):
            out[q, :d] = self.energies[q]
        return out

    def score(self, tones: Sequence[Tone], lanes: range) -> Score:
        """Return what lanes of a program play."""
        return Score(self.model, tones, lanes, self.w_c)

    def played(self, tones: Sequence[Tone], lane: int, start: int, stop: int, align: int = 1) -> Played:
        """Return what one lane plays; arguments as of :meth:`~pulsekit.simulator.played.Score.played`."""
        return self.score(tones, range(lane, lane + 1)).played(0, start, stop, self.known, align)

    def course(self, what: Played, step: float) -> Course:
        """Return the course of what is played.

        Args:
            what: is played.
            step: samples, a whole number or one over one; what is left of a
                segment after whole steps becomes one of its own.
        """
        layout = what.layout
        grid = self.grid(layout, step)
        if step <= 1:
            return Course(grid, self._numbers(what, grid.tables, round(1 / step)))
        fine, into, runs = layout.once(("runs", step), lambda: self._runs(layout, grid))
        out = grid.tables.empty()
        kernel("split").products(self._numbers(what, fine, 1), into, self.levels, runs, out)
        return Course(grid, out)

    def grid(self, layout: Layout, step: float) -> Grid:
        """Return the segments of a course; arguments as of :meth:`course`."""
        return layout.once(("grid", step), lambda: self._grid(layout, step))

    def _grid(self, layout: Layout, step: float) -> Grid:
        spans = layout.spans
        marks = np.unique(np.concatenate([[layout.start, layout.stop], spans[:, 1], spans[:, 2]]))
        change = np.zeros((marks.size, self.model.n), dtype=np.int64)
        np.add.at(change, (np.searchsorted(marks, spans[:, 1]), spans[:, 0]), 1)
        np.add.at(change, (np.searchsorted(marks, spans[:, 2]), spans[:, 0]), -1)
        busy = np.cumsum(change, axis=0)[:-1] > 0
        length = np.full(marks.size - 1, float(step))
        if step <= 1:
            counts = np.rint(np.diff(marks) / step).astype(np.int64)
        else:
            counts, rest = np.divmod(np.diff(marks), int(step))
            length = np.stack([length, rest], axis=1).reshape(-1)
            counts = np.stack([counts, rest > 0], axis=1).reshape(-1)
            some = counts > 0
            busy, length, counts = np.repeat(busy, 2, axis=0)[some], length[some], counts[some]
        steps = np.cumsum(busy * counts[:, None], axis=0)
        qubits = np.flatnonzero(busy.any(axis=0))
        tables = Tables.of(self.levels, qubits, steps[-1:, qubits].sum(axis=0))
        return Grid(length * self.model.dt, counts, busy, steps - busy * counts[:, None], tables)

    def _runs(self, layout: Layout, grid: Grid) -> Tuple[Tables, np.ndarray, np.ndarray]:
        """Return tables of every sample, how those of the steps come of them, and samples of all steps."""
        samples = np.rint(grid.h / self.model.dt).astype(np.int64)
        qubits = grid.tables.qubits
        each = [np.repeat(samples[grid.busy[:, q]], grid.counts[grid.busy[:, q]]) for q in qubits.tolist()]
        rows = np.array([r.sum() for r in each], dtype=np.int64)
        fine = Tables.of(self.levels, qubits, rows)
        return fine, fine.into(grid.tables, grid.tables.rows), np.concatenate([*each, np.zeros(1, np.int64)])

    def coarser(self, course: Course) -> Course:
        """Return a course in steps of twice the length; all counts must be even."""
        grid, into, pairs = course.grid.once("coarser", lambda: self._coarser(course.grid))
        out = grid.tables.empty()
        kernel("split").products(course.numbers, into, self.levels, pairs, out)
        return Course(grid, out)

    def _coarser(self, grid: Grid) -> Tuple[Grid, np.ndarray, np.ndarray]:
        tables = Tables.of(self.levels, grid.tables.qubits, grid.tables.rows // 2)
        coarse = Grid(2 * grid.h, grid.counts // 2, grid.busy, grid.rows // 2, tables)
        pairs = np.full(int(tables.rows.sum()) + 1, 2, dtype=np.int64)
        return coarse, grid.tables.into(tables, tables.rows), pairs

    def _numbers(self, what: Played, tables: Tables, per: int) -> np.ndarray:
        """Return the tables of driven transmons, so many rows per sample."""
        layout, out, tau = what.layout, tables.empty(), self.model.dt / per
        carried, mixed = layout.once(("how", per), lambda: self._how(layout, tables, per))
        if carried is not None:
            mine, sites, places = carried
            numbers = what.numbers if mine is None else what.numbers[mine]
            kernel("split").carried(self.padded, self.levels, sites, places, numbers, what.samples, tau, per, out)
        for k, q in mixed:
            parts = [self._mixed(q, what, a, b, per) for p, a, b in layout.spans.tolist() if p == q]
            one = np.concatenate(parts).reshape(-1)
            out[tables.first[k] : tables.first[k] + one.size] = one
        return out

    def carried(self, layout: Layout, tables: Tables) -> Optional[_Carried]:
        """Return what a kernel takes of tables of one row per sample; None: it does not make all of them."""
        carried, mixed = layout.once(("how", 1), lambda: self._how(layout, tables, 1))
        return None if mixed or carried is None or carried.mine is not None else carried

    def _how(self, layout: Layout, tables: Tables, per: int) -> Tuple[Optional[_Carried], List[Tuple[int, int]]]:
        """Return the tables that a kernel makes at once, and which others there are, of which transmons."""
        clean = [self.rwa and q not in layout.mixed for q in tables.qubits.tolist()]
        mixed = [(k, q) for k, q in enumerate(tables.qubits.tolist()) if not clean[k]]
        return self._carried(layout, tables, per, clean) if any(clean) else None, mixed

    def _carried(self, layout: Layout, tables: Tables, per: int, clean: Sequence[bool]) -> _Carried:
        """Return what the kernel takes of transmons on which at most one carrier plays at a time."""
        spans, wide = layout.spans, int(layout.spans[:, 2].max()) + 1
        chosen = np.flatnonzero(clean)
        mine = np.isin(layout.qubit, tables.qubits[chosen])
        qubit, places = layout.qubit[mine], layout.places[mine].copy()
        span = np.searchsorted(spans[:, 0] * wide + spans[:, 1], qubit * wide + places[:, 0], "right") - 1
        before = np.cumsum(spans[:, 2] - spans[:, 1]) - spans[:, 2]  # samples of all intervals before, less its first
        own = (before + spans[:, 1])[np.searchsorted(spans[:, 0], qubit)]  # samples of other transmons
        places[:, 0] += before[span] - own
        places[:, :3] *= per
        sites = np.zeros((chosen.size + 1, 5), dtype=np.int64)
        sites[:-1, 0], sites[:-1, 2], sites[:-1, 3] = tables.qubits[chosen], tables.rows[chosen], tables.first[chosen]
        sites[:-1, 4], sites[-1, 4] = np.searchsorted(qubit, tables.qubits[chosen]), qubit.size
        return _Carried(None if mine.all() else mine, sites, places)

    def _mixed(self, q: int, what: Played, start: int, stop: int, per: int) -> np.ndarray:
        """Return one interval's table, so many rows per sample, whatever plays."""
        dt, lines = self.model.dt, self.model.lines
        begin, end = (start + TOUCH) * dt, (stop - TOUCH) * dt
        mine = what.tones[slice(*np.searchsorted(what.layout.qubit, [q, q + 1]).tolist())]
        here = [t for t in mine if t.start_s < end and t.start_s + t.samples.size * dt > begin]
        return local_table(
            self.energies[q],
            here,
            [lines[t.line].w_rate / 2 for t in here],
            what.lane,
            np.arange(start * per, stop * per + 1) * (dt / per),
            w_c=self.w_c,
            dt=dt,
            rwa=self.rwa,
            aligned=all(abs(t.start_s / dt - round(t.start_s / dt)) < 1e-7 for t in here),
            tolerance=self.tolerance,
        )
