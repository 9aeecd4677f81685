"""Compare level-2 counts with a workload's populations: every level >= 1 reads as 1."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Union

import numpy as np

__all__ = ["SHOTS", "frequencies", "wanted"]

SHOTS = 1024


def frequencies(counts: Union[Mapping[str, Any], Sequence[Mapping[str, Any]]], qubits: int) -> np.ndarray:
    """Return how often each bit string came, float64[experiments, 2 ** qubits]."""
    listed = [counts] if isinstance(counts, Mapping) else list(counts)
    table = np.array([[c.get(format(k, f"0{qubits}b"), 0) for k in range(2**qubits)] for c in listed], dtype=float)
    return table / table.sum(axis=1, keepdims=True)


def wanted(populations: np.ndarray, levels: List[int]) -> np.ndarray:
    """Return the probability of each bit string, float64[experiments, 2 ** qubits]."""
    out = np.zeros((len(populations), 2 ** len(levels)))
    for state in range(populations.shape[1]):
        bits, rest = 0, state
        for q, d in enumerate(levels):
            bits |= (rest % d > 0) << q
            rest //= d
        out[:, bits] += populations[:, state]
    return out
