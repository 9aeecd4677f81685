"""Hold the coefficients of split-operator schemes, as data.

A step of length h is K(b0 h) A(a1 h) K(b1 h) A(a2 h) ... with A the local
part (exact) and K the couplings, about a hundred times weaker (epsilon). The
order pair (p, q) means errors eps h^p and eps^2 h^q on smooth drives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

__all__ = ["SCHEMES", "Scheme"]


@dataclass(frozen=True)
class Scheme:
    """One composition."""

    name: str
    first: float  # b0; 0: the step begins with A
    stages: Tuple[Tuple[float, float], ...]  # (a, b after it); b 0: none
    source: str

    @property
    def edges(self) -> Tuple[float, ...]:
        """Where the local stages begin and end, from 0 to 1."""
        out, now = [0.0], 0.0
        for a, _ in self.stages[:-1]:
            now += a
            out.append(now)
        return tuple([*out, 1.0])

    @property
    def second(self) -> float:
        """The coefficient c of c h^2 [B, [B, A]] in the step's Hamiltonian.

        Half of sum_(k>l) b_k b_l (t_k - t_l) - 1/6, layers b_k at times t_k.
        """
        times = [0.0] if self.first else []
        weights = [self.first] if self.first else []
        now = 0.0
        for a, b in self.stages:
            now += a
            times.append(now)
            weights.append(b)
        total = sum(
            weights[k] * weights[m] * (times[k] - times[m]) for k in range(len(times)) for m in range(k)
        )
        return (total - 1 / 6) / 2


SCHEMES: Dict[str, Scheme] = {
    s.name: s
    for s in (
        Scheme("bab2", 0.5, ((1.0, 0.5),), "Strang (1968)"),
        Scheme("bab42", 1 / 6, ((0.5, 2 / 3), (0.5, 1 / 6)), "McLachlan, BIT 35, 258 (1995)"),
        Scheme(
            "bab62",
            1 / 12,
            ((0.5 - 5**0.5 / 10, 5 / 12), (5**0.5 / 5, 5 / 12), (0.5 - 5**0.5 / 10, 1 / 12)),
            "Laskar and Robutel, Celest. Mech. 80, 39 (2001): Lobatto nodes",
        ),
    )
}
