"""Cut a program into segments, each of equal steps that drive the same transmons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Tuple

import numpy as np

from .._ext import kernel
from .localdrive import local_table
from .model import Model
from .played import Played

__all__ = ["Course", "LocalDrive", "Tables"]


@dataclass(frozen=True, eq=False)
class Tables:
    """The local propagators of driven transmons, one table after another."""

    numbers: np.ndarray  # float64[all], of each table float64[rows, d, d, 2]
    qubits: np.ndarray  # int64[k], local, ascending
    rows: np.ndarray  # int64[k]
    first: np.ndarray  # int64[k], where each begins

    @staticmethod
    def empty(levels: np.ndarray, qubits: np.ndarray, rows: np.ndarray) -> "Tables":
        """Return room for tables of so many rows."""
        sizes = rows * 2 * levels[qubits] ** 2
        first = np.cumsum(sizes) - sizes
        return Tables(np.empty(max(1, int(sizes.sum()))), qubits, rows, first)

    def of(self, k: int, levels: int) -> np.ndarray:
        """Return one table, float64[rows, d * d, 2]."""
        size = int(self.rows[k]) * 2 * levels**2
        return self.numbers[self.first[k] :][:size].reshape(-1, levels**2, 2)

    def into(self, other: "Tables", rows: np.ndarray) -> np.ndarray:
        """Return how kernels make other tables of these, int64[k, 5].

        Args:
            other: of the same transmons.
            rows: int64[k], that are to be made.
        """
        return np.stack([self.qubits, self.first, rows, other.first, np.cumsum(rows) - rows], axis=1)


@dataclass(frozen=True, eq=False)
class Course:
    """A program's segments, in order."""

    h: np.ndarray  # float64[m], length of a step, s; 0: drives only, no couplings, no energies
    counts: np.ndarray  # int64[m], steps
    busy: np.ndarray  # bool[m, transmons], which are driven
    rows: np.ndarray  # int64[m, transmons], each table's row at the segment's first step
    tables: Tables


@dataclass(frozen=True, eq=False)
class LocalDrive:
    """Makes courses of what a lane plays, in the common frame."""

    model: Model
    energies: Tuple[np.ndarray, ...]  # float64[d] per transmon, rad/s, common frame
    w_c: float  # rad/s, the common frame
    rwa: bool
    tolerance: float  # error allowed in a whole table

    @cached_property
    def levels(self) -> np.ndarray:
        """The levels of every transmon, int64[n]."""
        return np.array(self.model.levels, dtype=np.int64)

    @cached_property
    def _padded(self) -> np.ndarray:
        """The energies, float64[n, 5]."""
        out = np.zeros((self.model.n, 5))
        for q, d in enumerate(self.model.levels):
            out[q, :d] = self.energies[q]
        return out

    def course(self, what: Played, start: int, stop: int, step: float) -> Course:
        """Return the course between two samples.

        Args:
            what: is played.
            start, stop: samples.
            step: samples, a whole number or one over one; what is left of a
                segment after whole steps becomes one of its own.
        """
        spans = what.spans
        marks = np.unique(np.concatenate([[start, stop], spans[:, 1], spans[:, 2]]))
        change = np.zeros((marks.size, self.model.n), dtype=np.int64)
        np.add.at(change, (np.searchsorted(marks, spans[:, 1]), spans[:, 0]), 1)
        np.add.at(change, (np.searchsorted(marks, spans[:, 2]), spans[:, 0]), -1)
        busy = np.cumsum(change, axis=0)[:-1] > 0
        length = np.full(marks.size - 1, step)
        if step <= 1:
            counts = np.rint(np.diff(marks) / step).astype(np.int64)
        else:
            counts, rest = np.divmod(np.diff(marks), int(step))
            length = np.stack([length, rest], axis=1).reshape(-1)
            counts = np.stack([counts, rest > 0], axis=1).reshape(-1)
            some = counts > 0
            busy, length, counts = np.repeat(busy, 2, axis=0)[some], length[some], counts[some]
        steps = np.cumsum(busy * counts[:, None], axis=0)
        qubits = np.flatnonzero(steps[-1])
        tables = self._tables(what, max(1, round(1 / step)), qubits)
        if step > 1:
            each = [np.repeat(length[busy[:, q]], counts[busy[:, q]]) for q in qubits.tolist()]
            out = Tables.empty(self.levels, qubits, steps[-1, qubits])
            run = np.concatenate([*each, np.zeros(0)]).astype(np.int64)
            kernel("split").products(tables.numbers, tables.into(out, out.rows), self.levels, run, out.numbers)
            tables = out
        return Course(length * self.model.dt, counts, busy, steps - busy * counts[:, None], tables)

    def coarser(self, course: Course) -> Course:
        """Return a course in steps of twice the length; all counts must be even."""
        fine = course.tables
        out = Tables.empty(self.levels, fine.qubits, fine.rows // 2)
        kernel("split").compose(fine.numbers, fine.into(out, out.rows), self.levels, out.numbers)
        return Course(2 * course.h, course.counts // 2, course.busy, course.rows // 2, out)

    def _tables(self, what: Played, per: int, qubits: np.ndarray) -> Tables:
        """Return the tables of driven transmons, so many rows per sample."""
        spans = what.spans
        rows = np.zeros(self.model.n, dtype=np.int64)
        np.add.at(rows, spans[:, 0], (spans[:, 2] - spans[:, 1]) * per)
        out = Tables.empty(self.levels, qubits, rows[qubits])
        clean = np.array([self.rwa and q not in what.mixed for q in qubits.tolist()], dtype=bool)
        if clean.any():
            self._carried(what, per, out, np.flatnonzero(clean))
        for k in np.flatnonzero(~clean).tolist():
            q = int(qubits[k])
            parts = [self._mixed(q, what, a, b, per) for _, a, b in spans[spans[:, 0] == q].tolist()]
            out.of(k, self.model.levels[q])[:] = np.concatenate(parts)
        return out

    def _carried(self, what: Played, per: int, out: Tables, chosen: np.ndarray) -> None:
        """Fill tables of transmons on which at most one carrier plays at a time."""
        spans, wide = what.spans, int(what.spans[:, 2].max()) + 1
        mine = np.isin(what.qubit, out.qubits[chosen]) if what.mixed else np.ones(what.qubit.size, dtype=bool)
        qubit, places = what.qubit[mine], what.places[mine]
        span = np.searchsorted(spans[:, 0] * wide + spans[:, 1], qubit * wide + places[:, 0], "right") - 1
        size = np.cumsum(spans[:, 2] - spans[:, 1]) - (spans[:, 2] - spans[:, 1])  # samples of all intervals before
        own = size[np.searchsorted(spans[:, 0], qubit)]  # of other transmons
        places[:, 0] += size[span] - own - spans[span, 1]
        places[:, :3] *= per
        sites = np.zeros((chosen.size + 1, 5), dtype=np.int64)
        sites[:-1, 0], sites[:-1, 2], sites[:-1, 3] = out.qubits[chosen], out.rows[chosen], out.first[chosen]
        sites[:-1, 4], sites[-1, 4] = np.searchsorted(qubit, out.qubits[chosen]), qubit.size
        kernel("split").carried(
            self._padded,
            self.levels,
            sites,
            places,
            what.numbers[mine],
            what.samples,
            self.model.dt / per,
            per,
            out.numbers,
        )

    def _mixed(self, q: int, what: Played, start: int, stop: int, per: int) -> np.ndarray:
        """Return one interval's table, so many rows per sample, whatever plays."""
        dt, lines = self.model.dt, self.model.lines
        begin, end = (start + 0.5) * dt, (stop - 0.5) * dt
        mine = what.tones[slice(*np.searchsorted(what.qubit, [q, q + 1]).tolist())]
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
