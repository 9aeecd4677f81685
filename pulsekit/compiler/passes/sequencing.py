"""Give every gate its start time, as soon or as late as possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, FrozenSet, Optional

import numpy as np

from ..._ext import kernel
from ...errors import CompilerError
from ..base import Pass
from ..gates import DELAY, GateTable
from ..work import Work

__all__ = ["Sequence"]


@dataclass(frozen=True)
class Sequence(Pass):
    """Place blocks one by one where all of their qubits are free.

    ``Work.method`` "asap" goes forwards from 0; "alap" does the same
    backwards from the end, which is terra's rule too. Linear in the number of
    gates.
    """

    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"sequenced"})

    def run(self, work: Work) -> Work:
        """Return the work with ``start`` and ``total``."""
        gates = work.gates
        _refuse_unbound(gates)
        n = len(gates)
        sets = gates.qubit_sets
        set_ptr = np.concatenate([[0], np.cumsum([len(s) for s in sets])]).astype(np.int64)
        items = np.array([q for s in sets for q in s], dtype=np.int32)
        start, total = np.zeros(n, np.int64), np.zeros(len(gates.circuits), np.int64)
        failed = kernel("layout").place(
            gates.circuit_ptr,
            np.arange(n, dtype=np.int32) if work.block is None else np.ascontiguousarray(work.block, np.int32),
            _filled(work.offset, n, 0),
            _filled(work.duration, n, 0),
            _filled(work.anchor, n, 0),
            _filled(work.grid, n, 1),
            np.ascontiguousarray(gates.qubits, np.int32),
            set_ptr,
            items,
            work.method == "alap",
            np.zeros(int(items.max()) + 1 if items.size else 1, np.int64),
            start,
            total,
        )
        if failed >= 0:
            raise CompilerError(
                f"{gates.where(failed)}: the acquires that start together must fit one grid, but no start does."
            )
        return work.replace(start=start, total=total)


def _refuse_unbound(gates: GateTable) -> None:
    delays = np.flatnonzero(gates.kind == DELAY) if gates.symbols.slot.size or gates.symbols.expressions else ()
    unbound = {*gates.symbols.slot.tolist(), *(slot for slot, _ in gates.symbols.expressions)}
    for row in delays:
        if int(gates.param_at[row]) in unbound:
            raise CompilerError(
                f"{gates.where(int(row))}: delays must be numbers before they are placed, but this one depends on a "
                "parameter. Give parameter_binds."
            )


def _filled(column: Optional[np.ndarray], n: int, value: int) -> np.ndarray:
    if column is None:
        return np.full(n, value, dtype=np.int64)
    return np.ascontiguousarray(column, dtype=np.int64)
