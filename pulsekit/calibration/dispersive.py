"""Check that a readout is dispersive: chi, coupling, critical photon number.

For a transmon coupled with g to a resonator, D = f_qubit - f_resonator and
anharmonicity A (Koch et al., Phys. Rev. A 76, 042319, section III B), the
resonance moves between |0> and |1> by

    2 chi = chi[1] - chi[0] = 2 g^2 A / (D (D + A)),

and the dispersive approximation needs far fewer photons than
n_crit = D^2 / (4 g^2).
"""

from __future__ import annotations

import math
from typing import NamedTuple, Tuple

import numpy as np

from ..device import Device
from ..errors import CalibrationError
from ..program import Channel, Op

__all__ = ["DispersiveCheck", "dispersive_check", "dispersive_table"]


class DispersiveCheck(NamedTuple):
    """How dispersive a qubit's readout is."""

    qubit: int
    shift: float  # Hz, resonance for |1> minus resonance for |0>
    coupling: float  # Hz, the g that makes this shift
    critical_photons: float
    photons: float  # steady state of the shipped stimulus' largest amplitude, the larger of |0> and |1>
    shift_over_kappa: float
    ok: bool  # photons < critical_photons / 2, and |g / D| < 0.1


def dispersive_check(device: Device, qubit: int) -> DispersiveCheck:
    """Return chi, g, critical and actual photon number of one qubit's readout.

    Args:
        device: qubit, resonator and measure calibration.
        qubit: index.

    Raises:
        CalibrationError: the qubit has no resonator with shifts for 0 and 1.
    """
    if not 0 <= qubit < len(device.resonators) or len(device.resonators[qubit].chi) < 2:
        raise CalibrationError(f"Qubit {qubit} must have a resonator with chi for levels 0 and 1, but it has none.")
    resonator, transmon = device.resonators[qubit], device.transmons[qubit]
    shift = resonator.chi[1] - resonator.chi[0]
    detuning = transmon.frequency - resonator.frequency
    ratio = detuning * (detuning + transmon.anharmonicity) / (2 * transmon.anharmonicity)
    coupling = math.sqrt(abs(shift * ratio))
    critical = math.inf if coupling == 0 else (detuning / (2 * coupling)) ** 2
    photons = _photons(device, qubit)
    ok = photons < critical / 2 and coupling < 0.1 * abs(detuning)
    return DispersiveCheck(qubit, shift, coupling, critical, photons, shift / resonator.kappa, ok)


def _photons(device: Device, qubit: int) -> float:
    """Return drive_rate^2 a^2 / (kappa^2/4 + detuning^2) at the measure LO, the larger of |0> and |1>."""
    resonator = device.resonators[qubit]
    calibration = device.calibrations.get("measure", (qubit,))
    largest = 0.0
    if calibration is not None:
        program = calibration.program
        for row in program.rows(Op.PLAY):
            if program.channels[program.events.channel[row]] == Channel("m", qubit):
                pulse = program.pulses[program.events.ref[row]]
                largest = max(largest, abs(program.events.value[row]) * float(np.abs(pulse.samples).max()))
    rate = resonator.drive_rate * largest
    return float(max(rate**2 / (resonator.kappa**2 / 4 + chi**2) for chi in resonator.chi[:2]))


def dispersive_table(device: Device) -> Tuple[DispersiveCheck, ...]:
    """Return the check of every qubit that has a resonator."""
    return tuple(dispersive_check(device, q) for q in range(len(device.resonators)))
