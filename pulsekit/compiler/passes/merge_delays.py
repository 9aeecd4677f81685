"""Merge delays that follow one another on a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

import numpy as np

from ...device import Device
from ...program import Op, Program
from ...program.rows import free_rows, select_rows
from .program_pass import ProgramPass

__all__ = ["MergeDelays"]


@dataclass(frozen=True)
class MergeDelays(ProgramPass):
    """Make one delay of several that touch, if nothing else is between."""

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program with fewer delays."""
        e, free = program.events, free_rows(program)
        duration, keep = e.duration.copy(), np.ones(len(e), dtype=bool)
        before: Dict[int, int] = {}  # channel -> its last row, while that is a delay
        for row, (op, channel) in enumerate(zip(e.op.tolist(), e.channel.tolist())):
            if op != Op.DELAY or free[row]:
                before.pop(channel, None)
                continue
            last = before.get(channel, -1)
            if last >= 0 and e.t0[last] + duration[last] == e.t0[row]:
                duration[last] += duration[row]
                keep[row] = False
            else:
                before[channel] = row
        return select_rows(program.replace(events=e.replace(duration=duration)), keep)
