"""Place the instructions of ScheduleBlocks, as terra's alignment contexts do."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

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

__all__ = ["Placed", "UnboundShape", "place_block"]


class UnboundShape(ProgramError):
    """The shape or the length of a pulse or a delay depends on a parameter."""


class Placed:
    """Instructions with start times, and what each channel spans."""

    __slots__ = ("duration", "items", "start", "stop")

    def __init__(self) -> None:
        self.items: List[Tuple[int, Any]] = []
        self.start: Dict[Any, int] = {}
        self.stop: Dict[Any, int] = {}
        self.duration = 0

    def insert(self, time: int, other: "Placed") -> None:
        """Add another placement, later by ``time``."""
        self.items += [(t0 + time, i) for t0, i in other.items] if time else other.items
        for channel, start in other.start.items():
            stop = other.stop[channel] + time
            if channel in self.start:
                self.start[channel] = min(self.start[channel], start + time)
                self.stop[channel] = max(self.stop[channel], stop)
            else:
                self.start[channel], self.stop[channel] = start + time, stop
        self.duration = max(self.duration, time + other.duration)

    def shift(self, time: int) -> None:
        """Move everything to later."""
        self.items = [(t0 + time, i) for t0, i in self.items]
        self.start = {c: t + time for c, t in self.start.items()}
        self.stop = {c: t + time for c, t in self.stop.items()}
        self.duration += time

    @property
    def first(self) -> int:
        """Start of the first instruction, 0 where there is none."""
        return min(self.start.values(), default=0)


def _leaf(instruction: Any, time: int = 0) -> Placed:
    if isinstance(instruction, Reference):
        raise ProgramError(f"References must be assigned, but {instruction.ref_keys} is not. Use assign_references.")
    duration = instruction.duration
    if isinstance(duration, ParameterExpression):
        raise UnboundShape(f"Durations must be numbers, but {instruction} is not assigned. Assign it first.")
    out = Placed()
    out.items = [(time, instruction)]
    out.duration = time + duration
    for channel in instruction.channels:
        out.start[channel], out.stop[channel] = time, time + duration
    return out


def place_block(block: ScheduleBlock) -> Placed:
    """Return the timed instructions of a block, nested ones included.

    Calls and directives are still among them. Linear in the number of
    instructions times the depth of nesting.

    Raises:
        ProgramError: a duration or a reference that is not assigned, or a
            context that is too short.
    """
    children: List[Placed] = []
    for element in block.blocks:
        if not isinstance(element, ScheduleBlock):
            children.append(_leaf(element))
            continue
        inner = place_block(element)
        children.append(inner)
        length = getattr(element.alignment_context, "duration", inner.duration)
        if isinstance(length, ParameterExpression):
            raise UnboundShape(f"The duration of a context must be a number, but {length} is not assigned.")
        if length < inner.duration:
            raise ProgramError(
                f"Block {element.name!r} must fit its context of {length} samples, but it takes {inner.duration}."
            )
        if length > inner.duration:  # nothing may slip into the rest of the context
            children.append(_leaf(RelativeBarrier(*element.channels), length - inner.duration))
    context = block.alignment_context
    place = _PLACERS.get(type(context))
    return place(context, children) if place is not None else _by_terra(block)


def _by_terra(block: ScheduleBlock) -> Placed:
    """A user's own kind of context: leave the block to terra."""
    schedule: Schedule = block_to_schedule(block)
    out = Placed()
    for t0, instruction in schedule.instructions:
        out.insert(t0, _leaf(instruction))
    out.duration = max(out.duration, int(schedule.duration))
    return out


def _appended(children: List[Placed]) -> Placed:
    out = Placed()
    for child in children:
        shared = [c for c in child.start if c in out.stop]
        out.insert(max((out.stop[c] for c in shared), default=0), child)
    return out


def _left(context: AlignmentKind, children: List[Placed]) -> Placed:
    out = Placed()
    for child in children:
        time, alone = 0, []
        for channel, start in child.start.items():
            if channel in out.stop:
                time = max(time, out.stop[channel] - start)
            else:
                alone.append(start)
        out.insert(max(time, min(alone, default=0)), child)
    return out


def _right(context: AlignmentKind, children: List[Placed]) -> Placed:
    out = Placed()
    for child in reversed(children):
        slacks = [out.start[c] - stop for c, stop in child.stop.items() if c in out.start]
        time = min(slacks) if slacks else out.duration - child.duration
        time += child.first
        if time < 0:
            out.shift(-time)
            time = 0
        out.insert(time, child)
    return out


def _sequential(context: AlignmentKind, children: List[Placed]) -> Placed:
    out = Placed()
    for child in children:
        out.insert(out.duration, child)
    return out


def _equispaced(context: AlignEquispaced, children: List[Placed]) -> Placed:
    rest = int(context.duration) - sum(child.duration for child in children)
    if rest < 0:
        return _appended(children)
    interval, rest = divmod(rest, len(children) - 1) if len(children) > 1 else (0, rest)
    half, odd = divmod(rest, 2)
    out, time = Placed(), half + odd
    for child in children:
        out.insert(time, child)
        time = out.duration + interval
    return out


def _by_function(context: AlignFunc, children: List[Placed]) -> Placed:
    appended = _appended(children)
    if context.duration < appended.duration:
        return appended
    out = Placed()
    for index, child in enumerate(children):
        time = int(context.duration * context.func(index + 1) - 0.5 * child.duration)
        if time < 0 or time > context.duration:
            raise ProgramError(
                f"Positions of a context must be in 0..{context.duration} samples, but child {index} comes to {time}."
            )
        out.insert(time, child)
    return out


_PLACERS: Dict[type, Callable[[Any, List[Placed]], Placed]] = {
    AlignLeft: _left,
    AlignRight: _right,
    AlignSequential: _sequential,
    AlignEquispaced: _equispaced,
    AlignFunc: _by_function,
}
