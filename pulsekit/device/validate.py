"""Check that the parts of a device fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DeviceError
from . import checks

if TYPE_CHECKING:
    from .model import Device

__all__ = ["check_device"]


def check_device(device: "Device") -> None:
    """Check a device once, at its construction.

    Raises:
        DeviceError: the first thing that does not fit, with the device, the
            qubit or the channel.
    """
    if not isinstance(device.name, str) or not device.name:
        raise DeviceError(f"Argument `name` must be a non-empty string, but {device.name!r} came.")
    with checks.named(f"Device {device.name!r}"):
        _check_parts(device)
        _check_lines(device)
        _check_maps(device)


def _check_parts(device: "Device") -> None:
    n = len(device.transmons)
    if n < 1:
        raise DeviceError("Argument `transmons` must have at least one item, but it is empty.")
    per_qubit = ("drives", "resonators", "readout", "reset_error", "qubit_lo", "measure_lo")
    for name in per_qubit:
        checks.sized(name, getattr(device, name), n)
    checks.sized("limits.drive_lo", device.limits.drive_lo, n)
    checks.sized("limits.measure_lo", device.limits.measure_lo, n)
    for q, error in enumerate(device.reset_error):
        with checks.named(f"qubit {q}"):
            checks.finite("reset_error", error, least=0, most=1)
    for name in ("qubit_lo", "measure_lo"):
        for q, freq in enumerate(getattr(device, name)):
            with checks.named(f"qubit {q}"):
                checks.finite(name, freq, above=0, unit="Hz")
    pairs = set()
    for coupling in device.couplings:
        checks.indices("couplings.qubits", coupling.qubits, n)
        key = frozenset(coupling.qubits)
        if key in pairs:
            raise DeviceError(f"Argument `couplings` must have one item per pair, but {coupling.qubits} came twice.")
        pairs.add(key)


def _check_lines(device: "Device") -> None:
    n = device.n_qubits
    for q, line in enumerate(device.drives):
        if line.qubit != q:
            raise DeviceError(f"Argument `drives` must drive qubit q at position q, but d{q} drives {line.qubit!r}.")
    for u, control in enumerate(device.controls):
        with checks.named(f"u{u}"):
            checks.index("qubit", control.qubit, n)
            checks.indices("lo", (q for q, _ in control.lo), n)
    channels = {f"d{q}" for q in range(len(device.drives))} | {f"u{u}" for u in range(len(device.controls))}
    for item in device.crosstalk:
        if item.channel not in channels:
            raise DeviceError(f"Argument `crosstalk` must name a channel of the device, but {item.channel!r} came.")
        with checks.named(f"crosstalk of {item.channel}"):
            checks.index("qubit", item.qubit, n)
    for line_qubit, resonator, gain in device.readout_crosstalk:
        checks.indices("readout_crosstalk", (line_qubit, resonator), n)
        checks.complex_finite("readout_crosstalk", gain)


def _check_maps(device: "Device") -> None:
    n = device.n_qubits
    seen: Any = set()
    for group in device.meas_map:
        checks.indices("meas_map", group, n)
        if seen & set(group):
            raise DeviceError(
                f"Argument `meas_map` must have every qubit in one group, but {sorted(seen & set(group))} came twice."
            )
        seen |= set(group)
    for pair in device.coupling_map:
        checks.pair_of("coupling_map", pair)
        checks.indices("coupling_map", pair, n)
    sizes = (n, len(device.controls))
    if device.calibrations.__dict__.get("_fits") == sizes:  # a changed device often keeps them
        return
    for calibration in device.calibrations:
        with checks.named(f"calibration {calibration.name!r} of {calibration.qubits}"):
            checks.indices("qubits", calibration.qubits, n)
            for channel in calibration.program.channels:
                count = len(device.controls) if channel.kind == "u" else n
                if channel.index >= count:
                    raise DeviceError(
                        f"Argument `program` must use channels of the device ({count} of kind {channel.kind!r}), "
                        f"but it uses {channel}."
                    )
    device.calibrations.__dict__["_fits"] = sizes
