"""Name the integration methods and choose among them."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ..errors import SimulationError
from .many import evolve_splitting, supports
from .model import Model
from .reference import evolve_reference

__all__ = ["METHODS", "Method", "choose"]

Method = Callable[..., np.ndarray]
"""(model, tones, states[lanes, dim, m], *, start, stop, solver, rwa, tolerance) -> states."""

METHODS: Dict[str, Method] = {"reference": evolve_reference, "splitting": evolve_splitting}


def choose(model: Model, method: str, solver: str, rwa: bool) -> str:
    """Return the method that ``method`` ("auto" or a name) means.

    Raises:
        SimulationError: an unknown name.
    """
    if method != "auto" and method not in METHODS:
        raise SimulationError(f"Argument `method` must be 'auto' or one of {sorted(METHODS)}, but {method!r} came.")
    if method != "auto":
        return method
    return "splitting" if model.n > 2 and supports(model) else "reference"
