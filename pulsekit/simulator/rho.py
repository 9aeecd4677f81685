"""Evolve density matrices of 5 to 16 levels: unitary maps, decay between them.

A step is exp(D h/2) U exp(D h/2) (Strang), U the map of a sample of the
coherent model and D the dissipator: its diagonal exactly, its jumps to second
order in rate times sample. The error is of order h^2 [H, [H, D]], some 1e-8
of a population at T1 of 100 us; free decay is exact, by the eigenvectors of
the whole generator.
"""

from __future__ import annotations

from dataclasses import replace
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


def dissipation(space: Space, samples: float = 1) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the dissipator's parts for a step, remembered on the space.

    Args:
        space: of density matrices.
        samples: the step; what is said of a sample below is said of the step.

    Returns:
        Factors float64[2, size] of a quarter of a sample and of half a one (what
        acts before and after the jumps of half a step and a whole one), jumps
        int32[2, k + 1] (to, from) and their rates times the sample.
    """
    kept = space.__dict__.setdefault("_dissipation", {})
    if samples not in kept:
        dt = space.model.dt * samples
        d = space.dissipator.real
        diagonal = np.diag(d)
        factors = np.exp(np.stack([diagonal / 4, diagonal / 2]) * dt)
        rest = d - np.diag(diagonal)
        to, origin = np.nonzero(np.abs(rest) > _NEGLIGIBLE * np.abs(d).max())
        jumps = np.array([np.append(to, 0), np.append(origin, 0)], dtype=np.int32)
        rates = np.append(rest[to, origin] * dt, 0.0)
        kept[samples] = (np.ascontiguousarray(factors), jumps, rates)
    return kept[samples]


class RhoEngine(Engine):
    """Blocks of density matrices under way."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.map_space = space_of(self.space.model, False)
        self.dim = self.space.model.dim
        self.second = bool((np.abs(dissipation(self.space)[2]).max() ** 2) / self.precision > 1e-3)
        self.cuts = self._cuts()

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
        n = self.cuts
        fine = piece if n == 1 else replace(piece, start=piece.start * n, stop=piece.stop * n)
        held = env if n == 1 else np.repeat(env, n, axis=1)
        arguments = poly_arguments(table, coef, amp, turn, held, which, fine, offset * n)
        _lanes.rho_poly(x, self.dim, *arguments, self.work, *self._decay_of(1 / n))

    def _decay_of(self, samples: float) -> Tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
        return (*dissipation(self.space, samples), self.second)

    def _cuts(self) -> int:
        """Return how many steps of decay a sample needs.

        Measured on a resonant drive of 30 MHz: 2e-5 of an entry per (rate *
        duration), growing as the step's square.
        """
        samples = sum(w.length for w in self.track.windows)
        rate = float(np.abs(np.diag(self.space.dissipator)).max())
        allowed = self.precision * 2.0 ** np.ceil(np.log2(max(samples, 64)))  # half of the tolerance
        return int(np.clip(np.ceil(np.sqrt(2e-5 * rate * samples * self.dt / allowed)), 1, 32))

    def _identity(self) -> np.ndarray:
        eye = np.eye(self.dim, dtype=complex).reshape(1, -1)
        return pack(np.repeat(eye, self.lanes, axis=0), np.arange(self.lanes))

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        self.flush()
        left = piece.stop - piece.start
        long = int(self._stride(tones, left))  # 0: steps shorter than a sample
        many, rest = divmod(left, long) if long else (0, left)
        for stride, count in ((float(long), many), (1 / self.cuts, rest * self.cuts)):
            if not count:
                continue
            packed, squarings = self.exponent(self.map_space, piece, tones, w, stride * self.dt)
            u = self._identity()
            _lanes.expm(u, packed, self.dim, squarings, self.work)
            _lanes.rho_steps(self.x, u, self.dim, count, self.work, *self._decay_of(stride))

    def _stride(self, tones: Sequence[LineTone], samples: int) -> float:
        """Return how many samples of a flat one step may take.

        One, where a tone is near resonance: there the decay of the driven
        states changes within a step. Off resonance, measured on an echoed
        cross-resonance gate: 8e-8 of a population per (rate * duration) for
        steps of one sample, growing as their square; taken four times as large.
        """
        model = self.space.model
        for t in tones:
            if abs(t.w_ref - model.w_frame[model.lines[t.line].local_qubit]) - t.reach < 2 * t.strength:
                return 1 / self.cuts
        rate = float(np.abs(np.diag(self.space.dissipator)).max())
        error = 3e-7 * rate * samples * self.dt
        allowed = self.precision * 128  # a small part of what the tolerance leaves the program
        return float(2 ** np.clip(np.floor(np.log2(max(allowed / max(error, 1e-300), 1.0)) / 2), 0, 3))

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        chunk = max(1, _BLOCKS * LANES // self.lanes)
        for a in range(piece.start, piece.stop, chunk):
            b = min(a + chunk, piece.stop)
            for u in sample_propagators(self, piece, tones, w, begin, a, b, constant):
                _lanes.rho_steps(self.x, u, self.dim, 1, self.work, *self._decay_of(1))
