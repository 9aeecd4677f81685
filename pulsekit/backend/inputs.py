"""Recognise what is to run: circuits, schedules, blocks, instructions, Qobj."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from qiskit.circuit import QuantumCircuit
from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.instructions import Instruction
from qiskit.qobj import PulseQobj, QasmQobj

from ..interop.qobj import read_qobj
from ..program import Batch
from . import checks
from .exceptions import IBMQBackendError, IBMQBackendValueError, provider_errors
from .parameters import BY_NAME

__all__ = ["FromQobj", "experiments_of", "is_circuit"]

US = 1e-6  # s
RULE = "be a QuantumCircuit, a Schedule, a ScheduleBlock or a pulse Instruction, a list of these, or a compiled batch"


@dataclass
class FromQobj:
    """What a Qobj held."""

    experiments: List[Any]
    options: Dict[str, Any]  # as keywords of run
    rep_time_us: Optional[int] = None  # terra always sets it, cut to whole microseconds


def is_circuit(item: Any) -> bool:
    """Tell circuits from pulse programs."""
    return isinstance(item, QuantumCircuit)


def experiments_of(circuits: Any) -> Union[List[Any], FromQobj, Batch]:
    """Return a list of circuits, Schedules and ScheduleBlocks, or a compiled batch as it is.

    Raises:
        IBMQBackendError: not an input that can run, or an empty list.
    """
    if isinstance(circuits, (QasmQobj, PulseQobj)):
        return _from_qobj(circuits)
    if isinstance(circuits, Batch):
        return circuits
    if not isinstance(circuits, list):
        return [_one("circuits", circuits)]
    if not circuits:
        raise IBMQBackendValueError("Argument `circuits` must have at least one experiment, but an empty list came.")
    return [_one(f"circuits[{i}]", item) for i, item in enumerate(circuits)]


def _one(name: str, item: Any) -> Any:
    if isinstance(item, QuantumCircuit):
        if item.unit != "dt":
            raise IBMQBackendError(
                f"Argument `{name}` must have durations in dt, but circuit {item.name!r} has unit {item.unit!r}. "
                "Transpile it for this backend."
            )
        return item
    if isinstance(item, (Schedule, ScheduleBlock)):
        return item
    if isinstance(item, Instruction):
        return Schedule((0, item), name=item.name or "instruction")
    raise checks.refuse(name, RULE, item, error=checks.BackendTypeError)


def _from_qobj(qobj: Any) -> FromQobj:
    """Return a Qobj's experiments, with the metadata that terra drops."""
    if not qobj.experiments:
        raise IBMQBackendValueError("Argument `circuits` must have at least one experiment, but an empty Qobj came.")
    with provider_errors():
        held = read_qobj(qobj)
    options = {name: value for name, value in held.config.items() if name in BY_NAME and name != "memory_slots"}
    options.update(held.los)
    if options.get("rep_delay") is not None:
        options["rep_delay"] *= US
    if not isinstance(qobj, PulseQobj):
        options.pop("meas_return", None)
    options["header"] = dict(held.header)
    return FromQobj(list(held.experiments), options, options.pop("rep_time", None))
