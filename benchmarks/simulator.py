"""Time the workloads, end to end: compiled programs in, populations out.

Ours is the minimum of seven, tables warm, one thread, each workload in a
process of its own. Peers run on the same workloads by commands of their own,
each optional, which record what they measured (on this machine: records of
another one do not count):

    python -m benchmarks.peers_qutip
    python -m benchmarks.peers_dynamiqs
    python -m benchmarks.peers_qiskit_dynamics

The table names the fastest peer run here whose populations are within 1e-6,
and beside it the best accurate one of a survey on another machine with two
cores (warm: compiled beforehand).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

import numpy as np

import pulsekit

from .fresh import Memory, apart
from .peers import recorded
from .table import Row, render
from .workloads import load, names, reference
from .workloads.build import batch_of, device_of

__all__ = ["best_peer", "measure", "rows"]

QUOTED: Dict[str, Tuple[str, float]] = {  # best accurate peer, s, warm
    "w1_rabi1q": ("py-ste", 63e-3),
    "w1x_rabi1q_norwa": ("qiskit-dynamics Dyson 6, JAX", 8.8e-3),
    "w2_drag2d": ("qiskit-dynamics expm, JAX", 5.9),
    "w3_spec": ("qiskit-dynamics, JAX", 0.62),
    "w3l_spec_lindblad": ("qiskit-dynamics, JAX", 2.7),
    "w4_t1_ramsey": ("dynamiqs, staged by hand", 8.7e-3),
    "w5_cr2q": ("qiskit-dynamics Magnus, JAX", 3.0),
    "w5l_cr2q_lindblad": ("QuTiP", 39.0),
    "w5x_cr2q_norwa": ("qiskit-dynamics Dyson 5, JAX", 0.75),
    "w6_4q_random": ("QuTiP", 5.7),
    "w7a_7q_2lev": ("QuTiP", 0.61),
    "w7b_7q_3lev": ("QuTiP", 31.5),
    "w8_rb300": ("qiskit-dynamics, JAX", 38.0),
}
PROMISED: Dict[str, Tuple[int, int]] = {  # floor, goal: times faster
    "w1_rabi1q": (75, 200),
    "w1x_rabi1q_norwa": (10, 30),
    "w2_drag2d": (80, 250),
    "w3_spec": (60, 250),
    "w3l_spec_lindblad": (15, 100),
    "w4_t1_ramsey": (10, 50),
    "w5_cr2q": (200, 600),
    "w5l_cr2q_lindblad": (150, 500),
    "w5x_cr2q_norwa": (35, 100),
    "w6_4q_random": (25, 100),
    "w7a_7q_2lev": (40, 120),
    "w7b_7q_3lev": (150, 500),
    "w8_rb300": (1000, 10000),
}
ACCURATE = 1e-6  # of a population, what a peer must reach
REPEATS = 7


def measure(name: str, repeats: int = REPEATS) -> Row:
    """Return our time (the minimum), error, and memory with the tables made."""
    workload = load(name)
    batch, device = batch_of(workload), device_of(workload)
    settings = {
        "basis": "bare",
        "rwa": workload["rwa"],
        "solver": "lindblad" if workload["solver"] == "lindblad" else "schroedinger",
        "spectator_bound": 1e-9,
    }
    out = pulsekit.simulate(batch, device, **settings)  # makes the tables
    memory = Memory()
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        out = pulsekit.simulate(batch, device, **settings)
        best = min(best, time.perf_counter() - start)
    peak, growth = memory.peak()
    error = float(np.abs(out.populations - reference(name)).max())
    return Row(name, best, error=error, memory_mb=peak, growth_mb=growth)


def best_peer(name: str) -> Tuple[str, Optional[float]]:
    """Return the fastest accurate peer of those run here, and its time in s."""
    peers = recorded().get(name, {})
    found = [(p.seconds, f"{peer} {p.how.split(',')[0]}") for peer, p in peers.items() if p.error < ACCURATE]
    return (min(found)[1], min(found)[0]) if found else ("", None)


def rows(chosen: "List[str] | None" = None) -> List[Row]:
    """Return one row per workload."""
    out = []
    for name in chosen or names():
        peer, theirs = best_peer(name)
        survey, quoted = QUOTED[name]
        floor, goal = PROMISED[name]
        row = apart(measure, name)
        promised = f"{floor:,}x, goal {goal:,}x"
        out.append(replace(row, peer=peer, peer_s=theirs, survey=survey, survey_s=quoted, goal=promised))
    return out


def main() -> None:
    """Print the table of some workloads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="WORKLOAD")
    print(render(rows(parser.parse_args().names or None)))


if __name__ == "__main__":
    main()
