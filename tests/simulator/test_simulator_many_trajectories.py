"""Quantum-jump trajectories against density matrices and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from many_systems import X_AMP, X, chain, model, program, random_ket, random_tones
from scipy.linalg import expm

from pulsekit.simulator import Cluster, jumptree, simulate, trajectories
from pulsekit.simulator.jumpdraws import DRAWS, Draws
from pulsekit.simulator.jumpkinds import jump_kinds
from pulsekit.simulator.jumptree import JumpTree
from pulsekit.simulator.largedressing import LargeDressing
from pulsekit.simulator.many import evolve_splitting
from pulsekit.simulator.operators import embed, lowering
from pulsekit.simulator.paths import Sharing, Waiting
from pulsekit.simulator.sites import rates
from pulsekit.simulator.splitting import Splitting
from pulsekit.simulator.trajectories import Trajectories


def _mean(branches, count):
    weights = np.array([b.members.size for b in branches]) / count
    return weights @ np.array([np.abs(b.state) ** 2 for b in branches])


@pytest.mark.parametrize("levels", [(3,), (3, 2, 2)])
def test_nothing_happens_in_no_time(levels):
    """Three transmons with T1 and T2 ended in "wrong number of dimensions": so did every time grid from 0 on."""
    n = len(levels)
    dev = chain(n, t1=80e-6, t2=70e-6)
    cluster = Cluster(np.arange(1), tuple(range(n)), levels, tuple((i, i + 1) for i in range(n - 1)))
    ket = random_ket(int(np.prod(levels)), 3)
    for settings in ({}, {"noise": True, "times": [0, 0]}, {"solver": "trajectories", "trajectories": 3}):
        found = simulate(program([], 0), dev, clusters=[cluster], initial=ket, **settings)
        assert np.abs(found.populations[0] - np.abs(ket) ** 2).max() < 1e-12
        along = found.clusters[0].over_time
        assert along is None or np.abs(along[0] - np.abs(ket) ** 2).max() < 1e-12


def test_the_mean_is_the_density_matrix():
    m = model((3, 2, 2), noise=True)
    stop, count = 400, 6000
    tones = random_tones(m, stop, 3, 5)
    x = random_ket(m.dim, 7)
    rho = evolve_splitting(
        m, tones, np.outer(x, x.conj())[None], start=0, stop=stop, solver="lindblad", rwa=True, tolerance=1e-6
    )[0]
    found = Trajectories(m, tones, 0, start=0, stop=stop)(x, np.arange(count), seed=1)
    exact = np.diag(rho).real
    p = np.array([np.abs(b.state) ** 2 for b in found])
    w = np.array([b.members.size for b in found]) / count
    error = np.sqrt(np.maximum(w @ p**2 - (w @ p) ** 2, 1e-9) / count)
    chi2 = float((((w @ p - exact) / error) ** 2)[exact > 0.01].mean())
    assert chi2 < 3
    assert sum(b.jumps > 0 for b in found) > 100


def test_decay_alone_is_exponential():
    base = model((2, 2, 2))
    m = replace(base, t1=np.full(3, 2e-6), t2=np.full(3, 4e-6), couplings=(), w_bare=base.w_frame)
    x = np.zeros(8, complex)
    x[7] = 1
    stop, count = 2000, 20000
    found = Trajectories(m, [], 0, start=0, stop=stop)(x, np.arange(count), seed=2)
    survive = np.exp(-stop * m.dt / 2e-6)
    p = _mean(found, count)
    assert abs(p[7] - survive**3) < 5 * np.sqrt(survive**3 / count)
    assert abs(p[0] - (1 - survive) ** 3) < 5 * np.sqrt((1 - survive) ** 3 / count) + 1e-4


def _table(branches):
    out = {k: b.state for b in branches for k in b.members.tolist()}
    return np.array([out[k] for k in sorted(out)])


def test_threads_and_splits_do_not_change_a_trajectory():
    m = model((3, 2, 2), noise=True)
    tones = random_tones(m, 400, 3, 5)
    x = random_ket(m.dim, 7)
    run = Trajectories(m, tones, 0, start=0, stop=400)

    found = run(x, np.arange(60), seed=5)
    one = _table(found)
    for threads in (2, 4, 8):
        again = run(x, np.random.default_rng(threads).permutation(60), seed=5, threads=threads)
        assert np.array_equal(again.states, found.states)
        assert np.array_equal(again.members, found.members)
    assert np.array_equal(_table(run(x, np.arange(20, 40), seed=5)), one[20:40])
    assert not np.array_equal(_table(run(x, np.arange(60), seed=6)), one)


@pytest.mark.parametrize(
    "setting",
    [(trajectories, "WORTH", 0.0), (trajectories, "ASK", 1e-9), (jumptree, "AMPLITUDES", 0), (jumptree, "ROOM", 1)],
    ids=lambda setting: setting[1],
)
def test_pieces_of_work_do_not_change_a_trajectory(monkeypatch, setting):
    m = replace(model((3, 2, 2), noise=True), t1=np.full(3, 1e-6), t2=np.full(3, 1e-6))
    tones = random_tones(m, 400, 3, 5)
    x = random_ket(m.dim, 7)
    run = Trajectories(m, tones, 0, start=0, stop=400)
    found = run(x, np.arange(300), seed=5)
    assert max(b.jumps for b in found) > 2
    monkeypatch.setattr(trajectories, "WORTH", 0.0)
    monkeypatch.setattr(*setting)
    for threads in (1, 2, 3):
        again = run(x, np.arange(300), seed=5, threads=threads)
        assert np.array_equal(_table(again), _table(found))
        assert [b.jumps for b in again] == [b.jumps for b in found]


def test_two_hands_let_one_tree_grow():
    """In turn, a step or two at a time: each has something, the one takes what falls in the other, nothing is lost."""
    m = replace(model((3, 2, 2), noise=True), t1=np.full(3, 1e-6), t2=np.full(3, 1e-6))
    run = Trajectories(m, random_tones(m, 400, 3, 5), 0, start=0, stop=400)
    x, draws = random_ket(m.dim, 7), Draws(5, 0, 7, np.arange(5000))
    found = run(x, draws.members, seed=5)
    waiting, calm = run._waiting(run._enter * x, draws)
    states = run.ends.enter(run.dressing.to_bare((run._enter * x)[:, None])).T
    sharing = Sharing(np.array([0, len(waiting.row)]), waiting, np.zeros(1, dtype=np.int64))
    grown = JumpTree(run.run, run.parts[0], run._jumps, states, sharing, draws, threads=2)
    hands, made, rows, more = [grown.hand(), grown.hand()], [0, 0], [], True
    while more or not grown.done:
        more = False
        for k, hand in enumerate(hands):
            more |= grown.grow(hand, 2 * run.run.step_seconds())
            if hand.full or not more:
                kets, who = grown.taken(hand)
                made[k] += len(kets)
                rows += [*who.waiting.row.tolist()]
    assert min(made) > 0.3 * len(found)
    assert sum(made) == len(found)
    assert sorted([*rows, *calm.tolist()]) == list(range(5000))


def test_a_tree_deeper_than_its_frames_grows_on(monkeypatch):
    m = replace(model((3, 2, 2), noise=True), t1=np.full(3, 3e-7), t2=np.full(3, 3e-7))
    run = Trajectories(m, random_tones(m, 1000, 3, 5), 0, start=0, stop=1000)
    x, made = random_ket(m.dim, 7), []
    found = run(x, np.arange(3000), seed=5)
    deepen = jumptree.Hand.deepen

    def counted(hand):
        deepen(hand)
        made.append(len(hand.arrays()[3]))

    monkeypatch.setattr(jumptree, "FRAMES", 2)
    monkeypatch.setattr(jumptree.Hand, "deepen", counted)
    again = run(x, np.arange(3000), seed=5)
    assert max(made) >= 4
    assert np.array_equal(again.states, found.states)
    assert np.array_equal(again.members, found.members)
    assert np.array_equal(again.jumps, found.jumps)


def test_a_jump_comes_at_the_step_that_is_nearest_to_its_level():
    """States after one jump are those of exponentials; which step it came after shows in their phases."""
    m, stop, step = replace(model((3, 2, 2), noise=True), t1=np.full(3, 3e-6), t2=np.full(3, 2e-6)), 300, 1
    x, members = random_ket(m.dim, 7), np.arange(400)
    found = Trajectories(m, [], 0, start=0, stop=stop, step=float(step))(x, members, seed=5)
    w_c = float(np.mean(m.w_bare))
    decay = sum(c.conj().T @ c for c in m.collapse_dressed) / 2
    once = expm((-1j * np.diag(m.energies(w_c)) - decay) * step * m.dt)
    kets, ahead = [x], [np.diag(np.exp(1j * m.offsets(w_c) * stop * m.dt))]
    for _ in range(stop // step):
        kets.append(once @ kets[-1])
        ahead.append(ahead[-1] @ once)
    norms = np.array([np.vdot(ket, ket).real for ket in kets])
    levels = Draws(5, 0, 7, members).at(members, np.zeros_like(members))
    seen = 0
    for branch in found:
        if branch.jumps == 1:
            # the first members' level is passed within this step: the nearest of both ends
            k = int(np.searchsorted(-norms, -levels[branch.members[0]]))
            late = (norms[k - 1] - levels[branch.members[0]]) / (norms[k - 1] - norms[k])
            at = k if late > 0.5 else k - 1
            if abs(late - 0.5) > 0.05 and at > 0:
                after = [ahead[stop // step - at] @ c @ kets[at] for c in m.collapse_dressed]
                overlaps = [abs(np.vdot(branch.state, y)) / np.linalg.norm(y) for y in after]
                assert max(overlaps) > 1 - 1e-7
                seen += 1
    assert seen > 30


def test_those_who_never_jump_are_known_beforehand():
    m = replace(model((3, 2, 2), noise=True), t1=np.full(3, 1e-6), t2=np.full(3, 1e-6))
    run = Trajectories(m, random_tones(m, 400, 3, 5), 0, start=0, stop=400)
    x = random_ket(m.dim, 7)
    found = run(x, np.arange(300), seed=5)
    draws = Draws(5, 0, 7, np.arange(300))
    assert len(run._waiting(x, draws)[1]) > 100
    run._least = 0.0
    assert len(run._waiting(x, draws)[1]) == 0
    again = run(x, np.arange(300), seed=5)
    assert np.array_equal(again.states, found.states)
    assert np.array_equal(again.members, found.members)
    assert len(found[0].members) > 101


def test_trajectories_take_the_dressing_of_large_clusters():
    m = model((3, 2, 2), noise=True)
    run = Trajectories(m, random_tones(m, 400, 3, 5), 0, start=0, stop=400)
    x = random_ket(m.dim, 7)
    found = run(x, np.arange(2000), seed=5)
    with run._ladder() as ladder:
        run.dressing = LargeDressing(m, ladder.w_c, ladder.live)
    again = run(x, np.arange(2000), seed=5)
    assert len(found) > 30
    assert np.array_equal(again.members, found.members)
    assert np.abs(again.states - found.states).max() < 1e-4


@pytest.mark.parametrize("levels", [(3, 2, 4), (2, 2, 3)])
def test_jumps_are_those_of_their_operators(levels):
    m = replace(model(levels, noise=True), p_th=np.array([0.02, 0.0, 0.1]))
    x, expected = random_ket(m.dim, 7), []
    for q, d in enumerate(m.levels):
        down, up, dephasing = rates(m, q)
        raising = np.zeros((d, d))
        raising[1, 0] = 1.0
        for rate, operator in ((down, lowering(d)), (up, raising), (2 * dephasing, np.diag(np.arange(d)))):
            if rate > 0:
                expected.append(np.sqrt(rate) * embed(operator, q, m.levels) @ x)
    weight = np.linalg.norm(expected, axis=1)[:, None] ** 2

    run, count = Splitting(m, 1.0, rwa=True, tolerance=1e-6, mode="nojump"), 20_000
    rows = np.arange(count)
    sharing = Sharing(np.array([0, 1, count]), Waiting(np.zeros(count), rows, np.ones_like(rows)), np.array([0, 4]))
    nothing = run.plan(run.course(run.drive.played([], 0, 0, 0)))
    kinds = jump_kinds(m, run.layout)
    grown = JumpTree(run, nothing, kinds, np.stack([x, 2 * x]), sharing, Draws(1, 0, 7, rows), fell=True)
    hand = grown.hand()
    assert not grown.grow(hand, 1.0)
    states, found = grown.taken(hand)
    assert np.abs(states[1:] - expected / np.sqrt(weight)).max() < 1e-14
    assert np.abs(states[1:] - states[0]).max(axis=1).min() < 1e-14
    assert np.array_equal(found.jumps, [1] + [5] * len(expected))
    share = np.diff(found.first[1:]) / (count - 1)
    assert np.abs(share - (weight / weight.sum())[:, 0]).max() < 0.015
    assert np.array_equal(np.sort(found.waiting.row), rows)
    assert (found.waiting.used == 3).all()
    assert (np.diff(found.waiting.level)[np.diff(found.owner) == 0] <= 0).all()


def test_the_step_error_is_estimated():
    m = model((3, 2, 2), noise=True)
    tones = random_tones(m, 400, 3, 5)
    x = random_ket(m.dim, 7)
    coarse = Trajectories(m, tones, 0, start=0, stop=400, step=4.0).error(x)
    fine = Trajectories(m, tones, 0, start=0, stop=400, step=1.0).error(x)
    assert 0 < fine < coarse / 8 < 1e-2


def test_draws_belong_to_trajectories():
    rows, number = np.divmod(np.arange(50 * DRAWS), DRAWS)
    all_of_them = Draws(3, 1, 7, np.arange(50)).at(rows, number).reshape(50, DRAWS)
    some = Draws(3, 1, 7, np.array([7, 31])).at(rows[: 2 * DRAWS], number[: 2 * DRAWS])
    assert np.array_equal(some.reshape(2, DRAWS), all_of_them[[7, 31]])
    assert np.array_equal(
        np.random.Generator(np.random.Philox(key=[3, 1], counter=[0, 0, 7, 0])).random((50, DRAWS)), all_of_them
    )
    assert (
        np.unique(np.concatenate([all_of_them, Draws(3, 2, 7, np.arange(50)).at(rows, number).reshape(50, -1)])).size
        == 100 * DRAWS
    )


def test_draws_go_on_in_a_stream_of_each_trajectory():
    number = np.arange(DRAWS + 500)
    some, all_of_them = Draws(3, 1, 7, np.array([7, 31])), Draws(3, 1, 7, np.arange(50))
    late = some.at(np.full(number.size, 1), number)
    assert np.array_equal(late, all_of_them.at(np.full(number.size, 31), number))
    own = np.random.Generator(np.random.Philox(key=[3, 1], counter=[0, 31, 7, 1])).random(500)
    assert np.array_equal(late[DRAWS:], own)
    assert np.unique(np.concatenate([late, some.at(np.zeros_like(number), number)])).size == 2 * number.size


def test_simulate_averages_trajectories():
    dev = chain(3, 2, t1=2e-6, t2=1.5e-6)
    p = program([(f"d{q}", 160 * k, X, X_AMP / 2, 0.3 * q) for q in range(3) for k in range(2)], 320)
    exact = simulate(p, dev, noise=True).populations[0]
    out = simulate(p, dev, solver="trajectories", trajectories=2000, seed=4, outputs=("populations", "states"))
    error = next(iter(out.info["standard_error"].values()))[0]
    assert np.abs(out.populations[0] - exact).max() < 5 * error.max() + 1e-4
    assert np.abs(np.diag(out.states[0]).real - out.populations[0]).max() < 1e-9
    assert out.info["seed"] == 4
    assert out.info["trajectories"] == 2000


@pytest.mark.parametrize("basis", ["dressed", "bare"])
@pytest.mark.parametrize("idle", [0, 2000])
def test_trajectories_are_averaged_on_a_time_grid(basis, idle):
    """Also across a long delay, which they cross in closed form, and after the program's end, where nothing goes on."""
    dev = chain(3, 2, t1=4e-6, t2=3e-6)
    plays = [(f"d{q}", k * (160 + idle), X, X_AMP / 2, 0.3 * q) for q in range(3) for k in range(2)]
    p, stop = program(plays, 320 + idle), 320 + idle
    times = [0, 37, 160, 160, 160 + idle // 3, 200 + idle, stop, stop + 100]
    exact = simulate(p, dev, noise=True, basis=basis, times=times).over_time[0]
    settings = {"solver": "trajectories", "trajectories": 3000, "seed": 4, "basis": basis, "times": times}
    found = simulate(p, dev, **settings)
    ((_, error),) = found.info["standard_error_over_time"].items()
    seen = found.over_time[0]
    assert np.abs(seen.sum(axis=1) - 1).max() < 1e-9
    assert np.abs(seen[0] - exact[0]).max() < 1e-9
    assert np.abs(seen[-1] - found.populations[0]).max() < 1e-9
    assert np.array_equal(seen[2], seen[3])
    assert np.abs(seen[-1] - seen[2]).max() > 0.05
    assert (np.abs(seen - exact) < 5 * error[0] + 1e-3).all()
    assert error[0, 4:].max(axis=1).min() > 1e-4
    assert np.abs(error[0, -1] - next(iter(found.info["standard_error"].values()))[0]).max() < 1e-9
    for threads in (2, 4):
        assert np.array_equal(simulate(p, dev, threads=threads, **settings).over_time, found.over_time)


def test_a_time_grid_without_jumps_is_that_of_a_ket():
    dev = chain(3, 3, t1=1.0, t2=1.0)
    p = program([(f"d{q}", 0, X, X_AMP / 2, 0.3 * q) for q in range(3)], 160)
    times = [0, 13, 80, 131, 160]
    exact = simulate(p, dev, times=times).over_time[0]
    found = simulate(p, dev, solver="trajectories", trajectories=10, seed=1, times=times).over_time[0]
    assert np.abs(found - exact).max() < 2e-4


def test_experiments_side_by_side_are_as_alone():
    dev = chain(3, 2, t1=2e-6, t2=1.5e-6)
    p = program([(f"d{q}", 160 * k, X, X_AMP / 2, 0.3 * q) for q in range(3) for k in range(2)], 320)
    batch = [p] * 5
    settings = {"solver": "trajectories", "trajectories": 300, "seed": 4, "outputs": ("populations", "states")}
    found = simulate(batch, dev, **settings)
    assert np.abs(found.populations[0] - found.populations[1]).max() > 1e-6  # random numbers of their own
    for threads in (2, 3, 4, 8):
        again = simulate(batch, dev, threads=threads, **settings)
        assert np.array_equal(again.populations, found.populations)
        assert np.array_equal(again.states, found.states)


@pytest.mark.nightly
def test_many_jumps_still_agree():
    m = replace(model((3, 3, 2), noise=True), t1=np.full(3, 0.1e-6), t2=np.full(3, 0.1e-6))
    tones = random_tones(m, 900, 3, 9)
    x = random_ket(m.dim, 7)
    rho = evolve_splitting(
        m, tones, np.outer(x, x.conj())[None], start=0, stop=900, solver="lindblad", rwa=True, tolerance=1e-6
    )[0]
    found = Trajectories(m, tones, 0, start=0, stop=900, step=1.0)(x, np.arange(4000), seed=1)
    assert max(b.jumps for b in found) > 8
    assert np.abs(_mean(found, 4000) - np.diag(rho).real).max() < 0.02
