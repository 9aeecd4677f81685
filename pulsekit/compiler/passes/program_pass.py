"""Share the loop of passes that work on each program alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet

from ...device import Device
from ...program import Program
from ..base import Pass
from ..work import Work

__all__ = ["ProgramPass"]


@dataclass(frozen=True)
class ProgramPass(Pass):
    """Exchange every program for what :meth:`apply` makes of it."""

    requires: ClassVar[FrozenSet[str]] = frozenset({"lowered"})

    def apply(self, program: Program, device: Device) -> Program:
        """Return the new program, or the same."""
        raise NotImplementedError

    def run(self, work: Work) -> Work:
        """Return the work with new programs; programs shared before are shared after."""
        made: Dict[int, Program] = {}
        for program in work.programs:
            if id(program) not in made:
                made[id(program)] = self.apply(program, work.device)
        return work.replace(programs=tuple(made[id(p)] for p in work.programs))
