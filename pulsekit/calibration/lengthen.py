"""Make the two-qubit gates of a device from scratch as long as they must be."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from ..device import Calibration, Device, Note, Provenance
from ..device.guesses import two_qubit_calibrations
from ..simulator import Model
from .cross import amplitude_for_cnot
from .templates import CrossTemplate, cross_template, nominals

__all__ = ["lengthened"]

OWN = ("guess", "tuned")  # sources of gates that may be made anew


def lengthened(device: Device) -> Device:
    """Return the device with longer tones where theirs would need an amplitude above 1.

    The gates of such a pair are guessed anew, from the couplings and line
    strengths that the device has now. Gates that somebody else has made, and
    those of a vendor's device, whose published lengths hold, stay.
    """
    if device.vendor:
        return device
    nominal = nominals(device)
    short: Dict[Tuple[int, int], Tuple[str, CrossTemplate]] = {}
    for calibration in device.calibrations:
        if calibration.name not in ("cx", "ecr") or calibration.source not in OWN:
            continue
        template = cross_template(device, calibration.program, calibration.qubits, {}, nominal)
        if template is not None and not _reaches(device, template):
            short[(template.control, template.target)] = (calibration.name, template)
    made: List[Calibration] = []
    notes: List[Note] = []
    for (control, target), (name, template) in short.items():
        for gate in two_qubit_calibrations(
            device, device.calibrations, control, target, template.channel.index, gate=name
        ):
            before = device.calibrations.get(gate.name, gate.qubits)
            if before is None or before.program.duration >= gate.program.duration:
                continue
            made.append(gate)
            quantity = f"calibrations[{gate.name},{gate.qubits[0]},{gate.qubits[1]}].duration"
            text = f"{gate.program.duration} samples; with {before.program.duration} its tones would exceed amplitude 1"
            notes.append(Note(quantity, "derived", text))
    if not made:
        return device
    provenance = Provenance(device.provenance.notes + tuple(notes))
    return device.replace(calibrations=device.calibrations.updated(*made), provenance=provenance)


def _reaches(device: Device, template: CrossTemplate) -> bool:
    """Tell whether some amplitude up to 1 turns ZX by pi/2."""
    model = Model.from_device(device, (template.control, template.target), noise=False)
    return bool(np.isfinite(amplitude_for_cnot(model, template)))
