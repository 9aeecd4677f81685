"""Diagonalise generators of decay, whose diagonal is far larger than the rest."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

__all__ = ["Modes", "modes_of"]

_APART = 1e3  # gap of two eigenvalues, over what mixes them, from which first order is exact


class Modes(NamedTuple):
    """An eigendecomposition, generator = columns diag(values) inverse."""

    values: np.ndarray  # complex128[m], 1/s
    columns: np.ndarray  # complex128[m, m]
    inverse: np.ndarray  # complex128[m, m]
    residual: float  # 1/s, what it differs from the generator by; inf: there are none


def modes_of(generator: np.ndarray) -> Modes:
    """Return the modes of a generator, refined.

    Eigensolvers are off by rounding of the largest frequency (5e9 rad/s, so
    that coherences of two qutrits were off by 2e-9 after 100 us). A column's
    defect is known far better, because frequencies are on the diagonal, where
    their differences are exact: first-order perturbation takes it away.

    Args:
        generator: complex128[m, m], 1/s.
    """
    values, columns = np.linalg.eig(generator)
    diagonal = np.diag(generator)
    rest = generator - np.diag(diagonal)
    try:
        inverse = np.linalg.inv(columns)
        defect = inverse @ _defect(diagonal, rest, values, columns)
        gap = values[None, :] - values[:, None]
        apart = np.abs(gap) > _APART * np.abs(defect)
        mixing = np.where(apart, defect, 0) / np.where(apart, gap, 1)
        values = values + np.diag(defect)
        columns = columns + columns @ mixing
        inverse = np.linalg.inv(columns)
    except np.linalg.LinAlgError:
        return Modes(values, columns, np.eye(len(values), dtype=complex), math.inf)
    left = _defect(diagonal, rest, values, columns) @ inverse
    return Modes(values, columns, inverse, float(np.abs(left).max()) * math.sqrt(len(values)))


def _defect(diagonal: np.ndarray, rest: np.ndarray, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return generator columns - columns diag(values)."""
    return np.asarray((diagonal[:, None] - values[None, :]) * columns + rest @ columns)
