"""Put together the document of a job's input."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.pulse import Schedule, ScheduleBlock

from ..plain import plain
from .circuits import CircuitCapture, read_circuit, write_circuit
from .schedules import read_schedule, write_schedule
from .values import Reader, Writer

__all__ = ["Capture", "capture", "decode", "encode"]

FORMAT = "pulsekit.payload/1"


class Capture(NamedTuple):
    """The input of a job as it was, whatever its user changes later."""

    experiments: Tuple[Union[CircuitCapture, Schedule, ScheduleBlock], ...]
    binds: Optional[List[Dict[Any, Any]]]


def capture(experiments: Sequence[Any], binds: Optional[Sequence[Mapping[Any, Any]]]) -> Capture:
    """Capture circuits, schedules and their bindings."""
    return Capture(
        tuple(CircuitCapture.of(e) if isinstance(e, QuantumCircuit) else _schedule(e) for e in experiments),
        None if not binds else [_flat(bind) for bind in binds],
    )


def _schedule(item: Any) -> Any:
    """Return a schedule of its own list of children."""
    if isinstance(item, Schedule):
        copied = Schedule(name=item.name, metadata=dict(item.metadata or {}))
        copied._children = list(item._children)
        copied._duration = item._duration
        copied._timeslots = item._timeslots
        copied._parameter_manager = item._parameter_manager
        return copied
    return item


def _flat(bind: Mapping[Any, Any]) -> Dict[Any, Any]:
    """Return a binding with ParameterVectors unrolled."""
    out: Dict[Any, Any] = {}
    for key, value in bind.items():
        if isinstance(key, ParameterVector):
            out.update(zip(key, value))
        else:
            out[key] = value
    return out


def encode(captured: Capture) -> Dict[str, Any]:
    """Return the document of an input, JSON-able.

    Raises:
        StoreError: something in it that JSON cannot keep.
    """
    writer = Writer()
    experiments = [_experiment(e, writer) for e in captured.experiments]
    binds = None
    if captured.binds is not None:
        binds = [[[writer.parameter(p), writer.value(v)] for p, v in bind.items()] for bind in captured.binds]
    return {"format": FORMAT, "parameters": writer.parameters, "experiments": experiments, "binds": binds}


def _experiment(item: Any, writer: Writer) -> Dict[str, Any]:
    if isinstance(item, CircuitCapture):
        return write_circuit(item, writer)
    metadata = dict(item.metadata or {})
    return {
        "type": "schedule",
        "name": item.name,
        "metadata": plain(metadata),
        "instructions": write_schedule(item, writer),
    }


def decode(document: Mapping[str, Any]) -> Tuple[List[Any], Optional[List[Dict[Any, Any]]]]:
    """Return the circuits and schedules of a document, and their bindings."""
    reader = Reader(document["parameters"])
    experiments: List[Any] = []
    for item in document["experiments"]:
        if item["type"] == "circuit":
            experiments.append(read_circuit(item, reader))
        else:
            schedule = read_schedule(item["instructions"], reader, name=item["name"], metadata=item["metadata"])
            experiments.append(schedule)
    binds = document["binds"]
    if binds is None:
        return experiments, None
    return experiments, [{reader.parameters[p]: reader.value(v) for p, v in bind} for bind in binds]
