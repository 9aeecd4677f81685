"""Concatenate snippets into one set of columns that share their tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, Hashable, List, Sequence, Tuple

import numpy as np

from ..errors import CompilerError
from ..program import AcquireSpec, Channel, EventTable, Op, Pulse
from .snippets import Snippet

__all__ = ["Pool"]


class _Interner:
    """Number distinct values in order of appearance."""

    def __init__(self) -> None:
        self.ids: Dict[Hashable, int] = {}

    def number(self, values: Sequence[Any]) -> np.ndarray:
        ids = self.ids
        return np.array([ids.setdefault(v, len(ids)) for v in values] + [-1], dtype=np.int32)

    def values(self) -> Tuple[Any, ...]:
        return tuple(self.ids)


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows of all snippets, one after the other.

    Row ranges are ``ptr[s]..ptr[s + 1]``. Parameter entries (``entry_*``, by
    snippet in ``entry_ptr``) add coefficient * parameter to a column of a row.
    """

    events: EventTable
    ptr: np.ndarray  # int64[snippets + 1]
    duration: np.ndarray  # int64[snippets]
    stretch: np.ndarray  # bool[rows]
    from_clbit: np.ndarray  # bool[rows], acquires whose slot the gate gives
    entry_ptr: np.ndarray  # int64[snippets + 1]
    entry_row: np.ndarray  # int32[entries], from the snippet's first row
    entry_column: np.ndarray  # uint8[entries]
    entry_parameter: np.ndarray  # int32[entries], index into the gate's parameters
    entry_coefficient: np.ndarray  # float64[entries]
    channels: Tuple[Channel, ...]
    pulses: Tuple[Pulse, ...]
    acquires: Tuple[AcquireSpec, ...]
    labels: Tuple[str, ...]
    calibrations: Tuple[str, ...]
    snippets: Tuple[Snippet, ...]

    @cached_property
    def objects(self) -> np.ndarray:
        """A frontend's own object of every row, object[rows]."""
        flat: List[Any] = []
        for snippet in self.snippets:
            flat.extend(snippet.objects if snippet.objects is not None else [None] * len(snippet.program.events))
        out = np.empty(len(flat), dtype=object)
        out[:] = flat
        return out

    @staticmethod
    def build(snippets: Sequence[Snippet]) -> "Pool":
        """Return the pool of the given snippets."""
        interners = {k: _Interner() for k in ("channel", "pulse", "acquire", "label", "calibration")}
        tables = [_renumbered(s, interners) for s in snippets]
        events = EventTable.concatenate(tables) if tables else EventTable()
        counts = [len(t) for t in tables]
        stretch = np.repeat(np.array([s.stretch for s in snippets], dtype=bool), counts)
        free = np.repeat(np.array([not s.fixed for s in snippets], dtype=bool), counts)
        entries = [_entries(s) for s in snippets]
        return Pool(
            events=events,
            ptr=_offsets(counts),
            duration=np.array([s.duration for s in snippets], dtype=np.int64),
            stretch=stretch,
            from_clbit=free & (events.op == Op.ACQUIRE),
            entry_ptr=_offsets([len(e[0]) for e in entries]),
            entry_row=_joined([e[0] for e in entries], np.int32),
            entry_column=_joined([e[1] for e in entries], np.uint8),
            entry_parameter=_joined([e[2] for e in entries], np.int32),
            entry_coefficient=_joined([e[3] for e in entries], np.float64),
            channels=interners["channel"].values(),
            pulses=interners["pulse"].values(),
            acquires=interners["acquire"].values(),
            labels=interners["label"].values(),
            calibrations=interners["calibration"].values(),
            snippets=tuple(snippets),
        )


def _offsets(counts: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int64)


def _joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype, copy=False)


def _entries(snippet: Snippet) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    table = snippet.program.parameters
    if table is None:
        empty = np.zeros(0, np.int32)
        return empty, empty, empty, np.zeros(0)
    if table.expressions or (table.column > 1).any():
        raise CompilerError(
            f"Calibration {snippet.name!r} on qubits {list(snippet.qubits)} must depend on its parameters only through "
            "phases, frequencies and amplitudes, and affinely, but it does not."
        )
    order = {name: k for k, name in enumerate(snippet.signature or table.names)}
    index = np.array([order[n] for n in table.names], dtype=np.int32)
    return table.row, table.column, index[table.parameter], table.coefficient


def _renumbered(snippet: Snippet, interners: Dict[str, _Interner]) -> EventTable:
    program = snippet.program
    events = program.events
    pulse = interners["pulse"].number(program.pulses)
    acquire = interners["acquire"].number(program.acquires)
    ref = np.full(len(events), -1, dtype=np.int32)
    plays, acquires = events.op == Op.PLAY, events.op == Op.ACQUIRE
    ref[plays] = pulse[events.ref[plays]]
    ref[acquires] = acquire[events.ref[acquires]]
    calibration = interners["calibration"].number([snippet.calibration])[0] if snippet.calibration else -1
    return events.replace(
        channel=interners["channel"].number(program.channels)[events.channel],
        ref=ref,
        label=interners["label"].number(program.labels)[events.label],
        calibration=np.full(len(events), calibration, dtype=np.int32),
        source=np.full(len(events), -1, dtype=np.int32),
    )
