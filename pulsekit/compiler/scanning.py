"""Give interop the compiled scanner of circuit instructions."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Callable, List, Tuple

from .._ext import kernel

__all__ = ["ScanKind", "scanner"]


class ScanKind(IntEnum):
    """What the scanner may read of a type of operations (the numbers of ``_ext/scan.pyx``)."""

    PLAIN = 0  # its ``_name`` and ``_params`` count
    SHARED = 1  # an immutable object without parameters
    OTHER = 2  # its public attributes only


def scanner(
    classify: Callable[[Any], ScanKind],
    new_key: Callable[[Any, str, Tuple[Any, ...], Tuple[Any, ...]], Tuple[int, int]],
    slow: Callable[[int, int, Any, int], List[float]],
    refuse: Callable[[Any, Any], None],
) -> Any:
    """Return a scanner; see ``_ext/scan.pyx`` for the callbacks.

    It reads about five million instructions per second, and holds the GIL.
    """
    return kernel("scan").Scanner(classify, new_key, slow, refuse)
