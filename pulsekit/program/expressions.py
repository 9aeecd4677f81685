"""Evaluate expressions of parameters, kept as trees of plain tuples.

A tree is ("number", x), ("parameter", k), or (name, *trees) with a name of
:data:`FUNCTIONS`.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Sequence

import numpy as np

from ..errors import ProgramError

__all__ = ["FUNCTIONS", "depends", "evaluate", "substituted"]


def _add(*terms: Any) -> Any:
    total: Any = 0.0
    for term in terms:
        total = total + term
    return total


def _mul(*factors: Any) -> Any:
    product: Any = 1.0
    for factor in factors:
        product = product * factor
    return product


FUNCTIONS: Dict[str, Callable[..., Any]] = {
    "add": _add,
    "mul": _mul,
    "pow": lambda a, b: np.power(np.asarray(a, dtype=complex), b).real,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "sign": np.sign,
    "wrap": lambda a: a - 2 * np.pi * np.rint(a / (2 * np.pi)),  # the same angle, in -pi..pi rad
}


def evaluate(tree: Any, theta: np.ndarray) -> np.ndarray:
    """Return the value of a tree at every parameter point.

    Args:
        tree: see above.
        theta: float64[points, parameters].

    Returns:
        float64[points].

    Raises:
        ProgramError: a name that is not known.
    """
    return np.broadcast_to(np.asarray(_value(tree, theta), dtype=np.float64), (len(theta),))


def _value(tree: Any, theta: np.ndarray) -> Any:
    name = tree[0]
    if name == "number":
        return tree[1]
    if name == "parameter":
        return theta[:, tree[1]]
    if name not in FUNCTIONS:
        raise ProgramError(f"Expressions must use {sorted(FUNCTIONS)}, but {name!r} came.")
    return FUNCTIONS[name](*(_value(t, theta) for t in tree[1:]))


def depends(tree: Any) -> bool:
    """Tell whether a tree depends on a parameter."""
    return tree[0] == "parameter" or (tree[0] != "number" and any(depends(t) for t in tree[1:]))


def substituted(tree: Any, parts: Sequence[Any]) -> Any:
    """Return a tree with ``parts[k]``, a tree, in the place of parameter k."""
    if tree[0] == "number":
        return tree
    if tree[0] == "parameter":
        return parts[tree[1]]
    return (tree[0], *(substituted(t, parts) for t in tree[1:]))
