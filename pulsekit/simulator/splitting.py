"""Evolve states of three or more transmons by splitting (method S).

H = A + B: A local and exact (drives, anharmonicities), B the couplings, about
a hundred times weaker. Each outer step is a composition of
:mod:`~pulsekit.simulator.schemes` with one local stage; its cost is the state
size times the number of driven transmons and couplings. Density matrices are
kets of twice as many sites (:mod:`~pulsekit.simulator.sites`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from .._ext import kernel
from ..errors import CancelledError
from .course import Course, Grid, LocalDrive
from .ket import MARGIN, KetLayout
from .layers import Layers
from .model import Model
from .played import Played
from .schemes import Scheme
from .sites import sites_of

__all__ = ["Fall", "Place", "Plan", "Splitting", "StepChoice"]

CHUNK_SECONDS = 0.03  # between looks at ``cancel``


@dataclass(frozen=True)
class StepChoice:
    """A scheme and its outer step in samples (a whole number, or 1 over one)."""

    scheme: Scheme
    samples: float


@dataclass(frozen=True, eq=False)
class Plan:
    """A course as the kernel takes it, which runs it in one call."""

    segments: np.ndarray  # int64[m + 1, 6]
    busy: np.ndarray  # int64[k, 2]
    tables: np.ndarray  # float64[all]
    h: np.ndarray  # float64[m], s


@dataclass(frozen=True)
class Place:
    """Where a run of a plan is."""

    segment: int
    done: int  # steps


@dataclass(frozen=True, eq=False)
class Fall:
    """When a run is to stop: no-jump evolution."""

    threshold: float  # squared norm
    rate: np.ndarray  # float64[total], at which amplitudes' squares decay, 1/s
    norms: np.ndarray  # float64[2], the squared norm reached, and what half a step takes of it


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
        self.model, self.choice = model, choice
        self.w_c = float(np.mean(model.w_bare))
        self.sites = sites_of(model, self.w_c, mode)
        self.layout = KetLayout(self.sites.levels)
        self.layers = Layers(model, self.sites, self.layout, choice.scheme)
        self.drive = LocalDrive(model, self.sites.energies, self.w_c, rwa=rwa, tolerance=tolerance / 10)
        self._levels = np.array(self.layout.levels, dtype=np.int64)

    def course(self, what: Played) -> Course:
        """Return what is played as segments with their local propagators."""
        return self.drive.course(what, self.choice.samples)

    def run(self, plan: Plan, columns: np.ndarray, cancel: Optional[threading.Event] = None) -> np.ndarray:
        """Evolve columns complex128[size, m] through a plan."""
        out = np.empty_like(columns)
        re, im = self.layout.empty()
        for m in range(columns.shape[1]):
            self.layout.put(columns[:, m], re, im)
            self.advance(plan, Place(0, 0), re, im, fresh=True, cancel=cancel)
            out[:, m] = self.layout.get(re, im)
        return out

    def plan(self, course: Course) -> Plan:
        """Return a course as the kernel takes it; the layers that it needs are made."""
        grid, numbers = course.grid, course.numbers
        segments, busy = grid.once("plan", lambda: self._segments(grid))
        if self.sites.mode == "density":
            conjugate = numbers.copy()
            conjugate[1::2] *= -1
            numbers = np.concatenate([numbers, conjugate])
        return Plan(segments, busy, numbers, grid.h)

    def _segments(self, grid: Grid) -> Tuple[np.ndarray, np.ndarray]:
        """Return a plan's segments, and which sites are driven in them."""
        tables, busy = grid.tables, grid.busy
        first = np.zeros(self.model.n, dtype=np.int64)
        first[tables.qubits] = tables.first
        at = first + grid.rows * 2 * self.drive.levels**2
        if self.sites.mode == "density":
            busy, at = np.tile(busy, (1, 2)), np.concatenate([at, at + max(1, tables.size)], axis=1)
        segments = np.zeros((grid.counts.size + 1, 6), dtype=np.int64)
        segments[:-1, 0] = grid.counts
        segments[1:, 5] = np.cumsum(busy.sum(axis=1))
        segments[:-1, 1] = self._kinds(grid.h, busy)
        same = grid.h[1:] == grid.h[:-1]
        ends = {h: self.layers.end(h) for h in set(grid.h.tolist())}
        segments[:-1, 2] = [ends[h] for h in grid.h.tolist()]
        segments[1:-1, 3] = same
        segments[:-1, 4] = segments[:-1, 2]
        segments[:-2, 4][same] = -2
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

    def advance(
        self,
        plan: Plan,
        place: Place,
        re: np.ndarray,
        im: np.ndarray,
        *,
        fresh: bool = False,
        fall: Optional[Fall] = None,
        cancel: Optional[threading.Event] = None,
    ) -> Tuple[Place, bool]:
        """Run a plan from a place to its end, in place.

        Args:
            plan: of the whole program (a step's last layer joins the next
                segment's first where they have one length).
            place: where the state is.
            re, im: the state, laid out.
            fresh: the state is whole: apply the opening layer.
            fall: stop after the step at whose end the squared norm, taken
                half a step back, is not above the threshold; None: never.
            cancel: looked at every :data:`CHUNK_SECONDS` or so.

        Returns:
            Where it stopped, and whether because of ``fall``. The state is
            then a layer ahead (:meth:`close`).
        """
        gates, pool, kinds, diagonal = self.layers.arrays()
        layout, end = self.layout, plan.h.size
        at = np.array([place.segment, place.done], dtype=np.int64)
        chunk = max(1, int(CHUNK_SECONDS / self.step_seconds()))
        fell = False
        while at[0] < end and not fell:
            if cancel is not None and cancel.is_set():
                raise CancelledError("The simulation was cancelled.")
            fell = kernel("split").run(
                re,
                im,
                MARGIN,
                layout.total,
                self._levels,
                layout.strides,
                layout.group,
                layout.padded,
                plan.segments,
                plan.busy,
                plan.tables,
                gates,
                pool,
                kinds,
                diagonal,
                at,
                fresh,
                chunk,
                plan.h,
                fall.rate if fall else plan.h,
                fall.threshold if fall else -1.0,
                fall.norms if fall else plan.h,
            )
            fresh = False
        return Place(int(at[0]), int(at[1])), fell

    def close(self, plan: Plan, place: Place, re: np.ndarray, im: np.ndarray) -> None:
        """Take back the layer that the step after ``place`` has lent."""
        count, _, _, _, closing, _ = plan.segments[place.segment]
        if place.done < count or closing == -2:
            gates, pool, _, _ = self.layers.arrays()
            back = self.layers.end(float(plan.h[place.segment]), back=True)
            if back >= 0:
                layout = self.layout
                kernel("split").layer(re, im, MARGIN, layout.total, layout.padded, gates[back], pool)

    def step_seconds(self) -> float:
        """Return a rough time of one outer step, s (for chunks; see cost.py)."""
        stages = len(self.choice.scheme.stages)
        passes = 1.0 + len(self.layout.levels) + 0.7 * len(self.sites.couplings)
        return 2e-7 + 4e-10 * stages * self.layout.total * passes
