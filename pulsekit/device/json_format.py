"""Write a device as JSON and read it back exactly.

The format is described by ``device.schema.json`` beside this file. Objects
have exactly the fields of the dataclasses in :mod:`pulsekit.device`; complex
numbers are [re, im], programs are objects of the program format. Unknown keys
are refused. Older versions are read by upgrading them step by step.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from importlib import resources
from typing import Any, Callable, Dict, List, Mapping, Tuple, Type

from ..errors import DeviceError, ProgramError
from ..program import encoding
from ..program import json_format as program_format
from . import checks
from .calibrations import Calibration, CalibrationMap
from .model import (
    ControlLine,
    Coupling,
    Crosstalk,
    Device,
    DriveLine,
    Limits,
    ReadoutSpec,
    Resonator,
    Timing,
    Transmon,
)
from .provenance import Note, Provenance

__all__ = ["FORMAT", "VERSION", "from_dict", "schema", "to_dict"]

NAME = "pulsekit.device"
VERSION = 2
FORMAT = f"{NAME}/{VERSION}"

_LISTS: Mapping[str, Type[Any]] = {
    "transmons": Transmon,
    "couplings": Coupling,
    "drives": DriveLine,
    "controls": ControlLine,
    "crosstalk": Crosstalk,
    "resonators": Resonator,
    "readout": ReadoutSpec,
}
_SINGLE: Mapping[str, Type[Any]] = {"timing": Timing, "limits": Limits}


def schema() -> Dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of the current version."""
    text = resources.files(__package__).joinpath("device.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def to_dict(device: Device) -> Dict[str, Any]:
    """Return a device as an object that ``json.dumps`` takes."""
    out: Dict[str, Any] = {"format": FORMAT}
    for item in fields(Device):
        value = getattr(device, item.name)
        if item.name in _LISTS:
            out[item.name] = [_object_out(v) for v in value]
        elif item.name in _SINGLE:
            out[item.name] = _object_out(value)
        elif item.name == "calibrations":
            out[item.name] = {"version": value.version, "entries": [_calibration_out(c) for c in value]}
        elif item.name == "provenance":
            out[item.name] = [_object_out(note) for note in value.notes]
        elif item.name == "vendor":
            out[item.name] = encoding.to_plain(dict(value), where="vendor data")
        else:
            out[item.name] = _value_out(value)
    return out


def _object_out(value: Any) -> Dict[str, Any]:
    return {item.name: _value_out(getattr(value, item.name)) for item in fields(value)}


def _value_out(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_value_out(v) for v in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value.item() if hasattr(value, "item") else value


def _calibration_out(calibration: Calibration) -> Dict[str, Any]:
    return {
        "name": calibration.name,
        "qubits": list(calibration.qubits),
        "program": program_format.to_json(calibration.program),
        "id": calibration.id,
        "date": calibration.date,
        "source": calibration.source,
        "parameters": {k: float(v) for k, v in calibration.parameters.items()},
    }


def from_dict(data: Mapping[str, Any]) -> Device:
    """Return the device that :func:`to_dict` wrote, of this or an older version.

    Raises:
        DeviceError: another format, unknown or missing keys, or values that
            no device has.
    """
    data = _upgraded(data)
    known = {item.name for item in fields(Device)}
    _check_keys("a device", data, known | {"format"}, known)
    values: Dict[str, Any] = {}
    for name in sorted(known):
        with checks.named(f"In {name!r}"):
            values[name] = _part_in(name, data[name])
    return Device(**values)


def _part_in(name: str, value: Any) -> Any:
    if name in _LISTS:
        return tuple(_object_in(_LISTS[name], item, f"{name}[{i}]") for i, item in enumerate(_as_list(value)))
    if name in _SINGLE:
        return _object_in(_SINGLE[name], value, name)
    if name == "calibrations":
        _check_keys(name, value, {"version", "entries"}, {"version", "entries"})
        entries = [_calibration_in(item) for item in _as_list(value["entries"])]
        return CalibrationMap({(c.name, c.qubits): c for c in entries}, str(value["version"]))
    if name == "provenance":
        return Provenance(tuple(_object_in(Note, item, "provenance") for item in _as_list(value)))
    if name == "vendor":
        return encoding.from_plain(value)
    if name == "readout_crosstalk":
        return tuple((a, b, _complex_in(gain)) for a, b, gain in _as_list(value))
    return _tuples(value)


def _as_list(value: Any) -> List[Any]:
    if not isinstance(value, list):
        raise DeviceError(f"A list was expected, but {type(value).__name__} came.")
    return value


def _object_in(kind: Type[Any], value: Any, where: str) -> Any:
    known = {item.name for item in fields(kind)}
    required = {item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING}
    _check_keys(where, value, known, required)
    values = {k: _tuples(v) for k, v in value.items()}
    with checks.named(where):
        if "gain" in values:
            values["gain"] = _complex_in(value["gain"])
        if kind is ControlLine:
            values["lo"] = tuple((q, _complex_in(scale)) for q, scale in values["lo"])
        return kind(**values)


def _complex_in(value: Any) -> complex:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise DeviceError(f"A complex number must be [re, im], but {value!r} came.")
    return complex(*value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _calibration_in(value: Any) -> Calibration:
    keys = {item.name for item in fields(Calibration)}
    _check_keys("a calibration", value, keys, keys)
    try:
        program = program_format.from_json(value["program"])
    except ProgramError as error:
        raise DeviceError(f"Calibration {value['name']!r} of {value['qubits']} cannot be read: {error}") from error
    return Calibration(
        str(value["name"]),
        tuple(value["qubits"]),
        program,
        str(value["id"]),
        str(value["date"]),
        str(value["source"]),
        dict(value["parameters"]),
    )


def _check_keys(where: str, value: Any, known: "set[str]", required: "set[str]") -> None:
    if not isinstance(value, Mapping):
        raise DeviceError(f"{where} must be a JSON object, but {type(value).__name__} came.")
    unknown, missing = sorted(set(value) - known), sorted(required - set(value))
    if unknown:
        raise DeviceError(f"{where} must have no other keys than {', '.join(sorted(known))}, but has {unknown}.")
    if missing:
        raise DeviceError(f"{where} must have the keys {', '.join(sorted(required))}, but {missing} are missing.")


def _from_version_1(data: Mapping[str, Any]) -> Dict[str, Any]:
    """Version 1 had no separate LO estimates, stale calibrations or ids of calibrations."""
    out = dict(data)
    for name in ("qubit_lo", "measure_lo", "stale"):
        out.setdefault(name, [])
    calibrations = out.get("calibrations")
    if isinstance(calibrations, Mapping) and isinstance(calibrations.get("entries"), list):
        defaults = {"id": "", "date": "", "source": "device", "parameters": {}}
        entries = [{**defaults, **entry} for entry in calibrations["entries"]]
        out["calibrations"] = {**calibrations, "entries": entries}
    return out


_UPGRADES: Mapping[int, Callable[[Mapping[str, Any]], Dict[str, Any]]] = {1: _from_version_1}


def _upgraded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    name, _, version = _format_of(data)
    if name != NAME or not version.isdigit() or not 1 <= int(version) <= VERSION:
        raise DeviceError(
            f"Argument `data` must have format {NAME}/1 to {FORMAT}, but {data.get('format')!r} came. "
            "A newer pulsekit wrote it, or it is no device."
        )
    for step in range(int(version), VERSION):
        data = _UPGRADES[step](data)
    return data


def _format_of(data: Mapping[str, Any]) -> Tuple[str, str, str]:
    return str(data.get("format", "") if isinstance(data, Mapping) else "").partition("/")
