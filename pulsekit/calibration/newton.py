"""Minimise sums of squares whose residuals come in batches of lanes."""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

__all__ = ["Solved", "least_squares"]


class Solved(NamedTuple):
    """Where a minimisation ended."""

    x: np.ndarray  # float64[n]
    cost: float  # sum of squared residuals
    batches: int  # evaluated


def least_squares(
    residuals: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: np.ndarray,
    *,
    batches: int = 20,
    tolerance: float = 1e-8,
    inside: Callable[[np.ndarray], bool] = lambda point: True,
) -> Solved:
    """Minimise by Levenberg-Marquardt, one batch of lanes per iteration.

    Every batch holds a trial point and its forward differences, so that a
    trial that is accepted comes with its Jacobian.

    Args:
        residuals: maps float64[lanes, n] to float64[lanes, m].
        start: float64[n].
        steps: float64[n], difference steps, also the scale of each unknown.
        batches: at most so many evaluations.
        tolerance: stop when an accepted step lowers the cost by less (the
            cost of a propagator is about its infidelity times the dimension).
        inside: whether a point may be tried; a step that leads out is shortened.

    Returns:
        The best point found.
    """
    n = len(start)
    lanes = np.vstack([np.zeros(n), np.diag(steps)])
    best = np.array(start, dtype=float)
    values = residuals(best + lanes)
    cost = float(values[0] @ values[0])
    jacobian = (values[1:] - values[0]).T  # per scaled step
    damping, used = 1e-3, 1
    while used < batches:
        square = jacobian.T @ jacobian
        gradient = jacobian.T @ values[0]
        ridge = np.diag(square) + 1e-12 * np.trace(square) + 1e-300
        move = -np.linalg.solve(square + damping * np.diag(ridge), gradient)
        trial = best + move * steps
        if not inside(trial):
            damping *= 10
            if damping > 1e4:
                break
            continue
        tried = residuals(trial + lanes)
        used += 1
        trial_cost = float(tried[0] @ tried[0])
        if trial_cost < cost:
            gain = cost - trial_cost
            best, values, cost = trial, tried, trial_cost
            jacobian = (values[1:] - values[0]).T
            damping = max(damping / 10, 1e-12)
            if gain < tolerance:
                break
        else:
            damping *= 10
            if damping > 1e4:
                break
    return Solved(best, cost, used)
