"""Cross a flat without the RWA by powers of one carrier period.

Under a constant envelope the laboratory Hamiltonian repeats with the carrier's
period T. The propagator of one period, a polynomial in the start phase like
that of a sample, is raised to the number of whole periods by squaring; what is
left is less than a period and goes by commutator-free Magnus steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._ext import kernel
from .blocks import LANES, pack, pack_vector, unpack
from .magnus import fixed_steps, magnus_error
from .tables import lab_table

if TYPE_CHECKING:
    from .engine import Engine
    from .windows import LineTone, Piece

__all__ = ["LEAST", "cross_flat"]

_lanes = kernel("lanes")
LEAST = 32  # samples; shorter flats go sample by sample
_REST = 24  # Magnus steps in what is left of a period, at least


def cross_flat(engine: "Engine", piece: "Piece", tone: "LineTone", w: float, start: np.ndarray) -> None:
    """Evolve kets through a flat; all places share the carrier ``w``.

    Args:
        engine: blocks under way, laboratory frame at ``start``, flushed.
        piece: a flat of one tone.
        tone: that tone.
        w: rad/s.
        start: float64[places], s.
    """
    space, size = engine.space, engine.space.size
    span = (piece.stop - piece.start) * engine.dt
    period = 2 * np.pi / w
    count = int(span / period)
    env, which = engine.envelopes(tone)
    flat = np.repeat(env[which, piece.start - piece.tones[0][1]], LANES, axis=0)
    magnitude, angle = tone.magnitude[engine.lane_at], tone.phase[engine.lane_at]
    absolute = magnitude * np.exp(1j * angle) * (flat[:, 0] + 1j * flat[:, 1])
    z = absolute * np.exp(1j * w * (start + period / 2))
    allowed = engine.precision * (piece.stop - piece.start)  # over the flat
    table = lab_table(space, tone.line, w, tone.strength, allowed / (2 * count), period)
    ones = np.arange(engine.lanes)
    u = pack(np.repeat(np.eye(size, dtype=complex).reshape(1, -1), engine.lanes, axis=0), ones)
    amp = pack_vector(z.real, z.imag)
    unit = np.array([[[1.0, 0.0]]])
    first = np.zeros(len(u), dtype=np.int32)
    arguments = (amp, unit, first, 0, 1, amp, True, table.powers, table.reach, table.row, table.col, table.shift)
    coef = table.shared().reshape(-1)
    _lanes.poly(u, size, *arguments, table.first, table.count, table.more, table.group, coef, 0, engine.work)
    power = np.linalg.matrix_power(unpack(u, ones).reshape(-1, size, size), count)
    x = unpack(engine.x, ones).reshape(engine.lanes, size, -1)
    engine.x[...] = pack((power @ x).reshape(engine.lanes, -1), ones)
    now = start + count * period
    engine.rotate(space.w_c * now)
    engine.flush()
    rest = span - count * period
    error = magnus_error(2 * w * rest, tone.strength * rest)
    _rest(engine, tone, absolute, w, now, rest, max(_REST, int(np.ceil((2 * error / allowed) ** 0.25))))
    engine.rotate(-space.w_c * (start + span))


def _rest(
    engine: "Engine", tone: "LineTone", absolute: np.ndarray, w: float, now: np.ndarray, span: float, steps: int
) -> None:
    """Evolve through less than a period, in the common frame."""
    w_c = engine.space.w_c

    def signal(t: np.ndarray) -> np.ndarray:
        f = absolute[:, None] * np.exp(1j * (w - w_c) * t)
        return f + np.conj(f) * np.exp(-2j * w_c * t)

    fixed_steps(engine, tone, signal, now, span, steps)
