"""Say where the pulses of a decoupling sequence go in an idle window."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np

from ...errors import CompilerError

__all__ = ["Sequence", "centers", "parse_sequence"]

BASES = {"X2": "XX", "XY4": "XYXY", "XY8": "XYXYYXYX"}


@dataclass(frozen=True)
class Sequence:
    """A decoupling sequence: which pulses, and how they are spaced."""

    name: str
    axes: str  # "X" and "Y", one per pulse; even, so that the sequence is an identity
    uhrig: bool = False  # at sin^2 times (UDD); else evenly


def parse_sequence(name: str) -> Sequence:
    """Return the sequence called "X2", "XY4", "XY8" or "UDD<even number>".

    Raises:
        CompilerError: no such sequence.
    """
    text = str(name).upper()
    if text in BASES:
        return Sequence(text, BASES[text])
    match = re.match(r"UDD([0-9]*)\Z", text)
    order = int(match.group(1) or 8) if match else 0
    if order < 2 or order % 2 or order > 64:
        raise CompilerError(
            f"Argument `dd` must be 'X2', 'XY4', 'XY8' or 'UDD<n>' with n even and 2..64, but {name!r} came."
        )
    return Sequence(text, "X" * order, uhrig=True)


def centers(sequence: Sequence, color: int) -> Tuple[str, np.ndarray]:
    """Return the axes, and the pulses' centers as fractions of the window.

    Neighbours get different colors, whose toggling functions are orthogonal
    over a common window: an odd color moves the pulses by half a spacing, so
    that the last one closes the window; every two colors, the sequence is
    repeated twice as often (Walsh functions). A UDD sequence (Uhrig, PRL 98,
    100504 (2007): sin^2(pi j / (2 n + 2))) differs by its order instead, two
    pulses more per color; that keeps about a quarter of the neighbours' ZZ.
    """
    if sequence.uhrig:
        n = len(sequence.axes) + 2 * color
        return "X" * n, np.array([math.sin(math.pi * j / (2 * n + 2)) ** 2 for j in range(1, n + 1)])
    axes = sequence.axes * 2 ** (color // 2)
    n = len(axes)
    late = 0.5 if color % 2 == 0 else 1.0
    return axes, (np.arange(n) + late) / n


def place(at: np.ndarray, start: int, stop: int, length: int, grid: int) -> Optional[List[int]]:
    """Return the starts of pulses of ``length`` samples in a window, or None.

    Args:
        at: centers as fractions of the window, ascending.
        start: of the window, samples; likewise ``stop``.
        length: of each pulse, samples.
        grid: starts are multiples of it.

    Returns:
        Starts that do not overlap; None if the window is too short.
    """
    first, last = -(-start // grid) * grid, (stop - length) // grid * grid
    step = -(-length // grid) * grid
    if last - first < (len(at) - 1) * step:
        return None
    wanted = start + at * (stop - start) - length / 2
    starts = np.clip(np.round(wanted / grid).astype(np.int64) * grid, first, last)
    for k in range(1, len(starts)):
        starts[k] = max(starts[k], starts[k - 1] + step)
    starts[-1] = min(starts[-1], last)
    for k in range(len(starts) - 2, -1, -1):
        starts[k] = min(starts[k], starts[k + 1] - step)
    return [int(s) for s in starts]
