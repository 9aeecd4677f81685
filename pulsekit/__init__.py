"""pulsekit: pulse-level compiler, scheduler and simulator for superconducting qubits."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"

_LAZY = {
    "Backend": "pulsekit.backend",
    "Device": "pulsekit.device",
    "Outcome": "pulsekit.simulator",
    "Program": "pulsekit.program",
    "backends": "pulsekit.backend",
    "compile": "pulsekit.backend",
    "get_backend": "pulsekit.backend",
    "schedule": "pulsekit.backend",
    "simulate": "pulsekit.simulator",
    "tune": "pulsekit.calibration",
}

__all__ = [
    "Backend",
    "Device",
    "Outcome",
    "Program",
    "__version__",
    "backends",
    "compile",
    "get_backend",
    "schedule",
    "simulate",
    "tune",
]

if TYPE_CHECKING:
    from .backend import Backend, backends, compile, get_backend, schedule
    from .calibration.tune import tune
    from .device import Device
    from .program import Program
    from .simulator import Outcome
    from .simulator.simulate import simulate


def __getattr__(name: str) -> Any:
    """Import public names on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'pulsekit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted(set(globals()) | set(__all__))
