"""Show a device as terra's models: configuration, defaults, properties.

A device from a snapshot keeps its vendor's JSON, and shows it, with two
changes: ``meas_levels`` is [0, 1, 2], and pulses that were tuned replace the
vendor's. A device built from scratch gets the same models, generated.
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple

from qiskit.providers.models import BackendProperties, PulseBackendConfiguration, PulseDefaults

from ..device import Device
from ..units import GHZ
from .model_commands import CommandWriter
from .model_generated import ReadoutErrors, configuration_dict, properties_dict

__all__ = ["EXTRA_COMMANDS", "configuration", "defaults", "properties_data", "properties_from"]

EXTRA_COMMANDS = ("x12", "measure_esp")  # in the instruction schedule map, not in defaults()
SAME_FREQUENCY = 1e-3  # Hz; below, the vendor's number is kept


def _complex(value: Any) -> Any:
    return complex(value[0], value[1]) if isinstance(value, (list, tuple)) else value


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return value


def configuration(device: Device) -> PulseBackendConfiguration:
    """Return the configuration: the vendor's numbers, all measurement levels."""
    vendor = device.vendor.get("configuration")
    generated = configuration_dict(device)
    data: Dict[str, Any] = {**generated, **copy.deepcopy(dict(vendor))} if vendor else generated
    data.update(backend_name=device.name, meas_levels=[0, 1, 2], online_date=_date(data.get("online_date")))
    data["u_channel_lo"] = [[{"q": lo["q"], "scale": _complex(lo["scale"])} for lo in u] for u in data["u_channel_lo"]]
    data["measure_esp_enabled"] = device.measure_esp_enabled
    if not data.get("hamiltonian"):
        data["hamiltonian"] = generated["hamiltonian"]
    return PulseBackendConfiguration.from_dict(data)


def defaults(device: Device, *, extra: bool = False) -> PulseDefaults:
    """Return the defaults: LO estimates and the calibrated pulses.

    Args:
        device: whose calibrations.
        extra: with x12 and measure_esp, which ``defaults()`` of a vendor
            would not have.
    """
    vendor = device.vendor.get("defaults") or {}
    commands, library = _commands(device, vendor, extra)
    data: Dict[str, Any] = {
        k: v
        for k, v in vendor.items()
        if k not in ("cmd_def", "pulse_library", "_data", "meas_kernel", "discriminator")
    }
    data["qubit_freq_est"] = _estimates(vendor.get("qubit_freq_est"), list(device.qubit_freq_est))
    data["meas_freq_est"] = _estimates(vendor.get("meas_freq_est"), list(device.meas_freq_est))
    data["buffer"] = vendor.get("buffer", 0)
    data["pulse_library"], data["cmd_def"] = library, commands
    for name in ("meas_kernel", "discriminator"):
        if vendor.get(name):
            data[name] = copy.deepcopy(vendor[name])
    return PulseDefaults.from_dict(data)


def _estimates(published: Optional[List[float]], own: List[float]) -> List[float]:
    """Return estimates in GHz: the vendor's digits where they mean the same."""
    if not published:
        return [f / GHZ for f in own]
    own = own or [f * GHZ for f in published]
    return [p if abs(p * GHZ - f) < SAME_FREQUENCY else f / GHZ for p, f in zip(published, own)]


def _commands(
    device: Device, vendor: Mapping[str, Any], extra: bool
) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
    published = {(c["name"], tuple(c["qubits"])): c for c in vendor.get("cmd_def", ()) if c.get("sequence")}
    writer = CommandWriter()
    commands = {key: _decoded(command) for key, command in published.items()}
    for calibration in device.calibrations:
        key = (calibration.name, tuple(calibration.qubits))
        if calibration.name in EXTRA_COMMANDS and not extra:
            continue
        if key in published and calibration.source == "vendor":
            continue
        commands[key] = writer.write(calibration)
    library = [
        {"name": item["name"], "samples": [_complex(s) for s in item["samples"]]}
        for item in vendor.get("pulse_library", ())
        if item["name"] not in writer.library
    ]
    library += [{"name": name, "samples": samples} for name, samples in writer.library.items()]
    return list(commands.values()), library


def _decoded(command: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a vendor's command with its complex numbers read."""
    sequence = []
    for instruction in command["sequence"]:
        instruction = dict(instruction)
        if "parameters" in instruction and "amp" in instruction["parameters"]:
            parameters = instruction["parameters"]
            instruction["parameters"] = {**parameters, "amp": _complex(parameters["amp"])}
        if "val" in instruction:
            instruction["val"] = _complex(instruction["val"])
        sequence.append(instruction)
    return {**command, "sequence": sequence}


def properties_data(device: Device, readout_errors: ReadoutErrors = ()) -> Dict[str, Any]:
    """Return the properties as JSON: the vendor's, or the model's own (see :func:`properties_dict`)."""
    vendor = device.vendor.get("properties")
    data: Dict[str, Any] = copy.deepcopy(dict(vendor)) if vendor else properties_dict(device, readout_errors)
    data["backend_name"] = device.name
    return data


def properties_from(data: Dict[str, Any]) -> BackendProperties:
    """Return the model of properties that are JSON; changes ``data``."""
    data["last_update_date"] = _date(data["last_update_date"])
    groups = [*data["qubits"], data["general"], *(gate["parameters"] for gate in data["gates"])]
    for group in groups:
        for item in group:
            item["date"] = _date(item["date"])
    return BackendProperties.from_dict(data)
