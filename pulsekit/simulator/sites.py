"""Say what a split-operator run acts on: a ket, or a density matrix as one.

A density matrix of n transmons is a ket of 2 n: sites 0..n-1 are its rows,
n..2n-1 its columns, on which the conjugate of everything acts. T1 and T2 are
then a real gate on each (row, column) pair of sites. The no-jump evolution of
a trajectory is a ket with decaying amplitudes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
from scipy.linalg import expm

from .model import Model
from .operators import lowering
from .pairgates import pair_shift

__all__ = ["Sites", "dissipator_gate", "sites_of"]


@dataclass(frozen=True, eq=False)
class Sites:
    """The parts of a state and what ties them."""

    levels: Tuple[int, ...]
    energies: Tuple[np.ndarray, ...]  # float64[d] per site, rad/s, common frame
    couplings: Tuple[Tuple[int, int, float, float], ...]  # i < j, rad/s, sign
    shifts: Tuple[Tuple[int, int, np.ndarray], ...]  # i < j, float64[d_j, d_i], rad/s: held neighbours
    damping: Tuple[Tuple[int, int, int], ...]  # density: (row site, column site, transmon)
    decay: Tuple[np.ndarray, ...]  # no-jump: float64[d] per site, 1/s, of the amplitude; () otherwise
    transmons: int
    mode: str  # "ket", "density" or "nojump"


def rates(model: Model, q: int) -> Tuple[float, float, float]:
    """Return rates of decay, heating and pure dephasing (sqrt(2 g) n), 1/s."""
    if q in model.held:
        return 0.0, 0.0, 0.0
    total = 0.0 if np.isinf(model.t1[q]) else 1.0 / float(model.t1[q])
    dephasing = max(0.0, (0.0 if np.isinf(model.t2[q]) else 1.0 / float(model.t2[q])) - total / 2)
    p_th = float(model.p_th[q])
    return total * (1 - p_th), total * p_th, dephasing


def sites_of(model: Model, w_c: float, mode: str) -> Sites:
    """Return the sites of a model in the common frame ``w_c`` (rad/s)."""
    energies = []
    for q, d in enumerate(model.levels):
        k = np.arange(float(d))
        energies.append((model.w_bare[q] - w_c) * k + model.w_alpha[q] / 2 * k * (k - 1))
    live: List[Tuple[int, int, float, float]] = []
    shifts: List[Tuple[int, int, np.ndarray]] = []
    held = set(model.held)
    for a, b, w_j in model.couplings:
        i, j = min(a, b), max(a, b)
        if w_j != 0.0 and not held & {i, j}:
            live.append((i, j, float(w_j), 1.0))
        elif w_j != 0.0:
            shifts.append((i, j, pair_shift((model.levels[i], model.levels[j]), (energies[i], energies[j]), w_j)))
    live.sort()
    n = model.n
    decay: Tuple[np.ndarray, ...] = ()
    damping: Tuple[Tuple[int, int, int], ...] = ()
    levels = tuple(model.levels)
    if mode == "density":
        levels = levels + levels
        live = live + [(n + i, n + j, w, -1.0) for i, j, w, _ in live]
        shifts = shifts + [(n + i, n + j, -s) for i, j, s in shifts]
        energies = energies + [-e for e in energies]
        damping = tuple((q, n + q, q) for q in range(n) if any(rates(model, q)))
    elif mode == "nojump":
        parts = []
        for q, d in enumerate(model.levels):
            down, up, dephasing = rates(model, q)
            k = np.arange(float(d))
            parts.append(np.asarray((down * k + up * (k == 0) + 2 * dephasing * k**2) / 2))
        decay = tuple(parts)
    return Sites(levels, tuple(energies), tuple(live), tuple(shifts), damping, decay, n, mode)


def dissipator_gate(model: Model, q: int, span: float) -> np.ndarray:
    """Return exp(span D) of one transmon, float64[col, row, col', row']."""
    d = model.levels[q]
    down, up, dephasing = rates(model, q)
    raising = np.zeros((d, d))
    raising[1, 0] = 1.0
    number = np.diag(np.arange(float(d)))
    eye = np.eye(d)
    total = np.zeros((d * d, d * d))
    for rate, c in ((down, lowering(d)), (up, raising), (2 * dephasing, number)):
        cc = c.T @ c
        # vec index = col * d + row: A rho B -> kron(B^T, A)
        total += rate * (np.kron(c, c) - (np.kron(eye, cc) + np.kron(cc, eye)) / 2)
    return expm(span * total).reshape(d, d, d, d)
