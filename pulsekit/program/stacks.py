"""Hold the rows of many programs in one table, to judge them in one go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, Hashable, List, Optional, Sequence, Tuple

import numpy as np

from .events import EventTable, Op
from .program import Program

__all__ = ["Stack", "stacked"]

GRID = 1 << 12  # samples; programs are lined up at multiples of it, which keeps every alignment


@dataclass(frozen=True, eq=False)
class Stack:
    """Programs one after the other, each with times from its own start, none with parameters.

    The rows of program ``k`` are ``ptr[k]..ptr[k + 1]``.
    """

    events: EventTable
    ptr: np.ndarray  # int64[programs + 1]
    duration: np.ndarray  # int64[programs], samples
    tables: Program  # an empty program with the channels, pulses, acquires and labels of all

    def __len__(self) -> int:
        return len(self.duration)

    @cached_property
    def owner(self) -> np.ndarray:
        """The program of every row, int64[rows]."""
        return np.repeat(np.arange(len(self)), np.diff(self.ptr))

    @cached_property
    def kinds(self) -> np.ndarray:
        """The kind of every row's channel, U1[rows]."""
        return np.array([c.kind for c in self.tables.channels] or [""], dtype="U1")[self.events.channel]

    def lined_up(self) -> Optional[Program]:
        """Return one program that plays all, one after the other; None if a row leaves its program."""
        e, owner = self.events, self.owner
        if (e.t0 < 0).any() or (e.t0 + e.duration > self.duration[owner]).any():
            return None
        room = (self.duration // GRID + 1) * GRID
        start = np.cumsum(room) - room
        slots = int(e.slot.max(initial=-1)) + 1
        none = np.full(len(e), -1, dtype=np.int32)
        events = e.replace(
            t0=e.t0 + start[owner],
            slot=np.where(e.slot >= 0, e.slot + slots * owner, e.slot),
            source=none,
            calibration=none,
        )
        return self.tables.replace(events=events, duration=int(room.sum()), memory_slots=slots * len(self))


def stacked(programs: Sequence[Program]) -> Optional[Stack]:
    """Return programs in one table; None if one has parameters, or refers to what it does not have."""
    if any(p.parameters is not None for p in programs):
        return None
    ptr = np.cumsum([0, *(len(p.events) for p in programs)])
    events = EventTable.concatenate([p.events for p in programs])
    owner = np.repeat(np.arange(len(programs)), np.diff(ptr))
    channel, channels = _joined([p.channels for p in programs], events.channel, owner)
    plays, acquires = events.op == Op.PLAY, events.op == Op.ACQUIRE
    pulse, pulses = _joined([p.pulses for p in programs], np.where(plays, events.ref, 0), owner)
    acquire, specs = _joined([p.acquires for p in programs], np.where(acquires, events.ref, 0), owner)
    label, labels = _joined([p.labels for p in programs], np.maximum(events.label, 0), owner)
    if (channel < 0).any() or (pulse[plays] < 0).any() or (acquire[acquires] < 0).any():
        return None
    events = events.replace(
        channel=channel,
        ref=np.where(plays, pulse, np.where(acquires, acquire, -1)),
        label=np.where(events.label < 0, -1, label),
    )
    tables = Program(EventTable(), channels, pulses, specs, labels=labels)
    return Stack(events, ptr, np.array([p.duration for p in programs], dtype=np.int64), tables)


def _joined(
    tables: Sequence[Sequence[Any]], index: np.ndarray, owner: np.ndarray
) -> Tuple[np.ndarray, Tuple[Any, ...]]:
    """Return indices into one table of several, -1 where one pointed at nothing, and that table."""
    numbers: Dict[Hashable, int] = {}
    place: List[int] = []  # of each table's entries in the joint one
    firsts: Dict[int, int] = {}  # of each table in ``place``
    for table in tables:
        if id(table) not in firsts:
            firsts[id(table)] = len(place)
            place += [numbers.setdefault(entry, len(numbers)) for entry in table]
    first = np.array([firsts[id(table)] for table in tables], dtype=np.int64)
    size = np.array([len(table) for table in tables], dtype=np.int64)
    known = (index >= 0) & (index < size[owner])
    out = np.full(len(index), -1, dtype=np.int64)
    out[known] = np.array(place, dtype=np.int64)[first[owner[known]] + index[known]]
    return out, tuple(numbers)
