"""Take lanes through the maps of their gates, and keep these maps with their space."""

from __future__ import annotations

import os
import threading
from typing import Dict, List, Optional, Tuple
from weakref import WeakKeyDictionary

import numpy as np

from .._ext import kernel
from .cached import free_evolution
from .coordinates import coordinates_of
from .gatemaps import Gate, angles_of, gate_maps
from .repeats import KEPT, Repeats
from .space import Space
from .threads import look

__all__ = ["map_of", "mapping_seconds", "run_repeats", "unknown_gates"]

_maps = kernel("maps")
TERMS = 8  # of a map of two carriers


def map_of(
    space: Space, gate: Gate, precision: float, cancel: Optional[threading.Event] = None
) -> Optional[np.ndarray]:
    """Return a gate's map as the kernel wants it, remembered on the space.

    Args:
        space: two transmons.
        gate: the tones.
        precision: error allowed in a sample.
        cancel: looked at while the map is made, or another thread makes one.

    Returns:
        float64[terms, blocks, size, 8]; None where the series of the gate
        does not end.

    Raises:
        CancelledError: ``cancel`` was set.
    """
    known: Dict[Tuple[Gate, float], Optional[np.ndarray]] = space.__dict__.setdefault("_gates", {})
    key, lock = (gate, precision), _making.setdefault(space, threading.Lock())
    while not lock.acquire(timeout=0.05):
        look(cancel)
    try:
        if key not in known:
            made = gate_maps(space, gate, precision, cancel)
            if sum(m.nbytes for m in known.values() if m is not None) > KEPT:
                known.clear()
            known[key] = None if made is None else coordinates_of(space).columns(made)
        return known[key]
    finally:
        lock.release()


def mapping_seconds(space: Space, repeats: Repeats) -> float:
    """Return how long it takes to go by maps that are known, roughly, s."""
    terms = np.array([TERMS if angles_of(g) > 1 else 1 for g in repeats.gates])[repeats.gate].sum()
    return float(1e-6 * repeats.gate.size + 4e-10 * coordinates_of(space).size ** 2 * terms)


def unknown_gates(space: Space, repeats: Repeats) -> List[Gate]:
    """Return the gates of which the space has no map of any precision."""
    known = {gate for gate, _ in list(space.__dict__.get("_gates", {}))}
    return [g for g in repeats.gates if g not in known]


def _after_fork() -> None:
    """Forget locks that a thread of the parent may have held."""
    _making.clear()


_making: "WeakKeyDictionary[Space, threading.Lock]" = WeakKeyDictionary()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_repeats(
    space: Space, repeats: Repeats, maps: List[np.ndarray], states: np.ndarray, start: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Evolve lanes by maps of their gates.

    Args:
        space: the linear system.
        repeats: stretches of the lanes.
        maps: float64[terms, blocks, size, 8] of every gate.
        states: complex128[lanes, entries, columns], common frame at ``start``.
        start, end: int64[lanes], samples.

    Returns:
        complex128[lanes, entries, columns], common frame at ``end``.
    """
    dt, form = space.model.dt, coordinates_of(space)
    begin = repeats.begin.astype(np.float64)
    done = begin + repeats.length
    angle = repeats.offset * (begin * dt)[:, :, None] + repeats.phase
    levels = np.array([g.qubits for g in repeats.gates])[repeats.gate]  # [lanes, stretches, 2]
    enter = np.where(levels == levels[:, :, :1], angle[:, :, :1], angle[:, :, 1:])
    enter = np.where(levels[:, :, :1] == 1, enter[:, :, ::-1], enter)
    turns = enter.copy()
    turns[:, 1:] -= enter[:, :-1]
    gap = (begin - np.concatenate([start[:, None], done[:, :-1]], axis=1)) * dt
    delta = angle[:, :, 1] - angle[:, :, 0]
    counts = [len(m) for m in maps]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)[repeats.gate]
    terms = np.array(counts, dtype=np.int32)[repeats.gate]
    every = np.concatenate(maps)
    work = np.empty(max(counts) * (form.size + 1) + 8 * form.blocks)
    x = np.ascontiguousarray(form.real(states.transpose(0, 2, 1)))

    def walk(a: int, b: int, waits: np.ndarray) -> None:
        parts = (np.ascontiguousarray(p[:, a:b]) for p in (first, terms, turns, waits, delta))
        _maps.walk(x, form.at, form.energy, every, *parts, work)

    rest = (end - done[:, -1]) * dt
    if space.density:
        none, at = np.zeros_like(gap), 0
        for k in [*np.flatnonzero(gap.any(axis=0)).tolist(), gap.shape[1]]:
            walk(at, k, none)
            at = k
            if k < gap.shape[1]:  # decay keeps no single transmon's levels: leave the last gate before it
                late = (gap[:, k] != 0)[:, None]
                if k > 0:
                    _maps.turns(x, form.at, form.energy, np.where(late, -enter[:, k - 1], 0.0), 0 * rest)
                turns[:, k] = np.where(late, enter[:, k], turns[:, k])
                x = _free(space, x, gap[:, k])
        _maps.turns(x, form.at, form.energy, np.ascontiguousarray(-enter[:, -1]), 0 * rest)
        x = _free(space, x, rest)
    else:
        walk(0, gap.shape[1], gap)
        _maps.turns(x, form.at, form.energy, np.ascontiguousarray(-enter[:, -1]), rest)
    return form.back(x).transpose(0, 2, 1)


def _free(space: Space, x: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Return density matrices, as real numbers, after free evolution."""
    if not span.any():
        return x
    form = coordinates_of(space)
    states = free_evolution(space, form.back(x).transpose(0, 2, 1), span)
    return np.ascontiguousarray(form.real(states.transpose(0, 2, 1)))
