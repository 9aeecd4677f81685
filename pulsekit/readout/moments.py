"""Integrate over the level paths of an acquisition, without drawing any."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Tuple

import numpy as np

if TYPE_CHECKING:
    from .acquisition import Acquisition

__all__ = ["cloud_moments", "path_nodes"]


@lru_cache(maxsize=8)
def _nodes(count: int) -> Tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(count)
    return x, w


def path_nodes(acquisition: "Acquisition", level: int, nodes: int = 40) -> Tuple[np.ndarray, np.ndarray]:
    """Return integrated signals of the paths from ``level``, with weights.

    Paths without a jump and with one are kept (the second jump is left out:
    an error of the order of (length / T1)^2 in the clouds' tails); jump times
    sit on Gauss-Legendre nodes.

    Returns:
        complex128[paths], float64[paths]: the weights sum to 1.
    """
    n = acquisition.samples
    rate = acquisition.rates[level]
    center = acquisition.tail[level, 0]
    if rate <= 0:
        return np.array([center]), np.array([1.0])
    x, w = _nodes(nodes)
    when = (x + 1) / 2 * n
    at = np.clip(np.rint(when).astype(np.int64), 0, n)
    density = rate * np.exp(-rate * when) * w * n / 2
    signals, weights = [np.array([center])], [np.array([np.exp(-rate * n)])]
    chance = np.diff(acquisition.target[level], prepend=0.0)
    for other in np.flatnonzero(chance > 0):
        excess = acquisition.edges[level, at] - acquisition.edges[other, at]
        after = acquisition.tail[other, at] + excess * acquisition.memory[other, at]
        signals.append(center - acquisition.tail[level, at] + after)
        weights.append(density * chance[other])
    weight = np.concatenate(weights)
    return np.concatenate(signals), weight / weight.sum()


def cloud_moments(acquisition: "Acquisition", level: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return mean (I, Q) and covariance of a level's cloud, jumps included.

    Returns:
        float64[2], float64[2, 2].
    """
    signal, weight = path_nodes(acquisition, level)
    points = np.stack([signal.real, signal.imag])
    mean = points @ weight
    centered = points - mean[:, None]
    return mean, (centered * weight) @ centered.T + acquisition.sigma**2 * np.eye(2)
