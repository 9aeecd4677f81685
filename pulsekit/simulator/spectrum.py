"""Solve bare frequencies and dressed bases of coupled transmons."""

from __future__ import annotations

import warnings
from typing import List, Sequence, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..errors import PulsekitWarning
from ..units import KHZ, TWO_PI

__all__ = ["bare_frequencies", "dressed_basis", "label_eigenvectors"]

CouplingW = Tuple[int, int, float]  # local qubits, rad/s


def label_eigenvectors(energies: np.ndarray, vectors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Order eigenvectors by the basis state that each resembles most.

    Args:
        energies: float64[k].
        vectors: array[k, k], columns.

    Returns:
        Energies and columns so that column ``b`` is the dressed form of basis
        state ``b`` (an assignment of largest total overlap), its own component
        real and positive.
    """
    rows, columns = linear_sum_assignment(-(np.abs(vectors) ** 2))
    order = columns[np.argsort(rows)]
    ordered = vectors[:, order]
    own = np.diag(ordered)
    phase = np.where(np.abs(own) > 0, own / np.where(np.abs(own) > 0, np.abs(own), 1), 1)
    return energies[order], ordered / phase[None, :]


def bare_frequencies(w_dressed: np.ndarray, couplings: Sequence[CouplingW]) -> np.ndarray:
    """Return bare frequencies whose dressed 0-1 transitions are given.

    The exchange coupling conserves the number of excitations, so the 0-1
    transition of a qubit, all others in their ground state, is an eigenvalue
    of the one-excitation matrix diag(w) + J. Newton's method on its diagonal,
    with dE_i/dw_q = |V_qi|^2.

    Args:
        w_dressed: float64[n], rad/s.
        couplings: (i, j, J in rad/s).

    Returns:
        float64[n], rad/s. Where no bare frequencies exist (two qubits closer
        than their coupling splits them), those that come nearest, with a
        warning.
    """
    target = np.asarray(w_dressed, dtype=np.float64)
    if not couplings:
        return target.copy()
    base = target.mean()
    exchange = np.zeros((target.size, target.size))
    for i, j, w_j in couplings:
        exchange[i, j] += w_j
        exchange[j, i] += w_j
    goal = target - base
    bare, nearest, least = goal.copy(), goal, np.inf
    for _ in range(60):
        energies, vectors = label_eigenvectors(*np.linalg.eigh(np.diag(bare) + exchange))
        residual = goal - energies
        error = float(np.max(np.abs(residual)))
        if error < least:
            nearest, least = bare, error
        if error < 1e-9 * TWO_PI * KHZ + 1e-15 * np.max(np.abs(target)):
            return bare + base
        try:
            step = np.linalg.solve(np.abs(vectors.T) ** 2, residual)
        except np.linalg.LinAlgError:
            break
        limit = 2 * np.max(np.abs(exchange))
        bare = bare + np.clip(step, -limit, limit)
    if least >= 0.5 * TWO_PI * KHZ:
        warnings.warn(
            "Dressed frequencies must be further apart than their couplings split them, but some are not. "
            f"The bare ones that come nearest make them up to {least / TWO_PI / KHZ:.3g} kHz off.",
            PulsekitWarning,
            stacklevel=2,
        )
    return nearest + base


def dressed_basis(hamiltonian: np.ndarray, blocks: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Diagonalise a static Hamiltonian block by block.

    Args:
        hamiltonian: Hermitian array[dim, dim], rad/s.
        blocks: int[dim], states with different values are not coupled.

    Returns:
        Energies float64[dim] in rad/s and columns array[dim, dim], labelled by
        basis state.
    """
    dim = hamiltonian.shape[0]
    energies = np.zeros(dim)
    vectors = np.zeros((dim, dim), dtype=hamiltonian.dtype)
    members: List[np.ndarray] = [np.flatnonzero(blocks == b) for b in np.unique(blocks)]
    for index in members:
        block = np.ix_(index, index)
        e, v = label_eigenvectors(*np.linalg.eigh(hamiltonian[block]))
        energies[index] = e
        vectors[block] = v
    return energies, vectors
