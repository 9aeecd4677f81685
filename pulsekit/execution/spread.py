"""Spread a batch over an executor, in this machine or in a cluster.

Any ``concurrent.futures``-style executor will do: ``submit`` returns something
with ``result()``. Random numbers belong to experiments, and clusters are chosen
for the whole batch, so that the shots do not depend on where or in which pieces
they ran. A piece whose worker dies runs here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, List, Optional

import numpy as np

from ..device import Device
from ..errors import CancelledError, PulsekitError
from ..program import Batch
from ..simulator import plan_clusters, restricted
from .settings import Record, Settings
from .stack import stack

__all__ = ["PIECES", "spread"]

PIECES = 16  # at most


def spread(
    run: Callable[..., List[Record]],
    batch: Batch,
    device: Device,
    settings: Settings,
    progress: Optional[Callable[[int, int], None]] = None,
    cancel: Optional[Any] = None,
) -> List[Record]:
    """Run pieces of a batch on ``settings.executor`` and collect the records.

    Args:
        run: a function of a module, (batch, device, settings, ids, clusters) ->
            records.
        batch, device, settings, progress, cancel: as of ``execute``.

    Raises:
        CancelledError: ``cancel`` was set; pieces not yet started are dropped.
        PulsekitError: whatever a piece raised.
    """
    executor: Any = settings.executor
    plain = replace(settings, executor=None)
    batch = stack(batch)
    clusters = plan_clusters(
        batch, device, spectator_bound=settings.spectator_bound, noise=settings.noise, memory_cap=settings.memory_cap
    )
    pieces = [p for p in np.array_split(np.arange(len(batch)), min(PIECES, len(batch))) if p.size]
    futures = []
    for ids in pieces:
        work = (batch.take(ids), device, plain, ids.tolist(), restricted(clusters, ids))
        futures.append((work, executor.submit(run, *work)))
    records: List[Record] = []
    for done, (work, future) in enumerate(futures):
        if cancel is not None and cancel.is_set():
            for _, left in futures[done:]:
                left.cancel()
            raise CancelledError("The job was cancelled.")
        try:
            records += future.result()
        except PulsekitError:
            raise
        except Exception:  # the worker, not the work: executors raise their own errors
            records += run(*work)
        if progress is not None:
            progress(len(records), len(batch))
    return records
