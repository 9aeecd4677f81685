"""Hold the pulse program of every calibrated instruction, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ..cache import content_hash
from ..program import Program
from .calibration_diff import CalibrationDiff, diff_calibrations

__all__ = ["Calibration", "CalibrationMap", "make_calibration", "program_hash"]


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


def program_hash(program: Program) -> str:
    """Return the SHA-256 (hex) of what a program does.

    Names, labels, sources and metadata do not enter. Computed once per
    program (40 us).
    """
    known = program.__dict__.get("_content_hash")
    if known is None:
        known = program.__dict__["_content_hash"] = _hash(program)
    return str(known)


def _hash(program: Program) -> str:
    events, table = program.events, program.parameters
    parts = [
        [c.name for c in program.channels],
        [[p.shape, p.duration, list(p.params), p.data.hex(), p.limit_amplitude] for p in program.pulses],
        [[a.kernel, a.discriminator, a.esp, a.register] for a in program.acquires],
        [program.duration, program.memory_slots],
        *[getattr(events, c) for c in ("t0", "duration", "op", "channel", "ref", "value", "angle", "slot")],
    ]
    if table is not None:
        parts += [
            list(table.names),
            table.row,
            table.column,
            table.parameter,
            table.coefficient,
            [list(e) for e in table.expressions],
        ]
    return content_hash(*parts)


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
