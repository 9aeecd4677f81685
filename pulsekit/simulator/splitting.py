"""Evolve states of three or more transmons by splitting (method S).

H = A + B: A local and exact (drives, anharmonicities), B the couplings, about
a hundred times weaker. Each outer step is that of
:mod:`~pulsekit.simulator.steps`; its cost is the state size times the number
of driven transmons and couplings. Density matrices are kets of twice as many
sites (:mod:`~pulsekit.simulator.sites`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Optional, Tuple

import numpy as np

from .._ext import kernel
from .course import Course, Grid, LocalDrive
from .ket import MARGIN, KetLayout
from .layers import Layers
from .model import Model
from .played import Played
from .sites import sites_of
from .threads import look

__all__ = ["CHUNK_SECONDS", "Kets", "Plan", "Splitting"]

CHUNK_SECONDS = 0.03  # between looks at ``cancel``


@dataclass(frozen=True, eq=False)
class Plan:
    """A course as the kernel takes it, which runs it in one call."""

    segments: np.ndarray  # int64[m + 1, 7]
    busy: np.ndarray  # int64[k, 2]
    tables: np.ndarray  # float64[all]
    h: np.ndarray  # float64[m], s
    layers: Tuple[np.ndarray, ...]  # of couplings, see Layers.arrays


@dataclass(frozen=True, eq=False)
class Kets:
    """Kets on their way through a plan."""

    re: np.ndarray  # float64[kets, length]
    im: np.ndarray
    place: np.ndarray  # int64[kets, 3], see the kernel

    def some(self, rows: slice) -> "Kets":
        """Return some of them, as views."""
        return Kets(self.re[rows], self.im[rows], self.place[rows])


class Splitting:
    """The splitting propagator of one model, common frame, bare basis.

    Args:
        model: the cluster.
        step: samples, a whole number or one over one.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in the local propagators of a program.
        mode: "ket", "density", or "nojump" (a trajectory between jumps).
    """

    def __init__(self, model: Model, step: float, *, rwa: bool, tolerance: float, mode: str = "ket") -> None:
        self.model, self.step = model, step
        self.w_c = float(np.mean(model.w_bare))
        self.sites = sites_of(model, self.w_c, mode)
        self.layout = KetLayout(self.sites.levels)
        self.layers = Layers(model, self.sites, self.layout)
        self.drive = LocalDrive(model, self.sites.energies, self.w_c, rwa=rwa, tolerance=tolerance / 10)
        self._levels = np.array(self.layout.levels, dtype=np.int64)

    def course(self, what: Played) -> Course:
        """Return what is played as segments with their local propagators."""
        return self.drive.course(what, self.step)

    def run(self, plan: Plan, columns: np.ndarray, cancel: Optional[threading.Event] = None) -> np.ndarray:
        """Evolve columns complex128[size, m] through a plan."""
        kets = self.kets(columns.T)
        self.finish(plan, kets, cancel)
        return self.states(kets).T

    def finish(self, plan: Plan, kets: Kets, cancel: Optional[threading.Event] = None) -> None:
        """Run kets through a plan to its end, in place."""
        while not self.advance(plan, kets, cancel=cancel):
            pass

    def kets(self, states: np.ndarray) -> Kets:
        """Return states complex128[kets, size] laid out, whole, at the beginning of a plan."""
        place = np.zeros((len(states), 3), dtype=np.int64)
        place[:, 2] = 1
        return Kets(*self.layout.put(states), place)

    def states(self, kets: Kets) -> np.ndarray:
        """Return laid out states, complex128[kets, size]."""
        return self.layout.get(kets.re, kets.im)

    @cached_property
    def shape(self) -> Tuple[int, np.ndarray, np.ndarray, int, int]:
        """The layout as a kernel takes it: total, levels, strides, group, length of a row."""
        return self.layout.total, self._levels, self.layout.strides, self.layout.group, self.layout.padded

    def arguments(self, grid: Grid, kets: Kets) -> Tuple[np.ndarray, ...]:
        """Return what a kernel takes that runs kets, whatever their lanes' tables."""
        segments, busy = grid.once("plan", lambda: self._segments(grid))
        return segments, busy, *self.layers.arrays(), kets.re, kets.im, kets.place

    def plan(self, course: Course) -> Plan:
        """Return a course as the kernel takes it; the layers that it needs are made."""
        grid, numbers = course.grid, course.numbers
        segments, busy = grid.once("plan", lambda: self._segments(grid))
        if self.sites.mode == "density":
            conjugate = numbers.copy()
            conjugate[1::2] *= -1
            numbers = np.concatenate([numbers, conjugate])
        return Plan(segments, busy, numbers, grid.h, self.layers.arrays())

    def _segments(self, grid: Grid) -> Tuple[np.ndarray, np.ndarray]:
        """Return a plan's segments, and which sites are driven in them."""
        tables, busy = grid.tables, grid.busy
        first = np.zeros(self.model.n, dtype=np.int64)
        first[tables.qubits] = tables.first
        at = first + grid.rows * 2 * self.drive.levels**2
        if self.sites.mode == "density":
            busy, at = np.tile(busy, (1, 2)), np.concatenate([at, at + max(1, tables.size)], axis=1)
        segments = np.zeros((grid.counts.size + 1, 7), dtype=np.int64)
        segments[:-1, 0] = grid.counts
        segments[1:, 5] = np.cumsum(busy.sum(axis=1))
        segments[:-1, 1] = self._kinds(grid.h, busy)
        same = grid.h[1:] == grid.h[:-1]
        ends = {h: self.layers.end(h) for h in set(grid.h.tolist())}
        segments[:-1, 2] = [ends[h] for h in grid.h.tolist()]
        segments[1:-1, 3] = same
        segments[:-1, 4] = segments[:-1, 2]
        segments[:-2, 4][same] = -2
        if self.sites.mode == "nojump":
            backs = {h: self.layers.end(h, back=True) for h in ends}
            segments[:-1, 6] = [backs[h] for h in grid.h.tolist()]
        where, sites = np.nonzero(busy)
        return segments, np.stack([sites, at[where, sites]], axis=1)

    def _kinds(self, h: np.ndarray, busy: np.ndarray) -> "list[int]":
        """Return which kind of step each segment has."""
        packed = np.packbits(busy, axis=1)
        known: "dict[Tuple[float, bytes], int]" = {}
        out = []
        for k, key in enumerate(zip(h.tolist(), (p.tobytes() for p in packed))):
            if key not in known:
                known[key] = self.layers.kind(key[0], tuple(np.flatnonzero(busy[k]).tolist()))
            out.append(known[key])
        return out

    def advance(self, plan: Plan, kets: Kets, cancel: Optional[threading.Event] = None) -> bool:
        """Run kets through a plan, one after another, in place, for a while.

        Args:
            plan: of the whole program (a step's last layer joins the next
                segment's first where they have one length).
            kets: their places are moved on.
            cancel: looked at first.

        Returns:
            Whether all are at the end.

        Raises:
            CancelledError: ``cancel`` was set.
        """
        look(cancel)
        budget = max(1, int(CHUNK_SECONDS / self.step_seconds()))
        course = (plan.segments, plan.busy, plan.tables, *plan.layers)
        shape = (MARGIN, *self.shape)
        return kernel("split").run(kets.re, kets.im, *shape, *course, kets.place, budget)  # type: ignore[no-any-return]

    def step_seconds(self) -> float:
        """Return a rough time of one outer step, s (for chunks; see cost.py)."""
        passes = 1.0 + len(self.layout.levels) + 0.7 * len(self.sites.couplings)
        return 7e-8 + 4e-10 * self.layout.total * passes
