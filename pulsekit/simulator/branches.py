"""Keep quantum-jump trajectories by the state that they ended in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, NamedTuple, Sequence

import numpy as np

from .paths import spans

__all__ = ["Branch", "Branches", "gathered"]


class Branch(NamedTuple):
    """Trajectories that ended in one state."""

    state: np.ndarray  # complex128[dim], dressed interaction frame, normalised
    members: np.ndarray  # int64, indices of trajectories, ascending
    jumps: int  # how many jumps they made


@dataclass(frozen=True, eq=False)
class Branches:
    """Several of them, in arrays."""

    states: np.ndarray  # complex128[branches, dim]
    first: np.ndarray  # int64[branches + 1], each one's first in ``members``
    members: np.ndarray  # int64
    jumps: np.ndarray  # int64[branches]

    @property
    def counts(self) -> np.ndarray:
        """How many trajectories each has, int64[branches]."""
        return np.diff(self.first)

    def __len__(self) -> int:
        return len(self.jumps)

    def __getitem__(self, k: int) -> Branch:
        return Branch(self.states[k], self.members[self.first[k] : self.first[k + 1]], int(self.jumps[k]))

    def __iter__(self) -> Iterator[Branch]:
        return (self[k] for k in range(len(self)))

    def joined(self, members: np.ndarray) -> "Branches":
        """Return them with more members of the first, ascending."""
        size = self.first[1]
        of_first = np.sort(np.concatenate([members, self.members[:size]]), kind="stable")
        first = np.append(0, self.first[1:] + len(members))
        return Branches(self.states, first, np.concatenate([of_first, self.members[size:]]), self.jumps)


def gathered(parts: Sequence[Branches], dim: int) -> Branches:
    """Return the branches of all parts, by jumps and by the first of the members."""
    zero = np.zeros(1, dtype=np.int64)
    jumps = np.concatenate([zero[1:], *(p.jumps for p in parts)])
    counts = np.concatenate([zero[1:], *(p.counts for p in parts)])
    members = np.concatenate([zero[1:], *(p.members for p in parts)])
    first = np.cumsum(counts) - counts
    order = np.lexsort((members[first], jumps))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    states, at = np.empty((len(order), dim), dtype=np.complex128), 0
    for part in parts:
        states[place[at : at + len(part)]] = part.states
        at += len(part)
    members = members[spans(first[order], (first + counts)[order])]
    return Branches(states, np.concatenate([zero, np.cumsum(counts[order])]), members, jumps[order])
