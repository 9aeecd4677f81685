"""What the hardware is: transmons, couplings, lines, readout, calibrations."""

from .builders import Disorder
from .calibrations import Calibration, CalibrationMap
from .model import (
    ControlLine,
    Coupling,
    Crosstalk,
    Device,
    DriveLine,
    Limits,
    ReadoutSpec,
    Resonator,
    Timing,
    Transmon,
)
from .provenance import Note, Provenance
from .snapshots import snapshots

__all__ = [
    "Calibration",
    "CalibrationMap",
    "ControlLine",
    "Coupling",
    "Crosstalk",
    "Device",
    "Disorder",
    "DriveLine",
    "Limits",
    "Note",
    "Provenance",
    "ReadoutSpec",
    "Resonator",
    "Timing",
    "Transmon",
    "snapshots",
]
