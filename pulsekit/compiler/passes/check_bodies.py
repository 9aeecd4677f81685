"""Verify what users wrote themselves: pulse gates and schedules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, FrozenSet

from ...device import Device
from ...errors import ProgramError
from ...program import find_violations, verify, verify_all
from ..base import Pass
from ..memo import remember
from ..sheets import Sheet, by_sheet
from ..snippets import Snippet
from ..work import Work

__all__ = ["CheckBodies", "CheckPrograms"]


@dataclass(frozen=True)
class CheckBodies(Pass):
    """Verify the bodies of calibrations that are not the device's own.

    Lengths and grids are left to the passes that can mend them.
    """

    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work as it is.

        Raises:
            ProgramError: the first broken rule, with the calibration's name.
        """
        calibrations = work.device.calibrations
        trusted = remember(calibrations, "trusted", lambda: {id(c.program) for c in calibrations})
        alone, sheets = by_sheet(work.snippets)
        for sheet, positions, _ in sheets:
            if not remember(sheet, ("sound", work.device), partial(_sound, sheet, work.device)):
                alone += positions.tolist()
        for snippet in [work.snippets[k] for k in alone]:
            if id(snippet.program) in trusted or snippet.stretch:
                continue
            try:
                remember(snippet, ("verified", work.device), partial(_verified, snippet, work.device))
            except ProgramError as error:
                where = f"calibration {snippet.name!r} on qubits {list(snippet.qubits)}"
                wrapped = ProgramError(f"{where}: {error}")
                wrapped.code = error.code
                raise wrapped from error
        return work


def _sound(sheet: Sheet, device: Device) -> bool:
    """Tell whether no body of a sheet breaks a rule; where one may, each is judged alone."""
    program = sheet.lined_up()
    return program is not None and not find_violations(program, device, timing=False)


def _verified(snippet: Snippet, device: Device) -> bool:
    verify(snippet.program, device, timing=False)
    return True


@dataclass(frozen=True)
class CheckPrograms(Pass):
    """Verify whole programs on their device."""

    timing: bool = True  # also lengths, grids and measure groups
    requires: ClassVar[FrozenSet[str]] = frozenset({"lowered"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"verified"})

    def run(self, work: Work) -> Work:
        """Return the work as it is.

        Raises:
            ProgramError: the first broken rule.
        """
        verify_all(work.programs, work.device, timing=self.timing)
        return work
