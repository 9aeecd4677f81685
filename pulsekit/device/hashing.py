"""Hash what decides how a device behaves, for caches."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, List

from ..cache import content_hash
from .program_hash import program_hash

if TYPE_CHECKING:
    from .model import Device

__all__ = ["device_hash"]

_LEFT_OUT = ("calibrations", "vendor", "provenance", "version")


def device_hash(device: "Device") -> str:
    """Return the SHA-256 (hex) of a device's content.

    Vendor data, provenance and the version do not enter.
    """
    parts: List[Any] = []
    for item in fields(device):
        if item.name not in _LEFT_OUT:
            parts.append([item.name, _plain(getattr(device, item.name))])
    parts.append(sorted([c.name, list(c.qubits), program_hash(c.program)] for c in device.calibrations))
    return content_hash(*parts)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return _plain(astuple(value)) if hasattr(value, "__dataclass_fields__") else value
