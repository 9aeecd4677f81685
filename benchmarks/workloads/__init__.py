"""The workloads: what they play, and the populations that must come out.

``workloads.json`` holds, per workload, transmons (frequencies in GHz, bare),
couplings, channels with their LO (GHz), shapes, and schedules whose
instructions are [channel, start, shape, amplitude, phase]; a schedule with
``rz`` plays shape 0 after each of its rotations instead. ``reference/`` has
the final populations in the bare number basis, float64[schedules, dim], made
by one method at two resolutions and reproduced by an independent solver.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

__all__ = ["HERE", "instructions", "load", "names", "reference"]

HERE = Path(__file__).parent
SX_AMPLITUDE = 0.13050012413613768


@lru_cache(maxsize=1)
def _all() -> Dict[str, Dict[str, Any]]:
    return json.loads((HERE / "workloads.json").read_text())


def names() -> List[str]:
    """Return the names of all workloads."""
    return list(_all())


def load(name: str) -> Dict[str, Any]:
    """Return one workload as it stands in the file."""
    return _all()[name]


def reference(name: str) -> np.ndarray:
    """Return the final populations, float64[schedules, dim], bare basis."""
    return np.load(HERE / "reference" / f"{name}.npy", allow_pickle=False)


def instructions(schedule: Dict[str, Any]) -> List[Tuple[str, int, int, float, float]]:
    """Return what a schedule plays: channel, start, shape, amplitude, phase (rad)."""
    if "rz" not in schedule:
        return [tuple(row) for row in schedule["instr"]]
    phase, out = 0.0, []
    for k, angle in enumerate(schedule["rz"]):
        phase -= angle
        out.append(("d0", 160 * k, 0, SX_AMPLITUDE, phase))
    return out
