"""Batches on executors: equal results, and workers that die."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os

import numpy as np
import pytest
from many_systems import X, chain, device, program

from pulsekit.errors import SimulationError
from pulsekit.program import Batch, ParameterTable
from pulsekit.simulator import default_los, simulate, simulate_with


def _programs(count=6):
    return [
        program([("d0", 0, X, 0.04 * k, 0.1), ("d1", 0, X, 0.2, 0.1), ("d2", 0, X, 0.1, 0.0)], 160)
        for k in range(1, count + 1)
    ]


def _same(a, b):
    assert a.experiments == b.experiments
    for e in range(a.experiments):
        assert np.array_equal(a.joint(e), b.joint(e))


def test_threads_and_forked_processes_give_the_same_bits():
    dev, programs = chain(3), _programs()
    alone = simulate(programs, dev, threads=2)  # threads have run: a fork must not hang
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        _same(simulate_with(pool, programs, dev), alone)
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        _same(simulate_with(pool, programs, dev, pieces=3), alone)


def test_a_split_sweep_keeps_the_clusters_of_the_whole():
    """Weak drives alone would leave the neighbour out; next to strong ones they have it."""
    dev = device((5.0e9, 5.06e9), {(0, 1): 3e6})
    one = program([("d0", 0, X, 0.0, 0.1)], 160)
    table = ParameterTable(("amp",), np.zeros(1, np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int32), np.ones(1))
    theta = np.linspace(0.001, 0.5, 12)[:, None]
    batch = Batch((one.replace(parameters=table),), np.zeros(12, np.int32), default_los(dev, 12), theta)
    whole = simulate(batch, dev)
    assert whole.clusters[0].qubits == (0, 1)
    assert simulate(batch.take(np.arange(1)), dev).clusters[0].qubits == (0,)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        split = simulate_with(pool, batch, dev, pieces=5)
    assert [c.qubits for c in split.clusters] == [c.qubits for c in whole.clusters]
    _same(split, whole)


class _Deadly(concurrent.futures.ProcessPoolExecutor):
    """Sends its first worker away for good."""

    def __init__(self):
        super().__init__(1, mp_context=multiprocessing.get_context("fork"))
        self.killed = False

    def submit(self, function, /, *args):
        if not self.killed:
            self.killed = True
            return super().submit(os._exit, 1)
        return super().submit(function, *args)


def test_a_dead_worker_does_not_lose_the_job():
    dev, programs = chain(3), _programs(4)
    with _Deadly() as pool:
        _same(simulate_with(pool, programs, dev, pieces=2), simulate(programs, dev))


def test_what_cannot_be_spread_is_refused():
    with pytest.raises(SimulationError, match="submit"):
        simulate_with(object(), _programs(1), chain(3))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with pytest.raises(SimulationError, match="spread"):
            simulate_with(pool, _programs(1), chain(3), solver="trajectories")
        with pytest.raises(SimulationError, match="tolerance"):
            simulate_with(pool, _programs(1), chain(3), tolerance=-1)


@pytest.mark.nightly
def test_a_dask_cluster_gives_the_same_bits():
    distributed = pytest.importorskip("dask.distributed")
    dev, programs = chain(3), _programs()
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        _same(simulate_with(client, programs, dev), simulate(programs, dev))
