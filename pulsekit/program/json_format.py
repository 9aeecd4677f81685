"""Write a program as JSON and read it back exactly.

The format is described by ``program.schema.json`` beside this file. Event
columns are arrays of equal length; everything else is as in
:class:`pulsekit.program.Program`. NaN and infinity are the strings "nan",
"inf" and "-inf".
"""

from __future__ import annotations

import base64
import json
import math
from importlib import resources
from typing import Any, Dict, FrozenSet, List, Mapping

import numpy as np

from ..errors import ProgramError
from .channels import Channel
from .encoding import from_plain, to_plain
from .events import COLUMNS, EventTable
from .program import AcquireSpec, ParameterTable, Program, Pulse, Source

__all__ = ["FORMAT", "from_json", "schema", "to_json"]

FORMAT = "pulsekit.program/1"


def schema() -> Dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of the format."""
    text = resources.files(__package__).joinpath("program.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def to_json(program: Program, *, metadata: bool = True) -> Dict[str, Any]:
    """Return a program as an object that ``json.dumps`` takes.

    Args:
        program: any program, bound or not.
        metadata: False leaves ``program.metadata`` out.

    Raises:
        ProgramError: metadata that are not plain data.
    """
    p = program
    return {
        "format": FORMAT,
        "name": p.name,
        "duration": p.duration,
        "memory_slots": p.memory_slots,
        "channels": [c.name for c in p.channels],
        "pulses": [_pulse_out(pulse) for pulse in p.pulses],
        "acquires": [_acquire_out(a) for a in p.acquires],
        "sources": [
            {"index": s.index, "name": s.name, "qubits": list(s.qubits), "clbits": list(s.clbits)} for s in p.sources
        ],
        "calibrations": list(p.calibrations),
        "labels": list(p.labels),
        "events": {name: [_number_out(v) for v in getattr(p.events, name).tolist()] for name in COLUMNS},
        "parameters": None if p.parameters is None else _parameters_out(p.parameters),
        "metadata": to_plain(dict(p.metadata), where="metadata") if metadata else {},
    }


def from_json(data: Mapping[str, Any]) -> Program:
    """Return the program that :func:`to_json` wrote.

    Raises:
        ProgramError: another format, or a part that is missing or wrong.
    """
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        came = data.get("format") if isinstance(data, Mapping) else type(data).__name__
        raise ProgramError(f"Argument `data` must be an object of format {FORMAT!r}, but {came!r} came.")
    try:
        for part, known in _KEYS.items():
            held = data if part == "" else data[part]
            for item in held if isinstance(held, list) else [held]:
                _refuse_unknown(part or "the program", item, known)
        return Program(
            EventTable(**{name: _column_in(data["events"][name], name) for name in COLUMNS}),
            tuple(Channel.parse(name) for name in data["channels"]),
            tuple(_pulse_in(p) for p in data["pulses"]),
            tuple(_acquire_in(a) for a in data["acquires"]),
            tuple(Source(s["index"], s["name"], tuple(s["qubits"]), tuple(s["clbits"])) for s in data["sources"]),
            tuple(data["calibrations"]),
            tuple(data["labels"]),
            name=data["name"],
            duration=int(data["duration"]),
            memory_slots=int(data["memory_slots"]),
            parameters=None if data["parameters"] is None else _parameters_in(data["parameters"]),
            metadata=from_plain(data["metadata"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ProgramError(
            f"Argument `data` must follow the schema of {FORMAT!r}, but {type(error).__name__}: {error}."
        ) from error


_KEYS: Mapping[str, FrozenSet[str]] = {  # as the schema says; metadata are free
    "": frozenset(
        "format name duration memory_slots channels pulses acquires sources calibrations labels events parameters "
        "metadata".split()
    ),
    "pulses": frozenset(("shape", "duration", "name", "params", "data", "limit_amplitude")),
    "acquires": frozenset(("kernel", "discriminator", "esp", "register")),
    "sources": frozenset(("index", "name", "qubits", "clbits")),
    "events": frozenset(COLUMNS),
    "parameters": frozenset(("names", "row", "column", "parameter", "coefficient", "expressions")),
}


def _refuse_unknown(where: str, data: Any, known: FrozenSet[str]) -> None:
    unknown = sorted(set(data or ()) - known)
    if unknown:
        raise ValueError(f"{where} must have no keys {unknown}")


def _number_out(value: Any) -> Any:
    return value if isinstance(value, int) or math.isfinite(value) else repr(value)


def _column_in(values: List[Any], name: str) -> np.ndarray:
    if COLUMNS[name].kind == "f":
        return np.array([float(v) for v in values], dtype=COLUMNS[name])
    if not all(type(v) is int for v in values):
        raise ValueError(f"column {name!r} must hold integers")
    return np.array(values, dtype=COLUMNS[name])


def _pulse_out(pulse: Pulse) -> Dict[str, Any]:
    out: Dict[str, Any] = {"shape": pulse.shape, "duration": pulse.duration, "name": pulse.name}
    if pulse.shape == "samples":
        out["data"] = base64.b64encode(pulse.data).decode("ascii")
    else:
        out["params"] = {k: _number_out(v) for k, v in pulse.params}
    out["limit_amplitude"] = pulse.limit_amplitude
    return out


def _pulse_in(data: Mapping[str, Any]) -> Pulse:
    limit, name = bool(data["limit_amplitude"]), data["name"]
    if data["shape"] != "samples":
        params = {k: float(v) for k, v in data["params"].items()}
        return Pulse.from_shape(data["shape"], data["duration"], params, limit_amplitude=limit, name=name)
    samples = np.frombuffer(base64.b64decode(data["data"], validate=True), "<c16")
    if samples.size != data["duration"]:
        raise ValueError(f"a pulse of {data['duration']} samples has {samples.size}")
    return Pulse.from_samples(samples, limit_amplitude=limit, name=name)


def _acquire_out(spec: AcquireSpec) -> Dict[str, Any]:
    return {
        "kernel": to_plain(spec.kernel, where="a kernel"),
        "discriminator": to_plain(spec.discriminator, where="a discriminator"),
        "esp": spec.esp,
        "register": spec.register,
    }


def _acquire_in(data: Mapping[str, Any]) -> AcquireSpec:
    kernel, discriminator = from_plain(data["kernel"]), from_plain(data["discriminator"])
    return AcquireSpec(kernel, discriminator, bool(data["esp"]), int(data["register"]))


def _parameters_out(table: ParameterTable) -> Dict[str, Any]:
    return {
        "names": list(table.names),
        "row": table.row.tolist(),
        "column": table.column.tolist(),
        "parameter": table.parameter.tolist(),
        "coefficient": [_number_out(c) for c in table.coefficient.tolist()],
        "expressions": to_plain(list(table.expressions), where="an expression"),
    }


def _parameters_in(data: Mapping[str, Any]) -> ParameterTable:
    return ParameterTable(
        tuple(data["names"]),
        np.array(data["row"], dtype=np.int32),
        np.array(data["column"], dtype=np.uint8),
        np.array(data["parameter"], dtype=np.int32),
        np.array([float(c) for c in data["coefficient"]], dtype=np.float64),
        tuple(from_plain(data["expressions"])),
    )
