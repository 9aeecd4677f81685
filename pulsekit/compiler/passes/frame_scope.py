"""Give frequency changes inside a gate back at its end (gate scope)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, FrozenSet

import numpy as np

from ...errors import CompilerError
from ...program import EventTable, Op, ParameterTable, Program
from ..base import Pass
from ..memo import remember
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
        return work.replace(snippets=tuple([remember(s, "scoped", partial(_scoped, s)) for s in work.snippets]))


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
    return replace(snippet, program=program, objects=objects)


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
