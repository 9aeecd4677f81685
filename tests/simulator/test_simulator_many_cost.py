"""What a simulation says of itself before it runs, and how large ones do."""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import numpy as np
import pytest
from many_systems import X_AMP, X, chain, device, program

from pulsekit.errors import MemoryCapError
from pulsekit.program import Pulse
from pulsekit.simulator import simulate
from pulsekit.simulator.simulate import as_batch


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
    assert 2 > cluster.bytes / 374e6 > 0.5  # measured
    text = str(plan)
    for words in ("dimension 59049", "9 couplings", "MiB", "4800 samples"):
        assert words in text


NOISY = {"t1": 50e-6, "t2": 40e-6}
KINDS = {
    "six qutrits": (6, 3200, {}, {}, "splitting"),
    "three, no RWA": (3, 480, {}, {"rwa": False}, "splitting"),
    "three density matrices": (3, 800, NOISY, {"noise": True}, "splitting"),
    "trajectories": (5, 480, NOISY, {"solver": "trajectories", "trajectories": 300, "seed": 1}, "quantum jumps"),
    "two at once": (2, 480, {}, {}, "magnus"),
    "two at once, T1 and T2": (2, 480, NOISY, {"noise": True}, "magnus"),
    "two at once, no RWA": (2, 320, {}, {"rwa": False}, "magnus"),
    "two by the reference": (2, 160, {}, {"method": "reference"}, "reference"),
    "one": (1, 1600, {}, {}, "propagators, computed once"),
    "one, no RWA": (1, 1600, {}, {"rwa": False}, "polynomial"),
    "one, T1, T2, no RWA": (1, 1600, NOISY, {"noise": True, "rwa": False}, "polynomial, decay in steps"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_prediction_is_near_and_names_the_methods(kind):
    """Meant to be right within a factor of two; a busy machine is given four."""
    n, samples, transmon, settings, method = KINDS[kind]
    dev = chain(n, **transmon)
    batch = as_batch(_all_driven(n, samples), dev, None)
    took = []
    for _ in range(4):
        start = time.thread_time()
        simulate(batch, dev, **settings)
        took.append(time.thread_time() - start)
    plan = simulate(batch, dev, explain=True, **settings).info["plan"]
    assert plan.seconds / 4 < min(took) < plan.seconds * 4
    (cluster,) = plan.clusters
    assert method in cluster.method
    assert cluster.seconds == sum(p.seconds for p in cluster.parts)
    assert all(p.method in str(plan) for p in cluster.parts)


def test_a_plan_names_every_method_of_a_schedule():
    flat = Pulse.from_shape("constant", 200, {})
    dev = chain(2)
    late = dev.replace(drives=tuple(replace(d, delay_s=0.3 * i * dev.timing.dt) for i, d in enumerate(dev.drives)))
    plays = [("d0", 0, X, 0.2, 0.0), ("d0", 160, flat, 0.1, 0.0), ("d0", 400, X, 0.2, 0.0), ("d1", 480, X, 0.2, 0.0)]
    parts = {p.what: p for p in simulate(program(plays, 700), dev, explain=True).info["plan"].clusters[0].parts}
    assert parts["samples of one carrier"].method == "polynomial"
    assert parts["samples of one carrier"].samples == 160 + 80 + 80
    assert parts["samples of several carriers"].method == "magnus"
    assert parts["samples of several carriers"].samples == 80
    assert (parts["flats"].method, parts["flats"].samples) == ("closed form", 200)
    assert parts["delays"].samples == 700 - 160 - 200 - 240
    (cluster,) = simulate(program(plays, 700), late, explain=True).info["plan"].clusters
    assert {p.method for p in cluster.parts if p.samples} == {"magnus", "closed form"}


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
