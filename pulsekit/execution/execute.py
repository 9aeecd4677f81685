"""Run a batch: simulate to each acquire, read out, go on."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from ..device import Device
from ..errors import CancelledError, ExecutionError
from ..program import Batch
from ..readout import check_acquires
from ..simulator import Cluster, plan_clusters
from .memory import check_memory
from .methods import check_method_of
from .resets import run_resets
from .restless import left_excited, run_restless
from .run import Counter, Progress, Run
from .settings import Record, Settings
from .sink import LiveSink, Sink, new_record
from .spread import spread
from .stack import stack
from .steps import warn_of_lost_drives

__all__ = ["check_batch", "execute", "run_here"]

MAX_SHOTS = 10**8


def execute(
    batch: Batch,
    device: Device,
    settings: Settings,
    *,
    progress: Optional[Progress] = None,
    cancel: Optional[Any] = None,
    live: Optional[Callable[[Dict[str, object]], None]] = None,
) -> List[Record]:
    """Run every experiment of a batch and return its shots.

    Args:
        batch: bound programs.
        device: what they run on.
        settings: shots, level, seed and so on.
        progress: called with (experiments done, experiments).
        cancel: something with ``is_set()``; looked at between pieces of work.
        live: called with running averages (docs/readout.md, "Live data").

    Returns:
        One record per experiment. The same seed gives the same shots at every
        level, whatever the number of threads.

    Raises:
        ExecutionError: bad settings, overlapping acquires.
        ReadoutError: an acquire that cannot be read out.
        CancelledError: ``cancel`` was set.
        MemoryCapError: the result or a cluster would not fit.
    """
    check_batch(batch, device, settings)
    if settings.seed is None:
        settings = replace(settings, seed=secrets.randbits(63))
    if settings.executor is not None and settings.init_qubits and live is None and len(batch) > 1:
        return spread(run_here, batch, device, settings, progress, cancel)
    return run_here(batch, device, settings, range(len(batch)), progress=progress, cancel=cancel, live=live)


def run_here(
    batch: Batch,
    device: Device,
    settings: Settings,
    ids: Sequence[int],
    clusters: Optional[List[Cluster]] = None,
    *,
    progress: Optional[Progress] = None,
    cancel: Optional[Any] = None,
    live: Optional[Callable[[Dict[str, object]], None]] = None,
) -> List[Record]:
    """Run a batch in this thread; see :func:`execute`.

    Args: as there, with a seed; ``ids``, the experiments' places in their job:
        their random numbers; and ``clusters`` where they are known.
    """
    seed = int(settings.seed or 0) & (2**64 - 1)
    records = [new_record(settings, _slots(batch, e)) for e in range(len(batch))]
    sink = Sink(settings, records, seed, ids) if live is None else LiveSink(settings, records, seed, ids, live)

    def check() -> None:
        if cancel is not None and cancel.is_set():
            raise CancelledError("The job was cancelled.")

    check()
    batch = stack(batch)
    for program in batch.programs:
        warn_of_lost_drives(program)
    if clusters is None:
        clusters = plan_clusters(
            batch,
            device,
            spectator_bound=settings.spectator_bound,
            noise=settings.noise,
            memory_cap=settings.memory_cap,
            excited=() if settings.init_qubits else left_excited(batch, device),
        )
    _inform(records, clusters, settings, seed)
    run = Run(batch, device, settings, sink, check, cancel)
    strategy = run_resets if settings.init_qubits else run_restless
    strategy(run, clusters, Counter(clusters, len(batch), progress))
    for experiment, record in enumerate(records):
        record.info["methods"] = [
            ", ".join(sorted(sink.methods.get((experiment, qubits), ("none",)))) for qubits in record.info["clusters"]
        ]
    if isinstance(sink, LiveSink):
        sink.flush(check)
    return records


def check_batch(batch: Batch, device: Device, settings: Settings) -> None:
    """Refuse what can be seen not to run, before anything does.

    Raises:
        ExecutionError: bad settings, overlapping acquires.
        ReadoutError: an acquire that cannot be read out.
        SimulationError: a method that cannot take the job.
        MemoryCapError: the result would not fit.
    """
    check_settings(settings)
    check_memory(settings, [_slots(batch, e) for e in range(len(batch))], settings.memory_cap)
    check_acquires(batch.programs, device)
    check_method_of(batch, device, settings)


def check_settings(settings: Settings) -> None:
    """Refuse settings that mean nothing.

    Raises:
        ExecutionError: with the setting's name.
    """
    if not 1 <= settings.shots <= MAX_SHOTS:
        raise ExecutionError(f"Argument `shots` must be 1 to {MAX_SHOTS}, but {settings.shots} came.", code=1103)
    if settings.meas_level not in (0, 1, 2):
        raise ExecutionError(f"Argument `meas_level` must be 0, 1 or 2, but {settings.meas_level!r} came.", code=8009)
    if settings.meas_return not in ("single", "avg"):
        raise ExecutionError(f"Argument `meas_return` must be 'single' or 'avg', but {settings.meas_return!r} came.")
    if settings.meas_level == 0 and settings.memory_slot_size < 1:
        raise ExecutionError(
            f"Argument `memory_slot_size` must be at least 1 at level 0, but {settings.memory_slot_size} came."
        )


def _slots(batch: Batch, experiment: int) -> int:
    asked = batch.headers[experiment].get("memory_slots", 0) if batch.headers else 0
    return max(int(asked or 0), batch.programs[int(batch.program_of[experiment])].memory_slots)


def _inform(records: List[Record], clusters: List[Cluster], settings: Settings, seed: int) -> None:
    for record in records:
        record.info = {
            "seed": seed,
            "tolerance": settings.tolerance,
            "noise": settings.noise,
            "clusters": [],
            "bound": 0.0,
        }
    for cluster in clusters:
        for experiment in np.asarray(cluster.experiments).tolist():
            info = records[experiment].info
            info["clusters"].append(cluster.qubits)
            info["bound"] += cluster.bound
