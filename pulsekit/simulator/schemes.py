"""Hold the coefficients of the splitting, and its steps, as data.

A step of length h is K(b0 h) A(a1 h) K(b1 h) ... with A the local part (exact)
and K the couplings, about a hundred times weaker (epsilon). Errors have even
powers of h only, so that runs of two or more steps are extrapolated
(Romberg). Measured on the workloads of benchmarks/ (largest error of a
population): steps of 1 and 1/2 sample 3e-8, with 1/4 2e-9, with 1/8 1e-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

__all__ = ["STRANG", "Scheme", "ladder"]


@dataclass(frozen=True)
class Scheme:
    """One symmetric composition, all coefficients positive."""

    name: str
    first: float  # b0, at both ends
    stages: Tuple[Tuple[float, float], ...]  # (a, b after it)

    @property
    def edges(self) -> Tuple[float, ...]:
        """Where the local stages begin and end, from 0 to 1."""
        out, now = [0.0], 0.0
        for a, _ in self.stages[:-1]:
            now += a
            out.append(now)
        return (*out, 1.0)

    @property
    def second(self) -> float:
        """The coefficient c of c h^2 [B, [B, A]] in the step's Hamiltonian.

        Half of sum_(k>l) b_k b_l (t_k - t_l) - 1/6, layers b_k at times t_k.
        """
        times, weights, now = [0.0], [self.first], 0.0
        for a, b in self.stages:
            now += a
            times.append(now)
            weights.append(b)
        total = sum(weights[k] * weights[m] * (times[k] - times[m]) for k in range(len(times)) for m in range(k))
        return (total - 1 / 6) / 2


STRANG = Scheme("strang", 0.5, ((1.0, 0.5),))


def ladder(tolerance: float, rwa: bool = True) -> Tuple[float, ...]:
    """Return the steps, in samples, that a tolerance begins with.

    Counter-rotating terms turn by 2 pi within some half a sample: far below
    1e-7 the steps have to resolve that.
    """
    if not rwa and tolerance < 1e-7:
        return (0.25, 0.125) if tolerance >= 5e-9 else (0.25, 0.125, 0.0625)
    if tolerance >= 3e-5:
        return (1.0,)
    if tolerance >= 1e-7:
        return (1.0, 0.5)
    if tolerance >= 5e-9:
        return (1.0, 0.5, 0.25)
    return (1.0, 0.5, 0.25, 0.125)
