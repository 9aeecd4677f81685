"""Keep what is made of a batch with it, until a number of it is changed."""

from __future__ import annotations

from typing import Any, Callable, Dict, Hashable, Optional, Tuple, TypeVar

import numpy as np

from ..program import Batch

__all__ = ["remembered", "remembers"]

T = TypeVar("T")


def remembered(batch: Batch, name: Hashable, make: Callable[[], T]) -> T:
    """Return what was made of a batch under a name; make it where nothing was, or of other numbers.

    Args:
        batch: its arrays may have been written to since.
        name: says what is made, and of what else.
        make: makes it; what it raises is raised.
    """
    numbers = _numbers(batch)
    known = batch.__dict__.get("_remembered")
    if known is None or known[0] != numbers:
        known = batch.__dict__["_remembered"] = (numbers, {})
    made: Dict[Hashable, Any] = known[1]
    if name not in made:
        made[name] = make()
    return made[name]  # type: ignore[no-any-return]


def remembers(batch: Batch, name: Hashable) -> bool:
    """Tell whether something was made of a batch under a name, whatever its numbers were."""
    return name in batch.__dict__.get("_remembered", (None, ()))[1]


def _numbers(batch: Batch) -> Tuple[Any, ...]:
    """Return everything beside the programs, as bytes."""
    los = batch.los
    return (
        _bytes(batch.program_of),
        _bytes(batch.theta),
        _bytes(los.drive_frame),
        _bytes(los.control_frame),
        _bytes(los.measure_frame),
        _bytes(los.drive),
        _bytes(los.control),
        _bytes(los.measure),
    )


def _bytes(array: Optional[np.ndarray]) -> Any:
    if array is None:
        return None
    array = np.asarray(array)
    return array.shape, array.dtype.char, array.tobytes()
