"""Write parameters of instructions as JSON: numbers, expressions, arrays."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional
from uuid import UUID

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression

from ...errors import StoreError

__all__ = ["Reader", "Writer"]

FUNCTIONS = ("sin", "cos", "tan", "asin", "acos", "atan", "exp", "log", "conjugate", "sign", "abs")
TERRA_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}


class Writer:
    """Turns values into JSON, and collects the parameters that they use."""

    def __init__(self) -> None:
        self.parameters: List[Dict[str, str]] = []
        self._positions: Dict[Parameter, int] = {}

    def parameter(self, parameter: Parameter) -> int:
        """Return the parameter's position in the document's table."""
        if parameter not in self._positions:
            self._positions[parameter] = len(self.parameters)
            self.parameters.append({"name": parameter.name, "uuid": str(_uuid(parameter))})
        return self._positions[parameter]

    def value(self, value: Any) -> Any:
        """Return a number, str, array or expression as JSON.

        Raises:
            StoreError: a value of another kind.
        """
        if isinstance(value, (bool, str, int, float)) or value is None:
            return value
        if isinstance(value, (np.integer, np.floating, np.bool_)):
            return value.item()
        if isinstance(value, (complex, np.complexfloating)):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, Parameter):
            return {"parameter": self.parameter(value)}
        if isinstance(value, ParameterExpression):
            return self._expression(value)
        if isinstance(value, np.ndarray):
            flat = np.ascontiguousarray(value, dtype=complex).view(float)
            return {"array": flat.reshape(-1).tolist(), "shape": list(value.shape)}
        if isinstance(value, (list, tuple)):
            return {"list": [self.value(v) for v in value]}
        raise StoreError(f"A parameter must be a number, an expression or an array to be stored, but {value!r} came.")

    def _expression(self, value: ParameterExpression) -> Any:
        if not value.parameters:
            number = complex(value)
            return number.real if number.imag == 0 else self.value(number)
        by_name = {p.name: self.parameter(p) for p in value.parameters}
        return {"expression": _tree(value._symbol_expr, by_name)}


def _uuid(parameter: Parameter) -> Any:
    return getattr(parameter, "_uuid", None) or parameter.uuid


def _tree(node: Any, by_name: Dict[str, int]) -> Any:
    """Return a symbolic expression (symengine's or sympy's) as nested lists."""
    kind = type(node).__name__
    if kind.endswith("Symbol") or kind == "Dummy":
        return ["p", by_name[str(node)]]
    if not node.args:
        number = complex(node)
        return number.real if number.imag == 0 else ["c", number.real, number.imag]
    if kind in ("Add", "Mul", "Pow"):
        return [kind.lower(), *(_tree(a, by_name) for a in node.args)]
    name = kind.lower()
    if name in FUNCTIONS:
        return [name, _tree(node.args[0], by_name)]
    try:  # a number with structure, such as a complex one
        number = complex(node)
        return ["c", number.real, number.imag]
    except (TypeError, ValueError, RuntimeError):
        raise StoreError(
            f"An expression must be made of +, *, powers and {FUNCTIONS} to be stored, not {kind}."
        ) from None


class Reader:
    """Turns what :class:`Writer` wrote into values again."""

    def __init__(self, parameters: List[Dict[str, str]]) -> None:
        self.parameters = [Parameter(p["name"], uuid=UUID(p["uuid"])) for p in parameters]

    def value(self, data: Any) -> Any:
        """Return the value that JSON describes."""
        if not isinstance(data, dict):
            return data
        readers: Dict[str, Callable[[Any], Any]] = {
            "complex": lambda d: complex(*d),
            "parameter": lambda d: self.parameters[d],
            "expression": self._expression,
            "list": lambda d: [self.value(v) for v in d],
        }
        if "array" in data:
            return np.array(data["array"], dtype=float).view(complex).reshape(data["shape"])
        for key, reader in readers.items():
            if key in data:
                return reader(data[key])
        raise StoreError(f"A stored value must be one of {sorted(readers)}, but it has {sorted(data)}.")

    def _expression(self, tree: Any) -> Any:
        if not isinstance(tree, list):
            return tree
        head, *rest = tree
        if head == "p":
            return self.parameters[rest[0]]
        if head == "c":
            return complex(*rest)
        values = [self._expression(node) for node in rest]
        if head == "add":
            return _fold(values, lambda a, b: a + b)
        if head == "mul":
            return _fold(values, lambda a, b: a * b)
        if head == "pow":
            return _power(*values)
        if head in FUNCTIONS:
            return _call(str(head), values[0])
        raise StoreError(f"A stored expression must use {FUNCTIONS}, but it has {head!r}.")


def _call(name: str, value: Any) -> Any:
    """Apply a function of expressions, by its symbolic name."""
    return abs(value) if name == "abs" else getattr(value, TERRA_NAMES.get(name, name))()


def _fold(values: List[Any], join: Callable[[Any, Any], Any]) -> Any:
    total: Optional[Any] = None
    for value in values:
        total = value if total is None else join(total, value)
    return total


def _power(base: Any, exponent: Any) -> Any:
    """Return base ** exponent with what terra 0.46's expressions have."""
    if isinstance(exponent, (int, float)) and float(exponent).is_integer() and exponent != 0:
        product = _fold([base] * abs(int(exponent)), lambda a, b: a * b)
        return product if exponent > 0 else 1 / product
    logarithm = base.log() if isinstance(base, ParameterExpression) else np.log(base)
    return (logarithm * exponent).exp()
