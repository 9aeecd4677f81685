"""Evolve density matrices of 5 to 16 levels: unitary maps, decay between them.

A step is exp(D h/2) U exp(D h/2) (Strang), U the map of a sample of the
coherent model and D the dissipator: its diagonal exactly, its jumps to second
order in rate times sample. The error is of order h^2 [H, [H, D]], some 1e-8
of a population at T1 of 100 us; free decay is exact, by the eigenvectors of
the whole generator.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .blocks import LANES, pack
from .engine import Engine, poly_arguments
from .magnus import sample_propagators
from .space import Space, space_of
from .tables import PolyTable
from .windows import LineTone, Piece

__all__ = ["RhoEngine"]

_lanes = kernel("lanes")
_NEGLIGIBLE = 1e-8  # of the largest rate
_BLOCKS = 256  # of sample propagators at a time


def dissipation(space: Space) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the dissipator's parts for one sample, remembered on the space.

    Returns:
        Factors float64[2, size] of a quarter of a sample and of half a one (what
        acts before and after the jumps of half a step and a whole one), jumps
        int32[2, k + 1] (to, from) and their rates times the sample.
    """
    known = space.__dict__.get("_dissipation")
    if known is None:
        dt = space.model.dt
        d = space.dissipator.real
        diagonal = np.diag(d)
        factors = np.exp(np.stack([diagonal / 4, diagonal / 2]) * dt)
        rest = d - np.diag(diagonal)
        to, origin = np.nonzero(np.abs(rest) > _NEGLIGIBLE * np.abs(d).max())
        jumps = np.array([np.append(to, 0), np.append(origin, 0)], dtype=np.int32)
        rates = np.append(rest[to, origin] * dt, 0.0)
        known = space.__dict__["_dissipation"] = (np.ascontiguousarray(factors), jumps, rates)
    return known


class RhoEngine(Engine):
    """Blocks of density matrices under way."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.map_space = space_of(self.space.model, False)
        self.dim = self.space.model.dim
        factors, jumps, rates = dissipation(self.space)
        second = bool((np.abs(rates).max() ** 2) / self.precision > 1e-3)
        self.decay = (factors, jumps, rates, second)

    def _poly(
        self,
        x: np.ndarray,
        table: PolyTable,
        coef: np.ndarray,
        amp: np.ndarray,
        turn: np.ndarray,
        env: np.ndarray,
        which: np.ndarray,
        piece: Piece,
        offset: int,
    ) -> None:
        arguments = poly_arguments(table, coef, amp, turn, env, which, piece, offset)
        _lanes.rho_poly(x, self.dim, *arguments, self.work, *self.decay)

    def _identity(self) -> np.ndarray:
        eye = np.eye(self.dim, dtype=complex).reshape(1, -1)
        return pack(np.repeat(eye, self.lanes, axis=0), np.arange(self.lanes))

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        self.flush()
        packed, squarings = self.exponent(self.map_space, piece, tones, w, self.dt)
        u = self._identity()
        _lanes.expm(u, packed, self.dim, squarings, self.work)
        _lanes.rho_steps(self.x, u, self.dim, piece.stop - piece.start, self.work, *self.decay)

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        chunk = max(1, _BLOCKS * LANES // self.lanes)
        for a in range(piece.start, piece.stop, chunk):
            b = min(a + chunk, piece.stop)
            for u in sample_propagators(self, piece, tones, w, begin, a, b, constant):
                _lanes.rho_steps(self.x, u, self.dim, 1, self.work, *self.decay)
