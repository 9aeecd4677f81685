"""Give the ideal unitaries of the calibrated gates (Qiskit's matrices)."""

from __future__ import annotations

from typing import Callable, Dict, Sequence

import numpy as np

from ..errors import CalibrationError

__all__ = ["GATES", "ideal_unitary"]


def _u(theta: float, phi: float, lam: float) -> np.ndarray:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    return np.array([[cos, -np.exp(1j * lam) * sin], [np.exp(1j * phi) * sin, np.exp(1j * (phi + lam)) * cos]])


def _x() -> np.ndarray:
    return np.array([[0, 1], [1, 0]], complex)


def _sx() -> np.ndarray:
    return np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2


def _rz(theta: float) -> np.ndarray:
    return np.diag(np.exp(np.array([-0.5j, 0.5j]) * theta))


def _cx() -> np.ndarray:
    return np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], complex)


def _ecr() -> np.ndarray:
    return np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]) / np.sqrt(2)


GATES: Dict[str, Callable[..., np.ndarray]] = {
    "id": lambda: np.eye(2, dtype=complex),
    "x": _x,
    "sx": _sx,
    "rz": _rz,
    "u1": lambda lam: _u(0.0, 0.0, lam),
    "u2": lambda phi, lam: _u(np.pi / 2, phi, lam),
    "u3": _u,
    "cx": _cx,
    "ecr": _ecr,
}


def ideal_unitary(name: str, parameters: Sequence[float] = ()) -> np.ndarray:
    """Return the ideal unitary of a calibrated gate.

    Args:
        name: a key of :data:`GATES`.
        parameters: the gate's angles, rad.

    Returns:
        complex128[2^n, 2^n], first qubit least significant.

    Raises:
        CalibrationError: no such gate, or a wrong number of parameters.
    """
    if name not in GATES:
        raise CalibrationError(f"Argument `name` must be one of {sorted(GATES)}, but {name!r} came.")
    try:
        return GATES[name](*parameters)
    except TypeError as error:
        raise CalibrationError(
            f"Argument `parameters` must be those of {name!r}, but {len(parameters)} came."
        ) from error
