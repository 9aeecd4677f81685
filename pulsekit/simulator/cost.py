"""Predict what a simulation will cost, and refuse what would not fit.

Which method takes what, and how long, :mod:`~pulsekit.simulator.forecast`
says; predictions are meant to be right within a factor of two.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..errors import MemoryCapError
from ..program import Batch, Op
from .clusters import Cluster
from .forecast import Part, forecast
from .model import ExtraTerm

__all__ = ["TRAJECTORIES_ABOVE", "ClusterPlan", "Plan", "bytes_needed", "check_memory", "default_cap", "plan_of"]

TRAJECTORIES_ABOVE = 81  # states, from which runs with noise take trajectories
GIBIBYTE = 1024.0**3


@dataclass(frozen=True)
class ClusterPlan:
    """What is known of one cluster before it runs."""

    qubits: Tuple[int, ...]
    levels: Tuple[int, ...]
    dimension: int
    experiments: int
    couplings: Tuple[Tuple[int, int], ...]
    bound: float  # on the populations, of what is left out
    solver: str
    samples: int  # longest program, samples
    segments: int  # pieces between pulse edges, longest program
    parts: Tuple[Part, ...]  # what each method does
    bytes: int  # predicted, largest at one time

    @property
    def seconds(self) -> float:
        """Predicted time on one thread, tables warm, s."""
        return sum(p.seconds for p in self.parts)

    @property
    def method(self) -> str:
        """The methods that take part, those that take longest first."""
        by_time = sorted((p for p in self.parts if p.samples), key=lambda p: -p.seconds)
        return ", ".join(dict.fromkeys(p.method for p in by_time)) or "closed form"


@dataclass(frozen=True)
class Plan:
    """What ``simulate(..., explain=True)`` says."""

    clusters: Tuple[ClusterPlan, ...]
    cap: int  # bytes

    @property
    def seconds(self) -> float:
        """Predicted time on one thread, s."""
        return sum(c.seconds for c in self.clusters)

    @property
    def bytes(self) -> int:
        """Predicted memory, bytes (clusters run one after another)."""
        return max((c.bytes for c in self.clusters), default=0)

    def __str__(self) -> str:
        lines = [f"{len(self.clusters)} clusters, about {self.seconds:.3g} s on one thread, {_size(self.bytes)}"]
        for c in self.clusters:
            lines.append(
                f"  qubits {list(c.qubits)}: dimension {c.dimension}, {c.experiments} experiments, {c.samples} samples "
                f"in {c.segments} segments, {c.solver}, {len(c.couplings)} couplings, left out below "
                f"{c.bound:.1g}; {c.seconds:.3g} s, {_size(c.bytes)}"
            )
            for p in c.parts:
                where = f" ({p.samples} samples in all)" if p.samples else ""
                lines.append(f"    {p.what}{where}: {p.method}, {p.seconds:.2g} s")
        return "\n".join(lines)


def _size(count: float) -> str:
    for unit, power in (("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if count >= 1024**power:
            return f"{count / 1024**power:.3g} {unit}"
    return f"{int(count)} bytes"


def default_cap() -> int:
    """Return three quarters of the machine's memory, bytes."""
    try:
        return int(0.75 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return int(4 * GIBIBYTE)


def bytes_needed(levels: Sequence[int], *, density: bool, lanes: int = 1, samples: int = 0) -> int:
    """Return what one cluster holds at one time, bytes.

    Args:
        levels: of every transmon.
        density: density matrices instead of kets.
        lanes: states held at one time.
        samples: of the longest program (its local propagators).
    """
    dim = math.prod(float(d) for d in levels)
    size = dim * dim if density else dim
    blocks = dim * dim * (0.15 if len(levels) > 2 else 1.0) if dim <= 7000 else 160 * dim
    hops = sum(2 * (1 - 1 / d) ** 2 for d in levels[1:])  # that couplings take a state of a line to
    ends = 100 * hops**2 * dim if len(levels) > 2 else 0.0  # of two of them, while they are made
    tables = 3 * samples * sum(16.0 * d * d for d in levels) if len(levels) > 2 else 0.0
    work = 16 * size * (8 if len(levels) > 2 else 3)
    return int(min(2.0 * 16 * size * lanes + work + 8 * blocks + ends + tables, 1e300))


def check_memory(cluster: Cluster, cap: Optional[int], *, density: bool, lanes: int = 1, samples: int = 0) -> None:
    """Refuse a cluster that does not fit.

    Raises:
        MemoryCapError: with the cluster, its dimension, the bytes and the
            ways out.
    """
    allowed = default_cap() if cap is None else int(cap)
    need = bytes_needed(cluster.levels, density=density, lanes=lanes, samples=samples)
    if need <= allowed:
        return
    dim = 1
    for d in cluster.levels:
        dim *= int(d)
    ways = ["a larger `memory_cap`"]
    if density:
        ways.append(
            'quantum-jump trajectories instead of a density matrix (solver of simulate, method of run: "trajectories")'
        )
    if max(cluster.levels) > 2:
        ways.append("fewer levels")
    if cluster.couplings:
        ways.append("a larger `spectator_bound`, which drops the weakest couplings")
    what = "a density matrix" if density else "a state"
    raise MemoryCapError(
        f"Argument `memory_cap` must be at least {need} bytes for the cluster of qubits {list(cluster.qubits)} "
        f"(dimension {dim}, {what}, {_size(need)}), but it is {allowed}. Ways out: {', '.join(ways)}."
    )


def plan_of(
    batch: Batch,
    device: Device,
    clusters: Sequence[Cluster],
    *,
    solver: str,
    method: str,
    rwa: bool,
    noise: bool,
    tolerance: float,
    memory_cap: Optional[int],
    trajectories: int,
    extra: Sequence[ExtraTerm] = (),
) -> Plan:
    """Return the plan of clusters, nothing run.

    Args:
        batch: bound programs.
        device: what they run on.
        clusters: from ``plan_clusters``.
        solver: "schroedinger", "lindblad" or "trajectories".
        method: "auto" or a name.
        rwa: drop counter-rotating terms.
        noise: whether T1 and T2 act.
        tolerance: of populations.
        memory_cap: bytes; None: three quarters of the machine's memory.
        trajectories: how many.
        extra: more terms of the Hamiltonian.
    """
    out: List[ClusterPlan] = []
    for cluster in clusters:
        chosen = np.asarray(cluster.experiments)
        model = cluster.model(device, batch.los, noise=noise, extra=extra)
        parts = forecast(
            model,
            batch.take(chosen),
            solver=solver,
            method=method,
            rwa=rwa,
            tolerance=tolerance,
            trajectories=trajectories,
        )
        sizes = [_events(batch, p) for p in np.unique(np.asarray(batch.program_of)[chosen]).tolist()]
        longest = max((s for s, _ in sizes), default=0)
        need = bytes_needed(cluster.levels, density=solver == "lindblad", lanes=len(chosen), samples=longest)
        out.append(
            ClusterPlan(
                cluster.qubits,
                cluster.levels,
                cluster.dim,
                len(chosen),
                cluster.couplings,
                cluster.bound,
                solver,
                longest,
                max((n for _, n in sizes), default=0),
                parts,
                need,
            )
        )
    return Plan(tuple(out), default_cap() if memory_cap is None else int(memory_cap))


def _events(batch: Batch, index: int) -> Tuple[int, int]:
    """Return a program's samples and the pieces between pulse edges."""
    program = batch.programs[index]
    events = program.events
    plays = events.op == int(Op.PLAY)
    edges = np.unique(np.concatenate([events.t0[plays], events.t0[plays] + events.duration[plays], [0]]))
    return int(program.duration), max(1, edges.size)
