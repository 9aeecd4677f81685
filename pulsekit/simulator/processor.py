"""Remove from the ends of a run what a splitting scheme adds to its states.

A step's Hamiltonian is A + B + X with a small X. The part of X that takes one
bare state to another of different energy only turns the states, X = [A, P]:
the step is exp(-P) U exp(P), so that exp(-P) before and exp(P) after a whole
run leave U (a "processed" method; Blanes, Casas and Murua). To first order in
the couplings the scheme is a quadrature of exp(i w t), whose error is known
for every w; to second order X = c h^2 [B, [B, A]]. The diagonal part of X is
undone in every step (:func:`~pulsekit.simulator.pairgates.pair_correction`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Sequence, Tuple

import numpy as np
from scipy import sparse

from .._ext import kernel
from .operators import number_labels, parts
from .schemes import Scheme

__all__ = ["Processor", "exchange_matrix", "processor_of"]

KEPT = 16  # processors
KEPT_STATES = 2500  # of a processor that is kept, at most


def exchange_matrix(levels: Tuple[int, ...], couplings: Sequence[Tuple[int, int, float]]) -> sparse.csr_matrix:
    """Return sum J (a_i^dag a_j + h.c.), rad/s, sparse[dim, dim]."""
    labels = number_labels(levels)
    strides = np.cumprod([1, *levels[:-1]])
    dim = labels.shape[0]
    rows, columns, values = [], [], []
    for i, j, w_j in couplings:
        source = np.flatnonzero((labels[:, i] > 0) & (labels[:, j] < levels[j] - 1))
        target = source - strides[i] + strides[j]
        value = w_j * np.sqrt(labels[source, i] * (labels[source, j] + 1.0))
        rows += [target, source]
        columns += [source, target]
        values += [value, value]
    if not rows:
        return sparse.csr_matrix((dim, dim))
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(values), where), shape=(dim, dim))


class Processor:
    """exp(-P) and exp(P) of a scheme, step and static model.

    Args:
        scheme, h: the step, s.
        levels: of every transmon.
        energies: float64[dim], rad/s, bare, common frame.
        couplings: local qubits and rad/s.
    """

    def __init__(
        self,
        scheme: Scheme,
        h: float,
        levels: Tuple[int, ...],
        energies: np.ndarray,
        couplings: Sequence[Tuple[int, int, float]],
    ) -> None:
        b = exchange_matrix(levels, couplings)
        floor = max((abs(w) for _, _, w in couplings), default=0.0)
        e = sparse.diags(energies)
        square = b @ b
        x = (square @ e - 2 * (b @ e @ b) + e @ square) * (scheme.second * h**2)
        self.p = (_generator(b, energies, floor, scheme, h) + _generator(x, energies, floor, None, h)).tocsr()

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return exp(-P) x, complex128[dim, m]."""
        return self._turned(x, -1.0)

    def leave(self, x: np.ndarray) -> np.ndarray:
        """Return exp(P) x, complex128[dim, m]."""
        return self._turned(x, 1.0)

    def _turned(self, x: np.ndarray, sign: float) -> np.ndarray:
        p, rows, work = self.p, np.ascontiguousarray(x.T, dtype=np.complex128), np.empty((x.shape[0], 2))
        out = np.empty_like(rows)
        kernel("split").turned(p.indptr, p.indices, p.data, parts(rows), sign, work, parts(out))
        return out.T


_kept: "OrderedDict[Tuple[object, ...], Processor]" = OrderedDict()
_lock = threading.Lock()


def processor_of(
    scheme: Scheme,
    h: float,
    levels: Tuple[int, ...],
    energies: np.ndarray,
    couplings: Sequence[Tuple[int, int, float]],
) -> Processor:
    """Return a processor, one of before where there is one; arguments as of :class:`Processor`."""
    key = (scheme.name, h, levels, energies.tobytes(), tuple(couplings))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = Processor(scheme, h, levels, energies, couplings)
    if energies.size <= KEPT_STATES:
        with _lock:
            _kept[key] = made
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return made


def _generator(
    x: sparse.spmatrix, energies: np.ndarray, floor: float, scheme: "Scheme | None", h: float
) -> sparse.coo_matrix:
    entries = x.tocoo()
    gap = energies[entries.row] - energies[entries.col]
    good = np.abs(gap) > floor
    row, column, value, gap = entries.row[good], entries.col[good], entries.data[good], gap[good]
    if scheme is not None:
        value = value * (_quadrature(scheme, gap * h) / np.sinc(gap * h / (2 * np.pi)) - 1)
    return sparse.coo_matrix((value / gap, (row, column)), shape=x.shape)


def _quadrature(scheme: Scheme, phase: np.ndarray) -> np.ndarray:
    """Return the layers' mean of exp(i w t) over a step, t from its middle."""
    now, total = 0.0, scheme.first * np.cos(phase / 2)
    for a, b in scheme.stages:
        now += a
        total = total + b * np.cos(phase * (now - 0.5))
    return total
