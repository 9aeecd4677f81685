"""Hold what the steps of a vendor import share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from ..program import Program
from .calibrations import CalibrationMap
from .hamiltonian import HamiltonianTerms
from .model import ControlLine, DriveLine
from .notes import Notes
from .vendor import VendorFiles, angular_unit

__all__ = ["Import", "command_of"]


@dataclass
class Import:
    """What the steps of an import share."""

    files: VendorFiles
    terms: HamiltonianTerms
    notes: Notes
    freqs: List[float]
    meas_freqs: List[float]
    dt: float
    calibrations: CalibrationMap
    anharmonicities: List[float] = field(default_factory=list)
    drives: Tuple[DriveLine, ...] = ()
    controls: Tuple[ControlLine, ...] = ()

    @property
    def n(self) -> int:
        return self.files.n_qubits

    @property
    def unit(self) -> float:
        """Hz per unit of the Hamiltonian's variables."""
        return angular_unit(max((abs(w) for w in self.terms.frequency.values()), default=0.0))


def command_of(work: Import, name: str, *qubits: int) -> Optional[Program]:
    """Return the program of a vendor's command, or None."""
    calibration = work.calibrations.get(name, qubits)
    return None if calibration is None else calibration.program
