"""Write qiskit schedules as OpenPulse instructions in JSON, and read them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from qiskit import pulse
from qiskit.pulse import Schedule, channels, library
from qiskit.pulse.library import SymbolicPulse, Waveform

from ...errors import StoreError
from ...interop.flatten import flat_instructions
from .values import Reader, Writer

__all__ = ["channel_of", "read_instruction", "read_schedule", "write_instruction", "write_schedule"]

_CHANNELS = {
    "d": channels.DriveChannel,
    "u": channels.ControlChannel,
    "m": channels.MeasureChannel,
    "a": channels.AcquireChannel,
}
_FRAME = {
    "fc": (pulse.ShiftPhase, "phase"),
    "setp": (pulse.SetPhase, "phase"),
    "setf": (pulse.SetFrequency, "frequency"),
    "shiftf": (pulse.ShiftFrequency, "frequency"),
}
_FRAME_NAMES = {kind: name for name, (kind, _) in _FRAME.items()}
# library functions whose parameters build the same pulse again; others are stored as samples
_SHAPES = (
    "Constant Cos Drag Gaussian GaussianDeriv GaussianSquare GaussianSquareDrag Sawtooth SechDeriv Sin Square Triangle"
).split()


def write_schedule(schedule: Any, writer: Writer) -> List[Dict[str, Any]]:
    """Return the instructions of a Schedule or ScheduleBlock, in order of time. Frequencies in Hz.

    Raises:
        StoreError: an instruction that is neither OpenPulse's nor terra's.
    """
    timed = sorted(flat_instructions(schedule), key=_order)
    return [{"t0": int(t0), **write_instruction(instruction, writer)} for t0, instruction in timed]


def _order(timed: Tuple[int, Any]) -> Tuple[Any, ...]:
    """Return terra's key of the order of instructions."""
    t0, instruction = timed
    return t0, instruction.duration, sorted(channel.name for channel in instruction.channels)


def write_instruction(item: Any, writer: Writer) -> Dict[str, Any]:
    """Return one instruction as JSON, without its time."""
    kind = type(item)
    if kind is pulse.Play:
        return {"ch": item.channel.name, **_pulse(item, writer)}
    if kind in _FRAME_NAMES:
        name = _FRAME_NAMES[kind]
        return {"name": name, "ch": item.channel.name, _FRAME[name][1]: writer.value(item.operands[0])}
    if kind is pulse.Delay:
        return {"name": "delay", "ch": item.channel.name, "duration": writer.value(item.duration)}
    if kind is pulse.Acquire:
        return _acquire(item, writer)
    if kind is pulse.Snapshot:
        return {"name": "snapshot", "label": item.label, "type": item.type}
    raise StoreError(f"A schedule must be made of terra's pulse instructions to be stored, but it has {kind.__name__}.")


def _pulse(item: Any, writer: Writer) -> Dict[str, Any]:
    shape = item.pulse
    out: Dict[str, Any] = {"label": item.name} if item.name != shape.name else {}
    out["limit_amplitude"] = bool(shape._limit_amplitude)
    if shape.name is not None:
        out["pulse_name"] = shape.name
    if isinstance(shape, SymbolicPulse) and shape.pulse_type in _SHAPES:
        parameters = {name: writer.value(value) for name, value in shape.parameters.items()}
        parameters["duration"] = writer.value(shape.duration)
        return {"name": "parametric_pulse", "pulse_shape": shape.pulse_type, "parameters": parameters, **out}
    if shape.is_parameterized():
        raise StoreError(
            f"A pulse with unbound parameters must have one of the shapes {_SHAPES} to be stored, but it is a "
            f"{shape.name or type(shape).__name__}. Bind the circuits first."
        )
    samples = shape.samples if isinstance(shape, Waveform) else shape.get_waveform().samples
    return {"name": "samples", "samples": writer.value(np.asarray(samples)), **out}


def _acquire(item: Any, writer: Writer) -> Dict[str, Any]:
    out: Dict[str, Any] = {"name": "acquire", "qubits": [item.channel.index], "duration": writer.value(item.duration)}
    if item.mem_slot is not None:
        out["memory_slot"] = [item.mem_slot.index]
    if item.reg_slot is not None:
        out["register_slot"] = [item.reg_slot.index]
    for field in ("kernel", "discriminator"):
        value = getattr(item, field)
        if value is not None:
            out[field] = {"name": value.name, "params": _plain(value.params)}
    return out


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value.item() if isinstance(value, np.generic) else value


def read_schedule(
    data: List[Dict[str, Any]], reader: Reader, *, name: Optional[str] = None, metadata: Optional[Dict[str, Any]] = None
) -> Schedule:
    """Return the schedule that :func:`write_schedule` wrote."""
    children = [(item["t0"], read_instruction(item, reader)) for item in data]
    return Schedule(*children, name=name, metadata=metadata)


def channel_of(name: str) -> Any:
    """Return the channel of a name ("d0")."""
    return _CHANNELS[name[0]](int(name[1:]))


def read_instruction(item: Dict[str, Any], reader: Reader) -> Any:
    """Return the instruction that :func:`write_instruction` wrote."""
    name = item["name"]
    if name in ("parametric_pulse", "samples"):
        return pulse.Play(_read_pulse(item, reader), channel_of(item["ch"]), name=item.get("label"))
    if name in _FRAME:
        kind, field = _FRAME[name]
        return kind(reader.value(item[field]), channel_of(item["ch"]))
    if name == "delay":
        return pulse.Delay(reader.value(item["duration"]), channel_of(item["ch"]))
    if name == "acquire":
        return _read_acquire(item, reader)
    if name == "snapshot":
        return pulse.Snapshot(item["label"], item["type"])
    raise StoreError(f"A stored schedule must use OpenPulse instructions, but it has {name!r}.")


def _read_pulse(item: Dict[str, Any], reader: Reader) -> Any:
    labels = {"name": item.get("pulse_name"), "limit_amplitude": item.get("limit_amplitude")}
    if item["name"] == "samples":
        return Waveform(reader.value(item["samples"]), **labels)
    parameters = {key: reader.value(value) for key, value in item["parameters"].items()}
    if item["pulse_shape"] not in _SHAPES:
        raise StoreError(f"A stored pulse must have one of the shapes {_SHAPES}, but it has {item['pulse_shape']!r}.")
    return getattr(library, item["pulse_shape"])(**parameters, **labels)


def _read_acquire(item: Dict[str, Any], reader: Reader) -> Any:
    options: Dict[str, Any] = {}
    if "memory_slot" in item:
        options["mem_slot"] = channels.MemorySlot(item["memory_slot"][0])
    if "register_slot" in item:
        options["reg_slot"] = channels.RegisterSlot(item["register_slot"][0])
    for field, kind in (("kernel", pulse.Kernel), ("discriminator", pulse.Discriminator)):
        if field in item:
            options[field] = kind(name=item[field]["name"], **item[field]["params"])
    return pulse.Acquire(reader.value(item["duration"]), channels.AcquireChannel(item["qubits"][0]), **options)
