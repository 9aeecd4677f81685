"""Unravel T1, T2 and heating into quantum-jump trajectories of kets.

Between jumps a trajectory follows the non-Hermitian Hamiltonian
H - (i/2) sum c^dag c; it jumps at the end of an outer step that is nearest to
where its squared norm falls to its random number (Dalibard, Castin and
Molmer, Phys. Rev. Lett. 68, 580 (1992)). All trajectories that have not jumped yet share one
run: what is computed anew is the rest of the program after every jump, and
those of equal time and kind share that too. What jumps in a part of the
program grows within one kernel, in all threads at once
(:mod:`~pulsekit.simulator.jumptree`); long stretches without a drive are
crossed in closed form (:mod:`~pulsekit.simulator.idlejumps`).
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Callable, ContextManager, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._ext import kernel
from ..errors import SimulationError
from .branches import Branches, gathered
from .dressing import Dressing
from .idlejumps import idle_jumps
from .jumpdraws import PURPOSE, Draws
from .jumpkinds import jump_kinds
from .jumptree import JumpTree
from .localdrive import stretches
from .many import Ladder, borrowed
from .model import Model
from .operators import parts
from .paths import Paths, Sharing, Waiting
from .splitting import CHUNK_SECONDS, Plan, Splitting
from .threads import Crew, look
from .timeline import Tone

__all__ = ["CROSSED", "IDLE", "STEP", "Trajectories"]

IDLE = 400  # samples without a drive from which they are crossed in one step
STEP = 2.0  # units: errors of 1e-5 are far below the spread of trajectories
WORTH = 2e-3  # s of kernel time, less is not worth a thread
ASK = 2e-3  # s of kernel time between looks whether a thread has nothing to do
PAUSES = (5e-5, 2e-4)  # s between looks of such a thread whether there is something again, at first and at most
CROSSED = 3e-5  # s, of a trajectory that jumps in an idle stretch
ENTRIES = 2**17  # amplitudes of trajectories that cross an idle stretch at a time
Seen = Callable[[int, np.ndarray, np.ndarray], None]
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
        cuts: samples from start to stop at which a call may look on.
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
        cuts: Sequence[int] = (),
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
                self._stretches = [(start, stop, False)] if stop > start else []
            self._stretches = _cut(self._stretches, cuts)
            self.parts = self._parts(self.run)
        begins = {a: k for k, (a, _, _) in enumerate([*self._stretches, (stop, stop, False)])}
        self._cuts = {begins[t]: t for t in cuts}  # by the part that begins there
        self._turn, self._stop = model.labels @ (w_c - model.w_frame), stop
        self._enter = np.exp(1j * self._turn * (start * model.dt))
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
        seen: Optional[Seen] = None,
    ) -> Branches:
        """Evolve trajectories from one state.

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            members: int64, indices of the trajectories (shots), different.
            seed, experiment, purpose: of the random stream.
            threads: plain threads over the tree of jumps; the result is the same.
            cancel: looked at every 30 ms or so.
            seen: called at every cut with the sample, some kets
                complex128[kets, dim] (dressed interaction frame, normalised),
                and how many trajectories are in each; several times at one,
                in any order, by any thread.

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
        tree = _Tree(draws, Crew(threads), cancel, seen, len(calm), [])
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
            if tree.seen is not None and k in self._cuts:
                counts = np.diff(paths.sharing.first)
                counts[paths.sharing.jumps == 0] += tree.calm  # who never jump, all in one ket
                tree.seen(self._cuts[k], self._normalised(paths.states, self._cuts[k]), counts)
            if k == len(self.parts):
                self._end(paths, tree)
                return
            part = self.parts[k]
            if isinstance(part, Plan):
                states = self.ends.enter(self.dressing.to_bare(paths.states.T)).T
                kinds, crew = self._jumps, tree.crew
                grown = JumpTree(self.run, part, kinds, states, paths.sharing, tree.draws, threads=crew.threads)
                self._grow(grown, k, tree)
                return
            paths = self._cross(paths, k, part, tree)
            k += 1

    def _grow(self, grown: JumpTree, k: int, tree: "_Tree") -> None:
        """Let a part's jumps grow, together with others who do, and take what comes out of this hand to the end."""
        hand, crew, more, pause = grown.hand(), tree.crew, True, PAUSES[0]
        shared = crew.threads > 1 and grown.worth > WORTH
        while more or not (grown.done or crew.asked):
            look(tree.cancel)
            if shared and crew.idle:
                crew.spawn(partial(self._grow, grown, k, tree))
            more = grown.grow(hand, ASK if shared else CHUNK_SECONDS)
            if hand.full or (hand.count and not more):
                self._go_on(*grown.taken(hand), k, tree)
            if more:
                pause = PAUSES[0]
            elif not grown.done:
                time.sleep(pause)
                pause = min(2 * pause, PAUSES[1])

    def _go_on(self, states: np.ndarray, sharing: Sharing, k: int, tree: "_Tree") -> None:
        """Take kets, the stepper's basis, from the end of a part to the end."""
        paths = Paths(self.dressing.to_dressed(self.ends.leave(states.T)).T, sharing)
        if k + 1 == len(self.parts):
            self._pass(paths, k + 1, tree)
        else:
            tree.crew.spawn(partial(self._pass, paths, k + 1, tree), False)

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
        states = self._normalised(paths.states, self._stop)
        tree.found.append(Branches(states, sharing.first, tree.draws.members[row], sharing.jumps))

    def _normalised(self, states: np.ndarray, t: int) -> np.ndarray:
        """Return kets of the dressed common frame at a sample in the interaction frame, normalised."""
        x = np.ascontiguousarray(states)
        out = np.empty_like(x)
        kernel("jumps").normalised(parts(x), parts(np.exp(-1j * self._turn * (t * self.model.dt))), parts(out))
        return out


def _cut(stretches: Sequence[Tuple[int, int, bool]], cuts: Sequence[int]) -> List[Tuple[int, int, bool]]:
    """Return stretches cut at some samples."""
    out = []
    for a, b, idle in stretches:
        edges = [a, *sorted({t for t in cuts if a < t < b}), b]
        out += [(low, high, idle) for low, high in zip(edges, edges[1:])]
    return out


class _Tree(NamedTuple):
    """What the paths of one call share."""

    draws: Draws
    crew: Crew
    cancel: Optional[threading.Event]
    seen: Optional[Seen]
    calm: int  # who never jump and do not wait
    found: List[Branches]
