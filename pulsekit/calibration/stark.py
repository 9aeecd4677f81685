"""Compute the AC Stark shift of a tone off resonance, exactly."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..device import Device
from ..errors import CalibrationError
from ..program import Channel
from ..simulator import Model
from ..simulator.spectrum import label_eigenvectors
from ..units import TWO_PI
from .rates import driven_hamiltonian, tone_operator

__all__ = ["stark_shift"]


def stark_shift(
    device: Device, qubit: int, frequency: float, amplitude: complex, *, levels: Optional[int] = None
) -> float:
    """Return by how much a constant tone moves a qubit's 0-1 transition, Hz.

    To second order, with Rabi rate R = rabi_rate * |amplitude|, detuning
    D = qubit - tone and anharmonicity A: R^2 A / (2 D (D + A)).

    Args:
        device: the qubit and its drive line.
        qubit: index.
        frequency: of the tone, Hz.
        amplitude: of the envelope, dimensionless.
        levels: of the transmon, 2 to 5; None: the device's.

    Returns:
        The shift of the dressed transition that grows out of 0-1 when the
        tone is switched on slowly.

    Raises:
        CalibrationError: the tone is on resonance with 0-1 or 1-2.
    """
    model = Model.from_device(device, (qubit,), levels=None if levels is None else (levels,), noise=False)
    transmon = device.transmons[qubit]
    for name, resonance in (("0-1", transmon.frequency), ("1-2", transmon.frequency + transmon.anharmonicity)):
        if abs(frequency - resonance) < 1.0:
            raise CalibrationError(
                f"Argument `frequency` must be off the transitions of qubit {qubit}, but it is that of {name}."
            )
    operator = tone_operator(model, Channel("d", qubit))
    w_tone = TWO_PI * frequency
    energies = np.zeros(model.dim)
    vectors = np.eye(model.dim, dtype=complex)
    for share in np.linspace(0.0, 1.0, 33)[1:]:
        found, columns = np.linalg.eigh(driven_hamiltonian(model, w_tone, share * amplitude * operator))
        energies, columns = label_eigenvectors(found, vectors.conj().T @ columns)
        vectors = vectors @ columns
    return float(energies[1] - energies[0]) / TWO_PI - (transmon.frequency - frequency)
