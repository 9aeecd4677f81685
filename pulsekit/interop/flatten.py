"""Flatten qiskit's nested pulse programs into timed instructions."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.instructions import Call, Instruction
from qiskit.pulse.instructions.directives import Directive

from ..errors import ProgramError
from .blocks import place_block

__all__ = ["flat_instructions", "flatten", "instructions_of", "name_of"]

Timed = List[Tuple[int, Any]]


def flatten(program: Any) -> Tuple[Timed, int]:
    """Return (start, instruction) pairs, unsorted, and the duration in samples.

    Calls are replaced by what they call, directives (barriers) are left out.

    Args:
        program: Schedule, ScheduleBlock or single pulse Instruction; read only.

    Raises:
        ProgramError: something else, or a program that is not fully assigned.
    """
    out: Timed = []
    if isinstance(program, ScheduleBlock):
        placed = place_block(program)
        for t0, instruction in placed.items:
            _collect(instruction, t0, out)
        return out, placed.duration
    _collect(program, 0, out)
    return out, int(program.duration)


def name_of(program: Any) -> str:
    """Return a program's name; terra's next automatic one ("sched7") for a bare instruction."""
    return str(Schedule().name if isinstance(program, Instruction) else program.name or "")


def flat_instructions(program: Any) -> Timed:
    """Return the pairs of :func:`flatten`."""
    return flatten(program)[0]


def instructions_of(program: Any) -> Iterator[Instruction]:
    """Yield the instructions of a program in no order, whether it is assigned or not; directives are among them."""
    if isinstance(program, ScheduleBlock):
        for element in program.blocks:
            yield from instructions_of(element)
    elif isinstance(program, Schedule):
        for _, child in program._children:
            yield from instructions_of(child)
    elif isinstance(program, Call):
        yield from instructions_of(program.assigned_subroutine())
    else:
        yield program


_plain_classes: Dict[type, bool] = {}


def _plain(kind: type) -> bool:
    """Tell whether objects of a class are taken as they are."""
    known = _plain_classes.get(kind)
    if known is None:
        known = _plain_classes[kind] = issubclass(kind, Instruction) and not issubclass(kind, (Call, Directive))
    return known


def _collect(program: Any, shift: int, out: Timed) -> None:
    if isinstance(program, Schedule):
        for t0, child in program._children:
            if _plain(type(child)):
                out.append((t0 + shift, child))
            else:
                _collect(child, t0 + shift, out)
    elif isinstance(program, Call):
        _collect(program.assigned_subroutine(), shift, out)
    elif isinstance(program, Directive):
        return
    elif isinstance(program, Instruction):
        out.append((shift, program))
    elif isinstance(program, ScheduleBlock):
        out.extend((t0 + shift, i) for t0, i in flatten(program)[0])
    else:
        raise ProgramError(
            "Pulse programs must be Schedule, ScheduleBlock or pulse Instruction objects, "
            f"but {type(program).__name__} came."
        )
