"""Say how two sets of calibrations differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional, Tuple

from .program_hash import program_hash

if TYPE_CHECKING:
    from .calibrations import Calibration, CalibrationMap

__all__ = ["CalibrationChange", "CalibrationDiff", "diff_calibrations"]

Key = Tuple[str, Tuple[int, ...]]


@dataclass(frozen=True)
class CalibrationChange:
    """One calibration that differs: its ids, and parameters as (old, new)."""

    name: str
    qubits: Tuple[int, ...]
    old_id: str
    new_id: str
    parameters: Mapping[str, Tuple[Optional[float], Optional[float]]] = field(default_factory=dict)
    duration: Tuple[int, int] = (0, 0)  # samples, old and new

    def __str__(self) -> str:
        where = f"{self.name}{list(self.qubits)}"
        details = [f"{k}: {_shown(a)} -> {_shown(b)}" for k, (a, b) in self.parameters.items()]
        if self.duration[0] != self.duration[1]:
            details.append(f"duration: {self.duration[0]} -> {self.duration[1]}")
        return f"{where}: {'; '.join(details) or 'pulses differ'} ({self.old_id} -> {self.new_id})"


@dataclass(frozen=True)
class CalibrationDiff:
    """What to do to the first set to get the second."""

    added: Tuple[Key, ...] = ()
    removed: Tuple[Key, ...] = ()
    changed: Tuple[CalibrationChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        lines = [f"+ {name}{list(qubits)}" for name, qubits in self.added]
        lines += [f"- {name}{list(qubits)}" for name, qubits in self.removed]
        lines += [f"~ {change}" for change in self.changed]
        return "\n".join(lines) or "no difference"


def diff_calibrations(a: "CalibrationMap", b: "CalibrationMap") -> CalibrationDiff:
    """Return how ``b`` differs from ``a``; what pulses do decides, not ids."""
    changed: List[CalibrationChange] = []
    for key in sorted(set(a.entries) & set(b.entries)):
        old, new = a.entries[key], b.entries[key]
        if program_hash(old.program) != program_hash(new.program):
            changed.append(_change(old, new))
    return CalibrationDiff(
        tuple(sorted(set(b.entries) - set(a.entries))), tuple(sorted(set(a.entries) - set(b.entries))), tuple(changed)
    )


def _change(old: "Calibration", new: "Calibration") -> CalibrationChange:
    parameters: Dict[str, Tuple[Optional[float], Optional[float]]] = {}
    for name in [*old.parameters, *(p for p in new.parameters if p not in old.parameters)]:
        pair = (old.parameters.get(name), new.parameters.get(name))
        if pair[0] != pair[1]:
            parameters[name] = pair
    durations = (old.program.duration, new.program.duration)
    return CalibrationChange(old.name, tuple(old.qubits), old.id, new.id, parameters, durations)


def _shown(value: Optional[float]) -> str:
    return "none" if value is None else f"{value:.6g}"
