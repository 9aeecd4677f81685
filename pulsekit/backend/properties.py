"""Make a backend's properties: the vendor's, or what the model itself says."""

from __future__ import annotations

from typing import Any, Dict

from ..device import Device
from ..interop import models
from ..readout.fit import predict_errors

__all__ = ["properties_data"]


def properties_data(device: Device) -> Dict[str, Any]:
    """Return the properties as JSON; readout errors that nobody published are the model's, in closed form."""
    if device.vendor.get("properties"):
        return models.properties_data(device)
    qubits = range(min(device.n_qubits, len(device.resonators)))
    return models.properties_data(device, [predict_errors(device, q) for q in qubits])
