"""Tabulate what couplings do during a step of a splitting.

A layer K(b h) is one gate per coupling, exp(-i b h J (a_i^dag a_j + h.c.)),
block diagonal in the pair's excitations: entry (a, b) of a block is real
where a - b is even and -i times a real number where it is odd.

Gates of couplings that share a transmon do not commute; a layer is a
palindrome of classes of disjoint pairs. What a step leaves of order eps^2 of each
pair by itself is removed: a diagonal two-body term, solved so that the step
has exactly the pair's energies (Newton; it is the corrector of Laskar and
Robutel, numerically).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List, Tuple

import numpy as np
from scipy.linalg import expm

from .ket import KetLayout
from .operators import embed, lowering
from .spectrum import dressed_basis

__all__ = ["Gate", "coupling_gate", "damping_gate", "pair_correction", "pair_shift"]


@lru_cache(maxsize=64)
def _exchange(di: int, dj: int) -> np.ndarray:
    a, b = embed(lowering(di), 0, (di, dj)), embed(lowering(dj), 1, (di, dj))
    return a.T @ b + b.T @ a


@lru_cache(maxsize=64)
def _eigen(di: int, dj: int) -> Tuple[np.ndarray, np.ndarray]:
    energy, v = np.linalg.eigh(_exchange(di, dj))
    return energy, v


@lru_cache(maxsize=4096)
def _gate(di: int, dj: int, angle: float) -> np.ndarray:
    """Return exp(-i angle B) as real numbers c[nj, ni, nj', ni'] (see above)."""
    energy, v = _eigen(di, dj)
    u = (v * np.exp(-1j * angle * energy)) @ v.T
    level = np.arange(di * dj) // di  # n_j
    odd = (level[:, None] - level[None, :]) % 2 == 1
    return np.where(odd, -u.imag, u.real).reshape(dj, di, dj, di)


Gate = Tuple[List[int], np.ndarray]
"""(kind, stride i, d_i, stride j, d_j, 0) and its numbers."""


def coupling_gate(layout: KetLayout, i: int, j: int, angle: float) -> Gate:
    """Return the gate exp(-i angle (a_i^dag a_j + h.c.)), i < j."""
    return _gate_of(layout, i, j, _gate(layout.levels[i], layout.levels[j], angle), real=False)


def damping_gate(layout: KetLayout, i: int, j: int, c: np.ndarray) -> Gate:
    """Return the gate of a real matrix that conserves n_i - n_j.

    Args:
        layout: of the ket.
        i, j: sites, i < j, j outside the row group.
        c: float64[n_j, n_i, n_j', n_i'].
    """
    return _gate_of(layout, i, j, c, real=True)


def _gate_of(layout: KetLayout, i: int, j: int, c: np.ndarray, real: bool) -> Gate:
    inside_i, inside_j = i < layout.group, j < layout.group
    if inside_i and inside_j:
        kind, numbers = 2, _row_numbers(c)  # two levels each
    elif inside_i:
        kind, numbers = (4 if real else 1), _mixed_numbers(layout, i, c, real)
    else:
        kind, numbers = (3 if real else 0), _sector_numbers(c, real)
    strides, levels = layout.strides, layout.levels
    return [kind, int(strides[i]), levels[i], int(strides[j]), levels[j], 0], numbers


def _sector_numbers(c: np.ndarray, real: bool) -> np.ndarray:
    dj, di = c.shape[:2]
    out = []
    for n in range(di + dj - 1):
        levels = [(a, n - (dj - 1) + a if real else n - a) for a in range(dj)]
        states = [(a, b) for a, b in levels if 0 <= b < di]
        out += [c[a, b, e, f] for a, b in states for e, f in states]
    return np.array(out)


def _mixed_numbers(layout: KetLayout, i: int, c: np.ndarray, real: bool) -> np.ndarray:
    dj, di = c.shape[:2]
    out = np.zeros((dj, dj, layout.padded))
    rho = int(layout.strides[i])
    lane = np.arange(layout.row)
    level = (lane // rho) % di
    for a in range(dj):
        for e in range(dj):
            source = level + (e - a if real else a - e)
            good = (source >= 0) & (source < di)
            out[a, e, lane[good]] = c[a, level[good], e, source[good]]
    return out.reshape(-1)


def _row_numbers(c: np.ndarray) -> np.ndarray:
    """Return what stays of each number of a row of four, and what comes, times -i, of the one it is swapped with."""
    flat = c.reshape(4, 4)
    return np.concatenate([np.diag(flat), [0.0, flat[1, 2], flat[2, 1], 0.0]])


def pair_shift(levels: Tuple[int, int], energies: Tuple[np.ndarray, np.ndarray], w_j: float) -> np.ndarray:
    """Return the dressed energies of a pair minus its bare ones, rad/s.

    Args:
        levels: d_i, d_j.
        energies: local ones, float64[d_i], float64[d_j].
        w_j: rad/s.

    Returns:
        float64[d_j, d_i].
    """
    di, dj = levels
    local = (energies[1][:, None] + energies[0][None, :]).reshape(-1)
    level = np.arange(di * dj)
    dressed, _ = dressed_basis(np.diag(local) + w_j * _exchange(di, dj), level % di + level // di)
    return (dressed - local).reshape(dj, di)


_corrections: Dict[Tuple[object, ...], np.ndarray] = {}


def pair_correction(
    h: float, levels: Tuple[int, int], diagonals: Tuple[np.ndarray, np.ndarray], w_j: float
) -> np.ndarray:
    """Return the diagonal that makes a step exact for an idle pair, rad/s.

    Args:
        h: the step, s.
        levels: d_i, d_j.
        diagonals: local energies float64[d_i], float64[d_j], rad/s.
        w_j: rad/s.

    Returns:
        float64[d_j, d_i].
    """
    key = (h, levels, diagonals[0].tobytes(), diagonals[1].tobytes(), w_j)
    if key not in _corrections:
        _corrections[key] = _solve_correction(h, levels, diagonals, w_j)
    return _corrections[key]


def _solve_correction(
    h: float, levels: Tuple[int, int], diagonals: Tuple[np.ndarray, np.ndarray], w_j: float
) -> np.ndarray:
    di, dj = levels
    local = (diagonals[1][:, None] + diagonals[0][None, :]).reshape(-1)
    b = w_j * _exchange(di, dj)
    level = np.arange(di * dj)
    excitations = level % di + level // di
    exact = expm(-1j * h * (np.diag(local) + b))
    out = np.zeros(di * dj)
    layer = expm(-0.5j * h * b)
    for _ in range(6):
        u = layer @ (np.exp(-1j * h * (local + out))[:, None] * layer)
        change = np.zeros(di * dj)
        for n in np.unique(excitations):
            index = np.flatnonzero(excitations == n)
            change[index] = _phases(exact[np.ix_(index, index)], u[np.ix_(index, index)]) / h
        out += change
        if np.max(np.abs(change)) * h < 1e-15:
            break
    return out.reshape(dj, di)


def _phases(exact: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return -arg of the ratio of matching eigenvalues, by basis state."""
    values, v = np.linalg.eig(exact)
    found, w = np.linalg.eig(step)
    match = np.argmax(np.abs(np.linalg.inv(v) @ w), axis=1)
    angle = -np.angle(values / found[match])
    weight = np.abs(v) ** 2
    return np.linalg.solve(weight.T / weight.sum(axis=0)[:, None], angle)
