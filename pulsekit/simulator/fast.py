"""Evolve a whole batch on a small model: stacks, tracks, engine."""

from __future__ import annotations

import threading
from functools import partial
from typing import List, Optional, Sequence

import numpy as np

from .blocks import LANES
from .engine import run_track
from .model import Model
from .space import Space, space_of
from .stack import Stack
from .threads import run_all
from .windows import Track, select_lanes, tracks_of

__all__ = ["evolve_fast", "fits_fast"]

MAX_KET = 25  # amplitudes of a ket
MAX_DENSITY = 256  # entries of a density matrix
CACHE = 2**20  # bytes of a block of lanes
SHORTEST = 2048  # lanes of a block: what is done once per block takes longer for fewer


def fits_fast(model: Model, density: bool) -> bool:
    """Tell whether the engine takes a model."""
    if model.extra or model.n > 2:
        return False
    size = model.dim**2 if density else model.dim
    return model.on_grid and size <= (MAX_DENSITY if density else MAX_KET)


def evolve_fast(
    model: Model,
    stacks: Sequence[Stack],
    states: np.ndarray,
    *,
    start: np.ndarray,
    stop: np.ndarray,
    density: bool,
    rwa: bool,
    tolerance: float,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve every experiment from ``start`` to ``stop``.

    Args:
        model: one or two transmons.
        stacks: the batch, stacked.
        states: complex128[experiments, size, columns], dressed interaction
            frame at ``start``; density matrices row by row, one column.
        start, stop: int64[experiments], samples.
        density: whether they are density matrices.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in a population.
        threads: lanes are shared among so many threads.
        cancel: checked between pieces of a program.

    Returns:
        Like ``states``, dressed interaction frame at ``stop``.
    """
    space = space_of(model, density)
    out = np.empty_like(states)
    jobs = []
    for stack in stacks:
        begin, end = start[stack.experiments], stop[stack.experiments]
        for track in tracks_of(stack, model, begin, end):
            for part in _shares(track, states.shape[1] * states.shape[2], threads):
                jobs.append(partial(_run, space, stack, part, states, begin, end, rwa, tolerance, cancel, out))
    run_all(jobs, threads)
    return out


def _shares(track: Track, width: int, threads: int) -> List[Track]:
    """Cut the lanes of a track into blocks that fit a cache, and for several threads.

    Args:
        track: lanes.
        width: numbers of a lane's state.
        threads: that will run.
    """
    lanes = len(track.lanes)
    fitting = CACHE // (16 * width + 32 * len(track.windows))
    pieces = max(lanes // max(fitting, SHORTEST), min(threads, lanes // LANES), 1)
    if pieces > 1:
        pieces = min(-(-pieces // threads) * threads, lanes // LANES)
    if pieces <= 1:
        return [track]
    cuts = np.linspace(0, lanes // LANES, pieces + 1).astype(int) * LANES
    cuts[-1] = lanes
    return [select_lanes(track, slice(a, b)) for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist())]


def _run(
    space: Space,
    stack: Stack,
    track: Track,
    states: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    rwa: bool,
    tolerance: float,
    cancel: Optional[threading.Event],
    out: np.ndarray,
) -> None:
    at = stack.experiments[track.lanes]
    t0, t1 = begin[track.lanes], end[track.lanes]
    x = _turn(space, states[at], -t0 * space.model.dt)
    x = run_track(space, stack, track, x, t0, t1, rwa, tolerance, cancel)
    out[at] = _turn(space, x, t1 * space.model.dt)


def _turn(space: Space, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Turn states from the common frame to the interaction frame at ``t``."""
    offset = space.frame - space.w_c * space.number
    if not offset.any() or not t.any():
        return x
    return x * np.exp(1j * offset[None, :] * t[:, None])[:, :, None]
