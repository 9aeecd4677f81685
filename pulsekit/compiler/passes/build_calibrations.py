"""Build calibrations of rx, rzx and ecr where the device has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, List, Optional, Tuple

import numpy as np

from ...errors import CompilerError
from ...program import Program
from ...program.expressions import FUNCTIONS
from ..base import Pass
from ..binding import bound_params, slots_of
from ..cross_resonance import ecr_program, rx_program, rzx_program
from ..gates import GATE, GateTable, Symbols
from ..snippets import Snippet
from ..work import Note, Work

__all__ = ["BuildCalibrations"]

NAMES = ("rx", "rzx", "ecr")


@dataclass(frozen=True)
class BuildCalibrations(Pass):
    """Give gates without a calibration one made of the device's others.

    rx is sx at another amplitude, rzx and ecr are the cross-resonance echo
    inside cx. Angles are taken modulo a full turn, which changes the global
    phase only. A circuit's own, the user's and the device's calibrations go
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
        symbolic = {*gates.symbols.slot.tolist(), *(slot for slot, _ in gates.symbols.expressions)}
        turned: List[int] = []  # rows of rx
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
            if name == "rx":
                turned.append(row)
        if not made:
            return work
        users: Dict[str, Dict[int, None]] = {}  # circuits
        for row in np.flatnonzero(override != gates.override).tolist():
            text = f"{gates.names[gates.name[row]]} on qubits {list(gates.qubit_sets[gates.qubits[row]])}"
            users.setdefault(text, {})[int(gates.circuit[row])] = None
        notes = [Note("built", f"{k}: built from the device's pulses.", tuple(v)) for k, v in users.items()]
        gates = gates.replace(override=override, overrides=tuple(overrides))
        return work.replace(gates=_wrapped(gates, gates.param_at[turned]) if turned else gates).noted(*notes)

    def _known(self, work: Work, name: str, qubits: Tuple[int, ...]) -> bool:
        if work.device.calibrations.get(name, qubits) is not None:
            return True
        return self.user is not None and self.user(name, qubits) is not None


def _wrapped(gates: GateTable, slots: np.ndarray) -> GateTable:
    """Return the gates with the angles in some parameter slots in -pi..pi.

    Angles that stay symbolic are wrapped where they are bound, unless it is
    known that no point needs that.
    """
    params, symbols = gates.params.copy(), gates.symbols
    free = np.zeros(len(params), dtype=bool)
    free[symbols.slot] = True
    free[[slot for slot, _ in symbols.expressions]] = True
    fixed = slots[~free[slots]]
    params[fixed] = FUNCTIONS["wrap"](params[fixed])
    far = set(slots[free[slots] & ~_within_a_turn(gates)[slots]].tolist())
    if not far:
        return gates.replace(params=params)
    parts: Dict[int, List[Any]] = {slot: [("number", float(params[slot]))] for slot in sorted(far)}
    for slot, parameter, factor in zip(*(column.tolist() for column in symbols[:3])):
        if slot in far:
            parts[slot].append(("mul", ("number", factor), ("parameter", parameter)))
    for slot, tree in symbols.expressions:
        if slot in far:
            parts[slot].append(tree)
    params[list(far)] = 0.0
    kept = ~np.isin(symbols.slot, list(far))
    trees = [(slot, tree) for slot, tree in symbols.expressions if slot not in far]
    trees += [(slot, ("wrap", ("add", *terms))) for slot, terms in parts.items()]
    affine = (symbols.slot[kept], symbols.parameter[kept], symbols.coefficient[kept])
    return gates.replace(params=params, symbols=Symbols(*affine, tuple(trees)))


def _within_a_turn(gates: GateTable) -> np.ndarray:
    """Tell which parameter slots stay in -pi..pi at every point that will be bound, bool[slots]."""
    near = np.zeros(len(gates.params), dtype=bool)
    for circuit, theta in enumerate(gates.points):
        near[slots_of(gates, circuit)] = (np.abs(bound_params(gates, circuit, theta)) <= np.pi).all(axis=0)
    return near


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
