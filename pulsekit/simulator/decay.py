"""Let density matrices decay between unitary steps: matrices, and how many steps they take.

Decay between steps is a rule of quadrature for the first order in the rates:
trapezoids (Strang) or Simpson's, whose error (Euler and Maclaurin) comes from
both ends of a run and from where an envelope changes in between, however long
the run. At the ends it is known as far as coherences turn by themselves, and
taken back there (``Decay.skew``); where an envelope changes by dz, trapezoids
miss step^2 / 12 [D, G dz], G the generator of the drive, which may be taken
back too (:func:`edges_of`). The second order in the rates is left.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Sequence, Tuple

import numpy as np

from ..program import Pulse
from .model import Model
from .space import Space
from .stack import runs_of

__all__ = ["Cut", "Decay", "Drive", "Edges", "NO_EDGES", "decay_cut", "decays", "edges_of", "flat_cut", "rough_of"]

MOST = 512  # steps per sample
_STRANG = np.array([0.5, 1.0, 1.0])  # steps of decay at both ends, after odd, after even steps
_SIMPSON = np.array([1 / 3, 4 / 3, 2 / 3])
_LONGEST = 2.0  # rad that coherences between levels may turn against each other in a step
_KEPT = 64
_ROUNDING = 1e-17
_DROPPED = 1e-2  # of the largest entry of what changes of an envelope add
_FLATS = 0.1  # of the allowed error
_EDGES = 0.6  # of the sum of all changes: errors of entries came to 0.5 of it
_FOURTH = 0.01  # of the turn squared: errors of fourth order came to 0.008 of those of second order
_SECOND = 2e-3  # of rate^2 * duration * step * turn by the drive: came to 1.8e-3
_SHARE = 0.3  # of what is allowed, for the second order in the rates


class Decay(NamedTuple):
    """Decay at both ends, after odd and after even steps: sparse rows of the upper half of matrices."""

    rows: np.ndarray  # int32[halves + 1]
    sources: np.ndarray  # int32[k], entries that a half entry comes from
    values: np.ndarray  # float64[3, k]
    skew: np.ndarray  # float64[k], times i: more at the start, less at the end


class Edges(NamedTuple):
    """What a change dz of an envelope adds: two rows of each half entry, for dz and for its conjugate."""

    rows: np.ndarray  # int32[2 * halves + 1]
    sources: np.ndarray  # int32[k]
    values: np.ndarray  # float64[k], times -i dz, s/rad


class Drive(NamedTuple):
    """What one tone does to decay."""

    line: int
    strength: float  # rad/s, half a Rabi rate
    rough: float  # by how much the envelope changes in all, in units of the strength
    detuning: float = 0.0  # rad/s, from the transmon


class Cut(NamedTuple):
    """How a sample is cut."""

    steps: int  # one (Strang), or an even number (Simpson)
    edges: bool  # whether changes of the envelope are taken back, which one step of one tone allows


NO_EDGES = Edges(np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1))


def decays(space: Space, step: float, simpson: bool, precision: float) -> Decay:
    """Return decay between steps, remembered on the space.

    Args:
        space: of density matrices.
        step: s.
        simpson: an even number of steps, decay by Simpson's rule.
        precision: error allowed in a step.
    """
    kept: Dict[Any, Decay] = space.__dict__.setdefault("_dissipation", {})
    key = (round(step * 1e18), simpson, precision)
    found = kept.get(key)
    if found is None:
        if len(kept) > _KEPT:
            kept.clear()
        full = [_exponential(space, w * step) for w in (_SIMPSON if simpson else _STRANG)]
        w = np.diag(space.idle).imag
        skew = -space.dissipator.real * step * _end((w[:, None] - w[None, :]) * step, simpson)
        rows, sources, values = _sparse([*full, skew], space.model.dim, precision / 50)
        found = kept[key] = Decay(rows, sources, np.ascontiguousarray(values[:3]), np.ascontiguousarray(values[3]))
    return found


def _end(turn: np.ndarray, simpson: bool) -> np.ndarray:
    """Return what the ends lack of a rule for exp(i turn step), in steps: sum - integral, of no length."""
    small = np.abs(turn) < 1e-2
    x = np.where(small, 1.0, turn)
    if simpson:
        return np.where(small, turn**3 / 180, 1 / x - (2 + np.cos(x)) / (3 * np.sin(x)))
    return np.where(small, turn / 12 + turn**3 / 720, 1 / x - 0.5 / np.tan(x / 2))


def _exponential(space: Space, span: float) -> np.ndarray:
    """Return exp(dissipator * span), float64[size, size], from powers that the space remembers."""
    powers: Dict[int, np.ndarray] = space.__dict__.setdefault("_decay_powers", {0: np.eye(space.size)})
    powers.setdefault(1, space.dissipator.real)
    norm = float(np.abs(powers[1]).sum(axis=1).max()) * span
    out, factor, bound, k = powers[0].copy(), 1.0, 1.0, 0
    while bound > _ROUNDING:
        k += 1
        factor, bound = factor * span / k, bound * norm / k
        if k not in powers:  # whichever thread comes first: they find the same
            powers[k] = powers[k - 1] @ powers[1]
        out += factor * powers[k]
    return out


def _sparse(matrices: Sequence[np.ndarray], dim: int, floor: float) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what exceeds the floor of matrices in the upper half, for the trace's sake all of the diagonal.

    Returns:
        Rows, sources, values, as in :class:`Decay`.
    """
    i, j = np.triu_indices(dim)
    upper = np.array(matrices)[:, i * dim + j]
    to, sources = np.nonzero(np.abs(upper).max(axis=0) > np.where(i == j, _ROUNDING, floor)[:, None])
    rows = np.searchsorted(to, np.arange(len(i) + 1)).astype(np.int32)
    return rows, sources.astype(np.int32), upper[:, to, sources]


def edges_of(space: Space, line: int, step: float) -> Edges:
    """Return what changes of a line's envelope add, remembered on the space; small entries (1e-2) are left out."""
    kept: Dict[Any, Edges] = space.__dict__.setdefault("_edges", {})
    key = (line, round(step * 1e18))
    found = kept.get(key)
    if found is None:
        if len(kept) > _KEPT:
            kept.clear()
        parts = [m * (step**2 / 12) for m in _shaken(space, line)[:2]]
        floor = _DROPPED * max(float(np.abs(m).max()) for m in parts)
        dim = space.model.dim
        i, j = np.triu_indices(dim)
        upper = np.stack([m[i * dim + j] for m in parts], axis=1).reshape(-1, space.size)
        row, sources = np.nonzero(np.abs(upper) > floor)
        rows = np.searchsorted(row, np.arange(len(upper) + 1)).astype(np.int32)
        values = np.append(upper[row, sources], 0.0)  # never empty
        found = kept[key] = Edges(rows, np.append(sources, 0).astype(np.int32), values)
    return found


def _shaken(space: Space, line: int) -> Tuple[np.ndarray, np.ndarray, float]:
    """Return i [dissipator, generator] of a line's z and its conjugate, and the norm of their sum.

    Remembered on the space: float64[size, size] each, 1/s.
    """
    kept: Dict[int, Tuple[np.ndarray, np.ndarray, float]] = space.__dict__.setdefault("_shaken", {})
    if line not in kept:
        d = space.dissipator.real
        drives = [(1j * g).real for g in (space.drive(line), space.drive_conj(line))]
        down, up = (d @ g - g @ d for g in drives)
        kept[line] = (down, up, float(np.linalg.norm(down + up, 2)))
    return kept[line]


def rough_of(pulse: Pulse) -> float:
    """Return by how much an envelope changes in all, in units of its peak, a class.

    From 0 and to 0 included; flats are runs of their own, which begin and end.
    """
    known = pulse.__dict__.get("_rough")
    if known is None:
        size = np.abs(pulse.samples)
        peak = float(size.max(initial=0.0))
        ends = np.concatenate([[0.0], pulse.samples, [0.0]])
        change = float(np.abs(np.diff(ends)).sum()) + 2 * sum(size[a] for a, _, flat in runs_of(pulse) if flat)
        ratio = change / peak if peak else 2.0
        known = pulse.__dict__["_rough"] = 2.25 * 2.0 ** (np.ceil(2 * np.log2(max(ratio, 2.0) / 2.25)) / 2)
    return float(known)


def decay_cut(
    space: Space,
    span: float,
    drives: Sequence[Drive],
    together: Sequence[Sequence[Drive]],
    carrier: float,
    whole: float,
    allowed: float,
    edges: bool = False,
) -> Cut:
    """Return how a span is cut.

    Without the RWA driven states are shaken by rabi / 2 carrier, and steps
    that do not resolve it leave some hundredths of that.

    Args:
        space: of density matrices.
        span: s, a sample or a part of one.
        drives: all that plays in the program.
        together: those that play at once.
        carrier: rad/s, the slowest; 0: the RWA.
        whole: s, of the program, over which errors of second order add up.
        allowed: error of the whole.
        edges: whether changes of the envelope may be taken back.
    """
    rate, longest = _rate(space), _longest(space.model)
    share, turn = (1 - _FLATS) * allowed, span * max((_speed(space.model, some) for some in together), default=1.0)
    strength = max((sum(d.strength for d in some) for some in together), default=0.0)
    first = _EDGES * sum(d.rough * _change(space, d) for d in drives) * span**2 / 12
    fourth = _FOURTH * turn**2 * first
    second = _SECOND * _slow_rate(space) ** 2 * whole * span**2 * _rabi(space.model, strength)
    shake = strength / carrier * rate * whole if carrier else 0.0
    if span <= longest and 4e-2 * shake <= allowed:
        if first + second <= share:
            return Cut(1, False)
        if edges and not carrier and fourth + second <= share:
            return Cut(1, True)
    count = max(2 * (fourth / (4 * (1 - _SHARE) * share)) ** 0.25, (second / (_SHARE * share)) ** 0.5, span / longest)
    if 4e-2 * shake > allowed:
        count = max(count, 2 * carrier * span * (shake / 180 / allowed) ** 0.25)
    return Cut(int(np.clip(2 * np.ceil(count / 2), 2, MOST)), False)


def flat_cut(space: Space, span: float, drives: Sequence[Drive], allowed: float, flats: int) -> int:
    """Return into how many steps, an even number, one of so many flats is cut."""
    model, share = space.model, _FLATS * allowed / flats
    fourth = (
        4 * _FOURTH * _speed(model, drives) ** 2 * _EDGES * sum(2 * _change(space, d) for d in drives) * span**4 / 12
    )
    second = _SECOND * _slow_rate(space) ** 2 * span**3 * _rabi(model, sum(d.strength for d in drives))
    count = max((fourth / ((1 - _SHARE) * share)) ** 0.25, (second / (_SHARE * share)) ** 0.5, span / _longest(model))
    return int(2 * max(1, np.ceil(count / 2)))


def _change(space: Space, drive: Drive) -> float:
    """Return how much (1/s^2) decay changes as a tone begins, at most."""
    return drive.strength * _shaken(space, drive.line)[2]


def _rate(space: Space) -> float:
    return float(np.abs(np.diag(space.dissipator)).max())


def _slow_rate(space: Space) -> float:
    """Return the largest rate (1/s) among the two lowest levels: higher ones are seldom occupied, and turn apart."""
    low = np.flatnonzero((space.model.labels < 2).all(axis=1))
    rates = np.abs(np.diag(space.dissipator)).reshape(space.model.dim, -1)
    return float(rates[np.ix_(low, low)].max())


def _speed(model: Model, drives: Sequence[Drive]) -> float:
    """Return how fast (rad/s) decay changes as seen by the driven states.

    Jumps move a coherence to one that turns at another anharmonicity; drives
    turn the states that decay, and turn against them where they are off. Two
    levels have no anharmonicity, but tones as far off: it stands for these
    there. Transitions of d levels are up to d - 2 times as far apart.
    """
    rabi = _rabi(model, sum(d.strength for d in drives))
    return max(_bend(model), rabi, 1.0, *(d.detuning for d in drives))


def _rabi(model: Model, strength: float) -> float:
    return 2 * strength * float(np.sqrt(max(model.levels) - 1))


def _bend(model: Model) -> float:
    return max(abs(a) * max(d - 2, 1) for a, d in zip(model.w_alpha.tolist(), model.levels))


def _longest(model: Model) -> float:
    """Return the longest step (s) within which coherences stay near each other."""
    turn = _bend(model)
    return _LONGEST / turn if turn else float("inf")
