"""Keep quantum-jump trajectories by the state that they share."""

from __future__ import annotations

from typing import NamedTuple, Tuple

import numpy as np

__all__ = ["Paths", "Sharing", "Waiting", "edges", "spans"]


class Waiting(NamedTuple):
    """Trajectories that wait for their next jump."""

    level: np.ndarray  # float64, squared norm at which it comes
    row: np.ndarray  # int64, which trajectory
    used: np.ndarray  # int64, random numbers drawn

    def take(self, which: np.ndarray) -> "Waiting":
        """Return some of them."""
        return Waiting(self.level[which], self.row[which], self.used[which])


class Sharing(NamedTuple):
    """Who waits in some kets."""

    first: np.ndarray  # int64[kets + 1], each one's first in ``waiting``
    waiting: Waiting  # those of a ket by falling level
    jumps: np.ndarray  # int64[kets], made so far

    @property
    def owner(self) -> np.ndarray:
        """The ket of everybody who waits, int64."""
        return np.repeat(np.arange(len(self.jumps)), np.diff(self.first))

    def narrowed(self, stay: np.ndarray) -> "Tuple[np.ndarray, Sharing]":
        """Return the kets in which somebody stays, indices, and who: bool, of everybody who waits."""
        counts = np.bincount(self.owner[stay], minlength=len(self.jumps))
        alive = np.flatnonzero(counts)
        return alive, Sharing(edges(counts[alive]), self.waiting.take(np.flatnonzero(stay)), self.jumps[alive])


class Paths(NamedTuple):
    """Kets between two parts of a program, and who waits in each."""

    states: np.ndarray  # complex128[kets, dim], dressed common frame
    sharing: Sharing


def spans(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the numbers of ranges one after another, int64."""
    counts = end - begin
    at = edges(counts)
    return np.arange(at[-1]) + np.repeat(begin - at[:-1], counts)


def edges(counts: np.ndarray) -> np.ndarray:
    """Return where ranges of such lengths begin that follow one another, and the end, int64[counts + 1]."""
    out = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=out[1:])
    return out
