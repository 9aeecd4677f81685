"""Hold what the passes work on: gates, their snippets and times, programs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Optional, Tuple

import numpy as np

from ..device import Device
from ..program import Program
from .gates import GateTable
from .snippets import Snippet

__all__ = ["Note", "Work"]


@dataclass(frozen=True)
class Note:
    """Something a pass did that the user may want to know."""

    kind: str  # "moved", "padded", "esp", "warning", ...
    text: str
    circuits: Tuple[int, ...] = ()  # whom it concerns; (): all
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Work:
    """The state of a compilation. Passes exchange fields, never change them.

    All per-gate arrays follow the rows of ``gates``. A *block* is a run of
    neighbouring rows of one circuit with the same ``block`` number, that are
    placed together: at the block's start plus each row's ``offset``. Blocks
    are placed one after the other, in the order of the rows. A pass that
    needs another order reorders the rows (:meth:`reorder`).
    """

    gates: GateTable
    device: Device
    mode: str = "device"  # or "terra"
    method: str = "alap"  # or "asap"
    snippets: Tuple[Snippet, ...] = ()
    snippet: Optional[np.ndarray] = None  # int32[gates], index into snippets; -1: no rows (barriers, delays, reset)
    duration: Optional[np.ndarray] = None  # int64[gates], samples
    block: Optional[np.ndarray] = None  # int32[gates], see above; None: every gate on its own
    offset: Optional[np.ndarray] = None  # int64[gates], samples from the block's start; None: 0
    # a gate with a grid starts so that (start + anchor) % grid == 0; the first anchor may be that of an acquire
    anchor: Optional[np.ndarray] = None  # int64[gates], samples from the gate's own start; None: 0
    grid: Optional[np.ndarray] = None  # int64[gates], samples; 1: anywhere; None: all anywhere
    start: Optional[np.ndarray] = None  # int64[gates], samples from the circuit's start
    total: Optional[np.ndarray] = None  # int64[circuits], samples
    programs: Tuple[Program, ...] = ()
    notes: Tuple[Note, ...] = ()

    def replace(self, **changes: Any) -> "Work":
        """Return a work with some fields exchanged."""
        return replace(self, **changes)

    def noted(self, *notes: Note) -> "Work":
        """Return the work with notes added."""
        return replace(self, notes=self.notes + notes)

    def reorder(self, order: np.ndarray) -> "Work":
        """Return the work with the gate rows in another order.

        Args:
            order: int64[gates]; a permutation that keeps every circuit's rows
                together.
        """
        gates = self.gates.take(order)
        columns = {}
        for name in ("snippet", "duration", "block", "offset", "anchor", "grid", "start"):
            column = getattr(self, name)
            if column is not None:
                columns[name] = column[order]
        return replace(self, gates=gates, **columns)
