"""Keep quantum-jump trajectories by the state that they share."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Tuple

import numpy as np

__all__ = ["Midway", "Paths", "Sharing", "Waiting", "edges", "spans"]


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

    def take(self, which: np.ndarray) -> "Sharing":
        """Return who waits in some of the kets, indices."""
        begin, end = self.first[which], self.first[which + 1]
        return Sharing(edges(end - begin), self.waiting.take(spans(begin, end)), self.jumps[which])

    def upto(self, count: int) -> "Sharing":
        """Return who waits in the first kets."""
        return Sharing(self.first[: count + 1], self.waiting, self.jumps[:count])

    def from_on(self, begin: np.ndarray) -> "Tuple[np.ndarray, Sharing]":
        """Return the kets in which somebody stays, indices, and who: from ``begin`` on, int64[kets]."""
        counts = self.first[1:] - begin
        alive = np.flatnonzero(counts)
        waiting = self.waiting.take(spans(begin, self.first[1:]))
        return alive, Sharing(edges(counts[alive]), waiting, self.jumps[alive])

    def narrowed(self, stay: np.ndarray) -> "Tuple[np.ndarray, Sharing]":
        """Return the kets in which somebody stays, indices, and who: bool, of everybody who waits."""
        counts = np.bincount(self.owner[stay], minlength=len(self.jumps))
        alive = np.flatnonzero(counts)
        return alive, Sharing(edges(counts[alive]), self.waiting.take(np.flatnonzero(stay)), self.jumps[alive])


class Paths(NamedTuple):
    """Kets between two parts of a program, and who waits in each."""

    states: np.ndarray  # complex128[kets, dim], dressed common frame
    sharing: Sharing


class Midway(NamedTuple):
    """Kets within a part of a program, and who waits in each."""

    re: np.ndarray  # float64[kets, length], as they are laid out
    im: np.ndarray
    place: np.ndarray  # int64[kets, 2], segments and steps done
    sharing: Sharing

    def dealt(self, hands: int) -> "Iterator[Midway]":
        """Yield copies in so many parts of like work: dealt out by place, round after round."""
        order = np.lexsort((self.place[:, 1], self.place[:, 0]))
        return (self._take(order[k::hands]) for k in range(hands))

    def _take(self, which: np.ndarray) -> "Midway":
        return Midway(self.re.take(which, 0), self.im.take(which, 0), self.place[which], self.sharing.take(which))


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
