"""Time experiments of qiskit-experiments here and on qiskit-dynamics' backend.

The same experiment, circuits, shots and analysis on one transmon of three
levels, or on two coupled ones; the peer is DynamicsBackend on JAX, which
computes states and samples them without a readout. The backend's time is that
from ``run`` to ``result``, the whole one has the client's transpilation and
analysis too, both of all threads and child processes (CPU seconds, which a busy
machine stretches little); the second of two runs counts. Where the peer cannot
run an experiment, or is not installed, only our times are shown. Needs the
extras ``experiments`` and ``peers``.

    python -m benchmarks.clients [EXPERIMENT ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import warnings
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Tuple

from .clients_cases import EXPERIMENTS, Case
from .clients_peer import peer
from .table import Row, render

__all__ = ["main", "measure"]

SHOTS, REPEATS = 1024, 2
PEER = "DynamicsBackend"


@dataclass(frozen=True)
class Times:
    """What an experiment took, in CPU seconds, and the error of what it found."""

    backend: float
    whole: float
    error: Optional[float]


def _cpu() -> float:
    """Return the CPU seconds of this process and the children that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measure(case: Case, backend: Any, true: Optional[float], made: Callable[[], Any]) -> Times:
    """Return the times of the last of several runs.

    Args:
        case: the experiment.
        backend: ours or the peer's.
        true: what it should find; None: unknown.
        made: makes the experiment.

    Raises:
        AssertionError: an experiment that failed.
    """
    run, spent = backend.run, [0.0]

    def timed(*arguments: Any, **options: Any) -> Any:
        begin = _cpu()
        job = run(*arguments, **options)
        job.result()
        spent[0] += _cpu() - begin
        return job

    backend.run = timed
    try:
        for _ in range(REPEATS):
            spent[0] = 0.0
            experiment = made()
            experiment.set_run_options(shots=SHOTS)
            begin = _cpu()
            data = experiment.run(backend).block_for_results()
            whole = _cpu() - begin
    finally:
        del backend.run
    if data.errors():
        raise AssertionError(data.errors())
    if true is None:
        return Times(spent[0], whole, None)
    found = next(r.value.nominal_value for r in data.analysis_results() if r.name == case.result)
    return Times(spent[0], whole, abs(found - true) / case.scale)


def compare(name: str) -> Tuple[Row, Row]:
    """Return the rows of an experiment: the backend's time, and the whole one."""
    from qiskit_experiments import library

    case = EXPERIMENTS[name]
    backend = case.backend(SHOTS)
    true = None if case.true is None else case.true(backend)
    mine = measure(case, backend, true, lambda: case.make(library, backend))
    if case.peer or importlib.util.find_spec("qiskit_dynamics") is None:
        return Row(f"{name}: backend", mine.backend), Row(f"{name}: whole", mine.whole, error=mine.error)
    theirs = peer(backend, noise=case.noise, longest=case.longest)
    other = measure(case, theirs, true, lambda: case.make(library, backend))
    return (
        Row(f"{name}: backend", mine.backend, PEER, other.backend),
        Row(f"{name}: whole", mine.whole, PEER, other.whole, error=mine.error, peer_error=other.error),
    )


def main() -> None:
    """Print the table of the chosen experiments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)} (default: all)")
    chosen = parser.parse_args().names or list(EXPERIMENTS)
    if not set(chosen) <= set(EXPERIMENTS):
        parser.error(f"EXPERIMENT must be of {', '.join(EXPERIMENTS)}")
    rows: List[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in chosen:
            rows += compare(name)
    print(render(rows))


if __name__ == "__main__":
    main()
