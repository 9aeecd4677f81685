"""Refuse results that would not fit into memory, before anything runs."""

from __future__ import annotations

import os
from typing import Optional, Sequence

from ..errors import MemoryCapError
from .settings import Settings

__all__ = ["check_memory", "default_cap", "result_bytes"]


def default_cap() -> int:
    """Return half of the machine's memory, in bytes (4 GiB where unknown)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 4 << 30


def result_bytes(settings: Settings, slots: Sequence[int]) -> int:
    """Return the bytes of a job's records; ``slots`` per experiment."""
    total = sum(slots)
    count = settings.shots if settings.meas_return == "single" else 1
    if settings.meas_level == 2:
        return settings.shots * total
    if settings.meas_level == 1:
        return 16 * count * total
    return 16 * count * total * settings.memory_slot_size


def check_memory(settings: Settings, slots: Sequence[int], cap: Optional[int] = None) -> None:
    """Compare the size of the result with the cap.

    Raises:
        MemoryCapError: with both numbers, in bytes.
    """
    limit = default_cap() if cap is None else cap
    needed = result_bytes(settings, slots)
    if needed > limit:
        raise MemoryCapError(
            f"The result must fit into {limit} bytes (option `memory_cap`), but {needed} bytes are needed for "
            f"meas_level={settings.meas_level}, meas_return={settings.meas_return!r}, {settings.shots} shots and "
            f"{sum(slots)} slots in all. Use fewer shots, meas_return='avg', or a higher cap."
        )
