"""What the hardware is: transmons, couplings, lines, readout, calibrations."""

from .builders import Disorder
from .calibration_diff import CalibrationChange, CalibrationDiff
from .calibrations import Calibration, CalibrationMap
from .drift import Drift
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
    "CalibrationChange",
    "CalibrationDiff",
    "CalibrationMap",
    "ControlLine",
    "Coupling",
    "Crosstalk",
    "Device",
    "Disorder",
    "Drift",
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
