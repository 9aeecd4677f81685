"""Spread a simulation over an executor: processes, or a dask cluster.

Anything with ``submit(function, *args)`` that returns something with
``result()`` will do: every ``concurrent.futures`` executor, and
``dask.distributed.Client``. Experiments do not depend on each other, so that
the outcome is the same to the bit as without (on one instruction-set level).
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np

from ..device import Device
from ..errors import PulsekitError, SimulationError
from ..program import Batch
from .outcome import ClusterOutcome, Outcome
from .simulate import as_batch, simulate

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
    parts = [_take(batch, s) for s in shares]
    # dask would take two equal calls for one; a concurrent.futures executor knows no `pure`
    futures = [executor.submit(_piece, part, device, settings) for part in parts]
    outcomes = [_result(executor, f, p, device, settings, retries) for f, p in zip(futures, parts)]
    return _joined(outcomes, shares, len(batch))


def _piece(batch: Batch, device: Device, settings: Dict[str, Any]) -> Outcome:
    return simulate(batch, device, **settings)


def _result(
    executor: Any, future: Any, batch: Batch, device: Device, settings: Dict[str, Any], retries: int
) -> Outcome:
    for _ in range(retries + 1):
        try:
            return future.result()
        except PulsekitError:
            raise
        except Exception:  # the worker, not the work
            try:
                future = executor.submit(_piece, batch, device, settings)
            except Exception:  # the executor is broken as a whole
                break
    return _piece(batch, device, settings)


def _take(batch: Batch, experiments: np.ndarray) -> Batch:
    used, program_of = np.unique(np.asarray(batch.program_of)[experiments], return_inverse=True)
    theta = None if batch.theta is None else np.asarray(batch.theta)[experiments]
    programs = tuple(batch.programs[i] for i in used.tolist())
    return Batch(programs, program_of.astype(np.int32), batch.los.take(experiments), theta)


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
