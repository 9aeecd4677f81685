"""Keep, drop and add rows of a program, its parameters following."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from .events import EventTable
from .program import ParameterTable, Program

__all__ = ["free_rows", "insert_rows", "select_rows", "used_tables"]


def free_rows(program: Program) -> np.ndarray:
    """Return which rows depend on parameters, bool[rows]."""
    free = np.zeros(len(program.events), dtype=bool)
    table = program.parameters
    if table is not None:
        free[table.row] = True
        free[[row for row, _, _ in table.expressions]] = True
    return free


def select_rows(program: Program, rows: np.ndarray) -> Program:
    """Return a program with only the given rows, in the given order.

    Args:
        program: any.
        rows: indices int64[k] without repetition, or a mask bool[rows].
    """
    rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, dtype=np.int64)
    if rows.size == len(program.events) and (rows == np.arange(rows.size)).all():
        return program
    place = np.full(len(program.events), -1, dtype=np.int64)
    place[rows] = np.arange(rows.size)
    return program.replace(events=program.events.take(rows), parameters=_moved(program.parameters, place))


def _moved(table: Optional[ParameterTable], place: np.ndarray) -> Optional[ParameterTable]:
    if table is None:
        return None
    kept = place[table.row] >= 0
    return replace(
        table,
        row=place[table.row[kept]].astype(np.int32),
        column=table.column[kept],
        parameter=table.parameter[kept],
        coefficient=table.coefficient[kept],
        expressions=tuple((int(place[r]), c, tree) for r, c, tree in table.expressions if place[r] >= 0),
    )


def insert_rows(program: Program, rows: Sequence[Mapping[str, Any]]) -> Program:
    """Return a program with more rows, each after the ones of its own time.

    Args:
        program: any; its tables must know what the new rows refer to.
        rows: column values; missing ones are neutral.
    """
    if not rows:
        return program
    table = EventTable.concatenate([program.events, EventTable.from_rows(rows)])
    wider = program.replace(events=table, duration=max(program.duration, int((table.t0 + table.duration).max())))
    return select_rows(wider, np.lexsort((table.duration > 0, table.t0)))


def used_tables(program: Program) -> Program:
    """Return the program without table entries that no row uses, equal ones merged.

    Channels, pulses, acquires, calibrations and labels are numbered in order
    of their first row. Sources keep their numbers.
    """
    e = program.events
    plays, acquires = e.op == 0, e.op == 6
    columns: Dict[str, np.ndarray] = {"ref": e.ref.copy()}
    tables: Dict[str, Any] = {}
    for name, column, mask in (
        ("channels", "channel", np.ones(len(e), dtype=bool)),
        ("pulses", "ref", plays),
        ("acquires", "ref", acquires),
        ("calibrations", "calibration", e.calibration >= 0),
        ("labels", "label", e.label >= 0),
    ):
        old = getattr(program, name)
        values = columns.setdefault(column, getattr(e, column).copy())
        known: Dict[Any, int] = {}
        kept: List[Any] = []
        number = np.full(len(old) + 1, -1, dtype=np.int32)
        used, first = np.unique(values[mask], return_index=True)
        for k in used[np.argsort(first)].tolist():
            if old[k] not in known:
                known[old[k]] = len(kept)
                kept.append(old[k])
            number[k] = known[old[k]]
        values[mask] = number[values[mask]]
        tables[name] = tuple(kept)
    return program.replace(events=e.replace(**columns), **tables)
