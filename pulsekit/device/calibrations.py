"""Hold the pulse program of every calibrated instruction, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ..program import Program
from .calibration_diff import CalibrationDiff, diff_calibrations
from .program_hash import program_hash

__all__ = ["Calibration", "CalibrationMap", "make_calibration"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """The program of one instruction on given qubits.

    ``program.parameters`` names the instruction's own parameters, in order
    ("P0", "P1", ...), where it has some.
    """

    name: str  # "sx", "cx", "measure", "x12", "measure_esp"
    qubits: Tuple[int, ...]
    program: Program
    id: str = ""  # content hash and name: "sx:0:1f3a..."
    date: str = ""  # ISO 8601
    source: str = "device"  # "vendor", "tuned", "user", ...
    parameters: Mapping[str, float] = field(default_factory=dict)  # the numbers behind the pulses


@dataclass(frozen=True, eq=False)
class CalibrationMap:
    """Calibrations by instruction name and qubits; never changed in place."""

    entries: Mapping[Tuple[str, Tuple[int, ...]], Calibration] = field(default_factory=dict)
    version: str = "1"

    def get(self, name: str, qubits: Tuple[int, ...]) -> Optional[Calibration]:
        """Return the calibration, or None."""
        return self.entries.get((name, tuple(qubits)))

    def __contains__(self, key: Tuple[str, Tuple[int, ...]]) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[Calibration]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def updated(self, *calibrations: Calibration) -> "CalibrationMap":
        """Return a map with some entries added or exchanged."""
        entries: Dict[Tuple[str, Tuple[int, ...]], Calibration] = dict(self.entries)
        for calibration in calibrations:
            entries[(calibration.name, tuple(calibration.qubits))] = calibration
        return CalibrationMap(entries, self.version)

    @staticmethod
    def diff(a: "CalibrationMap", b: "CalibrationMap") -> CalibrationDiff:
        """Return how two sets differ: added, removed and changed, with their parameters."""
        return diff_calibrations(a, b)


def make_calibration(
    name: str,
    qubits: Tuple[int, ...],
    program: Program,
    *,
    source: str = "device",
    date: str = "",
    parameters: Optional[Mapping[str, float]] = None,
) -> Calibration:
    """Return a calibration whose id names its content."""
    key = f"{name}:{','.join(map(str, qubits))}:{program_hash(program)[:12]}"
    return Calibration(name, tuple(qubits), program, key, date, source, dict(parameters or {}))
