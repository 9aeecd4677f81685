"""Integrate over the level paths of an acquisition, without drawing any."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Tuple

import numpy as np

if TYPE_CHECKING:
    from .acquisition import Acquisition

__all__ = ["cloud_moments", "path_nodes"]

RARE = 1e-4  # chance of two jumps from 0 or 1 below which they are left out


@lru_cache(maxsize=8)
def _nodes(count: int) -> Tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(count)
    return x, w


def path_nodes(acquisition: "Acquisition", level: int, nodes: int = 40) -> Tuple[np.ndarray, np.ndarray]:
    """Return integrated signals of the paths from ``level``, with weights.

    Jump times sit on Gauss-Legendre nodes. Paths have no jump or one, and two
    where the second is not rare; what is left out is of the order of
    (length / T1)^3, or RARE.

    Returns:
        complex128[paths], float64[paths]: the weights sum to 1.
    """
    a, n = acquisition, acquisition.samples
    rate = a.rates[level]
    signals, weights = [a.tail[level, :1]], [np.array([np.exp(-rate * n)])]
    if rate > 0:
        x, w = _nodes(nodes)
        when = (x + 1) / 2 * n
        at = np.clip(np.rint(when).astype(np.int64), 0, n)
        density = rate * np.exp(-rate * when) * w * n / 2
        chance = np.diff(a.target[level], prepend=0.0)
        for other in np.flatnonzero(chance > 0).tolist():
            excess = a.edges[level, at] - a.edges[other, at]
            before = a.tail[level, 0] - a.tail[level, at]
            signals.append(before + a.tail[other, at] + excess * a.memory[other, at])
            weights.append(density * chance[other] * np.exp(-a.rates[other] * (n - when)))
            if level > 1 or rate * a.rates[other] * n**2 > RARE:
                for k in range(nodes):
                    more = _second(a, other, int(at[k]), complex(before[k]), complex(excess[k]))
                    signals.append(more[0])
                    weights.append(density[k] * chance[other] * more[1])
            else:
                weights[-1] = density * chance[other]
    weight = np.concatenate(weights)
    return np.concatenate(signals), weight / weight.sum()


def _second(
    a: "Acquisition", level: int, start: int, before: complex, excess: complex
) -> Tuple[np.ndarray, np.ndarray]:
    """Return the paths that come to ``level`` at ``start`` with an excess and jump once more."""
    x, w = _nodes(16)
    span = a.samples - start
    when = (x + 1) / 2 * span
    at = np.clip(np.rint(start + when).astype(np.int64), start, a.samples)
    density = a.rates[level] * np.exp(-a.rates[level] * when) * w * span / 2
    left = excess * np.exp(a.w_lambda[level] * (at - start))
    inside = (
        a.tail[level, start] - a.tail[level, at] + excess * a.memory[level, start] - left * a.memory[level, at] + before
    )
    chance = np.diff(a.target[level], prepend=0.0)
    signals, weights = [], []
    for other in np.flatnonzero(chance > 0).tolist():
        jump = left + a.edges[level, at] - a.edges[other, at]
        signals.append(inside + a.tail[other, at] + jump * a.memory[other, at])
        weights.append(density * chance[other])
    return np.concatenate(signals), np.concatenate(weights)


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
