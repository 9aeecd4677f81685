"""Name the integration methods and choose among them."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ..errors import SimulationError
from .many import evolve_splitting, supports
from .model import Model
from .reference import evolve_reference
from .sections import MAX_DENSITY, MAX_KET, evolve_sections

__all__ = ["LARGEST_DENSITY", "METHODS", "Method", "choose"]

KINKED = 3e-6  # tolerance from which splitting is fast on lines late by a part of a sample
FAST_KINKED = 5e-9  # likewise of density matrices without the RWA
STALLED = 1.5e-8  # tolerance that it may not reach on these
LARGEST_KET = 243  # amplitudes that go from edge to edge, slowly, to keep it
LARGEST_DENSITY = 36  # levels, of density matrices likewise

Method = Callable[..., np.ndarray]
"""(model, tones, states[lanes, dim, m], *, start, stop, solver, rwa, tolerance) -> states."""

METHODS: Dict[str, Method] = {
    "magnus": evolve_sections,
    "reference": evolve_reference,
    "splitting": evolve_splitting,
}


def choose(model: Model, method: str, solver: str, rwa: bool, tolerance: float) -> str:
    """Return the method that ``method`` ("auto" or a name) means.

    Splitting converges slowly where samples of a late line begin within the
    samples of another, in the end not at all, and gains nothing on one or two
    transmons: these go from edge to edge. Terms of the user's only the reference takes.

    Raises:
        SimulationError: an unknown name, or a method that cannot take the model.
    """
    if method != "auto" and method not in METHODS:
        raise SimulationError(f"Argument `method` must be 'auto' or one of {sorted(METHODS)}, but {method!r} came.")
    if model.extra and method in ("magnus", "splitting"):
        raise SimulationError(f"Argument `method` must be 'auto' or 'reference' with extra terms, but {method!r} came.")
    if method == "magnus" and solver == "lindblad" and model.dim > LARGEST_DENSITY:
        raise SimulationError(
            f"Argument `method` must be 'auto', 'splitting' or 'reference' for a density matrix of {model.dim} levels "
            f"(qubits {list(model.qubits)}), but 'magnus' came, which takes {LARGEST_DENSITY}. Use 'auto'."
        )
    if method != "auto":
        return method
    if model.extra:
        return "reference"
    density = solver == "lindblad"
    small = model.dim <= (MAX_DENSITY if density else MAX_KET)
    if not model.on_grid and tolerance < STALLED:
        small = model.dim <= (LARGEST_DENSITY if density else LARGEST_KET)
    kinked = FAST_KINKED if density and not rwa else KINKED
    if small and (model.n <= 2 or (not model.on_grid and tolerance < kinked)):
        return "magnus"
    return "splitting" if supports(model) else "reference"
