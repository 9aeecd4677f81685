"""Refuse lowered rows that no device can play, or whose results would be lost."""

from __future__ import annotations

import warnings

import numpy as np

from .._ext import kernel
from ..errors import CompilerError, PulsekitWarning
from ..program import Op
from ..program.verifier import AMPLITUDE_TOLERANCE, MAX_PHASE
from .gates import GateTable
from .lowered import Lowered

__all__ = ["judge"]

OVERLAP = 8035  # "overlapping instructions on a channel"
AMPLITUDE, BAD_NUMBER = 8041, 8042  # "amplitude larger than 1", "bad pulse parameters"
SLOT = 8001  # "measured qubit without a memory slot of its own"
PHASE = f"a phase must be within {MAX_PHASE:g} rad"


def judge(gates: GateTable, out: Lowered) -> None:
    """Check what comes of gates together, or of their parameters.

    Raises:
        CompilerError: two rows overlap on a channel (8035), an amplitude or
            a phase is too large (8041, 8042), two results meet in one memory
            slot (8001).
    """
    _refuse_overlap(gates, out)
    _refuse_values(gates, out)
    _judge_slots(gates, out)


def _refuse_overlap(gates: GateTable, out: Lowered) -> None:
    events = out.events
    busy = np.zeros(len(out.pool.channels) or 1, np.int64)
    row = kernel("layout").overlap(out.ptr, events.t0, events.duration, events.channel, busy)
    if row >= 0:
        channel = out.pool.channels[events.channel[row]]
        start, stop = int(events.t0[row]), int(events.t0[row] + events.duration[row])
        raise CompilerError(
            f"{gates.where(int(out.gate[row]))}: {channel}@{start}..{stop}: instructions on one channel must not "
            "overlap, but the channel is still taken then.",
            code=OVERLAP,
        )


def _refuse_values(gates: GateTable, out: Lowered) -> None:
    """Refuse what gates' parameters make too large; fixed values are judged with their calibrations."""
    events, rows = out.events, out.parametric
    if not rows.size:
        return
    op, value = events.op[rows], np.abs(events.value[rows])
    plays = np.flatnonzero(op == Op.PLAY)
    if plays.size:
        refs, which = np.unique(events.ref[rows[plays]], return_inverse=True)
        pulses = [out.pool.pulses[ref] for ref in refs.tolist()]
        value[plays] *= np.array([p.peak if p.limit_amplitude else 0.0 for p in pulses])[which]
    limit = np.where(op == Op.PLAY, 1 + AMPLITUDE_TOLERANCE, np.where(op == Op.SHIFT_PHASE, MAX_PHASE, np.inf))
    for k in np.flatnonzero(~(value <= limit)).tolist():
        row, gate = int(rows[k]), int(out.gate[rows[k]])
        if _unbound(out, int(gates.circuit[gate]), row):
            continue
        t0, length = int(events.t0[row]), int(events.duration[row])
        where = f"{out.pool.channels[events.channel[row]]}@{t0}" + (f"..{t0 + length}" if length else "")
        rule, code = ("the amplitude must not exceed 1", AMPLITUDE) if op[k] == Op.PLAY else (PHASE, BAD_NUMBER)
        raise CompilerError(
            f"{gates.where(gate)}: {where}: {rule}, but it reaches {value[k]:.6g}.",
            code=code,
        )


def _unbound(out: Lowered, circuit: int, row: int) -> bool:
    """Tell whether a row depends on a parameter of its circuit."""
    table, own = out.parameters[circuit], row - int(out.ptr[circuit])
    return table is not None and (own in table.row or any(own == r for r, _, _ in table.expressions))


def _judge_slots(gates: GateTable, out: Lowered) -> None:
    """Refuse two results in one slot at one time, and warn when one replaces another."""
    events = out.events
    rows = np.flatnonzero((events.op == Op.ACQUIRE) & (events.slot >= 0))
    circuit = gates.circuit[out.gate[rows]].astype(np.int64)
    key = circuit * (int(events.slot[rows].max(initial=0)) + 1) + events.slot[rows]
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(np.diff(key[order]) == 0)
    if not again.size:
        return
    before, after = rows[order[again]], rows[order[again + 1]]
    clash = np.flatnonzero(events.t0[after] < events.t0[before] + events.duration[before])
    which = int(clash[0]) if clash.size else 0
    row, slot = int(after[which]), int(events.slot[after[which]])
    other = gates.where(int(out.gate[before[which]]))
    if clash.size:
        raise CompilerError(
            f"{gates.where(int(out.gate[row]))}: a classical bit must hold one result at a time, but clbit {slot} is "
            f"still written by {other}.",
            code=SLOT,
        )
    warnings.warn(
        f"{gates.where(int(out.gate[row]))}: the result replaces the one that {other} put into clbit {slot}.",
        PulsekitWarning,
        stacklevel=2,
    )
