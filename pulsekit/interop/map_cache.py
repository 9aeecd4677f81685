"""Keep what was read from an instruction map as long as it has not changed."""

from __future__ import annotations

import weakref
from typing import Any, Callable, Dict, Hashable, Tuple, TypeVar

from qiskit.pulse import Schedule
from qiskit.pulse.instructions import Instruction

__all__ = ["cache_of", "fingerprint", "fresh"]

T = TypeVar("T")
_caches: Dict[int, Tuple[Any, Dict[Hashable, Any]]] = {}


def cache_of(owner: Any) -> Dict[Hashable, Any]:
    """Return the cache that belongs to an object (a map, a target), kept beside it."""
    found = _caches.get(id(owner))
    if found is not None and found[0]() is owner:
        return found[1]
    number = id(owner)
    cache: Dict[Hashable, Any] = {}
    _caches[number] = (weakref.ref(owner, lambda _: _caches.pop(number, None)), cache)
    return cache


def fingerprint(program: Any) -> Any:
    """Return something that differs when a schedule was changed in place.

    Instructions are told apart by their identity and that of their operands:
    assigning parameters in place exchanges the operands.
    """
    if isinstance(program, Schedule):
        return program._duration, tuple([(t0, fingerprint(child)) for t0, child in program._children])
    if isinstance(program, Instruction):
        return id(program), id(program._operands)
    return id(program), None


def fresh(owner: Any, key: Hashable, source: Any, make: Callable[[], T]) -> T:
    """Return ``make()``, or its result for an equal key while ``source`` is unchanged."""
    cache = cache_of(owner)
    found = cache.get(key)
    if not isinstance(source, Schedule):
        return make()
    mark = fingerprint(source)
    if found is not None and found[0] is source and found[1] == mark:
        return found[2]
    made = make()
    cache[key] = (source, mark, made)
    return made
