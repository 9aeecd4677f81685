"""Check the acquires of schedules: what a circuit's measures bring by themselves."""

from __future__ import annotations

import numpy as np

from ..errors import CompilerError
from ..program import Batch, Op, Program
from ..program.findings import row_place

__all__ = ["check_acquires_of_schedules"]

NO_SLOT = 8001  # "measured qubit without memory slot"
ACQUIRED_TWICE = 8024  # "at most one acquire per channel"


def check_acquires_of_schedules(batch: Batch) -> None:
    """Refuse what the API refuses in schedules.

    Circuits measure a qubit as often as they like, and so do the schedules
    of a batch that :func:`pulsekit.compile` made.

    Raises:
        CompilerError: an acquire without a memory slot (8001), or a second
            one on its channel (8024).
    """
    owners = zip(batch.program_of.tolist(), batch.headers)
    named = {k: str(header.get("name")) for k, header in owners if header.get("kind") == "schedule"}
    for k, name in named.items():
        _check(batch.programs[k], name)


def _check(program: Program, name: str) -> None:
    e = program.events
    rows = program.rows(Op.ACQUIRE)
    if rows.size == 1 and e.slot[rows[0]] >= 0:
        return
    lost = rows[e.slot[rows] < 0]
    if lost.size:
        raise CompilerError(
            f"{row_place(program, int(lost[0]))}: an acquire in a schedule must have a memory slot, but it has none "
            f"(schedule {name!r}). Give it a MemorySlot.",
            code=NO_SLOT,
        )
    order = rows[np.argsort(e.channel[rows], kind="stable")]
    again = np.flatnonzero(e.channel[order[1:]] == e.channel[order[:-1]])
    if again.size:
        first, second = (row_place(program, int(order[again[0] + i])) for i in (0, 1))
        raise CompilerError(
            f"{second}: a schedule must have at most one acquire per channel, but {first} comes before (schedule "
            f"{name!r}). Measure twice in a circuit, or run what pulsekit.compile() makes of the schedule.",
            code=ACQUIRED_TWICE,
        )
