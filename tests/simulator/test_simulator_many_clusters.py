"""Clusters against exact simulation of the larger cluster."""

from __future__ import annotations

import numpy as np
import pytest
from many_systems import CR, X_AMP, X, chain, device, program

from pulsekit.device import Crosstalk
from pulsekit.errors import MemoryCapError, SimulationError
from pulsekit.simulator import plan_clusters, simulate
from pulsekit.simulator.simulate import as_batch


def _effect(dev, plays, duration):
    """Return the exact effect of leaving everything out, and its estimate."""
    p = program(plays, duration)
    whole = simulate(p, dev, spectator_bound=1e-15).joint(0, [0, 1])
    apart = simulate(p, dev, spectator_bound=0.999999)
    cut = apart.joint(0)
    if cut.size < whole.size:
        cut = np.concatenate([cut, np.zeros(whole.size - cut.size)])
    return np.abs(whole - cut).max(), sum(c.bound for c in apart.clusters)


@pytest.mark.parametrize("detuning", [60e6, 80e6, 100e6, -100e6])
def test_the_estimate_covers_an_idle_spectator(detuning):
    dev = device([5e9, 5e9 + detuning], {(0, 1): 2e6})
    exact, estimate = _effect(dev, [("d0", 0, X, X_AMP, 0.0)], 160)
    assert exact < 1.3 * estimate < 10 * exact + 1e-6


@pytest.mark.parametrize("detuning", [60e6, 100e6, 150e6])
def test_the_estimate_covers_a_cross_resonance_tone(detuning):
    dev = device([5e9, 5e9 + detuning], {(0, 1): 2e6})
    exact, estimate = _effect(dev, [("u0", 0, CR, 0.3, 0.0)], 1040)
    assert 0.05 < exact < 1.1 * estimate < 3 * exact


def test_two_driven_neighbours_are_joined():
    dev = chain(2)
    exact, estimate = _effect(dev, [("d0", 0, X, X_AMP / 2, 0.0), ("d1", 0, X, X_AMP / 2, 0.0)] * 1, 160)
    assert exact < estimate
    p = program([("d0", 0, X, X_AMP / 2, 0.0), ("d1", 0, X, X_AMP / 2, 0.0)], 160)
    (cluster,) = plan_clusters(as_batch(p, dev, None), dev)
    assert cluster.qubits == (0, 1)
    assert cluster.couplings == ((0, 1),)


def test_a_left_out_coupling_keeps_its_part_of_the_drive():
    """Without the dressed matrix element this is 1.6e-4."""
    dev = device([5e9, 5.1e9], {(0, 1): 2e6})
    exact, _ = _effect(dev, [("d0", 0, X, X_AMP / 2, 0.0)], 160)
    assert exact < 5e-6


def test_idle_qubits_are_measured_apart():
    dev = chain(9)
    p = program([], 0, acquires=range(9))
    clusters = plan_clusters(as_batch(p, dev, None), dev)
    assert [c.qubits for c in clusters] == [(q,) for q in range(9)]
    assert all(c.bound == 0 for c in clusters)


def test_a_spectator_at_the_tone_joins_and_others_do_not():
    dev = chain(4)
    p = program([("u0", 0, CR, 0.3, 0.0)], 1040)  # on qubit 0 at the frequency of qubit 1
    (cluster,) = plan_clusters(as_batch(p, dev, None), dev)
    assert cluster.qubits[:2] == (0, 1)
    p = program([("d0", 0, X, X_AMP, 0.0)], 160)
    (cluster,) = plan_clusters(as_batch(p, dev, None), dev)
    assert cluster.qubits == (0,)
    assert cluster.left_out
    assert 0 < cluster.bound < 1e-4


def test_a_second_neighbour_at_the_tone_joins_through_the_middle():
    far = device([5e9, 5.1e9, 4.92e9], {(0, 1): 3e6, (1, 2): 3e6})
    tone = [("d0", 0, CR, 0.3, 0.0)]
    from pulsekit.simulator.los import default_los

    los = default_los(far, 1)
    los.drive[0, 0] = 4.92e9  # the drive of qubit 0 at the frequency of qubit 2
    clusters = plan_clusters(as_batch(program(tone, 1040), far, los), far, spectator_bound=1e-6)
    assert any(set(c.qubits) >= {0, 1, 2} for c in clusters)


def test_resonant_neighbours_are_one_system():
    dev = device([5e9, 5.001e9], {(0, 1): 2e6})
    p = program([("d0", 0, X, 1e-4, 0.0)], 160)
    (cluster,) = plan_clusters(as_batch(p, dev, None), dev)
    assert cluster.qubits == (0, 1)


def test_crosstalk_counts_only_where_it_does_something():
    dev = device([5e9, 5.3e9], {})
    weak = dev.replace(crosstalk=(Crosstalk("d0", 1, 0.01),))
    near = device([5e9, 5.002e9], {}).replace(crosstalk=(Crosstalk("d0", 1, 0.1),))
    p = program([("d0", 0, X, X_AMP, 0.0)], 160)
    assert [c.qubits for c in plan_clusters(as_batch(p, weak, None), weak)] == [(0,)]
    assert [c.qubits for c in plan_clusters(as_batch(p, near, None), near)] == [(0,), (1,)]


def test_experiments_with_equal_clusters_share_them():
    dev = chain(3)
    a = program([("d0", 0, X, X_AMP, 0.0)], 160)
    b = program([("d0", 0, X, X_AMP, 1.0)], 160)
    clusters = plan_clusters(as_batch([a, b, a], dev, None), dev)
    assert len(clusters) == 1
    assert clusters[0].experiments.tolist() == [0, 1, 2]


def test_what_does_not_fit_is_refused_with_ways_out():
    dev = chain(27)
    plays = [(f"d{q}", 160 * k, X, X_AMP / 2, 0.1 * k) for q in range(27) for k in range(3)]
    batch = as_batch(program(plays, 480), dev, None)
    with pytest.raises(MemoryCapError, match=r"dimension 7625597484987.*fewer levels.*spectator_bound"):
        plan_clusters(batch, dev, noise=False)
    with pytest.raises(SimulationError, match="spectator_bound"):
        plan_clusters(batch, dev, spectator_bound=0)


def test_a_weak_spectator_has_two_levels_and_that_changes_nothing():
    dev = device([5e9, 5.06e9], {(0, 1): 2e6})
    p = program([("d0", 0, X, X_AMP, 0.0)], 160)
    batch = as_batch(p, dev, None)
    (cluster,) = plan_clusters(batch, dev, spectator_bound=1e-5)
    assert cluster.levels == (3, 2)
    two = simulate(p, dev, spectator_bound=1e-5).level_populations(0, 0)
    three = simulate(p, dev, spectator_bound=1e-12)
    assert three.clusters[0].levels == (3, 3)
    assert np.abs(two - three.level_populations(0, 0)).max() < 1e-6


def test_a_neighbour_that_starts_excited_shifts_a_driven_one():
    """Ramsey on qubit 0 for 0.7 us: the ZZ shift of 190 kHz turns it by 0.8 rad."""
    dev = device([5e9, 5.11e9], {(0, 1): 2e6})
    p = program([("d0", 0, X, X_AMP / 2, 0.0), ("d0", 3160, X, X_AMP / 2, 1.0)], 3320)
    for level, joined in ((0, False), (1, True)):
        found = simulate(p, dev, initial={0: 0, 1: level})
        whole = simulate(p, dev, initial={0: 0, 1: level}, spectator_bound=1e-12)
        assert (len(found.clusters) == 1) == joined
        assert np.abs(found.level_populations(0, 0) - whole.level_populations(0, 0)).max() < 1e-4


def test_a_triangle_keeps_its_third_coupling():
    dev = device([5e9, 5.06e9, 5.1e9], {(0, 1): 3e6, (1, 2): 3e6, (0, 2): 3e6})
    p = program([("d0", 0, X, X_AMP, 0.0), ("u0", 160, CR, 0.5, 0.0)], 1200)
    (cluster,) = plan_clusters(as_batch(p, dev, None), dev, spectator_bound=1e-6)
    assert cluster.couplings == ((0, 1), (0, 2), (1, 2))
