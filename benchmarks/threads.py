"""Time two threads against one, on work that takes one a tenth of a second.

Batches are the workloads', repeated; trajectories are of lines of transmons
that are all driven. Both run in turn, the minimum of seven counts. The ratio
is the speed-up; what two processes of the same work gain over one, which the
machine allows at most, comes first: on a shared machine it is less than two.

    python -m benchmarks.threads [NAME ...]

Names are those of workloads and of :data:`TRAJECTORIES`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
from qiskit import pulse

import pulsekit
from pulsekit.device import Device
from pulsekit.program import Batch

from .fresh import apart
from .table import Row, render
from .workloads import load, names
from .workloads.build import batch_of, device_of

__all__ = ["TRAJECTORIES", "measure", "rows"]

TRAJECTORIES: Dict[str, Tuple[int, int, int]] = {  # name: transmons of three levels, trajectories, experiments
    "3 qutrits, 4,000 trajectories": (3, 4000, 1),
    "3 qutrits, 40,000 trajectories": (3, 40000, 1),
    "4 qutrits, 10,000 trajectories": (4, 10000, 1),
    "5 qutrits, 4,000 trajectories": (5, 4000, 1),
    "5 qutrits, 20,000 trajectories": (5, 20000, 1),
    "6 qutrits, 4,000 trajectories": (6, 4000, 1),
    "8 qutrits, 1,000 trajectories": (8, 1000, 1),
    "8 qutrits, 4,000 trajectories": (8, 4000, 1),
    "16 times 3 qutrits, 1,000": (3, 1000, 16),
    "16 times 3 qutrits, 4,000": (3, 4000, 16),
    "16 times 4 qutrits, 4,000": (4, 4000, 16),
    "16 times 5 qutrits, 1,000": (5, 1000, 16),
}
REPEATS = 7
LONG = 0.1  # s of one thread
FEWEST = 8  # experiments of a batch
CONTROL = "w5l_cr2q_lindblad"  # what two processes run
PROMISED = "1.7x"


def _workload(name: str) -> Tuple[Batch, Device, Dict[str, Any]]:
    workload = load(name)
    settings = {
        "basis": "bare",
        "rwa": workload["rwa"],
        "solver": "lindblad" if workload["solver"] == "lindblad" else "schroedinger",
        "spectator_bound": 1e-9,
    }
    return batch_of(workload), device_of(workload), settings


def _best(*runs: Callable[[], Any]) -> List[float]:
    """Return the least time of each run, taken in turn, s."""
    best = [np.inf] * len(runs)
    for _ in range(REPEATS):
        for k, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def _batch(name: str) -> Callable[[int], Any]:
    """Return what runs a workload's batch, repeated until it is long enough, in some threads."""
    batch, device, settings = _workload(name)
    pulsekit.simulate(batch, device, **settings)  # makes the tables
    (once,) = _best(partial(pulsekit.simulate, batch, device, **settings))
    times = max(-(-FEWEST // len(batch)), round(LONG / once), 1)
    many = batch.take(np.tile(np.arange(len(batch)), times))
    return lambda threads: pulsekit.simulate(many, device, threads=threads, **settings)


def _trajectories(name: str) -> Callable[[int], Any]:
    """Return what runs trajectories of a line of driven transmons in some threads."""
    count, trajectories, experiments = TRAJECTORIES[name]
    device = Device.line(count, t1=40e-6, t2=30e-6, levels=3)
    batch = pulsekit.compile(_pulses(count), pulsekit.Backend(device, "memory")).take(np.zeros(experiments, dtype=int))
    settings = {"solver": "trajectories", "seed": 1, "trajectories": trajectories, "spectator_bound": 1e-9}
    return lambda threads: pulsekit.simulate(batch, device, threads=threads, **settings)


def _pulses(count: int) -> Any:
    with pulse.build() as out:
        for q in range(count):
            for _ in range(3):
                pulse.play(pulse.Gaussian(160, 0.1, 40), pulse.DriveChannel(q))
    return out


def measure(name: str) -> Row:
    """Return the time of two threads, and as the peer's that of one."""
    run = _trajectories(name) if name in TRAJECTORIES else _batch(name)
    run(2)
    one, two = _best(partial(run, 1), partial(run, 2))
    return Row(name, two, peer="one thread", peer_s=one, goal=PROMISED)


def _alone(seconds: float) -> int:
    """Return how often the control runs in so many seconds, after a while."""
    batch, device, settings = _workload(CONTROL)
    run = partial(pulsekit.simulate, batch, device, **settings)
    warm, count = time.perf_counter() + seconds / 2, 0
    while time.perf_counter() < warm:
        run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        run()
        count += 1
    return count


def control(seconds: float = 3.0) -> Row:
    """Return the time per run of two processes at once, and as the peer's that of one alone."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_alone, [1.0, 1.0]))  # imports, tables
        one = pool.submit(_alone, seconds).result()
        two = sum(pool.map(_alone, [seconds, seconds]))
    return Row("two processes", seconds / two, peer="one process", peer_s=seconds / one)


def rows(chosen: Optional[List[str]] = None) -> List[Row]:
    """Return one row per workload, and that of two processes."""
    return [control(), *(apart(measure, name) for name in chosen or [*names(), *TRAJECTORIES])]


def main() -> None:
    """Print the table of some workloads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    print(render(rows(parser.parse_args().names or None)))


if __name__ == "__main__":
    main()
