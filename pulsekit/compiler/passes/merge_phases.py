"""Merge phase shifts, and frequency changes of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

import numpy as np

from ...device import Device
from ...program import EventTable, Op, Program
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
        _merge_phases(e, free, value, keep)
        _merge_frequencies(e, free, value, keep)
        shifts = np.flatnonzero(keep & (e.op == Op.SHIFT_PHASE) & ~free)
        turns = value[shifts] / (2 * np.pi)
        keep[shifts] = np.abs(turns - np.round(turns)) * (2 * np.pi) > NOTHING
        keep &= ~((e.op == Op.SHIFT_FREQUENCY) & ~free & (value == 0))
        return select_rows(program.replace(events=e.replace(value=value)), keep)


def _merge_phases(e: EventTable, free: np.ndarray, value: np.ndarray, keep: np.ndarray) -> None:
    """Add up shifts between two pulses (or settings of the phase) of a channel, in place."""
    order = np.argsort(e.channel, kind="stable")
    op, channel = e.op[order], e.channel[order]
    ends = (op == Op.PLAY) | (op == Op.SET_PHASE)
    segment = np.cumsum(ends) - ends  # rows up to and with the end of their segment
    if order.size:
        segment = segment + np.concatenate([[0], np.cumsum(channel[1:] != channel[:-1])])
    setter = (op == Op.SET_PHASE) & ~free[order]
    void = np.zeros(int(segment[-1]) + 2 if segment.size else 1, dtype=bool)
    void[segment[setter]] = True
    shifts = np.flatnonzero((op == Op.SHIFT_PHASE) & ~free[order])
    own = segment[shifts]
    totals = np.bincount(own, weights=value[order[shifts]], minlength=void.size)
    last = np.zeros(shifts.size, dtype=bool)
    last[:-1] = own[1:] != own[:-1]
    last[-1:] = True
    value[order[shifts]] = np.where(last, totals[own], value[order[shifts]])
    keep[order[shifts]] = last & ~void[own]
    sets = np.flatnonzero(setter)
    keep[order[sets[void[segment[sets] + 1]]]] = False  # another setting follows, and no pulse between


def _merge_frequencies(e: EventTable, free: np.ndarray, value: np.ndarray, keep: np.ndarray) -> None:
    """Let the last SET of one moment, and the shifts after it, stand for all, in place."""
    pending: Dict[int, List[int]] = {}  # channel -> [], [shift], [set] or [set, shift] of this time
    scopes = (Op.SAVE_FRAME, Op.RESTORE_FRAME)
    for row in np.flatnonzero(np.isin(e.op, (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY, *scopes))).tolist():
        mine = pending.setdefault(int(e.channel[row]), [])
        if mine and e.t0[mine[0]] != e.t0[row]:
            mine.clear()
        if e.op[row] in scopes or free[row]:
            mine.clear()
        elif e.op[row] == Op.SET_FREQUENCY:
            keep[mine] = False
            mine[:] = [row]
        elif mine and e.op[mine[-1]] == Op.SHIFT_FREQUENCY:
            value[row] += value[mine[-1]]
            keep[mine[-1]] = False
            mine[-1] = row
        else:
            mine.append(row)
