"""Remember what was made of an object, on the object itself."""

from __future__ import annotations

from typing import Any, Callable, Hashable, TypeVar

__all__ = ["remember"]

T = TypeVar("T")


def remember(owner: Any, key: Hashable, make: Callable[[], T]) -> T:
    """Return ``make()``, or what it returned for this owner and key before.

    The memory lives and dies with its owner, an immutable object that many
    compilations share (a snippet, a program). Exceptions are not remembered.
    """
    memory = owner.__dict__.setdefault("_memory", {})
    try:
        return memory[key]
    except KeyError:
        made = memory[key] = make()
        return made
