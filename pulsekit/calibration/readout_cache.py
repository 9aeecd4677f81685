"""Fit a device's readout, and remember the fit by what it depends on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any, Dict, Tuple

import numpy as np

from .. import cache as disk
from ..device import Device, Note, Provenance, Resonator
from ..device.program_hash import program_hash
from ..readout import fit_readout

__all__ = ["fitted_readout"]

SCHEMA = 1


def fitted_readout(device: Device, *, cache: bool = True) -> Device:
    """Return the device with its readout fitted to the published errors.

    Args:
        device: with measure calibrations.
        cache: look the fit up on disk first, and keep it there.
    """
    if not cache:
        return fit_readout(device)
    key = _key(device)
    arrays = disk.load("readout-fit", key)
    if arrays is None:
        fitted = fit_readout(device)
        disk.store("readout-fit", key, {"json": np.frombuffer(json.dumps(_plain(device, fitted)).encode(), np.uint8)})
        return fitted
    return _restored(device, json.loads(arrays["json"].tobytes().decode()))


def _key(device: Device) -> str:
    return disk.content_hash(
        SCHEMA,
        [asdict(t) for t in device.transmons],
        [asdict(r) for r in device.resonators],
        [asdict(r) for r in device.readout],
        [list(x[:2]) + [complex(x[2])] for x in device.readout_crosstalk],
        list(device.reset_error),
        asdict(device.timing),
        [list(group) for group in device.meas_map],
        list(device.meas_freq_est),
        [
            [c.name, list(c.qubits), program_hash(c.program)]
            for c in device.calibrations
            if c.name.startswith("measure")
        ],
    )


def _plain(before: Device, after: Device) -> Dict[str, Any]:
    """Return what the fit changed, JSON-able."""
    return {
        "resonators": [asdict(r) for r in after.resonators],
        "p_th": [t.p_th for t in after.transmons],
        "reset_error": list(after.reset_error),
        "notes": [[n.quantity, n.kind, n.text] for n in after.provenance.notes[len(before.provenance.notes) :]],
    }


def _restored(device: Device, found: Dict[str, Any]) -> Device:
    notes: Tuple[Note, ...] = tuple(Note(*n) for n in found["notes"])
    return device.replace(
        resonators=tuple(_resonator(r) for r in found["resonators"]),
        transmons=tuple(replace(t, p_th=p) for t, p in zip(device.transmons, found["p_th"])),
        reset_error=tuple(found["reset_error"]),
        provenance=Provenance(device.provenance.notes + notes),
    )


def _resonator(fields: Dict[str, Any]) -> Resonator:
    values = dict(fields)
    values["chi"] = tuple(values["chi"])
    values["transitions"] = tuple((int(a), int(b), float(rate)) for a, b, rate in values["transitions"])
    return Resonator(**values)
