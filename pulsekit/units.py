"""Convert between the units of vendors and those of the package.

Inside the package: seconds, hertz, dimensionless amplitudes, samples (int).
Angular frequencies (rad/s) exist only inside the solver, prefixed ``w_``.
"""

from __future__ import annotations

import math

__all__ = ["GHZ", "KHZ", "MHZ", "MS", "NS", "TWO_PI", "US"]

TWO_PI: float = 2.0 * math.pi  # rad per cycle

KHZ: float = 1e3  # Hz
MHZ: float = 1e6  # Hz
GHZ: float = 1e9  # Hz
NS: float = 1e-9  # s
US: float = 1e-6  # s
MS: float = 1e-3  # s
