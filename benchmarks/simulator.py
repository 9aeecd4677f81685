"""Time the workloads, end to end: compiled programs in, populations out.

Ours is the minimum of seven, tables warm, one thread. Peers run on the same
workloads by commands of their own, each optional, which write what they
measured beside this file:

    python -m benchmarks.peers_qutip
    python -m benchmarks.peers_dynamiqs
    python -m benchmarks.peers_qiskit_dynamics

A peer that was not run here is quoted: the best accurate one of a survey on
two cores (warm: compiled beforehand).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

import pulsekit

from .table import Row, render
from .workloads import load, names, reference
from .workloads.build import batch_of, device_of

__all__ = ["rows"]

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
MEASURED = Path(__file__).parent / "measured"
REPEATS = 7


def measure(name: str, repeats: int = REPEATS) -> Tuple[float, float]:
    """Return our time in s (the minimum) and the largest error of a population."""
    workload = load(name)
    batch, device = batch_of(workload), device_of(workload)
    settings = {
        "basis": "bare",
        "rwa": workload["rwa"],
        "solver": "lindblad" if workload["solver"] == "lindblad" else "schroedinger",
        "spectator_bound": 1e-9,
    }
    out = pulsekit.simulate(batch, device, **settings)
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        out = pulsekit.simulate(batch, device, **settings)
        best = min(best, time.perf_counter() - start)
    return best, float(np.abs(out.populations - reference(name)).max())


def record(peer: str, times: Dict[str, Tuple[float, float]]) -> None:
    """Keep a peer's times (s) and errors, for :func:`rows`."""
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{peer}.json").write_text(json.dumps(times, indent=1) + "\n")


def _best_peer(name: str) -> Tuple[str, float, bool]:
    """Return the fastest accurate peer: its name, time, and whether it is quoted."""
    found: List[Tuple[float, str]] = []
    for path in sorted(MEASURED.glob("*.json")) if MEASURED.is_dir() else []:
        entry = json.loads(path.read_text()).get(name)
        if entry is not None and entry[1] < 1e-5:
            found.append((entry[0], path.stem))
    label, quoted = QUOTED[name]
    if found and min(found)[0] < quoted:
        return min(found)[1], min(found)[0], False
    return label, quoted, True


def rows(chosen: "List[str] | None" = None) -> List[Row]:
    """Return one row per workload."""
    out = []
    for name in chosen or names():
        ours, error = measure(name)
        peer, theirs, quoted = _best_peer(name)
        floor, goal = PROMISED[name]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        out.append(Row(name, ours, peer, theirs, quoted, error, memory, f"{floor}x, {goal}x"))
    return out


def main() -> None:
    """Print the table of some workloads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="WORKLOAD")
    print(render(rows(parser.parse_args().names or None)))


if __name__ == "__main__":
    main()
