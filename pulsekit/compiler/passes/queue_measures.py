"""Group measures as terra's schedule() does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, FrozenSet, List

import numpy as np

from ..base import Pass
from ..gates import MEASURE
from ..work import Work

__all__ = ["QueueMeasures"]


@dataclass(frozen=True)
class QueueMeasures(Pass):
    """Hold measures back until one of their qubits is used again.

    All measures in the queue then start together, right before the
    instruction (a barrier counts) that needs one of their qubits, or at the
    end of the circuit. Linear in the number of gates.
    """

    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"grouped"})

    def run(self, work: Work) -> Work:
        """Return the work with measures moved and joined to blocks."""
        gates = work.gates
        n = len(gates)
        measures = gates.kind == MEASURE
        if not measures.any():
            return work
        order = np.arange(n)
        lead = np.arange(n)
        first = np.searchsorted(np.flatnonzero(measures), gates.circuit_ptr)
        rows = np.flatnonzero(measures)
        for c in np.flatnonzero(np.diff(first)).tolist():
            lo, hi = int(rows[first[c]]), int(gates.circuit_ptr[c + 1])
            order[lo:hi], lead[lo:hi] = _queue(gates.qubits[lo:hi], gates.qubit_sets, measures[lo:hi], lo)
        block = np.empty(n, np.int32)
        block[:] = lead
        moved = work if (order == np.arange(n)).all() else work.reorder(order)
        return moved.replace(block=block)


def _queue(qubits: np.ndarray, sets: tuple, measures: np.ndarray, lo: int) -> tuple:
    """Return (order, block of each new position) of the rows from ``lo`` on."""
    order: List[int] = []
    block: List[int] = []
    queue: List[int] = []
    held: set = set()
    for k, (q, measure) in enumerate(zip(qubits.tolist(), measures.tolist())):
        if queue and not held.isdisjoint(sets[q]):
            block += [lo + len(order)] * len(queue)
            order += queue
            queue = []
            held = set()
        if measure:
            queue.append(lo + k)
            held.update(sets[q])
        else:
            block.append(lo + len(order))
            order.append(lo + k)
    block += [lo + len(order)] * len(queue)
    return order + queue, block
