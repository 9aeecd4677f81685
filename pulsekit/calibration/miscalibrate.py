"""Put a gate's calibration out on purpose."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from ..device import Device
from ..device.calibrations import make_calibration
from ..device.esp import measure_esp_program
from ..errors import CalibrationError
from ..program import Op

__all__ = ["miscalibrated"]


def miscalibrated(device: Device, name: str, qubits: Sequence[int], amplitude: float) -> Device:
    """Return the device with a calibration whose drive amplitudes are scaled.

    A rotation by pi becomes one by ``amplitude`` pi: a pi pulse then fails
    with probability cos(amplitude pi / 2)^2. ``measure_esp`` follows x12,
    whose error decides when excited-state promotion pays
    (docs/readout.md).

    Args:
        device: never changed.
        name: of the gate.
        qubits: that it acts on.
        amplitude: dimensionless, 1 changes nothing.

    Raises:
        CalibrationError: no such calibration, or no finite number.
    """
    found = device.calibrations.get(name, tuple(qubits))
    if found is None:
        known = sorted({c.name for c in device.calibrations})
        raise CalibrationError(
            f"Argument `name` must be a calibration on {list(qubits)}, but {name!r} came. There are {known}."
        )
    if not math.isfinite(amplitude):
        raise CalibrationError(f"Argument `amplitude` must be a finite number, but {amplitude!r} came.")
    events = found.program.events
    kinds = np.array([c.kind for c in found.program.channels] or [""])[events.channel]
    drives = (events.op == Op.PLAY) & np.isin(kinds, ("d", "u"))
    value = np.where(drives, events.value * amplitude, events.value)
    program = found.program.replace(events=events.replace(value=value))
    changed = [make_calibration(name, found.qubits, program, source="miscalibrated")]
    measure = device.calibrations.get("measure", found.qubits)
    if name == "x12" and measure is not None:
        promoted = measure_esp_program(found.qubits[0], measure.program, program)
        if promoted is not None:
            changed.append(make_calibration("measure_esp", found.qubits, promoted, source="miscalibrated"))
    return device.replace(calibrations=device.calibrations.updated(*changed))
