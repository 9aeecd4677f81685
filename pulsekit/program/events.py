"""Hold the events of a program as parallel arrays, one row per event."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import ProgramError

__all__ = ["COLUMNS", "EventTable", "Op"]


class Op(IntEnum):
    """What a row does. Times are samples (dt) from the program's start."""

    PLAY = 0  # pulse ``ref``, times value * exp(i * angle)
    DELAY = 1  # the channel is taken, nothing is played
    SHIFT_PHASE = 2  # add ``value`` rad to the channel's phase
    SET_PHASE = 3  # set the channel's phase to ``value`` rad
    SHIFT_FREQUENCY = 4  # add ``value`` Hz to the channel's carrier frequency
    SET_FREQUENCY = 5  # set the channel's carrier frequency to ``value`` Hz
    ACQUIRE = 6  # measure the qubit of an acquire channel as acquires[ref] says, into ``slot``
    RESET = 7  # unconditional reset of the qubit of a drive channel to the ground state
    SAVE_FRAME = 8  # remember the channel's frequency (gate-scoped frequencies)
    RESTORE_FRAME = 9  # if it is not the remembered one any more: back, and the carrier's phase
    #                    as if it had never changed (phase shifts stay)


COLUMNS: Dict[str, np.dtype] = {
    "t0": np.dtype(np.int64),  # samples
    "duration": np.dtype(np.int64),  # samples
    "op": np.dtype(np.uint8),  # an Op
    "channel": np.dtype(np.int32),  # index into Program.channels
    "ref": np.dtype(np.int32),  # PLAY: Program.pulses; ACQUIRE: Program.acquires; else -1
    "value": np.dtype(np.float64),  # PLAY: amplitude; phases: rad; frequencies: Hz; else 0
    "angle": np.dtype(np.float64),  # PLAY: rad; else 0
    "slot": np.dtype(np.int32),  # ACQUIRE: memory slot, or -1; else -1
    "source": np.dtype(np.int32),  # index into Program.sources, or -1
    "calibration": np.dtype(np.int32),  # index into Program.calibrations, or -1
    "label": np.dtype(np.int32),  # index into Program.labels, or -1
}
_DEFAULTS: Mapping[str, int] = {"ref": -1, "slot": -1, "source": -1, "calibration": -1, "label": -1}


class Event(NamedTuple):
    """One row, as plain Python values (for people and slow paths)."""

    t0: int
    duration: int
    op: Op
    channel: int
    ref: int
    value: float
    angle: float
    slot: int
    source: int
    calibration: int
    label: int


def _neighbours(tables: Sequence["EventTable"]) -> Optional["EventTable"]:
    """Return the part of a table that several parts of it make up, None where they do not."""
    parts = [getattr(table, "_part", None) for table in tables]
    if not parts or parts[0] is None:
        return None
    whole, first, stop = parts[0]
    for part in parts[1:]:
        if part is None or part[0] is not whole or part[1] != stop:
            return None
        stop = part[2]
    return whole.split([first, stop])[0]


def _table_of(columns: Dict[str, np.ndarray]) -> "EventTable":
    return EventTable(**columns)


class EventTable:
    """Parallel read-only columns, see :data:`COLUMNS`.

    Rows are in program order: sorted by ``t0``, and at one time in the order
    in which they take effect (a phase shift before the pulse that it turns).
    """

    __slots__ = (*COLUMNS, "_part")

    t0: np.ndarray
    duration: np.ndarray
    op: np.ndarray
    channel: np.ndarray
    ref: np.ndarray
    value: np.ndarray
    angle: np.ndarray
    slot: np.ndarray
    source: np.ndarray
    calibration: np.ndarray
    label: np.ndarray
    _part: Tuple["EventTable", int, int]  # of another table: its columns are cut on demand

    def __init__(self, **columns: np.ndarray) -> None:
        """Take columns by name; missing ones get their neutral value.

        Raises:
            ProgramError: unknown columns, or columns of different lengths.
        """
        unknown = set(columns) - set(COLUMNS)
        if unknown:
            raise ProgramError(f"Event columns must be among {list(COLUMNS)}, but {sorted(unknown)} came.")
        lengths = {len(np.atleast_1d(c)) for c in columns.values()}
        if len(lengths) > 1:
            raise ProgramError(f"Event columns must have one length, but lengths {sorted(lengths)} came.")
        n = lengths.pop() if lengths else 0
        for name, dtype in COLUMNS.items():
            if name in columns:
                column = np.ascontiguousarray(columns[name], dtype=dtype)
                if column.flags.writeable:
                    column = column.view()
            else:
                column = np.full(n, _DEFAULTS.get(name, 0), dtype=dtype)
            column.flags.writeable = False
            setattr(self, name, column)

    def __getattr__(self, name: str) -> np.ndarray:
        """Cut a column out of the table that this one is a part of, when somebody asks for it."""
        if name not in COLUMNS or not hasattr(self, "_part"):
            raise AttributeError(f"An EventTable has the columns {list(COLUMNS)}, but no {name!r}.")
        whole, lo, hi = self._part
        column: np.ndarray = getattr(whole, name)[lo:hi]
        setattr(self, name, column)
        return column

    def __len__(self) -> int:
        return len(self.t0)

    def __iter__(self) -> Iterator[Event]:
        columns = [getattr(self, name).tolist() for name in COLUMNS]
        for row in zip(*columns):
            yield Event(row[0], row[1], Op(row[2]), *row[3:])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventTable):
            return NotImplemented
        return all(np.array_equal(getattr(self, c), getattr(other, c)) for c in COLUMNS)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Tuple[Any, ...]:
        """Say how to copy a table, to another process too: read-only, from its columns."""
        return _table_of, ({name: getattr(self, name) for name in COLUMNS},)

    def take(self, rows: np.ndarray) -> "EventTable":
        """Return the given rows (indices or a mask), in the given order."""
        return EventTable(**{name: getattr(self, name)[rows] for name in COLUMNS})

    def replace(self, **columns: np.ndarray) -> "EventTable":
        """Return a table with some columns exchanged."""
        merged = {name: getattr(self, name) for name in COLUMNS}
        merged.update(columns)
        return EventTable(**merged)

    @staticmethod
    def from_rows(rows: Sequence[Mapping[str, object]]) -> "EventTable":
        """Return a table from one mapping per row (a slow path)."""
        return EventTable(
            **{
                name: np.array([row.get(name, _DEFAULTS.get(name, 0)) for row in rows], dtype=dtype)
                for name, dtype in COLUMNS.items()
            }
        )

    def split(self, bounds: Sequence[int]) -> List["EventTable"]:
        """Return the rows between neighbouring bounds, as views.

        Args:
            bounds: ascending row indices; ``n + 1`` of them give ``n`` tables.
        """
        out: List[EventTable] = []
        for lo, hi in zip(bounds[:-1], bounds[1:]):
            table = EventTable.__new__(EventTable)
            table._part = (self, lo, hi)
            out.append(table)
        return out

    @staticmethod
    def concatenate(tables: Sequence["EventTable"]) -> "EventTable":
        """Return the rows of several tables, one after the other."""
        whole = _neighbours(tables)
        if whole is not None:
            return whole
        return EventTable(**{n: np.concatenate([getattr(t, n) for t in tables]) for n in COLUMNS})
