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

    Drive frames are the device's qubit estimates, measure frames its measure
    estimates, control frames what the control lines derive from the drives.
    """
    drive = np.array(device.qubit_freq_est, dtype=np.float64)
    measure = np.zeros(device.n_qubits)
    measure[: len(device.meas_freq_est)] = device.meas_freq_est
    control = control_los(device, drive)
    rows = (experiments, 1)
    return LoTable(drive, measure, control, np.tile(drive, rows), np.tile(measure, rows), np.tile(control, rows))
