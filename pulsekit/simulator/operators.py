"""Build number-basis operators; qubit 0 is the least significant digit."""

from __future__ import annotations

from functools import lru_cache
from typing import Sequence, Tuple

import numpy as np
from scipy import sparse

from .._ext import kernel

__all__ = ["embed", "label_of", "lowering", "number_labels", "parts", "real_times"]


def lowering(levels: int) -> np.ndarray:
    """Return the lowering operator, float64[levels, levels]."""
    return np.diag(np.sqrt(np.arange(1.0, levels)), 1)


def embed(operator: np.ndarray, qubit: int, levels: Sequence[int]) -> np.ndarray:
    """Return a local operator on the space of all qubits.

    Args:
        operator: array[levels[qubit], levels[qubit]].
        qubit: local index.
        levels: of every qubit, least significant first.
    """
    below = int(np.prod(levels[:qubit], dtype=np.int64))
    above = int(np.prod(levels[qubit + 1 :], dtype=np.int64))
    return np.kron(np.kron(np.eye(above), operator), np.eye(below))


@lru_cache(maxsize=256)
def number_labels(levels: Tuple[int, ...]) -> np.ndarray:
    """Return the level of every qubit in every basis state, int64[dim, n]."""
    dim = int(np.prod(levels, dtype=np.int64))
    index = np.arange(dim)
    columns = []
    for d in levels:
        columns.append(index % d)
        index = index // d
    labels = np.stack(columns, axis=1) if columns else np.zeros((1, 0), dtype=np.int64)
    labels.flags.writeable = False
    return labels


def label_of(levels: Sequence[int], state: Sequence[int]) -> int:
    """Return the index of the basis state with the given levels."""
    index, stride = 0, 1
    for d, level in zip(levels, state):
        index += int(level) * stride
        stride *= int(d)
    return index


def real_times(matrix: sparse.csr_matrix, x: np.ndarray) -> np.ndarray:
    """Return matrix @ x, the matrix real and x complex128[dim, m], without the GIL."""
    columns = np.ascontiguousarray(x.T, dtype=np.complex128)
    out = np.empty((x.shape[1], matrix.shape[0]), dtype=np.complex128)
    kernel("sparse").sparse_times(matrix.indptr, matrix.indices, matrix.data, parts(columns), parts(out))
    return out.T


def parts(x: np.ndarray) -> np.ndarray:
    """Return complex128[..., n] as float64[..., n, 2], the same numbers."""
    return x.view(np.float64).reshape(*x.shape, 2)
