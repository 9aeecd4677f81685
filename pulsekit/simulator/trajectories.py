"""Unravel T1, T2 and heating into quantum-jump trajectories of kets.

Between jumps a trajectory follows the non-Hermitian Hamiltonian
H - (i/2) sum c^dag c; it jumps at the end of an outer step that is nearest to
where its squared norm falls to its random number (Dalibard, Castin and
Molmer, Phys. Rev. Lett. 68, 580 (1992)). All trajectories that have not jumped yet share one
run: what is computed anew is the rest of the program after every jump, and
those of equal time and kind share that too. The kernel takes many such paths
through a part of the program in one call. Long stretches without a drive
are crossed in closed form (:mod:`~pulsekit.simulator.idlejumps`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import ContextManager, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ..errors import CancelledError, SimulationError
from .blocks import aligned
from .dressing import Dressing
from .idlejumps import idle_jumps
from .jumpdraws import PURPOSE, Draws
from .jumpkinds import JumpKinds, normalised, picked, reaches
from .localdrive import stretches
from .many import Ladder, borrowed
from .model import Model
from .paths import Paths, Waiting, spans
from .splitting import Plan, Splitting, Watch
from .threads import Crew
from .timeline import Tone

__all__ = ["STEP", "Branch", "Trajectories"]

IDLE = 400  # samples without a drive from which they are crossed in one step
STEP = 2.0  # units: errors of 1e-5 are far below the spread of trajectories
PIECE = 4e-3  # s of kernel time that a piece of work should take
WORTH = 2e-3  # s of kernel time, less is not worth a thread
ENTRIES = 2**17  # amplitudes of trajectories that cross an idle stretch at a time
FALLEN = 2**19  # bytes of kets that wait for their jumps: others may go on from there
FEWEST = 4  # of them


@dataclass(frozen=True, eq=False)
class Branch:
    """Trajectories that ended in one state."""

    state: np.ndarray  # complex128[dim], dressed interaction frame, normalised
    members: np.ndarray  # int64, indices of trajectories
    jumps: int  # how many jumps they made


class Trajectories:
    """Trajectories of one program on one model.

    Args:
        model: the cluster, with T1 and T2.
        tones: of the program.
        lane: which lane's amplitudes.
        start, stop: samples.
        rwa: drop counter-rotating terms.
        units: outer step in units of :func:`~pulsekit.simulator.schemes.unit`.
        step: the same in samples, whatever the model needs.
    """

    def __init__(
        self,
        model: Model,
        tones: Sequence[Tone],
        lane: int,
        *,
        start: int,
        stop: int,
        rwa: bool = True,
        units: float = STEP,
        step: Optional[float] = None,
    ) -> None:
        self.model = model
        self._tones, self._lane, self._rwa = tones, lane, rwa
        live = [t for t in tones if t.amplitude[lane] != 0]
        self._stretches = stretches(live, model.dt, start, stop, IDLE)
        with self._ladder() as ladder:
            self.step = units * ladder.unit if step is None else step
            self.run, self.ends, w_c = ladder.splitting(self.step), ladder.ends(self.step), ladder.w_c
            whole = ladder.dressing
            self.dressing = whole.sparse if isinstance(whole, Dressing) else whole
            self.idle = None
            if any(idle for _, _, idle in self._stretches):
                self.idle = idle_jumps(model, self.run.sites, whole)
            if self.idle is None:
                self._stretches = [(start, stop, False)]
            self.parts = self._parts(self.run)
        turn = model.labels @ (w_c - model.w_frame)
        self._enter = np.exp(1j * turn * (start * model.dt))
        self._leave = np.exp(-1j * turn * (stop * model.dt))
        self._jumps = JumpKinds(model)
        self._rate = self.run.layout.spread(self._jumps.total)

    def _ladder(self) -> ContextManager[Ladder]:
        """Lend the ladder of the model's trajectories: only plans are made with it."""
        return borrowed(self.model, self._rwa, 1e-6, "nojump")

    def _parts(self, run: Splitting) -> "List[Union[Plan, float]]":
        """Return the program's parts: plans, and idle ones, s, that are crossed in one step."""
        out: List[Union[Plan, float]] = []
        for a, b, idle in self._stretches:
            if idle:
                out.append((b - a) * self.model.dt)
            else:
                out.append(run.plan(run.course(run.drive.played(self._tones, self._lane, a, b))))
        return out

    def __call__(
        self,
        state: np.ndarray,
        members: np.ndarray,
        *,
        seed: int,
        experiment: int = 0,
        purpose: int = PURPOSE,
        threads: int = 1,
        cancel: Optional[threading.Event] = None,
    ) -> List[Branch]:
        """Evolve trajectories from one state.

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            members: int64, indices of the trajectories (shots), different.
            seed, experiment, purpose: of the random stream.
            threads: plain threads over the tree of jumps; the result is the same.
            cancel: looked at every 30 ms or so.

        Returns:
            Branches; first those without jumps. Each member is in one.

        Raises:
            CancelledError: ``cancel`` was set.
        """
        members = np.asarray(members, dtype=np.int64)
        x = np.asarray(state, dtype=complex)
        if x.shape != (self.model.dim,) or not np.isfinite(x).all():
            raise SimulationError(
                f"Argument `state` must be finite, of shape ({self.model.dim},), but shape {state.shape} came."
            )
        tree = _Tree(Draws(seed, experiment, purpose, members), Crew(threads), cancel, [])
        if members.size:
            root = self._root(self._enter * x, tree.draws, len(members))
            tree.crew.run(lambda: self._pass(root, 0, tree))
        return sorted(tree.found, key=lambda b: (b.jumps, int(b.members[0])))

    @staticmethod
    def _root(x: np.ndarray, draws: Draws, count: int) -> Paths:
        row = np.arange(count)
        level = draws.at(row, 0 * row)
        order = np.argsort(-level)
        waiting = Waiting(level[order], row[order], np.ones(count, dtype=np.int64))
        return Paths(x[None], np.zeros((1, 2), np.int64), np.array([0, count]), waiting, np.zeros(1, np.int64))

    def error(self, state: np.ndarray, cancel: Optional[threading.Event] = None) -> float:
        """Return a bound on the error of a population without jumps.

        The no-jump run with steps of half the length, compared: errors are
        0.7 to 1.7 times the difference (4/3, were they all of second order).

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            cancel: looked at every 30 ms or so.
        """
        x = self.dressing.to_bare((self._enter * state)[:, None])
        with self._ladder() as ladder:
            run, ends = ladder.splitting(self.step / 2), ladder.ends(self.step / 2)
            parts = self._parts(run)
        found = []
        for stepper, around, which in ((self.run, self.ends, self.parts), (run, ends, parts)):
            y = x
            for part in which:
                if isinstance(part, Plan):
                    y = around.leave(stepper.run(part, around.enter(y), cancel))
                else:
                    assert self.idle is not None
                    d = self.idle.unjumped(self.dressing.to_dressed(y).T, part)
                    y = self.dressing.to_bare(d.T)
            y = self.dressing.to_dressed(y)
            found.append(y.real**2 + y.imag**2)
        return float(np.max(np.abs(found[0] - found[1]))) * 2

    def _pass(self, paths: Paths, k: int, tree: "_Tree") -> None:
        """Take paths, dressed common frame, from the beginning of a part to the end, and what jumps off them."""
        while len(paths.jumps):
            if k == len(self.parts):
                self._end(paths, tree)
                return
            part = self.parts[k]
            if isinstance(part, Plan):
                states = self.ends.enter(self.dressing.to_bare(paths.states.T)).T
                paths = self._step(paths._replace(states=states), k, part, tree)
            else:
                paths = self._cross(paths, k, part, tree)
            k += 1

    def _step(self, paths: Paths, k: int, plan: Plan, tree: "_Tree") -> Paths:
        """Take paths, the stepper's basis, through the rest of a part; return those who did not jump there."""
        kets = self.run.kets(paths.states, paths.place)
        kets.place[:, 3], kets.place[:, 4] = paths.first[:-1], paths.first[1:]
        watch = self._watch(paths)
        done = False
        while not done:
            done = self.run.advance(plan, kets, watch, tree.cancel)
            if watch.falls[-1, 0] and (done or watch.falls[-1, 0] == len(watch.re)):
                self._jump(watch, paths, k, plan, tree)
        at = kets.place[:, 3]
        stay = np.arange(len(paths.waiting.row)) >= at[paths.owner]
        left = paths.narrowed(self.run.layout.get(kets.re, kets.im), stay)
        return left._replace(states=self.dressing.to_dressed(self.ends.leave(left.states.T)).T)

    def _watch(self, paths: Paths) -> Watch:
        """Return what watches paths' norms."""
        length = self.run.layout.length
        most = min(len(paths.waiting.row), max(FEWEST, FALLEN // (16 * length)))
        lent = np.ones(len(paths.jumps))
        re, im = aligned(most, length), aligned(most, length)
        return Watch(self._rate, paths.waiting.level, lent, re, im, np.zeros((most + 1, 5), dtype=np.int64))

    def _jump(self, watch: Watch, paths: Paths, k: int, plan: Plan, tree: "_Tree") -> None:
        """Let those who fell jump, to go on from there in pieces of their own."""
        count = watch.falls[-1, 0]
        ket, begin, end = watch.falls[:count, :3].T
        place, waiting = watch.falls[:count, 3:].copy(), paths.waiting.take(spans(begin, end))
        first = np.concatenate([[0], np.cumsum(end - begin)])
        states = self.run.layout.get(watch.re[:count], watch.im[:count])
        watch.falls[-1, 0] = 0
        fallen = Paths(states, place, first, waiting, paths.jumps[ket])
        for piece in reversed(fallen.dealt(self._pieces(plan, fallen, tree.crew.threads))):  # the longest is done first
            tree.crew.spawn(partial(self._resume, piece, k, plan, tree))

    def _resume(self, fallen: Paths, k: int, plan: Plan, tree: "_Tree") -> None:
        """Let paths, the stepper's basis, jump within a part, and take them to the end."""
        waiting, fall = fallen.waiting, fallen.owner
        reach = reaches(fallen.states, self._jumps.rates)
        which = picked(reach[fall], tree.draws.at(waiting.row, waiting.used))
        waiting = waiting._replace(level=tree.draws.at(waiting.row, waiting.used + 1), used=waiting.used + 2)
        order = np.lexsort((-waiting.level, which, fall))
        fall, which = fall[order], which[order]
        new = np.flatnonzero(np.diff(fall, prepend=-1) | np.diff(which, prepend=-1))
        first = np.append(new, len(order))
        fall, which = fall[new], which[new]
        states = self._jumps.apply(fallen.states[fall], which)
        paths = Paths(states, fallen.place[fall], first, waiting.take(order), fallen.jumps[fall] + 1)
        self._pass(self._step(paths, k, plan, tree), k + 1, tree)

    def _pieces(self, plan: Plan, paths: Paths, threads: int) -> int:
        """Return in how many pieces the rest of a part should be done."""
        done = np.concatenate([[0], np.cumsum(plan.segments[:-1, 0])])
        steps = int((done[-1] - done[paths.place[:, 0]] - paths.place[:, 1]).sum())
        seconds = steps * self.run.step_seconds()
        hands = threads if seconds > WORTH else 1
        return min(len(paths.jumps), hands * (1 + int(seconds / (hands * PIECE))))

    def _cross(self, paths: Paths, k: int, span: float, tree: "_Tree") -> Paths:
        """Take paths, dressed common frame, through an idle part; return those who did not jump there.

        Those who come out in states of their own go on as pieces of their own.
        """
        assert self.idle is not None
        if self.idle.phased(span):
            stay = np.zeros(len(paths.waiting.row), dtype=bool)
        else:
            stay = paths.waiting.level < self.idle.left(paths.states, span)[paths.owner]
        moved, owner = np.flatnonzero(~stay), paths.owner
        rows = max(1, ENTRIES // self.model.dim)
        for low in range(0, len(moved), rows):
            mine = moved[low : low + rows]
            tree.crew.spawn(partial(self._idle, paths, mine, owner[mine], k, span, tree))
        return paths.narrowed(self.idle.unjumped(paths.states, span), stay)

    def _idle(self, paths: Paths, mine: np.ndarray, owner: np.ndarray, k: int, span: float, tree: "_Tree") -> None:
        """Take some of those who wait through an idle part, each in a state of its own, and on to the end."""
        assert self.idle is not None
        if tree.cancel is not None and tree.cancel.is_set():
            raise CancelledError("The simulation was cancelled.")
        found = self.idle.cross(paths.states[owner], paths.waiting.take(mine), span, tree.draws)
        count = len(mine)
        place, first = np.zeros((count, 2), dtype=np.int64), np.arange(count + 1)
        self._pass(Paths(found.states, place, first, found.waiting, paths.jumps[owner] + found.jumps), k + 1, tree)

    def _end(self, paths: Paths, tree: "_Tree") -> None:
        """Note that trajectories came to the end in some states, dressed common frame."""
        states = normalised(self._leave * paths.states)
        members = tree.draws.members[paths.waiting.row]
        members = np.split(members[np.lexsort((members, paths.owner))], paths.first[1:-1])
        tree.found.extend([Branch(*each) for each in zip(states, members, paths.jumps.tolist())])


class _Tree(NamedTuple):
    """What the paths of one call share."""

    draws: Draws
    crew: Crew
    cancel: Optional[threading.Event]
    found: List[Branch]
