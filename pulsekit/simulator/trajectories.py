"""Unravel T1, T2 and heating into quantum-jump trajectories of kets.

Between jumps a trajectory follows the non-Hermitian Hamiltonian
H - (i/2) sum c^dag c; it jumps at the end of an outer step that is nearest to
where its squared norm falls to its random number (Dalibard, Castin and
Molmer, Phys. Rev. Lett. 68, 580 (1992)). All trajectories that have not jumped yet share one
run: what is computed anew is the rest of the program after every jump, and
those of equal time and kind share that too. Trajectory k draws from its own
place of a Philox stream, so that results do not depend on how they are split.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from ..errors import SimulationError
from .ket import MARGIN
from .many import Ladder
from .model import Model
from .sites import rates
from .threads import run_all
from .timeline import Tone

__all__ = ["Branch", "Trajectories", "jump_draws"]

DRAWS = 16  # of a trajectory, drawn at once; more come from its own stream
PURPOSE = 7  # of the random stream
STEP = 2.0  # units of schemes.unit: errors of 1e-5 are far below the spread of trajectories


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
        step: outer step in samples; None: as short as the model needs.
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
        step: Optional[float] = None,
    ) -> None:
        self.model = model
        self.ladder = Ladder(model, rwa=rwa, tolerance=1e-6, mode="nojump")
        self.step = step = STEP * self.ladder.unit if step is None else step
        self.run = self.ladder.splitting(step)
        self.ends = self.ladder.ends(step)
        self.segments = self.run.segments(tones, lane, start, stop)
        self._tones, self._lane, self._span = tones, lane, (start, stop)
        turn = model.labels @ (self.ladder.w_c - model.w_frame)
        self._enter = np.exp(1j * turn * (start * model.dt))[:, None]
        self._leave = np.exp(-1j * turn * (stop * model.dt))[:, None]
        self._jumps = _jump_table(model)
        total = np.zeros(model.levels[::-1])
        for q, _, weight in self._jumps:
            shape = [1] * model.n
            shape[model.n - 1 - q] = weight.size
            total = total + weight.reshape(shape)
        self._rate = np.pad(self.run.layout.spread(total.reshape(-1)), MARGIN)

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
            threads: plain threads over the members; the result is the same.
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
        x = self.ends.enter(self.ladder.dressing.to_bare(self._enter * x))[:, 0]
        draws = jump_draws(seed, experiment, members, purpose)
        shares = [s for s in np.array_split(np.arange(members.size), max(1, threads)) if s.size]
        jobs = []
        for share in shares:
            source = _Draws(seed, experiment, purpose, members[share], draws[share])
            jobs.append(lambda source=source: self._descend(x, 0, 0, source.start(), source, 0, cancel))
        found = [b for part in run_all(jobs, threads) for b in part]
        return self._merge(found)

    def error(self, state: np.ndarray, cancel: Optional[threading.Event] = None) -> float:
        """Return an estimate of the error of a population without jumps.

        The no-jump run with steps of half the length, compared; that of the
        steps here is four thirds of the difference.

        Args:
            state: complex128[dim], dressed interaction frame at the start.
            cancel: looked at every 30 ms or so.
        """
        found = []
        for step in (self.step, self.step / 2):
            run, ends = self.ladder.splitting(step), self.ladder.ends(step)
            segments = self.segments
            if step != self.step:
                segments = run.segments(self._tones, self._lane, *self._span)
            x = ends.enter(self.ladder.dressing.to_bare(self._enter * np.asarray(state, complex).reshape(-1, 1)))
            y = self.ladder.dressing.to_dressed(ends.leave(run.run(segments, x, cancel)))
            found.append(y.real**2 + y.imag**2)
        return float(np.max(np.abs(found[0] - found[1]))) * 4 / 3

    def _merge(self, found: List[Branch]) -> List[Branch]:
        still = [b for b in found if b.jumps == 0]
        rest = [b for b in found if b.jumps]
        if len(still) > 1:
            still = [Branch(still[0].state, np.concatenate([b.members for b in still]), 0)]
        return still + rest

    def _descend(
        self,
        x: np.ndarray,
        k: int,
        first: int,
        waiting: List[Tuple[float, int, int]],
        source: "_Draws",
        jumps: int,
        cancel: Optional[threading.Event],
    ) -> List[Branch]:
        """Run a state to the end; ``waiting`` holds (threshold, trajectory, draws used)."""
        layout, out = self.run.layout, []
        re, im = layout.empty()
        layout.put(x, re, im)
        waiting = sorted(waiting, reverse=True)
        at, fresh, lead = 0, True, 1.0
        while k < len(self.segments):
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
                out += self._jump(re, im, k, done, here, first, fallen, source, jumps, cancel)
                if at == len(waiting):
                    return out
            k = here
        y = layout.get(re, im)[:, None]
        y = self._leave * self.ladder.dressing.to_dressed(self.ends.leave(y))
        y = y[:, 0] / np.linalg.norm(y)
        rest = np.array([m for _, m, _ in waiting[at:]], dtype=np.int64)
        if rest.size:
            out.insert(0, Branch(y, source.members[rest], jumps))
        return out

    def _lead(self, re: np.ndarray, im: np.ndarray, k: int) -> float:
        """Return what half a step takes of the norm: jumps go to the nearer end."""
        p = re * re + im * im
        return float(np.exp(0.5 * self.segments[k].h * (self._rate @ p) / p.sum()))

    def _jump(
        self,
        re: np.ndarray,
        im: np.ndarray,
        k: int,
        done: int,
        here: int,
        first: int,
        fallen: List[Tuple[float, int, int]],
        source: "_Draws",
        jumps: int,
        cancel: Optional[threading.Event],
    ) -> List[Branch]:
        re, im = re.copy(), im.copy()
        self.run.close(self.segments, k, done, re, im)
        x = self.run.layout.get(re, im)
        weights = np.cumsum(self._weights(x))
        groups: Dict[int, List[Tuple[float, int, int]]] = {}
        for _, m, used in fallen:
            which = int(np.searchsorted(weights, source.of(m, used) * weights[-1], side="right"))
            which = min(which, len(self._jumps) - 1)
            groups.setdefault(which, []).append((source.of(m, used + 1), m, used + 2))
        out = []
        for which, waiting in groups.items():
            y = self._apply(x, which)
            out += self._descend(y, here, first, waiting, source, jumps + 1, cancel)
        return out

    def _weights(self, x: np.ndarray) -> np.ndarray:
        p = (x.real**2 + x.imag**2).reshape(self.model.levels[::-1])
        marginals: Dict[int, np.ndarray] = {}
        out = []
        for q, _, weight in self._jumps:
            if q not in marginals:
                axes = tuple(a for a in range(self.model.n) if a != self.model.n - 1 - q)
                marginals[q] = p.sum(axis=axes)
            out.append(float(marginals[q] @ weight))
        return np.array(out)

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


class _Draws:
    """The random numbers of some trajectories."""

    def __init__(self, seed: int, experiment: int, purpose: int, members: np.ndarray, first: np.ndarray) -> None:
        self.key = np.array([seed & (2**64 - 1), experiment], dtype=np.uint64)
        self.purpose, self.members, self.first = purpose, members, first
        self.more: Dict[Tuple[int, int], Any] = {}

    def start(self) -> List[Tuple[float, int, int]]:
        """Return every trajectory's first threshold."""
        return [(float(u), m, 1) for m, u in enumerate(self.first[:, 0])]

    def of(self, m: int, k: int) -> float:
        """Return draw ``k`` of trajectory ``m``."""
        if k < DRAWS:
            return float(self.first[m, k])
        block, place = divmod(k - DRAWS, 4096)
        if (m, block) not in self.more:
            counter = np.array([block * 1024, int(self.members[m]), self.purpose, 1], dtype=np.uint64)
            bits = np.random.Philox(key=self.key, counter=counter)
            self.more[m, block] = np.random.Generator(bits).random(4096)
        return float(self.more[m, block][place])


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
