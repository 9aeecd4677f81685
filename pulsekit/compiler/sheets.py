"""Hold the bodies of many calibrations in one table: the points of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from ..program import Op, Program, Stack
from .snippets import Snippet

__all__ = ["Head", "Sheet", "SheetSnippet", "by_sheet"]


class Head(NamedTuple):
    """What a body is: as the fields of a :class:`Snippet`."""

    name: str
    qubits: Tuple[int, ...]
    calibration: str
    fixed: bool = False
    signature: Tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sheet(Stack):
    """Bodies one after the other, each with times from its own start, none with parameters.

    What a pass asks of every body it can ask of the sheet at once. The rows of
    a body are sorted by time.
    """

    heads: Sequence[Head] = ()  # one per body

    @cached_property
    def lengths(self) -> Sequence[int]:
        """The durations as Python's integers, samples."""
        return self.duration.tolist()  # type: ignore[no-any-return]

    @cached_property
    def anchors(self) -> Sequence[int]:
        """Start of each body's first acquire in samples from its start, or -1."""
        first = np.full(len(self), -1, dtype=np.int64)
        rows = np.flatnonzero(self.events.op == Op.ACQUIRE)[::-1]  # the rows of a body ascend in time
        first[self.owner[rows]] = self.events.t0[rows]
        return first.tolist()  # type: ignore[no-any-return]

    def program(self, body: int) -> Program:
        """Return one body as a program."""
        (events,) = self.events.split(self.ptr[body : body + 2].tolist())
        slots = int(events.slot.max(initial=-1)) + 1
        return self.tables.replace(
            events=events, duration=self.lengths[body], memory_slots=slots, name=self.heads[body].name
        )

    def snippets(self) -> List["SheetSnippet"]:
        """Return one snippet per body."""
        shared: Dict[int, Dict[str, Any]] = {}
        out = []
        for k, head in enumerate(self.heads):
            if id(head) not in shared:
                shared[id(head)] = {**head._asdict(), "sheet": self, "stretch": False, "objects": None}
            out.append(snippet := SheetSnippet.__new__(SheetSnippet))
            snippet.__dict__.update(shared[id(head)], number=k)
        return out


class SheetSnippet(Snippet):
    """One body of a sheet; its program is made when somebody asks for it."""

    sheet: Sheet
    number: int  # of the body in the sheet

    def __init__(self, sheet: Sheet, number: int) -> None:
        self.__dict__.update(sheet.heads[number]._asdict(), sheet=sheet, number=number, stretch=False, objects=None)

    @cached_property
    def program(self) -> Program:  # type: ignore[override]
        """The body on its own."""
        return self.sheet.program(self.number)

    @property
    def duration(self) -> int:
        """Samples."""
        return self.sheet.lengths[self.number]

    @property
    def anchor(self) -> int:  # type: ignore[override]
        """Start of the first acquire in samples from the snippet's start, or -1."""
        return self.sheet.anchors[self.number]


def by_sheet(snippets: Sequence[Snippet]) -> Tuple[List[int], List[Tuple[Sheet, np.ndarray, np.ndarray]]]:
    """Tell snippets that stand alone from those of sheets.

    Returns:
        The positions of the former, and per sheet (sheet, positions, bodies).
    """
    alone: List[int] = []
    found: Dict[int, Tuple[Any, List[int], List[int]]] = {}
    for k, snippet in enumerate(snippets):
        if not isinstance(snippet, SheetSnippet):
            alone.append(k)
            continue
        _, positions, bodies = found.setdefault(id(snippet.sheet), (snippet.sheet, [], []))
        positions.append(k)
        bodies.append(snippet.number)
    return alone, [(sheet, np.array(at), np.array(bodies)) for sheet, at, bodies in found.values()]
