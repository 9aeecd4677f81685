"""Sequence gates under constraints: together, apart, at a distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple, Union

import networkx as nx
import numpy as np

from ...device import Device
from ...errors import CompilerError
from ..base import Pass
from ..gates import DELAY, GateTable
from ..work import Work
from .group_starts import topological_order
from .sequencing import Sequence as SequencePass

__all__ = ["Constraint", "MinimumDistance", "NeighboursIdle", "NotOverlapping", "SequenceConstrained", "StartTogether"]


@dataclass(frozen=True)
class StartTogether:
    """Gates of a circuit that start at one time."""

    instructions: Tuple[int, ...]  # positions in the circuit
    circuit: int = 0


@dataclass(frozen=True)
class NotOverlapping:
    """Gates of a circuit of which only one plays at a time, in their order."""

    instructions: Tuple[int, ...]
    circuit: int = 0


@dataclass(frozen=True)
class MinimumDistance:
    """A gate that starts no sooner than some time after another one ends."""

    first: int
    second: int
    samples: int
    circuit: int = 0


@dataclass(frozen=True)
class NeighboursIdle:
    """Gates during which the neighbours of their qubits do nothing."""

    names: Optional[Tuple[str, ...]] = None  # None: every gate of two qubits or more

    def concerns(self, name: str, qubits: Sequence[int]) -> bool:
        """Tell whether neighbours must idle during a gate."""
        return len(qubits) > 1 if self.names is None else name in self.names


Constraint = Union[StartTogether, NotOverlapping, MinimumDistance, NeighboursIdle]


@dataclass(frozen=True)
class SequenceConstrained(Pass):
    """Place blocks where their qubits, and what they must not share, are free.

    A constraint becomes a wire more that gates take as they take qubits: two
    gates that must not overlap share one, a distance is a delay on one.
    ``conflicts`` is a graph of qubit tuples: gates on two adjacent nodes never
    play at the same time.
    """

    constraints: Tuple[Constraint, ...] = ()
    conflicts: Optional[nx.Graph] = None
    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"sequenced"})

    def run(self, work: Work) -> Work:
        """Return the work with ``start`` and ``total``, rows maybe in another order.

        Raises:
            CompilerError: a constraint that names no gate, or that a
                dependency of its gates forbids.
        """
        work = _joined(work, [c for c in self.constraints if isinstance(c, StartTogether)])
        wires = _Wires(work)
        for constraint in self.constraints:
            wires.add(constraint)
        if self.conflicts is not None:
            wires.add_conflicts(self.conflicts)
        wider, rows = wires.widened()
        placed = SequencePass().run(wider)
        assert placed.start is not None
        return work.replace(start=placed.start[rows], total=placed.total)


def row_of(gates: GateTable, circuit: int, instruction: int) -> int:
    """Return the row of an instruction.

    Raises:
        CompilerError: there is none.
    """
    found = np.flatnonzero((gates.circuit == circuit) & (gates.index == instruction))
    if not found.size:
        raise CompilerError(
            f"A constraint must name instructions that exist, but circuit {circuit} has no instruction {instruction}."
        )
    return int(found[0])


def _joined(work: Work, together: Sequence[StartTogether]) -> Work:
    """Make blocks of the gates that start together."""
    if not together:
        return work
    gates, n = work.gates, len(work.gates)
    leader = _leaders(work.block, n)
    offset = np.zeros(n, dtype=np.int64) if work.offset is None else work.offset.copy()
    for constraint in together:
        rows = sorted(row_of(gates, constraint.circuit, k) for k in constraint.instructions)
        for row in rows[1:]:
            leader[leader == leader[row]] = leader[rows[0]]
        offset[rows] = offset[rows[0]]
    order = np.arange(n)
    ptr = gates.circuit_ptr
    for c in {constraint.circuit for constraint in together}:
        lo, hi = int(ptr[c]), int(ptr[c + 1])
        wires = [gates.qubit_sets[s] for s in gates.qubits[lo:hi].tolist()]
        placed = topological_order(wires, (leader[lo:hi] - lo).tolist())
        if placed is None:
            names = [constraint.instructions for constraint in together if constraint.circuit == c]
            raise CompilerError(
                f"circuit {c} ({gates.circuits[c].name!r}): gates that start together must not depend on one another, "
                f"but some of {names} do."
            )
        order[lo:hi] = lo + placed
    work = work.replace(offset=offset).reorder(order)
    new = np.ones(n, dtype=bool)
    new[1:] = leader[order][1:] != leader[order][:-1]
    return work.replace(block=np.cumsum(new).astype(np.int32) - 1)


def _leaders(block: Optional[np.ndarray], n: int) -> np.ndarray:
    if block is None:
        return np.arange(n)
    first = np.unique(block, return_index=True)[1]
    return first[np.searchsorted(block[first], block)].astype(np.int64)


class _Wires:
    """Collect the wires that gates take beside their qubits."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.next = 1 + max((q for s in work.gates.qubit_sets for q in s), default=0)
        self.extra: Dict[int, Set[int]] = {}  # row -> wires
        self.gaps: List[Tuple[int, int, int]] = []  # (after row, wire, samples)

    def _share(self, rows: Sequence[int]) -> int:
        wire, self.next = self.next, self.next + 1
        for row in rows:
            self.extra.setdefault(row, set()).add(wire)
        return wire

    def add(self, constraint: Any) -> None:
        """Translate one constraint."""
        gates = self.work.gates
        if isinstance(constraint, NotOverlapping):
            self._share([row_of(gates, constraint.circuit, k) for k in constraint.instructions])
        elif isinstance(constraint, MinimumDistance):
            first = row_of(gates, constraint.circuit, constraint.first)
            second = row_of(gates, constraint.circuit, constraint.second)
            if second <= first or constraint.samples < 0:
                raise CompilerError(
                    f"A minimum distance must go from an earlier to a later instruction, but {constraint} came."
                )
            self.gaps.append((first, self._share([first, second]), int(constraint.samples)))
        elif isinstance(constraint, NeighboursIdle):
            self._idle(constraint)
        elif not isinstance(constraint, StartTogether):
            raise CompilerError(f"Argument `constraints` must hold constraints, but {constraint!r} came.")

    def _idle(self, constraint: NeighboursIdle) -> None:
        near = neighbours(self.work.device)
        for row, qubits, name in _gates(self.work):
            if constraint.concerns(name, qubits):
                around = {n for q in qubits for n in near.get(q, ())} - set(qubits)
                self.extra.setdefault(row, set()).update(around)

    def add_conflicts(self, graph: nx.Graph) -> None:
        """Let gates on adjacent nodes share a wire."""
        nodes: Dict[FrozenSet[int], List[int]] = {}
        for a, b in graph.edges:
            wire, self.next = self.next, self.next + 1
            for node in (a, b):
                nodes.setdefault(frozenset(node), []).append(wire)
        for row, qubits, _ in _gates(self.work):
            wires = nodes.get(frozenset(qubits))
            if wires:
                self.extra.setdefault(row, set()).update(wires)

    def widened(self) -> Tuple[Work, np.ndarray]:
        """Return the work with all wires, and where its rows are in it."""
        work, gates = self.work, self.work.gates
        n = len(gates)
        sets, qubits = list(gates.qubit_sets), gates.qubits.copy()
        for row, wires in self.extra.items():
            qubits[row] = len(sets)
            sets.append(tuple(gates.qubit_sets[gates.qubits[row]]) + tuple(sorted(wires)))
        block = np.arange(n, dtype=np.int64) if work.block is None else work.block.astype(np.int64)
        last = np.searchsorted(block, block, side="right") - 1  # of each row's block
        source = np.concatenate([np.arange(n), np.array([last[g[0]] for g in self.gaps], dtype=np.int64)])
        order = np.argsort(source, kind="stable")
        wider = work.replace(gates=gates.replace(qubits=qubits, qubit_sets=tuple(sets)), block=block.astype(np.int32))
        wider = wider.reorder(source)  # with the rows of gaps repeated
        assert wider.duration is not None and wider.block is not None
        duration, fresh = wider.duration.copy(), wider.block.copy()
        columns = {"qubits": wider.gates.qubits.copy(), "kind": wider.gates.kind.copy()}
        for k, (_, wire, samples) in enumerate(self.gaps):
            columns["qubits"][n + k], columns["kind"][n + k] = len(sets), DELAY
            sets.append((wire,))
            duration[n + k], fresh[n + k] = samples, n + k
        zeros = {
            name: np.where(np.arange(n + len(self.gaps)) < n, column, 1 if name == "grid" else 0)
            for name, column in (("offset", wider.offset), ("anchor", wider.anchor), ("grid", wider.grid))
            if column is not None
        }
        table = wider.gates.replace(qubit_sets=tuple(sets), **columns)
        wider = wider.replace(gates=table, duration=duration, block=fresh, **zeros).reorder(order)
        return wider, np.argsort(order, kind="stable")[:n]


def _gates(work: Work) -> Iterator[Tuple[int, Tuple[int, ...], str]]:
    """Yield (row, qubits, name) of everything that plays."""
    gates = work.gates
    assert work.duration is not None
    for row in np.flatnonzero((work.duration > 0) & (gates.kind != DELAY)).tolist():
        yield row, gates.qubit_sets[gates.qubits[row]], gates.names[gates.name[row]]


def neighbours(device: Device) -> Dict[int, Set[int]]:
    """Return the qubits that each qubit is coupled to."""
    near: Dict[int, Set[int]] = {}
    for a, b in [*device.coupling_map, *(c.qubits for c in device.couplings)]:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    return near
