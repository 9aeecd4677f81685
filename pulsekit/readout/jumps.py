"""Give the rates at which a measured qubit jumps between levels.

During an acquisition the level is a classical Markov chain: down the ladder
at s (1 - p_th) / T1, up from 0 at p_th / T1 (the rates of the collapse
operators), and whatever transitions the readout tone induces.
"""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ..device import Resonator, Transmon

__all__ = ["free_rates", "jump_rates", "jump_tables"]


def free_rates(transmon: Transmon, levels: int, noise: bool = True) -> np.ndarray:
    """Return the rates without a readout tone, float64[from, to], 1/s."""
    rates = np.zeros((levels, levels))
    if noise and transmon.t1 is not None:
        for s in range(1, levels):
            rates[s, s - 1] = s * (1 - transmon.p_th) / transmon.t1
        rates[0, 1] = transmon.p_th / transmon.t1
    return rates


def jump_rates(transmon: Transmon, resonator: Resonator, levels: int, noise: bool = True) -> np.ndarray:
    """Return the rates during an acquisition, float64[from, to], 1/s."""
    rates = free_rates(transmon, levels, noise)
    if noise:
        for start, end, rate in resonator.transitions:
            if start < levels and end < levels:
                rates[start, end] += rate
    return rates


def jump_tables(rates: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return total rates, float64[levels], and cumulative targets, float64[levels, levels]."""
    total = rates.sum(axis=1)
    target = np.cumsum(rates, axis=1) / np.where(total > 0, total, 1.0)[:, None]
    return np.ascontiguousarray(total), np.ascontiguousarray(target)
