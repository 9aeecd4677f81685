"""Time whole jobs: qiskit Schedules into ``Backend.run``, level-2 counts out.

1,024 shots, closed system, job store in memory, tables warm; the minimum of
several runs in a process of its own, with everything that ``run`` and
``result`` do. The peer is qiskit-dynamics' DynamicsBackend, whose command
records what it needs:

    python -m benchmarks.peers_dynamics_backend
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Dict, List

import numpy as np

import pulsekit

from .fresh import Memory, apart
from .peers import recorded
from .table import Row, render
from .workloads import load, reference
from .workloads.build import device_of
from .workloads.counts import SHOTS, frequencies, wanted
from .workloads.schedules import schedules_of

__all__ = ["measure", "rows"]

PROMISED: Dict[str, str] = {"w1_rabi1q": "< 150 ms", "w2_drag2d": "< 3 s", "w5_cr2q": "< 250 ms"}
PEER = "DynamicsBackend"
REPEATS = 5
SIGMAS = 6.0  # no count may be further from its probability


def measure(name: str, repeats: int = REPEATS) -> Row:
    """Return our time (the minimum) and memory.

    Raises:
        AssertionError: counts that the workload's reference does not explain.
    """
    workload = load(name)
    schedules = schedules_of(workload)
    backend = pulsekit.Backend(device_of(workload), "memory")
    levels = [workload["levels"]] * len(workload["qubits"])
    los = [1e9 * workload["channels"][f"d{q}"]["lo"] for q in range(len(levels))]
    memory, best = Memory(), np.inf
    for seed in range(1 + repeats):
        start = time.perf_counter()
        job = backend.run(schedules, shots=SHOTS, meas_level=2, noise=False, qubit_lo_freq=los, seed_simulator=seed)
        result = job.result()
        if seed:
            best = min(best, time.perf_counter() - start)
        else:  # the first makes the tables
            memory = Memory()
    peak, growth = memory.peak()
    expected = wanted(reference(name), levels)
    error = np.abs(frequencies(result.get_counts(), len(levels)) - expected)
    allowed = SIGMAS * np.sqrt((expected * (1 - expected) + 1e-3) / SHOTS)
    if (error > allowed).any():
        raise AssertionError(f"{name}: a count is off by {float(error.max()):.3f}")
    return Row(f"run: {name}", best, error=float(error.max()), memory_mb=peak, growth_mb=growth)


def rows() -> List[Row]:
    """Return one row per workload; its error is that of counts, shot noise included."""
    out = []
    for name, goal in PROMISED.items():
        row = replace(apart(measure, name), goal=goal)
        peer = recorded().get(name, {}).get(PEER)
        out.append(row if peer is None else replace(row, peer=PEER, peer_s=peer.seconds))
    return out


def main() -> None:
    """Print the table of whole jobs."""
    argparse.ArgumentParser(prog="python -m benchmarks.backend", description=__doc__.splitlines()[0]).parse_args()
    print(render(rows()))


if __name__ == "__main__":
    main()
