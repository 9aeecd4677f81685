"""Splitting against scipy, QuTiP, the plain reference and itself."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from many_systems import model, random_ket, random_tones
from scipy.integrate import solve_ivp

from pulsekit.errors import CancelledError
from pulsekit.simulator import many, splitting
from pulsekit.simulator.dressing import dressing_of
from pulsekit.simulator.kinks import cross
from pulsekit.simulator.largedressing import LargeDressing
from pulsekit.simulator.many import evolve_splitting
from pulsekit.simulator.methods import choose
from pulsekit.simulator.operators import embed, lowering
from pulsekit.simulator.reference import evolve_reference
from pulsekit.simulator.splitting import Splitting
from pulsekit.simulator.timeline import Tone

KETS = {"solver": "schroedinger", "rwa": True}


def _go(m, tones, x, stop, **kwargs):
    settings = {"start": 0, "tolerance": 1e-6, **KETS, **kwargs}
    return evolve_splitting(m, tones, x, stop=stop, **settings)


def _scipy(m, tones, x, stop, rwa):
    """Integrate in the frame of every transmon's bare frequency, edge by edge; made of the model's numbers only."""
    dim = m.dim
    lower = [embed(lowering(d), q, m.levels) for q, d in enumerate(m.levels)]
    n = m.labels.astype(float)
    static = (n * (n - 1)) @ (m.w_alpha / 2)
    turn = n @ m.w_bare
    h_couplings = sum(w * (lower[i].T @ lower[j] + lower[j].T @ lower[i]) for i, j, w in m.couplings)
    energies, v = m.dressed()
    del energies

    def rhs(t, y):
        phase = np.exp(-1j * turn * t)
        lab = phase * y
        out = h_couplings @ lab
        for tone in tones:
            k = int(np.floor((t - tone.start_s) / m.dt))
            if 0 <= k < tone.samples.size:
                line = m.lines[tone.line]
                f = tone.amplitude[0] * tone.samples[k] * np.exp(1j * tone.w[0] * t)
                a = lower[line.local_qubit]
                if rwa:
                    out = out + line.w_rate / 2 * (f * (a @ lab) + np.conj(f) * (a.T @ lab))
                else:
                    out = out + line.w_rate * f.real * ((a + a.T) @ lab)
        return -1j * (static * y + np.conj(phase) * out)

    y = v @ x
    edges = {0.0, stop * m.dt}
    for tone in tones:
        edges |= {tone.start_s + k * m.dt for k in range(tone.samples.size + 1)}
    marks = sorted(e for e in edges if 0 <= e <= stop * m.dt)
    for a, b in zip(marks[:-1], marks[1:]):
        if b - a < 1e-6 * m.dt:
            continue
        pad = 1e-9 * (b - a)
        step = solve_ivp(rhs, (a + pad, b - pad), y, method="DOP853", rtol=1e-11, atol=1e-12)
        y = step.y[:, -1]
    t = stop * m.dt
    return np.exp(1j * (m.labels @ m.w_frame) * t) * (v.T @ (np.exp(-1j * turn * t) * y))[:dim]


@pytest.mark.parametrize(
    ("levels", "rwa", "shift", "stop"),
    [((3, 2, 3), True, 0.0, 200), ((2, 3, 2, 2), True, 0.3, 170), ((2, 3, 2), False, 0.0, 40)],
)
def test_scipy_agrees(levels, rwa, shift, stop):
    m = model(levels)
    tones = random_tones(m, stop, 3, 4, shift)
    x = random_ket(m.dim, 1)
    ours = _go(m, tones, x.reshape(1, -1, 1), stop, rwa=rwa, tolerance=1e-8)[0, :, 0]
    assert np.abs(ours - _scipy(m, tones, x, stop, rwa)).max() < 2e-7


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("tolerance", "reached"), [(1e-4, 1e-5), (1e-6, 1e-7), (1e-8, 3e-9), (1e-10, 3e-10)])
def test_the_tolerance_is_kept(seed, tolerance, reached):
    m = model((3, 3, 2))
    tones = random_tones(m, 300, seed)
    x = random_ket(m.dim, seed).reshape(1, -1, 1)
    best = _go(m, tones, x, 300, steps=(1 / 4, 1 / 8, 1 / 16))
    ours = _go(m, tones, x, 300, tolerance=tolerance)
    assert np.abs(np.abs(ours) ** 2 - np.abs(best) ** 2).max() < reached


def _late(m, delay):
    """The model with lines that are late by growing parts of ``delay`` samples."""
    lines = tuple(k._replace(delay_s=delay * (i + 1) / len(m.lines) * m.dt) for i, k in enumerate(m.lines))
    return replace(m, lines=lines)


def _rough_tones(m, duration, seed):
    """Strong pulses of random samples, far off resonance, each on its line's grid."""
    rng = np.random.default_rng(seed)
    out = []
    for t in random_tones(m, duration, seed, 5):
        samples = rng.uniform(0, 1, t.samples.size) * np.exp(2j * np.pi * rng.random(t.samples.size))
        start = t.t0 * m.dt + m.lines[t.line].delay_s
        out.append(
            replace(t, samples=samples, start_s=start, amplitude=3 * t.amplitude, w=t.w + rng.uniform(-2e9, 2e9))
        )
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tolerance_is_kept_without_the_rwa(seed):
    """Counter-rotating terms turn twice in a sample."""
    m = model((3, 2, 2))
    tones = _rough_tones(m, 180, seed)
    x = random_ket(m.dim, seed).reshape(1, -1, 1)
    best = _go(m, tones, x, 200, rwa=False, tolerance=1e-12, steps=(1 / 16, 1 / 32, 1 / 64))
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-9):
        ours = _go(m, tones, x, 200, rwa=False, tolerance=tolerance)
        assert np.abs(np.abs(ours) ** 2 - np.abs(best) ** 2).max() < tolerance


def test_the_tolerance_is_kept_where_samples_begin_within_others():
    m = _late(model((3, 2, 2)), 0.9)
    tones = _rough_tones(m, 130, 1)
    x = random_ket(m.dim, 1).reshape(1, -1, 1)
    best = evolve_reference(m, tones, x, start=0, stop=140, tolerance=1e-9, **KETS)
    for tolerance in (1e-4, 1e-5, 1e-6, 1e-7):
        ours = _go(m, tones, x, 140, tolerance=tolerance)
        assert np.abs(np.abs(ours) ** 2 - np.abs(best) ** 2).max() < tolerance
    assert choose(m, "auto", "schroedinger", True, 1e-6) == "magnus"  # from edge to edge, where it is affordable
    assert choose(model((3, 2, 2)), "auto", "schroedinger", True, 1e-6) == "splitting"


def test_the_reference_agrees():
    m = model((3, 3, 3))
    tones = random_tones(m, 200, 5, 5)
    x = random_ket(m.dim, 2).reshape(1, -1, 1)
    exact = evolve_reference(m, tones, x, start=0, stop=200, tolerance=1e-9, **KETS)
    assert np.abs(_go(m, tones, x, 200, tolerance=1e-9) - exact).max() < 1e-8


def test_order_two_and_four_when_extrapolated():
    """Of a symmetric step, odd powers of its length are absent: half of what is undone in it is on either side."""
    m = model((3, 3, 3))
    for seed in (7, 8):
        tones = random_tones(m, 256, seed)
        x = random_ket(m.dim, 3).reshape(1, -1, 1)
        best = _go(m, tones, x, 256, steps=(1 / 4, 1 / 8, 1 / 16))
        plain = [_error(_go(m, tones, x, 256, steps=(s,)), best) for s in (1.0, 0.5)]
        once = [_error(_go(m, tones, x, 256, steps=(s, s / 2)), best) for s in (1.0, 0.5)]
        assert abs(np.log2(plain[0] / plain[1]) - 2) < 0.2
        assert abs(np.log2(once[0] / once[1]) - 4) < 0.4


def test_density_matrices_agree_with_the_reference():
    m = model((3, 2, 2), noise=True)
    tones = random_tones(m, 160, 1, 4)
    x = random_ket(m.dim, 4)
    rho = np.outer(x, x.conj())[None]
    args = {"start": 0, "stop": 160, "solver": "lindblad", "rwa": True}
    ours = evolve_splitting(m, tones, rho, tolerance=1e-7, **args)
    exact = evolve_reference(m, tones, rho, tolerance=1e-8, **args)
    assert np.abs(ours - exact).max() < 2e-7
    assert abs(np.trace(ours[0]) - 1) < 1e-9
    assert np.linalg.eigvalsh(ours[0]).min() > -1e-7


def test_qutip_agrees():
    qutip = pytest.importorskip("qutip")
    m = model((3, 3, 3))
    stop = 160
    tones = random_tones(m, stop, 11, 3)
    h = qutip.Qobj(m.static_bare - np.diag(m.labels @ np.full(m.n, m.w_bare[0])))
    times = np.arange(stop * 8) * (m.dt / 8)
    terms = [h]
    for tone in tones:
        line = m.lines[tone.line]
        a = embed(lowering(m.levels[line.local_qubit]), line.local_qubit, m.levels)

        def f(t, tone=tone, line=line):
            k = int(np.floor((t - tone.start_s) / m.dt + 1e-9))
            if not 0 <= k < tone.samples.size:
                return 0.0
            return line.w_rate / 2 * tone.amplitude[0] * tone.samples[k] * np.exp(1j * (tone.w[0] - m.w_bare[0]) * t)

        terms += [[qutip.Qobj(a), f], [qutip.Qobj(a.T), lambda t, f=f: np.conj(f(t))]]
    _, v = m.dressed()
    x = random_ket(m.dim, 6)
    options = {"atol": 1e-9, "rtol": 1e-8, "max_step": m.dt / 8, "nsteps": 10**6, "method": "adams"}
    times = np.array([0.0, stop * m.dt])
    y = qutip.sesolve(terms, qutip.Qobj(v @ x), times, options=options).states[-1].full()[:, 0]
    ours = _go(m, tones, x.reshape(1, -1, 1), stop)[0, :, 0]
    assert np.abs(np.abs(v.T @ y) ** 2 - np.abs(ours) ** 2).max() < 2e-4  # sample edges are jumps to an ODE solver


def test_two_halves_are_the_whole_and_the_norm_stays():
    m = model((3, 3, 2))
    tones = random_tones(m, 300, 2)
    x = random_ket(m.dim, 5).reshape(1, -1, 1)
    whole = _go(m, tones, x, 300, tolerance=1e-9)
    halves = _go(m, tones, _go(m, tones, x, 143, tolerance=1e-9), 300, start=143, tolerance=1e-9)
    assert np.abs(whole - halves).max() < 1e-8
    assert abs(np.linalg.norm(whole) - 1) < 1e-9


def test_idle_states_only_turn():
    m = model((3, 3, 3))
    x = random_ket(m.dim, 8).reshape(1, -1, 1)
    energies, _ = m.dressed()
    phase = np.exp(-1j * (energies - m.labels @ m.w_frame) * 500 * m.dt)
    assert np.abs(_go(m, [], x, 500) - phase[None, :, None] * x).max() < 1e-8


def test_a_long_delay_is_one_step():
    m = model((3, 3, 2))
    tones = random_tones(m, 200, 3, 3)
    late = [replace(t, start_s=t.start_s + 1000 * m.dt, t0=t.t0 + 1000) for t in random_tones(m, 200, 4, 3)]
    x = random_ket(m.dim, 8).reshape(1, -1, 1)
    whole = _go(m, tones + late, x, 1500)
    parts = x
    for a, b in [(0, 200), *[(k, k + 100) for k in range(200, 1000, 100)], (1000, 1200), (1200, 1350), (1350, 1500)]:
        parts = _go(m, tones + late, parts, b, start=a)  # too short to be idle
    assert np.abs(whole - parts).max() < 1e-6
    start = time.thread_time()
    _go(m, tones, x, 10_000_000)
    assert time.thread_time() - start < 1


def test_held_transmons_keep_their_level():
    m = model((3, 3, 3)).hold([1])
    drives = random_tones(m, 300, 2)
    tones = [t for t in drives if m.lines[t.line].local_qubit != 1]
    x = np.zeros((1, 27, 1), complex)
    x[0, 3] = 1  # qubit 1 in its first excited state
    p = np.abs(_go(m, tones, x, 300)[0, :, 0]) ** 2
    assert p[m.labels[:, 1] == 1].sum() > 1 - 1e-8
    exact = evolve_reference(m, tones, x, start=0, stop=300, tolerance=1e-8, **KETS)
    assert np.abs(p - np.abs(exact[0, :, 0]) ** 2).max() < 3e-3  # neighbours see the held one's shift only


def test_threads_and_splits_do_not_change_a_bit():
    m = model((3, 3, 2))
    base = random_tones(m, 300, 4)
    lanes = 6
    spread = np.linspace(0.5, 1.0, lanes)
    tones = [replace(t, amplitude=t.amplitude * spread, w=np.full(lanes, t.w[0])) for t in base]
    x = np.broadcast_to(random_ket(m.dim, 1)[None, :, None], (lanes, m.dim, 1)).copy()
    one = _go(m, tones, x, 300)
    for threads in (2, 4, 8):
        assert np.array_equal(_go(m, tones, x, 300, threads=threads), one)
    alone = [replace(t, amplitude=t.amplitude[3:4], w=t.w[3:4]) for t in tones]
    assert np.array_equal(_go(m, alone, x[3:4], 300), one[3:4])


@pytest.mark.parametrize("seconds", [1.0, 1e-3, 0.0])
def test_lanes_run_in_one_kernel_call_do_not_see_each_other(seconds, monkeypatch):
    """Lanes that all play, of which one is silent on some lines, and one so rough that it needs finer steps."""
    m, lanes, calls = model((3, 2, 2)), 21, []
    spread = np.linspace(0.5, 1.0, lanes)
    silent, rough = np.arange(lanes) == 4, np.arange(lanes) == 9
    tones = []
    for k, t in enumerate({t.line: t for t in random_tones(m, 300, 4)}.values()):  # one to a line
        amplitude = t.amplitude * np.where(silent & (k % 2 == 0), 0.0, np.where(rough, 60 * spread, spread))
        tones.append(replace(t, amplitude=amplitude, w=t.w + spread * 1e7))
    x = np.stack([random_ket(m.dim, k)[:, None] for k in range(lanes)])
    monkeypatch.setattr(many, "CHUNK_SECONDS", seconds)
    monkeypatch.setattr(many, "cross", lambda *args: calls.append(len(args[3])) or cross(*args))
    one = _go(m, tones, x, 300)
    assert max(calls, default=0) == {1.0: 16, 0.0: 0}.get(seconds, max(calls, default=0))
    for threads in (2, 4, 8):
        assert np.array_equal(_go(m, tones, x, 300, threads=threads), one)
    for k in range(lanes):
        alone = [replace(t, amplitude=t.amplitude[k : k + 1], w=t.w[k : k + 1]) for t in tones]
        assert np.array_equal(_go(m, alone, x[k : k + 1], 300), one[k : k + 1])
        best = _go(m, alone, x[k : k + 1], 300, steps=(1 / 4, 1 / 8, 1 / 16))
        assert _error(one[k : k + 1], best) < 1e-6


def test_cancelling_takes_less_than_a_fifth_of_a_second():
    m = model((3,) * 6)
    tones = random_tones(m, 20000, 1, 40)
    x = random_ket(m.dim, 1).reshape(1, -1, 1)
    _go(m, tones, x, 100)  # tables of the model
    cancel, seen, began = threading.Event(), [], threading.Event()

    class Watched(threading.Event):
        def is_set(self):
            began.set()
            return super().is_set()

    cancel = Watched()

    def work():
        try:
            _go(m, tones, x, 20000, cancel=cancel)
        except CancelledError:
            seen.append(time.perf_counter())

    worker = threading.Thread(target=work)
    worker.start()
    assert began.wait(60)
    start = time.perf_counter()
    cancel.set()
    worker.join()
    assert seen
    assert seen[0] - start < 1.0  # 0.2 s on a machine that is not busy


def test_the_second_order_dressing_of_large_clusters():
    m = model((3, 3, 3, 2), strength=1e6)
    w_c = float(np.mean(m.w_bare))
    exact, rough = dressing_of(m, w_c, m.couplings), LargeDressing(m, w_c, m.couplings)
    eye = np.eye(m.dim, dtype=complex)
    assert np.abs(exact.to_bare(eye) - rough.to_bare(eye)).max() < 1e-4
    assert np.abs(rough.to_dressed(rough.to_bare(eye)) - eye).max() < 1e-12
    _, v = m.dressed()
    assert np.abs(exact.to_bare(eye) - v).max() < 1e-10


def _square(m, q, t0, size, amplitude):
    """A square pulse on resonance."""
    k = next(k for k, line in enumerate(m.lines) if line.channel.kind == "d" and line.local_qubit == q)
    envelope = np.ones(size, dtype=complex)
    return Tone(k, t0 * m.dt, envelope, np.array([amplitude + 0j]), np.array([m.w_frame[q]]), t0, 0)


def _error(y, best):
    return np.abs(np.abs(y) ** 2 - np.abs(best) ** 2).max()


def test_steps_of_two_samples_see_drives_jump_within_them(monkeypatch):
    """Square pulses from odd samples on, the first sample of all among them."""
    m = model((3, 3, 2))
    tones = [_square(m, 0, 1, 41, 0.1), _square(m, 1, 20, 101, 0.08), _square(m, 2, 63, 136, 0.12)]
    x = random_ket(m.dim, 3).reshape(1, -1, 1)
    best = _go(m, tones, x, 200, steps=(1 / 4, 1 / 8, 1 / 16))
    one = _go(m, tones, x, 200, steps=(2.0, 1.0))
    straight = _error(one, best)
    assert straight < 2e-7

    def plain(course, drive, what):
        return drive.coarser(course), np.zeros(m.n)

    monkeypatch.setattr(many.Ladder, "_together", lambda *args: False)
    assert np.array_equal(_go(m, tones, x, 200, steps=(2.0, 1.0)), one)
    monkeypatch.setattr(many, "straightened", plain)
    assert _error(_go(m, tones, x, 200, steps=(2.0, 1.0)), best) > 5 * straight


def test_steps_of_two_samples_evolve_density_matrices_too():
    m = model((3, 2, 2), noise=True)
    tones = [_square(m, 0, 1, 41, 0.1), _square(m, 1, 20, 38, 0.08), _square(m, 2, 33, 47, 0.12)]
    x = random_ket(m.dim, 4)
    rho = np.outer(x, x.conj())[None]
    args = {"solver": "lindblad", "steps": (1 / 2, 1 / 4, 1 / 8)}
    best = _go(m, tones, rho, 80, **args)
    ours = _go(m, tones, rho, 80, **{**args, "steps": (2.0, 1.0)})
    assert np.abs(ours - best).max() < 5e-7


@pytest.mark.parametrize(("start", "stop"), [(0, 201), (7, 200), (6, 7)])
def test_an_odd_number_of_samples(start, stop):
    m = model((3, 3, 2))
    tones = [*random_tones(m, 201, 4), _square(m, 1, 0, 201, 0.05)]  # which overlap, and reach over both ends
    x = random_ket(m.dim, 3).reshape(1, -1, 1)
    best = _go(m, tones, x, stop, start=start, steps=(1 / 4, 1 / 8, 1 / 16))
    assert _error(_go(m, tones, x, stop, start=start, steps=(2.0, 1.0)), best) < 3e-7


def test_rough_drives_take_shorter_steps():
    m = model((3, 3, 2))
    tones = _rough_tones(m, 180, 0)
    x = random_ket(m.dim, 0).reshape(1, -1, 1)
    best = _go(m, tones, x, 180, steps=(1 / 4, 1 / 8, 1 / 16))
    assert _error(_go(m, tones, x, 180, steps=(2.0, 1.0)), best) > 1e-6
    assert _error(_go(m, tones, x, 180), best) < 2e-7


def test_what_a_step_adds_to_idle_states_is_removed():
    """To second order in the couplings, for steps of any length (to h^2 alone 2e-7 is left)."""
    m = model((4, 3, 3))
    x = random_ket(m.dim, 1).reshape(1, -1, 1)
    energies, _ = m.dressed()
    turn = energies - m.labels @ m.w_frame
    for stop in (20, 190):  # longer ones are crossed without steps
        phase = np.exp(-1j * turn * stop * m.dt)
        assert 1e-10 < _error(_go(m, [], x, stop, steps=(2.0, 1.0)), phase[None, :, None] * x) < 5e-8


def test_looks_at_cancel_do_not_change_a_bit(monkeypatch):
    m = model((3, 3, 2))
    tones = random_tones(m, 300, 4)
    x = random_ket(m.dim, 1).reshape(1, -1, 1)
    whole = _go(m, tones, x, 300)
    monkeypatch.setattr(splitting, "CHUNK_SECONDS", 0.0)  # after every step
    assert np.array_equal(_go(m, tones, x, 300), whole)


def test_what_has_no_trace_is_not_scaled_to_one():
    """So many steps that what rounding adds to traces is taken off: of these it is all that there is."""
    m = model((2, 2, 2), noise=True)
    tones = random_tones(m, 40, 4)
    one, two = (np.outer(x, x.conj()) for x in (random_ket(m.dim, 1), random_ket(m.dim, 2)))
    steps = (1 / 16, 1 / 32)

    def go(x):
        more = {"solver": "lindblad", "rwa": True, "tolerance": 1e-12, "steps": steps}
        return evolve_splitting(m, tones, x[None], start=0, stop=40, **more)[0]

    assert np.abs(go(one - two) - (go(one) - go(two))).max() < 1e-11


@pytest.mark.parametrize("samples", [2.0, 4.0])
def test_local_propagators_of_long_steps_are_those_of_their_samples(samples):
    m = model((3, 2, 2))
    tones = random_tones(m, 403, 3, 5)  # ends within a step of 2 and of 4
    idle = Splitting(m, 1.0, rwa=True, tolerance=1e-8).sites.energies

    def total(step, q):
        run = Splitting(m, step, rwa=True, tolerance=1e-8)
        course = run.course(run.drive.played(tones, 0, 0, 403))
        grid, u = course.grid, np.eye(m.levels[q], dtype=complex)
        for h, count, busy, row in zip(grid.h, grid.counts, grid.busy[:, q], grid.rows[:, q]):
            if not busy:
                u = np.exp(-1j * idle[q] * h * count)[:, None] * u
                continue
            first = grid.tables.first[grid.tables.qubits == q][0] // 2
            table = course.numbers.view(np.complex128)[first:]
            for one in table[row * u.size : (row + count) * u.size].reshape(-1, *u.shape):
                u = one @ u
        return u

    for q in range(m.n):
        assert np.abs(total(1.0, q) - total(samples, q)).max() < 1e-11


@pytest.mark.parametrize("late", [0.25, 0.75])
def test_cutting_where_a_late_pulse_just_ends_or_begins_changes_nothing(late):
    """Tails and beginnings of less than half a sample were lost: amplitudes off by 1e-4."""
    m = model((3, 2, 2))
    drive = next(k for k, line in enumerate(m.lines) if line.channel.kind == "d")
    z = np.array([0.9 + 0j])
    tone = Tone(drive, (40 + late) * m.dt, np.full(20, 1 + 0j), z, m.w_frame[:1], 40, 0)
    x = random_ket(m.dim, 2)[None, :, None]
    whole = _go(m, [tone], x, 80, tolerance=1e-8)
    for cut in (40, 41, 60, 61):
        half = _go(m, [tone], x, cut, tolerance=1e-8)
        assert np.abs(_go(m, [tone], half, 80, start=cut, tolerance=1e-8) - whole).max() < 1e-8, cut


@pytest.mark.parametrize(("levels", "noise"), [((2, 2, 2, 2), False), ((2, 2, 2), True)])
@pytest.mark.parametrize("stop", [8, 16, 60])
def test_the_error_of_short_runs_is_not_underestimated(monkeypatch, levels, noise, stop):
    m = replace(model(levels, noise=noise, strength=4e6), dt=0.5e-9)
    x = random_ket(m.dim, 3)
    states = np.outer(x, x.conj())[None] if noise else x[None, :, None]
    seen = []
    estimate = many.Ladder._estimate

    def noted(self, rows, steps, rough, samples):
        found = estimate(self, rows, steps, rough, samples)
        seen.append((steps, float(found.max())))
        return found

    monkeypatch.setattr(many.Ladder, "_estimate", noted)
    settings = {"start": 0, "stop": stop, "solver": "lindblad" if noise else "schroedinger", "rwa": True}
    coarse = evolve_splitting(m, [], states, tolerance=1e-4, **settings)
    assert seen[-1][0] == (2.0, 1.0)
    error = np.abs(coarse - evolve_splitting(m, [], states, tolerance=1e-11, **settings)).max()
    assert 1e-10 < error < seen[0][1]
