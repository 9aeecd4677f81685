"""Keep the coupling layers and diagonals of a split-operator run."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .ket import KetLayout
from .model import Model
from .pairgates import Gate, coupling_gate, damping_gate, pair_correction
from .sites import Sites, dissipator_gate

__all__ = ["Layers", "pair_classes", "two_body"]

Coupled = Tuple[int, int, float, float]


def pair_classes(couplings: Sequence[Coupled], group: int = 0) -> List[List[Coupled]]:
    """Return couplings in classes that share no site, the one that takes longest last.

    Args:
        couplings: of the sites.
        group: sites in the row group, whose couplings take twice as long.
    """
    classes: List[List[Coupled]] = []
    for pair in couplings:
        for found in classes:
            if not any({pair[0], pair[1]} & {i, j} for i, j, _, _ in found):
                found.append(pair)
                break
        else:
            classes.append([pair])
    return sorted(classes, key=lambda found: sum(2 if i < group else 1 for i, _, _, _ in found))


class Layers:
    """Tables of one model, made as steps of new lengths come."""

    def __init__(self, model: Model, sites: Sites, layout: KetLayout) -> None:
        self.model, self.sites, self.layout = model, sites, layout
        self._layers: Dict[float, int] = {}
        self._gates: List[np.ndarray] = []
        self._pool: List[np.ndarray] = []
        self._size = 0
        self._diagonals: Dict[Tuple[float, Tuple[int, ...]], int] = {}
        self._diagonal: List[np.ndarray] = []
        self._two_body: Dict[float, np.ndarray] = {}
        self._kinds: Dict[Tuple[float, Tuple[int, ...]], int] = {}
        self._kind: List[List[int]] = []
        self._arrays: Optional[Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = None

    def kind(self, h: float, busy: Tuple[int, ...]) -> int:
        """Return which row of the kinds is that of a step; of h = 0, one without layers and diagonals.

        The last layer is that of the step and the first of the next in one.
        """
        key = (h, busy if h else ())
        if key not in self._kinds:
            self._kind.append([self._diagonal_of(h, busy), self._layer(h)] if h else [-1, -1])
            self._kinds[key] = len(self._kind) - 1
            self._arrays = None
        return self._kinds[key]

    def end(self, h: float, back: bool = False) -> int:
        """Return the layer at either end of a step (``back``: its inverse); -1: none."""
        return self._layer(-h / 2 if back else h / 2) if h else -1

    def arrays(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return gates int64[layers, gates, 6], their numbers, kinds int64[rows, 2], and diagonals.

        A kind is a step's diagonal, then the layer after it; -1: none.
        """
        if self._arrays is None:
            gates = np.stack(self._gates) if self._gates else np.zeros((1, 0, 6), np.int64)
            pool = np.concatenate(self._pool) if self._size else np.zeros(1)
            diagonal = np.stack(self._diagonal) if self._diagonal else np.zeros((1, 2, self.layout.total))
            kinds = np.array(self._kind, dtype=np.int64).reshape(-1, 2)
            self._arrays = (gates, pool, kinds, diagonal)
        return self._arrays

    def _layer(self, span: float) -> int:
        """Return the layer of couplings, T1 and T2 for a span, s; -1: there are none."""
        if not self.sites.couplings and not self.sites.damping:
            return -1
        if span not in self._layers:
            made = self._palindrome(span)
            rows = np.array([r for r, _ in made], dtype=np.int64)
            for k, (_, numbers) in enumerate(made):
                rows[k, 5] = self._size
                self._size += numbers.size
                self._pool.append(numbers)
            self._gates.append(rows)
            self._layers[span] = len(self._gates) - 1
            self._arrays = None
        return self._layers[span]

    def _palindrome(self, span: float) -> List[Gate]:
        """Return a symmetric product: classes of disjoint pairs, there and back."""
        classes = pair_classes(self.sites.couplings, self.layout.group)
        damping = self.sites.damping
        middle = [damping_gate(self.layout, r, c, dissipator_gate(self.model, q, span)) for r, c, q in damping]
        if not middle and classes:
            middle = self._gates_of(classes.pop(), span)
        sides = [self._gates_of(c, span / 2) for c in classes]
        return [g for side in sides for g in side] + middle + [g for side in sides[::-1] for g in side]

    def _gates_of(self, pairs: List[Coupled], span: float) -> List[Gate]:
        return [coupling_gate(self.layout, i, j, sign * w_j * span) for i, j, w_j, sign in pairs]

    def _diagonal_of(self, h: float, busy: Tuple[int, ...]) -> int:
        key = (h, busy)
        if key not in self._diagonals:
            if h not in self._two_body:
                self._two_body[h] = two_body(self.sites, h)
            values = self._two_body[h].astype(complex)
            n = len(self.sites.levels)
            for q, energies in enumerate(self.sites.energies):
                local = np.zeros(energies.size, complex) if q in busy else energies.astype(complex)
                if self.sites.decay:
                    local = local - 1j * self.sites.decay[q]
                values = values + local.reshape(_axis(n, q, energies.size))
            phase = self.layout.spread(np.exp(-1j * h * values.reshape(-1)))
            self._diagonal.append(np.stack([phase.real, phase.imag]))
            self._diagonals[key] = len(self._diagonal) - 1
            self._arrays = None
        return self._diagonals[key]


def two_body(sites: Sites, h: float) -> np.ndarray:
    """Return the pairs' corrections and held neighbours' shifts, rad/s, float64[d_(n-1), ..., d_0].

    Args:
        sites: what there is.
        h: the step, s.
    """
    levels, energies = sites.levels, sites.energies
    n = len(levels)
    total = np.zeros(levels[::-1])
    for i, j, w_j, sign in sites.couplings:
        local = (sign * energies[i], sign * energies[j])
        shift = sign * pair_correction(h, (levels[i], levels[j]), local, w_j)
        total = total + shift.reshape(_axes(n, i, j, levels))
    for i, j, shift in sites.shifts:
        total = total + shift.reshape(_axes(n, i, j, levels))
    return total


def _axis(n: int, q: int, size: int) -> Tuple[int, ...]:
    return tuple(size if k == n - 1 - q else 1 for k in range(n))


def _axes(n: int, i: int, j: int, levels: Tuple[int, ...]) -> Tuple[int, ...]:
    shape = [1] * n
    shape[n - 1 - i], shape[n - 1 - j] = levels[i], levels[j]
    return tuple(shape)
