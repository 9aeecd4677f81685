"""Let the acquires of a measure group start together.

The qubits of a ``meas_map`` group share their acquisition: in device mode, a
measure joins the group's earliest acquire if nothing that it depends on
forbids that; else it is one of a later acquire. Joined measures form a block,
in which the members with less to play before their acquire wait.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import gt
from typing import ClassVar, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import numpy as np

from ..base import Pass
from ..gates import MEASURE, GateTable
from ..work import Work

__all__ = ["JoinMeasureGroups", "topological_order"]


@dataclass(frozen=True)
class JoinMeasureGroups(Pass):
    """Put the measures that can start together into one block.

    Linear in the number of gates, for a few groups.
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

    A measure joins the first block of its group that it does not come after. A
    new block thus comes after all others of its group, and what anything comes
    after is one number per group: the last such block.
    """
    leader = list(range(len(wires)))
    shared = _shared_groups(wires, group)
    chains: List[List[List[int]]] = [[] for _ in shared]  # group, block -> per group, the last block it comes after
    heads: List[List[int]] = [[] for _ in shared]
    nothing = [-1] * len(shared)
    behind: Dict[int, List[int]] = {}  # wire -> what it comes after
    for row, touched in enumerate(wires):
        direct = nothing
        for known in [behind[wire] for wire in touched if wire in behind]:
            direct = known if direct is nothing else list(map(max, direct, known))
        g = shared.get(group[row], -1)
        if g >= 0:
            full = direct
            for chain, last in zip(chains, direct):
                if last >= 0:
                    full = list(map(max, full, chain[last]))
            block = full[g] + 1
            if block == len(chains[g]):
                chains[g].append(full)
                heads[g].append(row)
            elif any(map(gt, full, chains[g][block])):
                _spread(chains, g, block, full)
            leader[row] = heads[g][block]
            direct = [*direct[:g], block, *direct[g + 1 :]]
        for wire in touched:
            behind[wire] = direct
    return leader


def _shared_groups(wires: Sequence[Tuple[int, ...]], group: Sequence[int]) -> Dict[int, int]:
    """Number the groups of which more than one qubit is measured: others have nothing to join."""
    members: Dict[int, Set[int]] = {}
    for touched, g in zip(wires, group):
        if g >= 0:
            members.setdefault(g, set()).add(touched[0])
    return {g: k for k, g in enumerate(g for g, qubits in members.items() if len(qubits) > 1)}


def _spread(chains: List[List[List[int]]], group: int, block: int, after: List[int]) -> None:
    """Let a block, and all that comes after it, come after more; in place.

    Along a chain the numbers never fall, so that those after the block are its
    end, and the first that needs no change ends the work.
    """
    chains[group][block] = list(map(max, chains[group][block], after))
    for chain in chains:
        low, high = 0, len(chain)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if chain[middle][group] >= block else (middle + 1, high)
        for k in range(low, len(chain)):
            if not any(map(gt, after, chain[k])):
                break
            chain[k] = list(map(max, chain[k], after))


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
