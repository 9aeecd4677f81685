"""What a simulation says of itself before it runs, and how large ones do."""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest
from many_systems import X_AMP, X, chain, device, program

from pulsekit.errors import MemoryCapError
from pulsekit.simulator import simulate


def _all_driven(n, samples, gap=160):
    plays = [
        (f"d{q}", gap * k, X, X_AMP * (0.5 if (k + q) % 2 else 1), 0.3 * k)
        for q in range(n)
        for k in range(samples // gap)
    ]
    return program(plays, samples)


def test_explain_runs_nothing_and_says_what_would():
    dev, p = chain(10), _all_driven(10, 4800)
    start = time.process_time()
    plan = simulate(p, dev, explain=True).info["plan"]
    assert time.process_time() - start < 2
    (cluster,) = plan.clusters
    assert cluster.dimension == 3**10
    assert cluster.segments == 31
    assert cluster.method == "splitting"
    assert cluster.samples == 4800
    assert 10 * 3**10 * 16 > cluster.bytes / 12 > 3**10
    text = str(plan)
    for words in ("dimension 59049", "9 couplings", "MiB", "4800 samples"):
        assert words in text


def test_the_prediction_is_near():
    dev, p = chain(6), _all_driven(6, 3200)
    simulate(p, dev)
    seconds = simulate(p, dev, explain=True).info["plan"].seconds
    start = time.thread_time()
    simulate(p, dev)
    took = time.thread_time() - start
    assert seconds / 4 < took < seconds * 4


def test_the_cap_names_cluster_dimension_bytes_and_ways_out():
    dev, p = chain(5), _all_driven(5, 160)
    with pytest.raises(MemoryCapError) as caught:
        simulate(p, dev, solver="lindblad", memory_cap=1_000_000)
    text = str(caught.value)
    for words in (
        "qubits [0, 1, 2, 3, 4]",
        "dimension 243",
        "bytes",
        "trajectories",
        "fewer levels",
        "spectator_bound",
    ):
        assert words in text
    simulate(p, dev, memory_cap=10_000_000)


def test_uncoupled_pairs_cost_as_many_pairs():
    def pairs(count):
        dev = device([5e9 + 110e6 * (i % 2) for i in range(2 * count)], {(2 * i, 2 * i + 1): 2e6 for i in range(count)})
        p = _all_driven(2 * count, 1600)
        simulate(p, dev)
        times = []
        for _ in range(3):
            start = time.thread_time()
            out = simulate(p, dev)
            times.append(time.thread_time() - start)
        return min(times), len(out.clusters)

    one, clusters = pairs(1)
    assert clusters == 1
    twenty, clusters = pairs(20)
    assert clusters == 20
    assert twenty < 60 * one


@pytest.mark.nightly
@pytest.mark.parametrize(("n", "levels"), [(10, 3), (12, 2)])
def test_large_clusters_run(n, levels):
    start = time.process_time()
    out = simulate(_all_driven(n, 4960), chain(n, levels))
    assert abs(out.populations.sum() - 1) < 1e-6
    assert time.process_time() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 1024**2


@pytest.mark.nightly
def test_eight_noisy_qutrits():
    dev = chain(8, 3, t1=50e-6, t2=40e-6, p_th=0.01)
    p = _all_driven(8, 480)
    start = time.process_time()
    out = simulate(p, dev, solver="trajectories", trajectories=1000, threads=2, seed=1)
    assert abs(out.populations.sum() - 1) < 1e-9
    assert time.process_time() - start < 300
    assert np.isfinite(out.populations).all()
