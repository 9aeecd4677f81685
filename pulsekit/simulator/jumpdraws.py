"""Draw the random numbers of quantum-jump trajectories, whatever is drawn for others.

Trajectory k draws from its own place of a Philox stream, so that results do
not depend on how trajectories are split.
"""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

__all__ = ["PURPOSE", "Draws", "jump_draws"]

DRAWS = 8  # of a trajectory, drawn at once; more come from its own stream
MORE = 256  # that come at a time
PURPOSE = 7  # of the random stream


def jump_draws(seed: int, experiment: int, members: np.ndarray, purpose: int = PURPOSE) -> np.ndarray:
    """Return the first random numbers of trajectories, float64[members, DRAWS].

    Philox at key (seed, experiment), counter from (trajectory, purpose).
    """
    if not members.size:
        return np.zeros((0, DRAWS))
    bits = np.random.Philox(key=_key(seed, experiment), counter=np.array([0, 0, purpose, 0], dtype=np.uint64))
    low, high = int(members.min()), int(members.max()) + 1
    bits.advance(low * DRAWS // 4)
    return np.random.Generator(bits).random((high - low, DRAWS))[members - low]


class Draws:
    """The random numbers of some trajectories.

    Args:
        seed, experiment, purpose: of the random stream.
        members: int64, indices of the trajectories.
    """

    def __init__(self, seed: int, experiment: int, purpose: int, members: np.ndarray) -> None:
        self.members = members
        self._key, self._purpose = _key(seed, experiment), purpose
        self._first = jump_draws(seed, experiment, members, purpose)
        self._more: Dict[Tuple[int, int], np.ndarray] = {}

    def at(self, row: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Return draws ``number`` of the trajectories ``members[row]``, float64."""
        late = np.flatnonzero(number >= DRAWS)
        out = self._first[row, np.minimum(number, DRAWS - 1)]
        for k in late.tolist():
            block, place = divmod(int(number[k]) - DRAWS, MORE)
            out[k] = self._block(int(row[k]), block)[place]
        return out

    def _block(self, row: int, block: int) -> np.ndarray:
        found = self._more.get((row, block))
        if found is None:
            counter = np.array([block * MORE // 4, int(self.members[row]), self._purpose, 1], dtype=np.uint64)
            bits = np.random.Philox(key=self._key, counter=counter)
            found = self._more[row, block] = np.random.Generator(bits).random(MORE)
        return found


def _key(seed: int, experiment: int) -> np.ndarray:
    return np.array([seed & (2**64 - 1), experiment], dtype=np.uint64)
