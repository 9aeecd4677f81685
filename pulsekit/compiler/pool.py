"""Concatenate snippets into one set of columns that share their tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Dict, Hashable, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from ..errors import CompilerError
from ..program import AcquireSpec, Channel, EventTable, Op, Program, Pulse
from ..program.expressions import substituted
from .sheets import SheetSnippet
from .snippets import Snippet

__all__ = ["Pool"]


RECENT = 16  # pools kept for snippets that are compiled again


class _Interner:
    """Number distinct values in order of appearance, table after table."""

    def __init__(self, tables: Sequence[Sequence[Any]]) -> None:
        ids: Dict[Hashable, int] = {}
        self.ids = ids
        self.numbers: List[int] = []
        self.starts: List[int] = []
        for values in tables:
            self.starts.append(len(self.numbers))
            self.numbers.extend([ids.setdefault(v, len(ids)) for v in values])

    def renumber(self, local: np.ndarray, table: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return global numbers where ``mask`` holds, -1 elsewhere."""
        out = np.full(len(local), -1, dtype=np.int32)
        starts, numbers = np.array(self.starts, np.int64), np.array(self.numbers, np.int32)
        out[mask] = numbers[starts[table[mask]] + local[mask]]
        return out

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
    trees: Mapping[int, Tuple[Tuple[int, Any], ...]]  # row -> (column, tree of the gate's parameters): not affine
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
    def of(snippets: Sequence[Snippet]) -> "Pool":
        """Return the pool of the given snippets, from the recent ones if it is among them."""
        key = tuple(map(id, snippets))
        found = _recent.get(key)
        if found is None:
            found = Pool.build(snippets)  # holds the snippets, so that their ids stay theirs
            while len(_recent) >= RECENT:
                _recent.pop(next(iter(_recent)), None)
            _recent[key] = found
        return found

    @staticmethod
    def build(snippets: Sequence[Snippet]) -> "Pool":
        """Return the pool of the given snippets."""
        chunks = _chunks(snippets)
        counts = np.concatenate([np.zeros(0, np.int64), *(c.counts for c in chunks)])
        channel, pulse, acquire, label = (
            _Interner([getattr(c.tables, name) for c in chunks])
            for name in ("channels", "pulses", "acquires", "labels")
        )
        named: Dict[str, int] = {"": -1}
        calibration = [named.setdefault(s.calibration, len(named) - 1) for s in snippets]
        of_chunk = np.repeat(np.arange(len(chunks)), [len(c.events) for c in chunks])
        table = np.repeat(np.arange(len(snippets)), counts)
        rows = EventTable.concatenate([c.events for c in chunks]) if chunks else EventTable()
        plays = pulse.renumber(rows.ref, of_chunk, (rows.op == Op.PLAY) & (rows.ref >= 0))
        acquires = acquire.renumber(rows.ref, of_chunk, (rows.op == Op.ACQUIRE) & (rows.ref >= 0))
        events = rows.replace(
            channel=channel.renumber(rows.channel, of_chunk, np.ones(len(rows), bool)),
            ref=np.maximum(plays, acquires),
            label=label.renumber(rows.label, of_chunk, rows.label >= 0),
            calibration=np.array(calibration, dtype=np.int32)[table],
            source=np.full(len(rows), -1, dtype=np.int32),
        )
        entries = {k: _entries(s) for k, s in enumerate(snippets) if not isinstance(s, SheetSnippet)}
        widths = np.zeros(len(snippets), dtype=np.int64)
        widths[list(entries)] = [len(e[0]) for e in entries.values()]
        return Pool(
            events=events,
            ptr=_offsets(counts),
            duration=np.array([s.duration for s in snippets], dtype=np.int64),
            stretch=np.array([s.stretch for s in snippets], dtype=bool)[table],
            from_clbit=~np.array([s.fixed for s in snippets], dtype=bool)[table] & (events.op == Op.ACQUIRE),
            entry_ptr=_offsets(widths),
            entry_row=_joined([e[0] for e in entries.values()], np.int32),
            entry_column=_joined([e[1] for e in entries.values()], np.uint8),
            entry_parameter=_joined([e[2] for e in entries.values()], np.int32),
            entry_coefficient=_joined([e[3] for e in entries.values()], np.float64),
            trees=_trees(snippets, _offsets(counts).tolist()),
            channels=channel.values(),
            pulses=pulse.values(),
            acquires=acquire.values(),
            labels=label.values(),
            calibrations=tuple(named)[1:],
            snippets=tuple(snippets),
        )


_recent: Dict[Tuple[int, ...], Pool] = {}


class _Chunk(NamedTuple):
    """The rows of neighbouring snippets that share their tables."""

    events: EventTable
    counts: np.ndarray  # int64[snippets], rows of each
    tables: Program


def _chunks(snippets: Sequence[Snippet]) -> List[_Chunk]:
    """Return the rows of snippets: those of a sheet together, the others one by one."""
    out: List[_Chunk] = []
    for sheet, group in groupby(snippets, key=lambda s: s.sheet if isinstance(s, SheetSnippet) else None):
        if sheet is None:
            programs = [snippet.program for snippet in group]
            out.extend(_Chunk(p.events, np.array([len(p.events)]), p) for p in programs)
            continue
        bodies = np.array([snippet.number for snippet in group])  # type: ignore[attr-defined]
        counts = np.diff(sheet.ptr)[bodies]
        if len(bodies) == len(sheet) and (np.diff(bodies) > 0).all():
            out.append(_Chunk(sheet.events, counts, sheet.tables))
            continue
        first = np.repeat(sheet.ptr[bodies] - (np.cumsum(counts) - counts), counts)
        out.append(_Chunk(sheet.events.take(first + np.arange(len(first))), counts, sheet.tables))
    return out


def _offsets(counts: Any) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int64)


def _joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype, copy=False)


_NONE = (np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros(0))


def _entries(snippet: Snippet) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    table = snippet.program.parameters
    if table is None:
        return _NONE
    index = _numbers(snippet)
    return table.row, table.column, index[table.parameter], table.coefficient


def _numbers(snippet: Snippet) -> np.ndarray:
    """Return which of its gate's parameters each parameter of a snippet is, int32[parameters]."""
    table = snippet.program.parameters
    assert table is not None
    if (table.column > 1).any() or any(column > 1 for _, column, _ in table.expressions):
        raise CompilerError(
            f"Calibration {snippet.name!r} on qubits {list(snippet.qubits)} must depend on its parameters only through "
            "phases, frequencies and amplitudes, but a time does."
        )
    order = {name: k for k, name in enumerate(snippet.signature or table.names)}
    return np.array([order[n] for n in table.names], dtype=np.int32)


def _trees(snippets: Sequence[Snippet], first: Sequence[int]) -> Mapping[int, Tuple[Tuple[int, Any], ...]]:
    out: Dict[int, Tuple[Tuple[int, Any], ...]] = {}
    for snippet, start in zip(snippets, first):
        table = None if isinstance(snippet, SheetSnippet) else snippet.program.parameters
        if table is None or not table.expressions:
            continue
        parts = [("parameter", k) for k in _numbers(snippet).tolist()]
        for row, column, tree in table.expressions:
            out[start + row] = (*out.get(start + row, ()), (column, substituted(tree, parts)))
    return out
