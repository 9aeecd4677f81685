"""Let the acquires of a measure group start together.

The qubits of a ``meas_map`` group share their acquisition: in device mode, a
measure joins the group's earliest acquire if nothing that it depends on
forbids that; else it is one of a later acquire. Joined measures form a block,
in which the members with less to play before their acquire wait.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet, List, Optional, Sequence, Tuple

import numpy as np

from ..base import Pass
from ..gates import MEASURE, GateTable
from ..work import Work

__all__ = ["JoinMeasureGroups", "topological_order"]


@dataclass(frozen=True)
class JoinMeasureGroups(Pass):
    """Put the measures that can start together into one block.

    Linear in the number of gates where circuits end in their measures; else
    linear in the gates times the number of acquires.
    """

    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"grouped"})

    def run(self, work: Work) -> Work:
        """Return the work with ``block``, ``offset`` and ``anchor``."""
        gates = work.gates
        assert work.snippet is not None
        n = len(gates)
        order, leader = np.arange(n), np.arange(n)
        group = _group_of_rows(work)
        ptr = gates.circuit_ptr
        rows = np.flatnonzero(group >= 0)
        final = _final_circuits(gates, rows)
        _join_final(gates, group, rows[final[gates.circuit[rows]]], order, leader)
        measured = np.bincount(gates.circuit[rows], minlength=len(gates.circuits))
        for circuit in np.flatnonzero((measured > 1) & ~final).tolist():
            lo, hi = int(ptr[circuit]), int(ptr[circuit + 1])
            order[lo:hi], leader[lo:hi] = _join(gates, group, lo, hi)
        leader = leader[order]
        work = work.reorder(order) if (order != np.arange(n)).any() else work
        return _placed(work, leader)


def _group_of_rows(work: Work) -> np.ndarray:
    """Return each row's measure group, int64[gates]; -1 for what does not acquire."""
    gates, owner = work.gates, {q: g for g, qubits in enumerate(work.device.meas_map) for q in qubits}
    assert work.snippet is not None
    anchors = np.array([s.anchor for s in work.snippets] + [-1], dtype=np.int64)[work.snippet]
    lone = len(work.device.meas_map)
    of_set = np.array([owner.get(s[0], lone + s[0]) if len(s) == 1 else -1 for s in gates.qubit_sets] or [-1])
    return np.where((gates.kind == MEASURE) & (anchors >= 0), of_set[gates.qubits], -1)


def _placed(work: Work, leader: np.ndarray) -> Work:
    """Set blocks, and offsets that line the members' acquires up."""
    assert work.snippet is not None
    anchors = np.array([s.anchor for s in work.snippets] + [-1], dtype=np.int64)[work.snippet]
    new = np.ones(len(leader), dtype=bool)
    new[1:] = leader[1:] != leader[:-1]
    block = np.cumsum(new).astype(np.int32) - 1
    offset = np.zeros(len(leader), dtype=np.int64)
    shared = ~new
    shared[:-1] |= ~new[1:]
    rows = np.flatnonzero(shared)
    if rows.size:
        latest = np.zeros(int(block[-1]) + 1, dtype=np.int64)
        np.maximum.at(latest, block[rows], anchors[rows])
        offset[rows] = latest[block[rows]] - anchors[rows]
    return work.replace(block=block, offset=offset, anchor=np.maximum(anchors, 0))


def _join(gates: GateTable, group: np.ndarray, lo: int, hi: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return the new order of one circuit's rows and each row's block leader."""
    sets = [gates.qubit_sets[s] for s in gates.qubits[lo:hi].tolist()]
    slots = [gates.clbit_sets[c] if c >= 0 else () for c in gates.clbits[lo:hi].tolist()]
    wires = [tuple(s) + tuple(-1 - c for c in cs) for s, cs in zip(sets, slots)]
    leader = _assign(wires, group[lo:hi].tolist())
    order = topological_order(wires, leader)
    assert order is not None  # _assign closes no circle
    return lo + order, lo + np.array(leader, dtype=np.int64)


def _final_circuits(gates: GateTable, rows: np.ndarray) -> np.ndarray:
    """Tell which circuits' measures, of different qubits, follow one another without a break."""
    final = np.ones(len(gates.circuits), dtype=bool)
    circuit = gates.circuit[rows].astype(np.int64)
    broken = (np.diff(rows) != 1) & (np.diff(circuit) == 0)
    final[circuit[1:][broken]] = False
    for column, sets in ((gates.qubits, gates.qubit_sets), (gates.clbits, gates.clbit_sets)):
        key = np.sort(circuit * (len(sets) + 1) + column[rows] + 1)
        final[key[1:][np.diff(key) == 0] // (len(sets) + 1)] = False
    return final


def _join_final(gates: GateTable, group: np.ndarray, rows: np.ndarray, order: np.ndarray, leader: np.ndarray) -> None:
    """Sort final measures by group, in place; all circuits at once."""
    circuit = gates.circuit[rows]
    by_group = rows[np.lexsort((group[rows], circuit))]
    order[rows] = by_group
    first = np.ones(rows.size, dtype=bool)
    first[1:] = (group[by_group[1:]] != group[by_group[:-1]]) | (circuit[1:] != circuit[:-1])
    leader[by_group] = by_group[first][np.cumsum(first) - 1]


def _assign(wires: Sequence[Tuple[int, ...]], group: Sequence[int]) -> List[int]:
    """Return each row's block leader: the first row of the block it joins.

    ``before[b]`` is the set of blocks (a bit mask) that block ``b`` depends
    on; a measure may join any block that it does not depend on itself.
    """
    leader = list(range(len(wires)))
    blocks: List[int] = []  # their leaders
    of_group: Dict[int, List[int]] = {}
    before: List[int] = []
    behind: Dict[int, int] = {}  # wire -> mask of blocks that it comes after
    for row, touched in enumerate(wires):
        mask = 0
        for wire in touched:
            mask |= behind.get(wire, 0)
        if group[row] >= 0:
            known = of_group.setdefault(group[row], [])
            chosen = next((b for b in known if not mask >> b & 1), -1)
            if chosen < 0:
                chosen = len(blocks)
                known.append(chosen)
                blocks.append(row)
                before.append(mask)
            elif mask & ~before[chosen]:
                _spread(chosen, mask, before, behind)
            leader[row] = blocks[chosen]
            mask |= before[chosen] | 1 << chosen
        for wire in touched:
            behind[wire] = mask
    return leader


def _spread(block: int, mask: int, before: List[int], behind: Dict[int, int]) -> None:
    """Let ``block``, and all that comes after it, depend on ``mask`` too."""
    before[block] |= mask
    for other, known in enumerate(before):
        if known >> block & 1:
            before[other] |= mask
    for wire, known in behind.items():
        if known >> block & 1:
            behind[wire] = known | mask


def topological_order(wires: Sequence[Tuple[int, ...]], leader: Sequence[int]) -> Optional[np.ndarray]:
    """Return an order that keeps blocks together and every dependency.

    Args:
        wires: what each row touches; rows that share a wire depend on each
            other in their order.
        leader: of each row's block, its first row.

    Returns:
        int64[rows], early rows first; None if the blocks depend on each other
        in a circle, or one on itself.
    """
    n = len(wires)
    members: Dict[int, List[int]] = {}
    for row, head in enumerate(leader):
        members.setdefault(head, []).append(row)
    waiting = dict.fromkeys(members, 0)
    after: Dict[int, List[int]] = {head: [] for head in members}
    last: Dict[int, int] = {}
    for row, touched in enumerate(wires):
        for wire in touched:
            if wire in last and last[wire] == leader[row]:
                return None
            if wire in last:
                after[last[wire]].append(leader[row])
                waiting[leader[row]] += 1
            last[wire] = leader[row]
    ready = [head for head in members if not waiting[head]]
    heapq.heapify(ready)
    order: List[int] = []
    while ready:
        head = heapq.heappop(ready)
        order.extend(members[head])
        for follower in after[head]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, follower)
    return np.array(order, dtype=np.int64) if len(order) == n else None
