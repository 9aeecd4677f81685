"""Put the passes of device mode together: everything the hardware would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..errors import CompilerError
from ..program import verify as verify_program
from .base import Pass, TraceEntry
from .passes.align_starts import AlignStarts
from .passes.build_calibrations import BuildCalibrations
from .passes.capabilities import CheckCapabilities
from .passes.check_bodies import CheckBodies, CheckPrograms
from .passes.check_constraints import CheckConstraints
from .passes.constraints import SequenceConstrained
from .passes.crosstalk import OrderForCrosstalk
from .passes.decouple import Decouple
from .passes.esp import PromoteMeasures
from .passes.fit_schedules import FitSchedules
from .passes.frame_scope import ScopeFrequencies, check_scope
from .passes.group_starts import JoinMeasureGroups
from .passes.lookup import LookUpCalibrations
from .passes.lowering import Lower
from .passes.merge_delays import MergeDelays
from .passes.merge_phases import MergePhases
from .passes.pad_pulses import MODES, PadPulses
from .passes.remove_no_ops import RemoveNoOps
from .passes.sequencing import Sequence
from .passes.share_pulses import SharePulses
from .work import Work

__all__ = ["DeviceOptions", "circuit_passes", "header_of_notes", "schedule_passes", "verify_work"]

ALIGN = {"device": ("strict", "pad"), **{mode: (mode, mode) for mode in MODES}}  # what a user wrote, what we place
OPTIMIZE: Tuple[Pass, ...] = (MergePhases(), MergeDelays(), RemoveNoOps(), SharePulses())


@dataclass(frozen=True)
class DeviceOptions:
    """What a user may choose of device mode."""

    user: Any = None  # the user's calibration lookup, asked before the device
    use_measure_esp: Optional[bool] = None  # None: as the device says
    init_qubits: bool = True
    frequency_scope: Optional[str] = None  # None: "gate" for circuits, "program" for schedules
    align: str = "device"  # strict with what a user wrote, pads what we place; or "pad", "strict", "off" for both
    dd: Any = None  # see passes.decouple.Decouple.of
    constraints: Tuple[Any, ...] = ()  # see passes.constraints
    conflicts: Any = None  # a networkx graph of qubit tuples that must not be driven at once
    optimize: bool = False  # fewer rows, the same signals
    verify: bool = False  # after every pass
    trace: Optional[List[TraceEntry]] = None

    def __post_init__(self) -> None:
        if self.align not in ALIGN:
            raise CompilerError(f"Argument `align` must be one of {list(ALIGN)}, but {self.align!r} came.")
        if self.frequency_scope is not None:
            check_scope(self.frequency_scope)  # of schedules too, where it has nothing to do

    @property
    def check(self) -> Optional[Callable[[Work], None]]:
        """What the pass manager calls after every pass."""
        return verify_work if self.verify else None


def circuit_passes(options: DeviceOptions) -> Tuple[Pass, ...]:
    """Return the passes from gates to programs."""
    constrained = bool(options.constraints) or options.conflicts is not None
    sequence = SequenceConstrained(options.constraints, options.conflicts) if constrained else Sequence()
    return (
        CheckCapabilities(),
        BuildCalibrations(options.user),
        LookUpCalibrations(options.user),
        CheckBodies(),
        PadPulses(ALIGN[options.align][0]),
        PromoteMeasures(options.use_measure_esp, options.init_qubits),
        ScopeFrequencies(options.frequency_scope or "gate"),
        *((OrderForCrosstalk(options.conflicts),) if options.conflicts is not None else ()),
        JoinMeasureGroups(),
        sequence,
        AlignStarts(ALIGN[options.align][1], sequence),
        Lower(),
        *((Decouple.of(options.dd, options.constraints, options.conflicts),) if options.dd else ()),
        *((CheckConstraints(options.constraints, options.conflicts),) if constrained else ()),
        *(OPTIMIZE if options.optimize else ()),
    )


def schedule_passes(options: DeviceOptions) -> Tuple[Pass, ...]:
    """Return the passes for what a user scheduled himself."""
    return (
        FitSchedules(mend=options.align == "pad"),
        CheckPrograms(timing=options.align != "off"),
        *(OPTIMIZE if options.optimize else ()),
    )


def header_of_notes(work: Work) -> List[Dict[str, Any]]:
    """Return per circuit what its result's header says of the compilation.

    Keys, where they apply: "esp" (qubit -> what ESP adds and gains), "moved"
    and "compiler" (texts of everything else).
    """
    out: List[Dict[str, Any]] = [{} for _ in work.gates.circuits]
    for note in work.notes:
        esp = [(str(q), _plain(facts)) for q, facts in note.data.get("qubits", {}).items()]
        for c in note.circuits or range(len(out)):
            if note.kind == "esp":
                out[c]["esp"] = {q: facts.copy() for q, facts in esp}
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
