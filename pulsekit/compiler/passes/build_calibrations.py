"""Build calibrations of rx, rzx and ecr where the device has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, List, Optional, Tuple

import numpy as np

from ...errors import CompilerError
from ...program import Program
from ..base import Pass
from ..cross_resonance import ecr_program, rx_program, rzx_program
from ..gates import GATE
from ..snippets import Snippet
from ..work import Note, Work

__all__ = ["BuildCalibrations"]

NAMES = ("rx", "rzx", "ecr")


@dataclass(frozen=True)
class BuildCalibrations(Pass):
    """Give gates without a calibration one made of the device's others.

    rx is sx at another amplitude, rzx and ecr are the cross-resonance echo
    inside cx. A circuit's own, the user's and the device's calibrations go
    before these.
    """

    user: Any = None  # the user's calibration lookup
    ensures: ClassVar[FrozenSet[str]] = frozenset({"built"})

    def run(self, work: Work) -> Work:
        """Return the work with overrides for the built gates, and a note per kind."""
        gates = work.gates
        wanted = [k for k, name in enumerate(gates.names) if name in NAMES]
        if not wanted:
            return work
        rows: List[int] = np.flatnonzero(
            np.isin(gates.name, wanted) & (gates.kind == GATE) & (gates.override < 0)
        ).tolist()
        override, overrides = gates.override.copy(), list(gates.overrides)
        made: Dict[Tuple[Any, ...], int] = {}
        symbolic = set(gates.symbols.slot.tolist())
        for row in rows:
            name, qubits = gates.names[gates.name[row]], gates.qubit_sets[gates.qubits[row]]
            if self._known(work, name, qubits):
                continue
            key = (name, qubits, gates.arguments(row) if name == "rzx" else ())
            if key not in made:
                if name == "rzx" and gates.param_at[row] in symbolic:
                    raise CompilerError(f"{gates.where(row)}: the angle of a built rzx must be bound, but it is not.")
                program = _build(work, name, qubits, gates.arguments(row))
                if program is None:
                    continue  # the lookup says what is missing
                made[key] = len(overrides)
                overrides.append(_snippet(name, qubits, program, key[2]))
            override[row] = made[key]
        if not made:
            return work
        notes: List[Note] = [
            Note("built", f"{k[0]} on qubits {list(k[1])}: built from the device's pulses.") for k in made
        ]
        return work.replace(gates=gates.replace(override=override, overrides=tuple(overrides))).noted(*notes)

    def _known(self, work: Work, name: str, qubits: Tuple[int, ...]) -> bool:
        if work.device.calibrations.get(name, qubits) is not None:
            return True
        return self.user is not None and self.user(name, qubits) is not None


def _build(work: Work, name: str, qubits: Tuple[int, ...], angles: Tuple[float, ...]) -> Optional[Program]:
    if name == "rx":
        return rx_program(work.device, *qubits)
    if name == "rzx":
        return rzx_program(work.device, *qubits, *angles)
    return ecr_program(work.device, *qubits)


def _snippet(name: str, qubits: Tuple[int, ...], program: Program, angles: Tuple[float, ...]) -> Snippet:
    table = program.parameters
    tag = ",".join(f"{a:.6g}" for a in angles)
    return Snippet(
        program,
        name,
        qubits,
        f"built:{name}({tag}):{'_'.join(map(str, qubits))}",
        signature=table.names if table is not None else (),
    )
