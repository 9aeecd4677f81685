"""Trajectories that idle in closed form, against the master equation and small steps."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from many_systems import model, random_ket, random_tones

from pulsekit.simulator import trajectories
from pulsekit.simulator.idle import evolve_idle, idle_windows
from pulsekit.simulator.many import evolve_splitting
from pulsekit.simulator.threads import WAITING, Crew
from pulsekit.simulator.trajectories import Trajectories


def _noisy(levels, t1, t2, strength=2e6):
    m = model(levels, noise=True, strength=strength)
    k = np.arange(m.n)
    return replace(m, t1=t1 * (1 + 0.3 * k), t2=t2 * (1 + 0.2 * k))


def _echo(m, idle, seed):
    """400 samples of random pulses, an idle time, as much again."""
    late = (400 + idle) * m.dt
    second = [replace(t, start_s=t.start_s + late, t0=t.t0 + 400 + idle) for t in random_tones(m, 400, 3, seed + 50)]
    return random_tones(m, 400, 3, seed) + second, 800 + idle


def _density(m, tones, x, stop):
    rho = np.outer(x, x.conj())[None]
    for a, b, idle in idle_windows(m, tones, 0, stop, True):
        if idle:
            rho = evolve_idle(m, rho, start=a, stop=b, density=True, tolerance=1e-6)
        else:
            rho = evolve_splitting(m, tones, rho, start=a, stop=b, solver="lindblad", rwa=True, tolerance=1e-6)
    return rho[0]


def _chi2(found, exact, count):
    w = np.array([b.members.size for b in found]) / count
    p = np.array([np.abs(b.state) ** 2 for b in found])
    error = np.sqrt(np.maximum(w @ p**2 - (w @ p) ** 2, 1e-9) / count)
    return float((((w @ p - exact) / error) ** 2)[exact > 0.01].mean())


@pytest.mark.parametrize(
    ("levels", "t1", "t2", "idle"),
    [
        ((3, 2, 2), 8e-6, 6e-6, 30_000),  # many dephasing jumps: random phases
        ((3, 3), 8e-6, 10e-6, 30_000),
        ((2, 2, 2), 60e-6, 100e-6, 5000),  # few: jumps
    ],
)
def test_pulses_around_an_idle_time_agree_with_the_master_equation(levels, t1, t2, idle):
    m = _noisy(levels, t1, t2)
    tones, stop = _echo(m, idle, sum(levels))
    x, count = random_ket(m.dim, 7), 3000
    run = Trajectories(m, tones, 0, start=0, stop=stop)
    assert run.idle is not None
    found = run(x, np.arange(count), seed=1)
    exact = np.diag(_density(m, tones, x, stop)).real
    assert _chi2(found, exact, count) < 2.5


def test_dephasing_that_moves_between_dressed_states_is_there():
    m = _noisy((2, 2), 2e-3, 8e-6, strength=8e6)
    x = np.zeros(4, complex)
    x[1] = 1
    stop, count = 400_000, 4000
    rho = evolve_idle(m, np.outer(x, x.conj())[None], start=0, stop=stop, density=True, tolerance=1e-6)[0]
    exact = np.diag(rho).real
    assert exact[2] > 0.1  # by dephasing alone
    found = Trajectories(m, [], 0, start=0, stop=stop)(x, np.arange(count), seed=3)
    assert _chi2(found, exact, count) < 3


def test_a_crossed_idle_time_is_that_of_small_steps(monkeypatch):
    m = _noisy((3, 2, 2), 60e-6, 40e-6).hold((1,))
    x = random_ket(m.dim, 3) * (m.labels[:, 1] == 1)  # beside a neighbour that is held in level 1
    x /= np.linalg.norm(x)

    def unjumped():
        found = Trajectories(m, [], 0, start=0, stop=2000)(x, np.arange(20), seed=1)
        return next(b.state for b in found if b.jumps == 0)

    crossed = unjumped()
    monkeypatch.setattr(trajectories, "IDLE", 10**9)
    assert np.abs(crossed - unjumped()).max() < 2e-4


def test_idle_times_keep_a_trajectory_apart_from_threads_and_splits():
    m = _noisy((3, 2, 2), 8e-6, 6e-6)
    tones, stop = _echo(m, 20_000, 5)
    x = random_ket(m.dim, 7)
    run = Trajectories(m, tones, 0, start=0, stop=stop)

    def table(branches):
        out = {k: b.state for b in branches for k in b.members.tolist()}
        return np.array([out[k] for k in sorted(out)])

    one = table(run(x, np.arange(60), seed=5))
    assert np.array_equal(table(run(x, np.arange(60), seed=5, threads=4)), one)
    assert np.array_equal(table(run(x, np.arange(20, 40), seed=5)), one[20:40])
    for k in range(60):  # alone, its numbers lie differently
        assert np.array_equal(run(x, np.array([k]), seed=5).states, one[k : k + 1])


def test_qubits_too_close_for_a_closed_form_are_stepped_through():
    m = _noisy((2, 2), 1e-6, 1e-6)
    near = replace(m, w_bare=m.w_bare[0] + np.array([0.0, 2e3]), couplings=((0, 1, 2e3),))
    assert Trajectories(near, [], 0, start=0, stop=2000).idle is None
    assert Trajectories(m, [], 0, start=0, stop=2000).idle is not None


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_crew_does_all_that_its_work_makes(threads):
    crew, done, lock = Crew(threads), [], threading.Lock()

    def job(k):
        with lock:
            done.append(k)
        for child in (3 * k + 1, 3 * k + 2, 3 * k + 3):
            if child < 20 * WAITING:
                crew.spawn(lambda child=child: job(child))

    crew.run(lambda: job(0))
    assert sorted(done) == list(range(20 * WAITING))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_crew_does_work_that_goes_on_and_on(threads):
    crew, done = Crew(threads), []

    def job(k):
        done.append(k)
        if k == 0:  # what waits keeps the others' work from waiting
            for _ in range(WAITING):
                crew.spawn(lambda: None)
        if k < 3000:
            crew.spawn(lambda: job(k + 1))

    crew.run(lambda: job(0))
    assert done == list(range(3001))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_crew_raises_what_its_work_raises(threads):
    crew = Crew(threads)

    def job(k):
        if k == 40:
            raise ValueError("forty")
        crew.spawn(lambda: job(k + 1))

    with pytest.raises(ValueError, match="forty"):
        crew.run(lambda: job(0))
