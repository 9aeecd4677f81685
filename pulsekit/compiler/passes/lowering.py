"""Copy the snippets of all gates to their times: one event table per circuit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, FrozenSet, List, Optional, Tuple

import numpy as np

from ..._ext import kernel
from ...errors import CompilerError, PulsekitWarning
from ...program import EventTable, Op, ParameterTable, Program
from ...program.events import COLUMNS
from ..base import Pass
from ..gates import GateTable
from ..lowered import Lowered
from ..pool import Pool
from ..sources import SourceView
from ..work import Work

__all__ = ["Lower", "lower"]

OVERLAP = 8035  # "overlapping instructions on a channel"
SLOT = 8001  # "measured qubit without a memory slot of its own"


@dataclass(frozen=True)
class Lower(Pass):
    """Turn gates with start times into programs."""

    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated", "sequenced"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"lowered"})

    def run(self, work: Work) -> Work:
        """Return the work with ``programs``, one per circuit."""
        return work.replace(programs=_programs(work, lower(work)))


def lower(work: Work) -> Lowered:
    """Return the rows of all circuits of a sequenced work.

    Rows are sorted by time within each circuit; at one time those of no
    length come first, else the order of the gates and of their bodies holds.

    Raises:
        CompilerError: two rows overlap on one channel.
    """
    gates = work.gates
    assert work.snippet is not None and work.start is not None and work.duration is not None
    pool, model = Pool.of(work.snippets), Pool.of(work.snippets).events
    counts = np.append(np.diff(pool.ptr), 0)[work.snippet]
    ptr = np.concatenate([[0], np.cumsum(counts)])[gates.circuit_ptr]
    rows, largest = int(ptr[-1]), int(np.diff(ptr).max(initial=0))
    columns = {name: np.empty(rows, dtype) for name, dtype in COLUMNS.items()}
    gate, pool_row, touched = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.uint8)
    own = np.array([s[0] if s else -1 for s in gates.clbit_sets] + [-1], dtype=np.int32)
    kernel("layout").lower_rows(
        gates.circuit_ptr,
        ptr,
        work.snippet,
        work.start,
        work.duration,
        own[gates.clbits],
        gates.param_at,
        gates.params,
        pool.ptr,
        model.t0,
        model.duration,
        model.op,
        model.channel,
        model.ref,
        model.value,
        model.angle,
        model.slot,
        model.calibration,
        model.label,
        pool.stretch.view(np.uint8),
        pool.from_clbit.view(np.uint8),
        pool.entry_ptr,
        pool.entry_row,
        pool.entry_column,
        pool.entry_parameter,
        pool.entry_coefficient,
        *columns.values(),
        gate,
        pool_row,
        touched,
        np.empty((8, largest), np.int64),
        np.empty((2, largest)),
        np.empty(largest, np.uint8),
    )
    events = EventTable(**columns)
    parameters = _parameter_tables(gates, pool, work.snippet, gate, pool_row, ptr)
    out = Lowered(events, ptr, gate, pool_row, np.flatnonzero(touched), pool, parameters)
    _refuse_overlap(gates, out)
    _judge_slots(gates, out)
    return out


def _expand(ptr: np.ndarray, which: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return, for ranges ptr[w]..ptr[w + 1], (position in ``which``, item)."""
    counts = np.diff(ptr)[which]
    at = np.repeat(np.arange(len(which)), counts)
    item = np.arange(len(at)) + np.repeat(ptr[which] - (np.cumsum(counts) - counts), counts)
    return at, item


def _parameter_tables(
    gates: GateTable,
    pool: Pool,
    snippet: np.ndarray,
    gate: np.ndarray,
    pool_row: np.ndarray,
    ptr: np.ndarray,
) -> Tuple[Optional[ParameterTable], ...]:
    """Return each circuit's table of rows that depend on unbound parameters."""
    symbols = gates.symbols
    tables: List[Optional[ParameterTable]] = [None] * len(gates.circuits)
    if not any(info.parameters for info in gates.circuits):
        return tuple(tables)
    used = np.flatnonzero(snippet >= 0)
    which = snippet[used]
    counts = np.diff(pool.ptr)[which]
    first = np.cumsum(counts) - counts
    place_of = np.lexsort((pool_row, gate))  # where each row went, gate after gate
    at, entry = _expand(pool.entry_ptr, which)
    slot = gates.param_at[used[at]] + pool.entry_parameter[entry]
    row = place_of[first[at] + pool.entry_row[entry]]
    circuit = gates.circuit[used[at]]
    by_slot = np.argsort(symbols.slot, kind="stable")
    sorted_slots = symbols.slot[by_slot]
    lo, hi = np.searchsorted(sorted_slots, slot, "left"), np.searchsorted(sorted_slots, slot, "right")
    source = np.repeat(np.arange(len(slot)), hi - lo)
    symbol = by_slot[np.arange(len(source)) + np.repeat(lo - (np.cumsum(hi - lo) - (hi - lo)), hi - lo)]
    coefficient = symbols.coefficient[symbol] * pool.entry_coefficient[entry[source]]
    trees = dict(symbols.expressions)
    for c, info in enumerate(gates.circuits):
        if not info.parameters:
            continue
        mine = circuit[source] == c
        slow = (
            tuple(
                (
                    int(row[k] - ptr[c]),
                    int(pool.entry_column[entry[k]]),
                    _scaled(trees[s], pool.entry_coefficient[entry[k]]),
                )
                for k, s in enumerate(slot.tolist())
                if s in trees and circuit[k] == c
            )
            if trees
            else ()
        )
        tables[c] = ParameterTable(
            names=info.parameters,
            row=(row[source][mine] - ptr[c]).astype(np.int32),
            column=pool.entry_column[entry[source]][mine],
            parameter=symbols.parameter[symbol][mine],
            coefficient=coefficient[mine],
            expressions=slow,
        )
    return tuple(tables)


def _scaled(tree: object, factor: float) -> object:
    return tree if factor == 1 else ("mul", ("number", float(factor)), tree)


def _refuse_overlap(gates: GateTable, out: Lowered) -> None:
    events = out.events
    busy = np.zeros(len(out.pool.channels) or 1, np.int64)
    row = kernel("layout").overlap(out.ptr, events.t0, events.duration, events.channel, busy)
    if row >= 0:
        channel = out.pool.channels[events.channel[row]]
        start, stop = int(events.t0[row]), int(events.t0[row] + events.duration[row])
        raise CompilerError(
            f"{gates.where(int(out.gate[row]))}: {channel}@{start}..{stop}: instructions on one channel must not "
            "overlap, but the channel is still taken then.",
            code=OVERLAP,
        )


def _judge_slots(gates: GateTable, out: Lowered) -> None:
    """Refuse two results in one slot at one time, and warn when one replaces another."""
    events = out.events
    rows = np.flatnonzero((events.op == Op.ACQUIRE) & (events.slot >= 0))
    circuit = gates.circuit[out.gate[rows]].astype(np.int64)
    key = circuit * (int(events.slot[rows].max(initial=0)) + 1) + events.slot[rows]
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(np.diff(key[order]) == 0)
    if not again.size:
        return
    before, after = rows[order[again]], rows[order[again + 1]]
    clash = np.flatnonzero(events.t0[after] < events.t0[before] + events.duration[before])
    which = int(clash[0]) if clash.size else 0
    row, slot = int(after[which]), int(events.slot[after[which]])
    other = gates.where(int(out.gate[before[which]]))
    if clash.size:
        raise CompilerError(
            f"{gates.where(int(out.gate[row]))}: a classical bit must hold one result at a time, but clbit {slot} is "
            f"still written by {other}.",
            code=SLOT,
        )
    warnings.warn(
        f"{gates.where(int(out.gate[row]))}: the result replaces the one that {other} put into clbit {slot}.",
        PulsekitWarning,
        stacklevel=2,
    )


def _programs(work: Work, low: Lowered) -> Tuple[Program, ...]:
    gates, pool = work.gates, low.pool
    assert work.total is not None
    bounds = gates.circuit_ptr.tolist()
    programs = []
    acquires = np.flatnonzero(low.events.op == Op.ACQUIRE)
    slots = np.zeros(len(gates.circuits), np.int64)
    np.maximum.at(slots, gates.circuit[low.gate[acquires]], low.events.slot[acquires] + 1)
    totals, highest = work.total.tolist(), slots.tolist()
    for c, events in enumerate(low.events.split(low.ptr.tolist())):
        info = gates.circuits[c]
        programs.append(
            Program(
                events=events,
                channels=pool.channels,
                pulses=pool.pulses,
                acquires=pool.acquires,
                sources=SourceView(gates, bounds[c], bounds[c + 1]),
                calibrations=pool.calibrations,
                labels=pool.labels,
                name=info.name,
                duration=totals[c],
                memory_slots=max(info.n_clbits, highest[c]),
                parameters=low.parameters[c],
                metadata=info.metadata,
            )
        )
    return tuple(programs)
