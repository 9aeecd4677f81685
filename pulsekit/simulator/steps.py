"""Choose the steps of a splitting.

A step of length h is K(h / 2) A(h) K(h / 2) (Strang, SIAM J. Numer. Anal. 5,
506 (1968)) with A the local part (exact) and K the couplings, about a hundred
times weaker (epsilon). Errors have even powers of h only, so that runs of two
or more steps are extrapolated (Romberg). Measured on the workloads of
benchmarks/ (largest error of a population): steps of 2 and 1 samples 4e-7, of
1 and 1/2 4e-8, with 1/4 1e-9, with 1/8 1e-10.
"""

from __future__ import annotations

import math
from typing import Tuple

__all__ = ["ladder", "unit"]


# (tolerance from which a program begins with them, steps in units); what they changed says whether it needs more
_SLOW = (
    (1e-7, (1.0, 0.5)),
    (1e-9, (1.0, 0.5, 0.25)),
    (1e-10, (1.0, 0.5, 0.25, 0.125)),
    (0.0, (0.5, 0.25, 0.125, 0.0625)),
)
_LONG = (1e-6, (2.0, 1.0))
_FAST = ((3e-7, (1.0, 0.5)), (1e-8, (0.5, 0.25)), (0.0, (0.5, 0.25, 0.125)))
_TURN = 4.4  # rad of a counter-rotating term in one unit of step
_GAP = 1.2  # rad by which coupled states turn against each other in one
_LONG_GAP = 0.8  # likewise in a sample, up to which steps of two samples do


def unit(turn: float, gap: float) -> float:
    """Return the longest step that makes sense, in samples: 1, 1/2, 1/4 ...

    Args:
        turn: rad by which counter-rotating terms turn in a sample (14 at 5 GHz
            and 2/9 ns); 0: the RWA.
        gap: rad by which coupled states turn against each other in a sample
            (0.7 for qutrits 170 MHz apart at 2/9 ns, 11 at 3.6 ns). Where a
            step turns them further, extrapolation and estimates mean nothing.
    """
    return 2.0 ** -max(0, math.ceil(math.log2(max(turn / _TURN, gap / _GAP, 1e-9))))


def ladder(tolerance: float, turn: float = 0.0, gap: float = 0.0, whole: bool = False) -> Tuple[float, ...]:
    """Return the steps, in samples, that a tolerance begins with.

    Args:
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        turn, gap: as of :func:`unit`.
        whole: no line is late by a part of a sample, and the program is not
            too long, so that steps may be of two samples
            (:mod:`~pulsekit.simulator.kinks`).
    """
    if whole and not turn and gap <= _LONG_GAP and tolerance >= _LONG[0]:
        return _LONG[1]
    steps = next(s for least, s in (_FAST if turn else _SLOW) if tolerance >= least)
    return tuple(unit(turn, gap) * s for s in steps)
