"""Method "splitting": three or more transmons, kets and density matrices."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from .course import Course
from .dressing import LARGEST, Dressing, dressing_of
from .kinks import straightened
from .largedressing import LargeDressing
from .localdrive import stretches
from .model import Model
from .processor import Processor, processor_of
from .schemes import STRANG, ladder, unit
from .splitting import Splitting, StepChoice
from .threads import run_all
from .timeline import Tone

__all__ = ["FINEST", "Ladder", "IDLE", "evolve_splitting", "gap_of", "steps_of", "supports", "turn_of"]

FINEST = 1 / 64  # units, the smallest step that is tried
IDLE = 200  # samples without a drive from which they are one step
# largest errors over what the last run of halved steps changed (random schedules); kinks do not extrapolate
PAIR, PAIR_LAB, TRIPLE, MORE = 0.03, 0.1, 0.16, 0.3  # of two, three, more runs
LATE = 2.0  # where samples of late lines begin within steps
KEPT = 8  # models whose tables stay
COLUMNS = 32  # of one lane, in one piece of work
LONG = 2.0  # samples, a step that needs straightening
_LONG_GAIN = 10.0  # at least, by which extrapolating such steps makes a smooth drive's error smaller
_LONG_CHANGE = 80.0  # likewise, of amplitudes, over what the step of one sample changed (7 qutrits: 92)
_DRIFT = 6e-4  # of (J h)^2 (gap h) per sample and root of the transmons, what extrapolating changes
_ROUGH = 0.015  # of J h (drive h) ((gap h)^2 + 0.15), what rough drives add to the error of such steps


def supports(model: Model) -> bool:
    """Tell whether the method can run a model: two transmons or more, no extra terms."""
    return model.n >= 2 and not model.extra


def evolve_splitting(
    model: Model,
    tones: Sequence[Tone],
    states: np.ndarray,
    *,
    start: int,
    stop: int,
    solver: str,
    rwa: bool,
    tolerance: float,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
    steps: Optional[Tuple[float, ...]] = None,
) -> np.ndarray:
    """Evolve dressed interaction-frame states from ``start`` to ``stop``.

    Args:
        model: the cluster, without extra terms.
        tones: from :func:`~pulsekit.simulator.timeline.tones_of`.
        states: complex128[lanes, dim, columns]; "lindblad": columns = dim.
        start, stop: samples.
        solver: "schroedinger" or "lindblad".
        rwa: drop counter-rotating terms.
        tolerance: error allowed in a population.
        threads: plain threads over lanes and columns; the result is the same.
        cancel: looked at every 30 ms or so.
        steps: outer steps to extrapolate, in samples, each half of the one
            before; None: from the tolerance.

    Returns:
        complex128[lanes, dim, columns].

    Raises:
        CancelledError: ``cancel`` was set.
    """
    density = solver == "lindblad"
    mode = "density" if density else "ket"
    with borrowed(model, rwa, tolerance, mode) as ladder:
        dressing, w_c = ladder.dressing, ladder.w_c
    turn = model.labels @ (w_c - model.w_frame)  # rad/s, common minus interaction frame
    enter = np.exp(1j * turn * (start * model.dt))[:, None]
    leave = np.exp(-1j * turn * (stop * model.dt))[:, None]
    out = np.empty_like(states)

    def job(lane: int, columns: slice) -> None:
        x = _both(lambda y: dressing.to_bare(enter * y), states[lane][:, columns], density)
        with borrowed(model, rwa, tolerance, mode) as run:
            x = run(tones, lane, x, start, stop, cancel=cancel, steps=steps)
        out[lane][:, columns] = _both(lambda y: leave * dressing.to_dressed(y), x, density)

    width = states.shape[2] if density else COLUMNS
    pieces = [(lane, slice(c, c + width)) for lane in range(len(states)) for c in range(0, states.shape[2], width)]
    run_all([partial(job, *piece) for piece in pieces], threads)
    return out


def _both(act: "object", x: np.ndarray, density: bool) -> np.ndarray:
    """Return act(x), for density matrices act(act(x)^dag)^dag."""
    y = act(np.ascontiguousarray(x))  # type: ignore[operator]
    return act(np.ascontiguousarray(y.conj().T)).conj().T if density else y  # type: ignore[operator]


class Ladder:
    """Runs of halved steps, extrapolated until they agree."""

    def __init__(self, model: Model, *, rwa: bool, tolerance: float, mode: str) -> None:
        self.model, self.rwa, self.tolerance, self.mode = model, rwa, tolerance, mode
        self._splittings: Dict[float, Splitting] = {}
        self._ends: Dict[float, Processor] = {}
        first = self.splitting(1.0)
        self.w_c = first.w_c
        self.live = [(i, j, w) for i, j, w, sign in first.sites.couplings if sign > 0]
        self.error = 0.0  # of the last run, estimated

    @cached_property
    def gap(self) -> float:
        """By how many rad coupled states turn against each other in a sample."""
        return gap_of(self.model)

    @property
    def unit(self) -> float:
        """The longest step that makes sense, in samples."""
        return unit(turn_of(self.model, self.rwa), self.gap)

    @cached_property
    def dressing(self) -> "Dressing | LargeDressing":
        """The model's dressed basis."""
        return dressing_of(self.model, self.w_c, self.live)

    def splitting(self, step: float) -> Splitting:
        """Return the propagator with an outer step in samples."""
        if step not in self._splittings:
            choice = StepChoice(STRANG, step)
            self._splittings[step] = Splitting(
                self.model, choice, rwa=self.rwa, tolerance=self.tolerance, mode=self.mode
            )
        return self._splittings[step]

    def ends(self, step: float) -> Processor:
        """Return what turns states into those of the stepper."""
        if step not in self._ends:
            n = self.model.labels.astype(np.float64)
            bare = n @ (self.model.w_bare - self.w_c) + (n * (n - 1)) @ (self.model.w_alpha / 2)
            self._ends[step] = processor_of(STRANG, step * self.model.dt, tuple(self.model.levels), bare, self.live)
        return self._ends[step]

    def __call__(
        self,
        tones: Sequence[Tone],
        lane: int,
        x: np.ndarray,
        start: int,
        stop: int,
        *,
        cancel: Optional[threading.Event] = None,
        steps: Optional[Tuple[float, ...]] = None,
    ) -> np.ndarray:
        """Evolve bare common-frame columns; :attr:`error` is set.

        Long idle stretches of kets are one phase per dressed state.
        """
        error = 0.0
        for a, b, idle in self._stretches(tones, lane, start, stop):
            if idle:
                phase = np.exp(-1j * self.dressing.energies * ((b - a) * self.model.dt))  # type: ignore[union-attr]
                x = self.dressing.to_bare(phase[:, None] * self.dressing.to_dressed(x))
            else:
                x = self._driven(tones, lane, x, a, b, cancel, steps)
                error += self.error
        self.error = error
        return x

    def _stretches(self, tones: Sequence[Tone], lane: int, start: int, stop: int) -> List[Tuple[int, int, bool]]:
        """Return (start, stop, whether idle and worth one step), in samples."""
        if self.mode != "ket" or self.model.held or self.model.dim > LARGEST:
            return [(start, stop, False)]
        live = [t for t in tones if t.amplitude[lane] != 0]
        return stretches(live, self.model.dt, start, stop, IDLE)

    def _driven(
        self,
        tones: Sequence[Tone],
        lane: int,
        x: np.ndarray,
        start: int,
        stop: int,
        cancel: Optional[threading.Event],
        steps: Optional[Tuple[float, ...]],
    ) -> np.ndarray:
        chosen = steps_of(self.model, self.rwa, self.tolerance, stop - start) if steps is None else steps
        odd = (stop - start) % 2 if chosen[0] == LONG else 0
        if odd:  # the last sample on its own
            error = 0.0
            if stop - start > 1:
                x = self._driven(tones, lane, x, start, stop - 1, cancel, steps)
                error = self.error
            x = self._driven(tones, lane, x, stop - 1, stop, cancel, tuple(s / 2 for s in chosen))
            self.error += error
            return x
        courses, rough = self._courses(tones, lane, start, stop, chosen)
        if steps is None and rough is not None and rough > self.tolerance:
            chosen = (*chosen[1:], chosen[-1] / 2)
            courses, rough = self._courses(tones, lane, start, stop, chosen)
        rows: List[List[np.ndarray]] = []
        for step in chosen:
            self._extend(rows, self._one(step, courses[step], x, cancel))
        self.error = self._estimate(rows, chosen[-1], rough)
        while steps is None and self.error > self.tolerance and chosen[-1] > FINEST * self.unit:
            if chosen[0] == LONG:
                chosen, rows = chosen[1:], [[row[0]] for row in rows[1:2]]
            chosen = (*chosen, chosen[-1] / 2)
            run = self.splitting(chosen[-1])
            course = run.course(run.drive.played(tones, lane, start, stop))
            self._extend(rows, self._one(chosen[-1], course, x, cancel))
            self.error = self._estimate(rows, chosen[-1])
        return rows[-1][-1]

    def _courses(
        self, tones: Sequence[Tone], lane: int, start: int, stop: int, steps: Tuple[float, ...]
    ) -> Tuple[Dict[float, Course], Optional[float]]:
        """Return the course of every step, from that of the smallest.

        And what rough drives add to the error, where there are steps of two
        samples (and of one).
        """
        run = self.splitting(1.0 if steps[0] == LONG else steps[-1])
        what = run.drive.played(tones, lane, start, stop, align=2 if steps[0] == LONG else 1)
        finest = run.course(what)
        if steps[0] == LONG:
            long, rough = straightened(finest, run.drive, what)
            strength = np.zeros(self.model.n)
            for i, j, w in self.live:
                strength[[i, j]] += abs(w)
            scale = _ROUGH * self.model.dt**2 * (self.gap**2 + 0.15)
            return {LONG: long, 1.0: finest}, scale * float(strength @ rough)
        out = {steps[-1]: finest}
        for step in steps[-2::-1]:
            finest = run.drive.coarser(finest)
            out[step] = finest
        return out, None

    @staticmethod
    def _extend(rows: List[List[np.ndarray]], y: np.ndarray) -> None:
        row = [y]
        for k in range(len(rows)):
            factor = 4.0 ** (k + 1)
            row.append((factor * row[k] - rows[-1][k]) / (factor - 1))
        rows.append(row)

    def _estimate(self, rows: List[List[np.ndarray]], step: float, rough: Optional[float] = None) -> float:
        """Return an estimate of the largest error of an amplitude, or of an entry of a density matrix.

        Args:
            rows: of the extrapolation.
            step: the last one, samples.
            rough: what rough drives add, where the first step is of two samples.
        """
        if len(rows) == 1:
            return 1e-5 * (step / self.unit) ** 2
        change = float(np.max(np.abs(rows[-1][-1] - rows[-2][-1])))
        if not self.model.on_grid:
            return LATE * change
        if rough is not None:
            seen = float(np.max(np.abs(self._populations(rows[-1][-1]) - self._populations(rows[-1][-2]))))
            return max(seen / _LONG_GAIN, change / _LONG_CHANGE) + rough
        if len(rows) == 2:
            return (PAIR if self.rwa else PAIR_LAB) * change
        return (TRIPLE if len(rows) == 3 else MORE) * change

    def _populations(self, y: np.ndarray) -> np.ndarray:
        return np.diag(y).real if self.mode == "density" else y.real**2 + y.imag**2

    def _one(self, step: float, course: Course, x: np.ndarray, cancel: Optional[threading.Event]) -> np.ndarray:
        run, ends = self.splitting(step), self.ends(step)
        plan = run.plan(course)
        if self.mode != "density":
            return ends.leave(run.run(plan, ends.enter(x), cancel))
        # a density matrix as a ket: its columns are the slow sites
        y = np.ascontiguousarray(_both(ends.enter, x, True).T).reshape(-1, 1)
        dim = self.model.dim
        return _both(ends.leave, run.run(plan, y, cancel).reshape(dim, dim).T, True)


def steps_of(model: Model, rwa: bool, tolerance: float, samples: int) -> Tuple[float, ...]:
    """Return the steps that a program begins with, in samples; long ones are not worth trying with two."""
    turn, gap = turn_of(model, rwa), gap_of(model)
    couplings = [w * w for _, _, w in model.couplings if w]
    mean = sum(couplings) / max(1, len(couplings))
    drift = _DRIFT * samples * model.n**0.5 * mean * model.dt**2 * gap
    return ladder(tolerance, turn, gap, model.on_grid and drift <= _LONG_GAIN * tolerance)


def turn_of(model: Model, rwa: bool) -> float:
    """Return by how many rad counter-rotating terms turn in a sample; 0 under the RWA."""
    return 0.0 if rwa else 2 * float(np.mean(model.w_bare)) * model.dt


def gap_of(model: Model) -> float:
    """Return by how many rad coupled states of a model turn against each other in a sample."""
    reach = [abs(a) * max(d - 2, 0) for a, d in zip(model.w_alpha.tolist(), model.levels)]
    gaps = [abs(model.w_bare[i] - model.w_bare[j]) + max(reach[i], reach[j]) for i, j, w in model.couplings if w]
    return float(max(gaps, default=0.0) * model.dt)


_idle: "OrderedDict[Tuple[int, bool, float, str], List[Ladder]]" = OrderedDict()
_lock = threading.Lock()


@contextmanager
def borrowed(model: Model, rwa: bool, tolerance: float, mode: str) -> Iterator[Ladder]:
    """Lend a ladder of a model, with the tables of earlier calls, to one thread."""
    key = (id(model), rwa, tolerance, mode)
    with _lock:
        found = _idle.get(key, [])
        ladder = found.pop() if found else None
    if ladder is None:
        ladder = Ladder(model, rwa=rwa, tolerance=tolerance, mode=mode)
    yield ladder
    with _lock:
        _idle.setdefault(key, []).append(ladder)  # it holds the model: the id stays its own
        _idle.move_to_end(key)
        while len(_idle) > KEPT:
            _idle.popitem(last=False)
