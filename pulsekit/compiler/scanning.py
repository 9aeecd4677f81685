"""Give interop the compiled scanner of circuit instructions."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

from .._ext import kernel

__all__ = ["scanner"]


def scanner(
    classify: Callable[[Any], int],
    new_key: Callable[[Any, str, Tuple[Any, ...], Tuple[Any, ...]], Tuple[int, int]],
    slow: Callable[[int, int, Any, int], List[float]],
    refuse: Callable[[Any, Any], None],
) -> Any:
    """Return a scanner; see ``_ext/scan.pyx`` for the callbacks.

    It reads about five million instructions per second, and holds the GIL.
    """
    return kernel("scan").Scanner(classify, new_key, slow, refuse)
