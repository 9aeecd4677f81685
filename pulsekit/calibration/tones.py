"""Propagate a tone and its cancellation through their edges and their flat.

Both play at the target's LO. In that frame the Hamiltonian is H0 + f(t) V with
V fixed by their two complex factors, as long as both have one shape f. A
sample's exponential exp(-i h (H0 + f V)) is a smooth function of f: it is
interpolated between a few Chebyshev nodes, each an exact exponential, and so
a sample costs one product of small matrices, and a flat one exponential.
"""

from __future__ import annotations

from math import factorial
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..program import Channel
from ..simulator import Model
from .rates import driven_hamiltonian, tone_operator
from .templates import CrossTemplate

__all__ = ["ToneShape", "grouping", "tone_propagators", "tone_shape"]

FLAT = 8  # a run of so many equal samples is one exponential
PRECISION = 1e-11  # of an interpolated exponential
SLOPE = 1 / 100  # of the peak: what an envelope may change by within one group of samples
GROUP = 8  # samples, at most
SAME = 1e-6  # of the peak: how far samples may be from one shape (files hold eight digits)


class ToneShape(NamedTuple):
    """What the tones of one stretch play at factor 1."""

    tone: complex  # turns the tone's factor
    cancel: complex  # times the cancellation's factor, 0: none
    envelope: np.ndarray  # float64[samples]


def tone_shape(
    template: CrossTemplate, played: Sequence[Tuple[int, int, np.ndarray]], start: int, stop: int
) -> Optional[ToneShape]:
    """Return what a stretch plays, None where it is more than one shape on two lines.

    Args:
        template: the gate.
        played: (channel, offset, samples) of the stretch at factor 1.
        start, stop: samples.
    """
    channels = template.program.channels
    rows: Dict[Channel, np.ndarray] = {}
    for index, offset, samples in played:
        full = rows.setdefault(channels[index], np.zeros(stop - start, dtype=complex))
        if offset + len(samples) > stop - start or full[offset : offset + len(samples)].any():
            return None
        full[offset : offset + len(samples)] += samples
    tone = rows.pop(template.channel, None)
    if tone is None or len(rows) > 1 or any(c.kind != "d" or c.index != template.target for c in rows):
        return None
    shape = np.abs(tone)
    factors = [_factor(shape, samples) for samples in (tone, *rows.values())]
    if None in factors:
        return None
    return ToneShape(factors[0] or 0j, factors[1] or 0j if rows else 0j, shape)


def _factor(shape: np.ndarray, samples: np.ndarray) -> Optional[complex]:
    factor = complex((shape * samples).sum() / max(float((shape * shape).sum()), 1e-300))
    return (
        factor if np.abs(samples - factor * shape).max(initial=0.0) <= SAME * np.abs(samples).max(initial=0.0) else None
    )


def grouping(envelope: np.ndarray) -> int:
    """Return how many samples may be taken as one, good to about 1e-4 of a fidelity."""
    slope = float(np.abs(np.diff(envelope)).max(initial=0.0))
    peak = float(envelope.max(initial=0.0))
    group = 1
    while group < GROUP and 2 * group * slope <= SLOPE * peak and len(envelope) % (2 * group) == 0:
        group *= 2
    return group


def _pieces(level: np.ndarray, least: int) -> List[Tuple[int, int, bool]]:
    """Return (start, stop, flat?) of flats of at least so many groups, and of what lies between them."""
    edges = np.flatnonzero(np.concatenate([[True], level[1:] != level[:-1], [True]])).tolist()
    out: List[Tuple[int, int, bool]] = []
    at = 0
    for a, b in [*((a, b) for a, b in zip(edges[:-1], edges[1:]) if b - a >= least), (len(level), len(level))]:
        out += [(at, a, False)] if a > at else []
        out += [(a, b, True)] if b > a else []
        at = b
    return out


def tone_propagators(
    model: Model,
    template: CrossTemplate,
    shape: ToneShape,
    factors: np.ndarray,
    start: int,
    *,
    w_tone: float,
    group: int,
) -> np.ndarray:
    """Return the propagators of one stretch for several factors.

    Args:
        model: (control, target), its lines on time.
        template: the gate.
        shape: what the stretch plays.
        factors: complex128[lanes, 2], of the tone and of the cancellation.
        start: the stretch's first sample.
        w_tone: rad/s, of both.
        group: so many samples are taken as one of their mean.

    Returns:
        complex128[lanes, dim, dim], dressed interaction frame.
    """
    drive = factors[:, 0, None, None] * shape.tone * tone_operator(model, template.channel)
    if shape.cancel:
        drive = drive + factors[:, 1, None, None] * shape.cancel * tone_operator(model, Channel("d", template.target))
    idle = driven_hamiltonian(model, w_tone, np.zeros_like(drive))
    turn = driven_hamiltonian(model, w_tone, drive) - idle
    level = shape.envelope.reshape(-1, group).mean(axis=1)
    span = group * model.dt
    out = np.broadcast_to(np.eye(model.dim, dtype=np.complex128), drive.shape)
    for a, b, flat in _pieces(level, -(-FLAT // group) + 1):
        if flat:
            step = _exponentials(idle + level[a] * turn, (b - a) * span)
        else:
            step = _stepped(idle, turn, level[a:b], span)
        out = step @ out
    frame = model.frame - w_tone * model.excitations
    left = np.exp(1j * frame * (start + len(shape.envelope)) * model.dt)
    return left[:, None] * out * np.exp(-1j * frame * start * model.dt)[None, :]


def _exponentials(h: np.ndarray, span: float) -> np.ndarray:
    """Return exp(-i h span), complex128[..., dim, dim]."""
    energies, vectors = np.linalg.eigh(h)
    return (vectors * np.exp(-1j * span * energies)[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))


def _stepped(idle: np.ndarray, turn: np.ndarray, level: np.ndarray, span: float) -> np.ndarray:
    """Return the ordered product of exp(-i span (idle + level turn)) over levels, by interpolation in the level."""
    low, high = float(level.min()), float(level.max())
    half = (high - low) / 2
    reach = half * span * float(np.linalg.norm(turn, 2, axis=(-2, -1)).max())
    count, error = 2, 1.0
    while error > PRECISION:
        count += 1
        error = 2 * (reach / 2) ** count / factorial(count)
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    table = _exponentials(idle[:, None] + (low + half + half * nodes)[None, :, None, None] * turn[:, None], span)
    order = np.arange(count)
    to_series = np.cos(np.outer(order, np.arccos(nodes))) * np.where(order == 0, 1, 2)[:, None] / count
    at = np.cos(np.outer(np.arccos(np.clip((level - low) / (half or 1.0) - 1, -1, 1)), order))
    lanes, dim = turn.shape[0], turn.shape[-1]
    steps = ((at @ to_series).astype(complex) @ table.reshape(lanes, count, -1)).reshape(lanes, -1, dim, dim)
    while steps.shape[1] > 1:
        odd = steps[:, -1:] if steps.shape[1] % 2 else steps[:, :0]
        even = steps[:, : steps.shape[1] // 2 * 2]
        steps = np.concatenate([even[:, 1::2] @ even[:, 0::2], odd], axis=1)
    return steps[:, 0]
