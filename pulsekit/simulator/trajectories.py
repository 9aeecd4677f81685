"""Unravel T1, T2 and heating into quantum-jump trajectories of kets.

Between jumps a trajectory follows the non-Hermitian Hamiltonian
H - (i/2) sum c^dag c; it jumps at the end of an outer step that is nearest to
where its squared norm falls to its random number (Dalibard, Castin and
Molmer, Phys. Rev. Lett. 68, 580 (1992)). All trajectories that have not jumped yet share one
run: what is computed anew is the rest of the program after every jump, and
those of equal time and kind share that too. The kernel takes many such paths
through a part of the program in one call; a thread that has nothing to do
takes half of what another has not begun. Long stretches without a drive
are crossed in closed form (:mod:`~pulsekit.simulator.idlejumps`).
"""

from __future__ import annotations

import threading
from functools import partial
from typing import ContextManager, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._ext import kernel
from ..errors import SimulationError
from .blocks import aligned
from .branches import Branches, gathered
from .dressing import Dressing
from .idlejumps import idle_jumps
from .jumpdraws import PURPOSE, Draws
from .jumpkinds import jump_kinds
from .localdrive import stretches
from .many import Ladder, borrowed
from .model import Model
from .operators import parts
from .paths import Midway, Paths, Sharing, Waiting, edges, spans
from .splitting import CHUNK_SECONDS, Kets, Plan, Splitting, Watch
from .threads import Crew, look
from .timeline import Tone

__all__ = ["CROSSED", "IDLE", "STEP", "Trajectories"]

IDLE = 400  # samples without a drive from which they are crossed in one step
STEP = 2.0  # units: errors of 1e-5 are far below the spread of trajectories
WORTH = 2e-3  # s of kernel time, less is not worth a thread
SHARED = 4e-4  # s of kernel time, less is not shared with a thread that has nothing to do
ASK = 1e-3  # s of kernel time between looks whether there is one
CROSSED = 3e-5  # s, of a trajectory that jumps in an idle stretch
ENTRIES = 2**17  # amplitudes of trajectories that cross an idle stretch at a time
FALLEN = 1e-2  # s of kernel time for each thread that kets which wait for their jumps may take, all of them
SURE = 1e-6  # part of a squared norm, more than what steps may take off it


class Trajectories:
    """Trajectories of one program on one model.

    Args:
        model: the cluster, with T1 and T2.
        tones: of the program.
        lane: which lane's amplitudes.
        start, stop: samples.
        rwa: drop counter-rotating terms.
        units: outer step in units of :func:`~pulsekit.simulator.steps.unit`.
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
        self._jumps = jump_kinds(model, self.run.layout)
        time = (stop - start + self.step) * model.dt  # a level is passed half a step late, at most
        least = (1 - SURE) * np.exp(-float(self._jumps.total.max()) * time)
        self._least = least if self.idle is None else 0.0  # of what a squared norm becomes; who idles may need a ket

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
    ) -> Branches:
        """Evolve trajectories from one state.

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            members: int64, indices of the trajectories (shots), different.
            seed, experiment, purpose: of the random stream.
            threads: plain threads over the tree of jumps; the result is the same.
            cancel: looked at every 30 ms or so.

        Returns:
            First those without jumps. Each member is in one.

        Raises:
            CancelledError: ``cancel`` was set.
        """
        members = np.sort(np.asarray(members, dtype=np.int64), kind="stable")  # fast where they are already
        x = np.asarray(state, dtype=complex)
        if x.shape != (self.model.dim,) or not np.isfinite(x).all():
            raise SimulationError(
                f"Argument `state` must be finite, of shape ({self.model.dim},), but shape {state.shape} came."
            )
        draws = Draws(seed, experiment, purpose, members)
        if not members.size:
            return gathered([], self.model.dim)
        x = self._enter * x
        waiting, calm = self._waiting(x, draws)
        root = Paths(x[None], Sharing(np.array([0, len(waiting.row)]), waiting, np.zeros(1, dtype=np.int64)))
        tree = _Tree(draws, Crew(threads), cancel, [])
        tree.crew.run(lambda: self._pass(root, 0, tree))
        found = gathered(tree.found, self.model.dim)
        return found.joined(members[calm]) if len(calm) else found

    def _waiting(self, x: np.ndarray, draws: Draws) -> Tuple[Waiting, np.ndarray]:
        """Return who waits in the first ket, and those who go with the last of them: they never jump."""
        level = draws.at(slice(None), np.zeros_like(draws.members))
        may = level >= self._least * np.vdot(x, x).real
        some, calm = np.flatnonzero(may), np.flatnonzero(~may)
        row = np.concatenate([some[np.argsort(-level[some])], calm[:1]])
        return Waiting(level[row], row, np.ones_like(row)), calm[1:]

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
        """Take paths from the beginning of a part to the end, and what jumps off them."""
        while len(paths.states):
            if k == len(self.parts):
                self._end(paths, tree)
                return
            part = self.parts[k]
            if isinstance(part, Plan):
                states = self.ends.enter(self.dressing.to_bare(paths.states.T)).T
                place = np.zeros((len(states), 2), dtype=np.int64)
                paths = self._step(Midway(*self.run.layout.put(states), place, paths.sharing), k, part, tree)
            else:
                paths = self._cross(paths, k, part, tree)
            k += 1

    def _step(self, midway: Midway, k: int, plan: Plan, tree: "_Tree") -> Paths:
        """Take kets, the stepper's basis, through the rest of a part; return those who did not jump there."""
        sharing, crew = midway.sharing, tree.crew
        first, level = sharing.first, sharing.waiting.level
        place = np.stack([*midway.place.T, np.ones_like(first[1:]), first[:-1], first[1:]], axis=1)
        kets, watch, done = Kets(midway.re, midway.im, place), self._watch(level, len(place), plan, crew.threads), False
        while not done:
            done = self.run.advance(plan, kets, watch, tree.cancel, CHUNK_SECONDS if crew.threads == 1 else ASK)
            if watch.falls[-1, 0] and (done or crew.idle or watch.falls[-1, 0] == len(watch.re)):
                self._jump(watch, sharing, k, plan, tree)
            if crew.idle and not done:
                kets, sharing = self._share(kets, sharing, k, plan, tree)
        alive, left = sharing.from_on(kets.place[:, 3])
        states = self.run.layout.get(kets.re.take(alive, 0), kets.im.take(alive, 0))  # without the GIL
        return Paths(self.dressing.to_dressed(self.ends.leave(states.T)).T, left)

    def _share(self, kets: Kets, sharing: Sharing, k: int, plan: Plan, tree: "_Tree") -> Tuple[Kets, Sharing]:
        """Leave half of what has not begun, the last kets, to a thread that has nothing to do; return the others."""
        count, first = len(kets.place), int(np.flatnonzero(kets.place[:, 2] == 0)[-1]) + 1
        if self._seconds(plan, kets.place[first:]) <= SHARED:
            return kets, sharing
        own = (first + count) // 2
        theirs = sharing.take(np.arange(own, count))
        rest = Midway(kets.re[own:], kets.im[own:], kets.place[own:, :2], theirs)
        tree.crew.spawn(partial(self._go_on, rest, k, plan, tree), False)
        return kets.some(slice(own)), sharing.upto(own)

    def _watch(self, level: np.ndarray, kets: int, plan: Plan, threads: int) -> Watch:
        """Return what watches the norms of kets in which trajectories wait for levels."""
        length, steps = self.run.layout.length, 1 + int(plan.segments[:, 0].sum())
        most = max(1, min(len(level), int(threads * FALLEN / (steps * self.run.step_seconds()))))
        re, im = aligned(most, length), aligned(most, length)
        return Watch(self._jumps.total, level, np.ones(kets), re, im, np.zeros((most + 1, 5), dtype=np.int64))

    def _jump(self, watch: Watch, sharing: Sharing, k: int, plan: Plan, tree: "_Tree") -> None:
        """Let those who fell jump, to go on from there in pieces of their own."""
        count = watch.falls[-1, 0]
        ket, begin, end = watch.falls[:count, :3].T
        due = Sharing(edges(end - begin), sharing.waiting.take(spans(begin, end)), sharing.jumps[ket])
        fallen = Midway(watch.re[:count], watch.im[:count], watch.falls[:count, 3:], due)
        worth = self._seconds(plan, fallen.place) > WORTH
        for piece in fallen.dealt(min(count, tree.crew.threads) if worth else 1):
            tree.crew.spawn(partial(self._resume, piece, k, plan, tree), worth)
        watch.falls[-1, 0] = 0

    def _resume(self, due: Midway, k: int, plan: Plan, tree: "_Tree") -> None:
        """Let kets, the stepper's basis, jump within a part, and take them to the end."""
        self._go_on(self._jumps.jumped(due, tree.draws), k, plan, tree)

    def _go_on(self, midway: Midway, k: int, plan: Plan, tree: "_Tree") -> None:
        """Take kets, the stepper's basis, from within a part to the end."""
        self._pass(self._step(midway, k, plan, tree), k + 1, tree)

    def _seconds(self, plan: Plan, place: np.ndarray) -> float:
        """Return how long the rest of a part takes from some places, int64[kets, 2 or more], s."""
        done = np.concatenate([[0], np.cumsum(plan.segments[:-1, 0])])
        return float((done[-1] - done[place[:, 0]] - place[:, 1]).sum()) * self.run.step_seconds()

    def _cross(self, paths: Paths, k: int, span: float, tree: "_Tree") -> Paths:
        """Take paths, dressed common frame, through an idle part; return those who did not jump there.

        Those who come out in states of their own go on as pieces of their own.
        """
        assert self.idle is not None
        waiting, owner = paths.sharing.waiting, paths.sharing.owner
        if self.idle.phased(span):
            stay = np.zeros(len(owner), dtype=bool)
        else:
            stay = waiting.level < self.idle.left(paths.states, span)[owner]
        moved = np.flatnonzero(~stay)
        worth = len(moved) * CROSSED > 4 * WORTH  # much of it keeps the GIL
        rows = max(1, min(ENTRIES // self.model.dim, -(-len(moved) // tree.crew.threads) if worth else len(moved)))
        for low in range(0, len(moved), rows):
            mine = moved[low : low + rows]
            tree.crew.spawn(partial(self._idle, paths, mine, owner[mine], k, span, tree), worth)
        alive, left = paths.sharing.narrowed(stay)
        return Paths(self.idle.unjumped(paths.states.take(alive, 0), span), left)

    def _idle(self, paths: Paths, mine: np.ndarray, owner: np.ndarray, k: int, span: float, tree: "_Tree") -> None:
        """Take some of those who wait through an idle part, each in a state of its own, and on to the end."""
        assert self.idle is not None
        look(tree.cancel)
        found = self.idle.cross(paths.states[owner], paths.sharing.waiting.take(mine), span, tree.draws)
        jumps = paths.sharing.jumps[owner] + found.jumps
        self._pass(Paths(found.states, Sharing(np.arange(len(mine) + 1), found.waiting, jumps)), k + 1, tree)

    def _end(self, paths: Paths, tree: "_Tree") -> None:
        """Note that trajectories came to the end in some states, dressed common frame."""
        sharing = paths.sharing
        before = sharing.owner * len(tree.draws.members)
        row = before + sharing.waiting.row
        row.sort(kind="stable")
        row -= before
        x = np.ascontiguousarray(paths.states)
        states = np.empty_like(x)
        kernel("jumps").normalised(parts(x), parts(self._leave), parts(states))
        tree.found.append(Branches(states, sharing.first, tree.draws.members[row], sharing.jumps))


class _Tree(NamedTuple):
    """What the paths of one call share."""

    draws: Draws
    crew: Crew
    cancel: Optional[threading.Event]
    found: List[Branches]
