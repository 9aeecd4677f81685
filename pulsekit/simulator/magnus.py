"""Step through samples where several tones play, by exponentials.

Where all tones share a carrier, the Hamiltonian of a sample is constant in its
frame and one exponential is exact. Else every sample is cut into equal steps
of the commutator-free Magnus method of order 4 (Alvermann and Fehske, J.
Comput. Phys. 230, 5930 (2011)), two exponentials each, at the Gauss points.
Exponentials act by their Taylor series on all lanes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, Sequence

import numpy as np

from .._ext import kernel
from .blocks import LANES, aligned, phases
from .space import space_of

if TYPE_CHECKING:
    from .engine import Engine
    from .windows import LineTone, Piece

__all__ = [
    "Entries",
    "LARGEST",
    "NODES",
    "Signals",
    "Step",
    "WEIGHTS",
    "magnus_error",
    "magnus_piece",
    "packed",
    "rwa_error",
    "taylor_order",
]

_lanes = kernel("lanes")
NODES = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)
WEIGHTS = (0.25 + np.sqrt(3) / 6, 0.25 - np.sqrt(3) / 6)
_CHUNK = 2**16  # doubles of amplitudes of a block at a time
_MOST = 20_000  # steps per sample
LARGEST = 8.0  # norm of an exponent: a Taylor series of a larger one loses digits


def magnus_piece(
    engine: "Engine", piece: "Piece", tones: Sequence["LineTone"], w: np.ndarray, begin: np.ndarray, constant: bool
) -> None:
    """Evolve through a piece, in the frame that rotates at ``w``.

    Args:
        engine: blocks under way, phases flushed.
        piece: what plays.
        tones: of the piece.
        w: float64[places], rad/s, the frame.
        begin: float64[places], the window's start, samples.
        constant: all tones rotate at ``w``.
    """
    step, x = Step(engine, tones, constant), engine.x
    signals = Signals(engine, piece, tones, w, begin, step)
    size = LANES * (len(tones) + 1) * 2  # doubles, of a block: chunks are the same for any lanes, for numpy's sake,
    # whose last few numbers of an array are rounded in another way
    work = 5e-9 * step.order * (len(step.entries.values) * x.shape[1] // engine.space.size + x.shape[1])  # s, a block
    each = step.per_sample * max(work, 0.05 * size / _CHUNK)
    for a, b in engine.parts_of(piece.start, piece.stop, each):
        step.act(x, signals(a, b))
    step.shift(x, (piece.stop - piece.start) * step.per_sample)


class Step:
    """How the exponentials of some tones are taken: as many for each of a sample's ``parts``."""

    def __init__(self, engine: "Engine", tones: Sequence["LineTone"], constant: bool, parts: int = 1) -> None:
        self.engine, self.dt, self.constant = engine, engine.dt, constant
        self.space = space_of(engine.space.model, False)
        strengths = [t.strength for t in tones]
        self.entries = _entries(engine, tones)
        energies = self.space.energies
        self.centre = (energies.max() + energies.min()) / 2
        norm = self.dt * (np.ptp(energies) / 2 + 4 * sum(strengths))
        if constant:
            norm += self.dt * _offset(engine, tones) * float(np.abs(self.space.number).max())
        splits = max(1, int(np.ceil(norm / LARGEST))) if constant else substeps(engine, tones, strengths)
        self.splits = parts * -(-splits // parts)
        self.per_sample = self.splits if constant else 2 * self.splits
        self.h = self.dt / self.per_sample
        self.order = taylor_order(norm / self.per_sample, engine.precision / self.per_sample)

    def act(self, x: np.ndarray, amps: np.ndarray) -> None:
        """Apply the exponentials of ``amps``, energies from their middle on."""
        diagonal = (self.space.energies - self.centre) * self.h
        _lanes.taylor(x, diagonal, amps, *self.entries, self.order, self.engine.work)

    def shift(self, x: np.ndarray, count: int) -> None:
        """Apply the middle of the energies to ``count`` exponentials."""
        scalar = np.full((len(x), self.space.size, LANES), -self.centre * count * self.h)
        _lanes.scale(x, phases(scalar))

    def propagators(self, amps: np.ndarray, count: int) -> np.ndarray:
        """Return the unitaries of ``count`` parts, float64[count, blocks, dim * dim, 2, 8].

        Parts are blocks of their own, so that all go through one call.
        """
        blocks, each, dim = len(amps), amps.shape[1] // count, self.space.size
        apart = amps.reshape((blocks, count, each) + amps.shape[2:]).swapaxes(0, 1)
        u = aligned(count * blocks, dim * dim, 2, LANES)
        u[:] = 0
        u[:, :: dim + 1, 0] = 1
        self.act(u, np.ascontiguousarray(apart).reshape((-1, each) + amps.shape[2:]))
        self.shift(u, each)
        return u.reshape(count, blocks, dim * dim, 2, LANES)


def fixed_steps(
    engine: "Engine",
    tone: "LineTone",
    signal: Callable[[np.ndarray], np.ndarray],
    begin: np.ndarray,
    span: float,
    steps: int,
) -> None:
    """Evolve kets for ``span`` s under one tone, by Magnus steps.

    Args:
        engine: blocks under way, phases flushed, common frame.
        tone: whose line drives.
        signal: float64[places, points] s -> its coefficient, complex128.
        begin: float64[places], s.
        span: s.
        steps: how many.
    """
    h = span / steps
    at = begin[:, None] + h * np.arange(steps)[None, :]
    f, g = (signal(at + h * node) for node in NODES)
    amps = np.zeros((engine.lanes, 2 * steps, 2), dtype=complex)
    amps[:, 0::2, 0] = (WEIGHTS[0] * f + WEIGHTS[1] * g) * h
    amps[:, 1::2, 0] = (WEIGHTS[1] * f + WEIGHTS[0] * g) * h
    energies = engine.space.energies
    norm = h * (float(np.abs(energies).max()) / 2 + 4 * tone.strength)
    order = taylor_order(norm, engine.precision / (2 * steps))
    entries = _entries(engine, [tone])
    _lanes.taylor(engine.x, energies * (h / 2), packed(amps), *entries, order, engine.work)


def packed(amps: np.ndarray) -> np.ndarray:
    """Return complex128[places, count, k] as float64[blocks, count, k, 2, 8]."""
    places, count, kinds = amps.shape
    packed = aligned(places // LANES, count, kinds, 2, LANES)
    blocks = amps.reshape(-1, LANES, count, kinds)
    packed[:, :, :, 0] = blocks.real.transpose(0, 2, 3, 1)
    packed[:, :, :, 1] = blocks.imag.transpose(0, 2, 3, 1)
    return packed


def taylor_order(norm: float, precision: float) -> int:
    """Return how many terms of exp() a norm needs."""
    term, order = 1.0, 0
    while term > precision or order < norm:
        order += 1
        term *= norm / order
    return max(order, 2)


def substeps(engine: "Engine", tones: Sequence["LineTone"], strengths: Sequence[float]) -> int:
    """Return into how many Magnus steps a sample is cut."""
    dt = engine.dt
    drive = sum(strengths) * dt
    if engine.rwa:
        offset = _offset(engine, tones) * dt
        error = rwa_error(offset, float(np.ptp(engine.space.energies)) / 2 * dt, drive)
    else:
        error = magnus_error(2 * max(t.w_ref + t.reach for t in tones) * dt, drive)
    return int(np.clip(np.ceil((error / (0.4 * engine.precision)) ** 0.25), 1, _MOST))


def rwa_error(offset: float, spread: float, drive: float) -> float:
    """Return the error of one Magnus step of order 4 under the RWA, all in rad.

    Measured on two resonant DRAG pulses on coupled transmons as 6e-6 (offset
    spread)^2 drive, with the tones' offset from the frame and half the spread
    of energies; taken three times as large.
    """
    return 2e-5 * (offset * max(offset, spread)) ** 2 * drive


def magnus_error(turn: float, drive: float) -> float:
    """Return the error of one Magnus step where counter-rotating terms turn by ``turn`` rad.

    Measured 7e-7 turn^4 drive, taken three times as large; ``drive`` in rad.
    """
    return 2e-6 * turn**4 * drive


def _offset(engine: "Engine", tones: Sequence["LineTone"]) -> float:
    """Return how far (rad/s) the carriers of a track are from the common frame, at most."""
    return float(max(abs(t.w_ref - engine.space.w_c) + t.reach for t in tones))


class Entries(NamedTuple):
    """Where a generator has numbers, and what of them each kind of amplitude makes.

    Upper entries are counted row by row; a row holds those of its own (to the
    right, ``first[2 i]`` to ``first[2 i + 1]`` of the lists), then mirrored ones.
    """

    first: np.ndarray  # int32[2 * dim + 1]
    column: np.ndarray  # int32[k]
    entry: np.ndarray  # int32[k], which upper entry
    values: np.ndarray  # float64[entries, kinds, 4]: real by real, real by imaginary, imaginary by both

    @classmethod
    def of(cls, parts: Sequence[np.ndarray]) -> "Entries":
        """Return those of sum_j (c_j A_j + h.c.), each A_j complex128[dim, dim]."""
        floor = [1e-16 * max(float(np.abs(a).max()), 1e-300) for a in parts]
        some = np.any([(np.abs(a) > f) | (np.abs(a.conj().T) > f) for a, f in zip(parts, floor)], axis=0)
        rows, cols = np.nonzero(np.triu(some))
        p = np.array([a[rows, cols] for a in parts]).T
        q = np.conj(np.array([a[cols, rows] for a in parts])).T
        values = np.stack([p.real + q.real, p.imag - q.imag, p.real - q.real, p.imag + q.imag], axis=2)
        at, below = np.arange(len(rows)), rows != cols
        row = np.concatenate([2 * rows, 2 * cols[below] + 1])
        order = np.argsort(row, kind="stable")
        first = np.searchsorted(row[order], np.arange(2 * len(some) + 1)).astype(np.int32)
        column = np.concatenate([cols, rows[below]])[order].astype(np.int32)
        entry = np.concatenate([at, at[below]])[order].astype(np.int32)
        return cls(first, column, entry, np.ascontiguousarray(values))


def _entries(engine: "Engine", tones: Sequence["LineTone"]) -> Entries:
    """Return the entries of drives and frame."""
    space = space_of(engine.space.model, False)
    lowers = [space.model.lower_dressed[space.model.lines[t.line].local_qubit] for t in tones]
    return Entries.of([*lowers, np.diag(space.number / 2).astype(complex)])


class _Source(NamedTuple):
    """What one tone sends."""

    z: np.ndarray  # complex128[places], rad/s, at envelope 1
    shapes: np.ndarray  # complex128[envelopes, samples]
    which: np.ndarray  # int32[blocks], which of them
    offset: int  # where the envelope begins in the window
    w: np.ndarray  # float64[places], rad/s


class Signals:
    """The amplitudes of a piece's exponentials: exp(i w t) is that of a sample times that within any sample."""

    def __init__(
        self,
        engine: "Engine",
        piece: "Piece",
        tones: Sequence["LineTone"],
        w: np.ndarray,
        begin: np.ndarray,
        step: Step,
    ) -> None:
        self.engine, self.w, self.begin, self.step = engine, w, begin, step
        self.sources = []
        for tone, (_, offset) in zip(tones, piece.tones):
            env, which = engine.envelopes(tone)
            re, im = engine.amplitude(tone)
            shapes = env[..., 0] + 1j * env[..., 1]
            self.sources.append(_Source(re + 1j * im, shapes, which, offset, tone.w[engine.lane_at]))

    def __call__(self, a: int, b: int) -> np.ndarray:
        """Return float64[blocks, exponentials, tones + 1, 2, 8] of samples ``a`` to ``b``, times the step.

        Block by block and part by part of a number, so that bits depend on no neighbour.
        """
        engine, step = self.engine, self.step
        samples = np.arange(a, b)
        out = aligned(engine.lanes // LANES, b - a, step.per_sample, len(self.sources) + 1, 2, LANES)
        out[:] = 0
        for block in range(len(out)):
            at = slice(block * LANES, (block + 1) * LANES)
            w = self.w[at]
            out[block, :, :, -1, 0] = -((w - engine.space.w_c) * step.h)
            t = (self.begin[at] + samples[:, None]) * engine.dt
            for j, source in enumerate(self.sources):
                into = out[block, :, :, j]
                held = source.shapes[source.which[block], samples - source.offset][:, None] * source.z[at]
                if step.constant:
                    held = held * step.h
                    into[:, :, 0], into[:, :, 1] = held.real[:, None], held.imag[:, None]
                    continue
                self._add(into, held, source.w[at] - w, t)
                if not engine.rwa:
                    self._add(into, np.conj(held), -source.w[at] - w, t)
        return out.reshape((len(out), -1) + out.shape[3:])

    def _add(self, into: np.ndarray, held: np.ndarray, turn: np.ndarray, t: np.ndarray) -> None:
        """Add what turns at ``turn`` (float64[8], rad/s) in the frame."""
        x = held * np.exp(1j * turn * t)
        splits = self.step.splits
        h = self.engine.dt / splits
        f, g = (np.exp(1j * turn * (h * (np.arange(splits)[:, None] + node))) for node in NODES)
        pair = [WEIGHTS[0] * f + WEIGHTS[1] * g, WEIGHTS[1] * f + WEIGHTS[0] * g]
        y = h * np.stack(pair, axis=1).reshape(2 * splits, LANES)
        into[:, :, 0] += x.real[:, None] * y.real - x.imag[:, None] * y.imag
        into[:, :, 1] += x.real[:, None] * y.imag + x.imag[:, None] * y.real
