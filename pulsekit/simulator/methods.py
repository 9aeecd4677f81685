"""Name the integration methods and choose among them."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ..errors import SimulationError
from .many import evolve_splitting, supports
from .model import Model
from .reference import evolve_reference

__all__ = ["METHODS", "Method", "choose"]

KINKED = 3e-6  # tolerance from which splitting is fast on lines late by a part of a sample
SMALL = 81  # dimension

Method = Callable[..., np.ndarray]
"""(model, tones, states[lanes, dim, m], *, start, stop, solver, rwa, tolerance) -> states."""

METHODS: Dict[str, Method] = {"reference": evolve_reference, "splitting": evolve_splitting}


def choose(model: Model, method: str, solver: str, rwa: bool, tolerance: float) -> str:
    """Return the method that ``method`` ("auto" or a name) means.

    Splitting converges slowly where samples of a late line begin within the
    samples of another: kets of few qubits take the reference there.

    Raises:
        SimulationError: an unknown name.
    """
    if method != "auto" and method not in METHODS:
        raise SimulationError(f"Argument `method` must be 'auto' or one of {sorted(METHODS)}, but {method!r} came.")
    if method != "auto":
        return method
    if solver == "schroedinger" and rwa and not model.on_grid and tolerance < KINKED and model.dim <= SMALL:
        return "reference"
    fast = (solver == "lindblad" and model.on_grid) or (not rwa and tolerance >= KINKED)
    many = model.n > 2 or (model.n == 2 and fast)
    return "splitting" if many and supports(model) else "reference"
