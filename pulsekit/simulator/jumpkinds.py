"""Choose and apply the quantum jumps of T1, heating and dephasing, to many kets at once."""

from __future__ import annotations

import math
from typing import List, Tuple

import numpy as np

from .model import Model
from .sites import rates

__all__ = ["JumpKinds", "jump_rates", "normalised", "picked", "reaches"]


class JumpKinds:
    """The jumps of a model, in the bare basis.

    Args:
        model: with T1 and T2.
    """

    def __init__(self, model: Model) -> None:
        found = _jump_table(model)
        self.rates = np.zeros((len(found), model.dim))  # 1/s, at which each leaves basis states
        self._origin = np.tile(np.arange(model.dim), (len(found), 1))  # of what is in a basis state after each
        self._factor = np.zeros((len(found), model.dim))
        for k, (q, kind, weight) in enumerate(found):
            n, stride = model.labels[:, q], math.prod(model.levels[:q])
            self.rates[k] = weight[n]
            if kind == "down":
                comes = n < model.levels[q] - 1
                self._origin[k, comes] += stride
                self._factor[k, comes] = np.sqrt(n[comes] + 1.0)
            elif kind == "up":
                comes = n == 1
                self._origin[k, comes] -= stride
                self._factor[k, comes] = 1.0
            else:
                self._factor[k] = n

    @property
    def total(self) -> np.ndarray:
        """The rate of all jumps from every basis state, float64[dim], 1/s."""
        return np.asarray(self.rates.sum(axis=0))

    def apply(self, x: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Return kets complex128[kets, dim] after a jump each, normalised.

        Args:
            x: kets.
            which: int64[kets], kinds.
        """
        return normalised(np.take_along_axis(x, self._origin[which], axis=1) * self._factor[which])


def reaches(x: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the running sum of every kind's rate in kets, float64[kets, kinds].

    Args:
        x: complex128[kets, dim].
        rates: float64[kinds, dim].
    """
    p = x.real**2 + x.imag**2
    return np.cumsum(np.einsum("rd,kd->rk", p, rates), axis=1)  # unlike those of BLAS, a ket's depend on no other


def picked(reach: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return which kind random numbers [n] fall to in running sums [n, kinds], int64[n]."""
    which = (reach <= uniform[:, None] * reach[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(which, reach.shape[1] - 1))


def normalised(x: np.ndarray) -> np.ndarray:
    """Return kets complex128[kets, dim] of norm one."""
    return x / np.sqrt((x.real**2 + x.imag**2).sum(axis=1))[:, None]


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
