"""Let quantum-jump trajectories idle in closed form.

Where no line plays, a ket between jumps is one number per dressed state: it
turns with that state's energy and decays with the rate at which the state
jumps. The time of a jump solves sum_b p_b exp(-rate_b t) = threshold (Newton,
from the left: the logarithm is convex), and the jump is a sparse matrix.

Dephasing is not made of jumps where there would be many: its part that keeps
the dressed states is a random phase per transmon, normal with variance
2 g t, which every jump passes by up to a phase of the whole; what it
moves between dressed states stays a jump.

Exact up to the amplitude rate / gap by which decay mixes dressed states, which
is looked at: a cluster in which it exceeds :data:`DISPERSIVE` is stepped
through instead.
"""

from __future__ import annotations

from functools import reduce
from typing import List, NamedTuple, Optional, Tuple

import numpy as np
from scipy import sparse
from scipy.special import ndtri

from .dressing import Dressing
from .jumpdraws import Draws
from .model import Model
from .operators import lowering
from .paths import Waiting
from .sites import Sites, rates

__all__ = ["Crossed", "IdleJumps", "idle_jumps"]

DISPERSIVE = (1e-4, 1e-2)  # amplitude, at most: between states of levels 0 and 1; between all (few shots get there)
MANY = 0.5  # dephasing jumps of |1> in a window, all transmons together, from which it is random phases
_WEAK = 1e-4  # amplitude of a jump that is left out: 1e-8 of a population
_CLOSE = 1e-12  # of log(norm)


class Crossed(NamedTuple):
    """Trajectories at the end of a window."""

    states: np.ndarray  # complex128[trajectories, dim], dressed common frame
    waiting: Waiting
    jumps: np.ndarray  # int64[trajectories], in the window


class _Kind(NamedTuple):
    """Jumps and the rates at which they leave dressed states, 1/s."""

    operators: Tuple[sparse.csr_matrix, ...]
    weights: np.ndarray  # float64[jumps, dim]
    rate: np.ndarray  # float64[dim]


class IdleJumps:
    """Jumps of one model in the dressed basis, common frame.

    Args:
        model: with T1 and T2.
        sites: its parts, no-jump.
        dressing: its dressed states.
    """

    def __init__(self, model: Model, sites: Sites, dressing: Dressing) -> None:
        self.dim, self.levels = model.dim, model.levels
        v = dressing.sparse.columns
        share = v.multiply(v).T.tocsr()  # of every bare state in a dressed one
        bare = [np.zeros(model.dim), np.zeros(model.dim)]  # held neighbours' shifts; rates of all jumps
        for i, j, shift in sites.shifts:
            bare[0] += shift[model.labels[:, j], model.labels[:, i]]
        moves, self.dephasing = [], np.zeros(model.n)
        turns = []
        for q, d in enumerate(model.levels):
            n = model.labels[:, q].astype(np.float64)
            down, up, self.dephasing[q] = rates(model, q)
            raising = np.zeros((d, d))
            raising[1, 0] = 1.0
            for rate, matrix, weight in ((down, lowering(d), n), (up, raising, n == 0)):
                if rate > 0:
                    moves.append((self._dressed(v, matrix, q), share @ (rate * weight)))
                    bare[1] += rate * weight
            turns.append((self._dressed(v, np.diag(np.arange(float(d))), q), share @ n, share @ n**2))
            bare[1] += 2 * self.dephasing[q] * n**2
        self.energies = dressing.energies + share @ bare[0]
        low = model.labels.max(axis=1) < 2
        decay = bare[0] - 0.5j * bare[1]
        mixing = (_mixing(dressing, decay, low), _mixing(dressing, decay, np.ones_like(low)))
        self.dispersive = all(found <= most for found, most in zip(mixing, DISPERSIVE))
        self.number = np.stack([mean for _, mean, _ in turns])
        g = 2 * self.dephasing
        whole = [(op, g[q] * square) for q, (op, _, square) in enumerate(turns) if g[q] > 0]
        across = [
            ((op - sparse.diags(mean)).tocsr(), g[q] * np.maximum(square - mean**2, 0.0))
            for q, (op, mean, square) in enumerate(turns)
            if g[q] > 0
        ]
        self._jumping, self._phased = _kind(moves + whole, model.dim), _kind(moves + across, model.dim)

    def _dressed(self, v: sparse.csr_matrix, matrix: np.ndarray, q: int) -> sparse.csr_matrix:
        parts = [sparse.csr_matrix(matrix) if k == q else sparse.eye(d) for k, d in enumerate(self.levels)]
        out = (v.T @ reduce(lambda a, b: sparse.kron(b, a), parts) @ v).tocsr()
        out.data[np.abs(out.data) < _WEAK] = 0.0
        out.eliminate_zeros()
        return out

    def unjumped(self, x: np.ndarray, span: float) -> np.ndarray:
        """Return dressed kets complex128[kets, dim] that made no jump in ``span`` s."""
        return x * np.exp((-1j * self.energies - 0.5 * self._jumping.rate) * span)

    def phased(self, span: float) -> bool:
        """Tell whether dephasing is random phases in ``span`` s: nobody then shares a state."""
        return bool(2 * self.dephasing.sum() * span > MANY)

    def left(self, x: np.ndarray, span: float) -> np.ndarray:
        """Return the squared norms of dressed kets without a jump in ``span`` s, float64[kets]."""
        return np.asarray(((x.real**2 + x.imag**2) * np.exp(-self._jumping.rate * span)).sum(axis=1))

    def cross(self, x: np.ndarray, waiting: Waiting, span: float, draws: Draws) -> Crossed:
        """Take trajectories through an idle window.

        Args:
            x: complex128[trajectories, dim], dressed common frame, as long as
                they are.
            waiting: the trajectories.
            span: s.
            draws: their random numbers.

        Returns:
            Where they are then; what becomes of one does not depend on the
            others.
        """
        phased = self.phased(span)
        kind = self._phased if phased else self._jumping
        y, count = x.copy(), len(x)
        level, used, left = waiting.level.copy(), waiting.used.copy(), np.full(count, span)
        jumps = np.zeros(count, dtype=np.int64)
        going = np.arange(count)
        while going.size:
            p = y[going].real ** 2 + y[going].imag ** 2
            t, falls = _times(p, kind.rate, level[going], left[going])
            y[going] *= np.exp(t[:, None] * (-1j * self.energies - 0.5 * kind.rate))
            left[going] -= t
            going = going[falls]
            if going.size:
                uniform = draws.at(waiting.row[going], used[going])
                which = _picked(_reaches(y[going], kind.weights), uniform)
                for k in np.unique(which).tolist():
                    mine = going[which == k]
                    y[mine] = _normalised((kind.operators[k] @ y[mine].T).T)
                level[going] = draws.at(waiting.row[going], used[going] + 1)
                used[going] += 2
                jumps[going] += 1
        if phased:
            numbers = used[:, None] + np.arange(len(self.dephasing))
            uniform = draws.at(np.repeat(waiting.row, numbers.shape[1]), numbers.reshape(-1)).reshape(numbers.shape)
            used += numbers.shape[1]
            angle = ndtri(np.clip(uniform, 1e-300, None)) * np.sqrt(2 * self.dephasing * span)
            turn = sum(angle[:, q, None] * number for q, number in enumerate(self.number))
            y *= np.exp(-1j * turn)
        return Crossed(y, Waiting(level, waiting.row, used), jumps)


def _reaches(x: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the running sum of every kind's rate in kets, float64[kets, kinds].

    Args:
        x: complex128[kets, dim].
        rates: float64[kinds, dim].
    """
    p = x.real**2 + x.imag**2
    return np.cumsum(np.einsum("rd,kd->rk", p, rates), axis=1)  # unlike those of BLAS, a ket's depend on no other


def _picked(reach: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return which kind random numbers [n] fall to in running sums [n, kinds], int64[n]."""
    which = (reach <= uniform[:, None] * reach[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(which, reach.shape[1] - 1))


def _normalised(x: np.ndarray) -> np.ndarray:
    """Return kets complex128[kets, dim] of norm one."""
    x = np.ascontiguousarray(x)  # the order of a sum depends on how numbers lie, and that of one ket is both
    return x / np.sqrt((x.real**2 + x.imag**2).sum(axis=1))[:, None]


def _times(p: np.ndarray, rate: np.ndarray, level: np.ndarray, left: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return how long each ket goes on, s, and whether it then jumps."""
    falls = (p * np.exp(-rate * left[:, None])).sum(axis=1) <= level
    t = np.where(falls, 0.0, left)
    going = np.flatnonzero(falls)
    for _ in range(100):
        q = p[going] * np.exp(-rate * t[going][:, None])
        norm = q.sum(axis=1)
        excess = np.log(norm / level[going])
        t[going] = np.minimum(t[going] + excess * norm / (q * rate).sum(axis=1), left[going])
        going = going[excess > _CLOSE]
        if not going.size:
            break
    return t, falls


def _kind(found: List[Tuple[sparse.csr_matrix, np.ndarray]], dim: int) -> _Kind:
    weights = np.stack([w for _, w in found]) if found else np.zeros((0, dim))
    return _Kind(tuple(op for op, _ in found), weights, weights.sum(axis=0))


def _mixing(dressing: Dressing, diagonal: np.ndarray, among: np.ndarray) -> float:
    """Return the largest amplitude by which a bare diagonal (rad/s) mixes dressed states ``among``."""
    worst = 0.0
    for every, columns in dressing.blocks:
        mine = among[every]
        index, v = every[mine], columns[:, mine]
        between = np.abs(v.T @ (diagonal[every][:, None] * v))
        gap = np.abs(dressing.energies[index][:, None] - dressing.energies[index][None, :])
        np.fill_diagonal(between, 0.0)
        np.fill_diagonal(gap, 1.0)
        worst = max(worst, float((between / np.maximum(gap, 1e-300)).max(initial=0.0)))
    return worst


def idle_jumps(model: Model, sites: Sites, dressing: object) -> Optional[IdleJumps]:
    """Return a model's jumps, remembered on it; None: it has to be stepped through."""
    if not isinstance(dressing, Dressing) or model.extra:
        return None
    if "_idle_jumps" not in model.__dict__:
        made = IdleJumps(model, sites, dressing)
        model.__dict__["_idle_jumps"] = made if made.dispersive else None
    return model.__dict__["_idle_jumps"]  # type: ignore[no-any-return]
