"""Remove from the ends of a run what the splitting adds to its states.

A step is S = K A K, K = exp(-i h B / 2) the couplings, A = exp(-i h E) local.
Without a drive, S has other eigenvectors than the step that it stands for:
with exp(P) the rotation from the ones to the others, exp(-P) before a whole
run and exp(P) after it leave what should be (a "processed" method; Blanes,
Casas and Murua). Both sets of eigenvectors are known by perturbation theory
in B, here to second order, for any h. With Q the generator of eigenvectors
exp(Q), P = Q - Q' - [Q, Q'] / 2, and

    Q_mn = C_mn + (N_mn / w_nm - (C C)_mn / 2),     C_mn = f(w_nm) B_mn,

w_nm the difference of the bare energies of n and m. For the Hamiltonian
f = 1 / w and N = B C. For S, f = (h / 2) cot(w h / 2), N = S_1 C + S_2 with
S_1 and S_2 what B adds to S in first and in second order, and 1 / w_nm is one
over the difference of the phases exp(-i h E). What is left of second order is
diagonal, and undone in every step (:func:`~pulsekit.simulator.pairgates.pair_correction`)
by a phase D before the local part L. A step is symmetric, its error even in
h, with half of that phase on either side: L D = D^(-1/2) (D^(1/2) L D^(1/2)) D^(1/2),
so that D^(-1/2) before a run and D^(1/2) after it make it so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Callable, Sequence, Tuple

import numpy as np
from scipy import sparse

from .._ext import kernel
from .operators import number_labels, parts

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
    """exp(-P) and exp(P) of a step and static model.

    Args:
        h: the step, s.
        levels: of every transmon.
        energies: float64[dim], rad/s, bare, common frame.
        couplings: local qubits and rad/s.
        undone: float64[dim], rad/s, the diagonal that is undone in every step.
    """

    def __init__(
        self,
        h: float,
        levels: Tuple[int, ...],
        energies: np.ndarray,
        couplings: Sequence[Tuple[int, int, float]],
        undone: np.ndarray,
    ) -> None:
        self.p = _generator(exchange_matrix(levels, couplings), energies, h, couplings)
        self.half = np.exp(-0.5j * h * undone)[:, None]  # D^(1/2)

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return D^(-1/2) exp(-P) x, complex128[dim, m]."""
        return self.half.conj() * self._turned(x, -1.0)

    def leave(self, x: np.ndarray) -> np.ndarray:
        """Return exp(P) D^(1/2) x, complex128[dim, m]."""
        return self._turned(self.half * x, 1.0)

    def _turned(self, x: np.ndarray, sign: float) -> np.ndarray:
        p, rows, work = self.p, np.ascontiguousarray(x.T, dtype=np.complex128), np.empty((x.shape[0], 2))
        out = np.empty_like(rows)
        kernel("sparse").turned(p.indptr, p.indices, p.data, parts(rows), sign, work, parts(out))
        return out.T


_kept: "OrderedDict[Tuple[object, ...], Processor]" = OrderedDict()
_lock = threading.Lock()


def processor_of(
    h: float,
    levels: Tuple[int, ...],
    energies: np.ndarray,
    couplings: Sequence[Tuple[int, int, float]],
    undone: np.ndarray,
) -> Processor:
    """Return a processor, one of before where there is one; arguments as of :class:`Processor`."""
    key = (h, levels, energies.tobytes(), tuple(couplings), undone.tobytes())
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = Processor(h, levels, energies, couplings, undone)
    if energies.size <= KEPT_STATES:
        with _lock:
            _kept[key] = made
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return made


def _generator(
    b: sparse.csr_matrix, energies: np.ndarray, h: float, couplings: Sequence[Tuple[int, int, float]]
) -> sparse.csr_matrix:
    """Return P, a real antisymmetric matrix, sparse[dim, dim]; states closer than a coupling are left as they are."""
    floor = max((abs(w) for _, _, w in couplings), default=0.0)
    phase = np.exp(-1j * h * energies)
    true = _scaled(b, energies, floor, lambda m, n: 1 / (energies[n] - energies[m]))
    step = _scaled(b, energies, floor, lambda m, n: h / 2 / np.tan((energies[n] - energies[m]) * h / 2))
    s = sparse.diags(phase)
    both = b @ s + s @ b  # S_1 is - i h / 2 of it
    second = (b @ both) * (-(h**2) / 8)
    due = _scaled(b @ true, energies, floor, lambda m, n: 1 / (energies[n] - energies[m]))
    made = (both @ step) * (-0.5j * h) + second + second.T
    made = _scaled(made, energies, floor, lambda m, n: 1 / (phase[n] - phase[m])).real
    product = _scaled((step - true) @ (step + true), energies, floor, lambda m, n: np.full(m.shape, 0.5))
    out = (true - step + due - made + product).tocsr()
    out.data = np.ascontiguousarray(out.data)
    return out


def _scaled(
    x: sparse.spmatrix, energies: np.ndarray, floor: float, factor: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> sparse.csr_matrix:
    """Return a matrix's entries between states of different energy times a factor of their row and column."""
    entries = x.tocoo()
    good = np.abs(energies[entries.row] - energies[entries.col]) > floor
    row, column = entries.row[good], entries.col[good]
    return sparse.csr_matrix((entries.data[good] * factor(row, column), (row, column)), shape=x.shape)
