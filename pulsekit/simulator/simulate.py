"""Simulate programs on a device, coherently up to their first acquire."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Batch, Channel, LoTable, Op, Program
from .clusters import Cluster, plan_clusters
from .evolve import evolve_group
from .initial import Initial, initial_states, populations_of, to_bare, virtual_z
from .lanes import LaneGroup, lane_groups
from .los import default_los
from .model import ExtraTerm, Model
from .outcome import ClusterOutcome, Outcome

__all__ = ["as_batch", "simulate"]

OUTPUTS = ("populations", "states", "propagators")


def as_batch(programs: Union[Program, Sequence[Program], Batch], device: Device, los: Optional[LoTable]) -> Batch:
    """Return programs as a batch, with the device's LOs where none are given."""
    if isinstance(programs, Batch):
        if los is None:
            return programs
        return Batch(programs.programs, programs.program_of, los, programs.theta, programs.headers)
    listed: Tuple[Program, ...] = (programs,) if isinstance(programs, Program) else tuple(programs)
    if not all(isinstance(p, Program) for p in listed):
        raise SimulationError("Argument `programs` must be a Program, a sequence of Programs or a Batch.")
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
) -> Outcome:
    """Simulate programs and return populations, states or propagators.

    Evolution is coherent up to the first acquire; pulses or resets after one
    are an error (``backend.run`` executes those).

    Args:
        programs: bound programs.
        device: what they run on.
        los: one row per experiment; None: the device's own.
        solver: "schroedinger", "lindblad", or "auto" (lindblad with noise).
        method: "auto" or a method's name.
        rwa: drop counter-rotating terms.
        noise: whether T1 and T2 act.
        tolerance: error allowed in a population.
        basis: "dressed" or "bare", of populations and states.
        outputs: any of "populations", "states", "propagators".
        initial: None (ground), {device qubit: level} or arrays, see
            :func:`~pulsekit.simulator.initial.initial_states`.
        times: samples at which populations are kept, ascending.
        spectator_bound: effect on populations below which an idle neighbour
            is left out.
        memory_cap: bytes; None: most of what the machine has.
        threads: plain threads; results do not depend on it.
        seed: of trajectories.
        trajectories: how many quantum-jump trajectories, instead of density
            matrices.
        explain: only plan: say dimension, clusters, method, time, memory.
        extra: more terms of the Hamiltonian, for a single cluster of all
            qubits.

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
    batch = as_batch(programs, device, los)
    for program in batch.programs:
        _check_coherent(program)
    if solver == "auto":
        solver = "lindblad" if noise else "schroedinger"
    noisy = noise or solver == "lindblad"
    clusters = plan_clusters(
        batch,
        device,
        spectator_bound=spectator_bound,
        noise=noisy,
        memory_cap=memory_cap,
        also=tuple(initial) if isinstance(initial, Mapping) else (),
    )
    settings: Dict[str, Any] = dict(solver=solver, method=method, rwa=rwa, tolerance=tolerance, threads=threads)
    parts: List[ClusterOutcome] = []
    for cluster in clusters:
        parts += _one_cluster(batch, device, cluster, noisy, settings, basis, outputs, initial, times, tuple(extra))
    return Outcome(
        tuple(parts),
        len(batch),
        basis,
        None if times is None else np.asarray(times, dtype=np.int64),
        {"solver": solver, "method": method, "rwa": rwa, "tolerance": tolerance},
    )


def _check_coherent(program: Program) -> None:
    events = program.events
    acquires = np.flatnonzero(events.op == Op.ACQUIRE)
    if (events.op == Op.RESET).any():
        row = int(np.flatnonzero(events.op == Op.RESET)[0])
        name = program.channels[events.channel[row]]
        raise SimulationError(
            f"{name}@{events.t0[row]}: resets must be run, but simulate() is coherent. Use Backend.run or execute()."
        )
    if not acquires.size:
        return
    first = int(events.t0[acquires].min())
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
) -> List[ClusterOutcome]:
    model = Model.from_device(
        device,
        cluster.qubits,
        los=batch.los,
        levels=cluster.levels,
        noise=noise,
        couplings=cluster.couplings,
        extra=extra,
    )
    chosen = np.asarray(cluster.experiments, dtype=np.int64)
    density = settings["solver"] == "lindblad"
    dim, count = model.dim, chosen.size
    populations = np.zeros((count, dim))
    states = np.zeros((count, dim) + ((dim,) if density else ()), complex) if "states" in outputs else None
    propagators = np.zeros((count, dim, dim), complex) if "propagators" in outputs else None
    grid = None if times is None else np.zeros((count, len(times), dim))
    sub = Batch(
        batch.programs,
        np.asarray(batch.program_of)[chosen],
        batch.los.take(chosen),
        None if batch.theta is None else np.asarray(batch.theta)[chosen],
    )
    for group in lane_groups(sub):
        rows, stop = group.experiments, coherent_end(group.program)
        lanes = len(rows)
        x = initial_states(model, initial, count, density)[rows]
        phase = _final_phase(group.plays(model.dt), model, lanes)
        now = 0
        for k, t in enumerate(times if times is not None else ()):
            x = _go(model, group, x, now, min(int(t), stop), settings)
            now = min(int(t), stop)
            assert grid is not None
            grid[rows, k] = populations_of(model, x, now, density, basis)
        x = _go(model, group, x, now, stop, settings)
        populations[rows] = populations_of(model, x, stop, density, basis)
        if states is not None:
            out = virtual_z(model, x, phase, density)
            states[rows] = to_bare(model, out, stop, density) if basis == "bare" else out
        if propagators is not None:
            eye = np.broadcast_to(np.eye(dim, dtype=complex), (lanes, dim, dim))
            ideal = dict(settings, solver="schroedinger")
            propagators[rows] = virtual_z(model, _go(model, group, eye, 0, stop, ideal), phase, False)
    return [
        ClusterOutcome(
            model.qubits,
            model.levels,
            chosen,
            populations,
            states,
            propagators,
            grid,
            tuple(cluster.left_out),
            float(cluster.bound),
        )
    ]


def _go(model: Model, group: LaneGroup, x: np.ndarray, a: int, b: int, settings: Dict[str, Any]) -> np.ndarray:
    return evolve_group(model, group, x, start=a, stop=b, **settings) if b > a else x


def coherent_end(program: Program) -> int:
    """Return where coherent evolution ends: first acquire, or the end."""
    events = program.events
    acquires = events.t0[events.op == Op.ACQUIRE]
    return int(acquires.min()) if acquires.size else int(program.duration)


def _final_phase(plays: Dict[Channel, Any], model: Model, lanes: int) -> np.ndarray:
    phase = np.zeros((lanes, model.n))
    for local, qubit in enumerate(model.qubits):
        play = plays.get(Channel("d", qubit))
        if play is not None:
            phase[:, local] = play.final_phase
    return phase
