"""Judge propagators against ideal gates."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from .mirror import computational, logical

__all__ = ["average_fidelity", "block_of", "leakage_of", "phase_aligned"]


def block_of(propagator: np.ndarray, levels: Sequence[int]) -> np.ndarray:
    """Return the computational block of the logical (mirrored) propagator.

    Args:
        propagator: complex128[..., dim, dim], physical, virtual Z included.
        levels: levels per transmon.

    Returns:
        complex128[..., 2^n, 2^n], a contraction.
    """
    keep = computational(levels)
    return logical(propagator, levels)[..., keep[:, None], keep[None, :]]


def average_fidelity(block: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the average gate fidelity of a computational block.

    F = (|Tr(V^dag M)|^2 + Tr(M M^dag)) / (d (d + 1)), leakage included
    (Pedersen, Moller, Molmer, Phys. Lett. A 367, 47 (2007)).

    Args:
        block: complex128[..., d, d], what happens on the computational space.
        target: complex128[d, d], unitary.

    Returns:
        float64[...], 0 to 1.
    """
    d = target.shape[-1]
    overlap = np.einsum("ij,...ij->...", target.conj(), block)
    kept = np.einsum("...ij,...ij->...", block.conj(), block).real
    return (np.abs(overlap) ** 2 + kept) / (d * (d + 1))


def leakage_of(block: np.ndarray) -> np.ndarray:
    """Return 1 - Tr(M^dag M)/d: the mean population that leaves the block."""
    d = block.shape[-1]
    return 1.0 - np.einsum("...ij,...ij->...", block.conj(), block).real / d


def phase_aligned(block: np.ndarray, target: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return e^(-i phase) block and phase, the closest to the target.

    Args:
        block: complex128[..., d, d].
        target: complex128[d, d].

    Returns:
        complex128[..., d, d] and float64[...], rad.
    """
    phase = np.angle(np.einsum("ij,...ij->...", target.conj(), block))
    return block * np.exp(-1j * phase)[..., None, None], phase
