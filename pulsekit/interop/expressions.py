"""Take qiskit's parameter expressions apart: affine, or a tree."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Tuple

from qiskit.circuit import Parameter, ParameterExpression

from ..errors import CompilerError

__all__ = ["DECIMALS", "Affine", "split_expression", "tree_of"]

DECIMALS = 10  # terra rounds the values of assigned parameters to this
_NAMES = {"add": "add", "mul": "mul", "pow": "pow", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin"}
_NAMES.update({"acos": "acos", "atan": "atan", "exp": "exp", "log": "log", "abs": "abs", "sign": "sign"})


class Affine(NamedTuple):
    """base + sum of coefficient * parameter; or a tree where that does not do."""

    base: float
    terms: Tuple[Tuple[int, float], ...]  # (parameter index, coefficient)
    tree: Any = None  # None: affine


def split_expression(expression: ParameterExpression, order: Mapping[Parameter, int]) -> Affine:
    """Return an expression in terms of numbered parameters.

    Raises:
        CompilerError: a parameter that is not in ``order``, a complex number,
            or a function that the slow lane does not know.
    """
    unknown = [p.name for p in expression.parameters if p not in order]
    if unknown:
        raise CompilerError(
            f"Expression {expression} must depend on {[p.name for p in order]} only, but {unknown} came."
        )
    if isinstance(expression, Parameter):
        return Affine(0.0, ((order[expression], 1.0),))
    terms: List[Tuple[int, float]] = []
    for parameter in sorted(expression.parameters, key=order.__getitem__):
        slope = expression.gradient(parameter)
        if isinstance(slope, ParameterExpression) and slope.parameters:
            return Affine(0.0, (), tree_of(expression, {p.name: k for p, k in order.items()}))
        terms.append((order[parameter], _real(slope, expression)))
    zero = expression.bind(dict.fromkeys(expression.parameters, 0))
    return Affine(_real(zero, expression), tuple(terms))


def tree_of(expression: ParameterExpression, numbers: Mapping[str, int]) -> Any:
    """Return an expression as a tree of its parameters, which are numbered by name.

    Raises:
        CompilerError: as :func:`split_expression`.
    """
    return _tree(expression._symbol_expr, numbers)


def _real(value: Any, expression: Any) -> float:
    number = complex(value)
    if number.imag != 0:
        raise CompilerError(f"Expression {expression} must be real, but it has the complex number {number}.")
    return number.real


def _tree(node: Any, names: Mapping[str, int]) -> Any:
    kind = type(node).__name__.lower()
    if str(node) in names and not node.args:
        return ("parameter", names[str(node)])
    if not node.args or getattr(node, "is_number", False):
        return ("number", _real(node, node))
    if kind not in _NAMES:
        raise CompilerError(f"Expressions must use {sorted(_NAMES)}, but {kind!r} came ({node}).")
    return (_NAMES[kind], *(_tree(a, names) for a in node.args))
