"""Tell from when to when the instructions of a program play, and on which qubits."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ..program import Op, Program

__all__ = ["Span", "first_overlap", "node_spans", "outside", "playing", "qubit_spans", "source_spans"]

Span = Tuple[int, int]  # start and stop, samples


def source_spans(program: Program) -> Dict[int, Span]:
    """Return, per source, the time from its first row to the end of its last; delays do not count."""
    e = program.events
    busy = np.flatnonzero((e.op != Op.DELAY) & (e.source >= 0))
    spans: Dict[int, Span] = {}
    for s, t0, t1 in zip(e.source[busy].tolist(), e.t0[busy].tolist(), (e.t0 + e.duration)[busy].tolist()):
        lo, hi = spans.get(s, (t0, t1))
        spans[s] = (min(lo, t0), max(hi, t1))
    return spans


def playing(program: Program) -> List[Tuple[int, Span]]:
    """Return (source, span) of everything that plays: gates as a whole, inserted pulses one by one."""
    e = program.events
    inserted = [k for k, source in enumerate(program.sources) if source.index < 0]
    rows = np.flatnonzero(np.isin(e.source, inserted) & (e.duration > 0) & (e.op != Op.DELAY))
    single = zip(e.source[rows].tolist(), zip(e.t0[rows].tolist(), (e.t0 + e.duration)[rows].tolist()))
    return [*((s, span) for s, span in source_spans(program).items() if program.sources[s].index >= 0), *single]


def qubit_spans(program: Program, spans: Iterable[Tuple[int, Span]]) -> Dict[int, List[Span]]:
    """Return the spans of each qubit, in order of time."""
    out: Dict[int, List[Span]] = {}
    for source, span in spans:
        for qubit in program.sources[source].qubits:
            out.setdefault(qubit, []).append(span)
    return {q: sorted(taken) for q, taken in sorted(out.items())}


def node_spans(program: Program, spans: Iterable[Tuple[int, Span]]) -> Dict[FrozenSet[int], List[Span]]:
    """Return the spans of each set of qubits that has an instruction of its own, in order of time."""
    out: Dict[FrozenSet[int], List[Span]] = {}
    for source, span in spans:
        out.setdefault(frozenset(program.sources[source].qubits), []).append(span)
    return {node: sorted(taken) for node, taken in out.items()}


def first_overlap(left: Sequence[Span], right: Sequence[Span]) -> Optional[Tuple[Span, Span]]:
    """Return the first two spans that overlap, or None.

    Args:
        left: spans that do not overlap one another, in order of time.
        right: likewise.
    """
    i = j = 0
    while i < len(left) and j < len(right):
        if max(left[i][0], right[j][0]) < min(left[i][1], right[j][1]):
            return left[i], right[j]
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return None


def outside(window: Span, taken: Iterable[Span]) -> List[Span]:
    """Return what is left of a window without some spans."""
    out, start = [], window[0]
    for t0, t1 in sorted(taken):
        if t1 <= start or t0 >= window[1]:
            continue
        if t0 > start:
            out.append((start, t0))
        start = max(start, t1)
    return [*out, (start, window[1])] if start < window[1] else out
