"""Fit a user's schedules to the device's lengths and grids."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, FrozenSet, List, Sequence

import numpy as np

from ...errors import PulsekitWarning
from ...program import Program, stacked
from ..base import Pass
from ..work import Note, Work
from .align_starts import align_program, off_grid
from .pad_pulses import pad_program, wrong_lengths

__all__ = ["FitSchedules"]


@dataclass(frozen=True)
class FitSchedules(Pass):
    """Take schedules as they are; or pad pulses, and delay a schedule as a whole, where the device demands it.

    Nothing moves against anything else. What was done is warned about, once
    per schedule.
    """

    mend: bool = False
    ensures: ClassVar[FrozenSet[str]] = frozenset({"lowered", "aligned"})

    def run(self, work: Work) -> Work:
        """Return the work with programs that fit.

        Raises:
            CompilerError: what cannot be padded or aligned (8017, 8036).
        """
        if not self.mend:
            return work
        timing, programs = work.device.timing, list(work.programs)
        notes: List[Note] = []
        stack = stacked(programs)
        wrong: Sequence[int] = range(len(programs))
        if stack is not None:
            wrong = np.flatnonzero(wrong_lengths(stack, timing) | off_grid(stack, timing)).tolist()
        for k in wrong:
            program, texts = pad_program(programs[k], timing, "pad")
            program, more = align_program(program, timing)
            programs[k] = program
            notes += [Note("padded", text, (k,)) for text in texts] + [Note("moved", text, (k,)) for text in more]
            _warn(program, texts + more)
        return work.replace(programs=tuple(programs)).noted(*notes)


def _warn(program: Program, texts: List[str]) -> None:
    if texts:
        more = f" ({len(texts) - 1} more changes.)" if len(texts) > 1 else ""
        warnings.warn(f"Schedule {program.name!r}: {texts[0]}{more}", PulsekitWarning, stacklevel=2)
