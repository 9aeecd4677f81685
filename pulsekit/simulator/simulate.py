"""Simulate programs on a device, coherently up to their first acquire."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Batch, Channel, LoTable, Op, Program
from .averages import TRAJECTORIES, average
from .checks import (
    check_batch,
    check_choices,
    check_clusters,
    check_extra,
    check_settings,
    check_trajectories,
)
from .clusters import Cluster, plan_clusters
from .cost import check_memory, plan_of
from .evolve import evolve_batch
from .initial import Initial, initial_states, populations_of, to_bare, virtual_z
from .los import default_los
from .model import ExtraTerm, Model
from .outcome import ClusterOutcome, Outcome
from .stack import Stack, stacks_of

__all__ = ["PLANNING", "as_batch", "clusters_of", "simulate"]

OUTPUTS = ("populations", "states", "propagators")
PLANNING = ("spectator_bound", "noise", "solver", "memory_cap", "initial", "extra", "clusters")  # what plans depend on


def as_batch(programs: Union[Program, Sequence[Program], Batch], device: Device, los: Optional[LoTable]) -> Batch:
    """Return programs as a batch, with the device's LOs where none are given."""
    if not isinstance(device, Device):
        hint = " Use its `device`." if isinstance(getattr(device, "device", None), Device) else ""
        raise SimulationError(f"Argument `device` must be a Device, but {type(device).__name__} came.{hint}")
    if isinstance(programs, Batch):
        if los is None:
            return programs
        return Batch(programs.programs, programs.program_of, los, programs.theta, programs.headers)
    listed = (programs,) if isinstance(programs, Program) else programs
    wrong = [listed] if not isinstance(listed, (list, tuple)) else [p for p in listed if not isinstance(p, Program)]
    if wrong:
        raise SimulationError(
            "Argument `programs` must be a Program, a list of Programs or a Batch, but "
            f"{type(wrong[0]).__name__} came. Circuits and schedules become a Batch by pulsekit.compile()."
        )
    listed = tuple(listed)
    table = default_los(device, len(listed)) if los is None else los
    return Batch(listed, np.arange(len(listed), dtype=np.int32), table)


def simulate(
    programs: Union[Program, Sequence[Program], Batch],
    device: Device,
    *,
    los: Optional[LoTable] = None,
    solver: str = "auto",
    method: str = "auto",
    rwa: bool = True,
    noise: bool = False,
    tolerance: float = 1e-6,
    basis: str = "dressed",
    outputs: Sequence[str] = ("populations",),
    initial: Initial = None,
    times: Optional[Sequence[int]] = None,
    spectator_bound: float = 1e-4,
    memory_cap: Optional[int] = None,
    threads: int = 1,
    seed: Optional[int] = None,
    trajectories: Optional[int] = None,
    explain: bool = False,
    extra: Sequence[ExtraTerm] = (),
    clusters: Optional[Sequence[Cluster]] = None,
) -> Outcome:
    """Simulate programs and return populations, states or propagators.

    Evolution is coherent up to the first acquire; pulses or resets after one
    are an error (``backend.run`` executes those).

    Args:
        programs: bound programs.
        device: what they run on.
        los: one row per experiment; None: the device's own.
        solver: "schroedinger", "lindblad", "trajectories", or "auto" (lindblad
            with noise).
        method: "auto" or a method's name.
        rwa: drop counter-rotating terms.
        noise: whether T1 and T2 act, where ``solver`` is "auto".
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        basis: "dressed" or "bare", of populations and states.
        outputs: any of "populations", "states", "propagators" (those without
            T1 and T2, and not with trajectories).
        initial: None (ground), {device qubit: level} or arrays, see
            :func:`~pulsekit.simulator.initial.initial_states`.
        times: samples at which populations are kept, ascending.
        spectator_bound: effect on populations below which an idle neighbour
            is left out.
        memory_cap: bytes; None: most of what the machine has.
        threads: plain threads; results do not depend on it.
        seed: of trajectories.
        trajectories: how many quantum-jump trajectories, with that solver.
        explain: run nothing: ``outcome.info["plan"]`` says dimension, clusters,
            segments, which method takes which part, predicted time (one
            thread, tables warm) and memory (print it).
        extra: more terms of the Hamiltonian, for a single cluster of all
            qubits; not with trajectories.
        clusters: which qubits to simulate together, where that was planned
            before (for a larger batch); None: planned here.

    Returns:
        An :class:`~pulsekit.simulator.outcome.Outcome`.

    Raises:
        SimulationError: input that cannot be simulated.
        MemoryCapError: it would need more memory than ``memory_cap``.
    """
    unknown = [o for o in outputs if o not in OUTPUTS]
    if unknown or basis not in ("dressed", "bare"):
        raise SimulationError(
            f"Arguments `outputs` and `basis` must be among {OUTPUTS} and ('dressed', 'bare'), "
            f"but {list(outputs)} and {basis!r} came."
        )
    check_settings(solver, method, tolerance, more=("trajectories",))
    check_choices(times, threads, trajectories, seed, memory_cap)
    check_trajectories(solver, outputs, trajectories, extra)
    batch = as_batch(programs, device, los)
    check_extra(extra, device)
    check_batch(batch, device)
    check_clusters(clusters or (), batch)
    for program in batch.programs:
        _check_coherent(program)
    if solver == "auto":
        solver = "lindblad" if noise else "schroedinger"
    noisy = noise or solver != "schroedinger"
    clusters = clusters_of(
        batch,
        device,
        spectator_bound=spectator_bound,
        noise=noise,
        solver=solver,
        memory_cap=memory_cap,
        initial=initial,
        extra=extra,
        clusters=clusters,
    )
    info: Dict[str, Any] = {"solver": solver, "method": method, "rwa": rwa, "tolerance": tolerance}
    if explain:
        count = TRAJECTORIES if trajectories is None else trajectories
        info["plan"] = plan_of(
            batch,
            device,
            clusters,
            solver=solver,
            method=method,
            rwa=rwa,
            noise=noisy,
            tolerance=tolerance,
            memory_cap=memory_cap,
            trajectories=count,
            extra=tuple(extra),
        )
        return Outcome((), len(batch), basis, None, info)
    for cluster in clusters:
        check_memory(cluster, memory_cap, density=solver == "lindblad", lanes=len(cluster.experiments))
    settings: Dict[str, Any] = {
        "solver": solver,
        "method": method,
        "rwa": rwa,
        "tolerance": tolerance,
        "threads": threads,
    }
    parts: List[ClusterOutcome] = []
    for cluster in clusters:
        if solver == "trajectories":
            parts.append(
                _averaged(
                    batch, device, cluster, rwa, basis, outputs, initial, times, trajectories, seed, threads, info
                )
            )
            continue
        parts.append(
            _one_cluster(batch, device, cluster, noisy, settings, basis, outputs, initial, times, tuple(extra))
        )
    return Outcome(
        tuple(parts),
        len(batch),
        basis,
        None if times is None else np.asarray(times, dtype=np.int64),
        info,
    )


def clusters_of(
    batch: Batch,
    device: Device,
    *,
    spectator_bound: float = 1e-4,
    noise: bool = False,
    solver: str = "auto",
    memory_cap: Optional[int] = None,
    initial: Initial = None,
    extra: Sequence[ExtraTerm] = (),
    clusters: Optional[Sequence[Cluster]] = None,
) -> List[Cluster]:
    """Return the clusters that :func:`simulate` with these arguments has."""
    if clusters is not None:
        return list(clusters)
    if extra or device.n_qubits == 1:  # terms of the user's act on all qubits
        levels = tuple(t.levels for t in device.transmons)
        pairs = tuple((c.qubits[0], c.qubits[1]) for c in device.couplings)
        return [Cluster(np.arange(len(batch)), tuple(range(device.n_qubits)), levels, pairs)]
    named: Mapping[int, int] = initial if isinstance(initial, Mapping) else {}
    if any(q not in range(device.n_qubits) for q in named):
        raise SimulationError(
            f"Argument `initial` must name qubits 0 to {device.n_qubits - 1}, but {sorted(named)} came."
        )
    return plan_clusters(
        batch,
        device,
        spectator_bound=spectator_bound,
        noise=noise or solver not in ("auto", "schroedinger"),
        memory_cap=memory_cap,
        also=tuple(named),
        excited=tuple(q for q, level in named.items() if level > 0),
    )


def _check_coherent(program: Program) -> None:
    if program.__dict__.get("_coherent"):
        return
    events = program.events
    acquires = np.flatnonzero(events.op == Op.ACQUIRE)
    if (events.op == Op.RESET).any():
        row = int(np.flatnonzero(events.op == Op.RESET)[0])
        name = program.channels[events.channel[row]]
        raise SimulationError(
            f"{name}@{events.t0[row]}: resets must be run, but simulate() is coherent. Use Backend.run or execute()."
        )
    if acquires.size:
        _check_late(program, int(events.t0[acquires].min()))
    program.__dict__["_coherent"] = True


def _check_late(program: Program, first: int) -> None:
    events = program.events
    kinds = np.array([c.kind in "du" for c in program.channels] or [False])
    late = (events.op == Op.PLAY) & (events.t0 >= first) & kinds[events.channel]
    if late.any():
        row = int(np.flatnonzero(late)[0])
        raise SimulationError(
            f"{program.channels[events.channel[row]]}@{events.t0[row]}..{events.t0[row] + events.duration[row]}: "
            f"plays must start before the first acquire, but that is at {first}. Use Backend.run or execute()."
        )


def _one_cluster(
    batch: Batch,
    device: Device,
    cluster: Cluster,
    noise: bool,
    settings: Dict[str, Any],
    basis: str,
    outputs: Sequence[str],
    initial: Initial,
    times: Optional[Sequence[int]],
    extra: Tuple[ExtraTerm, ...],
) -> ClusterOutcome:
    model = cluster.model(device, batch.los, noise=noise, extra=extra)
    chosen = np.asarray(cluster.experiments, dtype=np.int64)
    density = settings["solver"] == "lindblad"
    sub = batch.take(chosen)
    stacks = stacks_of(sub, model.dt)
    count = len(chosen)
    stop = np.zeros(count, dtype=np.int64)
    for stack in stacks:
        stop[stack.experiments] = stack.end

    def run(x: np.ndarray, start: np.ndarray, stop: np.ndarray, **other: Any) -> np.ndarray:
        return evolve_batch(model, sub, x, start=start, stop=stop, stacks=stacks, **{**settings, **other})

    one = initial is None or isinstance(initial, Mapping)
    x = initial_states(model, initial, 1 if one else count, density)
    x = np.broadcast_to(x, (count, *x.shape[1:]))
    x = x if density else x[:, :, None]
    now, grid = np.zeros(count, dtype=np.int64), []
    pieces = 1 if times is None else len(np.unique(times)) + 1
    for t in times if times is not None else ():
        then = np.minimum(int(t), stop)
        x = run(x, start=now, stop=then, tolerance=settings["tolerance"] / pieces)
        now = then
        grid.append(populations_of(model, x if density else x[:, :, 0], now, density, basis))
    x = run(x, start=now, stop=stop, tolerance=settings["tolerance"] / pieces)
    x = x if density else x[:, :, 0]
    states = propagators = None
    if "states" in outputs:
        states = virtual_z(model, x, _final_phase(stacks, model, count), density)
        states = to_bare(model, states, stop, density) if basis == "bare" else states
    if "propagators" in outputs:
        eye = np.broadcast_to(np.eye(model.dim, dtype=complex), (count, model.dim, model.dim))
        full = run(np.ascontiguousarray(eye), np.zeros_like(stop), stop, solver="schroedinger")
        propagators = virtual_z(model, full, _final_phase(stacks, model, count), False)
    return ClusterOutcome(
        model.qubits,
        model.levels,
        chosen,
        populations_of(model, x, stop, density, basis) if "populations" in outputs else None,
        states,
        propagators,
        None if times is None else np.stack(grid, axis=1) if grid else np.zeros((count, 0, model.dim)),
        tuple(cluster.left_out),
        float(cluster.bound),
    )


def _averaged(
    batch: Batch,
    device: Device,
    cluster: Cluster,
    rwa: bool,
    basis: str,
    outputs: Sequence[str],
    initial: Initial,
    times: Optional[Sequence[int]],
    trajectories: Optional[int],
    seed: Optional[int],
    threads: int,
    info: Dict[str, Any],
) -> ClusterOutcome:
    """Return means over trajectories; their standard errors go into ``info``."""
    model = cluster.model(device, batch.los, noise=True)
    chosen = np.asarray(cluster.experiments, dtype=np.int64)
    sub = batch.take(chosen)
    stacks = stacks_of(sub, model.dt)
    stop = np.zeros(len(chosen), dtype=np.int64)
    for stack in stacks:
        stop[stack.experiments] = stack.end
    found = average(
        model,
        sub,
        initial_states(model, initial, len(chosen), False),
        stop,
        basis=basis,
        rwa=rwa,
        trajectories=trajectories,
        seed=info.get("seed", seed),
        threads=threads,
        density="states" in outputs,
        times=() if times is None else times,
        experiments=chosen,
    )
    info.update(seed=found.seed, trajectories=found.runs)
    info.setdefault("standard_error", {})[model.qubits] = found.error
    if times is not None:
        info.setdefault("standard_error_over_time", {})[model.qubits] = found.over_time_error
    states = None
    if "states" in outputs:
        states = virtual_z(model, found.states, _final_phase(stacks, model, len(chosen)), True)
        states = to_bare(model, states, stop, True) if basis == "bare" else states
    return ClusterOutcome(
        model.qubits,
        model.levels,
        chosen,
        found.populations if "populations" in outputs else None,
        states,
        None,
        None if times is None else found.over_time,
        tuple(cluster.left_out),
        float(cluster.bound),
    )


def _final_phase(stacks: Sequence[Stack], model: Model, count: int) -> np.ndarray:
    phase = np.zeros((count, model.n))
    for stack in stacks:
        for local, qubit in enumerate(model.qubits):
            play = stack.plays.get(Channel("d", qubit))
            if play is not None:
                phase[stack.experiments, local] = play.final_phase
    return phase
