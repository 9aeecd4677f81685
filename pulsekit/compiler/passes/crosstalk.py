"""Order gates so that those which disturb each other do not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet, List, Optional, Sequence, Tuple

import networkx as nx
import numpy as np

from ...device import Device
from ..base import Pass
from ..work import Work

__all__ = ["OrderForCrosstalk", "conflict_graph"]


def conflict_graph(device: Device, *, hops: int = 1) -> nx.Graph:
    """Return the graph of qubit pairs whose gates disturb each other.

    Args:
        device: its coupled pairs are the nodes, as sorted tuples.
        hops: pairs of which two qubits are at most so many couplings apart
            conflict.

    Returns:
        A graph to edit, or to make by hand from measured crosstalk; nodes are
        tuples of qubits.
    """
    near = nx.Graph(list(device.coupling_map) + [c.qubits for c in device.couplings])
    pairs = sorted({tuple(sorted(edge)) for edge in near.edges})
    distance = dict(nx.all_pairs_shortest_path_length(near, cutoff=hops))
    graph = nx.Graph()
    graph.add_nodes_from(pairs)
    for k, a in enumerate(pairs):
        for b in pairs[k + 1 :]:
            if not set(a) & set(b) and any(q in distance[p] for p in a for q in b):
                graph.add_edge(a, b)
    return graph


@dataclass(frozen=True)
class OrderForCrosstalk(Pass):
    """Reorder independent gates so that serializing conflicts costs little.

    List scheduling: of the gates that can start first, the one with the
    longest rest behind it. Dependencies stay; what makes conflicting gates
    not overlap is :class:`SequenceConstrained` with the same graph.
    """

    conflicts: Optional[nx.Graph] = None
    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work with its rows in the better order."""
        gates = work.gates
        graph = self.conflicts if self.conflicts is not None else conflict_graph(work.device)
        assert work.duration is not None
        edges = {frozenset(frozenset(node) for node in edge): k for k, edge in enumerate(graph.edges)}
        shared: Dict[FrozenSet[int], List[int]] = {}
        for edge, k in edges.items():
            for node in edge:
                shared.setdefault(node, []).append(-1 - k)
        order, ptr = np.arange(len(gates)), gates.circuit_ptr.tolist()
        for lo, hi in zip(ptr[:-1], ptr[1:]):
            sets = [gates.qubit_sets[s] for s in gates.qubits[lo:hi].tolist()]
            lengths = work.duration[lo:hi].tolist()
            soft = [shared.get(frozenset(s), []) if t else [] for s, t in zip(sets, lengths)]
            if any(soft):
                slots = [gates.clbit_sets[c] if c >= 0 else () for c in gates.clbits[lo:hi].tolist()]
                hard = [tuple(s) + tuple(-1 - len(edges) - c for c in cs) for s, cs in zip(sets, slots)]
                order[lo:hi] = lo + _list_schedule(hard, soft, lengths)
        return work.reorder(order)


def _list_schedule(
    hard: Sequence[Tuple[int, ...]], soft: Sequence[Sequence[int]], lengths: Sequence[int]
) -> np.ndarray:
    """Return an order by greedy start times; ``soft`` wires exclude, without an order."""
    n = len(hard)
    after, waiting = _dependencies(hard)
    tail = list(lengths)
    for row in range(n - 1, -1, -1):
        tail[row] += max((tail[k] for k in after[row]), default=0)
    free: Dict[int, int] = {}
    ready = [row for row in range(n) if not waiting[row]]
    order: List[int] = []
    while ready:
        start = {row: max((free.get(w, 0) for w in (*hard[row], *soft[row])), default=0) for row in ready}
        row = min(ready, key=lambda r: (start[r], -tail[r], r))
        ready.remove(row)
        order.append(row)
        for wire in (*hard[row], *soft[row]):
            free[wire] = start[row] + lengths[row]
        for k in after[row]:
            waiting[k] -= 1
            if not waiting[k]:
                ready.append(k)
    return np.array(order, dtype=np.int64)


def _dependencies(hard: Sequence[Tuple[int, ...]]) -> Tuple[List[List[int]], List[int]]:
    after: List[List[int]] = [[] for _ in hard]
    waiting = [0] * len(hard)
    last: Dict[int, int] = {}
    for row, wires in enumerate(hard):
        for other in {last[w] for w in wires if w in last}:
            after[other].append(row)
            waiting[row] += 1
        for wire in wires:
            last[wire] = row
    return after, waiting
