"""Read terra's Qobj: circuits or schedules, with their settings."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from qiskit.assembler import disassemble
from qiskit.exceptions import QiskitError
from qiskit.pulse import Schedule
from qiskit.qobj import PulseQobj, QasmQobj

from ..errors import CompilerError
from ..program import Channel

__all__ = ["QobjContents", "is_qobj", "read_qobj"]

GHZ = 1e9  # Hz: Qobj hold LOs in GHz
NO_SLOT, NOT_SUPPORTED, CONDITIONAL = 8001, 8011, 8013


@dataclass(frozen=True)
class QobjContents:
    """What a Qobj holds."""

    experiments: Tuple[Any, ...]  # QuantumCircuits or Schedules, with their metadata
    los: Dict[str, Any] = field(default_factory=dict)  # keywords of compile(): LO lists in Hz, schedule_los
    config: Mapping[str, Any] = field(default_factory=dict)  # as terra's disassemble gives it
    header: Mapping[str, Any] = field(default_factory=dict)


def is_qobj(item: Any) -> bool:
    """Tell whether something is a QasmQobj or a PulseQobj."""
    return isinstance(item, (QasmQobj, PulseQobj))


def read_qobj(qobj: Any) -> QobjContents:
    """Return the experiments of a Qobj and their LO settings.

    Metadata and names of schedules, which terra's ``disassemble`` loses, come
    from the experiments' headers; LOs of single experiments, which it drops
    for circuits, from their configs.

    Raises:
        CompilerError: not a Qobj, or one without experiments; pulse
            instructions that do not exist (8011), acquire nothing into a slot
            (8001) or depend on a register (8013).
    """
    if not is_qobj(qobj) or not qobj.experiments:
        raise CompilerError(f"Argument `qobj` must be a QasmQobj or PulseQobj with experiments, but {type(qobj)} came.")
    if isinstance(qobj, PulseQobj):
        _check_pulses(qobj)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            experiments, config, header = disassemble(qobj)
    except (QiskitError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise CompilerError(
            f"Argument `qobj` must hold instructions, pulses and settings that terra knows, but reading fails: {error}",
            code=NOT_SUPPORTED,
        ) from error
    experiments = [_named(e, source) for e, source in zip(experiments, qobj.experiments)]
    los = {k: config[k] for k in ("qubit_lo_freq", "meas_lo_freq") if config.get(k) is not None}
    entries = [_entry(e) for e in qobj.experiments]
    if any(entries):
        los["schedule_los"] = entries
    return QobjContents(tuple(experiments), los, config, header)


def _check_pulses(qobj: PulseQobj) -> None:
    """Refuse what terra reads without its meaning, or cannot read."""
    for k, experiment in enumerate(qobj.experiments):
        for n, instruction in enumerate(experiment.instructions):
            where = f"Argument `qobj`, experiment {k}, instruction {n} ({instruction.name!r})"
            if getattr(instruction, "conditional", None) is not None:
                raise CompilerError(
                    f"{where}: instructions must be unconditional, but it has a condition.", code=CONDITIONAL
                )
            if instruction.name == "acquire" and not getattr(instruction, "memory_slot", None):
                raise CompilerError(f"{where}: an acquire must have a memory slot, but it has none.", code=NO_SLOT)


def _named(experiment: Any, source: Any) -> Any:
    own = source.header.to_dict() if hasattr(source, "header") else {}
    metadata, name = own.get("metadata") or {}, own.get("name")
    if isinstance(experiment, Schedule):
        return Schedule(*experiment.children, name=name or experiment.name, metadata=metadata)
    experiment.metadata = metadata
    return experiment


def _entry(experiment: Any) -> Dict[Channel, float]:
    """Return the LOs of one experiment, Hz."""
    config = getattr(experiment, "config", None)
    out: Dict[Channel, float] = {}
    for kind, name in (("d", "qubit_lo_freq"), ("m", "meas_lo_freq")):
        values: List[float] = getattr(config, name, None) or []
        out.update({Channel(kind, q): float(f) * GHZ for q, f in enumerate(values)})
    return out
