"""Give a device's default LO table."""

from __future__ import annotations

import numpy as np

from ..device import Device
from ..program import LoTable

__all__ = ["control_los", "default_los"]


def control_los(device: Device, drive: np.ndarray) -> np.ndarray:
    """Return the LO of every control line, sum of Re(scale) * drive LO.

    Args:
        device: whose control lines.
        drive: float64[..., n_qubits], Hz.

    Returns:
        float64[..., n_control], Hz.
    """
    weights = np.zeros((len(device.controls), device.n_qubits))
    for index, line in enumerate(device.controls):
        for qubit, scale in line.lo:
            weights[index, qubit] += complex(scale).real
    return np.asarray(drive) @ weights.T


def default_los(device: Device, experiments: int) -> LoTable:
    """Return the LOs of experiments that set none.

    Drive frames are the transmons' frequencies, measure frames the
    resonators', control frames what the control lines derive from the drives.
    """
    drive = np.array([t.frequency for t in device.transmons], dtype=np.float64)
    measure = np.zeros(device.n_qubits)
    for index, resonator in enumerate(device.resonators):
        measure[index] = resonator.frequency
    control = control_los(device, drive)
    rows = (experiments, 1)
    return LoTable(drive, measure, control, np.tile(drive, rows), np.tile(measure, rows), np.tile(control, rows))
