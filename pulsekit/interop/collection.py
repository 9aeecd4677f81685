"""Let garbage collection wait while many small objects are made at once."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import Iterator

__all__ = ["no_collection"]


@contextmanager
def no_collection() -> Iterator[None]:
    """Make objects without a collection, which they would set off again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
