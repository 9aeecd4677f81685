"""Run a batch: simulate to each acquire, read out, go on."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from ..device import Device
from ..errors import CancelledError, ExecutionError
from ..program import Batch
from ..readout import Purpose, check_acquires, pick_levels, uniforms
from ..simulator import Cluster, Model, plan_clusters
from ..simulator.lanes import LaneGroup, lane_groups
from .collapse import thermal
from .memory import check_memory
from .restless import run_restless
from .settings import Record, Settings
from .signals import Signals
from .sink import LiveSink, Sink, new_record
from .spread import spread
from .stack import stack
from .start import excited_at_start, rep_delay
from .steps import Kind, Step, cut, warn_of_lost_drives
from .walk import Branch, Walk, evolve_states, split, take_batch, take_lanes

__all__ = ["Counter", "Run", "check_batch", "execute", "run_here"]

MAX_SHOTS = 10**8
STATE_BYTES = 1 << 27  # of density matrices held at one time
Progress = Callable[[int, int], None]


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
        )
    _inform(records, clusters, settings, seed)
    run = Run(batch, device, settings, sink, check, cancel)
    if settings.init_qubits:
        run.reset_shots(clusters, Counter(clusters, len(batch), progress))
    else:
        run_restless(run, clusters, Counter(clusters, len(batch), progress))
    if isinstance(sink, LiveSink):
        sink.flush(check)
    return records


def check_batch(batch: Batch, device: Device, settings: Settings) -> None:
    """Refuse what can be seen not to run, before anything does.

    Raises:
        ExecutionError: bad settings, overlapping acquires.
        ReadoutError: an acquire that cannot be read out.
        MemoryCapError: the result would not fit.
    """
    check_settings(settings)
    check_memory(settings, [_slots(batch, e) for e in range(len(batch))], settings.memory_cap)
    check_acquires(batch.programs, device)


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


class Counter:
    """Counts experiments whose clusters are all done."""

    def __init__(self, clusters: List[Cluster], total: int, progress: Optional[Progress]) -> None:
        self.left = np.zeros(total, np.int64)
        for cluster in clusters:
            self.left[np.asarray(cluster.experiments)] += 1
        self.progress = progress
        self.total = total

    def done(self, experiments: np.ndarray) -> None:
        """Count one cluster of some experiments."""
        self.left[experiments] -= 1
        if self.progress is not None:
            self.progress(int(np.count_nonzero(self.left <= 0)), self.total)


class Part(NamedTuple):
    """The experiments of one cluster."""

    cluster: Cluster
    model: Model
    batch: Batch
    experiments: np.ndarray  # int64[lanes of the batch], indices into the job
    groups: List[LaneGroup]


def bunches(part: Part) -> Iterator[List[LaneGroup]]:
    """Yield lane groups whose states may be held at one time."""
    most = max(1, STATE_BYTES // (16 * part.model.dim**2))
    held: List[LaneGroup] = []
    lanes = 0
    for group in part.groups:
        count = len(group.experiments)
        pieces = [take_lanes(group, np.arange(low, min(low + most, count))) for low in range(0, count, most)]
        for piece in pieces:
            if held and lanes + len(piece.experiments) > most:
                yield held
                held, lanes = [], 0
            held.append(piece)
            lanes += len(piece.experiments)
    if held:
        yield held


class Run:
    """What all parts of one run share."""

    def __init__(
        self,
        batch: Batch,
        device: Device,
        settings: Settings,
        sink: Sink,
        check: Callable[[], None],
        cancel: Optional[Any] = None,
    ) -> None:
        self.batch = batch
        self.device = device
        self.settings = settings
        self.sink = sink
        self.check = check
        self.cancel = cancel
        self.signals = Signals(device, settings.noise)

    def part(self, cluster: Cluster) -> Part:
        """Return a cluster's experiments, with its model."""
        chosen = np.asarray(cluster.experiments, dtype=np.int64)
        batch = take_batch(self.batch, chosen)
        model = Model.from_device(
            self.device,
            cluster.qubits,
            los=batch.los,
            levels=cluster.levels,
            noise=self.settings.noise,
            couplings=cluster.couplings,
        )
        return Part(cluster, model, batch, chosen, lane_groups(batch))

    def walk(self, part: Part, group: LaneGroup) -> Walk:
        """Return the walk of one lane group."""
        experiments = part.experiments[group.experiments]
        return Walk(
            self.device,
            part.model,
            part.batch,
            group,
            experiments,
            self.settings,
            self.signals,
            self.sink,
            self.check,
            self.cancel,
        )

    def reset_shots(self, clusters: List[Cluster], counter: Counter) -> None:
        """Run with a reset before every shot."""
        for cluster in clusters:
            part = self.part(cluster)
            for groups in bunches(part):
                self.check()
                walks = [self.walk(part, group) for group in groups]
                steps = [cut(walk.group.program, cluster.qubits, to_end=False) for walk in walks]
                branches = [self._fresh(walk) for walk in walks]
                first = self._together(part, walks, steps, branches)
                for walk, own, start, done in zip(walks, steps, branches, first):
                    walk.run(own, start, done)
                    counter.done(walk.experiments)

    def _together(
        self, part: Part, walks: List[Walk], steps: List[List[Step]], branches: List[List[Branch]]
    ) -> List[int]:
        """Evolve all experiments up to their first acquire in one call; return how many steps that did."""
        first = [0] * len(walks)
        for mixed in (False, True):
            ready = [
                i
                for i, (walk, own) in enumerate(zip(walks, steps))
                if own and own[0].kind == Kind.EVOLVE and not walk.dephasing.windows and not walk.unravels
                if (branches[i][0].state.ndim == 2) == mixed
            ]
            if not ready:
                continue
            states = np.stack([b.state for i in ready for b in branches[i]])
            lanes = np.concatenate([walks[i].group.experiments for i in ready])
            stop = np.concatenate([np.full(len(branches[i]), steps[i][0].stop, np.int64) for i in ready])
            batch = take_batch(part.batch, lanes)
            out = evolve_states(part.model, batch, states, np.zeros_like(stop), stop, self.settings, self.cancel)
            for branch, state in zip((b for i in ready for b in branches[i]), out):
                branch.state = state
            for i in ready:
                first[i] = 1
        return first

    def _fresh(self, walk: Walk) -> List[Branch]:
        """Return the state after a reset, one branch per lane."""
        model, group = walk.model, walk.group
        excited = [0.0] * model.n
        if self.settings.noise:
            delay = rep_delay(self.device, self.settings, group.program.duration)
            excited = [excited_at_start(self.device, q, delay) for q in model.qubits]
        if walk.unravels:
            return self._drawn(walk, excited)
        if walk.mixed or any(excited):
            state = np.diag(thermal(model.levels, excited)).astype(complex)
        else:
            state = np.zeros(model.dim, complex)
            state[0] = 1
        return [Branch(lane, state, None) for lane in range(len(group.experiments))]

    def _drawn(self, walk: Walk, excited: List[float]) -> List[Branch]:
        """Return the same, shot by shot: a branch of kets for every start that was drawn."""
        out: List[Branch] = []
        weights = thermal(walk.model.levels, excited)
        for lane, experiment in enumerate(walk.experiments.tolist()):
            stream = self.sink.numbers(experiment, Purpose.START, walk.model.qubits[0])
            start = pick_levels(weights, uniforms(stream, 0, self.settings.shots))
            for value, members in split(start, None):
                ket = np.zeros(walk.model.dim, complex)
                ket[value] = 1
                out.append(Branch(lane, ket, members))
        return out
