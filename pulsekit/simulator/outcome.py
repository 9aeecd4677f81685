"""Hold what a simulation returns, per cluster and experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import SimulationError

__all__ = ["ClusterOutcome", "Outcome"]


@dataclass(frozen=True, eq=False)
class ClusterOutcome:
    """Results of one cluster for the experiments that have it.

    Basis order: ``qubits[0]`` is the least significant digit. What was not
    asked for is None.
    """

    qubits: Tuple[int, ...]
    levels: Tuple[int, ...]
    experiments: np.ndarray  # int64[E]
    populations: Optional[np.ndarray] = None  # float64[E, dim]
    states: Optional[np.ndarray] = None  # complex128[E, dim] or [E, dim, dim]
    propagators: Optional[np.ndarray] = None  # complex128[E, dim, dim]
    over_time: Optional[np.ndarray] = None  # float64[E, times, dim], populations
    left_out: Tuple[Any, ...] = ()
    bound: float = 0.0  # on the populations' error from what was left out


@dataclass(frozen=True, eq=False)
class Outcome:
    """Results of a batch: clusters, each with its experiments."""

    clusters: Tuple[ClusterOutcome, ...]
    experiments: int
    basis: str  # "dressed" or "bare"
    times: Optional[np.ndarray] = None  # int64[times], samples
    info: Mapping[str, Any] = field(default_factory=dict)

    def of(self, experiment: int) -> Tuple[Tuple[ClusterOutcome, int], ...]:
        """Return the clusters of an experiment, with its row in each.

        Raises:
            SimulationError: no such experiment.
        """
        if not 0 <= experiment < self.experiments:
            raise SimulationError(
                f"Argument `experiment` must be from 0 to {self.experiments - 1}, but {experiment} came."
            )
        found = []
        for cluster in self.clusters:
            row = np.flatnonzero(cluster.experiments == experiment)
            if row.size:
                found.append((cluster, int(row[0])))
        return tuple(found)

    @property
    def populations(self) -> np.ndarray:
        """Populations of the only cluster, float64[experiments, dim].

        Raises:
            SimulationError: several clusters (use :meth:`joint`).
        """
        return self._only("populations")

    @property
    def states(self) -> np.ndarray:
        """States of the only cluster, complex128[experiments, dim(, dim)]."""
        return self._only("states")

    @property
    def propagators(self) -> np.ndarray:
        """Propagators of the only cluster, complex128[experiments, dim, dim]."""
        return self._only("propagators")

    @property
    def over_time(self) -> np.ndarray:
        """Populations on the time grid, float64[experiments, times, dim]."""
        return self._only("over_time")

    def _only(self, what: str) -> np.ndarray:
        whole = [c for c in self.clusters if len(c.experiments) == self.experiments]
        if len(self.clusters) != 1 or not whole:
            names = [list(c.qubits) for c in self.clusters]
            raise SimulationError(
                f"`{what}` must be read per cluster, but there are {len(names)}: {names}. "
                "Use `outcome.clusters`, or `outcome.joint(experiment, qubits)` for populations."
            )
        value = getattr(whole[0], what)
        if value is None:
            raise SimulationError(f"`{what}` must be asked for, but `outputs` had it not. Add {what!r} to `outputs`.")
        if np.array_equal(whole[0].experiments, np.arange(self.experiments)):
            return value
        out = np.empty_like(value)
        out[whole[0].experiments] = value
        return out

    def joint(self, experiment: int, qubits: Optional[Sequence[int]] = None) -> np.ndarray:
        """Return the joint populations of some qubits of an experiment.

        Args:
            experiment: index.
            qubits: device indices, the first is the least significant digit;
                None: every simulated qubit, ascending.

        Returns:
            float64[prod(levels of the qubits)].

        Raises:
            SimulationError: a qubit that was not simulated.
        """
        parts = self.of(experiment)
        known: Dict[int, int] = {q: d for c, _ in parts for q, d in zip(c.qubits, c.levels)}
        wanted = sorted(known) if qubits is None else [int(q) for q in qubits]
        missing = [q for q in wanted if q not in known]
        if missing or len(set(wanted)) != len(wanted):
            raise SimulationError(
                f"Argument `qubits` must be different qubits among {sorted(known)}, but {wanted} came."
            )
        joint = np.ones(1)
        order: List[int] = []
        for cluster, row in parts:
            if cluster.populations is None:
                raise SimulationError("`joint` needs populations, but `outputs` had them not.")
            kept = [q for q in cluster.qubits if q in wanted]
            if not kept:
                continue
            tensor = cluster.populations[row].reshape(cluster.levels[::-1])
            axes = tuple(len(cluster.qubits) - 1 - i for i, q in enumerate(cluster.qubits) if q not in wanted)
            joint = np.multiply.outer(tensor.sum(axis=axes), joint.reshape([known[q] for q in order[::-1]] or ()))
            order = order + kept
        axes_of = {q: len(order) - 1 - i for i, q in enumerate(order)}
        return np.transpose(joint, [axes_of[q] for q in wanted[::-1]]).reshape(-1)

    def level_populations(self, experiment: int, qubit: int) -> np.ndarray:
        """Return the populations of one qubit's levels, float64[levels]."""
        return self.joint(experiment, [qubit])
