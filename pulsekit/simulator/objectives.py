"""What gradients are taken of: functions of a propagator or of a channel.

An objective is called with a propagator U (dressed interaction frame, virtual
Z included) and returns its value and G, with d value = 2 Re Tr(G^dag dU). One
that is linear in what a channel E does, sum_k Tr(W_k E(X_k)), has it as
``linear`` and serves models with decoherence too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import SimulationError
from .model import Model

__all__ = ["AverageFidelity", "Linear", "Objective", "average_fidelity", "expectation"]

_SWEEPS = 500  # over all phases, at most


@dataclass(frozen=True, eq=False)
class Linear:
    """sum_k Tr(W_k E(X_k)) of a channel E."""

    inputs: np.ndarray  # complex128[k, dim, dim], Hermitian: X
    weights: np.ndarray  # complex128[k, dim, dim], Hermitian: W

    @property
    def linear(self) -> "Linear":
        """Itself."""
        return self

    def __call__(self, u: np.ndarray) -> Tuple[float, np.ndarray]:
        """Return the value for E(X) = U X U^dag, and its derivative."""
        g = (self.weights @ (u @ self.inputs)).sum(axis=0)
        return float(np.vdot(u, g).real), g


@dataclass(frozen=True, eq=False)
class AverageFidelity:
    """The average gate fidelity on the computational states."""

    target: np.ndarray  # complex128[k, k]
    kept: np.ndarray  # int64[k], which states count
    labels: np.ndarray  # int64[dim, n], levels of all states
    local_z: bool = False  # of all virtual Z before and after the gate, the best

    def __call__(self, u: np.ndarray) -> Tuple[float, np.ndarray]:
        """Return the value and its derivative (phases at their best change it in second order)."""
        k, at = len(self.kept), np.ix_(self.kept, self.kept)
        a, target = u[at], self.target
        if self.local_z:
            before, after = self.phases(u)
            turned = [np.exp(-1j * (self.labels[self.kept] @ p)) for p in (before, after)]
            target = turned[1][:, None] * target * turned[0]
        overlap = np.vdot(target, a)
        g = np.zeros_like(u)
        g[at] = (overlap * target + a) / (k * (k + 1))
        return float(abs(overlap) ** 2 + np.sum(np.abs(a) ** 2)) / (k * (k + 1)), g

    def phases(self, u: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Return the shifts of every qubit's phase, before and after, that suit the target best.

        Ascent by one phase at a time, which has a closed form, from a grid of
        starts, all at once.

        Args:
            u: complex128[dim, dim].

        Returns:
            float64[n] and float64[n], rad: what ``ShiftPhase`` before the gate
            and after it must be given.
        """
        k, n = len(self.kept), self.labels.shape[1]
        levels = self.labels[self.kept]
        excited = np.concatenate([np.tile(levels, (k, 1)), np.repeat(levels, k, axis=0)], axis=1).T == 1
        angles = np.pi / 2 * ((np.arange(4**n)[:, None] >> np.arange(2 * n)) & 1)
        a = u[np.ix_(self.kept, self.kept)]
        terms = (self.target.conj() * a).reshape(-1) * np.exp(1j * (angles @ excited))
        for _ in range(_SWEEPS):
            largest = 0.0
            for phase, on in enumerate(excited):
                one, other = terms[:, on], terms[:, ~on]
                step = np.angle(other.sum(axis=1) * np.conj(one.sum(axis=1)))
                terms[:, on] = one * np.exp(1j * step)[:, None]
                angles[:, phase] += step
                largest = max(largest, float(np.abs(step).max()))
            if largest < 1e-10:
                break
        best = angles[np.argmax(np.abs(terms.sum(axis=1)))]
        return best[:n], best[n:]

    @cached_property
    def linear(self) -> Linear:
        """The same as a linear function, on a Hermitian basis of k^2 matrices.

        |Tr(V^dag A)|^2 is sum_m Tr(V B_m V^dag E(B_m)), and Tr(A^dag A) is Tr(P E(P)), P = sum_i |i><i|.
        """
        if self.local_z:
            raise SimulationError("Argument `local_z` must be False for a model with T1 and T2.")
        k, dim = len(self.kept), len(self.labels)
        basis = np.zeros((k, k, k, k), dtype=complex)
        for i in range(k):
            basis[i, i, i, i] = 1
            for j in range(i + 1, k):
                basis[i, j, i, j] = basis[i, j, j, i] = np.sqrt(0.5)
                basis[j, i, i, j], basis[j, i, j, i] = 1j * np.sqrt(0.5), -1j * np.sqrt(0.5)
        small = basis.reshape(k * k, k, k)
        weights = self.target @ small @ self.target.conj().T
        weights[:: k + 1] += np.eye(k)
        inputs, outputs = (np.zeros((k * k, dim, dim), dtype=complex) for _ in range(2))
        at = np.ix_(np.arange(k * k), self.kept, self.kept)
        inputs[at], outputs[at] = small, weights / (k * (k + 1))
        return Linear(inputs, outputs)


Objective = Union[Callable[[np.ndarray], Tuple[float, np.ndarray]], Linear, AverageFidelity]


def average_fidelity(
    model: Model, target: np.ndarray, levels: Optional[Sequence[int]] = None, *, local_z: bool = False
) -> AverageFidelity:
    """Return the objective "average gate fidelity on the computational states".

    F = (|Tr(W^dag A)|^2 + Tr(A^dag A)) / (k (k + 1)), A the k x k block of U
    (Pedersen et al., Phys. Lett. A 367, 47 (2007)); what leaks is lost.

    Args:
        model: the cluster.
        target: complex128[k, k], the physical target (mirror applied), Qiskit
            order of qubits.
        levels: how many levels count per qubit; 1: a neighbour's ground state
            only; None: 2 each.
        local_z: allow every virtual Z before and after the gate, the one that
            suits best; ``phases`` of the objective tells which.

    Raises:
        SimulationError: a target of another shape, ``local_z`` with more than
            2 levels.
    """
    target = np.asarray(target, dtype=complex)
    counted = [2] * model.n if levels is None else list(levels)
    kept = np.flatnonzero((model.labels < np.array(counted)).all(axis=1))
    if target.shape != (len(kept), len(kept)):
        raise SimulationError(f"Argument `target` must have shape {(len(kept),) * 2}, but {target.shape} came.")
    if local_z and max(counted) > 2:
        raise SimulationError(f"Argument `levels` must be 2 at most where `local_z` is True, but {counted} came.")
    return AverageFidelity(target, kept, model.labels, local_z)


def expectation(state: np.ndarray, observable: np.ndarray) -> Linear:
    """Return the objective "expectation at the end", dressed interaction frame.

    Args:
        state: complex128[dim], a ket, or complex128[dim, dim], a density matrix.
        observable: Hermitian complex128[dim, dim].

    Raises:
        SimulationError: matrices that are not Hermitian, or of different shapes.
    """
    given, seen = np.asarray(state, dtype=complex), np.asarray(observable, dtype=complex)
    rho = np.outer(given, given.conj()) if given.ndim == 1 else given
    for name, matrix in (("state", rho), ("observable", seen)):
        if matrix.ndim != 2 or matrix.shape != seen.shape or not np.allclose(matrix, matrix.conj().T):
            raise SimulationError(
                f"Argument `{name}` must be Hermitian and as large as the observable, but one of shape "
                f"{matrix.shape} came that is not."
            )
    return Linear(rho[None], seen[None])
