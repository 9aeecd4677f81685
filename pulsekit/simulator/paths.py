"""Keep quantum-jump trajectories by the state that they share."""

from __future__ import annotations

from typing import List, NamedTuple

import numpy as np

__all__ = ["Paths", "Waiting", "spans"]


class Waiting(NamedTuple):
    """Trajectories that wait for their next jump."""

    level: np.ndarray  # float64, squared norm at which it comes
    row: np.ndarray  # int64, which trajectory
    used: np.ndarray  # int64, random numbers drawn

    def take(self, which: np.ndarray) -> "Waiting":
        """Return some of them."""
        return Waiting(self.level[which], self.row[which], self.used[which])


class Paths(NamedTuple):
    """Kets, and who waits in each."""

    states: np.ndarray  # complex128[paths, dim]
    place: np.ndarray  # int64[paths, 2], segments and steps done of a part
    first: np.ndarray  # int64[paths + 1], each one's first in ``waiting``
    waiting: Waiting  # those of a path by falling level
    jumps: np.ndarray  # int64[paths], made so far

    @property
    def owner(self) -> np.ndarray:
        """The path of everybody who waits, int64."""
        return np.repeat(np.arange(len(self.jumps)), np.diff(self.first))

    def take(self, which: np.ndarray) -> "Paths":
        """Return some paths, indices."""
        begin, end = self.first[which], self.first[which + 1]
        waiting = self.waiting.take(spans(begin, end))
        return Paths(self.states[which], self.place[which], _edges(end - begin), waiting, self.jumps[which])

    def narrowed(self, states: np.ndarray, stay: np.ndarray) -> "Paths":
        """Return the paths in which some of those who wait stay, at the beginning of a part.

        Args:
            states: complex128[paths, dim], what they are now.
            stay: bool, of everybody who waits.
        """
        counts = np.bincount(self.owner[stay], minlength=len(self.jumps))
        alive = np.flatnonzero(counts)
        waiting = self.waiting.take(np.flatnonzero(stay))
        place = np.zeros((len(alive), 2), dtype=np.int64)
        return Paths(states[alive], place, _edges(counts[alive]), waiting, self.jumps[alive])

    def dealt(self, hands: int) -> "List[Paths]":
        """Return the paths in so many parts of like work: dealt out by place, round after round."""
        if hands <= 1:
            return [self]
        order = np.lexsort((self.place[:, 1], self.place[:, 0]))
        return [self.take(order[k::hands]) for k in range(hands)]


def spans(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the numbers of ranges one after another, int64."""
    counts = end - begin
    edges = _edges(counts)
    return np.arange(edges[-1]) + np.repeat(begin - edges[:-1], counts)


def _edges(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
