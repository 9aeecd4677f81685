"""Draw the random numbers of quantum-jump trajectories, whatever is drawn for others.

Trajectory k draws from its own place of a Philox stream, so that results do
not depend on how trajectories are split.
"""

from __future__ import annotations

from typing import NamedTuple, Union

import numpy as np

from .._ext import kernel

__all__ = ["DRAWS", "PURPOSE", "Draws"]

DRAWS = 8  # of a trajectory, that lie together; more come from its own stream
PURPOSE = 7  # of the random stream


class Draws(NamedTuple):
    """The random numbers of some trajectories.

    Philox at key (seed, experiment), counter from (trajectory, purpose).
    """

    seed: int
    experiment: int
    purpose: int  # of the random stream
    members: np.ndarray  # int64, indices of the trajectories

    @property
    def key(self) -> int:
        """The seed as an unsigned number of 64 bits."""
        return self.seed & (2**64 - 1)

    def at(self, row: Union[np.ndarray, slice], number: np.ndarray) -> np.ndarray:
        """Return draws ``number`` (int64) of the trajectories ``members[row]``, float64."""
        out = np.empty(number.size)
        members = self.members[row]
        kernel("shots").numbers(self.key, self.experiment, self.purpose, DRAWS, members, number, out)
        return out
