"""Merge phase shifts, and frequency changes of one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List

import numpy as np

from ...device import Device
from ...program import Op, Program
from ...program.rows import free_rows, select_rows
from .program_pass import ProgramPass

__all__ = ["MergePhases"]

NOTHING = 1e-14  # rad: a phase shift by less than that (modulo a turn) does nothing


@dataclass(frozen=True)
class MergePhases(ProgramPass):
    """Leave one phase shift before every pulse, at most.

    Shifts on a channel add up to the last of them before the next pulse; a
    SET_PHASE makes shifts before it void. Shifts at the end stay: they are the
    virtual Z of the final state. Of frequency changes at one time, the last
    SET and what follows it count. Parametric rows stay as they are.
    """

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program with merged frame changes."""
        e, free = program.events, free_rows(program)
        value, keep = e.value.copy(), np.ones(len(e), dtype=bool)
        phases: Dict[int, List[int]] = {}  # channel -> phase rows since the last pulse
        frequencies: Dict[int, List[int]] = {}  # channel -> frequency rows at this time
        for row, (op, channel, t0) in enumerate(zip(e.op.tolist(), e.channel.tolist(), e.t0.tolist())):
            mine = frequencies.setdefault(channel, [])
            if mine and (e.t0[mine[0]] != t0 or op in (Op.SAVE_FRAME, Op.RESTORE_FRAME) or free[row]):
                mine.clear()
            if op == Op.PLAY:
                phases[channel] = []
            elif free[row]:
                phases[channel] = [] if op == Op.SET_PHASE else phases.get(channel, [])
            elif op in (Op.SHIFT_PHASE, Op.SET_PHASE):
                _absorb(e.op, value, keep, phases.setdefault(channel, []), row, Op.SET_PHASE)
            elif op in (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY):
                _absorb(e.op, value, keep, mine, row, Op.SET_FREQUENCY)
        shifts = keep & (e.op == Op.SHIFT_PHASE) & ~free
        for row in np.flatnonzero(shifts).tolist():
            keep[row] = abs(math.remainder(float(value[row]), 2 * math.pi)) > NOTHING
        keep &= ~((e.op == Op.SHIFT_FREQUENCY) & ~free & (value == 0))
        return select_rows(program.replace(events=e.replace(value=value)), keep)


def _absorb(ops: np.ndarray, value: np.ndarray, keep: np.ndarray, pending: List[int], row: int, setter: Op) -> None:
    """Let ``row`` stand for itself and the pending rows before it.

    ``pending`` is [], [shift], [set] or [set, shift] afterwards.
    """
    if ops[row] == setter:
        for other in pending:
            keep[other] = False
        pending[:] = [row]
    elif pending and ops[pending[-1]] != setter:
        value[row] += value[pending[-1]]
        keep[pending[-1]] = False
        pending[-1] = row
    else:
        pending.append(row)
