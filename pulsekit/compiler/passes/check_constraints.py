"""Verify that finished programs keep the constraints that they were made under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet, List, NoReturn, Optional, Sequence, Tuple

import networkx as nx

from ...errors import CompilerError
from ...program import Program
from ..base import Pass
from ..spans import Span, first_overlap, node_spans, playing, qubit_spans
from ..work import Work
from .constraints import Constraint, MinimumDistance, NeighboursIdle, NotOverlapping, StartTogether, neighbours, row_of

__all__ = ["CheckConstraints"]


@dataclass(frozen=True)
class CheckConstraints(Pass):
    """Judge starts and lengths as they came out, inserted pulses included."""

    constraints: Tuple[Constraint, ...] = ()
    conflicts: Optional[nx.Graph] = None
    requires: ClassVar[FrozenSet[str]] = frozenset({"sequenced", "lowered"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"constrained"})

    def run(self, work: Work) -> Work:
        """Return the work as it is.

        Raises:
            CompilerError: the first constraint that is broken, and by what.
        """
        for constraint in self.constraints:
            if not isinstance(constraint, NeighboursIdle):
                _check_instructions(work, constraint)
        idle = [c for c in self.constraints if isinstance(c, NeighboursIdle)]
        for program in work.programs if idle or self.conflicts is not None else ():
            spans = playing(program)
            _check_idle(work, program, spans, idle)
            if self.conflicts is not None:
                _check_conflicts(program, node_spans(program, spans), self.conflicts)
        return work


def _check_instructions(work: Work, constraint: Constraint) -> None:
    """Check a constraint that names instructions."""
    assert work.start is not None and work.duration is not None
    if isinstance(constraint, MinimumDistance):
        named: Sequence[int] = (constraint.first, constraint.second)
        least = constraint.samples
    elif isinstance(constraint, (StartTogether, NotOverlapping)):
        named, least = sorted(constraint.instructions), 0
    else:
        return
    rows = [row_of(work.gates, constraint.circuit, k) for k in named]
    for before, after in zip(rows[:-1], rows[1:]):
        start, gap = int(work.start[after]), int(work.start[after] - work.start[before])
        kept = gap == 0 if isinstance(constraint, StartTogether) else gap - int(work.duration[before]) >= least
        if not kept:
            _refuse(constraint, f"{work.gates.where(after)} starts at {start}, {gap} samples after {named[0]}")


def _check_idle(work: Work, program: Program, spans: List[Tuple[int, Span]], idle: Sequence[NeighboursIdle]) -> None:
    if not idle:
        return
    near, taken = neighbours(work.device), qubit_spans(program, spans)
    for source, span in spans:
        gate = program.sources[source]
        for constraint in idle:
            if not constraint.concerns(gate.name, gate.qubits):
                continue
            for qubit in {n for q in gate.qubits for n in near.get(q, ())} - set(gate.qubits):
                found = first_overlap([span], taken.get(qubit, ()))
                if found is not None:
                    _refuse(constraint, f"qubit {qubit} plays at {found[1]} while `{gate.name}` plays at {span}")


def _check_conflicts(program: Program, nodes: Dict[FrozenSet[int], List[Span]], graph: nx.Graph) -> None:
    for a, b in graph.edges:
        found = first_overlap(nodes.get(frozenset(a), ()), nodes.get(frozenset(b), ()))
        if found is not None:
            raise CompilerError(
                f"program {program.name!r}: gates on {a} and {b} must not play at the same time, but they do, at "
                f"{found[0]} and {found[1]} samples."
            )


def _refuse(constraint: Constraint, fact: str) -> NoReturn:
    raise CompilerError(f"Constraint {constraint} must hold, but {fact}.")
