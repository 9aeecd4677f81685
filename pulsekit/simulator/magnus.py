"""Step through samples where several tones play, by exponentials.

Where all tones share a carrier, the Hamiltonian of a sample is constant in its
frame and one exponential is exact. Else every sample is cut into equal steps
of the commutator-free Magnus method of order 4 (Alvermann and Fehske, J.
Comput. Phys. 230, 5930 (2011)), two exponentials each, at the Gauss points.
Exponentials act by their Taylor series on all lanes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, List, NamedTuple, Sequence, Tuple

import numpy as np

from .._ext import kernel
from .blocks import LANES, aligned, phases
from .space import space_of

if TYPE_CHECKING:
    from .engine import Engine
    from .windows import LineTone, Piece

__all__ = [
    "LARGEST",
    "NODES",
    "Step",
    "WEIGHTS",
    "magnus_error",
    "magnus_kets",
    "magnus_piece",
    "packed",
    "rwa_error",
    "sample_propagators",
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
    magnus_kets(engine, engine.x, piece, tones, w, begin, piece.start, piece.stop, constant)


def magnus_kets(
    engine: "Engine",
    x: np.ndarray,
    piece: "Piece",
    tones: Sequence["LineTone"],
    w: np.ndarray,
    begin: np.ndarray,
    start: int,
    stop: int,
    constant: bool,
) -> None:
    """Evolve columns ``x`` through samples ``start`` to ``stop`` of a piece."""
    step = Step(engine, tones, constant)
    size = LANES * (len(tones) + 1) * 2  # doubles, of a block: chunks are the same for any lanes, for numpy's sake,
    # whose last few numbers of an array are rounded in another way
    work = 5e-9 * step.order * (len(step.entries[0]) * x.shape[1] // engine.space.size + x.shape[1])  # s, a block
    each = step.per_sample * max(work, 0.05 * size / _CHUNK)
    for a, b in engine.parts_of(start, stop, each):
        amps = _amplitudes(engine, piece, tones, w, begin, a, b, step.splits, constant)
        step.act(x, amps)
    step.shift(x, (stop - start) * step.per_sample)


def sample_propagators(
    engine: "Engine",
    piece: "Piece",
    tones: Sequence["LineTone"],
    w: np.ndarray,
    begin: np.ndarray,
    start: int,
    stop: int,
    constant: bool,
    parts: int,
) -> np.ndarray:
    """Return the unitary of every part of every sample, float64[samples * parts, blocks, dim * dim, 2, 8].

    Parts are blocks of their own, so that all go through one call.
    """
    step = Step(engine, tones, constant, parts)
    count, blocks, dim = (stop - start) * parts, engine.lanes // LANES, engine.space.model.dim
    amps = _amplitudes(engine, piece, tones, w, begin, start, stop, step.splits, constant)
    each = step.per_sample // parts
    apart = amps.reshape((blocks, count, each) + amps.shape[2:]).swapaxes(0, 1)
    u = aligned(count * blocks, dim * dim, 2, LANES)
    u[:] = 0
    u[:, :: dim + 1, 0] = 1
    step.act(u, np.ascontiguousarray(apart).reshape((-1, each) + amps.shape[2:]))
    step.shift(u, each)
    return u.reshape(count, blocks, dim * dim, 2, LANES)


class Step:
    """How the exponentials of some tones are taken: as many for each of a sample's ``parts``."""

    def __init__(self, engine: "Engine", tones: Sequence["LineTone"], constant: bool, parts: int = 1) -> None:
        self.engine, self.dt = engine, engine.dt
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
    rows, cols, values = _entries(engine, [tone])
    _lanes.taylor(engine.x, energies * (h / 2), packed(amps), rows, cols, values, order, engine.work)


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


def _entries(engine: "Engine", tones: Sequence["LineTone"]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the upper entries that any tone touches, and their values."""
    space = space_of(engine.space.model, False)
    lowers = [space.model.lower_dressed[space.model.lines[t.line].local_qubit] for t in tones]
    lowers.append(np.diag(space.number / 2).astype(complex))
    size = space.size
    rows: List[int] = []
    cols: List[int] = []
    values: List[List[List[float]]] = []
    largest = max(np.abs(a).max() for a in lowers)
    for i in range(size):
        for j in range(i, size):
            entry = [(a[i, j], np.conj(a[j, i])) for a in lowers]
            if max(max(abs(p), abs(q)) for p, q in entry) > 1e-16 * largest:
                rows.append(i)
                cols.append(j)
                values.append([[p.real, p.imag, q.real, q.imag] for p, q in entry])
    return np.array(rows, np.int32), np.array(cols, np.int32), np.array(values)


class _Source(NamedTuple):
    """What one tone sends to a block."""

    z: np.ndarray  # complex128[8], rad/s, at envelope 1
    shape: np.ndarray  # complex128[samples]
    offset: int  # where the envelope begins in the window
    w: np.ndarray  # float64[8], rad/s


def _signals(
    engine: "Engine",
    sources: Sequence[_Source],
    w: np.ndarray,
    begin: np.ndarray,
    samples: np.ndarray,
    node: np.ndarray,
    constant: bool,
) -> List[np.ndarray]:
    """Return each tone's coefficient in a block, complex128[8, points]."""
    t = (begin[:, None] + (samples + node)[None, :]) * engine.dt
    out = []
    for source in sources:
        f = source.z[:, None] * source.shape[samples - source.offset][None, :]
        if not constant:
            f = f * np.exp(1j * (source.w - w)[:, None] * t)
            if not engine.rwa:
                f = f + np.conj(f) * np.exp(-2j * w[:, None] * t)
        out.append(f)
    return out


def _amplitudes(
    engine: "Engine",
    piece: "Piece",
    tones: Sequence["LineTone"],
    w: np.ndarray,
    begin: np.ndarray,
    a: int,
    b: int,
    splits: int,
    constant: bool,
) -> np.ndarray:
    """Return float64[blocks, exponentials, tones + 1, 2, 8], times the step.

    Block by block: numpy rounds the last numbers of an array, and those around
    its buffers, in another way, so that bits would depend on the neighbours.
    """
    found = []
    for tone, (_, offset) in zip(tones, piece.tones):
        env, which = engine.envelopes(tone)
        re, im = engine.amplitude(tone)
        found.append((re + 1j * im, env[..., 0] + 1j * env[..., 1], which, offset, tone.w[engine.lane_at]))
    samples = np.repeat(np.arange(a, b), splits)
    cut = np.tile(np.arange(splits), b - a)
    h = engine.dt / splits
    count = len(samples) * (1 if constant else 2)
    out = aligned(engine.lanes // LANES, count, len(tones) + 1, 2, LANES)
    for block in range(len(out)):
        at = slice(block * LANES, (block + 1) * LANES)
        sources = [_Source(z[at], shape[which[block]], offset, turn[at]) for z, shape, which, offset, turn in found]
        amps = np.zeros((LANES, count, len(tones) + 1), dtype=complex)
        amps[:, :, -1] = -((w[at] - engine.space.w_c) * (h if constant else h / 2))[:, None]
        if constant:
            for j, f in enumerate(_signals(engine, sources, w[at], begin[at], samples, 0 * cut, True)):
                amps[:, :, j] = f * h
        else:
            nodes = [(cut + node) / splits for node in NODES]
            first, second = (_signals(engine, sources, w[at], begin[at], samples, node, False) for node in nodes)
            for j, (f, g) in enumerate(zip(first, second)):
                amps[:, 0::2, j] = (WEIGHTS[0] * f + WEIGHTS[1] * g) * h
                amps[:, 1::2, j] = (WEIGHTS[1] * f + WEIGHTS[0] * g) * h
        out[block] = packed(amps)[0]
    return out
