"""Cut a program into what happens to one cluster, step by step."""

from __future__ import annotations

import warnings
from enum import IntEnum
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from ..errors import ExecutionError, PulsekitWarning
from ..program import AcquireSpec, Channel, Op, Program

__all__ = ["Acquire", "Kind", "Step", "acquires_of", "cut", "drives_after", "warn_of_lost_drives"]


class Kind(IntEnum):
    """What a step does; at one time in this order."""

    RELEASE = 0  # measured qubits are free again, at the level that their jumps left
    RESET = 1
    MEASURE = 2  # collapse
    FINISH = 3  # the program's end: levels of all qubits, for the next shot
    EVOLVE = 4


class Acquire(NamedTuple):
    """One acquire of one qubit."""

    qubit: int
    ordinal: int  # of this qubit's acquires
    t0: int  # samples
    duration: int  # samples
    slot: int  # memory slot, or -1
    spec: AcquireSpec

    @property
    def stream_index(self) -> int:
        """The index of its random numbers."""
        return (self.ordinal << 16) | self.qubit


class Step(NamedTuple):
    """One step; ``stop`` is the time of all kinds but EVOLVE."""

    kind: Kind
    start: int  # samples
    stop: int
    acquires: Tuple[Acquire, ...] = ()  # MEASURE, RELEASE
    qubits: Tuple[int, ...] = ()  # RESET, FINISH: device qubits; EVOLVE: those held


def acquires_of(program: Program) -> List[Acquire]:
    """Return a program's acquires in order of time.

    Raises:
        ExecutionError: one qubit's acquires overlap.
    """
    events = program.events
    seen: Dict[int, Acquire] = {}
    out: List[Acquire] = []
    for row in np.flatnonzero(events.op == Op.ACQUIRE).tolist():
        qubit, ref = program.channels[events.channel[row]].index, int(events.ref[row])
        before = seen.get(qubit)
        acquire = Acquire(
            qubit,
            0 if before is None else before.ordinal + 1,
            int(events.t0[row]),
            int(events.duration[row]),
            int(events.slot[row]),
            program.acquires[ref] if ref >= 0 else AcquireSpec(),
        )
        if before is not None and before.t0 + before.duration > acquire.t0:
            raise ExecutionError(
                f"a{qubit}@{acquire.t0}..{acquire.t0 + acquire.duration}: acquires of one qubit must not overlap, "
                f"but one lasts until {before.t0 + before.duration}."
            )
        seen[qubit] = acquire
        out.append(acquire)
    return out


def cut(program: Program, qubits: Sequence[int], to_end: bool) -> List[Step]:
    """Return the steps of a cluster, in order.

    Args:
        program: bound.
        qubits: device qubits of the cluster.
        to_end: go on to the program's end and find every qubit's level there;
            else stop after the last acquire.
    """
    acquires = [a for a in acquires_of(program) if a.qubit in qubits]
    marks = _marks(acquires) + _resets(program, qubits)
    if to_end:
        end = max([program.duration] + [a.t0 + a.duration for a in acquires])
        marks.append(Step(Kind.FINISH, end, end, qubits=tuple(qubits)))
    marks.sort(key=lambda s: (s.stop, s.kind))
    if not to_end:
        last = max((i for i, s in enumerate(marks) if s.kind == Kind.MEASURE), default=-1)
        marks = marks[: last + 1]
    steps: List[Step] = []
    now, held = 0, frozenset()  # type: Tuple[int, frozenset]
    for mark in marks:
        if mark.stop > now:
            if len(held) < len(qubits):
                steps.append(Step(Kind.EVOLVE, now, mark.stop, qubits=tuple(sorted(held))))
            now = mark.stop
        touched = frozenset(a.qubit for a in mark.acquires)
        if mark.kind == Kind.MEASURE:
            held = held | touched
        elif mark.kind == Kind.RELEASE:
            held = held - touched
        elif mark.kind == Kind.RESET and held & set(mark.qubits):
            raise ExecutionError(f"d{mark.qubits[0]}@{mark.stop}: a reset must not be inside an acquire, but it is.")
        steps.append(mark)
    return steps


def warn_of_lost_drives(program: Program) -> None:
    """Warn where a qubit is driven while it is acquired: its level is held, the drive does nothing."""
    events = program.events
    for acquire in acquires_of(program):
        line = program.channel_id(Channel("d", acquire.qubit))
        if line < 0:
            continue
        stop = acquire.t0 + acquire.duration
        on_line = (events.channel == line) & (events.op == int(Op.PLAY))
        rows = np.flatnonzero(on_line & (events.t0 < stop) & (events.t0 + events.duration > acquire.t0))
        if rows.size:
            t0, end = int(events.t0[rows[0]]), int(events.t0[rows[0]] + events.duration[rows[0]])
            warnings.warn(
                f"d{acquire.qubit}@{t0}..{end}: a qubit should not be driven while it is acquired, but it is from "
                f"{acquire.t0} to {stop}; its level is held and the drive does nothing.",
                PulsekitWarning,
                stacklevel=2,
            )
            return


def drives_after(program: Program, time: int) -> bool:
    """Tell whether anything drives a qubit from ``time`` on."""
    events = program.events
    kinds = np.array([c.kind in "du" for c in program.channels] or [False])
    acts = np.isin(events.op, [int(Op.PLAY), int(Op.RESET)]) & kinds[events.channel]
    return bool((acts & (events.t0 + events.duration > time)).any())


def _marks(acquires: Sequence[Acquire]) -> List[Step]:
    starts: Dict[int, List[Acquire]] = {}
    stops: Dict[int, List[Acquire]] = {}
    for acquire in acquires:
        starts.setdefault(acquire.t0, []).append(acquire)
        stops.setdefault(acquire.t0 + acquire.duration, []).append(acquire)
    return [Step(Kind.MEASURE, t, t, acquires=tuple(group)) for t, group in starts.items()] + [
        Step(Kind.RELEASE, t, t, acquires=tuple(group)) for t, group in stops.items()
    ]


def _resets(program: Program, qubits: Sequence[int]) -> List[Step]:
    events = program.events
    out = []
    for row in np.flatnonzero(events.op == Op.RESET).tolist():
        qubit = program.channels[events.channel[row]].index
        if qubit in qubits:
            t = int(events.t0[row] + events.duration[row])
            out.append(Step(Kind.RESET, t, t, qubits=(qubit,)))
    return out
