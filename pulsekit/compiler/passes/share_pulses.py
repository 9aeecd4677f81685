"""Number equal pulses once, and forget unused table entries."""

from __future__ import annotations

from dataclasses import dataclass

from ...device import Device
from ...program import Program
from ...program.rows import used_tables
from .program_pass import ProgramPass

__all__ = ["SharePulses"]


@dataclass(frozen=True)
class SharePulses(ProgramPass):
    """Let pulses with equal bits be one pulse of the table."""

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program with the smallest tables."""
        return used_tables(program)
