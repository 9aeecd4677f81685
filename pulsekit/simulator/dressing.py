"""Turn kets between the bare and the dressed basis, sector by sector.

Exchange couplings conserve the number of excitations, so that the dressed
basis is block diagonal; a block is diagonalised once and kept while the
process lives, keyed by the static Hamiltonian. Labels and signs are those of
:func:`~pulsekit.simulator.spectrum.label_eigenvectors`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Sequence, Tuple

import numpy as np
from scipy import sparse

from .. import cache
from .largedressing import LargeDressing
from .model import Model
from .operators import number_labels, real_times
from .spectrum import label_eigenvectors

__all__ = ["LARGEST", "Dressing", "SparseDressing", "dressing_of"]

KEPT_ON_DISK = 243  # dimension from which dressed bases go to the disk cache
LARGEST = 7000  # dimension up to which sectors are diagonalised
WHOLE = 128  # states, up to which one sparse matrix is faster than its blocks
SMALL = 1e-7  # amplitudes that :attr:`Dressing.sparse` leaves out

_kept: "OrderedDict[str, Dressing | LargeDressing]" = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Dressing:
    """Dressed states of static transmons, common frame exp(i w_c N t)."""

    energies: np.ndarray  # float64[dim], rad/s, minus w_c per excitation
    blocks: Tuple[Tuple[np.ndarray, np.ndarray], ...]  # basis indices, columns

    def to_bare(self, x: np.ndarray) -> np.ndarray:
        """Return dressed kets complex128[dim, m] in the bare basis."""
        if self.energies.size <= WHOLE:
            return real_times(self._whole, x)
        out = np.zeros_like(x)
        for index, v in self.blocks:
            part = x[index]
            if part.any():
                out[index] = _apply(v, part)
        return out

    def to_dressed(self, x: np.ndarray) -> np.ndarray:
        """Return bare kets complex128[dim, m] in the dressed basis."""
        if self.energies.size <= WHOLE:
            return real_times(self._rows, x)
        out = np.empty_like(x)
        for index, v in self.blocks:
            out[index] = _apply(v.T, x[index])
        return out

    @cached_property
    def _whole(self) -> sparse.csr_matrix:
        """The dressed states as columns, sparse[dim, dim]."""
        return self._columns(0.0)

    @cached_property
    def _rows(self) -> sparse.csr_matrix:
        """The dressed states as rows, sparse[dim, dim]."""
        return self._whole.T.tocsr()

    def _columns(self, small: float) -> sparse.csr_matrix:
        """Return the amplitudes above ``small``, dressed states as columns."""
        rows, columns, values = [], [], []
        for index, v in self.blocks:
            r, c = np.nonzero(np.abs(v) > small)
            rows.append(index[r])
            columns.append(index[c])
            values.append(v[r, c])
        where = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix((np.concatenate(values), where), shape=(self.energies.size,) * 2)

    @cached_property
    def sparse(self) -> "SparseDressing":
        """The same without small amplitudes: a tenth of the time for seven qutrits."""
        return SparseDressing(self._columns(SMALL))


class SparseDressing:
    """Dressed states as the columns of one sparse matrix."""

    def __init__(self, columns: sparse.csr_matrix) -> None:
        self.columns = columns
        self._rows = columns.T.tocsr()

    def to_bare(self, x: np.ndarray) -> np.ndarray:
        """Return dressed kets complex128[dim, m] in the bare basis."""
        return real_times(self.columns, x)

    def to_dressed(self, x: np.ndarray) -> np.ndarray:
        """Return bare kets complex128[dim, m] in the dressed basis."""
        return real_times(self._rows, x)


def _apply(v: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return v @ x, v real and x complex, without casting v."""
    flat = np.ascontiguousarray(x).view(np.float64)
    return np.ascontiguousarray(v @ flat).view(np.complex128)


def dressing_of(model: Model, w_c: float, couplings: Sequence[Tuple[int, int, float]]) -> "Dressing | LargeDressing":
    """Return the dressing of a model under some of its couplings.

    Args:
        model: the cluster; above :data:`LARGEST` states, second order.
        w_c: rad/s, the common frame.
        couplings: local qubits and rad/s, those that count.
    """
    key = cache.content_hash(
        list(model.levels), np.asarray(model.w_bare) - w_c, np.asarray(model.w_alpha), [list(c) for c in couplings]
    )
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = _found(model, w_c, couplings, key) if model.dim <= LARGEST else LargeDressing(model, w_c, couplings)
    with _lock:
        _kept[key] = made
        while len(_kept) > 8:
            _kept.popitem(last=False)
    return made


def _found(model: Model, w_c: float, couplings: Sequence[Tuple[int, int, float]], key: str) -> Dressing:
    """Return the dressing from disk, where it is worth keeping there."""
    if model.dim < KEPT_ON_DISK:
        return _solve(model, w_c, couplings)
    arrays = cache.load("dressing", key)
    if arrays is not None and "energies" in arrays:
        count = (len(arrays) - 1) // 2
        return Dressing(arrays["energies"], tuple((arrays[f"i{k}"], arrays[f"v{k}"]) for k in range(count)))
    made = _solve(model, w_c, couplings)
    blocks = {f"{name}{k}": a for k, pair in enumerate(made.blocks) for name, a in zip("iv", pair)}
    cache.store("dressing", key, {"energies": made.energies, **blocks})
    return made


def _solve(model: Model, w_c: float, couplings: Sequence[Tuple[int, int, float]]) -> Dressing:
    labels = number_labels(tuple(model.levels))
    levels = labels.astype(np.float64)
    diagonal = levels @ (model.w_bare - w_c) + (levels * (levels - 1)) @ (model.w_alpha / 2)
    strides = np.cumprod([1, *model.levels[:-1]])
    total = labels.sum(axis=1)
    energies = np.empty(diagonal.size)
    place = np.empty(diagonal.size, dtype=np.int64)
    blocks: List[Tuple[np.ndarray, np.ndarray]] = []
    groups: Dict[int, np.ndarray] = {int(n): np.flatnonzero(total == n) for n in np.unique(total)}
    for index in groups.values():
        place[index] = np.arange(index.size)
        h = np.diag(diagonal[index])
        for i, j, w_j in couplings:
            rows = np.flatnonzero((labels[index, i] > 0) & (labels[index, j] < model.levels[j] - 1))
            ni, nj = levels[index[rows], i], levels[index[rows], j]
            target = place[index[rows] - strides[i] + strides[j]]
            value = w_j * np.sqrt(ni * (nj + 1))
            h[target, rows] += value
            h[rows, target] += value
        energies[index], v = label_eigenvectors(*np.linalg.eigh(h))
        blocks.append((index, np.ascontiguousarray(v)))
    return Dressing(energies, tuple(blocks))
