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
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy import sparse
from scipy.special import ndtri

from .dressing import Dressing
from .model import Model
from .operators import lowering
from .sites import Sites, rates

__all__ = ["Crossed", "IdleJumps", "Waiting", "idle_jumps"]

DISPERSIVE = (1e-4, 1e-2)  # amplitude, at most: between states of levels 0 and 1; between all (few shots get there)
MANY = 0.5  # dephasing jumps of |1> in a window, all transmons together, from which it is random phases
_WEAK = 1e-4  # amplitude of a jump that is left out: 1e-8 of a population
_ENTRIES = 2**17  # amplitudes at a time
_CLOSE = 1e-12  # of log(norm)

Waiting = Tuple[float, int, int]  # squared norm at which it jumps, trajectory, draws used


class Crossed(NamedTuple):
    """A trajectory at the end of a window."""

    state: Optional[np.ndarray]  # complex128[dim], dressed common frame; None: did not jump, as all such
    waiting: Waiting
    jumps: int  # in the window


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
        """Return a dressed ket complex128[dim] that made no jump in ``span`` s."""
        return x * np.exp((-1j * self.energies - 0.5 * self._jumping.rate) * span)

    def cross(
        self, x: np.ndarray, waiting: Sequence[Waiting], span: float, draw: Callable[[int, int], float]
    ) -> Iterator[Crossed]:
        """Take trajectories that share a state through an idle window.

        Args:
            x: complex128[dim], dressed common frame, as long as it is.
            waiting: the trajectories.
            span: s.
            draw: (trajectory, number) -> its uniform random number.

        Yields:
            Each of them, once; a trajectory's numbers do not depend on the others.
        """
        phased = bool(2 * self.dephasing.sum() * span > MANY)
        kind = self._phased if phased else self._jumping
        if not phased:
            p = x.real**2 + x.imag**2
            end = float((p * np.exp(-kind.rate * span)).sum())
            yield from (Crossed(None, w, 0) for w in waiting if w[0] < end)
            waiting = [w for w in waiting if w[0] >= end]
        rows = max(1, _ENTRIES // self.dim)
        for low in range(0, len(waiting), rows):
            yield from self._some(kind, x, waiting[low : low + rows], span, draw, phased)

    def _some(
        self,
        kind: _Kind,
        x: np.ndarray,
        waiting: Sequence[Waiting],
        span: float,
        draw: Callable[[int, int], float],
        phased: bool,
    ) -> Iterator[Crossed]:
        count = len(waiting)
        y = np.repeat(x[None], count, axis=0)
        level, left = np.array([w[0] for w in waiting]), np.full(count, span)
        used, jumps = [w[2] for w in waiting], [0] * count
        going = np.arange(count)
        while going.size:
            p = y[going].real ** 2 + y[going].imag ** 2
            t, falls = _times(p, kind.rate, level[going], left[going])
            y[going] *= np.exp(t[:, None] * (-1j * self.energies - 0.5 * kind.rate))
            left[going] -= t
            going = going[falls]
            for row in going.tolist():
                m = waiting[row][1]
                p = y[row].real ** 2 + y[row].imag ** 2
                reach = np.cumsum((kind.weights * p).sum(axis=1))
                which = int(np.searchsorted(reach, draw(m, used[row]) * reach[-1], side="right"))
                z = kind.operators[min(which, len(kind.operators) - 1)] @ y[row]
                y[row] = z / np.linalg.norm(z)
                level[row] = draw(m, used[row] + 1)
                used[row] += 2
                jumps[row] += 1
        if phased:
            for row in range(count):
                uniform = [draw(waiting[row][1], used[row] + q) for q in range(len(self.dephasing))]
                used[row] += len(uniform)
                angle = ndtri(np.clip(uniform, 1e-300, None)) * np.sqrt(2 * self.dephasing * span)
                y[row] *= np.exp(-1j * (angle[:, None] * self.number).sum(axis=0))
        for row in range(count):
            yield Crossed(y[row], (float(level[row]), waiting[row][1], used[row]), jumps[row])


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
