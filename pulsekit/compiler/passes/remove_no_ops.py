"""Remove what does nothing, and what nothing refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

import numpy as np

from ...device import Device
from ...program import Op, Program
from ...program.rows import free_rows, select_rows
from .program_pass import ProgramPass

__all__ = ["RemoveNoOps"]

_FREQUENCY = (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY, Op.SAVE_FRAME, Op.RESTORE_FRAME)


@dataclass(frozen=True)
class RemoveNoOps(ProgramPass):
    """Remove delays, pulses of amplitude 0, shifts by 0 and empty frame scopes.

    The program's duration stays, so that trailing delays still count.
    """

    keep_delays: bool = False  # only delays of no length go

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program without rows that do nothing."""
        e, free = program.events, free_rows(program)
        zero = e.value == 0
        idle = (e.op == Op.DELAY) & ((e.duration == 0) | (not self.keep_delays))
        idle |= zero & np.isin(e.op, (Op.PLAY, Op.SHIFT_PHASE, Op.SHIFT_FREQUENCY))
        keep = ~(idle & ~free)
        _drop_empty_scopes(program, keep)
        return select_rows(program, keep)


def _drop_empty_scopes(program: Program, keep: np.ndarray) -> None:
    """Drop saved and restored frames with no frequency change between."""
    e = program.events
    saved: Dict[int, List[List[int]]] = {}  # channel -> stack of [row, changes inside]
    for row in np.flatnonzero(keep & np.isin(e.op, _FREQUENCY)).tolist():
        op, stack = e.op[row], saved.setdefault(int(e.channel[row]), [])
        if op == Op.SAVE_FRAME:
            stack.append([row, 0])
        elif op == Op.RESTORE_FRAME and stack:
            start, changes = stack.pop()
            if not changes:
                keep[start] = keep[row] = False
        else:
            for scope in stack:
                scope[1] += 1
