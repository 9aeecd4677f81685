"""Compiled kernels; the widest build that this processor can run.

``kernel("lanes")`` is the module compiled from ``lanes.pyx`` for ``LEVEL``.
Set ``PULSEKIT_ISA`` to "baseline", "v3" or "v4" to choose a lower level.
Kernels take contiguous typed memoryviews and write into arrays that the
caller allocated; they release the GIL and import nothing of pulsekit.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType

try:
    from . import cpu
except ImportError as error:
    raise ImportError(
        f"The kernels of pulsekit must be built for this Python, but in {os.path.dirname(__file__)} they are not. Run "
        "`pip install -e .` in the source folder, or leave it, so that an installed pulsekit is found."
    ) from error

__all__ = ["LEVEL", "kernel"]

_ORDER = ("baseline", "v3", "v4")


def _pick() -> str:
    best = {4: "v4", 3: "v3"}.get(cpu.level(), "baseline")
    asked = os.environ.get("PULSEKIT_ISA", best)
    if asked not in _ORDER:
        raise ImportError(f"PULSEKIT_ISA must be one of {_ORDER}, but {asked!r} came.")
    return min(asked, best, key=_ORDER.index)


LEVEL: str = _pick()


@cache
def kernel(name: str) -> ModuleType:
    """Return the compiled module ``name`` of the chosen level."""
    return importlib.import_module(f"{__name__}.{LEVEL}.{name}")
