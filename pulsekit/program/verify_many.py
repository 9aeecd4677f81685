"""Verify many programs in one go: those of a sweep cost little more than one."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

from .channels import Channel
from .events import COLUMNS, EventTable, Op
from .program import Program
from .verifier import find_violations, verify

__all__ = ["verify_all"]

GRID = 1 << 12  # samples; programs are lined up at multiples of it, which keeps every alignment
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
        if len(part) == 1 or not all(_simple(p) for p in part) or _odd(part, device, timing):
            for program in part:
                verify(program, device, timing=timing)
        start = stop


def _simple(program: Program) -> bool:
    """Tell whether a program can be lined up: bound, its rows in range, no frames to restore."""
    e = program.events
    if program.parameters is not None or not len(e):
        return False
    acquires, plays = e.op == Op.ACQUIRE, e.op == Op.PLAY
    return bool(
        program.duration >= (e.t0 + e.duration).max()
        and e.t0.min() >= 0
        and e.op.max() <= Op.RESET
        and e.slot.max() < program.memory_slots
        and e.channel.min() >= 0
        and e.channel.max() < len(program.channels)
        and (e.ref[plays] >= 0).all()
        and (e.ref[plays] < len(program.pulses)).all()
        and (e.ref[acquires] >= 0).all()
        and (e.ref[acquires] < len(program.acquires)).all()
    )


def _odd(programs: Sequence[Program], device: Any, timing: bool) -> bool:
    return bool(find_violations(_line_up(programs), device, timing=timing))


def _line_up(programs: Sequence[Program]) -> Program:
    """Return one program that plays several, one after the other."""
    channels: Dict[Channel, int] = {}
    pulses: List[Any] = []
    acquires: List[Any] = []
    columns: Dict[str, List[np.ndarray]] = {name: [] for name in COLUMNS}
    start, slots = 0, 0
    for program in programs:
        e = program.events
        index = np.array([channels.setdefault(c, len(channels)) for c in program.channels], dtype=np.int32)
        shift = np.where(e.op == Op.PLAY, len(pulses), np.where(e.op == Op.ACQUIRE, len(acquires), 0))
        changed = {
            "t0": e.t0 + start,
            "channel": index[e.channel],
            "ref": e.ref + shift,
            "slot": np.where(e.slot >= 0, e.slot + slots, e.slot),
        }
        none = np.full(len(e), -1, dtype=np.int32)
        for name in COLUMNS:
            away = name in ("source", "calibration", "label")
            columns[name].append(none if away else changed.get(name, getattr(e, name)))
        pulses += program.pulses
        acquires += program.acquires
        slots += program.memory_slots
        start += -(-program.duration // GRID) * GRID
    table = EventTable(**{name: np.concatenate(parts) for name, parts in columns.items()})
    return Program(table, tuple(channels), tuple(pulses), tuple(acquires), duration=start, memory_slots=slots)
