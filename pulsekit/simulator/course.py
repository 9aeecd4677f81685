"""Cut a program into segments, each of equal steps that drive the same transmons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .localdrive import LocalDrive, busy_intervals
from .timeline import Tone

__all__ = ["Course", "course_of"]

Spans = List[Tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Course:
    """A program's segments, in order, and the propagators of driven transmons."""

    h: np.ndarray  # float64[m], length of a step, s; 0: drives only, no couplings, no energies
    counts: np.ndarray  # int64[m], steps
    busy: np.ndarray  # bool[m, transmons], which have a table
    rows: np.ndarray  # int64[m, transmons], each table's row at the segment's first step
    tables: Tuple[Optional[np.ndarray], ...]  # float64[busy steps, d * d, 2] per transmon

    def coarser(self) -> "Course":
        """Return the course in steps of twice the length; all counts must be even."""
        tables: List[Optional[np.ndarray]] = []
        for table in self.tables:
            out = None
            if table is not None:
                out = np.empty((table.shape[0] // 2, table.shape[1], 2))
                kernel("split").compose(table, out, round(table.shape[1] ** 0.5))
            tables.append(out)
        return Course(2 * self.h, self.counts // 2, self.busy, self.rows // 2, tuple(tables))


def course_of(
    drive: LocalDrive, tones: Sequence[Tone], lane: int, start: int, stop: int, *, step: float, align: int
) -> Course:
    """Return the course of one lane.

    Args:
        drive: of the model.
        tones: of the program.
        lane: which lane's amplitudes and carriers.
        start, stop: samples.
        step: samples, a whole number or one over one; what is left of a
            segment after whole steps becomes one of its own.
        align: samples from ``start`` of which segments begin and end at
            multiples, that of what drives one before and after it; 1: at its
            edges.
    """
    mine = drive.by_transmon(tones, lane)
    spans = {q: _widened(busy_intervals(t, drive.model.dt, start, stop), start, stop, align) for q, t in mine.items()}
    marks = np.unique([start, stop, *(x for found in spans.values() for span in found for x in span)])
    begin, length, counts = _grid(marks, step)
    busy = np.zeros((counts.size, drive.model.n), dtype=bool)
    for q, found in spans.items():
        edges = np.array(found, dtype=np.int64).reshape(-1, 2)
        inside = np.searchsorted(edges[:, 0], begin, "right") > np.searchsorted(edges[:, 1], begin, "right")
        busy[:, q] = inside
    steps = busy * counts[:, None]
    tables: List[Optional[np.ndarray]] = [None] * drive.model.n
    for q, found in spans.items():
        if found:
            lengths = np.repeat(length[busy[:, q]], counts[busy[:, q]])
            tables[q] = drive.table(q, mine[q], lane, found, lengths)
    return Course(length * drive.model.dt, counts, busy, np.cumsum(steps, axis=0) - steps, tuple(tables))


def _widened(spans: Spans, start: int, stop: int, align: int) -> Spans:
    if align == 1:
        return spans
    out: Spans = []
    for a, b in spans:
        a = max(start, start + (a - start) // align * align - align)
        b = min(stop, start - (start - b) // align * align + align)
        if out and a <= out[-1][1]:
            a = out.pop()[0]
        out.append((a, b))
    return out


def _grid(marks: np.ndarray, step: float) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return begin (samples), length of a step (samples) and count of every segment."""
    a, b = marks[:-1], marks[1:]
    if step <= 1:
        return a, np.full(a.size, float(step)), np.rint((b - a) / step).astype(np.int64)
    whole, rest = np.divmod(b - a, int(step))
    begin = np.stack([a, b - rest], axis=1).reshape(-1)
    length = np.stack([np.full(a.size, step), rest], axis=1).reshape(-1)
    counts = np.stack([whole, rest > 0], axis=1).reshape(-1).astype(np.int64)
    some = counts > 0
    return begin[some], length[some], counts[some]
