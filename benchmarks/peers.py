"""What the commands of all peers share: the work as tables, timing, records.

A peer's command writes what it measured, with the machine and the versions,
into ``measured/`` beside this file. Only records of this machine count as
measured (:func:`recorded`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from .workloads.hamiltonian import envelope_of, frame_of

__all__ = ["PeerTime", "command", "machine", "recorded", "tables", "warm"]

MEASURED = Path(__file__).parent / "measured"
REPEATS = 3


@dataclass(frozen=True)
class PeerTime:
    """What a peer needed for a workload."""

    seconds: float  # of all schedules, warm (compiled before)
    error: float  # largest deviation of a population from the reference
    how: str  # method and settings


def machine() -> str:
    """Return a name of this machine: its processor, cores, and a hash of its id."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    own = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return f"{model}, {os.cpu_count()} cores, {own}"


def tables(workload: Mapping[str, Any]) -> Tuple[List[str], np.ndarray, np.ndarray]:
    """Return channels that play, their samples, and their LOs.

    Returns:
        Names; complex128[schedules, channels, samples]; GHz off the frame of
        :func:`~benchmarks.workloads.hamiltonian.frame_of`, float64[schedules,
        channels].
    """
    schedules = workload["schedules"]
    envelopes = [envelope_of(dict(workload), s) for s in schedules]
    names = [c for c in workload["channels"] if any(c in e for e in envelopes)]
    length = max(s["duration"] for s in schedules)
    samples = np.zeros((len(schedules), len(names), length), complex)
    offset = np.zeros((len(schedules), len(names)))
    for row, (schedule, envelope) in enumerate(zip(schedules, envelopes)):
        for column, name in enumerate(names):
            held = envelope.get(name, np.zeros(0))
            samples[row, column, : len(held)] = held
            lo = schedule.get("lo", {}).get(name, workload["channels"][name]["lo"])
            offset[row, column] = lo - frame_of(dict(workload))
    return names, samples, offset


def warm(function: Callable[[], np.ndarray], repeats: int = REPEATS) -> Tuple[float, np.ndarray]:
    """Return the least time of several calls, in s, after a first one that may compile; and the result."""
    found = function()
    best = np.inf
    for _ in range(repeats):
        begin = time.perf_counter()
        found = function()
        best = min(best, time.perf_counter() - begin)
    return best, found


def command(peer: str, packages: Sequence[str], runs: Mapping[str, Callable[[str], PeerTime]], about: str) -> None:
    """Run workloads with a peer, print and record their times.

    Args:
        peer: its name.
        packages: distributions whose versions are recorded.
        runs: what runs each workload.
        about: first line of the help.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(runs)} (default: all)")
    chosen = parser.parse_args().names or list(runs)
    if not set(chosen) <= set(runs):
        parser.error(f"WORKLOAD must be of {', '.join(runs)}")
    for name in chosen:
        done = runs[name](name)
        print(f"{name}: {done.seconds:.3g} s, error {done.error:.1e} ({done.how})", flush=True)
        _record(peer, packages, name, done)


def _record(peer: str, packages: Sequence[str], name: str, done: PeerTime) -> None:
    MEASURED.mkdir(exist_ok=True)
    path = MEASURED / f"{peer}.json"
    head = {"machine": machine(), "versions": {p: version(p) for p in packages}}
    kept: Dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    times = kept.get("times", {}) if {k: kept.get(k) for k in head} == head else {}
    path.write_text(json.dumps({**head, "times": {**times, name: asdict(done)}}, indent=1) + "\n")


def recorded() -> Dict[str, Dict[str, PeerTime]]:
    """Return what peers needed on this machine, by workload and peer."""
    out: Dict[str, Dict[str, PeerTime]] = {}
    for path in sorted(MEASURED.glob("*.json")):
        kept = json.loads(path.read_text())
        if kept.get("machine") == machine():
            for name, entry in kept["times"].items():
                out.setdefault(name, {})[path.stem] = PeerTime(**entry)
    return out
