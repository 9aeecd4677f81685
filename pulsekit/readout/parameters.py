"""Take the numbers that users give kernels and discriminators."""

from __future__ import annotations

from reprlib import repr as shown
from typing import Any, Optional

import numpy as np

from ..errors import ReadoutError

__all__ = ["number", "numbers", "whole"]


def numbers(what: str, values: Any, count: Optional[int] = None) -> np.ndarray:
    """Return real numbers as float64[n].

    Args:
        what: the parameter, as errors call it.
        values: a number, a list or an array of any shape.
        count: how many there must be; None: any number.

    Raises:
        ReadoutError: complex or not finite numbers, texts, another count.
    """
    try:
        array = np.asarray(values)
        array = array.astype(np.float64, casting="same_kind").ravel() if array.size else np.zeros(0)
    except (TypeError, ValueError):
        array = np.full(1, np.nan)
    if not np.isfinite(array).all() or count not in (None, array.size):
        rule = "a finite real number" if count == 1 else f"{'' if count is None else f'{count} '}finite real numbers"
        raise ReadoutError(f"{what} must be {rule}, but {shown(values)} came.")
    return array


def number(what: str, value: Any) -> float:
    """Return one real number.

    Raises:
        ReadoutError: something else.
    """
    return float(numbers(what, value, 1)[0])


def whole(what: str, value: Any) -> int:
    """Return one whole number.

    Raises:
        ReadoutError: something else.
    """
    found = number(what, value)
    if found != int(found):
        raise ReadoutError(f"{what} must be a whole number, but {value!r} came.")
    return int(found)
