"""Say what is wrong with a program, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional

import numpy as np

from .program import Program

__all__ = ["Report", "Violation", "row_origin", "row_place"]


@dataclass(frozen=True)
class Violation:
    """One broken rule."""

    row: int  # the event row, or -1 for the program as a whole
    message: str  # "d0@160..320: <rule>, but <fact>. (origin)"
    code: Optional[int] = None
    warning: bool = False  # legal, but probably not meant


def row_place(program: Program, row: int) -> str:
    """Return where a row is, as "d0@160..320" or "d0@160"."""
    e = program.events
    channel = int(e.channel[row])
    name = program.channels[channel].name if 0 <= channel < len(program.channels) else f"channel[{channel}]"
    t0, duration = int(e.t0[row]), int(e.duration[row])
    return f"{name}@{t0}..{t0 + duration}" if duration else f"{name}@{t0}"


def row_origin(program: Program, row: int, *, program_too: bool = True) -> str:
    """Return where a row came from, in brackets; "" if nothing is known."""
    e = program.events
    parts = []
    if e.source[row] >= 0:
        source = program.sources[int(e.source[row])]
        on = f" on qubits {', '.join(map(str, source.qubits))}" if source.qubits else ""
        parts.append(f"instruction {source.index} `{source.name}`{on}")
    if e.calibration[row] >= 0:
        parts.append(f"calibration {program.calibrations[int(e.calibration[row])]!r}")
    if program.name and program_too:
        parts.append(f"program {program.name!r}")
    return f" ({', '.join(parts)})" if parts else ""


class Report:
    """Collect violations of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.events = program.events
        self.found: List[Violation] = []

    def at(self, row: int, rule: str, fact: str, code: Optional[int] = None, *, warning: bool = False) -> None:
        """Add one violation of a row."""
        place, origin = row_place(self.program, row), row_origin(self.program, row)
        self.found.append(Violation(row, f"{place}: {rule}, but {fact}.{origin}", code, warning))

    def each(
        self,
        mask: np.ndarray,
        rule: str,
        fact: Callable[[int], str],
        code: Optional[int] = None,
        *,
        warning: bool = False,
    ) -> None:
        """Add a violation for every row of a mask, bool[rows]."""
        for row in np.flatnonzero(mask).tolist():
            self.at(row, rule, fact(row), code, warning=warning)
