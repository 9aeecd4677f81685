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
from .course import Course, Grid, LocalDrive, Tables
from .ket import MARGIN
from .played import Layout, Played
from .splitting import Kets, Splitting

__all__ = ["cross", "straightened"]


def straightened(course: Course, drive: LocalDrive, what: Played) -> Tuple[Course, np.ndarray]:
    """Return a course of one sample's steps as one of two, which sees jumps within them.

    Args:
        course: its segments are two samples longer, at both ends, than what
            drives, and all of even counts.
        drive: of the model.
        what: is played, on whole samples.

    Returns:
        The course; and per transmon how rough its drive is, rad/s: the root of
        the sum of squares of the jumps' second differences.
    """
    dt = drive.model.dt
    grid, into, place, steps = _doubled(course.grid, drive, what)
    kick, rough, numbers = np.zeros((drive.model.n, steps + 1, 2)), np.zeros(drive.model.n), grid.tables.empty()
    jumps = (_places(what.layout), what.numbers, what.samples, dt, dt / 8, kick, rough)
    kernel("split").straightened(course.numbers, into, drive.levels, place, *jumps, numbers)
    return Course(grid, numbers), np.sqrt(rough)


def cross(one: Splitting, two: Splitting, what: Played, numbers: np.ndarray, kets: Tuple[Kets, Kets]) -> np.ndarray:
    """Run lanes that play the same tones in one kernel call, a ket each in steps of one sample and of two.

    Args:
        one, two: the steppers.
        what: one of the lanes plays, at most one carrier at a time on a
            transmon.
        numbers: float64[lanes, n, 4], as of :class:`~pulsekit.simulator.played.Played`, of all.
        kets: of either stepper, to run in place.

    Returns:
        How rough drives are, rad/s, float64[lanes, transmons].
    """
    drive, layout, dt = one.drive, what.layout, one.model.dt
    fine = drive.grid(layout, 1.0)
    grid, pairs, place, steps = _doubled(fine, drive, what)
    carried = drive.carried(layout, fine.tables)
    assert carried is not None
    rough, kick = np.zeros((len(numbers), drive.model.n)), np.empty((drive.model.n, steps + 1, 2))
    drives = (drive.padded, drive.levels, carried.sites, carried.places, what.samples, pairs, place, _places(layout))
    total, _, strides, group, row = one.shape
    runs = (*one.arguments(fine, kets[0]), *two.arguments(grid, kets[1]))
    scratch = (fine.tables.empty(), grid.tables.empty(), kick)
    kernel("split").lanes(*drives, dt, dt / 8, numbers, rough, *scratch, MARGIN, total, strides, group, row, *runs)
    return np.sqrt(rough)


def _places(layout: Layout) -> np.ndarray:
    """Return where tones lie, from the first sample, and on which transmons, int64[n, 5]."""
    return layout.once("kinks", lambda: np.column_stack([layout.places - [layout.start, 0, 0, 0], layout.qubit]))


def _doubled(fine: Grid, drive: LocalDrive, what: Played) -> Tuple[Grid, np.ndarray, np.ndarray, int]:
    """Return the grid of twice the length, how its tables come of those, the step of each row, and how many steps."""
    grid, into, place, steps = fine.once("joined", lambda: _joined(fine, drive))
    ends = what.once("ends", lambda: _ends(what, drive.model.n, steps))
    if ends.any():
        grid = grid.once(ends.tobytes(), lambda: _framed(grid, ends))
    return grid, into, place, steps


def _ends(what: Played, transmons: int, steps: int) -> np.ndarray:
    """Return which transmons' drives jump within the first and within the last step, bool[2, transmons]."""
    first, count, before, row, qubit = _places(what.layout).T
    out = np.zeros((2, transmons), dtype=bool)
    for end, sample in zip(out, (1, 2 * steps - 1)):
        at = sample - first
        inside = (at >= 0) & (at <= count)
        after = np.where(inside & (at < count), row + before + at, -1)  # the last of all samples is 0
        prior = np.where(inside & (before + at > 0), row + before + at - 1, -1)
        end[qubit[(what.samples[after] != what.samples[prior]).any(axis=1)]] = True
    return out


def _joined(fine: Grid, drive: LocalDrive) -> Tuple[Grid, np.ndarray, np.ndarray, int]:
    """Return the grid of twice the length, how its tables come of those, the step of each row, and how many steps.

    Its tables have two rows more, for both ends.
    """
    rows, counts = fine.tables.rows // 2, fine.counts // 2
    tables = Tables.of(drive.levels, fine.tables.qubits, rows + 2)
    steps = np.repeat(fine.busy, counts, axis=0)
    place = [np.flatnonzero(steps[:, q]) for q in tables.qubits.tolist()]
    grid = Grid(2 * fine.h, counts, fine.busy, fine.rows // 2, tables)
    return grid, fine.tables.into(tables, rows), np.concatenate([*place, np.zeros(1, np.int64)]), int(counts.sum())


def _framed(grid: Grid, ends: np.ndarray) -> Grid:
    """Return the grid between small drives, those of some transmons, bool[2, n]."""
    last = np.zeros((1, ends.shape[1]), dtype=np.int64)
    last[0, grid.tables.qubits] = grid.tables.rows - 2
    return Grid(
        np.concatenate([[0.0], grid.h, [0.0]]),
        np.concatenate([[1], grid.counts, [1]]),
        np.concatenate([ends[:1], grid.busy, ends[1:]]),
        np.concatenate([last, grid.rows, last + 1]),
        grid.tables,
    )
