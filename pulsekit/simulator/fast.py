"""Evolve a whole batch on a small model: stacks, tracks, engine."""

from __future__ import annotations

import threading
from functools import partial
from typing import Callable, List, NamedTuple, Optional, Sequence

import numpy as np

from .blocks import LANES
from .cached import CHAIN, CHAINED, chain_of, run_chain
from .engine import chain_propagators, precision_for, run_sampled
from .mapped import map_of, mapping_seconds, run_repeats
from .model import Model
from .routes import Mapped, routes_of
from .space import Space, space_of
from .stack import Stack
from .threads import run_all
from .windows import Track, select_lanes, tracks_of

__all__ = ["evolve_fast", "fits_fast"]

MAX_KET = 25  # amplitudes of a ket
MAX_DENSITY = 256  # entries of a density matrix
CACHE = 2**20  # bytes of a block of lanes
FAMILY = 96  # bytes per matrix entry that maps take of a lane, where its carrier is its own
SHORTEST = 2048  # lanes of a block, or WORTH: what is done once per block takes longer for fewer
SHARED = 2**18  # samples up to which programs have the same maps of gates, whatever their length
WORTH = 2e-3  # s of work, less is not worth a thread
SAMPLED = 1.5e-9  # s per sample, lane and matrix entry


class _Work(NamedTuple):
    """Pieces of work, and how long they take together, roughly."""

    jobs: List[Callable[[], None]]
    seconds: float


class _Call(NamedTuple):
    """What a call wants of one stack."""

    space: Space
    stack: Stack
    states: np.ndarray  # of all experiments
    begin: np.ndarray  # int64[lanes], samples
    end: np.ndarray
    rwa: bool
    tolerance: float
    threads: int
    cancel: Optional[threading.Event]
    out: np.ndarray  # like states, is written

    def entered(self, lanes: np.ndarray) -> np.ndarray:
        """Return the states of some lanes, common frame."""
        x = _rows(self.states, self.stack.experiments[lanes])
        return _turn(self.space, x, -self.begin[lanes] * self.space.model.dt)

    def left(self, lanes: np.ndarray, x: np.ndarray) -> None:
        """Keep the states of some lanes, common frame."""
        self.out[self.stack.experiments[lanes]] = _turn(self.space, x, self.end[lanes] * self.space.model.dt)


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
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        threads: lanes are shared among so many threads.
        cancel: checked between pieces of a program.

    Returns:
        Like ``states``, dressed interaction frame at ``stop``.
    """
    space = space_of(model, density)
    out = np.empty(states.shape, dtype=np.complex128)
    work: List[_Work] = []
    for stack in stacks:
        begin, end = start[stack.experiments], stop[stack.experiments]
        call = _Call(space, stack, states, begin, end, rwa, tolerance, threads, cancel, out)
        for track in tracks_of(stack, model, begin, end):
            routes = routes_of(space, stack, track, rwa, tolerance)
            if routes.chained is not None:
                work.append(_chained(call, routes.chained))
            if routes.mapped is not None:
                work.append(_mapped(call, routes.mapped))
            work += [_sampled(call, part) for part in routes.sampled]
    seconds = sum(w.seconds for w in work)
    run_all([job for w in work for job in w.jobs], min(threads, int(seconds / WORTH)))
    return out


def _chained(call: _Call, track: Track) -> _Work:
    """Return the work of lanes that go by propagators of their pulses."""
    space, states = call.space, call.states
    chain = chain_of(space, call.stack, track, call.begin, call.end)
    propagators = chain_propagators(space, chain, call.tolerance)

    def run(lanes: slice) -> None:
        mine = track.lanes[lanes]
        call.left(mine, run_chain(space, chain.rows(lanes), propagators, call.entered(mine)))

    cost = chain.ids.size * states.shape[2] * (CHAIN * space.size**2 + CHAINED)
    fitting = CACHE // (32 * states.shape[1] * states.shape[2])  # states come and go
    cuts = _cuts(len(track.lanes), max(fitting, SHORTEST), call.threads, cost)
    return _Work([partial(run, slice(a, b)) for a, b in zip(cuts[:-1], cuts[1:])], cost)


def _mapped(call: _Call, mapped: Mapped) -> _Work:
    """Return the work of lanes that go by maps of their gates; where a gate has none, sample by sample."""
    space, (track, repeats) = call.space, mapped
    samples = sum(w.length for w in track.windows)
    precision = precision_for(call.tolerance, max(samples, SHARED))
    t0, t1 = call.begin[track.lanes], call.end[track.lanes]

    def run() -> None:
        maps = {g: map_of(space, g, precision, call.cancel) for g in repeats.gates}
        fast = np.array([maps[g] is not None for g in repeats.gates])[repeats.gate].all(axis=1)
        x = call.entered(track.lanes)
        if fast.any():
            mine = repeats.take(fast)
            known = [m for m in map(maps.get, mine.gates) if m is not None]
            x[fast] = run_repeats(space, mine, known, x[fast], t0[fast], t1[fast])
        if not fast.all():
            x[~fast] = _stepped(call, select_lanes(track, ~fast), x[~fast])
        call.left(track.lanes, x)

    return _Work([run], mapping_seconds(space, repeats))


def _sampled(call: _Call, track: Track) -> _Work:
    """Return the work of lanes that go sample by sample: blocks that fit a cache."""
    space, states = call.space, call.states
    lanes, width = len(track.lanes), states.shape[1] * states.shape[2]
    samples = sum(p.stop - p.start for w in track.windows for p in w.pieces if not p.flat)
    maps = FAMILY * space.size**2 if any(t.reach for t in track.tones) else 0
    fitting = CACHE // (16 * width + 32 * len(track.windows) + maps)
    each = samples * states.shape[2] * SAMPLED * space.size**2
    shortest = min(SHORTEST, int(WORTH / max(each, 1e-9)) + 1)
    cost = lanes * each
    cuts = _cuts(lanes, max(fitting, shortest), call.threads, cost)

    def run(part: Track) -> None:
        call.left(part.lanes, _stepped(call, part, call.entered(part.lanes)))

    parts = [track]
    if len(cuts) > 2:
        parts = [select_lanes(track, slice(a, b)) for a, b in zip(cuts[:-1], cuts[1:])]
    return _Work([partial(run, part) for part in parts], cost)


def _stepped(call: _Call, track: Track, x: np.ndarray) -> np.ndarray:
    """Return the states of a track after all of its samples, common frame."""
    begin, end = call.begin[track.lanes], call.end[track.lanes]
    return run_sampled(call.space, call.stack, track, x, begin, end, call.rwa, call.tolerance, cancel=call.cancel)


def _cuts(lanes: int, fitting: int, threads: int, seconds: float) -> List[int]:
    """Return where to cut lanes: pieces that fit a cache, and as many for each thread.

    Args:
        lanes: how many.
        fitting: that a piece should have at most.
        threads: that will run.
        seconds: that all lanes take, roughly; pieces for threads are not
            shorter than :data:`WORTH` of it.
    """
    pieces = lanes // fitting
    threads = min(threads, int(seconds / WORTH))
    if threads > 1:
        pieces = -(-max(pieces, 1) // threads) * threads
    pieces = min(pieces, lanes // LANES)
    if pieces <= 1:
        return [0, lanes]
    return [*(np.linspace(0, lanes // LANES, pieces + 1).astype(int) * LANES).tolist()[:-1], lanes]


def _rows(states: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return copies of some experiments' states, made without the GIL (``states[at]`` keeps it)."""
    if states.strides[0]:
        return states.take(at, axis=0)
    out = np.empty((len(at), *states.shape[1:]), dtype=np.complex128)
    out[:] = states[0]
    return out


def _turn(space: Space, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Turn states from the common frame to the interaction frame at ``t``."""
    offset = space.offsets
    if not offset.any() or not t.any():
        return x
    return x * np.exp(1j * offset[None, :] * t[:, None])[:, :, None]
