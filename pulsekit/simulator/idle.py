"""Let clusters of three or more transmons idle in one exact step.

Where no line plays, the Hamiltonian is diagonal in the dressed basis, so kets
only gather phases. Density matrices decay: every collapse operator changes
the excitation number N by a fixed amount, so the Lindblad generator keeps
N_row - N_column, and falls apart into one small block per difference (141 for
three qutrits, instead of 729).
"""

from __future__ import annotations

import math
import threading
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.linalg import expm

from .model import Model
from .modes import Modes, modes_of
from .threads import abandonable
from .timeline import Tone

__all__ = ["evolve_idle", "idle_windows"]

KET_DIM = 729  # largest dimension whose dressed basis is worth a dense solution
DENSITY_DIM = 81  # likewise for density matrices: four qutrits (ten seconds, once), six qubits
KET_SAMPLES = 64  # shortest window
DENSITY_SAMPLES = 4000
LARGE_DIM, LARGE_SAMPLES = 36, 100_000  # above this dimension the decomposition must be worth more


class _Block(NamedTuple):
    rows: np.ndarray  # int64[m]
    columns: np.ndarray  # int64[m]
    generator: np.ndarray  # complex128[m, m], 1/s
    modes: Modes  # of the generator


def idle_windows(
    model: Model, tones: Sequence[Tone], start: int, stop: int, density: bool
) -> List[Tuple[int, int, bool]]:
    """Cut start..stop into (first, last, idle) windows; idle ones are worth a step of their own."""
    shortest, largest = (DENSITY_SAMPLES, DENSITY_DIM) if density else (KET_SAMPLES, KET_DIM)
    if density and model.dim > LARGE_DIM:
        shortest = LARGE_SAMPLES
    if model.extra or model.dim > largest or stop - start < shortest:
        return [(start, stop, False)]
    sounds = {id(tone.samples): bool(tone.samples.any()) for tone in {id(t.samples): t for t in tones}.values()}
    busy = sorted(
        _span(tone, model.dt)
        for tone in tones
        if sounds[id(tone.samples)] and (tone.amplitude[0] or tone.amplitude.any())
    )
    out: List[Tuple[int, int, bool]] = []
    at = open_since = start
    for first, last in [*busy, (stop, stop)]:
        if min(first, stop) - at >= shortest:
            if at > open_since:
                out.append((open_since, at, False))
            open_since = min(first, stop)
            out.append((at, open_since, True))
        at = min(max(at, last), stop)
    return out if open_since >= stop else [*out, (open_since, stop, False)]


def _span(tone: Tone, dt: float) -> Tuple[int, int]:
    begin = tone.start_s / dt
    return math.floor(begin + 1e-9), math.ceil(begin + len(tone.samples) - 1e-9)


def evolve_idle(
    model: Model,
    states: np.ndarray,
    *,
    start: int,
    stop: int,
    density: bool,
    tolerance: float,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve dressed interaction-frame states over samples in which nothing plays.

    Args:
        model: the cluster, without extra terms.
        states: complex128[lanes, dim, columns]; density: columns = dim.
        start, stop: samples.
        density: whether these are density matrices, which decay.
        tolerance: error allowed in an entry.
        cancel: looked at every 50 ms, also while the generator is decomposed,
            which then goes on in the background.

    Returns:
        complex128[lanes, dim, columns].

    Raises:
        CancelledError: ``cancel`` was set.

    Tested against :mod:`~pulsekit.simulator.reference`.
    """
    span = (stop - start) * model.dt
    if not density or not model.collapse_dressed:
        w = float(np.mean(model.w_frame))
        phase = np.exp(-1j * (model.energies(w) - model.offsets(w)) * span)
        out = states * phase[None, :, None]
        return out * phase.conj()[None, None, :] if density else out
    turn = -model.offsets(float(np.mean(model.w_frame)))  # rad/s, common minus interaction frame
    x = _turned(states, np.exp(1j * turn * (start * model.dt)))

    def decayed() -> np.ndarray:
        out = np.zeros_like(x)
        for block in _blocks(model):
            r, c = block.rows, block.columns
            out[:, r, c] = _decay(block, x[:, r, c], span, tolerance)
            if model.excitations[r[0]] != model.excitations[c[0]]:
                out[:, c, r] = _decay(block, x[:, c, r].conj(), span, tolerance).conj()
        return out

    out = abandonable(decayed, cancel if model.dim > LARGE_DIM else None)
    return _turned(out, np.exp(-1j * turn * (stop * model.dt)))


def _turned(x: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return x * factor[None, :, None] * factor.conj()[None, None, :]


def _decay(block: _Block, y: np.ndarray, span: float, allowed: float) -> np.ndarray:
    """Apply exp(generator span) to the rows of y, complex128[lanes, m]."""
    values, columns, inverse, residual = block.modes
    if residual * span < allowed:
        return ((y @ inverse.T) * np.exp(values * span)) @ columns.T
    return y @ expm(block.generator * span).T


def _blocks(model: Model) -> List[_Block]:
    known: Optional[List[_Block]] = model.__dict__.get("_idle_blocks")
    if known is None:
        known = [_block(model, r, c) for r, c in _differences(model).values()]
        model.__dict__["_idle_blocks"] = known
    return known


def _differences(model: Model) -> Dict[int, Tuple[np.ndarray, np.ndarray]]:
    """Return (rows, columns) of the matrix elements, by N_row - N_column >= 0."""
    n = model.excitations.astype(np.int64)
    difference = n[:, None] - n[None, :]
    return {int(k): np.nonzero(difference == k) for k in range(int(difference.max()) + 1)}  # type: ignore[misc]


def _block(model: Model, rows: np.ndarray, columns: np.ndarray) -> _Block:
    diagonal = model.energies(float(np.mean(model.w_frame)))
    collapse = model.collapse_dressed
    decay = sum((c.conj().T @ c for c in collapse), np.zeros((model.dim, model.dim))) / 2
    left, right = np.ix_(rows, rows), np.ix_(columns, columns)
    same_row, same_column = rows[:, None] == rows[None, :], columns[:, None] == columns[None, :]
    generator = np.diag(-1j * (diagonal[rows] - diagonal[columns])).astype(complex)
    generator -= decay[left] * same_column + same_row * decay[right].conj()
    for c in collapse:
        generator += c[left] * c[right].conj()
    return _Block(rows, columns, generator, modes_of(generator))
