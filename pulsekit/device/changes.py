"""Change a parameter of a device, and know which calibrations go stale."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Dict, Mapping, Optional, Set, Tuple

from ..errors import DeviceError
from . import checks
from .model import Coupling, Device, Resonator, Transmon
from .stale import stale_between

__all__ = ["changed"]

_QUBIT_LISTS = ("reset_error",)
_PULSE_TIMING = {"dt", "dtm"}


def changed(
    device: Device,
    *,
    qubit: Optional[int] = None,
    pair: Optional[Tuple[int, int]] = None,
    channel: Optional[str] = None,
    **values: Any,
) -> Device:
    """Return a device with parameters changed; see :meth:`Device.with_`."""
    chosen = [x for x in (qubit, pair, channel) if x is not None]
    if len(chosen) > 1:
        raise DeviceError("Arguments `qubit`, `pair` and `channel` must not be given together. Call with_ twice.")
    if not values:
        raise DeviceError("Arguments of with_ must name at least one parameter to change, but none came.")
    if qubit is not None:
        out = _with_qubit(device, qubit, values)
    elif pair is not None:
        out = _with_pair(device, pair, values)
    elif channel is not None:
        out = _with_channel(device, channel, values)
    else:
        out = _with_device(device, values)
    return out.replace(stale=stale_between(device, out))


def _names(kind: Any) -> Set[str]:
    return {item.name for item in fields(kind)}


def _with_qubit(device: Device, qubit: int, values: Mapping[str, Any]) -> Device:
    checks.index("qubit", qubit, device.n_qubits)
    transmon = {k: v for k, v in values.items() if k in _names(Transmon)}
    aliases = {"measure_frequency": "frequency"}
    own = _names(Resonator) - {"frequency"}
    resonator = {aliases.get(k, k): v for k, v in values.items() if k in own or k in aliases}
    spec = {k: v for k, v in values.items() if k in ("prob_meas0_prep1", "prob_meas1_prep0", "length_s")}
    others = {k: v for k, v in values.items() if k in _QUBIT_LISTS}
    accepted = _names(Transmon) | own | set(aliases) | {"prob_meas0_prep1", "prob_meas1_prep0", "length_s"}
    _refuse("qubit", values, accepted | set(_QUBIT_LISTS))
    changes: Dict[str, Any] = {}
    with checks.named(f"qubit {qubit} of {device.name!r}"):
        if transmon:
            changes["transmons"] = _put(device.transmons, qubit, replace(device.transmons[qubit], **transmon))
        if resonator:
            changes["resonators"] = _put(device.resonators, qubit, replace(device.resonators[qubit], **resonator))
        if spec:
            changes["readout"] = _put(device.readout, qubit, replace(device.readout[qubit], **spec))
        for name, value in others.items():
            changes[name] = _put(getattr(device, name) or (0.0,) * device.n_qubits, qubit, value)
    if device.qubit_lo and "frequency" in values:
        changes["qubit_lo"] = _put(device.qubit_lo, qubit, values["frequency"])
    if device.measure_lo and "measure_frequency" in values:
        changes["measure_lo"] = _put(device.measure_lo, qubit, values["measure_frequency"])
    return device.replace(**changes)


def _with_pair(device: Device, pair: Tuple[int, int], values: Mapping[str, Any]) -> Device:
    checks.pair_of("pair", tuple(pair))
    checks.indices("pair", pair, device.n_qubits)
    _refuse("pair", values, {"strength"})
    kept = tuple(c for c in device.couplings if set(c.qubits) != set(pair))
    added = (Coupling((min(pair), max(pair)), values["strength"]),) if values["strength"] else ()
    couplings = tuple(sorted(kept + added, key=lambda c: c.qubits))
    return device.replace(couplings=couplings)


def _with_channel(device: Device, channel: str, values: Mapping[str, Any]) -> Device:
    kind, index = channel[:1], channel[1:]
    lines: Tuple[Any, ...] = {"d": device.drives, "u": device.controls}.get(kind, ())
    if not index.isdigit() or int(index) >= len(lines):
        raise DeviceError(f"Argument `channel` must be a drive or control channel of the device, but {channel!r} came.")
    _refuse("channel", values, {"rabi_rate", "gain", "delay_s"})
    with checks.named(channel):
        line = replace(lines[int(index)], **values)
    name = "drives" if kind == "d" else "controls"
    return device.replace(**{name: _put(lines, int(index), line)})


def _with_device(device: Device, values: Mapping[str, Any]) -> Device:
    accepted = _names(Device) - {"stale"}
    timing = {k: v for k, v in values.items() if k in ("dt", "dtm")}
    _refuse("device", values, accepted | _PULSE_TIMING)
    changes = {k: v for k, v in values.items() if k in accepted}
    if timing:
        changes["timing"] = replace(values.get("timing", device.timing), **timing)
    return device.replace(**changes)


def _put(items: Tuple[Any, ...], index: int, value: Any) -> Tuple[Any, ...]:
    if index >= len(items):
        raise DeviceError("The device must have a resonator and readout figures for this change, but it has none.")
    return (*items[:index], value, *items[index + 1 :])


def _refuse(what: str, values: Mapping[str, Any], accepted: Set[str]) -> None:
    unknown = sorted(set(values) - accepted)
    if unknown:
        raise DeviceError(
            f"Parameters of a {what} must be among {', '.join(sorted(accepted))}, but {', '.join(unknown)} came."
        )
