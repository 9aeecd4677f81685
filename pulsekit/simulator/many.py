"""Method "splitting": three or more transmons, kets and density matrices."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .course import Course
from .dressing import LARGEST, WHOLE, Dressing, dressing_of
from .kinks import cross, straightened
from .largedressing import LargeDressing
from .layers import two_body
from .localdrive import stretches
from .model import Model
from .played import Score
from .processor import Processor, processor_of
from .sites import sites_of
from .splitting import CHUNK_SECONDS, Kets, Splitting
from .steps import ladder, unit
from .threads import look, run_all
from .timeline import Tone

__all__ = ["FINEST", "Ladder", "IDLE", "evolve_splitting", "gap_of", "steps_of", "supports", "turn_of"]

FINEST = 1 / 64  # units, the smallest step that is tried
IDLE = 200  # samples without a drive from which they are one step
# largest errors over what the last run of halved steps changed (random schedules)
PAIR, PAIR_LAB, TRIPLE, MORE = 0.03, 0.18, 0.16, 0.2  # of two, three, more runs
LATE = 2.0  # where samples of late lines begin within steps
KEPT = 8  # models whose tables stay
COLUMNS = 32  # of one lane, in one piece of work
LANES = 16  # of small models, in one piece of work
LONG = 2.0  # samples, a step that needs straightening
# errors of runs in such steps over what the second run changed: (gap h)^2 + _LONG_DRIVEN (drive h)^2, over _LONG_CHANGE
_LONG_CHANGE, _LONG_DRIVEN = 50.0, 6.0
_LONG_TURNED = 0.0225  # of (J h)^2 and the same per rad by which drives turn transmons, what such steps add up
_LONG_THIRD = 0.3  # of (J h)^3, what such steps leave of third order in the couplings
_DRIFT = 6e-4  # of (J h)^2 (gap h) per sample and root of the transmons, what extrapolating changes
_ROUNDING = 2.5e-15  # by which a step changes a norm or a trace, all of them one way
_ROUGH = 0.032  # of J h (drive h) ((gap h)^2 + 0.15), what rough drives add to the error of such steps


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
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        threads: plain threads over lanes and columns; the result is the same.
        cancel: looked at every 30 ms or so.
        steps: outer steps to extrapolate, in samples, each half of the one
            before; None: from the tolerance.

    Returns:
        complex128[lanes, dim, columns].

    Raises:
        CancelledError: ``cancel`` was set.
    """
    mode = "density" if solver == "lindblad" else "ket"
    with borrowed(model, rwa, tolerance, mode) as ladder:
        dressing, w_c = ladder.dressing, ladder.w_c
        score = ladder.splitting(1.0).drive.score(tones, range(len(states)))
        together = states.shape[2] == 1 and model.dim <= WHOLE and ladder.short(stop - start)
    turn = model.labels @ (w_c - model.w_frame)  # rad/s, common minus interaction frame
    enter = np.exp(1j * turn * (start * model.dt))[:, None]
    leave = np.exp(-1j * turn * (stop * model.dt))[:, None]
    out = np.empty_like(states)

    def ket(lanes: np.ndarray, columns: slice) -> None:
        rows = np.ascontiguousarray(states[lanes, :, columns].swapaxes(1, 2)).reshape(-1, model.dim)
        x = dressing.to_bare(enter * rows.T)
        with borrowed(model, rwa, tolerance, mode) as run:
            x = run(score, lanes.tolist(), x, start, stop, cancel=cancel, steps=steps)
        rows = (leave * dressing.to_dressed(x)).T
        out[lanes, :, columns] = rows.reshape(len(lanes), -1, model.dim).swapaxes(1, 2)

    def density(lane: int) -> None:
        x = _both(lambda y: dressing.to_bare(enter * y), states[lane])
        with borrowed(model, rwa, tolerance, mode) as run:
            x = run(score, [lane], x, start, stop, cancel=cancel, steps=steps)
        out[lane] = _both(lambda y: leave * dressing.to_dressed(y), x)

    if mode == "density":
        jobs = [partial(density, lane) for lane in range(len(states))]
    else:
        slices = [slice(c, c + COLUMNS) for c in range(0, states.shape[2], COLUMNS)]
        pieces = _shares(score.alike(), LANES if together else 1, threads)
        jobs = [partial(ket, lanes, c) for lanes in pieces for c in slices]
    run_all(jobs, threads)
    return out


def _shares(kinds: Sequence[np.ndarray], most: int, threads: int) -> List[np.ndarray]:
    """Cut every kind of lanes into pieces of ``most``, towards the end into smaller ones: threads end together."""
    out, left = [], sum(len(lanes) for lanes in kinds)
    for lanes in kinds:
        at = 0
        while at < len(lanes):
            size = most if threads == 1 else max(1, min(most, 2 * left // (3 * threads)))
            out.append(lanes[at : at + size])
            at += len(out[-1])
            left -= len(out[-1])
    return out


def _both(act: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return act(act(x)^dag)^dag of a density matrix."""
    y = act(np.ascontiguousarray(x))
    return act(np.ascontiguousarray(y.conj().T)).conj().T


class _Part(NamedTuple):
    """What is run."""

    score: Score
    lanes: Sequence[int]  # of it, which play the same tones; of density matrices one
    start: int  # samples
    stop: int
    cancel: Optional[threading.Event]

    @property
    def samples(self) -> int:
        """How many there are."""
        return self.stop - self.start


class Ladder:
    """Runs of halved steps, extrapolated until they agree."""

    def __init__(self, model: Model, *, rwa: bool, tolerance: float, mode: str) -> None:
        self.model, self.rwa, self.tolerance, self.mode = model, rwa, tolerance, mode
        self._splittings: Dict[float, Splitting] = {}
        self._ends: Dict[float, Processor] = {}
        self._chosen: Dict[int, Tuple[float, ...]] = {}
        first = self.splitting(1.0)
        self.w_c = first.w_c
        self.live = [(i, j, w) for i, j, w, sign in first.sites.couplings if sign > 0]

    @cached_property
    def gap(self) -> float:
        """By how many rad coupled states turn against each other in a sample."""
        return gap_of(self.model)

    @cached_property
    def _rough(self) -> np.ndarray:
        """What rough drives add to the error of steps of two samples, float64[n], s."""
        strength = np.zeros(self.model.n)
        for i, j, w in self.live:
            strength[[i, j]] += abs(w)
        return _ROUGH * self.model.dt**2 * (self.gap**2 + 0.15) * strength

    @cached_property
    def _turning(self) -> np.ndarray:
        """What errors of steps of two samples grow by per rad by which a drive turns a transmon, float64[n]."""
        strength = np.zeros(self.model.n)
        for i, j, w in self.live:
            strength[[i, j]] += w * w / 2
        return _LONG_TURNED * self.model.dt**2 * strength / max(1, len(self.live))

    @cached_property
    def _square(self) -> float:
        """The square of the gaps, weighted by what couplings add to the change of an extrapolated run."""
        gaps, exchange = (x * self.model.dt for x in _coupled(self.model))
        weight = (exchange * gaps) ** 2
        return float((weight * gaps**2).sum() / weight.sum()) if weight.any() else 0.0

    @cached_property
    def _third(self) -> float:
        """What runs in steps of two samples leave of third order in the couplings."""
        return _LONG_THIRD * float(_coupled(self.model)[1].max(initial=0.0) * self.model.dt) ** 3

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
            self._splittings[step] = Splitting(self.model, step, rwa=self.rwa, tolerance=self.tolerance, mode=self.mode)
        return self._splittings[step]

    def ends(self, step: float) -> Processor:
        """Return what turns states into those of the stepper."""
        if step not in self._ends:
            n, h = self.model.labels.astype(np.float64), step * self.model.dt
            bare = n @ (self.model.w_bare - self.w_c) + (n * (n - 1)) @ (self.model.w_alpha / 2)
            undone = two_body(sites_of(self.model, self.w_c, "ket"), h).reshape(-1)
            self._ends[step] = processor_of(h, tuple(self.model.levels), bare, self.live, undone)
        return self._ends[step]

    def __call__(
        self,
        score: Score,
        lanes: Sequence[int],
        x: np.ndarray,
        start: int,
        stop: int,
        *,
        cancel: Optional[threading.Event] = None,
        steps: Optional[Tuple[float, ...]] = None,
    ) -> np.ndarray:
        """Evolve bare common-frame columns.

        Long idle stretches of kets are one phase per dressed state.

        Args:
            score: what the program plays.
            lanes: of it, which play the same tones; of density matrices one.
            x: complex128[dim, columns], as many for each lane, lane by lane.
            start, stop: samples.
            cancel: looked at every 30 ms or so.
            steps: to extrapolate, in samples; None: from the tolerance.
        """
        for a, b, idle in self._stretches(score, lanes[0], start, stop):
            if idle:
                phase = np.exp(-1j * self.dressing.energies * ((b - a) * self.model.dt))  # type: ignore[union-attr]
                x = self.dressing.to_bare(phase[:, None] * self.dressing.to_dressed(x))
            else:
                x = self._driven(_Part(score, lanes, a, b, cancel), x, steps)
        return x

    def _stretches(self, score: Score, lane: int, start: int, stop: int) -> List[Tuple[int, int, bool]]:
        """Return (start, stop, whether idle and worth one step), in samples."""
        if self.mode != "ket" or self.model.held or self.model.dim > LARGEST:
            return [(start, stop, False)]
        key = ("stretches", start, stop, score.live[lane].tobytes())
        return score.once(key, lambda: stretches(score.sounding(lane), self.model.dt, start, stop, IDLE))

    def _driven(self, part: _Part, x: np.ndarray, steps: Optional[Tuple[float, ...]]) -> np.ndarray:
        """Return columns after a part; steps as of :meth:`__call__`."""
        chosen = self._steps(part.samples) if steps is None else steps
        if chosen[0] != LONG or part.samples % 2 == 0:
            return self._extrapolated(part, x, chosen, steps is None)
        last = part.stop - 1  # the last sample on its own
        if part.samples > 1:
            x = self._extrapolated(part._replace(stop=last), x, chosen, steps is None)
        return self._extrapolated(part._replace(start=last), x, tuple(s / 2 for s in chosen), False)

    def _extrapolated(self, part: _Part, x: np.ndarray, steps: Tuple[float, ...], more: bool) -> np.ndarray:
        """Return columns after runs of some steps, with ``more`` after those that a lane needs beside them."""
        score, lanes = part.score, part.lanes
        runs = [self.splitting(step) for step in steps]
        began = [self._enter(step, x).T for step in steps]
        kets = [run.kets(y) for y, run in zip(began, runs)]
        long = steps[0] == LONG
        turn = self._square + _LONG_DRIVEN * score.strongest[lanes] ** 2
        known = np.zeros(len(lanes))
        if long:
            known = turn * (score.turned(lanes, part.start, part.stop) @ self._turning)
        each = len(kets[0].re) // len(lanes)
        if not (long and self._together(part, kets, known)):
            for k, lane in enumerate(lanes):
                courses, rough = self._courses(part, lane, steps)
                known[k] += rough
                if not more or known[k] <= self.tolerance:
                    mine = slice(k * each, (k + 1) * each)
                    for step, run, every in zip(steps, runs, kets):
                        run.finish(run.plan(courses[step]), every.some(mine), part.cancel)
        rows: List[List[np.ndarray]] = []
        for step, run, every, y in zip(steps, runs, kets, began):
            self._extend(rows, self._leave(step, self._mended(part, step, y, run.states(every)).T))
        out = rows[-1][-1]
        if more:
            each = x.shape[1] // len(lanes)
            error = self._estimate(rows, steps, known, turn)
            for k in np.flatnonzero(error > self.tolerance).tolist():
                mine, one = slice(k * each, (k + 1) * each), part._replace(lanes=[lanes[k]])
                if known[k] > self.tolerance:
                    out[:, mine] = self._extrapolated(one, x[:, mine], (*steps[1:], steps[-1] / 2), True)
                else:
                    out[:, mine] = self._refined(one, x[:, mine], steps, [[y[:, mine] for y in row] for row in rows])
        return out

    def _together(self, part: _Part, kets: Sequence[Kets], known: np.ndarray) -> bool:
        """Run short programs of one ket each by calls of one kernel, in steps of two samples and one.

        Args:
            part: is run.
            kets: those of steps of two samples and of one, are moved on.
            known: gets what rough drives add to the error.

        Returns:
            Whether it could.
        """
        score, lanes = part.score, part.lanes
        if self.mode != "ket" or len(kets[0].re) > len(lanes) or not self.short(part.samples):
            return False
        one, two = self.splitting(1.0), self.splitting(LONG)
        what = score.played(lanes[0], part.start, part.stop, one.drive.known, align=2)
        if one.drive.carried(what.layout, one.drive.grid(what.layout, 1.0).tables) is None:
            return False
        numbers, each = score.numbers_of(lanes, what), int(CHUNK_SECONDS / self._seconds(part.samples))
        for a in range(0, len(lanes), each):
            look(part.cancel)
            mine = slice(a, a + each)
            found = cross(one, two, what, numbers[mine], (kets[1].some(mine), kets[0].some(mine)))
            known[mine] += (self._rough * found).sum(axis=1)
        return True

    def _refined(
        self, part: _Part, x: np.ndarray, steps: Tuple[float, ...], rows: List[List[np.ndarray]]
    ) -> np.ndarray:
        """Return one lane's columns after runs of halved steps until they agree; ``rows`` are what there is."""
        if steps[0] == LONG:
            steps, rows = steps[1:], [[row[0]] for row in rows[1:2]]
        error = np.inf
        while error > self.tolerance and steps[-1] > FINEST * self.unit:
            steps = (*steps, steps[-1] / 2)
            run = self.splitting(steps[-1])
            course = run.course(part.score.played(part.lanes[0], part.start, part.stop, run.drive.known))
            began = self._enter(steps[-1], x)
            y = run.run(run.plan(course), began, part.cancel)
            self._extend(rows, self._leave(steps[-1], self._mended(part, steps[-1], began.T, y.T).T))
            error = float(self._estimate(rows, steps, np.zeros(1), np.zeros(1))[0])
        return rows[-1][-1]

    def _mended(self, part: _Part, step: float, began: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """Return kets, rows, with the norms (traces) that they began with, where rounding of so many steps counts."""
        if _ROUNDING * part.samples / step <= self.tolerance / 20:
            return ended
        before, after = self._size(began), self._size(ended)
        kept = np.abs(after - before) < 1e-6 * np.abs(before)  # what has no trace stays
        return ended * np.divide(before, after, out=np.ones_like(after), where=kept)[:, None]

    def _size(self, kets: np.ndarray) -> np.ndarray:
        """Return what a run keeps of kets, rows: the norm, or the trace of a density matrix."""
        if self.mode == "density":
            return kets[:, :: self.model.dim + 1].sum(axis=1)  # type: ignore[no-any-return]
        return np.linalg.norm(kets, axis=1)

    def short(self, samples: int) -> bool:
        """Tell whether a kernel call takes runs of so many samples: in steps of two and one, in no time."""
        return self._steps(samples)[0] == LONG and self._seconds(samples) <= CHUNK_SECONDS

    def _seconds(self, samples: int) -> float:
        """Return the time of runs in steps of two samples and of one."""
        return samples * (self.splitting(1.0).step_seconds() + self.splitting(LONG).step_seconds() / LONG)

    def _steps(self, samples: int) -> Tuple[float, ...]:
        """Return the steps that so many samples begin with; see :func:`steps_of`."""
        if samples not in self._chosen:
            self._chosen[samples] = steps_of(self.model, self.rwa, self.tolerance, samples)
        return self._chosen[samples]

    def _courses(self, part: _Part, lane: int, steps: Tuple[float, ...]) -> Tuple[Dict[float, Course], float]:
        """Return the course of every step, from that of the smallest, and what rough drives add to the error.

        They do so where there are steps of two samples (and of one).
        """
        run = self.splitting(1.0 if steps[0] == LONG else steps[-1])
        what = part.score.played(lane, part.start, part.stop, run.drive.known, align=2 if steps[0] == LONG else 1)
        finest = run.course(what)
        if steps[0] == LONG:
            long, rough = straightened(finest, run.drive, what)
            return {LONG: long, 1.0: finest}, float((self._rough * rough).sum())
        out = {steps[-1]: finest}
        for step in steps[-2::-1]:
            finest = run.drive.coarser(finest)
            out[step] = finest
        return out, 0.0

    @staticmethod
    def _extend(rows: List[List[np.ndarray]], y: np.ndarray) -> None:
        row = [y]
        for k in range(len(rows)):
            factor = 4.0 ** (k + 1)
            row.append((factor * row[k] - rows[-1][k]) / (factor - 1))
        rows.append(row)

    def _estimate(
        self, rows: List[List[np.ndarray]], steps: Tuple[float, ...], known: np.ndarray, turn: np.ndarray
    ) -> np.ndarray:
        """Return estimates of the largest error of an amplitude, or of an entry of a density matrix, by lane.

        Args:
            rows: of the extrapolation.
            steps: theirs, samples.
            known: what drives add beside what runs show, by lane.
            turn: the square of what turns in a sample, couplings and with them drives, by lane.
        """
        if len(rows) == 1:
            return np.full(known.shape, 1e-5 * (steps[-1] / self.unit) ** 2)
        change = _largest(rows[-1][-1] - rows[-2][-1], len(known))
        if not self.model.on_grid:
            return LATE * change
        if steps[0] == LONG:
            return change * turn / _LONG_CHANGE + self._third + known
        if len(rows) == 2:
            return (PAIR if self.rwa else PAIR_LAB) * change
        return (TRIPLE if len(rows) == 3 else MORE) * change

    def _enter(self, step: float, x: np.ndarray) -> np.ndarray:
        """Return columns as the stepper takes them."""
        ends = self.ends(step)
        if self.mode != "density":
            return ends.enter(x)
        # a density matrix as a ket: its columns are the slow sites
        return np.ascontiguousarray(_both(ends.enter, x).T).reshape(-1, 1)

    def _leave(self, step: float, y: np.ndarray) -> np.ndarray:
        """Return the stepper's columns as they came."""
        ends, dim = self.ends(step), self.model.dim
        return _both(ends.leave, y.reshape(dim, dim).T) if self.mode == "density" else ends.leave(y)


def _largest(x: np.ndarray, lanes: int) -> np.ndarray:
    """Return the largest modulus of every lane's columns, float64[lanes]."""
    return np.abs(x).max(axis=0).reshape(lanes, -1).max(axis=1)


def steps_of(model: Model, rwa: bool, tolerance: float, samples: int) -> Tuple[float, ...]:
    """Return the steps that a program begins with, in samples; long ones are not worth trying with two."""
    turn, gap = turn_of(model, rwa), gap_of(model)
    exchange = _coupled(model)[1] * model.dt
    change = _DRIFT * samples * model.n**0.5 * float((exchange**2).sum()) / max(1, exchange.size) * gap
    return ladder(tolerance, turn, gap, model.on_grid and change * gap**2 / _LONG_CHANGE <= tolerance / 4)


def turn_of(model: Model, rwa: bool) -> float:
    """Return by how many rad counter-rotating terms turn in a sample; 0 under the RWA."""
    return 0.0 if rwa else 2 * float(np.mean(model.w_bare)) * model.dt


def gap_of(model: Model) -> float:
    """Return by how many rad coupled states of a model turn against each other in a sample."""
    return float(_coupled(model)[0].max(initial=0.0) * model.dt)


def _coupled(model: Model) -> Tuple[np.ndarray, np.ndarray]:
    """Return how fast the states of every coupling turn against each other, at most, and how strong it is, rad/s."""
    reach = [abs(a) * max(d - 2, 0) for a, d in zip(model.w_alpha.tolist(), model.levels)]
    live = [(i, j, abs(w)) for i, j, w in model.couplings if w]
    gaps = [abs(model.w_bare[i] - model.w_bare[j]) + max(reach[i], reach[j]) for i, j, _ in live]
    return np.array(gaps, dtype=float), np.array([w for *_, w in live], dtype=float)


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
