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

import threading
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from ..errors import CancelledError, SimulationError
from .dressing import Dressing
from .idlejumps import Waiting, idle_jumps
from .ket import MARGIN
from .localdrive import stretches
from .many import Ladder
from .model import Model
from .sites import rates
from .splitting import Segment, Splitting
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
        self.segments, self._crossed = self._segments(self.run)
        for s in {(s.h, s.busy): s for k, s in enumerate(self.segments) if k not in self._crossed}.values():
            self.run.layers.end(s.h, back=True)  # no thread finds it missing
        turn = model.labels @ (self.ladder.w_c - model.w_frame)
        self._enter = np.exp(1j * turn * (start * model.dt))[:, None]
        self._leave = np.exp(-1j * turn * (stop * model.dt))[:, None]
        self._jumps = _jump_table(model)
        self._rates = np.stack([_over(model, q, weight) for q, _, weight in self._jumps] or [np.zeros(model.dim)])
        self._rate = np.pad(self.run.layout.spread(self._rates.sum(axis=0)), MARGIN)

    def _segments(self, run: Splitting) -> Tuple[List[Segment], FrozenSet[int]]:
        """Return the program's segments, and which of them are crossed in one step."""
        out: List[Segment] = []
        crossed = []
        for a, b, idle in self._stretches:
            if idle:
                crossed.append(len(out))
                out.append(Segment(a * self.model.dt, (b - a) * self.model.dt, 1, (), ()))
            else:
                out += run.segments(self._tones, self._lane, a, b)
        return out, frozenset(crossed)

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
            tree.crew.run(lambda: self._descend(_Path(x, 0, 0, source.start(), 0), tree))
        return sorted(tree.found, key=lambda b: (b.jumps, int(b.members[0])))

    def error(self, state: np.ndarray, cancel: Optional[threading.Event] = None) -> float:
        """Return an estimate of the error of a population without jumps.

        The no-jump run with steps of half the length, compared; that of the
        steps here is four thirds of the difference.

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            cancel: looked at every 30 ms or so.
        """
        found = []
        x = self.dressing.to_bare(self._enter * np.asarray(state, complex).reshape(-1, 1))
        for step in (self.step, self.step / 2):
            run, ends = self.ladder.splitting(step), self.ladder.ends(step)
            segments, crossed = (self.segments, self._crossed) if step == self.step else self._segments(run)
            y, at = x, 0
            for k in (*sorted(crossed), len(segments)):
                if k > at:
                    y = ends.leave(run.run(segments[at:k], ends.enter(y), cancel))
                if k < len(segments):
                    assert self.idle is not None
                    d = self.idle.unjumped(self.dressing.to_dressed(y)[:, 0], segments[k].h)
                    y = self.dressing.to_bare(d[:, None])
                at = k + 1
            y = self.dressing.to_dressed(y)
            found.append(y.real**2 + y.imag**2)
        return float(np.max(np.abs(found[0] - found[1]))) * 4 / 3

    def _descend(self, path: "_Path", tree: "_Tree") -> None:
        """Run a state to the end, and what jumps off it."""
        layout, cancel = self.run.layout, tree.cancel
        re, im = layout.empty()
        layout.put(path.state, re, im)
        waiting, k, first = sorted(path.waiting, reverse=True), path.segment, path.first
        at, fresh, lead = 0, True, 1.0
        while k < len(self.segments):
            if k in self._crossed:
                state = self._cross(k, layout.get(re, im), path.jumps, waiting[at:], tree)
                if state is None:
                    return
                x, waiting = state
                layout.put(x, re, im)
                at, k, fresh = 0, k + 1, True
                continue
            if first == 0 or fresh:
                lead = self._lead(re, im, k)
            floor = waiting[at][0] * lead if at < len(waiting) else -1.0
            done = self.run.advance(self.segments, k, re, im, first=first, floor=floor, fresh=fresh, cancel=cancel)
            fresh = False
            here, first = (k, done) if done < self.segments[k].count else (k + 1, 0)
            norm = kernel("split").norm(re, im, MARGIN, layout.total) if floor >= 0 else np.inf
            fallen = []
            while at < len(waiting) and norm <= waiting[at][0] * lead:
                fallen.append(waiting[at])
                at += 1
            if fallen:
                self._jump(re, im, k, done, _Path(None, here, first, fallen, path.jumps), tree)
                if at == len(waiting):
                    return
            k = here
        y = self.dressing.to_dressed(self.ends.leave(layout.get(re, im)[:, None]))
        self._end(y, waiting[at:], path.jumps, tree)

    def _end(self, y: np.ndarray, waiting: Sequence[Waiting], jumps: int, tree: "_Tree") -> None:
        """Note that trajectories came to the end in a state, dressed common frame."""
        state = (self._leave * y)[:, 0]
        members = np.array(sorted(m for _, m, _ in waiting), dtype=np.int64)
        if members.size:
            tree.found.append(Branch(state / np.linalg.norm(state), tree.source.members[members], jumps))

    def _cross(
        self, k: int, x: np.ndarray, jumps: int, waiting: Sequence[Waiting], tree: "_Tree"
    ) -> Optional[Tuple[np.ndarray, List[Waiting]]]:
        """Take trajectories through an idle segment.

        Those that come out in states of their own go on as paths of their own;
        returned is the state of the others, and they; None: there are none.
        """
        assert self.idle is not None
        dressing, last = self.dressing, k + 1 == len(self.segments)
        d = dressing.to_dressed(self.ends.leave(x[:, None]))
        still: List[Waiting] = []
        for one in self.idle.cross(d[:, 0], waiting, self.segments[k].h, tree.source.of):
            if one.state is None:
                still.append(one.waiting)
            elif last:
                self._end(one.state[:, None], [one.waiting], jumps + one.jumps, tree)
            else:
                y = self.ends.enter(dressing.to_bare(one.state[:, None]))[:, 0]
                self._spawn(_Path(y, k + 1, 0, [one.waiting], jumps + one.jumps), tree)
            if tree.cancel is not None and tree.cancel.is_set():
                raise CancelledError("The simulation was cancelled.")
        if not still:
            return None
        d = self.idle.unjumped(d[:, 0], self.segments[k].h)[:, None]
        if last:
            self._end(d, still, jumps, tree)
            return None
        return self.ends.enter(dressing.to_bare(d))[:, 0], still

    def _spawn(self, path: "_Path", tree: "_Tree") -> None:
        tree.crew.spawn(lambda: self._descend(path, tree))

    def _lead(self, re: np.ndarray, im: np.ndarray, k: int) -> float:
        """Return what half a step takes of the norm: jumps go to the nearer end."""
        p = re * re + im * im
        return float(np.exp(0.5 * self.segments[k].h * (self._rate @ p) / p.sum()))

    def _jump(self, re: np.ndarray, im: np.ndarray, k: int, done: int, path: "_Path", tree: "_Tree") -> None:
        """Let the trajectories that wait on ``path`` jump, to go on from there."""
        re, im = re.copy(), im.copy()
        self.run.close(self.segments, k, done, re, im)
        x = self.run.layout.get(re, im)
        reach = np.cumsum((self._rates * (x.real**2 + x.imag**2)).sum(axis=1))
        of = tree.source.of
        groups: Dict[int, List[Waiting]] = {}
        for _, m, used in path.waiting:
            which = int(np.searchsorted(reach, of(m, used) * reach[-1], side="right"))
            which = min(which, len(self._jumps) - 1)
            groups.setdefault(which, []).append((of(m, used + 1), m, used + 2))
        for which, waiting in groups.items():
            self._spawn(_Path(self._apply(x, which), path.segment, path.first, waiting, path.jumps + 1), tree)

    def _apply(self, x: np.ndarray, which: int) -> np.ndarray:
        q, kind, _ = self._jumps[which]
        t = np.moveaxis(x.reshape(self.model.levels[::-1]), self.model.n - 1 - q, 0)
        y = np.zeros_like(t)
        n = np.arange(t.shape[0]).reshape((-1,) + (1,) * (t.ndim - 1))
        if kind == "down":
            y[:-1] = np.sqrt(n[1:]) * t[1:]
        elif kind == "up":
            y[1] = t[0]
        else:
            y = n * t
        out = np.moveaxis(y, 0, self.model.n - 1 - q).reshape(-1)
        return out / np.linalg.norm(out)


class _Path(NamedTuple):
    """Trajectories in one state, from a step of a segment on."""

    state: Any  # complex128[dim], the stepper's basis
    segment: int
    first: int
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
