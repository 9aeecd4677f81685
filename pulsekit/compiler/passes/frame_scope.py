"""Give frequency changes inside a gate back at its end (gate scope)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, FrozenSet, List, Optional

import numpy as np

from ...errors import CompilerError
from ...program import EventTable, Op, ParameterTable, Program
from ..base import Pass
from ..memo import remember
from ..sheets import Sheet, SheetSnippet, by_sheet
from ..snippets import Snippet
from ..work import Work

__all__ = ["ScopeFrequencies", "check_scope", "scope_frequencies"]

SCOPES = ("gate", "program")


@dataclass(frozen=True)
class ScopeFrequencies(Pass):
    """Save the frame before, and restore it after, gates that change a frequency.

    The restore is an op of the program: what it does is decided per LO entry
    when frames are resolved. Calibrations that return every frequency exactly
    stay as they are.
    """

    scope: str = "gate"  # or "program": changes last to the end of the program
    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"scoped"})

    def run(self, work: Work) -> Work:
        """Return the work with scoped snippets."""
        if check_scope(self.scope) == "program":
            return work
        snippets = list(work.snippets)
        alone, sheets = by_sheet(snippets)
        for k in alone:
            snippets[k] = remember(snippets[k], "scoped", partial(_scoped, snippets[k]))
        for sheet, positions, bodies in sheets:
            scoped = remember(sheet, "scoped", partial(_scoped_sheet, sheet))
            if scoped is not None:
                for k, body in zip(positions.tolist(), bodies.tolist()):
                    snippets[k] = scoped[body]
        return work.replace(snippets=tuple(snippets))


def check_scope(scope: str) -> str:
    """Return ``scope`` if it is one.

    Raises:
        CompilerError: it is none.
    """
    if scope not in SCOPES:
        raise CompilerError(f"Argument `frequency_scope` must be one of {list(SCOPES)}, but {scope!r} came.")
    return scope


def _scoped(snippet: Snippet) -> Snippet:
    program = scope_frequencies(snippet.program)
    return snippet if program is snippet.program else _exchanged(snippet, program)


def _exchanged(snippet: Snippet, program: Program) -> Snippet:
    added = len(program.events) - len(snippet.program.events)
    objects = snippet.objects
    if objects is not None:
        half = (None,) * (added // 2)
        objects = half + tuple(objects) + half
    return snippet.alone(program, objects)


def _scoped_sheet(sheet: Sheet) -> Optional[List[SheetSnippet]]:
    """Return the bodies of a sheet with :func:`scope_frequencies` done to each; None: all stay."""
    e = sheet.events
    shifts = e.op == Op.SHIFT_FREQUENCY
    rows = np.flatnonzero(shifts | (e.op == Op.SET_FREQUENCY))
    width = len(sheet.tables.channels)
    lines, line = np.unique(sheet.owner[rows] * width + e.channel[rows], return_inverse=True)
    total = np.bincount(line, np.where(shifts[rows], e.value[rows], np.nan))
    lines = lines[~(total == 0.0)]  # as in _returns: shifts that cancel exactly
    if not lines.size:
        return None
    bodies, channels = lines // width, lines % width
    saves = EventTable(op=np.full(lines.size, Op.SAVE_FRAME), channel=channels)
    restores = saves.replace(op=np.full(lines.size, Op.RESTORE_FRAME), t0=sheet.duration[bodies])
    order = np.argsort(np.concatenate([bodies, sheet.owner, bodies]), kind="stable")
    events = EventTable.concatenate([saves, e, restores]).take(order)
    ptr = sheet.ptr + 2 * np.concatenate([[0], np.cumsum(np.bincount(bodies, minlength=len(sheet)))])
    return replace(sheet, events=events, ptr=ptr).snippets()


def scope_frequencies(program: Program) -> Program:
    """Return a gate's program with its frequency changes between save and restore.

    Saves come before the program's rows, restores after them, on every
    channel whose frequency the program may leave changed.
    """
    e = program.events
    shifts = e.op == Op.SHIFT_FREQUENCY
    changes = shifts | (e.op == Op.SET_FREQUENCY)
    if not changes.any():
        return program
    free = np.zeros(len(e), dtype=bool)
    if program.parameters is not None:
        free[program.parameters.row] = True
        for row, _, _ in program.parameters.expressions:
            free[row] = True
    channels = [
        c
        for c in np.unique(e.channel[changes]).tolist()
        if not _returns(e, np.flatnonzero(changes & (e.channel == c)), shifts, free)
    ]
    if not channels:
        return program
    k = len(channels)
    saves = EventTable(op=np.full(k, Op.SAVE_FRAME), channel=np.array(channels))
    restores = saves.replace(op=np.full(k, Op.RESTORE_FRAME), t0=np.full(k, program.duration))
    return program.replace(
        events=EventTable.concatenate([saves, e, restores]), parameters=_later(program.parameters, k)
    )


def _returns(e: EventTable, rows: np.ndarray, shifts: np.ndarray, free: np.ndarray) -> bool:
    """Tell whether the changes are shifts that cancel exactly."""
    return bool(shifts[rows].all() and not free[rows].any() and e.value[rows].sum() == 0.0)


def _later(table: "ParameterTable | None", rows: int) -> "ParameterTable | None":
    if table is None:
        return None
    expressions = tuple((row + rows, column, tree) for row, column, tree in table.expressions)
    return replace(table, row=(table.row + rows).astype(np.int32), expressions=expressions)
