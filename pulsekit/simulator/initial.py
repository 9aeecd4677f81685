"""Make initial states and turn final ones into results."""

from __future__ import annotations

from typing import Mapping, Union

import numpy as np

from ..errors import SimulationError
from .dressing import WHOLE, dressing_of
from .model import Model
from .operators import label_of

__all__ = ["Initial", "initial_states", "populations_of", "probabilities", "to_bare", "virtual_z"]

ROUNDING = 1e-6  # of entries and eigenvalues of density matrices of the user's
Initial = Union[None, np.ndarray, Mapping[int, int]]


def initial_states(model: Model, initial: Initial, lanes: int, density: bool) -> np.ndarray:
    """Return the states to start from, dressed basis.

    Args:
        model: the cluster.
        initial: None (ground), a mapping {device qubit: level}, or an array in
            the dressed basis: [dim] or [lanes, dim] kets, [dim, dim] or
            [lanes, dim, dim] density matrices.
        lanes: how many.
        density: whether density matrices are wanted.

    Returns:
        complex128[lanes, dim] or [lanes, dim, dim].

    Raises:
        SimulationError: a level or qubit that the model has not, wrong shape,
            not normalised.
    """
    dim = model.dim
    if initial is None:
        ground = np.zeros((lanes, dim, dim) if density else (lanes, dim), dtype=complex)
        ground.reshape(lanes, -1)[:, 0] = 1
        return ground
    if isinstance(initial, Mapping):
        level = [initial.get(q, 0) for q in model.qubits]
        if any(not isinstance(s, (int, np.integer)) or not 0 <= s < d for s, d in zip(level, model.levels)):
            raise SimulationError(
                f"Argument `initial` must give levels below {model.levels} of qubits {model.qubits}, but {level} came."
            )
        x = np.zeros(dim, dtype=complex)
        x[label_of(model.levels, level)] = 1
    else:
        x = np.asarray(initial)
        if x.dtype.kind not in "biufc":
            raise SimulationError(
                f"Argument `initial` must be None, levels by qubit or an array of numbers, but {initial!r} came."
            )
        x = x.astype(complex)
    kinds = {(dim,): 1, (lanes, dim): 1, (dim, dim): 2, (lanes, dim, dim): 2}
    rank = kinds.get(x.shape, 0)
    if x.shape == (lanes, dim) and lanes == dim:
        rank = 2 if density and _is_density(x) else 1
    if rank == 0 or not np.isfinite(x).all() or (rank == 2 and not density):
        raise SimulationError(
            f"Argument `initial` must be finite, of shape ({dim},) or {(lanes, dim)}"
            + (f", {(dim, dim)} or {(lanes, dim, dim)}" if density else "")
            + f", but shape {x.shape} came."
        )
    if rank == 1:
        x = np.broadcast_to(x, (lanes, dim))
        weight = np.sum(np.abs(x) ** 2, axis=1)
        x = np.einsum("li,lj->lij", x, x.conj()) if density else x
    else:
        x = np.broadcast_to(x, (lanes, dim, dim))
        weight = np.trace(x, axis1=1, axis2=2).real
    if np.max(np.abs(weight - 1)) > 1e-6:
        raise SimulationError(f"Argument `initial` must be normalised, but its weights reach {np.max(weight):.9g}.")
    if rank == 2:
        _check_density(x)
    return np.array(x)


def _check_density(x: np.ndarray) -> None:
    skew = float(np.abs(x - x.conj().swapaxes(1, 2)).max())
    least = float(np.linalg.eigvalsh(x)[:, 0].min())
    if skew > ROUNDING or least < -ROUNDING:
        what = f"off by {skew:.3g}" if skew > ROUNDING else f"of eigenvalues down to {least:.3g}"
        raise SimulationError(f"Argument `initial` must be Hermitian and not negative, but a matrix is {what}.")


def _is_density(x: np.ndarray) -> bool:
    return bool(abs(np.trace(x) - 1) < 1e-6 and np.allclose(x, x.conj().T, atol=1e-9))


def virtual_z(model: Model, x: np.ndarray, phase: np.ndarray, density: bool) -> np.ndarray:
    """Return states with every qubit's final phase shift applied.

    A phase shift of phi acts as exp(i phi n) at its place (docs/physics.md).

    Args:
        model: the cluster.
        x: complex128[lanes, dim, ...], rows are dressed basis states.
        phase: float64[lanes, n], rad.
        density: whether the last axis turns the other way.
    """
    factor = np.exp(1j * np.einsum("lq,iq->li", phase, model.labels))
    x = x * factor.reshape(factor.shape + (1,) * (x.ndim - 2))
    return x * factor.conj()[:, None, :] if density else x


def to_bare(model: Model, x: np.ndarray, stop: Union[int, np.ndarray], density: bool) -> np.ndarray:
    """Return states in the bare number basis, laboratory frame at ``stop``.

    Args:
        model: the cluster.
        x: complex128[lanes, dim, ...], dressed interaction frame.
        stop: samples, one for all or int64[lanes].
        density: whether ``x`` are density matrices.

    Lanes do not meet in BLAS: its bits depend on their number.
    """
    turn = np.exp(-1j * model.frame[None, :] * (np.reshape(stop, (-1, 1)) * model.dt))
    x = x * turn.reshape(turn.shape + (1,) * (x.ndim - 2))
    if model.n > 2 and x.ndim == 2 and not model.extra and not model.held:
        dressing = dressing_of(model, float(np.mean(model.w_bare)), model.couplings)
        each = max(1, len(x)) if model.dim <= WHOLE else 1
        parts = [dressing.to_bare(x[k : k + each].T).T for k in range(0, len(x), each)]
        return np.concatenate(parts) if parts else x
    _, v = model.dressed()
    x = np.einsum("li,ji->lj", x, v) if x.ndim == 2 else v @ x
    return (x * turn.conj()[:, None, :]) @ v.conj().T if density else x


def probabilities(x: np.ndarray, density: bool) -> np.ndarray:
    """Return the populations of states, float64[lanes, dim]."""
    if density:
        return np.ascontiguousarray(np.einsum("...ii->...i", x).real)
    return x.real**2 + x.imag**2


def populations_of(model: Model, x: np.ndarray, stop: Union[int, np.ndarray], density: bool, basis: str) -> np.ndarray:
    """Return populations in the asked basis, float64[lanes, dim]."""
    if not model.couplings and not model.extra:  # dressed states are bare ones
        return probabilities(x, density)
    return probabilities(to_bare(model, x, stop, density) if basis == "bare" else x, density)
