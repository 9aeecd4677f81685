"""Give every gate the calibration that terra's schedule() would give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, List, Optional, Sequence, Tuple

import numpy as np
from qiskit.pulse.exceptions import PulseError

from ..compiler.base import Pass
from ..compiler.gates import BARRIER, DELAY, MEASURE, GateTable
from ..compiler.passes.lookup import delay_snippet
from ..compiler.snippets import Snippet
from ..compiler.work import Work
from ..errors import CompilerError
from ..interop.terra_mode import TerraMaps

__all__ = ["TerraLookup"]

NOT_IN_BASIS = 7000  # "instruction not in basis gates"


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
        snippets = tuple(found.snippets) + tuple(b for b in gates.overrides if isinstance(b, Snippet))
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
