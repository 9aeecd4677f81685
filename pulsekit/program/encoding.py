"""Write any metadata value as JSON and read it back exactly.

JSON has no complex numbers, tuples, arrays, NaN or mappings with other keys
than strings; those are written as one-key objects: ``{"$complex": [re, im]}``,
``{"$tuple": [...]}``, ``{"$array": [dtype, shape, [...]]}``, ``{"$float":
"nan"}`` and ``{"$map": [[key, value], ...]}``.
"""

from __future__ import annotations

import json
import math
from typing import Any, Mapping

import numpy as np

from ..errors import ProgramError

__all__ = ["dumps", "from_plain", "loads", "to_plain"]


def dumps(value: Any, *, where: str) -> str:
    """Return a value as one line of JSON.

    Args:
        value: anything of the module's list, nested.
        where: what it is, for the error.

    Raises:
        ProgramError: a value that has no exact JSON form.
    """
    return json.dumps(to_plain(value, where=where), ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Any:
    """Return the value that :func:`dumps` wrote."""
    return from_plain(json.loads(text))


def to_plain(value: Any, *, where: str) -> Any:
    """Return a value made of what JSON knows."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        return {"$array": [value.dtype.str, None, [to_plain(value.item(), where=where)]]}
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, complex):
        return {"$complex": [to_plain(value.real, where=where), to_plain(value.imag, where=where)]}
    if isinstance(value, list):
        return [to_plain(v, where=where) for v in value]
    if isinstance(value, tuple):
        return {"$tuple": [to_plain(v, where=where) for v in value]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        flat = [to_plain(v, where=where) for v in value.ravel().tolist()]
        return {"$array": [value.dtype.str, list(value.shape), flat]}
    if isinstance(value, Mapping):
        if all(isinstance(k, str) and not k.startswith("$") for k in value):
            return {k: to_plain(v, where=where) for k, v in value.items()}
        return {"$map": [[to_plain(k, where=where), to_plain(v, where=where)] for k, v in value.items()]}
    raise ProgramError(
        f"Argument `program` must hold plain data to be written, but {where} has a {type(value).__name__}. "
        "Leave it out with metadata=False."
    )


def from_plain(value: Any) -> Any:
    """Return what :func:`to_plain` got."""
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, inner), *_ = value.items()
        if key in _READERS:
            return _READERS[key](inner)
    return {k: from_plain(v) for k, v in value.items()}


def _array(inner: Any) -> Any:
    dtype, shape, flat = inner
    items = np.array([from_plain(v) for v in flat], dtype=np.dtype(dtype))
    return items[0] if shape is None else items.reshape(shape)


_READERS: Mapping[str, Any] = {
    "$float": float,
    "$complex": lambda inner: complex(from_plain(inner[0]), from_plain(inner[1])),
    "$tuple": lambda inner: tuple(from_plain(v) for v in inner),
    "$array": _array,
    "$map": lambda inner: {from_plain(k): from_plain(v) for k, v in inner},
}
