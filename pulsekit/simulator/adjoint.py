"""Sweep through a program's exponentials forward, and its adjoint backward.

Closed systems carry the propagator, those with decoherence the matrices that
an objective asks for, with the dissipator between the exponentials (Simpson's
rule over every sample, exact where nothing plays). Parts of the program are
solved anew on the way back where they are too large to be kept.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
from scipy.linalg import expm
from scipy.sparse import csr_matrix

from ..errors import SimulationError
from .exponents import Exponents, Solved
from .objectives import Objective
from .space import space_of

__all__ = ["Slopes", "sweep_channel", "sweep_propagator"]

KEPT = 2**28  # bytes of a part
_LARGEST = 27  # levels of an open model: its superoperators have the fourth power of entries


class Slopes(NamedTuple):
    """An objective and its derivatives."""

    value: float
    gamma: np.ndarray  # complex128[lines, samples]: d value = Re sum conj(gamma) dz
    by_w: np.ndarray  # float64[lines, samples], s, by the carriers
    by_phase: np.ndarray  # float64[n], 1/rad, by the final phases
    propagator: Optional[np.ndarray] = None  # complex128[dim, dim], virtual Z included; None with decoherence


class _Parts:
    """The parts of a program, the last one solved kept."""

    def __init__(self, exponents: Exponents, bytes_each: int) -> None:
        size = max(1, KEPT // bytes_each)
        count = len(exponents)
        self.exponents = exponents
        self.slices = [slice(a, min(a + size, count)) for a in range(0, count, size)]
        self.held: Tuple[int, Any] = (-1, None)

    def __getitem__(self, index: int) -> Solved:
        if self.held[0] != index:
            self.held = (index, self.exponents.solve(self.slices[index]))
        solved: Solved = self.held[1]
        return solved


def _exit(exponents: Exponents) -> np.ndarray:
    """Return exp(i phase) from the common frame to the interaction frame, virtual Z included."""
    model, signals = exponents.model, exponents.signals
    offsets = model.offsets(float(np.mean(model.w_frame)))
    return np.exp(1j * (offsets * (signals.z.shape[1] * model.dt) + model.labels @ signals.final))


def _empty(exponents: Exponents) -> Tuple[np.ndarray, np.ndarray]:
    shape = exponents.signals.z.shape
    return np.zeros(shape, dtype=complex), np.zeros(shape)


def sweep_propagator(exponents: Exponents, objective: Objective) -> Slopes:
    """Return an objective of the propagator and its derivatives."""
    model = exponents.model
    dim = model.dim
    parts = _Parts(exponents, 20 * 16 * dim**2)
    turns = np.exp(1j * exponents.turns()[:, None] * model.excitations)
    starts, ahead = [], [np.eye(dim, dtype=complex)]
    for index, part in enumerate(parts.slices):
        starts.append(ahead[-1])
        ahead = _forward(ahead[-1], turns[part], parts[index])
    out = _exit(exponents) * turns[-1]
    u = out[:, None] * ahead[-1]
    value, g = objective(u)
    by_phase = 2 * np.real(1j * model.labels.T @ (g.conj() * u).sum(axis=1))
    gamma, by_w = _empty(exponents)
    back = g.conj().T * out
    for index in reversed(range(len(parts.slices))):
        part, solved = parts.slices[index], parts[index]
        if index < len(starts) - 1:
            ahead = _forward(starts[index], turns[part], solved)
        middle = np.empty_like(solved.steps)
        for k in range(len(middle) - 1, -1, -1):
            middle[k] = (turns[part.start + k][:, None] * ahead[k]) @ back
            back = (back @ solved.steps[k]) * turns[part.start + k]
        exponents.slopes(part, solved, middle, gamma, by_w)
    return Slopes(value, gamma, by_w, by_phase, u)


def _forward(x: np.ndarray, turns: np.ndarray, solved: Solved) -> List[np.ndarray]:
    """Return what is there before every exponential of a part, its frame not changed yet, and at the end."""
    out = [x]
    for turn, step in zip(turns, solved.steps):
        out.append(step @ (turn[:, None] * out[-1]))
    return out


class _Decay:
    """Superoperators: of the dissipator alone, and of everything where nothing plays."""

    def __init__(self, exponents: Exponents) -> None:
        self.exponents, self.space = exponents, space_of(exponents.model, True)
        self.known: Dict[Tuple[bool, float], Tuple[csr_matrix, csr_matrix]] = {}

    def __call__(self, x: np.ndarray, span: float, *, idle: bool = False, adjoint: bool = False) -> np.ndarray:
        """Return complex128[k, dim, dim] after ``span`` s."""
        if span == 0:
            return x
        key = (idle, span)
        if key not in self.known:
            full = expm((self.space.idle if idle else self.space.dissipator) * span)
            matrix = csr_matrix(np.where(np.abs(full) > 1e-18, full, 0))
            self.known[key] = matrix, csr_matrix(matrix.conj().T)
        return np.ascontiguousarray((self.known[key][adjoint] @ x.reshape(len(x), -1).T).T).reshape(x.shape)

    def forward(
        self, turns: np.ndarray, part: slice, solved: Solved, rho: np.ndarray
    ) -> Tuple[List[np.ndarray], np.ndarray]:
        """Return what is there before the unitary of every exponential of a part, and at the end."""
        exponents, before = self.exponents, []
        for k, turn in enumerate(turns[part]):
            rho, j = turn[:, None] * rho * turn.conj(), part.start + k
            if exponents.playing[j]:
                rho = self(rho, exponents.decay[j, 0])
                before.append(rho)
                u = solved.steps[k]
                rho = self(u @ rho @ u.conj().T, exponents.decay[j, 1])
            else:
                before.append(rho)
                rho = self(rho, exponents.h[j] * exponents.repeats[j], idle=True)
        return before, rho


def sweep_channel(exponents: Exponents, objective: Objective) -> Slopes:
    """Return an objective that is linear in the channel, and its derivatives.

    Raises:
        SimulationError: an objective of propagators only, a model that is too large.
    """
    linear = getattr(objective, "linear", None)
    model = exponents.model
    dim = model.dim
    if linear is None:
        raise SimulationError("Argument `objective` must be linear in the channel for a model with T1 and T2.")
    if dim > _LARGEST:
        raise SimulationError(
            f"Argument `model` must have at most {_LARGEST} states for gradients with T1 and T2, "
            f"but it has {dim}. Use fewer levels or `noise=False`."
        )
    decay = _Decay(exponents)
    parts = _Parts(exponents, 16 * dim**2 * (20 + 2 * len(linear.inputs)))
    turns = np.exp(1j * exponents.turns()[:, None] * model.excitations)
    ahead: List[np.ndarray] = []
    starts, rho = [], np.asarray(linear.inputs, dtype=complex)
    for index, part in enumerate(parts.slices):
        starts.append(rho)
        ahead, rho = decay.forward(turns, part, parts[index], rho)
    out = _exit(exponents) * turns[-1]
    rho = out[:, None] * rho * out.conj()
    value = float(np.vdot(linear.weights, rho).real)
    towards = np.einsum("kij,kji->i", rho, linear.weights)  # diagonal of sum rho W
    by_phase = 2 * np.real(1j * (model.labels.T @ towards))
    gamma, by_w = _empty(exponents)
    back = out.conj()[:, None] * linear.weights * out
    for index in reversed(range(len(parts.slices))):
        part, solved = parts.slices[index], parts[index]
        if index < len(starts) - 1:
            ahead, _ = decay.forward(turns, part, solved, starts[index])
        middle = np.zeros_like(solved.steps)
        for k in range(len(middle) - 1, -1, -1):
            j = part.start + k
            if exponents.playing[j]:
                u = solved.steps[k]
                left = u.conj().T @ decay(back, exponents.decay[j, 1], adjoint=True)
                middle[k] = (ahead[k] @ left).sum(axis=0)
                back = decay(left @ u, exponents.decay[j, 0], adjoint=True)
            else:
                back = decay(back, exponents.h[j] * exponents.repeats[j], idle=True, adjoint=True)
            back = turns[j].conj()[:, None] * back * turns[j]
        exponents.slopes(part, solved, middle, gamma, by_w)
    return Slopes(value, gamma, by_w, by_phase)
