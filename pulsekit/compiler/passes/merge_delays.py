"""Merge delays that follow one another on a channel."""

from __future__ import annotations

from dataclasses import dataclass

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
        order = np.argsort(e.channel, kind="stable")
        delay = (e.op[order] == Op.DELAY) & ~free[order]
        stop = (e.t0 + e.duration)[order]
        joins = np.zeros(len(e), dtype=bool)  # in the order of channels: does it continue the row before?
        joins[1:] = (
            delay[1:] & delay[:-1] & (stop[:-1] == e.t0[order][1:]) & (e.channel[order][1:] == e.channel[order][:-1])
        )
        if not joins.any():
            return program
        run = np.cumsum(~joins) - 1
        total = np.bincount(run, weights=np.where(delay, e.duration[order], 0)).astype(np.int64)
        duration, keep = e.duration.copy(), np.ones(len(e), dtype=bool)
        first = ~joins & delay
        duration[order[first]] = total[run[first]]
        keep[order[joins]] = False
        return select_rows(program.replace(events=e.replace(duration=duration)), keep)
