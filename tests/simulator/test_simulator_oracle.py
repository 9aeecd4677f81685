"""Random devices and schedules against solvers that share no code with ours: scipy, QuTiP, qiskit-dynamics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from oracle import final_states
from peers import dynamics_states, qutip_states
from random_schedules import Case, build, random_case

from pulsekit.program import Batch
from pulsekit.simulator import simulate

# seeds that once missed the tolerance: dt of 1 ns with three transmons (7, 70, 144), with T1 and T2 (109, 122),
# late lines (57, 120); that took 5 to 9 s on late lines (19, 119); any (0-4)
SEEDS = (0, 2, 3, 4, 7, 19, 57, 70, 109, 119, 120, 122, 144)
PEERS = 50.0  # times the tolerance, that amplitudes of peers are off by


def check(case: Case, want: np.ndarray, tolerance: float, states: float = 1.0, **more: Any) -> None:
    """Populations to the tolerance, amplitudes and entries to so many of it."""
    device, batch, settings = build(case)
    ours = simulate(batch, device, outputs=("populations", "states"), **{**settings, "tolerance": tolerance, **more})
    populations = np.diag(want).real if case.noise else np.abs(want) ** 2
    assert np.abs(ours.populations[0] - populations).max() < tolerance, case
    assert np.abs(ours.states[0] - want).max() < states * tolerance, case


@pytest.mark.parametrize("seed", SEEDS)
def test_the_asked_tolerance_is_kept(seed: int) -> None:
    case = random_case(seed)
    check(case, final_states(case), case.tolerance)


@pytest.mark.parametrize(
    ("seed", "tolerance"),
    [
        (17, 1e-9),  # without the RWA, a flat that took more than its share
        (105, 1e-8),  # T1 and T2 on four levels, whose transitions are twice as far apart as those of three
        (87, 1e-7),  # T1 and T2 on three transmons: populations told nothing of the other entries
        (142, 1e-10),  # late lines on 18 levels with T1 and T2
    ],
)
def test_states_keep_the_tolerance_too(seed: int, tolerance: float) -> None:
    case = random_case(seed)
    check(case, final_states(case), tolerance)


@pytest.mark.parametrize(
    ("seed", "fixed", "tolerance"),
    [
        (0, {"levels": [3], "rwa": False, "noise": True, "delay": "none"}, 1e-6),
        (3, {"levels": [3, 2], "noise": False, "delay": "part"}, 1e-6),
    ],
)
def test_a_time_grid_keeps_the_tolerance(seed: int, fixed: dict, tolerance: float) -> None:
    """Every stretch between times had the whole of it: the end was off by four and eight times the tolerance."""
    case = random_case(seed, **fixed)
    check(case, final_states(case), tolerance, times=range(1, case.duration, 3))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(200))
def test_the_asked_tolerance_is_kept_on_200_schedules(seed: int) -> None:
    case = random_case(seed)
    check(case, final_states(case), case.tolerance)


# small models, so that solvers of others end soon; a few by default, all nightly
KINDS = (
    {"levels": [3], "rwa": True, "noise": False},
    {"levels": [3, 2], "rwa": True, "noise": False},
    {"levels": [3, 2], "rwa": True, "noise": True},
    {"levels": [2, 2, 2], "rwa": True, "noise": False},
    {"levels": [2], "rwa": False, "noise": True, "dt": 2e-9 / 9},
)


def small_case(seed: int) -> Case:
    """Return one of 200 cases that any solver can take."""
    return random_case(seed, **KINDS[seed % len(KINDS)])


@pytest.mark.parametrize("seed", range(15, 20))
def test_results_equal_qutip(seed: int) -> None:
    check(small_case(seed), qutip_states(small_case(seed)), 1e-8, PEERS)


@pytest.mark.parametrize("seed", range(20, 23))
def test_results_equal_qiskit_dynamics(seed: int) -> None:
    check(small_case(seed), dynamics_states(small_case(seed)), 1e-8, PEERS)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(200))
def test_results_equal_qutip_and_qiskit_dynamics_on_200_schedules(seed: int) -> None:
    case = small_case(seed)
    check(case, qutip_states(case), 1e-8, PEERS)
    check(case, dynamics_states(case), 1e-8, PEERS)


@pytest.mark.parametrize(("levels", "dt"), [([3, 3], 2e-9 / 9), ([2, 4], 1e-9), ([5], 2e-9 / 9)])
def test_density_matrices_keep_any_tolerance(levels: list, dt: float) -> None:
    """Decay by Simpson's rule: Strang's steps were off by 2e-9 to 2e-5 where several tones play."""
    case = random_case(2, levels=levels, rwa=True, noise=True, delay="none", dt=dt)
    want = final_states(case)
    for tolerance in (1e-5, 1e-7, 1e-9):
        check(case, want, tolerance, method="polynomial")


def test_density_matrices_keep_the_tolerance_without_rwa() -> None:
    case = random_case(0, levels=[3], rwa=False, noise=True, delay="none", dt=2e-9 / 9)
    want = final_states(case)
    for tolerance in (1e-6, 1e-8, 1e-10):
        check(case, want, tolerance)


@pytest.mark.parametrize("dt", [5e-10, 1e-9, 32e-9 / 9])
def test_splitting_keeps_the_tolerance_at_long_samples(dt: float) -> None:
    """A step of 3.6 ns turned coupled states by 13 rad, and its error estimate meant nothing."""
    case = random_case(5, n=3, rwa=True, noise=False, delay="none", dt=dt)
    want = final_states(case)
    for tolerance in (1e-4, 1e-6, 1e-9):
        check(case, want, tolerance)


def test_drives_too_strong_for_one_map_take_several() -> None:
    """At 0.5 ns, without the RWA; they went by the reference, in a minute."""
    case = random_case(130)
    want = final_states(case)
    check(case, want, 1e-6)
    check(case, want, 1e-9, method="polynomial")  # which never goes by the reference


@pytest.mark.parametrize(("seed", "rwa", "noise"), [(3, True, False), (3, False, False), (2, True, True)])
def test_late_lines_agree_in_every_method_that_takes_them(seed: int, rwa: bool, noise: bool) -> None:
    case = random_case(seed, levels=[3, 2], rwa=rwa, noise=noise, delay="part", dt=2e-9 / 9)
    want = final_states(case)
    check(case, want, 1e-9)
    check(case, want, 1e-7, method="magnus")
    check(case, want, 1e-5, method="splitting")
    check(case, want, 1e-5, method="reference")


@pytest.mark.parametrize("noise", [False, True])
def test_lanes_on_late_lines_do_not_see_their_neighbours(noise: bool) -> None:
    case = random_case(11, levels=[3, 3], rwa=True, noise=noise, delay="part", dt=2e-9 / 9)
    device, batch, settings = build(case)
    program = batch.programs[0]
    events = program.events
    many = [program.replace(events=events.replace(value=events.value * f)) for f in (1.0, 0.9, 0.3, 0.05, 1.0)]
    los = batch.los.take(np.zeros(len(many), dtype=int))
    whole = Batch(tuple(many), np.arange(len(many), dtype=np.int32), los)
    (cluster,) = settings.pop("clusters")
    every = [replace(cluster, experiments=np.arange(len(many)))]
    together = simulate(whole, device, outputs=("states",), clusters=every, threads=2, **settings).states
    assert np.array_equal(together[0], together[4])
    for k in range(len(many)):
        alone = simulate(whole.take(np.array([k])), device, outputs=("states",), clusters=[cluster], **settings).states
        assert np.array_equal(alone[0], together[k])
