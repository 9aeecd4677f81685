"""Run with a reset before every shot."""

from __future__ import annotations

from typing import Iterator, List

import numpy as np

from ..readout import Purpose, pick_levels, uniforms
from ..simulator import Cluster
from ..simulator.lanes import LaneGroup
from .collapse import thermal
from .run import Counter, Part, Run
from .start import excited_at_start, rep_delay
from .steps import Kind, Step, cut
from .walk import Branch, Walk, evolve_states, split, take_lanes

__all__ = ["run_resets"]

STATE_BYTES = 1 << 27  # of density matrices held at one time


def run_resets(run: Run, clusters: List[Cluster], counter: Counter) -> None:
    """Run every shot of every experiment from the ground state."""
    for cluster in clusters:
        part = run.part(cluster)
        for groups in _bunches(part):
            run.check()
            walks = [run.walk(part, group) for group in groups]
            steps = [cut(walk.group.program, cluster.qubits, to_end=False) for walk in walks]
            branches = [_fresh(run, walk) for walk in walks]
            first = _together(run, part, walks, steps, branches)
            for walk, own, start, done in zip(walks, steps, branches, first):
                walk.run(own, start, done)
                counter.done(walk.experiments)


def _together(
    run: Run, part: Part, walks: List[Walk], steps: List[List[Step]], branches: List[List[Branch]]
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
        batch = part.batch.take(lanes)
        first_samples, whose = np.zeros_like(stop), part.experiments[lanes]
        out = evolve_states(part.model, batch, states, first_samples, stop, run.sink, whose, run.cancel)
        for branch, state in zip((b for i in ready for b in branches[i]), out):
            branch.state = state
        for i in ready:
            first[i] = 1
    return first


def _fresh(run: Run, walk: Walk) -> List[Branch]:
    """Return the state after a reset, one branch per lane."""
    model, group = walk.model, walk.group
    excited = [0.0] * model.n
    if run.settings.noise:
        delay = rep_delay(run.device, run.settings, group.program.duration)
        excited = [excited_at_start(run.device, q, delay) for q in model.qubits]
    if walk.unravels:
        return _drawn(run, walk, excited)
    if walk.mixed or any(excited):
        state = np.diag(thermal(model.levels, excited)).astype(complex)
    else:
        state = np.zeros(model.dim, complex)
        state[0] = 1
    return [Branch(lane, state, None) for lane in range(len(group.experiments))]


def _drawn(run: Run, walk: Walk, excited: List[float]) -> List[Branch]:
    """Return the same, shot by shot: a branch of kets for every start that was drawn."""
    out: List[Branch] = []
    weights = thermal(walk.model.levels, excited)
    for lane, experiment in enumerate(walk.experiments.tolist()):
        stream = run.sink.numbers(experiment, Purpose.START, walk.model.qubits[0])
        start = pick_levels(weights, uniforms(stream, 0, run.settings.shots))
        for value, members in split(start, None):
            ket = np.zeros(walk.model.dim, complex)
            ket[value] = 1
            out.append(Branch(lane, ket, members))
    return out


def _bunches(part: Part) -> Iterator[List[LaneGroup]]:
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
