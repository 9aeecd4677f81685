"""Check numbers when a device is described; messages name what is wrong."""

from __future__ import annotations

import math
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, Iterable, Iterator, Optional

import numpy as np

from ..errors import DeviceError

__all__ = [
    "carrier",
    "complex_finite",
    "finite",
    "index",
    "indices",
    "integer",
    "named",
    "one_of",
    "pair_of",
    "ranges",
    "sized",
]

LOWEST = 1e6  # Hz; a carrier below it is a slip


@contextmanager
def named(what: str) -> Iterator[None]:
    """Put ``what`` ("qubit 3 of 'ibm_perth'") in front of DeviceErrors raised inside."""
    try:
        yield
    except DeviceError as error:
        raise DeviceError(f"{what}: {error}") from None


def finite(
    name: str,
    value: Any,
    *,
    above: Optional[float] = None,
    least: Optional[float] = None,
    most: Optional[float] = None,
    none: bool = False,
    unit: str = "",
) -> None:
    """Check a real number.

    Raises:
        DeviceError: not a finite real number, or out of range.
    """
    if value is None and none:
        return
    rule = "a finite number" + (f" in {unit}" if unit else "")
    rule += f" above {above:g}" if above is not None else ""
    rule += f" of at least {least:g}" if least is not None else ""
    rule += f", at most {most:g}" if most is not None else ""
    rule += " (or None)" if none else ""
    good = isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)
    if good:
        good = (
            (above is None or value > above) and (least is None or value >= least) and (most is None or value <= most)
        )
    if not good:
        raise DeviceError(f"Argument `{name}` must be {rule}, but {value!r} came.")


def carrier(name: str, value: Any) -> None:
    """Check the frequency of a transmon or a resonator.

    Raises:
        DeviceError: not a finite real number, or too low: GHz by mistake.
    """
    finite(name, value, above=0, unit="Hz")
    if value < LOWEST:
        hint = " It looks like GHz; multiply by 1e9." if 0.1 <= value <= 100 else ""
        raise DeviceError(f"Argument `{name}` must be at least {LOWEST:g} Hz, but {value!r} Hz came.{hint}")


def complex_finite(name: str, value: Any) -> None:
    """Check a complex number.

    Raises:
        DeviceError: not finite.
    """
    try:
        number = complex(value)
    except (TypeError, ValueError):
        number = complex(math.nan)
    if not (math.isfinite(number.real) and math.isfinite(number.imag)):
        raise DeviceError(f"Argument `{name}` must be a finite complex number, but {value!r} came.")


def integer(name: str, value: Any, *, least: int = 0, most: Optional[int] = None, none: bool = False) -> None:
    """Check an integer.

    Raises:
        DeviceError: not an integer, or out of range.
    """
    if value is None and none:
        return
    good = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
    if not good or (most is not None and int(value) > most):
        upper = f" to {most}" if most is not None else " or more"
        raise DeviceError(f"Argument `{name}` must be an integer of {least}{upper}, but {value!r} came.")


def index(name: str, value: Any, n: int) -> None:
    """Check a qubit number.

    Raises:
        DeviceError: not one of 0 to n - 1.
    """
    integer(name, value, least=0)
    if int(value) >= n:
        raise DeviceError(f"Argument `{name}` must be a qubit of the device, 0 to {n - 1}, but {value!r} came.")


def indices(name: str, values: Iterable[Any], n: int) -> None:
    """Check several qubit numbers."""
    for value in values:
        index(name, value, n)


def pair_of(name: str, value: Any) -> None:
    """Check two different qubit numbers.

    Raises:
        DeviceError: anything else.
    """
    if not isinstance(value, tuple) or len(value) != 2 or value[0] == value[1]:
        raise DeviceError(f"Argument `{name}` must be a tuple of two different qubits, but {value!r} came.")
    for q in value:
        integer(name, q)


def one_of(name: str, value: Any, accepted: Iterable[str]) -> None:
    """Check a word.

    Raises:
        DeviceError: not among the accepted ones.
    """
    names = list(accepted)
    if value not in names:
        raise DeviceError(f"Argument `{name}` must be one of {', '.join(map(repr, names))}, but {value!r} came.")


def sized(name: str, values: Any, n: int) -> None:
    """Check that there is nothing, or one item per qubit.

    Raises:
        DeviceError: another number of items.
    """
    if len(values) not in (0, n):
        raise DeviceError(f"Argument `{name}` must have one item per qubit ({n}), or none, but {len(values)} came.")


def ranges(name: str, values: Iterable[Any]) -> None:
    """Check (low, high) pairs.

    Raises:
        DeviceError: not finite, or low above high.
    """
    for low, high in values:
        finite(name, low)
        finite(name, high)
        if low > high:
            raise DeviceError(f"Argument `{name}` must hold (low, high) pairs, but ({low!r}, {high!r}) came.")
