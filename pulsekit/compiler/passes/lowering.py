"""Copy the snippets of all gates to their times: one event table per circuit."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Dict, FrozenSet, Sequence, Tuple

import numpy as np

from ..._ext import kernel
from ...program import EventTable, Op, Program
from ...program.events import COLUMNS
from ..base import Pass
from ..judge_rows import judge
from ..lowered import Lowered
from ..parameter_rows import parameter_tables, write_trees
from ..pool import Pool
from ..sources import SourceView
from ..work import Work

__all__ = ["Lower", "lower"]


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
    columns, (gate, pool_row, touched) = _allocate(rows)
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
    slow = write_trees(gates, pool, gate, pool_row, columns, touched) if pool.trees else {}
    events = EventTable(**columns)
    parameters = parameter_tables(gates, pool, work.snippet, gate, pool_row, ptr, slow)
    out = Lowered(events, ptr, gate, pool_row, np.flatnonzero(touched), pool, parameters)
    judge(gates, out)
    return out


def _allocate(rows: int) -> Tuple[Dict[str, np.ndarray], Sequence[np.ndarray]]:
    """Return the columns of events, and of gate, pool row and mark, in one block of memory.

    In one block because fresh pages cost more than the work on them, and
    numpy asks for large pages from 4 MB on.
    """
    dtypes = [*COLUMNS.values(), np.dtype(np.int64), np.dtype(np.int64), np.dtype(np.uint8)]
    stops = np.cumsum([-(-rows * dtype.itemsize // 64) * 64 for dtype in dtypes]).tolist()
    block = np.empty(stops[-1], np.uint8)
    parts = [block[lo:hi][: rows * d.itemsize].view(d) for lo, hi, d in zip([0, *stops], stops, dtypes)]
    return dict(zip(COLUMNS, parts)), parts[len(COLUMNS) :]


def _programs(work: Work, low: Lowered) -> Tuple[Program, ...]:
    gates, pool = work.gates, low.pool
    assert work.total is not None
    bounds = gates.circuit_ptr.tolist()
    programs = []
    acquires = np.flatnonzero(low.events.op == Op.ACQUIRE)
    slots = np.zeros(len(gates.circuits), np.int64)
    np.maximum.at(slots, gates.circuit[low.gate[acquires]], low.events.slot[acquires] + 1)
    totals, highest = work.total.tolist(), slots.tolist()
    metadata = {id(info.metadata): MappingProxyType(dict(info.metadata)) for info in gates.circuits}
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
                metadata=metadata[id(info.metadata)],
            )
        )
    return tuple(programs)
