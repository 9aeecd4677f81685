"""Measure, relabel and reset qubits of a cluster's state.

States are kets complex128[dim] or density matrices complex128[dim, dim] in
the dressed basis, which is the basis of measurement.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Sequence, Tuple

import numpy as np

__all__ = ["collapse", "move_level", "outcome_levels", "outcome_map", "populations", "reset_density", "thermal"]


def populations(states: np.ndarray) -> np.ndarray:
    """Return float64[..., dim] of kets [n, dim] or density matrices [n, dim, dim]."""
    if states.ndim == 2:
        return states.real**2 + states.imag**2
    return np.einsum("nii->ni", states).real


@lru_cache(maxsize=256)
def outcome_map(levels: Tuple[int, ...], measured: Tuple[int, ...]) -> np.ndarray:
    """Return the joint level of some qubits in every basis state, int64[dim].

    ``measured`` are local qubits; the first is the least significant digit.
    """
    state = np.arange(int(np.prod(levels)))
    strides = np.cumprod((1,) + levels[:-1])
    out = np.zeros(state.size, np.int64)
    weight = 1
    for qubit in measured:
        out += weight * ((state // strides[qubit]) % levels[qubit])
        weight *= levels[qubit]
    return out


def outcome_levels(outcome: np.ndarray, dims: Sequence[int]) -> np.ndarray:
    """Split joint outcomes into levels, uint8[qubits, shots]."""
    out = np.empty((len(dims), outcome.size), np.uint8)
    rest = outcome
    for k, d in enumerate(dims):
        out[k] = rest % d
        rest = rest // d
    return out


def collapse(state: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Project on the basis states of a mask and normalise.

    A single basis state comes out exact, its phase dropped, so that branches
    that end in it can be told to be equal.
    """
    if int(np.count_nonzero(keep)) == 1:
        out = np.zeros_like(state)
        index = int(np.argmax(keep))
        out[(index,) * state.ndim] = 1
        return out
    if state.ndim == 1:
        out = np.where(keep, state, 0)
        return np.asarray(out / np.linalg.norm(out))
    out = np.where(keep[:, None] & keep[None, :], state, 0)
    return np.asarray(out / np.trace(out).real)


def move_level(state: np.ndarray, levels: Tuple[int, ...], qubit: int, old: int, new: int) -> np.ndarray:
    """Put a qubit that is in level ``old`` into level ``new``."""
    if old == new:
        return state
    digit = outcome_map(levels, (qubit,))
    stride = int(np.prod(levels[:qubit], dtype=np.int64))
    source = np.flatnonzero(digit == old)
    target = source + (new - old) * stride
    out = np.zeros_like(state)
    if state.ndim == 1:
        out[target] = state[source]
    else:
        out[np.ix_(target, target)] = state[np.ix_(source, source)]
    return out


def reset_density(state: np.ndarray, levels: Tuple[int, ...], qubit: int, excited: float) -> np.ndarray:
    """Trace a qubit out and prepare it: level 1 with probability ``excited``, else 0."""
    digit = outcome_map(levels, (qubit,))
    stride = int(np.prod(levels[:qubit], dtype=np.int64))
    ground = np.flatnonzero(digit == 0)
    reduced = np.zeros((ground.size, ground.size), complex)
    for level in range(levels[qubit]):
        index = ground + level * stride
        reduced += state[np.ix_(index, index)]
    out = np.zeros_like(state)
    out[np.ix_(ground, ground)] = (1 - excited) * reduced
    out[np.ix_(ground + stride, ground + stride)] = excited * reduced
    return out


def thermal(levels: Tuple[int, ...], excited: Sequence[float]) -> np.ndarray:
    """Return the populations of independent qubits, float64[dim]."""
    out: np.ndarray = np.ones(1)
    for d, p in zip(levels, excited):
        one = np.zeros(d)
        one[0], one[1] = 1 - p, p
        out = np.kron(one, out)
    return out
