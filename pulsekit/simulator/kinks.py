"""Make steps of two samples see that a drive jumps in their middle.

To first order in the couplings B a run of steps is the trapezoidal rule for
B(t) as the drives turn it. Where a drive jumps by F, B'(t) jumps by i [F, B],
which costs the rule - h^2 / 12 of the jump at a step's edge but + h^2 / 24 in
its middle (Euler and Maclaurin), so that runs of one and of two samples would
not extrapolate. The difference, - h^2 / 8 of the jump, is given in halves to
the layers at both ends of the step: a layer between exp(i f) and exp(-i f), f
a small drive, is one with h i [f, B] more. The tables of the driven transmons
take these factors up, so that they cost nothing as the state goes by.
"""

from __future__ import annotations

from typing import Tuple

import numpy as np

from .._ext import kernel
from .course import Course, LocalDrive, Tables
from .played import Played

__all__ = ["straightened"]


def straightened(course: Course, drive: LocalDrive, what: Played, start: int) -> Tuple[Course, np.ndarray]:
    """Return a course of one sample's steps as one of two, which sees jumps within them.

    Args:
        course: its segments are two samples longer, at both ends, than what
            drives, and all of even counts.
        drive: of the model.
        what: is played, on whole samples.
        start: the course's first sample.

    Returns:
        The course; and per transmon how rough its drive is, rad/s: the root of
        the sum of squares of the jumps' second differences.
    """
    dt, n, fine = drive.model.dt, drive.model.n, course.tables
    counts, rows, busy = course.counts // 2, course.rows // 2, course.busy
    kick, rough = np.zeros((n, int(counts.sum()) + 1, 2)), np.zeros(n)
    places = np.column_stack([what.places, what.qubit])
    places[:, 0] -= start
    kernel("split").kinks(places, what.numbers, what.samples, dt, dt / 8, kick, rough)
    kick[:, [0, -1]] *= 2  # those layers are halves
    made = Tables.empty(drive.levels, fine.qubits, fine.rows // 2 + 2)
    steps = np.repeat(busy, counts, axis=0)
    place = np.concatenate([*(np.flatnonzero(steps[:, q]) for q in fine.qubits.tolist()), np.zeros(1, np.int64)])
    kernel("split").joined(fine.numbers, fine.into(made, fine.rows // 2), drive.levels, place, kick, made.numbers)
    h, ends = 2 * course.h, (kick[:, [0, -1]] != 0).sum(axis=2).T > 0
    if ends.any():
        last = np.zeros((1, n), dtype=np.int64)
        last[0, fine.qubits] = fine.rows // 2
        h, counts = np.concatenate([[0.0], h, [0.0]]), np.concatenate([[1], counts, [1]])
        busy, rows = np.concatenate([ends[:1], busy, ends[1:]]), np.concatenate([last, rows, last + 1])
    return Course(h, counts, busy, rows, made), np.sqrt(rough)
