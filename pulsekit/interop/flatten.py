"""Flatten qiskit's nested pulse programs into timed instructions."""

from __future__ import annotations

from typing import Any, List, Tuple

from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.instructions import Call, Instruction
from qiskit.pulse.instructions.directives import Directive
from qiskit.pulse.transforms import block_to_schedule

from ..errors import ProgramError

__all__ = ["flat_instructions", "length"]

Timed = List[Tuple[int, Any]]


def flat_instructions(program: Any) -> Timed:
    """Return (start, instruction) pairs, unsorted, without calls and directives.

    Args:
        program: Schedule, ScheduleBlock or single pulse Instruction; read only.
    """
    out: Timed = []
    _collect(program, 0, out)
    return out


def _collect(program: Any, shift: int, out: Timed) -> None:
    if isinstance(program, Schedule):
        for t0, child in program._children:
            if isinstance(child, Instruction) and not isinstance(child, (Call, Directive)):
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
        _collect(block_to_schedule(program), shift, out)
    else:
        raise ProgramError(
            "Pulse programs must be Schedule, ScheduleBlock or pulse Instruction objects, "
            f"but {type(program).__name__} came."
        )


def length(program: Any) -> int:
    """Return the duration of a pulse program in samples."""
    return int(program.duration)
