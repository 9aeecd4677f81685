"""Place the instructions of ScheduleBlocks, as terra's alignment contexts do."""

from __future__ import annotations

from functools import reduce
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from qiskit.circuit import ParameterExpression
from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.instructions import Reference, RelativeBarrier
from qiskit.pulse.transforms import (
    AlignEquispaced,
    AlignFunc,
    AlignLeft,
    AlignmentKind,
    AlignRight,
    AlignSequential,
    block_to_schedule,
)

from ..errors import ProgramError

__all__ = ["Mixed", "Placed", "UnboundShape", "place_block", "whole"]

Time = Any  # samples: int; or int64[points] where many points of a template are placed at once
Length = Callable[[Any], Time]  # what a duration, a number or an expression, comes to


class UnboundShape(ProgramError):
    """The shape or the length of a pulse or a delay depends on a parameter."""


class Mixed(Exception):
    """Points of a template must be placed apart: ``where`` (bool[points]) parts them."""

    def __init__(self, where: np.ndarray) -> None:
        super().__init__("points must be placed apart")
        self.where = where


def whole(duration: Any) -> int:
    """Return a duration that is a number.

    Raises:
        UnboundShape: it depends on a parameter.
    """
    if isinstance(duration, ParameterExpression):
        raise UnboundShape(f"Durations must be numbers, but {duration} is not assigned. Assign it first.")
    return duration  # type: ignore[no-any-return]


def _later(a: Time, b: Time) -> Time:
    if isinstance(a, int) and isinstance(b, int):
        return a if a >= b else b
    return np.maximum(a, b)


def _earlier(a: Time, b: Time) -> Time:
    if isinstance(a, int) and isinstance(b, int):
        return a if a <= b else b
    return np.minimum(a, b)


def _decided(condition: Any) -> bool:
    """Return a condition that holds at all points or at none."""
    if isinstance(condition, bool):
        return condition
    if np.all(condition):
        return True
    if np.any(condition):
        raise Mixed(np.asarray(condition))
    return False


class Placed:
    """Instructions with start times, and what each wire (a numbered channel) spans."""

    __slots__ = ("duration", "items", "start", "stop")

    def __init__(self) -> None:
        self.items: List[Tuple[Time, Any]] = []
        self.start: Dict[int, Time] = {}
        self.stop: Dict[int, Time] = {}
        self.duration: Time = 0

    def insert(self, time: Time, other: "Placed") -> None:
        """Add another placement, later by ``time``."""
        moved = not (isinstance(time, int) and time == 0)
        self.items += [(t0 + time, i) for t0, i in other.items] if moved else other.items
        starts, stops = self.start, self.stop
        for wire, start in other.start.items():
            first, stop = start + time, other.stop[wire] + time
            if wire in starts:
                starts[wire] = _earlier(starts[wire], first)
                stops[wire] = _later(stops[wire], stop)
            else:
                starts[wire], stops[wire] = first, stop
        self.duration = _later(self.duration, time + other.duration)

    def shift(self, time: Time) -> None:
        """Move everything to later."""
        self.items = [(t0 + time, i) for t0, i in self.items]
        self.start = {c: t + time for c, t in self.start.items()}
        self.stop = {c: t + time for c, t in self.stop.items()}
        self.duration += time

    @property
    def first(self) -> Time:
        """Start of the first instruction, 0 where there is none."""
        return reduce(_earlier, self.start.values()) if self.start else 0


class _Placer:
    """Places the instructions of one block; numbers channels, whose own hashes are slow."""

    def __init__(self, length: Length) -> None:
        self.length = length
        self.wires: Dict[Any, int] = {}
        self.by_id: Dict[int, int] = {}  # the block keeps its channels alive

    def wire(self, channel: Any) -> int:
        number = self.by_id.get(id(channel))
        if number is None:
            number = self.by_id[id(channel)] = self.wires.setdefault(channel, len(self.wires))
        return number

    def leaf(self, instruction: Any, time: Time = 0) -> Placed:
        if isinstance(instruction, Reference):
            raise ProgramError(
                f"References must be assigned, but {instruction.ref_keys} is not. Use assign_references."
            )
        out = Placed()
        out.items = [(time, instruction)]
        out.duration = stop = time + self.length(instruction.duration)
        for channel in instruction.channels:
            wire = self.wire(channel)
            out.start[wire], out.stop[wire] = time, stop
        return out

    def block(self, block: ScheduleBlock) -> Placed:
        children: List[Placed] = []
        for element in block.blocks:
            if not isinstance(element, ScheduleBlock):
                children.append(self.leaf(element))
                continue
            inner = self.block(element)
            children.append(inner)
            length = getattr(element.alignment_context, "duration", None)
            length = inner.duration if length is None else self.length(length)
            if _decided(length < inner.duration):
                raise ProgramError(
                    f"Block {element.name!r} must fit its context of {length} samples, but it takes {inner.duration}."
                )
            if _decided(length > inner.duration):  # nothing may slip into the rest of the context
                children.append(self.leaf(RelativeBarrier(*element.channels), length - inner.duration))
        context = block.alignment_context
        place = _PLACERS.get(type(context))
        return place(context, children, self.length) if place is not None else self.by_terra(block)

    def by_terra(self, block: ScheduleBlock) -> Placed:
        """A user's own kind of context: leave the block to terra."""
        if block.is_parameterized():
            raise UnboundShape(f"Block {block.name!r} must be bound before its own kind of context can place it.")
        schedule: Schedule = block_to_schedule(block)
        out = Placed()
        for t0, instruction in schedule.instructions:
            out.insert(t0, self.leaf(instruction))
        out.duration = _later(out.duration, int(schedule.duration))
        return out


def place_block(block: ScheduleBlock, length: Length = whole) -> Placed:
    """Return the timed instructions of a block, nested ones included.

    Calls and directives are still among them. Linear in the number of
    instructions times the depth of nesting.

    Args:
        block: read only.
        length: turns durations into samples; where it returns one per point,
            the times of the result are int64[points] too.

    Raises:
        ProgramError: a duration or a reference that is not assigned, or a
            context that is too short.
        Mixed: points must be placed apart.
    """
    return _Placer(length).block(block)


def _appended(children: List[Placed]) -> Placed:
    out = Placed()
    for child in children:
        time: Time = 0
        for wire in child.start:
            if wire in out.stop:
                time = _later(time, out.stop[wire])
        out.insert(time, child)
    return out


def _left(context: AlignmentKind, children: List[Placed], length: Length) -> Placed:
    out = Placed()
    for child in children:
        time: Time = 0
        alone: List[Time] = []
        for wire, start in child.start.items():
            if wire in out.stop:
                time = _later(time, out.stop[wire] - start)
            else:
                alone.append(start)
        out.insert(_later(time, reduce(_earlier, alone)) if alone else time, child)
    return out


def _right(context: AlignmentKind, children: List[Placed], length: Length) -> Placed:
    out = Placed()
    for child in reversed(children):
        slacks = [out.start[c] - stop for c, stop in child.stop.items() if c in out.start]
        time = reduce(_earlier, slacks) if slacks else out.duration - child.duration
        time = time + child.first
        missing = _later(0 - time, 0)
        if not (isinstance(missing, int) and missing == 0):
            out.shift(missing)
            time = _later(time, 0)
        out.insert(time, child)
    return out


def _sequential(context: AlignmentKind, children: List[Placed], length: Length) -> Placed:
    out = Placed()
    for child in children:
        out.insert(out.duration, child)
    return out


def _equispaced(context: AlignEquispaced, children: List[Placed], length: Length) -> Placed:
    rest = length(context.duration) - sum(child.duration for child in children)
    if _decided(rest < 0):
        return _appended(children)
    gaps = len(children) - 1
    interval, rest = (rest // gaps, rest % gaps) if gaps > 0 else (0, rest)
    out, time = Placed(), rest // 2 + rest % 2
    for child in children:
        out.insert(time, child)
        time = out.duration + interval
    return out


def _by_function(context: AlignFunc, children: List[Placed], length: Length) -> Placed:
    appended, span = _appended(children), length(context.duration)
    if _decided(span < appended.duration):
        return appended
    out = Placed()
    for index, child in enumerate(children):
        exact = span * context.func(index + 1) - 0.5 * child.duration
        time = int(exact) if isinstance(exact, float) else np.trunc(exact).astype(np.int64)
        if _decided((time < 0) | (time > span)):
            raise ProgramError(
                f"Positions of a context must be in 0..{span} samples, but child {index} comes to {time}."
            )
        out.insert(time, child)
    return out


_PLACERS: Dict[type, Callable[[Any, List[Placed], Length], Placed]] = {
    AlignLeft: _left,
    AlignRight: _right,
    AlignSequential: _sequential,
    AlignEquispaced: _equispaced,
    AlignFunc: _by_function,
}
