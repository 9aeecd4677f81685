"""Verify many programs in one go: those of a sweep cost little more than one."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from .events import Op
from .program import Program
from .stacks import stacked
from .verifier import find_violations, verify

__all__ = ["verify_all"]

BUNDLE = 100_000  # rows judged at once


def verify_all(programs: Sequence[Program], device: Any = None, *, timing: bool = True) -> None:
    """Raise if one of several programs breaks a rule, see :func:`verify`.

    Programs are lined up in time and judged as one; only where that one
    breaks a rule, or is odd, each is judged alone.

    Args:
        programs: to be judged, in order.
        device: see :func:`verify`.
        timing: see :func:`verify`.

    Raises:
        ProgramError: the first broken rule of the first program that breaks
            one.
    """
    start = 0
    while start < len(programs):
        stop, rows = start, 0
        while stop < len(programs) and (rows < BUNDLE or stop == start):
            rows += len(programs[stop].events)
            stop += 1
        part = programs[start:stop]
        if len(part) == 1 or _odd(part, device, timing):
            for program in part:
                verify(program, device, timing=timing)
        start = stop


def _odd(programs: Sequence[Program], device: Any, timing: bool) -> bool:
    """Tell whether programs cannot be judged in one go, or break a rule together."""
    stack = stacked(programs)
    if stack is None or (np.diff(stack.ptr) == 0).any() or (stack.events.op > Op.RESET).any():  # frames to restore
        return True
    slots = np.array([p.memory_slots for p in programs], dtype=np.int64)
    line = stack.lined_up()
    if line is None or (stack.events.slot >= slots[stack.owner]).any():
        return True
    return bool(find_violations(line, device, timing=timing))
