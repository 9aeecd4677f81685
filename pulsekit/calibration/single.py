"""Solve x and sx on one transmon: amplitude and DRAG coefficient."""

from __future__ import annotations

from typing import Iterable, NamedTuple, Optional

import numpy as np

from ..device import Device
from ..errors import CalibrationError
from ..program import Channel, EventTable, Op, Program, Pulse
from ..simulator import Model
from .fidelity import average_fidelity, block_of, leakage_of, phase_aligned
from .ideal import ideal_unitary
from .newton import least_squares
from .propagate import propagators
from .shapes import area, peak, with_beta

__all__ = ["Rotation", "solve_rotation", "template_pulse"]

_ANGLE = {"x": np.pi, "sx": np.pi / 2}


class Rotation(NamedTuple):
    """A tuned x or sx: ``amplitude * exp(i angle) * pulse``."""

    pulse: Pulse
    amplitude: float  # dimensionless
    angle: float  # rad, undoes the phase of the line's gain
    beta: float  # samples
    fidelity: float  # average gate fidelity, closed system
    leakage: float  # mean population that leaves the qubit


def template_pulse(device: Device, name: str, qubit: int) -> Optional[Pulse]:
    """Return the pulse of a shipped x or sx, None where there is none."""
    calibration = device.calibrations.get(name, (qubit,))
    if calibration is None:
        return None
    program = calibration.program
    rows = program.rows(Op.PLAY)
    return program.pulses[program.events.ref[rows[0]]] if rows.size else None


def play_once(qubit: int, pulse: Pulse, amplitude: complex, name: str = "") -> Program:
    """Return the program that plays one pulse on a drive channel."""
    events = EventTable(
        t0=np.zeros(1, np.int64),
        duration=np.array([pulse.duration]),
        op=np.array([int(Op.PLAY)]),
        channel=np.zeros(1, np.int32),
        ref=np.zeros(1, np.int32),
        value=np.array([abs(amplitude)]),
        angle=np.array([float(np.angle(amplitude))]),
    )
    return Program(events, (Channel("d", qubit),), (pulse,), name=name, duration=pulse.duration)


def solve_rotation(device: Device, model: Model, name: str, pulse: Pulse) -> Rotation:
    """Solve amplitude and DRAG coefficient of x or sx on a model.

    By time reversal (in-phase part even, quadrature odd) the propagator of
    the qubit is symmetric, so its axis needs no phase: two unknowns suffice.

    Args:
        device: gives the LO frequencies.
        model: one transmon.
        name: "x" or "sx".
        pulse: the shape; its beta, where it has one, is replaced.

    Raises:
        CalibrationError: the pulse would need an amplitude above 1.
    """
    qubit, target = model.qubits[0], ideal_unitary(name)
    line = device.drives[qubit]
    flat = with_beta(pulse, 0.0)
    guess = _ANGLE[name] / (2 * np.pi * line.rabi_rate * abs(line.gain) * area(flat) * model.dt)
    angle = 0.0 - float(np.angle(line.gain))
    beta = 1 / (2 * 2 * np.pi * device.transmons[qubit].anharmonicity * model.dt)

    def blocks(points: Iterable[np.ndarray]) -> np.ndarray:
        programs = [play_once(qubit, with_beta(pulse, p[1]), p[0] * np.exp(1j * angle)) for p in points]
        return block_of(propagators(device, model, programs), model.levels)

    def residuals(points: np.ndarray) -> np.ndarray:
        error = (phase_aligned(blocks(points), target)[0] - target).reshape(len(points), -1)
        return np.concatenate([error.real, error.imag], axis=1)

    solved = least_squares(residuals, np.array([guess, beta]), np.array([guess, 1.0]) * 1e-3, batches=8)
    final, amplitude = with_beta(pulse, solved.x[1]), float(solved.x[0])
    if amplitude * peak(final) > 1:
        raise CalibrationError(
            f"Gate {name!r} of qubit {qubit} needs a peak amplitude of {amplitude * peak(final):.3g}, "
            f"but at most 1 can be played. Use a longer pulse."
        )
    block = blocks([solved.x])[0]
    fidelity, leakage = float(average_fidelity(block, target)), float(leakage_of(block))
    return Rotation(final, amplitude, angle, float(solved.x[1]), fidelity, leakage)
