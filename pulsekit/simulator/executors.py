"""Spread a simulation over an executor: processes, or a dask cluster.

Anything with ``submit(function, *args)`` that returns something with
``result()`` will do: every ``concurrent.futures`` executor, and
``dask.distributed.Client``. Clusters are chosen for the whole batch, and beyond
them experiments do not depend on each other, so that the outcome is the same to
the bit as without (on one instruction-set level).
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np

from ..device import Device
from ..errors import PulsekitError, SimulationError
from ..program import Batch
from .clusters import restricted
from .outcome import ClusterOutcome, Outcome
from .simulate import PLANNING, as_batch, clusters_of, simulate

__all__ = ["simulate_with"]

_ARRAYS = ("populations", "states", "propagators", "over_time")


def simulate_with(
    executor: Any, programs: Any, device: Device, *, pieces: int = 8, retries: int = 1, **settings: Any
) -> Outcome:
    """Simulate a batch in pieces on an executor.

    Args:
        executor: has ``submit``.
        programs, device: as of :func:`~pulsekit.simulator.simulate.simulate`.
        pieces: at most so many.
        retries: how often a piece whose worker died is submitted again; after
            that it runs here.
        **settings: of ``simulate``, but for ``explain`` and trajectories.

    Returns:
        One outcome, as ``simulate`` returns it.

    Raises:
        SimulationError: not an executor, or settings that cannot be spread.
        PulsekitError: whatever a piece raised.
    """
    if not callable(getattr(executor, "submit", None)):
        raise SimulationError(f"Argument `executor` must have a method `submit`, but {type(executor).__name__} came.")
    if settings.get("solver") == "trajectories" or settings.get("explain"):
        raise SimulationError("Arguments `solver='trajectories'` and `explain` cannot be spread. Use Backend.run.")
    batch = as_batch(programs, device, settings.pop("los", None))
    shares = [s for s in np.array_split(np.arange(len(batch)), max(1, min(pieces, len(batch)))) if s.size]
    clusters = clusters_of(batch, device, **{k: settings[k] for k in PLANNING if k in settings})
    parts = [(batch.take(s), device, {**settings, "clusters": restricted(clusters, s)}) for s in shares]
    # dask would take two equal calls for one; a concurrent.futures executor knows no `pure`
    futures = [executor.submit(_piece, *part) for part in parts]
    outcomes = [_result(executor, f, p, retries) for f, p in zip(futures, parts)]
    return _joined(outcomes, shares, len(batch))


def _piece(batch: Batch, device: Device, settings: Dict[str, Any]) -> Outcome:
    return simulate(batch, device, **settings)


def _result(executor: Any, future: Any, part: Tuple[Batch, Device, Dict[str, Any]], retries: int) -> Outcome:
    for _ in range(retries + 1):
        try:
            return future.result()
        except PulsekitError:
            raise
        except Exception:  # the worker, not the work
            try:
                future = executor.submit(_piece, *part)
            except Exception:  # the executor is broken as a whole
                break
    return _piece(*part)


def _joined(outcomes: List[Outcome], shares: List[np.ndarray], total: int) -> Outcome:
    found: Dict[Tuple[Any, ...], List[ClusterOutcome]] = {}
    for outcome, share in zip(outcomes, shares):
        for c in outcome.clusters:
            values = {name: getattr(c, name) for name in _ARRAYS}
            moved = ClusterOutcome(
                c.qubits, c.levels, share[c.experiments], **values, left_out=c.left_out, bound=c.bound
            )
            found.setdefault((c.qubits, c.levels), []).append(moved)
    clusters = []
    for same in found.values():
        values = {
            name: None
            if getattr(same[0], name) is None
            else np.concatenate([np.asarray(getattr(c, name)) for c in same])
            for name in _ARRAYS
        }
        experiments = np.concatenate([c.experiments for c in same])
        worst = max(same, key=lambda c: c.bound)
        clusters.append(
            ClusterOutcome(
                same[0].qubits, same[0].levels, experiments, **values, left_out=worst.left_out, bound=worst.bound
            )
        )
    first = outcomes[0]
    return Outcome(tuple(clusters), total, first.basis, first.times, first.info)
