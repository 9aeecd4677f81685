"""Make the map of a stretch of tones, whatever the phases of its carriers.

Under the RWA a common phase of all tones is a diagonal matrix on both sides,
so that a stretch of one carrier has one map. With two carriers it depends on
the angle d between them, as a Fourier series: turned by each carrier's phase
times its own transmon's levels, a map would not depend on d at all, were
there no coupling, and the series ends after a few terms. They are found from
maps at equal angles.
"""

from __future__ import annotations

import threading
from typing import Any, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._ext import kernel
from ..program import Pulse
from .blocks import LANES, aligned, pack, unpack
from .coordinates import Coordinates, coordinates_of
from .decay import decays, rough_of
from .engine import run_sampled
from .magnus import Signals, Step
from .rho import CHUNK, EXPONENTIALS, RhoEngine
from .space import Space
from .stack import Stack
from .windows import LineTone, Piece, Track, together

__all__ = ["ANGLES", "MOST_ANGLES", "GateTone", "Gate", "angles_of", "gate_maps"]

_lanes = kernel("lanes")
ANGLES = 8  # at which maps of two carriers are made, if the last term of their series is small
MOST_ANGLES = 32


class GateTone(NamedTuple):
    """What one line plays in a gate."""

    line: int
    pulse: Pulse
    skip: int  # samples of the pulse before the gate begins
    strength: float  # rad/s, |magnitude|
    w: float  # rad/s
    phase: float  # rad, against the first tone of its carrier
    second: bool  # of the second carrier


class Gate(NamedTuple):
    """Tones over so many samples, but for the phases of their carriers."""

    tones: Tuple[GateTone, ...]
    length: int  # samples
    qubits: Tuple[int, int]  # whose levels turn with the first and the second carrier


def angles_of(gate: Gate) -> int:
    """Return at how many angles maps of a gate are made."""
    return ANGLES if any(t.second for t in gate.tones) else 1


def gate_maps(
    space: Space, gate: Gate, precision: float, cancel: Optional[threading.Event] = None
) -> Optional[np.ndarray]:
    """Return a gate's series, float64[terms, size, size].

    Args:
        space: two transmons.
        gate: the tones.
        precision: error allowed in a sample.
        cancel: checked between pieces of work.

    Returns:
        A0, A1, B1, A2, ... on real coordinates; None if the series does not end.

    Raises:
        CancelledError: ``cancel`` was set.
    """
    if angles_of(gate) == 1:
        return _maps_at(space, gate, np.zeros(1), precision, cancel)
    count, allowed = ANGLES, precision * gate.length
    maps = _maps_at(space, gate, _circle(count), precision, cancel)
    while True:
        series = _series(maps)
        size = np.abs(series).max(axis=(1, 2))
        if size[-1] <= allowed / 2 and size[-3:-1].max() <= allowed * 64:  # terms shrink by a hundred each
            kept = np.flatnonzero(size > allowed / 16)
            terms = 2 * (-(-int(kept[-1]) // 2)) + 1
            return series[:terms]
        if count >= MOST_ANGLES:
            return None
        between = _circle(count) + np.pi / count
        new = _maps_at(space, gate, between, precision, cancel)
        maps = np.stack([maps, new], axis=1).reshape((2 * count,) + maps.shape[1:])
        count *= 2


def _circle(count: int) -> np.ndarray:
    return 2 * np.pi * np.arange(count) / count


def _series(maps: np.ndarray) -> np.ndarray:
    """Return the Fourier series through maps at equal angles, the last cosine last."""
    found = np.fft.rfft(maps, axis=0) / len(maps)
    out = np.empty_like(maps)
    out[0] = found[0].real
    out[1::2] = 2 * found[1:].real
    out[2::2] = -2 * found[1:-1].imag
    out[-1] /= 2
    return out


def _maps_at(
    space: Space,
    gate: Gate,
    angles: np.ndarray,
    precision: float,
    cancel: Optional[threading.Event],
) -> np.ndarray:
    """Return maps at some angles between the carriers, float64[angles, size, size]."""
    count, form = len(angles), coordinates_of(space)
    track, stack = _track(space, gate, angles)
    number = space.model.labels[:, gate.qubits[1]]
    if space.density:
        number = (number[:, None] - number[None, :]).reshape(-1)
    turn = np.exp(1j * angles[:, None] * number[None, :])
    if space.density:
        start = form.basis[None] * turn.conj()[:, None, :]
        end = _density_run(space, stack, track, start, precision, cancel) * turn[:, None, :]
        return np.ascontiguousarray(form.real(end).transpose(0, 2, 1))
    stop = np.full(count, gate.length)
    start = np.eye(space.size)[None] * turn.conj()[:, None, :]
    u = run_sampled(space, stack, track, start, 0 * stop, stop, True, 0.0, precision, cancel) * turn[:, :, None]
    return np.block([[u.real, -u.imag], [u.imag, u.real]])


def _track(space: Space, gate: Gate, angles: np.ndarray) -> Tuple[Track, Stack]:
    lanes, ones = np.arange(len(angles)), np.ones(len(angles))
    pulses = tuple(dict.fromkeys(t.pulse for t in gate.tones))
    tones = []
    for t in gate.tones:
        line = space.model.lines[t.line]
        unit = line.w_rate / 2 * abs(line.gain)
        top = t.strength * float(np.abs(t.pulse.samples).max(initial=0.0)) / unit
        tones.append(
            LineTone(
                t.line,
                0 * lanes,
                gate.length,
                np.full(len(lanes), pulses.index(t.pulse), dtype=np.int32),
                t.strength * ones,
                t.phase + (angles if t.second else 0 * ones),
                t.w * ones,
                t.w,
                ones > 0,
                skip=t.skip,
                strength=unit * 2.0 ** (np.ceil(np.log2(top)) if top > 1 else 0.0),
                rough=rough_of(t.pulse),
            )
        )
    stack = Stack(lanes, pulses, {}, np.full(len(lanes), gate.length))
    return Track(lanes, tuple(tones), (together(stack, tones),)), stack


def _density_run(
    space: Space,
    stack: Stack,
    track: Track,
    states: np.ndarray,
    precision: float,
    cancel: Optional[threading.Event],
) -> np.ndarray:
    """Evolve complex128[angles, size, entries], one angle's states in blocks of their own."""
    count, size, entries = states.shape
    padded = -(-size // LANES) * LANES
    at = np.minimum(np.arange(padded), size - 1)
    x = pack(states[:, at].reshape(-1, entries), np.arange(count * padded))
    allowed = precision * sum(w.length for w in track.windows)
    engine = MapEngine(space, stack, track, x, np.repeat(np.arange(count), padded), True, precision, allowed)
    engine.cancel = cancel
    begin = np.zeros(engine.lanes)
    for piece in track.windows[0].pieces:
        engine.look()
        engine.piece(piece, begin)
    engine.flush()
    return unpack(x, np.arange(count * padded)).reshape(count, padded, entries)[:, :size]


class MapEngine(RhoEngine):
    """Many density matrices for each angle, which share its unitaries; flats by squaring."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        space, stack, track, _, _, *budget = arguments
        count = len(track.lanes)
        places = np.minimum(np.arange(-(-count // LANES) * LANES), count - 1)
        self.each = len(self.x) // count  # blocks of an angle
        self.angles = RhoEngine(space, stack, track, self.x[: len(places) // LANES], places, *budget)
        self.form: Coordinates = coordinates_of(space)

    def parts_of(self, start: int, stop: int, work: float) -> Iterator[Tuple[int, int]]:
        """Cut samples as :class:`~pulsekit.simulator.engine.Engine` does; all blocks are of one gate here."""
        return super().parts_of(start, stop, work * len(self.x))

    def _of_angles(self, values: np.ndarray) -> np.ndarray:
        """Return one number per angle, padded, from one per place."""
        return values[:: self.each * LANES][self.angles.lane_at]

    def _blocks(self, u: np.ndarray, angle: int) -> np.ndarray:
        """Return an angle's unitaries for eight lanes, from float64[steps, blocks, entries, 2, 8]."""
        own = u[:, angle // LANES, :, :, angle % LANES]
        out = aligned(len(u), 1, *own.shape[1:], LANES)
        out[:] = own[:, None, :, :, None]
        return out

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        n = self.parts
        chunk = max(1, min(CHUNK // self.dim**2 // n, EXPONENTIALS // (2 * n)))
        decay = decays(self.space, self.dt / n, n > 1, self.precision)
        step = Step(self.angles, tones, constant, n)
        signals = Signals(self.angles, piece, tones, self._of_angles(w), self._of_angles(begin), step)
        for a in range(piece.start, piece.stop, chunk):
            self.look()
            b = min(a + chunk, piece.stop)
            u = step.propagators(signals(a, b), (b - a) * n)
            for angle in range(len(self.track.lanes)):
                own = slice(angle * self.each, (angle + 1) * self.each)
                _lanes.rho_steps(self.x[own], self._blocks(u, angle), self.dim, len(u), self.work, *decay)

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        """Evolve by the map of two steps, squared as often as it takes."""
        self.flush()
        span = (piece.stop - piece.start) * self.dt
        squarings = int(np.ceil(np.log2(self.flat_steps(tones, span)))) - 1
        step = span / 2.0 ** (squarings + 1)
        packed, halvings = self.angles.exponent(self.map_space, piece, tones, self._of_angles(w), step)
        u = self.angles.identity()
        _lanes.expm(u, packed, self.dim, halvings, self.work)
        decay = decays(self.space, step, True, self.precision)
        form, size = self.form, self.form.size
        at = np.minimum(np.arange(self.each * LANES), size - 1)
        for angle in range(len(self.track.lanes)):
            self.look()
            two = pack(form.basis[at], np.arange(len(at)))
            _lanes.rho_steps(two, self._blocks(u[None], angle), self.dim, 2, self.work, *decay)
            found = form.real(unpack(two, np.arange(size)))  # a row is the image of a coordinate
            for _ in range(squarings):
                found = found @ found
            own = slice(angle * self.each, (angle + 1) * self.each)
            y = form.back(form.real(unpack(self.x[own], np.arange(len(at)))) @ found)
            self.x[own] = pack(y, np.arange(len(at)))
