"""Evolve density matrices of up to 16 levels: unitary maps, decay between them.

U is the map of a step of the coherent model, D the dissipator: its diagonal
exactly, its jumps to second order in rate times step. Where one step per
sample will do, it is exp(D h/2) U exp(D h/2) (Strang); else decay is spread
by Simpson's rule over pairs of steps, exp(D h/3) U exp(4 D h/3) U exp(D h/3),
whose error grows as the fourth power of the step. Free decay is exact, by the
eigenvectors of the whole generator.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .blocks import LANES, pack
from .engine import MOST_MAPS, Engine, poly_arguments
from .magnus import sample_propagators
from .space import Space, space_of
from .tables import PolyTable
from .windows import LineTone, Piece

__all__ = ["RhoEngine"]

_lanes = kernel("lanes")
_NEGLIGIBLE = 1e-8  # of the largest rate
_BLOCKS = 256  # of step propagators at a time
_STRANG = np.array([0.5, 1.0, 1.0])  # steps of decay at both ends, after odd, after even steps
_SIMPSON = np.array([1 / 3, 4 / 3, 2 / 3])
_LONGEST = 2.0  # rad that coherences between levels may turn against each other in a step

Decay = Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def dissipation(space: Space, step: float, simpson: bool) -> Decay:
    """Return the dissipator's parts for steps, remembered on the space.

    Args:
        space: of density matrices.
        step: s.
        simpson: an even number of steps, decay by Simpson's rule.

    Returns:
        Half of what the decay at both ends, after odd and after even steps
        does to the entries, float64[3, size] (it acts before and after the
        jumps); those decays in steps, float64[3]; jumps int32[2, k + 1] (to,
        from) and their rates times the step.
    """
    kept = space.__dict__.setdefault("_dissipation", {})
    key = (step, simpson)
    if key not in kept:
        if len(kept) > 64:
            kept.clear()
        weights = _SIMPSON if simpson else _STRANG
        d = space.dissipator.real
        diagonal = np.diag(d)
        factors = np.exp(diagonal[None, :] * (weights[:, None] * (step / 2)))
        rest = d - np.diag(diagonal)
        to, origin = np.nonzero(np.abs(rest) > _NEGLIGIBLE * np.abs(d).max())
        jumps = np.array([np.append(to, 0), np.append(origin, 0)], dtype=np.int32)
        rates = np.append(rest[to, origin] * step, 0.0)
        kept[key] = (np.ascontiguousarray(factors), weights, jumps, rates)
    return kept[key]


class RhoEngine(Engine):
    """Blocks of density matrices under way."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.map_space = space_of(self.space.model, False)
        self.dim = self.space.model.dim
        self.crosses_flats = False
        samples = sum(w.length for w in self.track.windows)
        self.allowed = self.precision * 2.0 ** np.ceil(np.log2(max(samples, 64)))  # half of the tolerance
        self.decayed = float(np.abs(np.diag(self.space.dissipator)).max()) * samples * self.dt
        self.cuts = self._cuts()

    def _poly(
        self,
        table: PolyTable,
        n: int,
        coef: np.ndarray,
        amp: np.ndarray,
        turn: np.ndarray,
        env: np.ndarray,
        which: np.ndarray,
        piece: Piece,
        offset: int,
    ) -> None:
        arguments = poly_arguments(table, n, coef, amp, turn, env, which, piece, offset)
        _lanes.rho_poly(self.x, self.dim, *arguments, self.work, *self._decay(self.dt / n, n > 1))

    def _decay(self, step: float, simpson: bool) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
        parts = dissipation(self.space, step, simpson)
        return (*parts, bool(np.abs(parts[-1]).max() ** 2 / self.precision > 1e-3))

    def _strength(self, tones: Sequence[LineTone]) -> float:
        """Return how fast (rad/s) decay changes as seen by the driven states.

        Jumps move a coherence to one that turns at another anharmonicity;
        drives turn the states that decay.
        """
        model = self.space.model
        rabi = 2 * sum(t.strength for t in tones) * np.sqrt(max(model.levels) - 1)
        return float(max(np.abs(model.w_alpha).max() if max(model.levels) > 2 else 0.0, rabi, 1.0))

    def _longest(self) -> float:
        """Return the longest step (s) within which coherences stay near each other."""
        model = self.space.model
        turn = max(abs(a) * max(d - 2, 0) for a, d in zip(model.w_alpha.tolist(), model.levels))
        return _LONGEST / turn if turn else np.inf

    def _cuts(self) -> int:
        """Return how many steps a sample takes: one, or an even number.

        Measured on resonant and detuned drives of 30 to 100 MHz and 3 to 5
        levels, as the error of an entry per (rate * duration): 1e-4 (w h)^2
        for Strang's steps, 3e-5 (w h)^4 for Simpson's.
        """
        together = [[self.track.tones[k] for k, _ in p.tones] for w in self.track.windows for p in w.pieces]
        turn = max((self._strength(tones) for tones in together), default=0.0) * self.dt
        fast = self._counter_cuts()
        if not fast and 2e-4 * turn**2 * self.decayed <= self.allowed and self.dt <= self._longest():
            return 1
        count = max(turn * (6e-5 * self.decayed / self.allowed) ** 0.25, self.dt / self._longest(), fast)
        return int(np.clip(2 * np.ceil(count / 2), 2, MOST_MAPS))

    def _counter_cuts(self) -> float:
        """Return how many steps a sample takes for what the RWA drops.

        Counter-rotating terms shake the driven states by rabi / 2 w; steps
        that do not resolve it leave a hundredth of that.
        """
        if self.rwa or not self.track.tones:
            return 0.0
        w = 2 * min(t.w_ref - t.reach for t in self.track.tones)
        shake = 2 * max(t.strength for t in self.track.tones) / w * self.decayed
        if 4e-2 * shake <= self.allowed:
            return 0.0
        return w * self.dt * (shake / 180 / self.allowed) ** 0.25

    def _identity(self) -> np.ndarray:
        eye = np.eye(self.dim, dtype=complex).reshape(1, -1)
        return pack(np.repeat(eye, self.lanes, axis=0), np.arange(self.lanes))

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        self.flush()
        span = (piece.stop - piece.start) * self.dt
        count = self._flat_steps(tones, span)
        packed, squarings = self.exponent(self.map_space, piece, tones, w, span / count)
        u = self._identity()
        _lanes.expm(u, packed, self.dim, squarings, self.work)
        _lanes.rho_steps(self.x, u[None], self.dim, count, self.work, *self._decay(span / count, True))

    def _flat_steps(self, tones: Sequence[LineTone], span: float) -> int:
        """Return into how many steps, an even number, a flat is cut.

        Off resonance the driven states hardly turn: 2e-6 instead of 3e-5.
        """
        model = self.space.model
        near = any(
            abs(t.w_ref - model.w_frame[model.lines[t.line].local_qubit]) - t.reach < 2 * t.strength for t in tones
        )
        error = (6e-5 if near else 4e-6) * self.decayed / self.allowed
        count = max(self._strength(tones) * span * error**0.25, span / self._longest())
        return int(2 * max(1, np.ceil(count / 2)))

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        n = self.cuts
        chunk = max(1, _BLOCKS * LANES // (self.lanes * n))
        decay = self._decay(self.dt / n, n > 1)
        for a in range(piece.start, piece.stop, chunk):
            b = min(a + chunk, piece.stop)
            u = sample_propagators(self, piece, tones, w, begin, a, b, constant, n)
            _lanes.rho_steps(self.x, u, self.dim, len(u), self.work, *decay)
