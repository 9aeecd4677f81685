"""Let the quantum jumps of a part of a program grow into a tree of kets, in some threads at once."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from .._ext import kernel
from .blocks import aligned
from .jumpdraws import DRAWS, Draws
from .jumpkinds import JumpKinds
from .ket import MARGIN, KetLayout
from .paths import Sharing, Waiting, edges, spans
from .splitting import Plan, Splitting

__all__ = ["Hand", "JumpTree"]

FRAMES = 8  # of a hand, at first
ROOM = 16  # kets for each thread that others may take
AMPLITUDES = 2**15  # of kets at the end that a hand keeps, so that what is done to them stays in caches
_FELL = 5  # a ket's last column: those who wait are to jump
_DEEP = 2  # there are too few frames


class Hand:
    """What one thread has of a tree.

    Args:
        layout: of the kets.
        jumps: how many kinds of them there are.
        most: kets at the end, at most.
    """

    def __init__(self, layout: KetLayout, jumps: int, most: int) -> None:
        self.state = np.zeros(3, dtype=np.int64)
        self.ends = aligned(most, layout.length), aligned(most, layout.length), np.empty((most, 3), dtype=np.int64)
        self._layout, self._reach = layout, np.empty(jumps)
        self._frames = self._made(FRAMES)

    def arrays(self) -> Tuple[np.ndarray, ...]:
        """Return them as the kernel takes them."""
        return (*self._frames, self._reach, *self.ends, self.state)

    @property
    def count(self) -> int:
        """How many kets came to the end and were not taken."""
        return int(self.state[1])

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self.count == len(self.ends[2])

    def deepen(self) -> None:
        """Make twice as many frames."""
        old = self._frames
        self._frames = self._made(2 * len(old[3]))
        for new, known in zip(self._frames, old):
            new[: len(known)] = known

    def _made(self, frames: int) -> Tuple[np.ndarray, ...]:
        re, im = self._layout.bordered(2 * frames)
        return re, im, np.zeros((2 * frames, 6), dtype=np.int64), np.empty(frames)


class JumpTree:
    """A tree of jumps that begins with some kets.

    Args:
        run: what takes kets on.
        plan: the part of a program.
        kinds: of jumps.
        states: complex128[kets, dim], the stepper's basis, at the beginning.
        sharing: who waits in them.
        draws: their random numbers.
        threads: that may let it grow.
        fell: whether those who wait are to jump at once.
    """

    def __init__(
        self,
        run: Splitting,
        plan: Plan,
        kinds: JumpKinds,
        states: np.ndarray,
        sharing: Sharing,
        draws: Draws,
        *,
        threads: int = 1,
        fell: bool = False,
    ) -> None:
        count, waiting, self.layout = len(states), sharing.waiting, run.layout
        rows = count + (ROOM * threads if threads > 1 else 0)
        self._jumps, self._seconds = len(kinds.rates), run.step_seconds()
        self._waiting = Waiting(waiting.level.copy(), waiting.row.copy(), waiting.used.copy())
        re, im = self.layout.put(states, rows)
        ket = np.zeros((rows, 6), dtype=np.int64)
        ket[:count, 2], ket[:count, 3], ket[:count, 4] = sharing.first[:-1], sharing.first[1:], sharing.jumps
        ket[:count, _FELL] = fell
        steps = int(plan.segments[:, 0].sum())
        self.worth = (count + len(waiting.row) / 2) * steps * self._seconds  # s that it may take, roughly
        self._kernel = kernel("jumps").Tree(
            MARGIN,
            *run.shape,
            plan.segments,
            plan.busy,
            plan.tables,
            *plan.layers,
            plan.h,
            kinds.rates,
            kinds.total,
            kinds.origin,
            kinds.factor,
            draws.key,
            draws.experiment,
            draws.purpose,
            DRAWS,
            draws.members,
            *self._waiting,
            np.empty_like(waiting.row),
            re,
            im,
            ket,
            np.empty(rows, dtype=np.int64),
            np.empty(rows, dtype=np.int64),
            count,
        )

    @property
    def done(self) -> bool:
        """Whether all has come to its end; what came out may still be in hands."""
        return bool(self._kernel.done)

    def hand(self) -> Hand:
        """Return what a thread needs."""
        most = max(1, min(len(self._waiting.row), AMPLITUDES // self.layout.length))
        return Hand(self.layout, self._jumps, most)

    def grow(self, hand: Hand, seconds: float) -> bool:
        """Let it grow for so long, roughly; return whether the hand still has something to do.

        Kets that come to the end stay in the hand; nothing is done while it
        is full of them.
        """
        found = int(self._kernel.grow(*hand.arrays(), max(1, int(seconds / self._seconds))))
        if found == _DEEP:
            hand.deepen()
        return found > 0

    def taken(self, hand: Hand) -> Tuple[np.ndarray, Sharing]:
        """Take the kets at the end from a hand: complex128[kets, dim], the stepper's basis, and who waits in each."""
        count = hand.count
        re, im, found = (part[:count] for part in hand.ends)
        first, end, jumps = found.T
        waiting = self._waiting.take(spans(first, end))
        hand.state[1] = 0
        return self.layout.get(re, im), Sharing(edges(end - first), waiting, jumps.copy())
