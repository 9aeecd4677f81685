"""Find calibrations where terra's schedule() finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.providers import BackendV2
from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.exceptions import PulseError

from ..compiler.base import Pass
from ..compiler.gates import BARRIER, DELAY, MEASURE, GateTable
from ..compiler.passes.lookup import delay_snippet
from ..compiler.snippets import Snippet
from ..compiler.work import Work
from ..errors import CompilerError
from .flatten import flat_instructions, flatten
from .map_cache import fresh
from .maps import arguments_of, definition_of
from .timing import timed_snippet

__all__ = ["TerraLookup", "TerraMaps", "own_snippet"]

NOT_IN_BASIS = 7000


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


def own_snippet(schedule: Any, name: str, qubits: Tuple[int, ...], order: Any = None) -> Snippet:
    """Return the snippet of a circuit's own calibration."""
    found = timed_snippet(*flatten(schedule), name, qubits, fixed=name == "measure")
    assert found is not None
    return found


@dataclass(frozen=True)
class TerraLookup(Pass):
    """Give every gate the snippet that terra would give it."""

    maps: Optional[TerraMaps] = None
    ensures: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work with ``snippets``, ``snippet`` and ``duration``."""
        gates = work.gates
        found = _Found(work, self.maps)
        plain = np.flatnonzero((gates.override < 0) & (gates.kind != BARRIER))
        width = max(len(gates.qubit_sets), 1)
        key = gates.name[plain].astype(np.int64) * width + gates.qubits[plain]
        first = np.full(int(key.max()) + 1 if key.size else 1, -1, dtype=np.int64)
        first[key[::-1]] = plain[::-1]
        table = np.full(len(first), -1, dtype=np.int32)
        snippet = np.full(len(gates), -1, dtype=np.int32)
        special: List[int] = []
        for k in np.flatnonzero(first >= 0).tolist():
            number = found.number(int(first[k]))
            if number is None:
                special.append(k)
            else:
                table[k] = number
        snippet[plain] = table[key]
        symbolic = np.zeros(len(gates), dtype=bool)
        if gates.originals:
            slots = np.array([s for s, p in gates.originals.items() if _unbound(p)], dtype=np.int64)
            symbolic = (gates.param_count > 0) & np.isin(gates.param_at, slots) & (gates.override < 0)
        marked = np.zeros(len(first), dtype=bool)
        marked[special] = True
        for row in plain[marked[key] | symbolic[plain]].tolist():
            snippet[row] = found.instance(row)
        own = gates.override >= 0
        snippet[own] = gates.override[own] + len(found.snippets)
        snippets = tuple(found.snippets) + gates.overrides
        duration = np.array([s.duration for s in snippets] + [0], dtype=np.int64)[snippet]
        delays = np.flatnonzero(gates.kind == DELAY)
        duration[delays] = np.rint(gates.params[gates.param_at[delays]]).astype(np.int64)
        return work.replace(snippets=snippets, snippet=snippet, duration=duration)


def _unbound(params: Sequence[Any]) -> bool:
    return any(getattr(p, "parameters", None) for p in params)


class _Found:
    """Snippets so far, and how to make more."""

    def __init__(self, work: Work, maps: Any) -> None:
        self.gates: GateTable = work.gates
        self.maps: TerraMaps = maps
        self.snippets: List[Snippet] = []
        self.instances: Dict[Any, int] = {}

    def _place(self, row: int) -> Tuple[int, str, Tuple[int, ...]]:
        gates = self.gates
        return int(gates.kind[row]), gates.names[gates.name[row]], gates.qubit_sets[gates.qubits[row]]

    def number(self, row: int) -> Optional[int]:
        """Return the index of the snippet of any gate like ``row``; None: needs its parameters."""
        kind, name, qubits = self._place(row)
        try:
            if kind == DELAY:
                snippet: Optional[Snippet] = delay_snippet(qubits)
            elif kind == MEASURE and name == "measure":
                snippet = self.maps.measure(qubits[0])
            else:
                snippet = self.maps.gate(name, qubits, int(self.gates.param_count[row]))
        except (CompilerError, PulseError, KeyError) as error:
            raise self._missing(row) from error
        if snippet is None:
            return None
        self.snippets.append(snippet)
        return len(self.snippets) - 1

    def instance(self, row: int) -> int:
        """Return the index of the snippet of a gate with its parameters bound."""
        kind, name, qubits = self._place(row)
        gates = self.gates
        params = gates.originals.get(int(gates.param_at[row])) if gates.param_count[row] else ()
        if params is None:
            params = gates.arguments(row)
        if kind == DELAY:
            raise CompilerError(f"{gates.where(row)}: delays must have a number, but {params[0]} is not bound.")
        key = (name, qubits, tuple(params))
        if key not in self.instances:
            try:
                self.snippets.append(self.maps.instance(name, qubits, params))
            except (PulseError, KeyError) as error:
                raise self._missing(row) from error
            self.instances[key] = len(self.snippets) - 1
        return self.instances[key]

    def _missing(self, row: int) -> CompilerError:
        return CompilerError(
            f"{self.gates.where(row)}: every instruction must be in the instruction map, but it is not there with "
            f"{int(self.gates.param_count[row])} parameters. Transpile the circuit for the same backend.",
            code=NOT_IN_BASIS,
        )
