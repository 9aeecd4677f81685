"""Choose which qubits of a device are simulated together.

A cluster holds qubits that a program drives or acquires, and spectators whose
estimated effect on the populations exceeds a bound, joined by the couplings
whose estimated effect exceeds it (docs/physics.md). Estimates:

* a play on i excites an idle neighbour j by the first-order amplitude m of
  :mod:`~pulsekit.simulator.perturb`; plays of different gates do not line up,
  so that n of them give at most min((sum m)^2, 4 sum m^2);
* where both are driven, amplitudes interfere: the same without the square,
  plus the static ZZ phase between the first drive that both have had and the
  last drive on either, |zeta| T / 2; likewise where one is driven and the
  other starts above its ground state;
* beyond the neighbours, the same with the effective coupling through the
  qubit between;
* a spectator that is excited so little that its second level (the square of
  its effect, ten times over) stays below the bound has two levels, where
  program and LOs are no point of a sweep;
* crosstalk on an undriven qubit takes out of its ground state what one play
  of the tone does, four times their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Batch, LoTable
from .activity import Activity, activity_of
from .estimates import Estimator
from .model import ExtraTerm, Model
from .remembered import remembered

__all__ = ["Cluster", "LeftOut", "plan_clusters", "restricted"]

PairOf = Tuple[int, int]
SPECTATOR_LEVELS = 2  # of one that is neither driven nor acquired, whose |2> is far below the bound


@dataclass(frozen=True)
class LeftOut:
    """A coupling or a crosstalk path that is not simulated."""

    qubits: Tuple[int, ...]  # device indices
    kind: str  # "coupling", "path" or "crosstalk"
    effect: float  # estimated largest change of a population


@dataclass(frozen=True, eq=False)
class Cluster:
    """Qubits that are simulated together, and for which experiments."""

    experiments: np.ndarray  # int64[E], indices into the batch
    qubits: Tuple[int, ...]  # device indices, ascending
    levels: Tuple[int, ...]  # the device's; 2 for weak spectators
    couplings: Tuple[PairOf, ...]  # device indices
    left_out: Tuple[LeftOut, ...] = ()
    bound: float = 0.0  # sum of the effects left out

    @property
    def dim(self) -> int:
        """The dimension of the Hilbert space."""
        size = 1
        for d in self.levels:
            size *= int(d)
        return size

    def model(self, device: Device, los: LoTable, *, noise: bool, extra: Sequence[ExtraTerm] = ()) -> Model:
        """Return the model of these qubits; see :meth:`Model.from_device`."""
        return Model.from_device(
            device, self.qubits, los=los, levels=self.levels, noise=noise, couplings=self.couplings, extra=extra
        )


def plan_clusters(
    batch: Batch,
    device: Device,
    *,
    spectator_bound: float = 1e-4,
    noise: bool = True,
    memory_cap: Optional[int] = None,
    also: Sequence[int] = (),
    excited: Sequence[int] = (),
) -> List[Cluster]:
    """Return the clusters of every experiment of a batch.

    Experiments that share a program share its clusters, so that points of a
    sweep are comparable; programs with equal clusters share
    :class:`Cluster` objects. For a part of a batch the plan of the whole can
    be :func:`restricted`.

    Args:
        batch: bound programs.
        device: what they run on.
        spectator_bound: estimated change of a population below which a
            spectator, or a coupling, is left out.
        noise: whether density matrices will be needed (for the memory cap; beyond
            ``cost.TRAJECTORIES_ABOVE`` states, trajectories are).
        memory_cap: bytes; None: three quarters of the machine's memory.
        also: qubits to simulate even where nothing drives or acquires them.
        excited: those of them that start above their ground state, so that
            their ZZ shift acts on driven neighbours.

    Returns:
        Clusters in order of their first experiment, then their first qubit.

    Raises:
        SimulationError: a bound that is not a positive number, or a program
            that names a qubit or a line that the device has not.
        MemoryCapError: a cluster needs more than ``memory_cap`` bytes.
    """
    if not spectator_bound > 0:
        raise SimulationError(f"Argument `spectator_bound` must be positive, but {spectator_bound} came.")
    name = ("clusters", device, spectator_bound, tuple(also), tuple(excited))
    out = list(remembered(batch, name, lambda: _planned(batch, device, spectator_bound, set(also), frozenset(excited))))
    from .cost import TRAJECTORIES_ABOVE, check_memory

    for cluster in out:
        check_memory(cluster, memory_cap, density=noise and cluster.dim <= TRAJECTORIES_ABOVE)
    return out


def restricted(clusters: Sequence[Cluster], experiments: np.ndarray) -> List[Cluster]:
    """Return the clusters of ``batch.take(experiments)`` as they are in the whole batch."""
    out = []
    for cluster in clusters:
        place = np.flatnonzero(np.isin(experiments, cluster.experiments))
        if place.size:
            out.append(replace(cluster, experiments=place))
    return out


def _planned(batch: Batch, device: Device, bound: float, also: Set[int], excited: FrozenSet[int]) -> List[Cluster]:
    estimator = Estimator(device)
    found: Dict[Tuple[object, ...], List[int]] = {}
    plans: Dict[Tuple[object, ...], Tuple[Cluster, ...]] = {}
    for activity in activity_of(batch, device):
        key = activity.key
        if key not in plans:
            plans[key] = _plan(activity, estimator, device, bound, also, excited)
        for cluster in plans[key]:
            name = (cluster.qubits, cluster.levels, cluster.couplings)
            members = found.setdefault(name, [])
            members.extend(int(e) for e in activity.experiments)
    out = [_merged(name, experiments, plans) for name, experiments in found.items()]
    return sorted(out, key=lambda c: (int(c.experiments[0]), c.qubits))


def _merged(
    name: Tuple[object, ...], experiments: List[int], plans: Dict[Tuple[object, ...], Tuple[Cluster, ...]]
) -> Cluster:
    same = [c for plan in plans.values() for c in plan if (c.qubits, c.levels, c.couplings) == name]
    worst = max(same, key=lambda c: c.bound)
    return Cluster(
        np.array(sorted(set(experiments)), dtype=np.int64),
        worst.qubits,
        worst.levels,
        worst.couplings,
        worst.left_out,
        worst.bound,
    )


def _plan(
    activity: Activity, estimator: Estimator, device: Device, bound: float, also: Set[int], excited: FrozenSet[int]
) -> Tuple[Cluster, ...]:
    members = also | set(activity.driven) | set(activity.acquired) | set(activity.reset)
    active = set(range(device.n_qubits)) if activity.swept else set(members)
    kept: Dict[PairOf, float] = {}
    left: List[LeftOut] = []
    for qubit, effect in estimator.crosstalk(activity).items():
        if qubit not in members and effect > bound:
            members.add(qubit)
        elif qubit not in members:
            left.append(LeftOut((qubit,), "crosstalk", effect))
    for link in estimator.links(activity, excited):
        if link.effect > bound:
            for pair in link.couplings:
                kept[pair] = max(kept.get(pair, 0.0), link.effect)
            members.update(link.qubits)
            if 10 * link.effect**2 >= bound:
                active.update(link.qubits)
        else:
            left.append(LeftOut(link.qubits, "coupling" if len(link.qubits) == 2 else "path", link.effect))
    groups = _components(sorted(members), list(kept))
    return tuple(_cluster(g, kept, left, device, active) for g in groups)


def _cluster(
    group: Tuple[int, ...], kept: Dict[PairOf, float], left: List[LeftOut], device: Device, active: Set[int]
) -> Cluster:
    inside = set(group)
    pairs = tuple(sorted(p for p in kept if p[0] in inside))
    mine = tuple(x for x in left if inside & set(x.qubits) and not _has(pairs, x))
    levels = tuple(int(device.transmons[q].levels) if q in active else SPECTATOR_LEVELS for q in group)
    return Cluster(np.zeros(0, np.int64), group, levels, pairs, mine, float(sum(x.effect for x in mine)))


def _has(pairs: Tuple[PairOf, ...], item: LeftOut) -> bool:
    steps = zip(item.qubits[:-1], item.qubits[1:])
    return item.kind != "crosstalk" and all((min(a, b), max(a, b)) in pairs for a, b in steps)


def _components(qubits: List[int], pairs: List[PairOf]) -> List[Tuple[int, ...]]:
    root = {q: q for q in qubits}

    def find(q: int) -> int:
        while root[q] != q:
            q = root[q]
        return q

    for a, b in pairs:
        ra, rb = find(a), find(b)
        root[max(ra, rb)] = min(ra, rb)
    groups: Dict[int, List[int]] = {}
    for q in qubits:
        groups.setdefault(find(q), []).append(q)
    return [tuple(g) for _, g in sorted(groups.items())]
