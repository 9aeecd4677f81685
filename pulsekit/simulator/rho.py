"""Evolve density matrices of up to 16 levels: unitary maps, decay between them.

U is the map of a step of the coherent model, D the dissipator. Where one step
per sample will do, it is exp(D h/2) U exp(D h/2) (Strang); else decay is spread
by Simpson's rule over pairs of steps, exp(D h/3) U exp(4 D h/3) U exp(D h/3).
How many it takes, and what is taken back of their errors, :mod:`decay` says.
Free decay is exact, by the eigenvectors of the whole generator.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from .._ext import kernel
from .blocks import pack
from .decay import NO_EDGES, Decay, Drive, decay_cut, decays, edges_of, flat_cut
from .engine import DRIFTING, Engine, later, poly_arguments
from .magnus import Signals, Step
from .space import space_of
from .tables import PolyTable
from .windows import LineTone, Piece

__all__ = ["CHUNK", "EXPONENTIALS", "RhoEngine"]

_lanes = kernel("lanes")
_BLOCKS = 256  # of step propagators at a time
CHUNK = 2**13  # entries of these propagators
EXPONENTIALS = 500  # that these take, for cancellation's sake


class RhoEngine(Engine):
    """Blocks of density matrices under way."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.map_space = space_of(self.space.model, False)
        self.dim = self.space.model.dim
        self.crosses_flats = False
        self.whole = sum(w.length for w in self.track.windows) * self.dt
        pieces = [p for w in self.track.windows for p in w.pieces]
        self.flats = sum(p.flat for p in pieces)
        tones = self.track.tones
        drives = [self._drive(t, t.rough) for t in tones]
        together = [[drives[k] for k, _ in p.tones] for p in pieces]
        carrier = 0.0 if self.rwa or not tones else min(t.w_ref - t.reach for t in tones)
        common = (self.space, self.dt, drives, together, carrier, self.whole, self.allowed)
        self.parts = decay_cut(*common).steps  # of a sample of several tones
        mapped = decay_cut(*common, edges=True)
        self.cuts, self.edges = mapped.steps, mapped.edges  # maps of a sample of one tone

    def _drive(self, tone: LineTone, rough: float) -> Drive:
        near = self.space.model.w_frame[self.space.model.lines[tone.line].local_qubit]
        return Drive(tone.line, tone.strength, rough, abs(tone.w_ref - near) + tone.reach)

    def _decay(self, step: float, simpson: bool) -> Decay:
        return decays(self.space, step, simpson, self.precision)

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
        decay = self._decay(self.dt / n, n > 1)
        tone = self.track.tones[piece.tones[0][0]]
        edges = edges_of(self.space, tone.line, self.dt) if self.edges else NO_EDGES
        for a, b in self.parts_of(piece.start, piece.stop, max(6e-9 * n * self.dim**3, 0.05 * n / DRIFTING)):
            now = later(amp, turn, (a - piece.start) * n)
            arguments = poly_arguments(table, n, coef, now, turn, env, which, a - offset, b - offset)
            _lanes.rho_poly(self.x, self.dim, *arguments, self.work, *decay, *edges)

    def identity(self) -> np.ndarray:
        """Return one identity for every lane, float64[blocks, dim * dim, 2, 8]."""
        eye = np.eye(self.dim, dtype=complex).reshape(1, -1)
        return pack(np.repeat(eye, self.lanes, axis=0), np.arange(self.lanes))

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        self.flush()
        span = (piece.stop - piece.start) * self.dt
        count = self.flat_steps(tones, span)
        packed, squarings = self.exponent(self.map_space, piece, tones, w, span / count)
        u = self.identity()
        _lanes.expm(u, packed, self.dim, squarings, self.work)
        decay = self._decay(span / count, True)
        for a, b in self.parts_of(0, count // 2, 12e-9 * self.dim**3):
            _lanes.rho_steps(self.x, u[None], self.dim, 2 * (b - a), self.work, *decay)

    def flat_steps(self, tones: Sequence[LineTone], span: float) -> int:
        """Return into how many steps, an even number, a flat is cut."""
        return flat_cut(self.space, span, [self._drive(t, 2.0) for t in tones], self.allowed, self.flats)

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        n = self.parts
        step = Step(self, tones, constant, n)
        signals = Signals(self, piece, tones, w, begin, step)
        most = min(_BLOCKS, CHUNK // self.dim**2)  # whatever the lanes: decay at the ends of a chunk rounds
        chunk = max(1, min(most // n, EXPONENTIALS // step.per_sample))
        decay = self._decay(self.dt / n, n > 1)
        for a in range(piece.start, piece.stop, chunk):
            self.look()
            b = min(a + chunk, piece.stop)
            u = step.propagators(signals(a, b), (b - a) * n)
            _lanes.rho_steps(self.x, u, self.dim, len(u), self.work, *decay)
