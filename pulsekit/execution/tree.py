"""Follow single shots of one cluster through a program, states kept in a tree.

For runs without reset: where a shot starts is known only when the last one
has ended. A state is computed when a shot first comes to it. Programs that
draw once (one group of acquires at the end) take a whole block of shots at a
time for every start that occurs.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from typing import Dict, List, Tuple

import numpy as np

from ..readout import Purpose, free_decay, free_rates, jump_tables, pick_levels, uniforms
from ..simulator.trajectories import Trajectories
from .collapse import collapse, move_level, outcome_levels, outcome_map, populations, reset_density
from .run import Part, Run
from .start import rep_delay, residual
from .steps import Acquire, Kind, Step, cut, drives_after
from .walk import Branch, Walk, evolve_states, level_of

__all__ = ["Levels", "Pool", "Tree", "basis_index", "idle_table"]

POOL_BYTES = 1 << 26  # of states evolved in one call
SMALL = 81  # dimension up to which a block of shots is taken at a time

Levels = Tuple[int, ...]


class Node:
    """A state at a step, and the states that follow it."""

    __slots__ = ("children", "cumulative", "levels", "state", "step")

    def __init__(self, state: np.ndarray, step: int) -> None:
        self.state = state
        self.step = step
        self.cumulative: List[float] = []
        self.levels: List[Tuple[int, ...]] = []  # of the measured qubits, per outcome
        self.children: Dict[Tuple[int, ...], "Node"] = {}


class Tree:
    """One cluster of one experiment: its states, and the numbers of the shots at hand."""

    def __init__(self, run: Run, walk: Walk, experiment: int, qubits: Tuple[int, ...], pool: "Pool") -> None:
        self.pool = pool
        pool.trees.append(self)
        self.walk, self.experiment, self.qubits = walk, experiment, qubits
        self.sink, self.device, self.settings = run.sink, run.device, run.settings
        self.levels = walk.model.levels
        program = walk.group.program
        steps = cut(program, qubits, to_end=True)
        last = max((i for i, s in enumerate(steps) if s.kind == Kind.MEASURE), default=-1)
        dt = run.device.timing.dt
        self.duration = steps[-1].stop if steps else program.duration
        self.delay = rep_delay(run.device, run.settings, program.duration)
        self.idle_s = dict.fromkeys(qubits, self.delay)  # per qubit, after what the tree walks through
        self.rest: Tuple[int, ...] = ()  # qubits whose levels are drawn with the last acquire's
        held = steps[last - 1].qubits if last > 0 and steps[last - 1].kind == Kind.EVOLVE else ()
        if last >= 0 and not held and not drives_after(program, steps[last].stop):
            # from here on levels only decay, which commutes with drawing them: the rest is idle time
            stops = {a.qubit: a.t0 + a.duration for a in steps[last].acquires}
            self.rest = tuple(q for q in qubits if q not in stops)
            self.idle_s = {q: self.delay + (self.duration - stops.get(q, steps[last].stop)) * dt for q in qubits}
            steps = steps[: last + 1]
        self.steps: List[Step] = steps
        self.roots: Dict[Levels, Node] = {}
        self.starts = {a: np.zeros(run.settings.shots, np.uint8) for s in steps for a in s.acquires}
        self.tables_of = {
            a: partial(run.signals.of, walk.group, walk.plays, 0, a, self.levels[qubits.index(a.qubit)])
            for a in self.starts
        }
        drawn = [s for s in steps if s.kind != Kind.EVOLVE]
        once = len(drawn) == 1 and drawn[0].kind == Kind.MEASURE
        self.unravels = once and len(steps) == 2 and walk.unravels
        self.single = self.unravels or (once and walk.model.dim <= SMALL)
        self.runs: Dict[int, Trajectories] = {}  # of the first step
        self.tables: Dict[Levels, List[Levels]] = {}  # start: levels after each shot of the block
        self.found: Dict[Levels, np.ndarray] = {}  # start: uint8[acquires, shots of the block]
        self.first = 0
        self.draws: Dict[int, List[float]] = {}
        self.ends: Dict[Acquire, List[bytes]] = {}
        self.idle: List[List[bytes]] = []

    def load(self, first: int, count: int) -> None:
        """Draw the random numbers of a block of shots."""
        self.first = first
        self.tables, self.found = {}, {}
        for number, step in enumerate(self.steps):
            if step.kind in (Kind.MEASURE, Kind.FINISH, Kind.RESET):
                stream = self.sink.numbers(self.experiment, Purpose.OUTCOME, (number << 16) | self.qubits[0])
                self.draws[number] = uniforms(stream, first, count).tolist()
        for acquire, tables in self.tables_of.items():
            acquisition = tables()
            self.ends[acquire] = [
                self.sink.ends(self.experiment, acquire, acquisition, np.full(count, s, np.uint8), first).tobytes()
                for s in range(acquisition.levels)
            ]
        self.idle = [idle_table(self, q, d, self.idle_s[q], first, count) for q, d in zip(self.qubits, self.levels)]

    def table(self, start: Levels) -> List[Levels]:
        """Take all shots of the block through a program that draws once; see :meth:`shot`."""
        step = self.steps[-1]
        local = self._local(step)
        u = np.array(self.draws[len(self.steps) - 1])
        if self.unravels:
            outcome = self._unraveled(start, local, u)
        else:
            outcome = pick_levels(np.diff(np.array(self._root(start).cumulative), prepend=0.0), u)
        found = outcome_levels(outcome, [self.levels[q] for q in local])
        at, code = np.arange(u.size), np.zeros(u.size, np.int64)
        strides = np.cumprod((1,) + self.levels[:-1])
        for j, q in enumerate(local):
            level = found[j]
            if j < len(step.acquires):
                level = _stacked(self.ends[step.acquires[j]])[level, at]
            code += strides[q] * _stacked(self.idle[q])[level, at].astype(np.int64)
        names = [tuple(int(c // w % d) for w, d in zip(strides, self.levels)) for c in range(self.walk.model.dim)]
        self.found[start] = found[: len(step.acquires)]
        out = self.tables[start] = [names[c] for c in code.tolist()]
        return out

    def _unraveled(self, start: Levels, local: Tuple[int, ...], u: np.ndarray) -> np.ndarray:
        """Return the joint outcome of every shot of the block, each of which is a trajectory of its own."""
        ket = np.zeros(self.walk.model.dim, complex)
        ket[basis_index(start, self.levels)] = 1
        every = Branch(0, ket, np.arange(self.first, self.first + u.size))
        mapping, size = outcome_map(self.levels, local), int(np.prod([self.levels[q] for q in local]))
        out = np.empty(u.size, np.int64)
        for branch in self.walk.unravel(0, self.steps[0], [every], self.runs):
            assert branch.shots is not None
            at = branch.shots - self.first
            joint = np.bincount(mapping, weights=populations(branch.state[None])[0], minlength=size)
            out[at] = pick_levels(joint, u[at])
        return out

    def keep(self, used: List[Levels]) -> None:
        """Store the levels at the acquire of a block whose shots started from ``used``."""
        keys = {key: i for i, key in enumerate(self.found)}
        which = np.array([keys[key] for key in used])
        block = slice(self.first, self.first + len(used))
        for j, acquire in enumerate(self.steps[-1].acquires):
            choices = np.stack([found[j] for found in self.found.values()])
            self.starts[acquire][block] = choices[which, np.arange(len(used))]

    def _root(self, start: Levels) -> "Node":
        node = self.roots.get(start)
        if node is None:
            node = self.roots[start] = self._advance(*self.pool.state_of(start, self))
        return node

    def shot(self, start: Levels, k: int) -> Levels:
        """Take shot ``first + k`` through the program; return the levels after the idle time."""
        if self.unravels:
            ends = self.tables[start] if start in self.tables else self.table(start)
            for j, a in enumerate(self.steps[-1].acquires):
                self.starts[a][self.first + k] = self.found[start][j][k]
            return ends[k]
        node = self._root(start)
        level: Dict[int, int] = {}
        while True:
            step = self.steps[node.step] if node.step < len(self.steps) else None
            if step is None:
                for a in self.steps[-1].acquires:
                    level[a.qubit] = self.ends[a][level[a.qubit]][k]
                return tuple(self.idle[i][level[q]][k] for i, q in enumerate(self.qubits))
            key: Levels
            if step.kind == Kind.RELEASE:
                key = tuple(self.ends[a][level[a.qubit]][k] for a in step.acquires)
            else:
                cumulative = node.cumulative
                outcome = bisect_right(cumulative, self.draws[node.step][k] * cumulative[-1])
                key = node.levels[min(outcome, len(cumulative) - 1)]
                if step.kind == Kind.FINISH:
                    return tuple(self.idle[i][s][k] for i, s in enumerate(key))
                for a, s in zip(step.acquires, key):
                    self.starts[a][self.first + k] = s
                    level[a.qubit] = s
                for q, s in zip(self.rest, key[len(step.acquires) :]):
                    level[q] = s
            child = node.children.get(key)
            if child is None:
                child = node.children[key] = self._follow(node, step, key)
            node = child

    def _advance(self, state: np.ndarray, number: int) -> Node:
        """Evolve to the next step that draws something, and prepare it."""
        while number < len(self.steps):
            step = self.steps[number]
            if step.kind == Kind.EVOLVE:
                state = self.walk.evolve(step, [Branch(0, state, None)])[0].state
            elif step.kind == Kind.RESET and state.ndim == 2:
                excited = residual(self.device, step.qubits[0]) if self.settings.noise else 0.0
                state = reset_density(state, self.levels, self.qubits.index(step.qubits[0]), excited)
            else:
                break
            number += 1
        node = Node(state, number)
        if number < len(self.steps) and self.steps[number].kind != Kind.RELEASE:
            local = self._local(self.steps[number])
            dims = tuple(self.levels[q] for q in local)
            p = populations(state[None])[0]
            joint = np.bincount(outcome_map(self.levels, local), weights=np.maximum(p, 0), minlength=int(np.prod(dims)))
            node.cumulative = np.cumsum(joint).tolist()
            node.levels = [tuple(int(s) for s in row) for row in outcome_levels(np.arange(joint.size), dims).T]
        return node

    def _follow(self, node: Node, step: Step, key: Levels) -> Node:
        local, state = self._local(step), node.state
        if step.kind == Kind.RELEASE:
            for q, new in zip(local, key):
                state = move_level(state, self.levels, q, level_of(state, self.levels, q), new)
        else:
            keep = np.ones(self.walk.model.dim, bool)
            for q, s in zip(local, key):
                keep &= outcome_map(self.levels, (q,)) == s
            state = collapse(state, keep)
            if step.kind == Kind.RESET:
                state = move_level(state, self.levels, local[0], key[0], 0)
        return self._advance(state, node.step + 1)

    def _local(self, step: Step) -> Tuple[int, ...]:
        touched = tuple(a.qubit for a in step.acquires) or step.qubits
        if step.kind == Kind.MEASURE and step is self.steps[-1]:
            touched += self.rest
        return tuple(self.qubits.index(q) for q in touched)


class Pool:
    """The trees of one cluster; their first stretches are evolved together."""

    def __init__(self, part: Part, run: Run) -> None:
        self.part, self.sink, self.cancel = part, run.sink, run.cancel
        self.trees: List[Tree] = []
        self._known: Dict[Tuple[Tuple[int, ...], int], np.ndarray] = {}  # (start, tree): state at its first acquire

    def state_of(self, start: Tuple[int, ...], tree: Tree) -> Tuple[np.ndarray, int]:
        """Return a tree's state that began in ``start``, and the step that comes next."""
        if not self._plain(tree):
            return self._basis(start, tree), 0
        if (start, id(tree)) not in self._known:
            self._evolve(start, [t for t in self.trees if self._plain(t) and t.walk.mixed == tree.walk.mixed])
        return self._known.pop((start, id(tree))), 1

    @staticmethod
    def _plain(tree: Tree) -> bool:
        return bool(tree.steps) and tree.steps[0].kind == Kind.EVOLVE and not tree.walk.dephasing.windows

    def _evolve(self, start: Tuple[int, ...], trees: List[Tree]) -> None:
        lanes = np.concatenate([t.walk.group.experiments for t in trees])
        stop = np.array([t.steps[0].stop for t in trees], np.int64)
        size = max(1, POOL_BYTES // (16 * self._basis(start, trees[0]).size))
        for low in range(0, len(trees), size):
            some = slice(low, low + size)
            states = np.stack([self._basis(start, t) for t in trees[some]])
            batch = self.part.batch.take(lanes[some])
            first = np.zeros_like(stop[some])
            whose = self.part.experiments[lanes[some]]
            out = evolve_states(self.part.model, batch, states, first, stop[some], self.sink, whose, self.cancel)
            self._known.update({(start, id(t)): state for t, state in zip(trees[some], out)})

    def _basis(self, start: Tuple[int, ...], tree: Tree) -> np.ndarray:
        index, dim = basis_index(start, self.part.model.levels), self.part.model.dim
        state = np.zeros((dim, dim) if tree.walk.mixed else dim, complex)
        state[(index,) * state.ndim] = 1
        return state


def basis_index(start: Levels, levels: Levels) -> int:
    """Return the basis state of some levels; what a cluster does not have counts as its highest one.

    A shot may come from an experiment whose cluster has more levels of a qubit.
    """
    within = np.minimum(start, np.array(levels) - 1)
    return int(np.dot(within, np.cumprod((1,) + levels[:-1])))


def _stacked(rows: List[bytes]) -> np.ndarray:
    return np.stack([np.frombuffer(row, np.uint8) for row in rows])


def idle_table(tree: Tree, qubit: int, levels: int, time_s: float, first: int, count: int) -> List[bytes]:
    """Return, per level, the levels that shots have after an idle time."""
    rates, target = jump_tables(free_rates(tree.device.transmons[qubit], levels, tree.settings.noise))
    stream = tree.sink.numbers(tree.experiment, Purpose.DECAY, qubit)
    out = []
    for s in range(levels):
        level = np.full(count, s, np.uint8)
        free_decay(rates, target, stream, first, level, time_s)
        out.append(level.tobytes())
    return out
