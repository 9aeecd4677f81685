"""Dephase a qubit by a measure tone that nothing acquires.

Tone and ring-down multiply the coherence between levels s and r by

    F_sr = exp(-i int (chi_s - chi_r) alpha_s conj(alpha_r) dt)       (chi in rad/s),

its modulus being measurement-induced dephasing and its phase the Stark shift
(Gambetta et al., Phys. Rev. A 74, 042318, eqs. 5.13 to 5.16; tested against
the Lindblad equation of qubit and resonator).
"""

from __future__ import annotations

import numpy as np

from ..device import Resonator
from ..units import TWO_PI
from .field import Field, chi_of

__all__ = ["coherence_exponents"]


def coherence_exponents(resonator: Resonator, field: Field, dt: float) -> np.ndarray:
    """Return log F accumulated up to every sample boundary.

    Args:
        resonator: whose shifts.
        field: solved from before the tone starts.
        dt: sample time, s.

    Returns:
        complex128[samples + 1, levels, levels]; the diagonal is 0. Simpson's
        rule on samples, with the mean field as middle value.
    """
    edges, levels = field.edges, field.edges.shape[0]
    w_chi = TWO_PI * chi_of(resonator, levels)
    middle = 1.5 * field.mean - 0.25 * (edges[:, :-1] + edges[:, 1:])
    out = np.zeros((edges.shape[1], levels, levels), complex)
    for s in range(levels):
        for r in range(levels):
            if s == r:
                continue
            at_edges = np.conj(edges[s]) * edges[r]  # alpha_s conj(alpha_r)
            inside = np.conj(middle[s]) * middle[r]
            steps = (at_edges[:-1] + 4 * inside + at_edges[1:]) / 6
            out[1:, s, r] = np.cumsum(-1j * (w_chi[s] - w_chi[r]) * steps * dt)
    return out
