"""Walk one cluster through its program: evolve, collapse, go on in branches.

All shots of a lane start in one branch. A collapse splits a branch by the
joint level that each shot finds, the end of an acquisition by the levels that
the jumps left; branches that came into the same basis state merge again.
Only branches that occur are simulated, those of all lanes together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Batch
from ..readout import Purpose, pick_levels, uniforms
from ..simulator.evolve import evolve_batch
from ..simulator.lanes import LaneGroup
from ..simulator.model import Model
from ..simulator.timeline import Tone, tones_of
from ..simulator.trajectories import Trajectories
from .collapse import collapse, move_level, outcome_levels, outcome_map, populations, reset_density
from .dephasing import Dephasing
from .settings import Settings
from .signals import Signals, measure_plays
from .sink import Sink
from .start import residual
from .steps import Acquire, Kind, Step

__all__ = ["Branch", "Walk", "evolve_states", "split", "take_lanes"]

DENSITY = 729  # dimension beyond which no density matrix is made
STEPS = (4.0, 2.0, 1.0)  # units (simulator.steps), of trajectories
STEP_ERROR = 7.5e-5  # of a population: below what the shots of most experiments resolve
UNSEEN = 0.05  # over the root of the shots: a tenth of a population's spread, which two units may err by
COLUMN = 50  # cost of a column of a density matrix in trajectories (five qutrits: 25 at 1e-4, 75 at 1e-6)


@dataclass
class Branch:
    """Shots of one lane that share a state."""

    lane: int
    state: np.ndarray  # complex128[dim] or [dim, dim]
    shots: Optional[np.ndarray]  # int64, ascending; None: all


class Walk:
    """One cluster of one lane group."""

    def __init__(
        self,
        device: Device,
        model: Model,
        part: Batch,
        group: LaneGroup,
        experiments: np.ndarray,
        settings: Settings,
        signals: Signals,
        sink: Sink,
        check: Callable[[], None],
        cancel: Optional[Any] = None,
    ) -> None:
        self.device = device
        self.model = model
        self.part = part  # the cluster's experiments; the group's indices are into it
        self.group = group
        self.experiments = experiments  # int64[lanes], of the batch
        self.settings = settings
        self.signals = signals
        self.sink = sink
        self.check = check
        self.cancel = cancel
        self.plays = measure_plays(group, model.dt)
        self.dephasing = Dephasing(device, model, group, self.plays)
        self.ends: Dict[Tuple[int, int], np.ndarray] = {}  # (lane, qubit): levels after its acquire

    @property
    def mixed(self) -> bool:
        """Whether states have to be density matrices: decoherence, or a tone that dephases."""
        return (self.settings.noise and self.model.noisy) or bool(self.dephasing.windows)

    @cached_property
    def unravels(self) -> bool:
        """Whether shots go as quantum-jump trajectories, because that is less work than a density matrix.

        A density matrix costs a ket per level of the cluster, each of them to the asked tolerance and so
        ``COLUMN`` times what a trajectory's costs; trajectories cost one ket for all shots without a jump,
        and half a program for every jump or excited start.
        """
        model = self.model
        if not (self.settings.noise and model.noisy) or self.dephasing.windows:
            return False
        if self.settings.method != "auto":
            return self.settings.method == "trajectories"
        time_s = self.group.program.duration * model.dt
        jumps = self.settings.shots * (time_s * float((1 / model.t1 + 1 / model.t2).sum()) + float(model.p_th.sum()))
        return model.n > 2 and (model.dim > DENSITY or 1 + jumps / 2 < COLUMN * model.dim)

    def run(self, steps: Sequence[Step], branches: List[Branch], first: int = 0) -> List[Branch]:
        """Take the branches through the steps from ``first`` on; return the last ones."""
        for number, step in enumerate(steps):
            if number < first:
                continue
            self.check()
            more = number + 1 < len(steps)
            if step.kind == Kind.EVOLVE:
                branches = self.unravel(number, step, branches, {}) if self.unravels else self.evolve(step, branches)
            elif step.kind == Kind.MEASURE:
                branches = self._measure(number, step, branches, more)
            elif step.kind == Kind.RELEASE:
                branches = self._release(step.acquires, branches)
            elif step.kind == Kind.RESET:
                branches = self._reset(number, step.qubits[0], branches)
        return branches

    def evolve(self, step: Step, branches: List[Branch]) -> List[Branch]:
        """Evolve every branch, those of all lanes in one call."""
        lanes = np.array([b.lane for b in branches])
        states = np.stack([b.state for b in branches])
        if states.ndim == 3 and self.dephasing.windows:
            marks = self.dephasing.cuts(step.start, step.stop)
            for lo, hi in zip(marks, marks[1:]):
                half = (lo + hi) // 2
                states = self.dephasing.apply(states, lanes.tolist(), lo, half)
                states = self._between(states, lanes, lo, hi, step.qubits)
                states = self.dephasing.apply(states, lanes.tolist(), half, hi)
        else:
            states = self._between(states, lanes, step.start, step.stop, step.qubits)
        return [replace(branch, state=state) for branch, state in zip(branches, states)]

    def unravel(self, number: int, step: Step, branches: List[Branch], runs: Dict[int, Trajectories]) -> List[Branch]:
        """Evolve one quantum-jump trajectory per shot; shots of one history share a branch.

        Args:
            number, step: which step.
            branches: of all lanes.
            runs: of this step, by lane; what is missing is made.
        """
        model = self._held(step.qubits)
        tones = tones_of(self.group.program, self.group.plays(model.dt), model)
        out: List[Branch] = []
        for branch in branches:
            lane = branch.lane
            if lane not in runs:
                runs[lane], error = self._trajectories(model, tones, lane, step, branch.state)
                info = self.sink.records[int(self.experiments[lane])].info
                info["bound"] = info.get("bound", 0.0) + error
            found = runs[lane](
                branch.state,
                np.arange(self.settings.shots) if branch.shots is None else branch.shots,
                seed=self.sink.seed,
                experiment=self.sink.ids[int(self.experiments[lane])],
                purpose=Purpose.STATE | (number << 8),
                threads=self.settings.threads,
                cancel=self.cancel,
            )
            out += [Branch(lane, piece.state, piece.members) for piece in found]
        self.sink.ran(self.experiments[list(runs)].tolist(), model.qubits, ["trajectories"])
        return out

    def _trajectories(
        self, model: Model, tones: Sequence[Tone], lane: int, step: Step, state: np.ndarray
    ) -> Tuple[Trajectories, float]:
        """Return trajectories of a lane, in the longest steps that do, and their error in a population."""
        for units in STEPS:
            run = Trajectories(model, tones, lane, start=step.start, stop=step.stop, units=units)
            error = run.error(state, self.cancel)
            if error < STEP_ERROR or (units <= 2.0 and error < UNSEEN / self.settings.shots**0.5):
                break
        return run, error

    def _held(self, qubits: Tuple[int, ...]) -> Model:
        return self.model.hold([self.model.qubits.index(q) for q in qubits]) if qubits else self.model

    def _between(
        self, states: np.ndarray, lanes: np.ndarray, start: int, stop: int, held: Tuple[int, ...]
    ) -> np.ndarray:
        model = self._held(held)
        chosen = self.part.take(self.group.experiments[lanes])
        edges = (np.full(lanes.size, start, np.int64), np.full(lanes.size, stop, np.int64))
        return evolve_states(model, chosen, states, *edges, self.sink, self.experiments[lanes], self.cancel)

    def _measure(self, number: int, step: Step, branches: List[Branch], more: bool) -> List[Branch]:
        local = tuple(self.model.qubits.index(a.qubit) for a in step.acquires)
        found, out = self.sample(number, local, branches, more)
        for lane, levels in found.items():
            experiment = int(self.experiments[lane])
            for acquire, start, q in zip(step.acquires, levels, local):
                tables = partial(self.signals.of, self.group, self.plays, lane, acquire, self.model.levels[q])
                self.sink.write(experiment, acquire, tables, start)
                if more:
                    self.ends[lane, acquire.qubit] = self.sink.ends(experiment, acquire, tables(), start)
        return out

    def sample(
        self, number: int, local: Tuple[int, ...], branches: List[Branch], more: bool
    ) -> Tuple[Dict[int, np.ndarray], List[Branch]]:
        """Draw the joint levels of some qubits, shot by shot.

        Returns:
            Per lane uint8[qubits, shots]; and the collapsed branches, if
            ``more`` follows.
        """
        shots = self.settings.shots
        dims = tuple(self.model.levels[q] for q in local)
        mapping = outcome_map(self.model.levels, local)
        whole = len(local) == self.model.n and local == tuple(range(self.model.n))
        weights = populations(np.stack([b.state for b in branches]))
        found: Dict[int, np.ndarray] = {}
        out: List[Branch] = []
        draws: Dict[int, np.ndarray] = {}
        for branch, p in zip(branches, weights):
            lane = branch.lane
            if lane not in draws:
                key = (number << 16) | self.model.qubits[0]
                stream = self.sink.numbers(int(self.experiments[lane]), Purpose.OUTCOME, key)
                draws[lane] = uniforms(stream, 0, shots)
                found[lane] = np.zeros((len(local), shots), np.uint8)
            joint = p if whole else np.bincount(mapping, weights=p, minlength=int(np.prod(dims)))
            u = draws[lane] if branch.shots is None else draws[lane][branch.shots]
            outcome = pick_levels(joint, u)
            levels = outcome_levels(outcome, dims)
            if branch.shots is None:
                found[lane] = levels
            else:
                found[lane][:, branch.shots] = levels
            if more:
                out += [
                    Branch(lane, collapse(branch.state, mapping == value), members)
                    for value, members in split(outcome, branch.shots)
                ]
        return found, out

    def _release(self, acquires: Sequence[Acquire], branches: List[Branch]) -> List[Branch]:
        """Put every shot's qubits into the levels that their jumps left."""
        local = [self.model.qubits.index(a.qubit) for a in acquires]
        out: List[Branch] = []
        for branch in branches:
            key = np.zeros(self.settings.shots if branch.shots is None else branch.shots.size, np.int64)
            for acquire, q in zip(acquires, local):
                end = self.ends[branch.lane, acquire.qubit]
                key = key * self.model.levels[q] + (end if branch.shots is None else end[branch.shots])
            for value, members in split(key, branch.shots):
                state, rest = branch.state, value
                for q in reversed(local):
                    rest, new = divmod(rest, self.model.levels[q])
                    state = move_level(state, self.model.levels, q, level_of(state, self.model.levels, q), new)
                out.append(Branch(branch.lane, state, members))
        return merge(out)

    def _reset(self, number: int, qubit: int, branches: List[Branch]) -> List[Branch]:
        local = self.model.qubits.index(qubit)
        excited = residual(self.device, qubit) if self.settings.noise else 0.0
        if branches and branches[0].state.ndim == 2:
            return [replace(b, state=reset_density(b.state, self.model.levels, local, excited)) for b in branches]
        _, collapsed = self.sample(number, (local,), branches, True)
        out: List[Branch] = []
        for branch in collapsed:
            old = level_of(branch.state, self.model.levels, local)
            out.append(replace(branch, state=move_level(branch.state, self.model.levels, local, old, 0)))
        return merge(out)


def evolve_states(
    model: Model,
    batch: Batch,
    states: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    sink: Sink,
    experiments: np.ndarray,
    cancel: Optional[Any] = None,
) -> np.ndarray:
    """Evolve kets [n, dim] or density matrices [n, dim, dim], each between its own samples.

    The sink is told how that was done, for ``experiments``.
    """
    mixed, settings = states.ndim == 3, sink.settings
    solver, used = "lindblad" if mixed else "schroedinger", set()  # type: ignore[var-annotated]
    out = evolve_batch(
        model,
        batch,
        states if mixed else states[:, :, None],
        start=start,
        stop=stop,
        solver=solver,
        method="auto" if settings.method in ("trajectories", "density") else settings.method,
        rwa=True,
        tolerance=settings.tolerance,
        threads=settings.threads,
        cancel=cancel,
        used=used,
    )
    sink.ran(experiments.tolist(), model.qubits, [f"{solver} {name}" for name in used])
    return out if mixed else out[:, :, 0]


def take_lanes(group: LaneGroup, lanes: np.ndarray) -> LaneGroup:
    """Return a group with other lanes (repeated ones too)."""
    if np.array_equal(lanes, np.arange(len(group.experiments))):
        return group
    return LaneGroup(
        group.program,
        group.experiments[lanes],
        group.los.take(lanes),
        None if group.value is None else group.value[lanes],
        None if group.angle is None else group.angle[lanes],
    )


def split(key: np.ndarray, shots: Optional[np.ndarray]) -> List[Tuple[int, np.ndarray]]:
    """Group shots by an integer: (value, shot indices), values ascending."""
    index = np.arange(key.size) if shots is None else shots
    order = np.argsort(key, kind="stable")
    values, starts = np.unique(key[order], return_index=True)
    return list(zip(values.tolist(), np.split(index[order], starts[1:])))


def level_of(state: np.ndarray, levels: Tuple[int, ...], qubit: int) -> int:
    """Return the level of a collapsed qubit."""
    p = populations(state[None])[0]
    return int(outcome_map(levels, (qubit,))[int(np.argmax(p))])


def merge(branches: List[Branch]) -> List[Branch]:
    """Join branches of one lane whose states are equal, bit by bit."""
    out: Dict[Tuple[int, bytes], Branch] = {}
    for branch in branches:
        key = (branch.lane, branch.state.tobytes())
        known = out.get(key)
        if known is None:
            out[key] = branch
        elif known.shots is not None and branch.shots is not None:
            known.shots = np.sort(np.concatenate([known.shots, branch.shots]))
    return list(out.values())
