"""Compute assignment errors in closed form, without drawing a shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from scipy.special import ndtr

from .acquisition import Acquisition
from .moments import path_nodes

__all__ = ["Paths", "chance_of_one", "project"]


@dataclass(frozen=True, eq=False)
class Paths:
    """Integrated signals on the axis between two centres: 0 at the lower, 1 at the upper one."""

    position: Tuple[np.ndarray, ...]  # float64[paths] per starting level
    weight: Tuple[np.ndarray, ...]  # float64[paths] per starting level
    separation: float  # of the centres, in standard deviations of the noise


def project(acquisition: Acquisition, upper: int = 1, levels: Sequence[int] = (0, 1)) -> Paths:
    """Return the paths of some starting levels on the axis from 0 to ``upper``."""
    centers = acquisition.centers
    axis = centers[upper] - centers[0]
    length = abs(axis)
    if length == 0.0:
        zero, one = np.zeros(1), np.ones(1)
        return Paths(tuple(zero for _ in levels), tuple(one for _ in levels), 0.0)
    position, weight = [], []
    for level in levels:
        signal, w = path_nodes(acquisition, level)
        position.append(((signal - centers[0]) * np.conj(axis)).real / length**2)
        weight.append(w)
    return Paths(tuple(position), tuple(weight), float(length / acquisition.sigma))


def chance_of_one(paths: Paths, level: int, separation: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Return the probability that a level reads as 1.

    Args:
        paths: of :func:`project`.
        level: which of its starting levels.
        separation: float64[n], distance of the centres in standard deviations.
        boundary: float64[n], position of the boundary, 0 at the lower centre
            and 1 at the upper one.

    Returns:
        float64[n].
    """
    d, h = np.asarray(separation)[..., None], np.asarray(boundary)[..., None]
    return np.asarray(ndtr(d * (paths.position[level] - h)) @ paths.weight[level])
