"""Put the passes of device mode together: everything the hardware would do."""

from __future__ import annotations

import warnings
from typing import Any, Dict, List, Mapping, Tuple

from ..device import Device
from ..errors import PulsekitWarning
from ..program import Program
from ..program import verify as verify_program
from .base import Pass
from .passes.align_starts import AlignStarts, align_program
from .passes.capabilities import CheckCapabilities
from .passes.esp import PromoteMeasures
from .passes.frame_scope import ScopeFrequencies
from .passes.group_starts import JoinMeasureGroups
from .passes.lookup import LookUpCalibrations
from .passes.lowering import Lower
from .passes.pad_pulses import PadPulses, pad_program
from .passes.sequencing import Sequence
from .work import Work

__all__ = ["device_passes", "header_of_notes", "prepare_schedule", "verify_work"]


def device_passes(
    *,
    user: Any = None,
    esp: bool = False,
    frequency_scope: str = "gate",
    align: str = "pad",
    after: Tuple[Pass, ...] = (),
) -> Tuple[Pass, ...]:
    """Return the passes from gates to programs.

    Args:
        user: the user's calibration lookup, asked before the device.
        esp: promote terminal measures (:func:`passes.esp.resolve_esp`).
        frequency_scope: "gate" or "program".
        align: "pad", "strict" or "off".
        after: passes on the finished programs.
    """
    return (
        CheckCapabilities(),
        LookUpCalibrations(user),
        PadPulses(align),
        *((PromoteMeasures(),) if esp else ()),
        ScopeFrequencies(frequency_scope),
        JoinMeasureGroups(),
        Sequence(),
        AlignStarts(align),
        Lower(),
        *after,
    )


def prepare_schedule(program: Program, device: Device, *, align: str = "pad") -> Program:
    """Return a user's schedule as the device would take it.

    Nothing moves against anything else. Padding and a common delay are
    warned about, one warning per program.

    Raises:
        CompilerError: what cannot be padded or aligned (8016, 8017, 8036).
    """
    if align == "off":
        return program
    program, texts = pad_program(program, device.timing, align)
    program, more = align_program(program, device.timing, align)
    if texts or more:
        warnings.warn("; ".join([*texts, *more]), PulsekitWarning, stacklevel=3)
    return program


def header_of_notes(work: Work) -> List[Dict[str, Any]]:
    """Return per circuit what its result's header says of the compilation.

    Keys, where they apply: "esp" (qubit -> what ESP adds and gains), "moved"
    and "compiler" (texts of everything else).
    """
    out: List[Dict[str, Any]] = [{} for _ in work.gates.circuits]
    for note in work.notes:
        for c in range(len(out)) if note.circuit < 0 else (note.circuit,):
            if note.kind == "esp":
                out[c]["esp"] = _plain(note.data.get("qubits", {}))
            elif note.kind == "moved":
                out[c]["moved"] = {"text": note.text, **_plain(note.data)}
            else:
                out[c].setdefault("compiler", []).append(note.text)
    return out


def _plain(data: Mapping[Any, Any]) -> Dict[str, Any]:
    """Return data with string keys, for JSON."""
    return {str(k): _plain(v) if isinstance(v, Mapping) else v for k, v in data.items()}


def verify_work(work: Work) -> None:
    """Raise if a program of a work breaks a rule of its device (for PassManager.check)."""
    for program in work.programs:
        verify_program(program, work.device)
