"""Unravel T1, T2 and heating into quantum-jump trajectories of kets.

Between jumps a trajectory follows the non-Hermitian Hamiltonian
H - (i/2) sum c^dag c; it jumps at the end of an outer step that is nearest to
where its squared norm falls to its random number (Dalibard, Castin and
Molmer, Phys. Rev. Lett. 68, 580 (1992)). All trajectories that have not jumped yet share one
run: what is computed anew is the rest of the program after every jump, and
those of equal time and kind share that too. Long stretches without a drive
are crossed in closed form (:mod:`~pulsekit.simulator.idlejumps`). Trajectory k
draws from its own place of a Philox stream, so that results do not depend on
how they are split.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import CancelledError, SimulationError
from .dressing import Dressing
from .idlejumps import Waiting, idle_jumps
from .localdrive import stretches
from .many import Ladder
from .model import Model
from .sites import rates
from .splitting import Fall, Place, Plan, Splitting
from .threads import Crew
from .timeline import Tone

__all__ = ["Branch", "STEP", "Trajectories", "jump_draws", "jump_rates"]

DRAWS = 32  # of a trajectory, drawn at once; more come from its own stream
MORE = 1024  # that come at a time
PURPOSE = 7  # of the random stream
IDLE = 400  # samples without a drive from which they are crossed in one step
STEP = 2.0  # units: errors of 1e-5 are far below the spread of trajectories


@dataclass(frozen=True, eq=False)
class Branch:
    """Trajectories that ended in one state."""

    state: np.ndarray  # complex128[dim], dressed interaction frame, normalised
    members: np.ndarray  # int64, indices of trajectories
    jumps: int  # how many jumps they made


def jump_draws(seed: int, experiment: int, members: np.ndarray, purpose: int = PURPOSE) -> np.ndarray:
    """Return the first random numbers of trajectories, float64[members, DRAWS].

    Philox at key (seed, experiment), counter from (trajectory, purpose).
    """
    if not members.size:
        return np.zeros((0, DRAWS))
    key = np.array([seed & (2**64 - 1), experiment], dtype=np.uint64)
    low, high = int(members.min()), int(members.max()) + 1
    bits = np.random.Philox(key=key, counter=np.array([0, 0, purpose, 0], dtype=np.uint64))
    bits.advance(low * DRAWS // 4)
    return np.random.Generator(bits).random((high - low, DRAWS))[members - low]


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
        self.ladder = Ladder(model, rwa=rwa, tolerance=1e-6, mode="nojump")
        self.step = step = units * self.ladder.unit if step is None else step
        self.run = self.ladder.splitting(step)
        self.ends = self.ladder.ends(step)
        whole = self.ladder.dressing
        self.dressing = whole.sparse if isinstance(whole, Dressing) else whole
        self._tones, self._lane = tones, lane
        live = [t for t in tones if t.amplitude[lane] != 0]
        self._stretches = stretches(live, model.dt, start, stop, IDLE)
        self.idle = None
        if any(idle for _, _, idle in self._stretches):
            self.idle = idle_jumps(model, self.run.sites, whole)
        if self.idle is None:
            self._stretches = [(start, stop, False)]
        self.parts = self._parts(self.run)
        for part in self.parts:
            if isinstance(part, Plan):
                for h in set(part.h.tolist()):
                    self.run.layers.end(h, back=True)  # no thread finds it missing
        self.run.layers.arrays()
        turn = model.labels @ (self.ladder.w_c - model.w_frame)
        self._enter = np.exp(1j * turn * (start * model.dt))[:, None]
        self._leave = np.exp(-1j * turn * (stop * model.dt))[:, None]
        self._jumps = _jump_table(model)
        self._rates = np.stack([_over(model, q, weight) for q, _, weight in self._jumps] or [np.zeros(model.dim)])
        self._rate = self.run.layout.spread(self._rates.sum(axis=0))

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
        x = np.asarray(state, dtype=complex).reshape(-1, 1)
        if x.shape[0] != self.model.dim or not np.isfinite(x).all():
            raise SimulationError(
                f"Argument `state` must be finite, of shape ({self.model.dim},), but shape {state.shape} came."
            )
        x = self.ends.enter(self.dressing.to_bare(self._enter * x))[:, 0]
        draws = jump_draws(seed, experiment, members, purpose)
        source = _Draws(seed, experiment, purpose, members, draws)
        tree = _Tree(source, Crew(threads), cancel, [])
        if members.size:
            tree.crew.run(lambda: self._descend(_Path(x, 0, Place(0, 0), source.start(), 0), tree))
        return sorted(tree.found, key=lambda b: (b.jumps, int(b.members[0])))

    def error(self, state: np.ndarray, cancel: Optional[threading.Event] = None) -> float:
        """Return a bound on the error of a population without jumps.

        The no-jump run with steps of half the length, compared: errors are
        0.7 to 1.7 times the difference (4/3, were they all of second order).

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            cancel: looked at every 30 ms or so.
        """
        found = []
        x = self.dressing.to_bare(self._enter * np.asarray(state, complex).reshape(-1, 1))
        for step in (self.step, self.step / 2):
            run, ends = self.ladder.splitting(step), self.ladder.ends(step)
            y = x
            for part in self.parts if step == self.step else self._parts(run):
                if isinstance(part, Plan):
                    y = ends.leave(run.run(part, ends.enter(y), cancel))
                else:
                    assert self.idle is not None
                    d = self.idle.unjumped(self.dressing.to_dressed(y)[:, 0], part)
                    y = self.dressing.to_bare(d[:, None])
            y = self.dressing.to_dressed(y)
            found.append(y.real**2 + y.imag**2)
        return float(np.max(np.abs(found[0] - found[1]))) * 2

    def _descend(self, path: "_Path", tree: "_Tree") -> None:
        """Run a state to the end, and what jumps off it."""
        layout = self.run.layout
        re, im = layout.empty()
        layout.put(path.state, re, im)
        waiting, place = sorted(path.waiting, reverse=True), path.place
        for k in range(path.part, len(self.parts)):
            part = self.parts[k]
            if isinstance(part, Plan):
                waiting = self._step(k, part, place, re, im, waiting, path.jumps, tree)
            else:
                x, waiting = self._cross(k, part, layout.get(re, im), path.jumps, waiting, tree)
                layout.put(x, re, im)
            if not waiting:
                return
            place = Place(0, 0)
        y = self.dressing.to_dressed(self.ends.leave(layout.get(re, im)[:, None]))
        self._end(y, waiting, path.jumps, tree)

    def _end(self, y: np.ndarray, waiting: Sequence[Waiting], jumps: int, tree: "_Tree") -> None:
        """Note that trajectories came to the end in a state, dressed common frame."""
        state = (self._leave * y)[:, 0]
        if waiting:
            members = np.array(sorted(m for _, m, _ in waiting), dtype=np.int64)
            tree.found.append(Branch(_normalised(state), tree.source.members[members], jumps))

    def _step(
        self,
        k: int,
        plan: Plan,
        place: Place,
        re: np.ndarray,
        im: np.ndarray,
        waiting: List[Waiting],
        jumps: int,
        tree: "_Tree",
    ) -> List[Waiting]:
        """Take trajectories through a part, in place; return those that did not jump there."""
        at, fresh, norms = 0, True, np.ones(2)
        while at < len(waiting):
            fall = Fall(waiting[at][0], self._rate, norms)
            place, fell = self.run.advance(plan, place, re, im, fresh=fresh, fall=fall, cancel=tree.cancel)
            if not fell:
                break
            fresh, first = False, at
            while at < len(waiting) and norms[0] <= waiting[at][0] * norms[1]:
                at += 1
            self._jump(re, im, k, plan, place, waiting[first:at], jumps, tree)
        return waiting[at:]

    def _cross(
        self, k: int, span: float, x: np.ndarray, jumps: int, waiting: Sequence[Waiting], tree: "_Tree"
    ) -> Tuple[np.ndarray, List[Waiting]]:
        """Take trajectories through an idle part.

        Those that come out in states of their own go on as paths of their own;
        returned is the state of the others, and they.
        """
        assert self.idle is not None
        dressing = self.dressing
        d = dressing.to_dressed(self.ends.leave(x[:, None]))
        last = k + 1 == len(self.parts)
        still: List[Waiting] = []
        for one in self.idle.cross(d[:, 0], waiting, span, tree.source.of):
            if one.state is None:
                still.append(one.waiting)
            elif last:
                self._end(one.state[:, None], [one.waiting], jumps + one.jumps, tree)
            else:
                y = self.ends.enter(dressing.to_bare(one.state[:, None]))[:, 0]
                self._spawn(_Path(y, k + 1, Place(0, 0), [one.waiting], jumps + one.jumps), tree)
            if tree.cancel is not None and tree.cancel.is_set():
                raise CancelledError("The simulation was cancelled.")
        if still and last:
            self._end(self.idle.unjumped(d[:, 0], span)[:, None], still, jumps, tree)
            still = []
        if still:
            d = self.idle.unjumped(d[:, 0], span)[:, None]
            x = self.ends.enter(dressing.to_bare(d))[:, 0]
        return x, sorted(still, reverse=True)

    def _spawn(self, path: "_Path", tree: "_Tree") -> None:
        tree.crew.spawn(lambda: self._descend(path, tree))

    def _jump(
        self,
        re: np.ndarray,
        im: np.ndarray,
        k: int,
        plan: Plan,
        place: Place,
        fallen: Sequence[Waiting],
        jumps: int,
        tree: "_Tree",
    ) -> None:
        """Let trajectories jump at a place of a part, to go on from there."""
        re, im = re.copy(), im.copy()
        self.run.close(plan, place, re, im)
        x = self.run.layout.get(re, im)
        if place.done == plan.segments[place.segment, 0]:
            place = Place(place.segment + 1, 0)
        reach = np.cumsum((self._rates * (x.real**2 + x.imag**2)).sum(axis=1))
        of = tree.source.of
        groups: Dict[int, List[Waiting]] = {}
        for _, m, used in fallen:
            which = int(np.searchsorted(reach, of(m, used) * reach[-1], side="right"))
            which = min(which, len(self._jumps) - 1)
            groups.setdefault(which, []).append((of(m, used + 1), m, used + 2))
        for which, waiting in groups.items():
            self._spawn(_Path(self._apply(x, which), k, place, waiting, jumps + 1), tree)

    def _apply(self, x: np.ndarray, which: int) -> np.ndarray:
        """Return a state after a jump, normalised."""
        q, kind, _ = self._jumps[which]
        levels = self.model.levels
        t = x.reshape(-1, levels[q], math.prod(levels[:q]))
        y = np.zeros_like(t)
        n = np.arange(levels[q])[:, None]
        if kind == "down":
            y[:, :-1] = np.sqrt(n[1:]) * t[:, 1:]
        elif kind == "up":
            y[:, 1] = t[:, 0]
        else:
            y = n * t
        return _normalised(y.reshape(-1))


def _normalised(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.vdot(x, x).real)


class _Path(NamedTuple):
    """Trajectories in one state, from a step of a part on."""

    state: Any  # complex128[dim], the stepper's basis
    part: int
    place: Place
    waiting: List[Waiting]
    jumps: int


class _Tree(NamedTuple):
    """What the paths of one call share."""

    source: "_Draws"
    crew: Crew
    cancel: Optional[threading.Event]
    found: List[Branch]


class _Draws:
    """The random numbers of some trajectories."""

    def __init__(self, seed: int, experiment: int, purpose: int, members: np.ndarray, first: np.ndarray) -> None:
        self.key = np.array([seed & (2**64 - 1), experiment], dtype=np.uint64)
        self.purpose, self.members, self.first = purpose, members, first
        self.more: Dict[Tuple[int, int], Any] = {}

    def start(self) -> List[Waiting]:
        """Return every trajectory's first threshold."""
        return [(float(u), m, 1) for m, u in enumerate(self.first[:, 0])]

    def of(self, m: int, k: int) -> float:
        """Return draw ``k`` of trajectory ``m``."""
        if k < DRAWS:
            return float(self.first[m, k])
        block, place = divmod(k - DRAWS, MORE)
        if (m, block) not in self.more:
            counter = np.array([block * MORE // 4, int(self.members[m]), self.purpose, 1], dtype=np.uint64)
            bits = np.random.Philox(key=self.key, counter=counter)
            self.more[m, block] = np.random.Generator(bits).random(MORE)
        return float(self.more[m, block][place])


def _over(model: Model, q: int, by_level: np.ndarray) -> np.ndarray:
    """Return numbers of a transmon's levels for every basis state, float64[dim]."""
    return np.asarray(by_level[model.labels[:, q]])


def jump_rates(model: Model) -> List[Tuple[int, float]]:
    """Return (transmon, rate of all jumps at level 1 in 1/s)."""
    return [(q, float(weight[1])) for q, _, weight in _jump_table(model)]


def _jump_table(model: Model) -> List[Tuple[int, str, np.ndarray]]:
    """Return (transmon, kind, rate by level in 1/s) of every jump."""
    out: List[Tuple[int, str, np.ndarray]] = []
    for q, d in enumerate(model.levels):
        down, up, dephasing = rates(model, q)
        n = np.arange(float(d))
        for kind, weight in (("down", down * n), ("up", up * (n == 0)), ("phase", 2 * dephasing * n**2)):
            if weight.any():
                out.append((q, kind, weight))
    return out
