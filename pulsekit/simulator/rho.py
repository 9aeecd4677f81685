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
from .blocks import pack
from .engine import DRIFTING, MOST_MAPS, Engine, later, poly_arguments
from .magnus import Signals, Step
from .model import Model
from .space import Space, space_of
from .tables import PolyTable
from .windows import LineTone, Piece

__all__ = ["CHUNK", "EXPONENTIALS", "RhoEngine", "decay_steps", "decays"]

_lanes = kernel("lanes")
_NEGLIGIBLE = 1e-8  # of the largest rate
_BLOCKS = 256  # of step propagators at a time
CHUNK = 2**13  # entries of these propagators
EXPONENTIALS = 500  # that these take, for cancellation's sake
_STRANG = np.array([0.5, 1.0, 1.0])  # steps of decay at both ends, after odd, after even steps
_SIMPSON = np.array([1 / 3, 4 / 3, 2 / 3])
_LONGEST = 2.0  # rad that coherences between levels may turn against each other in a step

Decay = Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]


def decays(space: Space, step: float, simpson: bool, precision: float) -> Decay:
    """Return the dissipator's parts for steps, remembered on the space.

    Args:
        space: of density matrices.
        step: s.
        simpson: an even number of steps, decay by Simpson's rule.
        precision: error allowed in a step.

    Returns:
        Half of what the decay at both ends, after odd and after even steps
        does to the entries, float64[3, size] (it acts before and after the
        jumps); those decays in steps, float64[3]; jumps int32[2, k + 1] (to,
        from); their rates times the step; whether two of them matter.
    """
    kept = space.__dict__.setdefault("_dissipation", {})
    key = (round(step * 1e18), simpson)
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
    found = kept[key]
    return (*found, bool(np.abs(found[-1]).max() ** 2 / precision > 1e-3))


def decay_steps(space: Space, span: float, drive: float, carrier: float, whole: float, allowed: float) -> int:
    """Return how many steps a span takes: one (Strang), or an even number (Simpson).

    Measured on resonant and detuned drives of 30 to 100 MHz and 3 to 5
    levels, as the error of an entry per (rate * duration): 1e-4 (w h)^2 for
    Strang's steps, 3e-5 (w h)^4 for Simpson's, w the faster of drive and
    anharmonicity; taken twice as large. Without the RWA driven states are
    shaken by rabi / 2 carrier, and steps that do not resolve it leave some
    hundredths of that.

    Args:
        space: of density matrices.
        span: s, a sample or a part of one.
        drive: rad/s, the sum of what plays, half Rabi rates.
        carrier: rad/s; 0: the RWA.
        whole: s, of the program, over which errors add up.
        allowed: error of the whole.
    """
    decayed = _rate(space) * whole
    turn, longest = _speed(space.model, drive) * span, _longest(space.model)
    shake = 2 * drive / (2 * carrier) * decayed if carrier else 0.0
    if 4e-2 * shake <= allowed and 2e-4 * turn**2 * decayed <= allowed and span <= longest:
        return 1
    count = max(turn * (6e-5 * decayed / allowed) ** 0.25, span / longest)
    if 4e-2 * shake > allowed:
        count = max(count, 2 * carrier * span * (shake / 180 / allowed) ** 0.25)
    return int(np.clip(2 * np.ceil(count / 2), 2, MOST_MAPS))


def _rate(space: Space) -> float:
    return float(np.abs(np.diag(space.dissipator)).max())


def _speed(model: Model, drive: float) -> float:
    """Return how fast (rad/s) decay changes as seen by the driven states.

    Jumps move a coherence to one that turns at another anharmonicity; drives
    turn the states that decay. Two levels have no anharmonicity, but tones as
    far off: it stands for these there. Transitions of d levels are up to d - 2
    times as far apart.
    """
    bend = max(abs(a) * max(d - 2, 1) for a, d in zip(model.w_alpha.tolist(), model.levels))
    return max(bend, 2 * drive * float(np.sqrt(max(model.levels) - 1)), 1.0)


def _longest(model: Model) -> float:
    """Return the longest step (s) within which coherences stay near each other."""
    turn = max(abs(a) * max(d - 2, 1) for a, d in zip(model.w_alpha.tolist(), model.levels))
    return _LONGEST / turn if turn else float("inf")


class RhoEngine(Engine):
    """Blocks of density matrices under way."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.map_space = space_of(self.space.model, False)
        self.dim = self.space.model.dim
        self.crosses_flats = False
        samples = sum(w.length for w in self.track.windows)
        self.whole = samples * self.dt
        together = [[self.track.tones[k] for k, _ in p.tones] for w in self.track.windows for p in w.pieces]
        self.cuts = max((self._sample_steps(tones) for tones in together), default=1)

    def _sample_steps(self, tones: Sequence[LineTone]) -> int:
        carrier = 0.0 if self.rwa else min(t.w_ref - t.reach for t in tones)
        drive = sum(t.strength for t in tones)
        return decay_steps(self.space, self.dt, drive, carrier, self.whole, self.allowed)

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
        for a, b in self.parts_of(piece.start, piece.stop, max(6e-9 * n * self.dim**3, 0.05 * n / DRIFTING)):
            now = later(amp, turn, (a - piece.start) * n)
            arguments = poly_arguments(table, n, coef, now, turn, env, which, a - offset, b - offset)
            _lanes.rho_poly(self.x, self.dim, *arguments, self.work, *decay)

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
        """Return into how many steps, an even number, a flat is cut.

        Off resonance the driven states hardly turn: 2e-6 instead of 3e-5.
        """
        model = self.space.model
        near = any(
            abs(t.w_ref - model.w_frame[model.lines[t.line].local_qubit]) - t.reach < 2 * t.strength for t in tones
        )
        error = (6e-5 if near else 4e-6) * _rate(self.space) * self.whole / self.allowed
        speed = _speed(model, sum(t.strength for t in tones))
        count = max(speed * span * error**0.25, span / _longest(model))
        return int(2 * max(1, np.ceil(count / 2)))

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        n = self.cuts
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
