"""Map physical propagators to the logical gates of the calibrated frame.

Calibrations implement rz(theta) as ShiftPhase(-theta), and a drive of
envelope f is H = (W/2)(Re f X - Im f Y) on the 0-1 subspace. An envelope of
phase +pi/2, which programs call Y, turns the physical qubit about -Y, and
rz(theta) leaves a physical frame turned by -theta. Both signs are those of
the Bloch reflection x -> -x, the antiunitary Z K (K: complex conjugation):
a rotation vector is axial, so it goes (x, y, z) -> (x, -y, -z). With

    L(U) = Z conj(U) Z^dag,    Z = diag((-1)^n) on every transmon,

physical X rotations stay, physical -Y becomes Y, and L(U V) = L(U) L(V), so
that whole circuits can be compared. CNOT corresponds to the physical
Z_control CNOT. Propagators with virtual Z included carry
exp(i sum phi_q n_q), phi_q the sum of phase shifts of drive channel q.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

__all__ = ["computational", "logical", "numbers", "virtual_z"]


def numbers(levels: Sequence[int]) -> np.ndarray:
    """Return the excitation number of every transmon in every basis state.

    Args:
        levels: levels per transmon; transmon 0 is least significant.

    Returns:
        int64[transmons, dim].
    """
    index = np.arange(int(np.prod(levels)))
    rows = []
    for d in levels:
        rows.append(index % d)
        index = index // d
    return np.array(rows).reshape(len(levels), -1)


def computational(levels: Sequence[int]) -> np.ndarray:
    """Return the indices of the states with every transmon in 0 or 1, int64[2^n]."""
    return np.flatnonzero((numbers(levels) <= 1).all(axis=0))


def virtual_z(levels: Sequence[int], phases: np.ndarray) -> np.ndarray:
    """Return the diagonal exp(i sum phase_q n_q) of pending phase shifts.

    Args:
        levels: levels per transmon.
        phases: float64[..., transmons], rad, sums of ShiftPhase.

    Returns:
        complex128[..., dim].
    """
    return np.exp(1j * (np.asarray(phases, dtype=float) @ numbers(levels)))


def logical(propagator: np.ndarray, levels: Sequence[int]) -> np.ndarray:
    """Return the mirror image of a propagator, the gate that programs mean.

    Args:
        propagator: complex128[..., dim, dim], virtual Z included.
        levels: levels per transmon.

    Returns:
        complex128[..., dim, dim]; applying it twice gives the argument back.
    """
    sign = 1.0 - 2.0 * (numbers(levels).sum(axis=0) % 2)
    return np.conj(propagator) * sign[:, None] * sign[None, :]
