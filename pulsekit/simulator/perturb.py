"""Estimate what a coupling does to populations, to first order in it.

Two transmons i and j, J (a_i^dag a_j + h.c.), the drive on i treated exactly.
In the interaction picture of the driven i and the idle j,

    M = J int U_i^dag(t) a_i U_i(t) exp(-i (w_i - w_j) t) dt

is the amplitude with which j is excited. States are prepared and measured in
the dressed basis, so the integral runs from and to infinity with the coupling
switched adiabatically: the idle tails are the boundary terms below. What
remains is cross resonance, off-resonant excitation and the Hartmann-Hahn
resonance of a strongly driven i with j (docs/physics.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, NamedTuple, Tuple

import numpy as np

from ..program import Pulse

__all__ = ["Pair", "excitation", "leak", "zz_shift"]


class Pair(NamedTuple):
    """A driven transmon and its idle neighbour."""

    w_delta: float  # rad/s, w_i - w_j
    w_alpha_i: float  # rad/s
    w_alpha_j: float  # rad/s
    w_j: float  # rad/s, J


_cache: Dict[Tuple[object, ...], float] = {}
_LEVELS = 4


def _lower(d: int) -> np.ndarray:
    return np.diag(np.sqrt(np.arange(1.0, d)), 1)


def _steps(pulse: Pulse, w_half: complex, w_detuning: float, w_alpha: float, dt: float) -> np.ndarray:
    """Return every sample's propagator in the frame of the drive."""
    d = _LEVELS
    n = np.arange(d)
    f = w_half * pulse.samples
    h = np.zeros((f.size, d, d), dtype=complex)
    root = np.sqrt(np.arange(1.0, d))
    for k in range(d - 1):
        h[:, k, k + 1] = f * root[k]
        h[:, k + 1, k] = np.conj(f) * root[k]
    h[:, n, n] = w_alpha / 2 * n * (n - 1) - w_detuning * n
    energy, v = np.linalg.eigh(h)
    return (v * np.exp(-1j * energy * dt)[:, None, :]) @ np.conj(np.swapaxes(v, 1, 2))


@lru_cache(maxsize=4096)
def _path(pulse: Pulse, w_half: float, w_detuning: float, w_alpha: float, dt: float) -> np.ndarray:
    """Return U(0 -> edge k), complex128[duration + 1, d, d], drive frame."""
    steps = _steps(pulse, w_half, w_detuning, w_alpha, dt)
    out = np.empty((steps.shape[0] + 1, _LEVELS, _LEVELS), dtype=complex)
    out[0] = np.eye(_LEVELS)
    for k in range(steps.shape[0]):
        out[k + 1] = steps[k] @ out[k]
    return out


def excitation(pair: Pair, pulse: Pulse, w_half: float, w_detuning: float, dt: float, level: int = 0) -> float:
    """Return the amplitude that one play on i takes to j.

    Args:
        pair: frequencies and coupling.
        pulse: what is played.
        w_half: rad/s, half the Rabi rate at the play's amplitude.
        w_detuning: rad/s, carrier minus w_i.
        dt: s.
        level: of j when the play starts.

    Returns:
        Largest singular value of the first-order amplitude on the two lowest
        levels of i; tested against exact evolution in
        tests/simulator/test_simulator_many_clusters.py.
    """
    key = (pulse, pair, round(w_half, 0), round(w_detuning, 0), dt, level)
    found = _cache.get(key)
    if found is None:
        found = _excitation(pair, pulse, w_half, w_detuning, dt, level)
        if len(_cache) > 100_000:
            _cache.clear()
        _cache[key] = found
    return found


def _excitation(pair: Pair, pulse: Pulse, w_half: float, w_detuning: float, dt: float, level: int) -> float:
    d = _LEVELS
    path = _path(pulse, float(w_half), float(w_detuning), pair.w_alpha_i, dt)
    size = path.shape[0] - 1
    # a_j^dag at level m oscillates at w_j + m alpha_j; a_i in the drive frame at carrier
    w = pair.w_delta - level * pair.w_alpha_j
    lower = _lower(d)
    turn = w + w_detuning  # carrier minus the neighbour's transition
    x = turn * dt / 2
    weight = dt * np.sinc(x / np.pi) * np.exp(-1j * turn * dt * (np.arange(size) + 0.5))
    edges = np.conj(np.swapaxes(path, 1, 2)) @ lower @ path
    inside = np.tensordot(weight, (edges[:-1] + edges[1:]) / 2, axes=(0, 0))
    gaps = w + np.arange(d - 1) * pair.w_alpha_i
    safe = np.where(np.abs(gaps) < 1e-3 * abs(pair.w_j), 1e-3 * abs(pair.w_j), gaps)
    tail = np.zeros((d, d), dtype=complex)
    tail[np.arange(d - 1), np.arange(1, d)] = lower[np.arange(d - 1), np.arange(1, d)] / (-1j * safe)
    last = np.exp(-1j * turn * dt * size) * (np.conj(path[-1].T) @ tail @ path[-1])
    amplitude = pair.w_j * np.sqrt(level + 1.0) * (inside + tail - last)
    return float(np.linalg.norm(amplitude[:, :2], 2))


def leak(pulse: Pulse, w_half: float, w_detuning: float, w_alpha: float, dt: float) -> float:
    """Return the population that one play takes out of an idle ground state."""
    path = _path(pulse, float(w_half), float(w_detuning), w_alpha, dt)
    return float(max(0.0, 1.0 - abs(path[-1][0, 0]) ** 2))


@lru_cache(maxsize=65536)
def zz_shift(pair: Pair) -> float:
    """Return the static ZZ shift E11 - E10 - E01 + E00, rad/s."""
    j, delta = pair.w_j, pair.w_delta
    one = np.linalg.eigvalsh(np.array([[delta, j], [j, 0.0]]))
    root = np.sqrt(2.0) * j
    two = np.array([[2 * delta + pair.w_alpha_i, root, 0.0], [root, delta, root], [0.0, root, pair.w_alpha_j]])
    energies, vectors = np.linalg.eigh(two)
    middle = energies[int(np.argmax(np.abs(vectors[1])))]
    return float(middle - one.sum())
