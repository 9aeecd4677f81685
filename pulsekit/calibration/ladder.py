"""Solve x12, the pi pulse on the 1-2 transition."""

from __future__ import annotations

from typing import Iterable, List, NamedTuple

import numpy as np

from ..device import Device
from ..device.esp import x12_program
from ..errors import CalibrationError
from ..program import Program
from ..simulator import Model
from .newton import least_squares
from .propagate import propagators
from .shapes import peak, with_beta
from .single import Rotation, play_once

__all__ = ["Ladder", "solve_x12"]


class Ladder(NamedTuple):
    """A tuned x12: its amplitude and DRAG coefficient, on the shape of x."""

    amplitude: float  # dimensionless
    beta: float  # samples
    transfer: float  # |<2|U|1>|^2, closed system


def x12_of(device: Device, qubit: int, x: Rotation, amplitude: float, beta: float) -> Program:
    """Return x12 made of the shape of x."""
    pulse = with_beta(x.pulse, beta)
    body = play_once(qubit, pulse, amplitude * np.exp(1j * x.angle))
    transmon = device.transmons[qubit]
    return x12_program(qubit, body, transmon.anharmonicity, device.timing.dt, scale=1.0)


def solve_x12(device: Device, model: Model, x: Rotation) -> Ladder:
    """Solve amplitude and DRAG coefficient of x12 on a model.

    The neighbouring transition (0-1) lies above the drive, so the optimal
    beta has the other sign than that of x.

    Args:
        device: gives the LO frequency and the anharmonicity.
        model: one transmon with at least three levels.
        x: the tuned x.

    Raises:
        CalibrationError: fewer than three levels, or an amplitude above 1.
    """
    qubit = model.qubits[0]
    if model.dim < 3:
        raise CalibrationError(f"x12 of qubit {qubit} needs three levels, but the model has {model.dim}.")

    def columns(points: Iterable[np.ndarray]) -> np.ndarray:
        programs: List[Program] = [x12_of(device, qubit, x, float(p[0]), float(p[1])) for p in points]
        return propagators(device, model, programs)[:, :, 1:3]

    def residuals(points: np.ndarray) -> np.ndarray:
        unwanted = np.array(columns(points))
        unwanted[:, 2, 0] = 0
        unwanted[:, 1, 1] = 0
        flat = unwanted.reshape(len(points), -1)
        return np.concatenate([flat.real, flat.imag], axis=1)

    start = np.array([x.amplitude / np.sqrt(2), -x.beta / 2])
    solved = least_squares(residuals, start, np.array([1e-3 * start[0], 1e-3]), batches=8)
    amplitude, beta = float(solved.x[0]), float(solved.x[1])
    if amplitude * peak(with_beta(x.pulse, beta)) > 1:
        raise CalibrationError(
            f"x12 of qubit {qubit} needs an amplitude of {amplitude:.3g}, but at most 1 can be played."
        )
    return Ladder(amplitude, beta, float(abs(columns([solved.x])[0, 2, 0]) ** 2))
