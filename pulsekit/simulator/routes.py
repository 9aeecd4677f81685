"""Tell which lanes of a track go by propagators of their pulses or gates, which sample by sample."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

import numpy as np

from .cached import cacheable, few_enough, pulse_ids
from .repeats import Repeats, repeats_of, worthwhile
from .space import Space
from .stack import Stack
from .windows import Track, select_lanes

__all__ = ["Mapped", "Routes", "routes_of"]


class Mapped(NamedTuple):
    """Lanes that go by maps of their gates."""

    track: Track
    repeats: Repeats


class Routes(NamedTuple):
    """A track's lanes, by how they are evolved."""

    chained: Optional[Track]  # by propagators of their pulses
    mapped: Optional[Mapped]  # by maps of their gates
    sampled: Tuple[Track, ...]  # without the RWA of one carrier each


def routes_of(space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> Routes:
    """Return how a track's lanes go; kept with the track.

    Args:
        space: the linear system.
        stack: whose pulses.
        track: lanes and windows.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.

    Returns:
        Tracks whose ``lanes`` are some of those of ``track``.
    """
    kept = track.__dict__.setdefault("_routes", {})
    key = (space.density, rwa, tolerance)
    if key not in kept:
        kept[key] = _routes(space, stack, track, rwa, tolerance)
    return kept[key]


def _routes(space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> Routes:
    free = cacheable(space, stack, track, rwa)
    if free is None or not free.any():
        return _by_gates(space, stack, track, rwa, tolerance)
    mine = track if free.all() else select_lanes(track, free)
    good = np.zeros(len(free), dtype=bool)
    good[free] = few_enough(space, pulse_ids(stack, mine)[0])
    if good.all():
        return Routes(track, None, ())
    if not good.any():
        return Routes(None, None, _carriers(track, rwa))
    return Routes(select_lanes(track, good), None, _carriers(select_lanes(track, ~good), rwa))


def _by_gates(space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> Routes:
    repeats = repeats_of(space, stack, track, rwa, tolerance)
    good = np.zeros(len(track.lanes), dtype=bool)
    if repeats is not None:
        good[repeats.fits] = worthwhile(space, repeats)
    if repeats is None or not good.any():
        return Routes(None, None, _carriers(track, rwa))
    mapped = Mapped(track if good.all() else select_lanes(track, good), repeats.take(good[repeats.fits]))
    return Routes(None, mapped, () if good.all() else _carriers(select_lanes(track, ~good), rwa))


def _carriers(track: Track, rwa: bool) -> Tuple[Track, ...]:
    """Split lanes by carriers: maps in the laboratory frame are made for one."""
    if rwa or all((t.w == t.w[0]).all() for t in track.tones):
        return (track,)
    carriers = np.stack([t.w for t in track.tones], axis=1)
    return tuple(select_lanes(track, (carriers == row).all(axis=1)) for row in np.unique(carriers, axis=0))
