"""Check one argument of ``run`` at a time.

Every function takes the argument's name and value, and returns the value in
the form that the rest of the package uses; None always means "not given" and
never reaches them. Errors name the argument, the rule and what came, and
carry the code of the IBM API's registry where that has one.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Type

import numpy as np

from .exceptions import BackendTypeError, IBMQBackendValueError

__all__ = [
    "Check",
    "boolean",
    "callback",
    "choice",
    "header",
    "integer",
    "mapping",
    "number",
    "own_executor",
    "parameter_binds",
    "tags",
    "text",
]

Check = Callable[[str, Any], Any]
_ONE_DICT = "Give one dict per binding: [{p: 0.1}, {p: 0.2}]."
_SHOWN = 60  # characters of a wrong value that a message repeats


def show(value: Any) -> str:
    """Return a short repr."""
    text_ = repr(value)
    return text_ if len(text_) <= _SHOWN else text_[: _SHOWN - 3] + "..."


def refuse(
    name: str,
    rule: str,
    value: Any,
    *,
    code: Optional[int] = None,
    fix: str = "",
    error: Type[IBMQBackendValueError] = IBMQBackendValueError,
) -> IBMQBackendValueError:
    """Return the error for an argument that breaks a rule."""
    came = f"{show(value)} came" if not isinstance(value, str) else f"{value!r} came"
    return error(f"Argument `{name}` must {rule}, but {came}.{' ' + fix if fix else ''}", code=code)


def text(name: str, value: Any) -> str:
    """Take a str; databases cannot keep a NUL in it, nor half of a surrogate pair."""
    if not isinstance(value, str):
        raise refuse(name, "be a str", value, error=BackendTypeError)
    if "\0" in value:
        raise refuse(name, "be a str without NUL characters", value)
    if not is_unicode(value):
        raise refuse(name, "be a str of whole characters", value)
    return value


def is_unicode(value: str) -> bool:
    """Tell whether a str can be written: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def boolean(name: str, value: Any, *, code: Optional[int] = None) -> bool:
    """Take True or False, nothing that merely counts as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise refuse(name, "be True or False", value, code=code, error=BackendTypeError)
    return bool(value)


def integer(
    low: int, high: Optional[int] = None, *, too_low: Optional[int] = None, too_high: Optional[int] = None
) -> Check:
    """Return a check for an int in low..high; bools and floats are refused."""

    def check(name: str, value: Any) -> int:
        limits = f"{low}..{high}" if high is not None else f"at least {low}"
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Integral, np.integer)):
            raise refuse(name, f"be an int, {limits}", value, error=BackendTypeError)
        result = int(value)
        if result < low:
            raise refuse(name, f"be an int, {limits}", value, code=too_low)
        if high is not None and result > high:
            raise refuse(name, f"be an int, {limits}", value, code=too_high)
        return result

    return check


def number(low: float = 0.0, high: float = math.inf, *, open_low: bool = False, code: Optional[int] = None) -> Check:
    """Return a check for a finite real number in low..high."""

    def check(name: str, value: Any) -> float:
        above = f"above {low:g}" if open_low else f"at least {low:g}"
        rule = f"be a finite number, {above}" + (f" and at most {high:g}" if high < math.inf else "")
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, np.floating, np.integer)):
            raise refuse(name, rule, value, code=code, error=BackendTypeError)
        try:
            result = float(value)
        except OverflowError:  # an int beyond all floats
            result = math.inf
        if not math.isfinite(result) or result < low or result > high or (open_low and result == low):
            raise refuse(name, rule, value, code=code)
        return result

    return check


def choice(*values: Any, code: Optional[int] = None, kind: type = str) -> Check:
    """Return a check for one of some values (or an enum member of that value)."""

    def check(name: str, value: Any) -> Any:
        plain = getattr(value, "value", value)
        if isinstance(plain, (np.integer,)):
            plain = int(plain)
        if type(plain) is not kind:
            rule = f"be one of {list(values)}"
            raise refuse(name, rule, value, code=code, error=BackendTypeError)
        if plain not in values:
            raise refuse(name, f"be one of {list(values)}", value, code=code)
        return plain

    return check


def tags(name: str, value: Any) -> List[str]:
    """Take a list of str (an empty value is an empty list)."""
    if isinstance(value, list) and all(isinstance(tag, str) and is_unicode(tag) for tag in value):
        return list(value)
    if isinstance(value, str) and not value:
        return []
    raise refuse(name, "be a list of str", value)


def header(name: str, value: Any) -> Dict[str, Any]:
    """Take a mapping whose keys qiskit's QobjHeader takes as attributes."""
    fields = mapping(name, value)
    if "self" in fields:
        raise refuse(name, "not have a key 'self', which no header can have", value)
    return fields


def mapping(name: str, value: Any) -> Dict[str, Any]:
    """Take a dict with str keys, or an object with ``to_dict``."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refuse(name, "be a dict with str keys", value, error=BackendTypeError)
    return dict(value)


def parameter_binds(name: str, value: Any) -> List[Mapping[Any, Any]]:
    """Take a list of dicts; what they bind is checked against the circuits."""
    if not isinstance(value, list):
        raise refuse(name, "be a list of dicts {Parameter: value}", value, fix=_ONE_DICT)
    for position, bind in enumerate(value):
        if not isinstance(bind, Mapping):
            raise refuse(f"{name}[{position}]", "be a dict {Parameter: value}", bind, fix=_ONE_DICT)
        for key, bound in bind.items():
            if isinstance(key, str) or not hasattr(key, "name"):
                raise refuse(f"{name}[{position}]", "have Parameters or ParameterVectors as keys, not their names", key)
            _bound_value(f"{name}[{position}][{key.name}]", bound, vector=_is_vector(key))
    return list(value)


def _is_vector(key: Any) -> bool:
    return hasattr(key, "params") and hasattr(key, "__len__")


def _bound_value(name: str, value: Any, *, vector: bool) -> None:
    if vector and isinstance(value, (Sequence, np.ndarray)):
        for entry in value:
            _bound_value(name, entry, vector=False)
        return
    if isinstance(value, (bool, str, np.bool_)) or not isinstance(value, (Real, complex, np.number)):
        if hasattr(value, "parameters"):  # a ParameterExpression: a parameter for a parameter
            return
        fix = _ONE_DICT if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) else ""
        raise refuse(name, "be a number", value, fix=fix, error=BackendTypeError)
    try:
        finite = bool(np.isfinite(complex(value)))
    except OverflowError:
        finite = False
    if not finite:
        raise refuse(name, "be finite", value)


def callback(name: str, value: Any) -> Any:
    """Take anything that can be called."""
    if not callable(value):
        raise refuse(name, "be a function", value, error=BackendTypeError)
    return value


def own_executor(name: str, value: Any) -> Any:
    """Take anything with ``submit``, as concurrent.futures has it."""
    if not callable(getattr(value, "submit", None)):
        raise refuse(name, "have a method `submit`, like concurrent.futures executors", value, error=BackendTypeError)
    return value


def simulation_method(name: str, value: Any) -> str:
    """Take "auto" or the name of a simulation method."""
    from ..simulator import METHODS

    return str(choice("auto", "density", "trajectories", "polynomial", *sorted(METHODS))(name, value))
