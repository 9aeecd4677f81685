"""Use a terra InstructionScheduleMap as a source of calibrations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import Parameter
from qiskit.pulse import Schedule, ScheduleBlock

from ..compiler.gate_table import Family, Head, Snippet
from .schedules import UnboundShape, snippet_from_schedule
from .templates import family_of_template

__all__ = ["MapSnippets", "definition_of"]

Key = Tuple[str, Tuple[int, ...]]


def definition_of(inst_map: Any, name: str, qubits: Tuple[int, ...]) -> Tuple[Any, Tuple[str, ...]]:
    """Return (schedule or callable, argument names) of an entry, without changing it.

    (None, ()) where the map has no such entry. ``InstructionScheduleMap.get``
    would write a "publisher" into the metadata of the stored schedule.
    """
    if not inst_map.has(name, qubits):
        return None, ()
    entry = inst_map._get_calibration_entry(name, qubits)
    signature = tuple(entry.get_signature().parameters)
    definition = entry._definition
    if isinstance(definition, (Schedule, ScheduleBlock)) or callable(definition):
        return definition, signature
    return None, ()


class MapSnippets:
    """Snippets made from a map on demand; the map is only read.

    Args:
        inst_map: InstructionScheduleMap.
        only_custom: leave out what the backend provided.
    """

    def __init__(self, inst_map: Any, *, only_custom: bool = False) -> None:
        self.inst_map = inst_map
        self.only_custom = only_custom
        self._known: Dict[Key, Union[Snippet, Family, None]] = {}

    def find(self, name: str, qubits: Tuple[int, ...]) -> Union[Snippet, Family, None]:
        """Return the snippet of an instruction, or None.

        A family where the entry is a Python function of parameters, or its
        shapes or times depend on them.
        """
        key = (name, qubits)
        if key not in self._known:
            self._known[key] = self._make(name, qubits)
        return self._known[key]

    def _make(self, name: str, qubits: Tuple[int, ...]) -> Union[Snippet, Family, None]:
        definition, signature = definition_of(self.inst_map, name, qubits)
        if definition is None and name == "measure":
            return self._from_group(qubits)
        if definition is None:
            return None
        if self.only_custom and not self.inst_map._get_calibration_entry(name, qubits).user_provided:
            return None
        if not isinstance(definition, (Schedule, ScheduleBlock)):
            if signature:
                return self._family(name, qubits, len(signature))
            definition = definition()
        try:
            return self._snippet(definition, name, qubits, signature)
        except UnboundShape:
            return self._template(definition, name, qubits, signature)

    def _template(self, definition: Any, name: str, qubits: Tuple[int, ...], signature: Sequence[str]) -> Family:
        names = tuple(f"P{k}" for k in range(len(signature)))
        head = Head(name, qubits, f"map:{name}:{list(qubits)}", signature=names)
        try:
            return family_of_template(definition, head, arguments_of(definition, signature), len(signature))
        except UnboundShape:
            return self._family(name, qubits, len(signature))

    def _family(self, name: str, qubits: Tuple[int, ...], arity: int) -> Family:
        def make(numbers: np.ndarray) -> List[Snippet]:
            return [one(row) for row in numbers.tolist()]

        def one(numbers: Sequence[float]) -> Snippet:
            whole = [int(v) if float(v).is_integer() else v for v in numbers]  # lengths must be integers
            bound = self._snippet(self.inst_map.get(name, qubits, *whole), name, qubits, ())
            return replace(bound, signature=tuple(f"P{k}" for k in range(arity)))

        return Family(make, arity)

    @staticmethod
    def _snippet(definition: Any, name: str, qubits: Tuple[int, ...], signature: Sequence[str]) -> Snippet:
        snippet = snippet_from_schedule(
            definition,
            name,
            qubits,
            arguments=arguments_of(definition, signature),
            arity=len(signature),
            id=f"map:{name}:{list(qubits)}",
        )
        return snippet.restrict(qubits) if name == "measure" and len(qubits) == 1 else snippet

    def _from_group(self, qubits: Tuple[int, ...]) -> Optional[Snippet]:
        for group in self.inst_map.qubits_with_instruction("measure"):
            members = group if isinstance(group, tuple) else (group,)
            if set(qubits) < set(members):
                whole = self.find("measure", members)
                return whole.restrict(qubits) if isinstance(whole, Snippet) else None
        return None


def arguments_of(definition: Any, signature: Sequence[str]) -> Dict[Parameter, int]:
    """Number a schedule's Parameters by the arguments of its entry.

    Several Parameters with one name are one argument, as in terra.
    """
    number = {name: k for k, name in enumerate(signature)}
    return {p: number[p.name] for p in definition.parameters if p.name in number}
