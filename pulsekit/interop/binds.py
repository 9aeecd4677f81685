"""Read ``parameter_binds``: values for the parameters of circuits and schedules, point by point."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.exceptions import PulseError

from ..errors import CompilerError

__all__ = ["bind_circuits", "bind_schedules", "read_binds"]


BAD_NUMBER = 8042  # "bad pulse parameters"


LARGEST = 1e300  # beyond it a number is looked at closely


def read_binds(
    binds: Sequence[Mapping[Any, Any]], parameters: Sequence[Tuple[Parameter, ...]], names: Sequence[str] = ()
) -> List[np.ndarray]:
    """Return theta of every circuit, float64[points, parameters].

    Args:
        binds: one dict per point, {Parameter or ParameterVector: value}.
        parameters: of each circuit, in the order of theta's columns.
        names: what errors call each of them; default "circuit 0" and so on.

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
                _refuse(names[c] if names else f"circuit {c}", k, wanted, set(point))
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


def bind_schedules(items: Sequence[Any], binds: Sequence[Mapping[Any, Any]]) -> List[Any]:
    """Return bound copies of circuits and schedules, item-major, named "name-point".

    Schedules without parameters are repeated as they are.

    Raises:
        CompilerError: as :func:`read_binds`; or a value that a schedule
            cannot take (8042).
    """
    own = [tuple(item.parameters) for item in items]
    whole = [p or None if isinstance(item, (Schedule, ScheduleBlock)) else p for p, item in zip(own, items)]
    names = [f"{type(item).__name__} {item.name!r}" for item, p in zip(items, whole) if p is not None]
    read_binds(binds, [p for p in whole if p is not None], names)
    points = [_unrolled(k, bind) for k, bind in enumerate(binds)]
    out: List[Any] = []
    for item, parameters in zip(items, whole):
        if parameters is None:
            out += [item] * len(points)
        elif isinstance(item, QuantumCircuit):
            out += bind_circuits([item], binds)
        else:
            out += [_bound(item, k, point) for k, point in enumerate(points)]
    return out


def _bound(schedule: Any, k: int, point: Mapping[Parameter, float]) -> Any:
    """Return a schedule or block with numbers instead of parameters."""
    whole = {p: int(v) if float(v).is_integer() else v for p, v in point.items()}  # lengths must be integers
    name = f"{schedule.name}-{k}"
    try:
        bound = schedule.assign_parameters(whole, inplace=False)
    except PulseError as error:
        raise CompilerError(
            f"Argument `parameter_binds[{k}]` must have values that schedule {schedule.name!r} takes, but binding it "
            f"fails: {error}.",
            code=BAD_NUMBER,
        ) from error
    if isinstance(bound, Schedule):
        return Schedule(*bound.children, name=name, metadata=bound.metadata)
    copied = ScheduleBlock(name=name, metadata=bound.metadata, alignment_context=bound.alignment_context)
    for block in bound.blocks:
        copied.append(block, inplace=True)
    return copied


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
    except OverflowError:
        number = complex(np.inf)
    except TypeError:
        fact = "an expression" if isinstance(value, ParameterExpression) else repr(value)
        raise CompilerError(
            f"Argument `parameter_binds[{k}]` must have one number for {parameter.name!r}, but {fact} came. "
            "Give one dict per point."
        ) from None
    if number.imag or not np.isfinite(number.real):
        raise CompilerError(
            f"Argument `parameter_binds[{k}]` must have a finite real number for {parameter.name!r}, but {number} came."
        )
    return number.real


def _refuse(whose: str, point: int, wanted: set, given: set) -> None:
    missing = sorted(p.name for p in wanted - given)
    extra = sorted(p.name for p in given - wanted)
    hint = " Two Parameters of one name are not the same." if set(missing) & set(extra) else ""
    raise CompilerError(
        f"Argument `parameter_binds[{point}]` must bind exactly the parameters of {whose} "
        f"({sorted(p.name for p in wanted)}), but {missing} are missing and {extra} are not among them.{hint}"
    )
