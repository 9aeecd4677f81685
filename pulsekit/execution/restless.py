"""Run without resets: every shot starts where the last one ended.

Shots go circuit first: shot 1 of all experiments, then shot 2 of all. At a
program's end every qubit has a level (what a coherent qubit would show is
drawn then: nothing coherent survives the idle time), which decays freely
during the rep_delay and is where the next program starts. The chain itself is
a walk through trees of known states.
"""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Batch
from ..readout import Purpose, Stream, uniforms
from ..simulator import Cluster
from ..simulator.activity import activity_of
from .run import Counter, Run
from .start import excited_at_start
from .tree import Levels, Pool, Tree, idle_table
from .walk import take_lanes

__all__ = ["left_excited", "run_restless"]

BLOCK = 4096  # shots whose random numbers are held at a time, at most
NUMBERS = 1 << 22  # of all experiments

Resting = Tuple[int, List[bytes]]  # a qubit that an experiment leaves alone, and its decay


def left_excited(batch: Batch, device: Device) -> Tuple[int, ...]:
    """Return the qubits that an experiment may leave excited for the next one: those that any drives."""
    return tuple(sorted({q for activity in activity_of(batch, device) for q in activity.driven}))


def run_restless(run: Run, clusters: List[Cluster], counter: Counter) -> None:
    """Run every shot of every experiment as one chain."""
    trees = _trees(run, clusters)
    every = sorted({q for row in trees for tree in row for q in tree.qubits})
    level = _first_levels(run, every)
    block = min(BLOCK, max(64, NUMBERS // max(1, sum(len(row) for row in trees))))
    alike = len({tuple(tree.qubits for tree in row) for row in trees}) == 1
    alike = alike and all(tree.single for row in trees for tree in row)
    for first in range(0, run.settings.shots, block):
        count = min(block, run.settings.shots - first)
        away = [_load(run, row, every, first, count) for row in trees]
        (_alike_block if alike else _block)(run, trees, away, level, count)
    for row in trees:
        for tree in row:
            for acquire, start in tree.starts.items():
                run.sink.write(tree.experiment, acquire, tree.tables_of[acquire], start)
            counter.done(np.array([tree.experiment]))


def _trees(run: Run, clusters: List[Cluster]) -> List[List[Tree]]:
    trees: List[List[Tree]] = [[] for _ in range(len(run.batch))]
    for cluster in clusters:
        part = run.part(cluster)
        pool = Pool(part, run)
        for group in part.groups:
            for lane in range(len(group.experiments)):
                walk = run.walk(part, take_lanes(group, np.array([lane])))
                experiment = int(walk.experiments[0])
                trees[experiment].append(Tree(run, walk, experiment, cluster.qubits, pool))
    return trees


def _block(run: Run, trees: List[List[Tree]], away: List[List[Resting]], level: Dict[int, int], count: int) -> None:
    """Take a block of shots through the chain, shot by shot."""
    for k in range(count):
        if k % 256 == 0:
            run.check()
        for row, resting in zip(trees, away):
            for tree in row:
                end = tree.shot(tuple(level[q] for q in tree.qubits), k)
                for q, s in zip(tree.qubits, end):
                    level[q] = s
            for q, table in resting:
                level[q] = table[level[q]][k]


def _alike_block(
    run: Run, trees: List[List[Tree]], away: List[List[Resting]], level: Dict[int, int], count: int
) -> None:
    """Do the same where all experiments have the same clusters and draw once: by tables."""
    for j in range(len(trees[0])):
        column = [row[j] for row in trees]
        qubits = column[0].qubits
        now: Levels = tuple(level[q] for q in qubits)
        used: List[List[Levels]] = [[] for _ in column]
        chain = [(tree.tables, tree.table, keys.append) for tree, keys in zip(column, used)]
        for k in range(count):
            if k % 256 == 0:
                run.check()
            for tables, table, note in chain:
                note(now)
                ends = tables.get(now)
                now = (table(now) if ends is None else ends)[k]
        for tree, keys in zip(column, used):
            tree.keep(keys)
        level.update(zip(qubits, now))


def _first_levels(run: Run, qubits: Sequence[int]) -> Dict[int, int]:
    """Return the levels before the first shot: after a reset."""
    level = dict.fromkeys(qubits, 0)
    if run.settings.noise:
        for q in qubits:
            u = uniforms(Stream(run.sink.seed, 0, Purpose.START, q), 0, 1)[0]
            level[q] = int(u < excited_at_start(run.device, q, 0.0))
    return level


def _load(run: Run, row: List[Tree], every: Sequence[int], first: int, count: int) -> List[Resting]:
    """Draw a block's numbers; return what happens to qubits that the experiment leaves alone."""
    for tree in row:
        tree.load(first, count)
    busy = {q for tree in row for q in tree.qubits}
    if not row:
        return []
    tree = row[0]
    time_s = tree.delay + tree.duration * run.device.timing.dt
    return [
        (q, idle_table(tree, q, run.device.transmons[q].levels, time_s, first, count)) for q in every if q not in busy
    ]
