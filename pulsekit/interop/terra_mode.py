"""Find calibrations where terra's schedule() finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from qiskit.providers import BackendV2
from qiskit.pulse import Schedule, ScheduleBlock

from ..compiler.gate_table import Snippet
from ..errors import CompilerError
from .bodies import OwnBody
from .flatten import flat_instructions, flatten
from .map_cache import fresh
from .maps import arguments_of, definition_of
from .timing import timed_snippet

__all__ = ["TerraMaps", "own_snippets"]


@dataclass(frozen=True, eq=False)
class TerraMaps:
    """Where terra looks: an instruction map, and for measures a meas_map or a target."""

    inst_map: Any
    meas_map: Any  # list of groups, or {qubit: group}
    backend: Any = None
    _parts: Dict[int, "_Parts"] = field(default_factory=dict)  # of this call

    def gate(self, name: str, qubits: Tuple[int, ...], arity: int) -> Optional[Snippet]:
        """Return a snippet that serves any parameters, or None where there is no such.

        Raises:
            CompilerError: there is no such entry at all.
        """
        definition, signature = definition_of(self.inst_map, name, qubits)
        if definition is None:
            raise CompilerError("missing")
        if not isinstance(definition, (Schedule, ScheduleBlock)) or len(signature) != arity:
            return None
        if isinstance(definition, ScheduleBlock) and not definition.is_schedulable():
            return None

        def make() -> Optional[Snippet]:
            arguments = arguments_of(definition, signature)
            if len(definition.parameters) != len(arguments):
                return None
            return timed_snippet(*flatten(definition), name, qubits, arguments, arity)

        return fresh(self.inst_map, (name, qubits, arity), definition, make)

    def instance(self, name: str, qubits: Tuple[int, ...], params: Sequence[Any]) -> Snippet:
        """Return the snippet for given parameters (terra does the binding)."""
        schedule = self.inst_map.get(name, qubits, *params)
        found = timed_snippet(*flatten(schedule), name, qubits)
        assert found is not None
        return found

    def measure(self, qubit: int) -> Snippet:
        """Return one qubit's part of the measurement that terra would choose."""
        if isinstance(self.backend, BackendV2):
            schedule = self.backend.target.get_calibration("measure", (qubit,))
            owner: Any = self.backend
            kinds: Tuple[str, ...] = ("MeasureChannel", "AcquireChannel")
        else:
            schedule, _ = definition_of(self.inst_map, "measure", self._group(qubit))
            owner, kinds = self.inst_map, ()
        if schedule is None:
            raise CompilerError("missing")
        if id(schedule) not in self._parts:
            key = ("measure", id(schedule), kinds)
            self._parts[id(schedule)] = fresh(owner, key, schedule, lambda: _Parts(schedule, kinds))
        return self._parts[id(schedule)].of(qubit)

    def _group(self, qubit: int) -> Tuple[int, ...]:
        if isinstance(self.meas_map, Mapping):
            return tuple(self.meas_map[qubit])
        groups = [g for g in self.meas_map if qubit in g]
        if not groups:
            raise CompilerError("missing")
        return tuple(sorted(groups[-1]))


class _Parts:
    """A measurement of several qubits, cut into one snippet per qubit."""

    def __init__(self, schedule: Any, kinds: Tuple[str, ...]) -> None:
        self.schedule = schedule  # kept alive: it is known by its id
        self.by_index: Dict[int, List[Tuple[int, Any]]] = {}
        for t0, instruction in flat_instructions(schedule):
            if not kinds or type(instruction.channel).__name__ in kinds:
                self.by_index.setdefault(instruction.channel.index, []).append((t0, instruction))
        self.made: Dict[int, Snippet] = {}

    def of(self, qubit: int) -> Snippet:
        """Return the snippet of what is on channels with the qubit's number."""
        if qubit not in self.made:
            timed = self.by_index.get(qubit, [])
            found = timed_snippet(timed, max((t + i.duration for t, i in timed), default=0), "measure", (qubit,))
            assert found is not None
            self.made[qubit] = found
        return self.made[qubit]


def own_snippets(bodies: Sequence[OwnBody]) -> List[Snippet]:
    """Return the snippets of circuits' own calibrations."""
    out = []
    for schedule, name, qubits, _ in bodies:
        found = timed_snippet(*flatten(schedule), name, qubits, fixed=name == "measure")
        assert found is not None
        out.append(found)
    return out
