"""Name the streams of random numbers of a job.

A number is decided by (seed, experiment, purpose, index, shot) alone, so that
results depend neither on threads nor on batching.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["Purpose", "Stream"]


class Purpose(IntEnum):
    """What random numbers are for."""

    START = 1  # levels at the start of a shot
    OUTCOME = 2  # joint levels at an acquire or reset
    READ = 3  # jumps and integrated noise of an acquire
    TRACE = 4  # what completes the noise of a record
    RESET = 5  # residual error of a reset
    DECAY = 6  # jumps between shots
    STATE = 7  # trajectories of states


class Stream(NamedTuple):
    """One stream: one number, or one block of numbers, per shot."""

    seed: int  # 64 bits
    experiment: int
    purpose: int
    number: int = 0  # which acquire, which qubit
