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

from typing import List, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .course import Course
from .localdrive import LocalDrive
from .timeline import Tone

__all__ = ["straightened"]


def straightened(
    course: Course, drive: LocalDrive, tones: Sequence[Tone], lane: int, start: int
) -> Tuple[Course, np.ndarray]:
    """Return a course of one sample's steps as one of two, which sees jumps within them.

    Args:
        course: its segments are two samples longer, at both ends, than what
            drives, and all of even counts.
        drive: of the model.
        tones: on whole samples.
        lane: which lane's amplitudes and carriers.
        start: the course's first sample.

    Returns:
        The course; and per transmon how rough its drive is, rad/s: the root of
        the sum of squares of the jumps' second differences.
    """
    dt, n = drive.model.dt, drive.model.n
    counts, rows = course.counts // 2, course.rows // 2
    steps = int(counts.sum())
    tables: List[Optional[np.ndarray]] = [None] * n
    rough = np.zeros(n)
    ends, last = np.zeros((2, n), dtype=bool), np.zeros((1, n), dtype=np.int64)
    for q, mine in drive.by_transmon(tones, lane).items():
        table = course.tables[q]
        if table is None:
            continue
        places, numbers, samples = drive.played(mine, lane, start, start + 2 * steps)
        places[:, 0] -= start
        kick = np.zeros((steps + 1, 2))
        rough[q] = kernel("split").kinks(places, numbers, samples, dt, dt / 8, kick) ** 0.5
        kick[[0, -1]] *= 2  # those layers are halves
        place = np.flatnonzero(np.repeat(course.busy[:, q], counts))
        made = np.empty((place.size + 2, table.shape[1], 2))
        kernel("split").joined(table, place, kick, drive.model.levels[q], made)
        tables[q], ends[:, q], last[0, q] = made, kick[[0, -1]].any(axis=1), place.size
    h, busy = 2 * course.h, course.busy
    if ends.any():
        h, counts = np.concatenate([[0.0], h, [0.0]]), np.concatenate([[1], counts, [1]])
        busy, rows = np.concatenate([ends[:1], busy, ends[1:]]), np.concatenate([last, rows, last + 1])
    return Course(h, counts, busy, rows, tuple(tables)), rough
