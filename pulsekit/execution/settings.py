"""Say how a batch is run, and hold what one experiment gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional

import numpy as np

__all__ = ["Record", "Settings"]


@dataclass(frozen=True)
class Settings:
    """How to run a batch."""

    shots: int = 4000
    meas_level: int = 2  # 0: raw records, 1: kerneled, 2: classified
    meas_return: str = "avg"  # or "single"; level 2 is always single
    memory_slot_size: int = 100  # record samples kept per slot at level 0
    init_qubits: bool = True  # reset before every shot; False: go on from where the last shot ended
    rep_delay_s: Optional[float] = None  # s between the end of a program and the next; None: the device's
    rep_time_s: Optional[float] = None  # s from start to start, on devices without dynamic repetition
    seed: Optional[int] = None  # None: a fresh one, recorded
    noise: bool = True  # T1, T2, thermal population, reset errors
    tolerance: float = 1e-6  # error allowed in an amplitude, or an entry of a density matrix
    method: str = "auto"  # of the simulator
    spectator_bound: float = 1e-4  # see simulator.plan_clusters
    memory_cap: Optional[int] = None  # bytes; None: half of the machine's memory
    threads: int = 1
    executor: Optional[Any] = None  # concurrent.futures-style, or None


@dataclass
class Record:
    """The shots of one experiment; slots that nothing wrote are 0.

    ``M`` is the number of memory slots, ``S`` of shots, ``K`` the memory slot
    size. Only the array of the level that was asked for is there.
    """

    shots: int
    meas_level: int
    meas_return: str
    slots: int
    bits: Optional[np.ndarray] = None  # uint8[S, M], level 2
    iq: Optional[np.ndarray] = None  # complex128[S, M] (single) or [M] (avg), level 1
    raw: Optional[np.ndarray] = None  # complex128[S, M, K] (single) or [M, K] (avg), level 0
    info: Dict[str, Any] = field(default_factory=dict)  # seed, clusters, how each was simulated, what was left out
