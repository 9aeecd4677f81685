"""Hold the rows of many circuits, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from ..program import EventTable, ParameterTable
from .pool import Pool

__all__ = ["Lowered"]


@dataclass(frozen=True, eq=False)
class Lowered:
    """The rows of all circuits, sorted; and where each came from."""

    events: EventTable
    ptr: np.ndarray  # int64[circuits + 1], rows of each circuit
    gate: np.ndarray  # int64[rows], the gate of each row
    pool_row: np.ndarray  # int64[rows], the row's model in the pool
    parametric: np.ndarray  # int64[k], rows whose value or angle depends on a gate parameter
    pool: Pool
    parameters: Tuple[Optional[ParameterTable], ...] = ()  # per circuit
