"""Read ``parameter_binds``: values for circuits' parameters, point by point."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit

from ..errors import CompilerError

__all__ = ["bind_circuits", "read_binds"]


LARGEST = 1e300  # beyond it a number is looked at closely


def read_binds(binds: Sequence[Mapping[Any, Any]], parameters: Sequence[Tuple[Parameter, ...]]) -> List[np.ndarray]:
    """Return theta of every circuit, float64[points, parameters].

    Args:
        binds: one dict per point, {Parameter or ParameterVector: value}.
        parameters: of each circuit, in the order of theta's columns.

    Raises:
        CompilerError: a circuit's parameters are not exactly the ones bound,
            or a value that is not a finite real number.
    """
    if not isinstance(binds, (list, tuple)) or not all(isinstance(b, (dict, Mapping)) for b in binds):
        raise CompilerError(
            "Argument `parameter_binds` must be a list of dicts {Parameter: value}, one per point, "
            f"but {type(binds).__name__} came."
        )
    points = [_unrolled(k, bind) for k, bind in enumerate(binds)]
    out = []
    for c, own in enumerate(parameters):
        wanted = set(own)
        theta = np.empty((len(points), len(own)))
        for k, point in enumerate(points):
            if point.keys() != wanted:
                _refuse(c, k, wanted, set(point))
            theta[k] = [point[p] for p in own]
        out.append(theta)
    return out


def bind_circuits(circuits: Sequence[QuantumCircuit], binds: Sequence[Mapping[Any, Any]]) -> List[QuantumCircuit]:
    """Return bound copies, circuit-major, named "name-point" (qiskit does the binding).

    Raises:
        CompilerError: as :func:`read_binds`.
    """
    read_binds(binds, [tuple(c.parameters) for c in circuits])
    points = [_unrolled(k, bind) for k, bind in enumerate(binds)]
    out = []
    for circuit in circuits:
        for k, point in enumerate(points):
            bound = circuit.assign_parameters(point, inplace=False)
            bound.name = f"{circuit.name}-{k}"
            out.append(bound)
    return out


def _unrolled(k: int, bind: Mapping[Any, Any]) -> Dict[Parameter, float]:
    point = {}
    for key, value in bind.items():
        if type(key) is Parameter and type(value) in (int, float) and -LARGEST < value < LARGEST:
            point[key] = value
        elif isinstance(key, ParameterVector):
            if len(value) != len(key):
                raise CompilerError(
                    f"Argument `parameter_binds[{k}]` must have {len(key)} values for {key.name!r}, "
                    f"but {len(value)} came."
                )
            for parameter, item in zip(key, value):
                point[parameter] = _number(k, parameter, item)
        elif isinstance(key, Parameter):
            point[key] = _number(k, key, value)
        else:
            raise CompilerError(
                f"Argument `parameter_binds[{k}]` must have Parameter or ParameterVector objects as keys, "
                f"but {key!r} came."
            )
    return point


def _number(k: int, parameter: Parameter, value: Any) -> float:
    try:
        number = complex(value)
    except TypeError:
        fact = "an expression" if isinstance(value, ParameterExpression) else repr(value)
        raise CompilerError(
            f"Argument `parameter_binds[{k}]` must have one number for {parameter.name!r}, but {fact} came. "
            "Give one dict per point."
        ) from None
    if number.imag or not np.isfinite(number.real):
        raise CompilerError(
            f"Argument `parameter_binds[{k}]` must have a finite real number for {parameter.name!r}, but {value} came."
        )
    return number.real


def _refuse(circuit: int, point: int, wanted: set, given: set) -> None:
    missing = sorted(p.name for p in wanted - given)
    extra = sorted(p.name for p in given - wanted)
    raise CompilerError(
        f"Argument `parameter_binds[{point}]` must bind exactly the parameters of circuit {circuit} "
        f"({sorted(p.name for p in wanted)}), but {missing} are missing and {extra} are not among them."
    )
