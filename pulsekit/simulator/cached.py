"""Evolve by propagators of whole pulses, computed once.

Under the RWA a pulse of one carrier, turned by its phase and moved to its
start, is the same matrix between two diagonal ones. Programs that repeat a few
pulses (circuits) need each once: pulses of a model are kept, by line,
envelope, strength and carrier.

Whether a lane goes this way depends on that lane alone: kets, when its pulses
repeat often enough to pay for all columns; small density matrices, when no
sweep touches its amplitudes or frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from .._ext import kernel
from ..program import Pulse
from .space import Space
from .stack import Stack
from .windows import Track

__all__ = ["Chain", "cacheable", "chain_of", "few_enough", "free_evolution", "propagators_of", "pulse_ids", "run_chain"]

_lanes = kernel("lanes")
_KEPT = 4096  # propagators per model
CHAIN, CHAINED = 5e-9, 5e-8  # s per lane and window: of a matrix entry, and beside
LONG = 8  # windows; more go through the kernel that walks a lane at a time

PulseKey = Tuple[int, Pulse, float, float, float]
Compute = Callable[[PulseKey], np.ndarray]


def pulse_ids(stack: Stack, track: Track) -> Tuple[np.ndarray, List[Tuple[int, Pulse, float, float]]]:
    """Return int32[lanes, windows], which pulse, and the pulses."""
    kept = track.__dict__.get("_ids")
    if kept is not None:
        return kept
    known: Dict[Tuple[int, Pulse, float, float], int] = {}
    columns = []
    for window in track.windows:
        tone = track.tones[window.first]
        rows = np.stack([tone.pulse.astype(np.float64), np.abs(tone.magnitude), tone.w], axis=1)
        if (rows == rows[0]).all():
            first, which = rows[:1], np.zeros(len(rows), dtype=np.int64)
        else:
            first, which = np.unique(rows, axis=0, return_inverse=True)
        ids = [
            known.setdefault((tone.line, stack.pulses[int(r[0])], float(r[1]), float(r[2])), len(known)) for r in first
        ]
        columns.append(np.array(ids, dtype=np.int32)[np.reshape(which, -1)])
    kept = track.__dict__["_ids"] = (np.ascontiguousarray(np.stack(columns, axis=1)), list(known))
    return kept


def cacheable(space: Space, stack: Stack, track: Track, rwa: bool) -> Optional[np.ndarray]:
    """Tell which lanes may go by propagators, bool[lanes]; None: none."""
    windows = track.windows
    if not rwa or not windows or any(len(w.tones) != 1 or track.tones[w.first].skip for w in windows):
        return None
    lengths = np.array([p.duration for p in stack.pulses])
    if any((lengths[track.tones[w.first].pulse] != track.tones[w.first].duration).any() for w in windows):
        return None  # the evolution ends inside a pulse
    if space.density:
        if space.size > 16:
            return None
        fixed = np.ones(len(track.lanes), dtype=bool)
        for window in windows:
            fixed &= track.tones[window.first].fixed
        return fixed if fixed.any() else None
    if len(windows) < 2 * space.size:
        return None
    plain = np.ones(len(track.lanes), dtype=bool)
    for window in windows:
        plain &= track.tones[window.first].w == track.tones[window.first].w_ref
    return plain


def few_enough(space: Space, ids: np.ndarray) -> np.ndarray:
    """Tell which lanes repeat their pulses often enough, bool[lanes]."""
    if space.density:
        return np.ones(len(ids), dtype=bool)
    if (ids == ids[0]).all():
        return np.full(len(ids), len(np.unique(ids[0])) * space.size <= ids.shape[1])
    ordered = np.sort(ids, axis=1)
    different = 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
    return different * space.size <= ids.shape[1]


@dataclass(frozen=True, eq=False)
class Chain:
    """Lanes under way by propagators: what happens before each, and after the last."""

    pulses: List[Tuple[int, Pulse, float, float]]  # line, envelope, strength, carrier
    ids: np.ndarray  # int32[lanes, windows], which of them
    angle: np.ndarray  # float64[lanes, windows], rad, turn of the frame before each
    gap: np.ndarray  # float64[lanes, windows], s, free evolution before each
    last: np.ndarray  # float64[lanes], rad, turn after the last
    rest: np.ndarray  # float64[lanes], s, free evolution after the last
    order: np.ndarray  # int32[lanes, windows], which of ``waits``: long programs of density matrices
    waits: np.ndarray  # float64[k], s, the different gaps
    samples: int  # of all windows
    made: Dict[float, np.ndarray] = field(default_factory=dict)  # propagators of the pulses, by precision

    def rows(self, lanes: slice) -> "Chain":
        """Return some lanes, as views."""
        if lanes == slice(0, len(self.ids)):
            return self
        per_lane = ("ids", "angle", "gap", "last", "rest", "order")
        return replace(self, **{name: getattr(self, name)[lanes] for name in per_lane})


def chain_of(space: Space, stack: Stack, track: Track, start: np.ndarray, end: np.ndarray) -> Chain:
    """Return the lanes of a track as chains; kept with the track.

    Args:
        space: the linear system.
        stack: whose pulses.
        track: lanes that :func:`cacheable` allows.
        start, end: int64[lanes of the stack], samples.
    """
    kept = track.__dict__.setdefault("_chains", {})
    if space.density not in kept:
        kept[space.density] = _chain(space, stack, track, start[track.lanes], end[track.lanes])
    return kept[space.density]


def _chain(space: Space, stack: Stack, track: Track, start: np.ndarray, end: np.ndarray) -> Chain:
    ids, pulses = pulse_ids(stack, track)
    dt = space.model.dt
    tones = [track.tones[w.first] for w in track.windows]
    begin = np.stack([t.t0 for t in tones], axis=1).astype(np.float64)
    done = begin + np.array([t.duration for t in tones], dtype=np.float64)
    offset = np.stack([t.w for t in tones], axis=1) - space.w_c
    phase = np.stack([t.phase + np.where(t.magnitude < 0, np.pi, 0.0) for t in tones], axis=1)
    angle = offset * (begin * dt) + phase
    leave = offset * (done * dt) + phase
    angle[:, 1:] -= leave[:, :-1]
    before = np.concatenate([start[:, None], done[:, :-1]], axis=1)
    gap = np.ascontiguousarray((begin - before) * dt)
    waits, which = np.zeros(0), np.zeros((len(ids), 0), dtype=np.int64)
    if space.density and ids.shape[1] > LONG:
        waits, which = np.unique(gap, return_inverse=True)
        which = np.reshape(which, ids.shape)
    rest = np.ascontiguousarray((end - done[:, -1]) * dt)
    samples = sum(w.length for w in track.windows)
    return Chain(
        pulses, ids, np.ascontiguousarray(angle), gap, -leave[:, -1], rest, which.astype(np.int32), waits, samples
    )


def run_chain(space: Space, chain: Chain, propagators: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Evolve lanes by propagators of their pulses.

    Args:
        space: the linear system.
        chain: the lanes.
        propagators: complex128[pulses, size, size], in the frame of the
            carrier at phase 0.
        states: complex128[lanes, size, columns], common frame at the start;
            overwritten.

    Returns:
        complex128[lanes, size, columns], common frame at the end.
    """
    x = np.ascontiguousarray(states.transpose(2, 0, 1))
    if space.density:
        _density(space, chain, propagators, x)
    else:
        _walk(space, chain.ids, propagators, x, chain.angle, chain.gap)
        x *= np.exp(1j * (space.number[None, :] * chain.last[:, None] - space.energies[None, :] * chain.rest[:, None]))
    return x.transpose(1, 2, 0)


def _walk(
    space: Space, ids: np.ndarray, propagators: np.ndarray, x: np.ndarray, angle: np.ndarray, gap: np.ndarray
) -> None:
    """Apply angle, gap and propagator of every window, lane by lane, to complex128[columns, lanes, size]."""
    matrices = np.ascontiguousarray(propagators).view(np.float64)
    number = np.rint(space.number).astype(np.int32)
    base = np.zeros(space.size) if space.density else np.ascontiguousarray(space.energies)
    work = np.empty(2 * space.size)
    for column in x:
        _lanes.chain(column.view(np.float64), matrices, ids, angle, number, base, gap, work)


def _density(space: Space, chain: Chain, propagators: np.ndarray, x: np.ndarray) -> None:
    """Apply everything to density matrices, whose free decay is a matrix."""
    lanes, count = chain.ids.shape
    if count > LONG:
        idle = np.stack([_decay(space, t) for t in chain.waits.tolist()])
        matrices = np.empty((lanes, 2 * count), dtype=np.int32)
        matrices[:, 0::2] = chain.order + len(propagators)
        matrices[:, 1::2] = chain.ids
        turns = np.zeros((lanes, 2 * count))
        turns[:, 1::2] = chain.angle
        _walk(space, matrices, np.concatenate([propagators, idle]), x, turns, np.zeros((lanes, 2 * count)))
    else:
        none = np.zeros((lanes, 1))
        for k in range(count):
            _wait(space, x, chain.gap[:, k])
            one = np.ascontiguousarray(chain.ids[:, k : k + 1])
            _walk(space, one, propagators, x, np.ascontiguousarray(chain.angle[:, k : k + 1]), none)
    _wait(space, x, chain.rest)
    if chain.last.any():
        number = np.rint(space.number).astype(np.int64)
        turns = np.exp(1j * np.arange(number.max() + 1) * chain.last[:, None])
        x *= np.concatenate([turns, turns[:, :0:-1].conj()], axis=1).take(number, axis=1)  # negative ones from the end


def _wait(space: Space, x: np.ndarray, span: np.ndarray) -> None:
    """Let lanes evolve freely, complex128[columns, lanes, size], each for its span; of 0 they stay, to the bit."""
    if span.any():
        span, work = np.ascontiguousarray(span), np.empty(2 * space.size)
        for column in x:
            _lanes.modes(column.view(np.float64), *space.sparse_modes, span, work)


def _decay(space: Space, span: float) -> np.ndarray:
    if span == 0:
        return np.eye(space.size, dtype=complex)
    values, columns, inverse, _ = space.modes
    return (columns * np.exp(values * span)) @ inverse


def free_evolution(space: Space, states: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Return states after free evolution; those of span 0 as they are, to the bit."""
    x = np.array(states.transpose(2, 0, 1), order="C")
    _wait(space, x, span)
    return np.ascontiguousarray(x.transpose(1, 2, 0))


def propagators_of(
    space: Space, pulses: List[Tuple[int, Pulse, float, float]], precision: float, compute: Compute
) -> np.ndarray:
    """Return the propagators of pulses, complex128[pulses, size, size]."""
    known: Dict[PulseKey, np.ndarray] = space.__dict__.setdefault("_pulses", {})
    out = []
    for line, pulse, strength, w in pulses:
        key = (space.model.lines[line].local_qubit, pulse, strength, w, precision)
        if key not in known:
            if len(known) >= _KEPT:
                known.clear()
            known[key] = compute((line, pulse, strength, w, precision))
        out.append(known[key])
    return np.stack(out)
