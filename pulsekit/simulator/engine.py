"""Evolve lanes of one or two transmons by maps of samples and closed forms.

The state of every lane lives in the frame that rotates at ``w_c`` on every
transmon (dressed basis). Phases are collected and applied only when something
else acts. Windows of a single carrier go through polynomial maps of samples
(``tables``), flats through one exponential, everything else through
commutator-free Magnus steps (``magnus``).
"""

from __future__ import annotations

import threading
from typing import Any, Iterator, Optional, Sequence, Tuple, Type

import numpy as np

from .._ext import kernel
from ..program import Pulse
from .blocks import LANES, aligned, apply, by_envelope, pack, pack_vector, phases, unpack
from .cached import Chain, propagators_of
from .decay import rough_of
from .floquet import LEAST, cross_flat
from .magnus import magnus_piece
from .space import Space
from .stack import Stack, runs_of
from .tables import PolyTable, TooStrongError, frame_table, lab_table
from .threads import look
from .windows import LineTone, Piece, Track, Window

__all__ = ["chain_propagators", "engine_of", "precision_for", "precision_of", "run_sampled"]

_lanes = kernel("lanes")
MOST_MAPS = 512  # per sample
DRIFTING = 2**14  # maps between which amplitudes turn by products, whose rounding adds up
MAX_SUPER = 16  # entries of a density matrix that superoperator maps take


def chain_propagators(space: Space, chain: Chain, tolerance: float) -> np.ndarray:
    """Return the propagators of a chain's pulses, made where they are not known, and kept with it.

    Args:
        space: the linear system.
        chain: the lanes.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.

    Returns:
        complex128[pulses, size, size].
    """

    def compute(key: Tuple[int, Pulse, float, float, float]) -> np.ndarray:
        return _propagator(space, key, tolerance)

    precision = precision_for(tolerance, chain.samples)
    if precision not in chain.made:
        chain.made[precision] = propagators_of(space, chain.pulses, precision, compute)
    return chain.made[precision]


def precision_of(track: Track, tolerance: float, rwa: bool) -> float:
    """Return the error allowed in one sample of a track; flats in closed form count for none."""
    pieces = [piece for window in track.windows for piece in window.pieces]
    return precision_for(tolerance, sum(p.stop - p.start for p in pieces if not (p.flat and rwa and _shared(track, p))))


def _shared(track: Track, piece: Piece) -> bool:
    """Tell whether the tones of a piece have one carrier in every lane."""
    first, *others = (track.tones[k].w for k, _ in piece.tones)
    return all(np.array_equal(w, first) for w in others)


def precision_for(tolerance: float, samples: int) -> float:
    """Return the error allowed in one of so many samples."""
    return max(tolerance / (2 * 2.0 ** np.ceil(np.log2(max(samples, 64)))), 2e-15)


def _propagator(space: Space, key: Tuple[int, Pulse, float, float, float], tolerance: float) -> np.ndarray:
    """Return a pulse's propagator in its carrier's frame, phase 0.

    Every column is a lane.
    """
    line, pulse, strength, w, precision = key
    size = space.size
    model = space.model.lines[line]
    unit = model.w_rate / 2 * abs(model.gain)
    ones = np.ones(size)
    top = strength * float(np.abs(pulse.samples).max(initial=0.0)) / unit
    tone = LineTone(
        line,
        np.zeros(size, dtype=np.int64),
        pulse.duration,
        np.zeros(size, dtype=np.int32),
        strength * ones,
        0 * ones,
        w * ones,
        w,
        ones > 0,
        strength=unit * 2.0 ** (np.ceil(np.log2(top)) if top > 1 else 0.0),
        rough=rough_of(pulse),
    )
    pieces = tuple(Piece(a, b, flat, ((0, 0),)) for a, b, flat in runs_of(pulse))
    window = Window(0, pulse.duration, pieces, (0,))
    lanes = np.arange(size)
    stack = Stack(lanes, (pulse,), {}, np.full(size, pulse.duration))
    basis = _hermitian(space.model.dim) if space.density else np.eye(size, dtype=complex)
    end = np.full(size, pulse.duration)
    track = Track(lanes, (tone,), (window,))
    rows = run_sampled(space, stack, track, basis[:, :, None], 0 * end, end, True, tolerance, precision)[:, :, 0]
    columns = np.linalg.solve(basis, rows) if space.density else rows
    turn = (w - space.w_c) * (pulse.duration * space.model.dt) * space.number
    return columns.T * np.exp(1j * turn)[:, None]


def _hermitian(dim: int) -> np.ndarray:
    """Return a basis of Hermitian matrices, complex128[dim^2, dim^2], one to a row."""
    out = np.zeros((dim, dim, dim, dim), dtype=complex)
    for j in range(dim):
        out[j, j, j, j] = 1
        for k in range(j + 1, dim):
            out[j, k, j, k] = out[j, k, k, j] = 1
            out[k, j, j, k], out[k, j, k, j] = 1j, -1j
    return out.reshape(dim**2, dim**2)


def run_sampled(
    space: Space,
    stack: Stack,
    track: Track,
    states: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    rwa: bool,
    tolerance: float,
    precision: Optional[float] = None,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve lanes sample by sample.

    Args:
        space: the linear system.
        stack: whose pulses.
        track: lanes and windows; without the RWA of one carrier each.
        states: complex128[lanes, size, columns], common frame at ``start``.
        start, end: int64[lanes], samples; no window lies outside.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        precision: error allowed in one sample; None: from the tolerance.
        cancel: checked between pieces.

    Returns:
        complex128[lanes, size, columns], common frame at ``end``.

    Raises:
        CancelledError: ``cancel`` was set.
    """
    lanes, size, columns = states.shape
    keys = np.stack([t.pulse for t in track.tones], axis=1) if track.tones else np.zeros((lanes, 0), dtype=np.int32)
    lane_at, place = by_envelope(keys)
    x = pack(states.reshape(lanes, size * columns), lane_at)
    if precision is None:
        precision, allowed = precision_of(track, tolerance, rwa), tolerance / 2
    else:
        allowed = precision * sum(w.length for w in track.windows)
    engine = engine_of(space, track, rwa, precision)(space, stack, track, x, lane_at, rwa, precision, allowed)
    engine.cancel = cancel
    now = start[lane_at]
    for window in track.windows:
        begin = engine.tone_start(window.first)
        engine.wait(begin - now)
        for piece in window.pieces:
            engine.look()
            engine.piece(piece, begin)
        now = begin + window.length
    engine.wait(end[lane_at] - now)
    engine.flush()
    return unpack(x, place).reshape(lanes, size, columns)


def engine_of(space: Space, track: Track, rwa: bool, precision: float) -> Type["Engine"]:
    """Return the kind of engine that lanes need.

    Maps of small density matrices are one product each, where there is one for
    every sample and it does not take long to make.
    """
    if space.density and (space.size > MAX_SUPER or not rwa or not _all_mapped(space, track, precision)):
        from .rho import RhoEngine

        return RhoEngine
    return Engine


def _all_mapped(space: Space, track: Track, precision: float) -> bool:
    """Tell whether every sample of a track has a polynomial map."""
    pieces = [piece for window in track.windows for piece in window.pieces]
    if any(len(piece.tones) > 1 for piece in pieces):
        return False
    tones = [track.tones[piece.tones[0][0]] for piece in pieces if not piece.flat]
    try:
        for line, w, strength, reach in {(t.line, t.w_ref, t.strength, t.reach) for t in tones}:
            frame_table(space, line, w, strength, precision, reach, space.model.dt)
    except TooStrongError:
        return False
    return True


class Engine:
    """Blocks of lanes under way."""

    def __init__(
        self,
        space: Space,
        stack: Stack,
        track: Track,
        x: np.ndarray,
        lane_at: np.ndarray,
        rwa: bool,
        precision: float,
        allowed: float,
    ) -> None:
        self.space, self.stack, self.track, self.x = space, stack, track, x
        self.lane_at, self.rwa = lane_at, rwa
        self.map_space = space  # whose sample maps act
        self.cuts = 1  # maps per sample of one tone
        self.parts = 1  # likewise, of several
        self.crosses_flats = True  # without the RWA, by whole periods
        self.dt = space.model.dt
        self.lanes = len(lane_at)
        self.turn = np.zeros(self.lanes)  # rad, times number
        self.waited = np.zeros(self.lanes)  # s of free evolution to apply
        self.dirty = False
        self.work = aligned(max(x.shape[1] * 4, 6 * space.size**2) * 2 * LANES)
        self.precision = precision  # error allowed in one sample
        self.allowed = allowed  # in all
        self.cancel: Optional[threading.Event] = None

    def look(self) -> None:
        """Look whether the run was cancelled.

        Raises:
            CancelledError: it was.
        """
        look(self.cancel)

    def parts_of(self, start: int, stop: int, work: float) -> Iterator[Tuple[int, int]]:
        """Cut samples into parts of about 50 ms, looking for cancellation before each.

        Args:
            start, stop: samples.
            work: s, of a sample and one block of lanes.
        """
        count = max(1, int(0.05 / work))  # whatever the number of blocks: it must not change a bit
        for a in range(start, stop, count):
            self.look()
            yield a, min(a + count, stop)

    def tone_start(self, tone: int) -> np.ndarray:
        """Return where a tone starts in every place, in samples."""
        return self.track.tones[tone].t0[self.lane_at]

    def wait(self, samples: np.ndarray) -> None:
        """Let every lane evolve freely for so many samples."""
        if not samples.any():
            return
        samples = samples.astype(np.float64)
        if not self.space.density:
            self.waited += samples * self.dt
            self.dirty = True
            return
        self.flush()
        values, columns, inverse, _ = self.space.modes
        late = samples != 0  # the others stay as they are, to the bit
        before = None if late.all() else self.x.copy()
        apply(self.x, inverse)
        span = (samples * self.dt).reshape(-1, 1, LANES)
        factor = np.exp(values[None, :, None] * span)
        packed = aligned(*factor.shape[:2], 2, LANES)
        packed[:, :, 0], packed[:, :, 1] = factor.real, factor.imag
        _lanes.scale(self.x, packed)
        apply(self.x, columns)
        if before is not None:
            np.copyto(self.x, before, where=~late.reshape(-1, 1, 1, LANES))

    def flush(self) -> None:
        """Apply the phases collected so far."""
        if not self.dirty:
            return
        if not (self.turn.any() or self.waited.any()):
            self.dirty = False
            return
        angle = self.space.number[None, :, None] * self.turn.reshape(-1, 1, LANES)
        if not self.space.density:
            angle = angle - self.space.energies[None, :, None] * self.waited.reshape(-1, 1, LANES)
        _lanes.scale(self.x, phases(angle))
        self.turn[:] = 0
        self.waited[:] = 0
        self.dirty = False

    def rotate(self, angle: np.ndarray) -> None:
        """Turn the frame of every lane by ``angle`` rad per excitation."""
        self.turn += angle
        self.dirty = True

    def piece(self, piece: Piece, begin: np.ndarray) -> None:
        """Evolve through one piece of a window that starts at ``begin``."""
        tones = [self.track.tones[k] for k, _ in piece.tones]
        w = tones[0].w[self.lane_at]
        shared = all(np.array_equal(t.w[self.lane_at], w) for t in tones[1:])
        start = (begin + piece.start) * self.dt
        stop = (begin + piece.stop) * self.dt
        if self.rwa and shared:
            self.rotate((w - self.space.w_c) * start)
            if piece.flat:
                self._flat(piece, tones, w)
            elif len(tones) == 1:
                self._sampled(piece, tones[0], w, begin)
            else:
                self.flush()
                self._steps(piece, tones, w, begin, constant=True)
            self.rotate(-(w - self.space.w_c) * stop)
        elif not self.rwa and len(tones) == 1:
            self._lab(piece, tones[0], w, start, stop)
        else:
            self.flush()
            self._steps(piece, tones, np.full(self.lanes, self.space.w_c), begin, constant=False)

    def _steps(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, begin: np.ndarray, constant: bool) -> None:
        magnus_piece(self, piece, tones, w, begin, constant)

    def amplitude(self, tone: LineTone) -> Tuple[np.ndarray, np.ndarray]:
        """Return a tone's z at envelope 1, real and imaginary, per place."""
        size, angle = tone.magnitude[self.lane_at], tone.phase[self.lane_at]
        return size * np.cos(angle), size * np.sin(angle)

    def envelopes(self, tone: LineTone) -> Tuple[np.ndarray, np.ndarray]:
        """Return float64[envelopes, samples, 2] and int32[blocks], which one."""
        ids = tone.pulse[self.lane_at[::LANES]]
        used = np.unique(ids)
        table = np.stack([self.stack.pulses[k].samples for k in used.tolist()])
        which = np.searchsorted(used, ids).astype(np.int32)
        return np.ascontiguousarray(table).view(np.float64).reshape(len(used), -1, 2), which

    def _sampled(self, piece: Piece, tone: LineTone, w: np.ndarray, begin: np.ndarray) -> None:
        self.flush()
        re, im = self.amplitude(tone)
        env, which = self.envelopes(tone)
        offset = piece.tones[0][1]
        n = self.cuts
        precision, span = self.precision / n, self.dt / n
        try:
            table = frame_table(self.map_space, tone.line, tone.w_ref, tone.strength, precision, tone.reach, span)
        except TooStrongError:
            self._steps(piece, [tone], w, begin, constant=True)
            return
        coef = table.for_lanes(w - tone.w_ref) if tone.reach else table.shared()
        amp = pack_vector(re, im)
        self._poly(table, n, coef, amp, np.zeros(self.lanes), env, which, piece, offset)

    def _lab(self, piece: Piece, tone: LineTone, w: np.ndarray, start: np.ndarray, stop: np.ndarray) -> None:
        self.rotate(-self.space.w_c * start)
        self.flush()
        carrier = float(w[0])
        if self.crosses_flats and piece.flat and piece.stop - piece.start >= LEAST:
            cross_flat(self, piece, tone, carrier, start)
            self.rotate(self.space.w_c * stop)
            return
        env, which = self.envelopes(tone)
        table, n = self._lab_table(tone, carrier)
        span = self.dt / n
        size, angle = tone.magnitude[self.lane_at], tone.phase[self.lane_at] + w * (start + span / 2)
        amp = pack_vector(size * np.cos(angle), size * np.sin(angle))
        self._poly(table, n, table.shared(), amp, w * span, env, which, piece, piece.tones[0][1])
        self.rotate(self.space.w_c * stop)

    def _lab_table(self, tone: LineTone, w: float) -> Tuple[PolyTable, int]:
        """Return a map, and how many of them make a sample: the fewest that a polynomial gives."""
        n = self.cuts
        while True:
            try:
                return lab_table(self.map_space, tone.line, w, tone.strength, self.precision / n, self.dt / n), n
            except TooStrongError:
                if n >= MOST_MAPS:
                    raise
                n *= 2

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
        """Apply maps, ``n`` of them per sample, from each to the next of which ``amp`` turns by ``turn`` rad."""
        work = max(1e-8 * n * self.space.size * self.x.shape[1], 0.05 * n / DRIFTING)
        for a, b in self.parts_of(piece.start, piece.stop, work):
            now = later(amp, turn, (a - piece.start) * n)
            arguments = poly_arguments(table, n, coef, now, turn, env, which, a - offset, b - offset)
            _lanes.poly(self.x, self.space.size, *arguments, self.work)

    def _flat(self, piece: Piece, tones: Sequence[LineTone], w: np.ndarray) -> None:
        self.flush()
        span = (piece.stop - piece.start) * self.dt
        packed, squarings = self.exponent(self.space, piece, tones, w, span)
        _lanes.expm(self.x, packed, self.space.size, squarings, self.work)

    def exponent(
        self, space: Space, piece: Piece, tones: Sequence[LineTone], w: np.ndarray, span: float
    ) -> Tuple[np.ndarray, int]:
        """Return a flat's generator times ``span``, packed and halved so often."""
        size = space.size
        g = np.zeros((self.lanes, size, size), dtype=complex) + space.idle
        index = np.arange(size)
        g[:, index, index] += 1j * (w - space.w_c)[:, None] * space.number
        bound = float(np.abs(space.idle).sum(axis=1).max())
        bound += (abs(tones[0].w_ref - space.w_c) + tones[0].reach) * np.abs(space.number).max()
        for tone, (_, offset) in zip(tones, piece.tones):
            re, im = self.amplitude(tone)
            env, which = self.envelopes(tone)
            sample = np.repeat(env[which, piece.start - offset], LANES, axis=0)
            z = (re + 1j * im) * (sample[:, 0] + 1j * sample[:, 1])
            g += z[:, None, None] * space.drive(tone.line)
            g += z.conj()[:, None, None] * space.drive_conj(tone.line)
            bound += 2 * tone.strength * float(np.abs(space.drive(tone.line)).sum(axis=1).max())
        squarings = max(0, int(np.ceil(np.log2(bound * span / 0.35))))
        return pack((g * (span / 2.0**squarings)).reshape(self.lanes, -1), np.arange(self.lanes)), squarings


def later(amp: np.ndarray, turn: np.ndarray, maps: int) -> np.ndarray:
    """Return packed amplitudes after so many maps, of ``turn`` rad each: a power of one turn drifts."""
    if maps == 0 or not turn.any():
        return amp
    z = (amp[:, 0] + 1j * amp[:, 1]) * np.exp(1j * (turn * maps)).reshape(-1, LANES)
    return np.ascontiguousarray(np.stack([z.real, z.imag], axis=1))


def poly_arguments(
    table: PolyTable,
    n: int,
    coef: np.ndarray,
    amp: np.ndarray,
    turn: np.ndarray,
    env: np.ndarray,
    which: np.ndarray,
    start: int,
    stop: int,
) -> Tuple[Any, ...]:
    """Return what the kernel wants between the state's size and its scratch; ``turn`` in rad, per place."""
    return (
        amp,
        env if n == 1 else np.repeat(env, n, axis=1),
        which,
        start * n,
        stop * n,
        pack_vector(np.cos(turn), np.sin(turn)),
        table.lab,
        table.powers,
        table.reach,
        table.row,
        table.col,
        table.shift,
        table.first,
        table.count,
        table.more,
        table.group,
        coef.reshape(-1),
        coef[0].size if coef.ndim == 4 else 0,
    )
