"""Tell where rows came from without making an object per instruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Tuple

from ..program import Source
from .gates import GateTable

__all__ = ["SourceView"]


class SourceView(Sequence):
    """The sources of one circuit: rows ``lo..hi`` of a gate table, on demand."""

    __slots__ = ("_gates", "_hi", "_lo")

    def __init__(self, gates: GateTable, lo: int, hi: int) -> None:
        self._gates, self._lo, self._hi = gates, lo, hi

    def __len__(self) -> int:
        return self._hi - self._lo

    def __getitem__(self, item: Any) -> Any:
        """Return one :class:`Source`, or a tuple of them for a slice."""
        if isinstance(item, slice):
            return tuple(self[i] for i in range(*item.indices(len(self))))
        index = range(len(self))[item]
        gates, row = self._gates, self._lo + index
        clbits: Tuple[int, ...] = gates.clbit_sets[gates.clbits[row]] if gates.clbits[row] >= 0 else ()
        return Source(int(gates.index[row]), gates.names[gates.name[row]], gates.qubit_sets[gates.qubits[row]], clbits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (SourceView, tuple, list)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    def __repr__(self) -> str:
        return f"SourceView({len(self)} sources)"
