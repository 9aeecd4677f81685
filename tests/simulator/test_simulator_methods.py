"""Methods against each other, against scipy, and lanes against their neighbours."""

from __future__ import annotations

import importlib
import threading
import time
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from qiskit import QuantumCircuit
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from simulator_programs import device, gaussian, play, program, random_program

from benchmarks.workloads import load
from benchmarks.workloads.build import batch_of, device_of
from pulsekit import Backend
from pulsekit.device import Device
from pulsekit.errors import CancelledError, SimulationError
from pulsekit.program import Batch, Channel, Op, Program, Pulse, resolve_frames
from pulsekit.simulator import ExtraTerm, Model, default_los, evolve, simulate
from pulsekit.simulator.blocks import aligned
from pulsekit.simulator.operators import embed, lowering

evolve_module = importlib.import_module("pulsekit.simulator.evolve")
windows_module = importlib.import_module("pulsekit.simulator.windows")
OUT = ("populations", "states", "propagators")


def random_case(seed: int) -> "tuple[object, Program, bool, bool]":
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 3))
    levels = int(rng.integers(2, 5)) if n == 1 else int(rng.integers(2, 4))
    dev = device(n, levels)
    return dev, random_program(rng, n, plays=4, overlap=bool(rng.integers(2))), bool(rng.integers(2)), n == 1


def compare(seed: int, rwa: bool, tolerance: float) -> None:
    dev, prog, noise, _ = random_case(seed)
    settings = {"noise": noise, "rwa": rwa, "outputs": OUT, "spectator_bound": 1e-12}
    fast = simulate(prog, dev, tolerance=tolerance, **settings)
    slow = simulate(prog, dev, tolerance=1e-10, method="reference", **settings)
    for a, b in zip(fast.clusters, slow.clusters):
        assert a.qubits == b.qubits
        for what in OUT:
            assert np.abs(getattr(a, what) - getattr(b, what)).max() < 3 * tolerance, what


@pytest.mark.parametrize("seed", range(1, 5))
def test_fast_methods_equal_the_reference(seed: int) -> None:
    compare(seed, True, 1e-6)


def test_fast_methods_equal_the_reference_without_rwa() -> None:
    dev = device(1, 3)
    pulses: list = []
    prog = program([play("d0", 3, pulses, gaussian(12, 3.0), 0.7, 0.4)], pulses, 16)
    fast = simulate(prog, dev, rwa=False, outputs=OUT, tolerance=1e-8)
    slow = simulate(prog, dev, rwa=False, outputs=("populations", "propagators"), tolerance=1e-6, method="reference")
    assert np.abs(fast.propagators - slow.propagators).max() < 1e-6
    assert np.abs(fast.propagators - simulate(prog, dev, outputs=OUT).propagators).max() > 1e-3


@pytest.mark.parametrize("n, noise, detuning", [(1, False, 0.0), (1, True, -330e6), (2, False, -330e6), (2, True, 0.0)])
def test_samples_too_strong_for_a_polynomial_take_exponentials(n: int, noise: bool, detuning: float) -> None:
    """At 3.56 ns per sample (ibmq_poughkeepsie) an x turns by a radian per sample, a tone on 1-2 by seven."""
    dev = device(n, 3).with_(dt=32e-9 / 9)
    pulses: list = []
    prog = program([play("d0", 3, pulses, gaussian(24, 6.0), 0.9, 0.4)], pulses, 30)
    schedule = {"noise": noise, "outputs": ("populations",), "spectator_bound": 1e-12}
    los = default_los(dev, 1)
    los.drive[:, 0] += detuning
    batch = Batch((prog,), np.zeros(1, np.int32), los)
    slow = simulate(batch, dev, tolerance=1e-10, method="reference", **schedule)
    fast = simulate(batch, dev, method="polynomial", **schedule)  # which never goes by the reference
    assert np.abs(fast.populations - slow.populations).max() < 3e-6


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(200))
def test_fast_methods_equal_the_reference_on_200_schedules(seed: int) -> None:
    compare(seed, seed % 16 != 5, 10.0 ** -(4 + seed % 5))


def scipy_states(model: Model, prog: Program, start: np.ndarray, rwa: bool) -> np.ndarray:
    """Integrate the model's equation in the bare basis, sample by sample, with DOP853."""
    plays = resolve_frames(prog, default_los(device(len(model.qubits), model.levels[0]), 1), model.dt)
    lower = [embed(lowering(d), q, model.levels) for q, d in enumerate(model.levels)]
    number = np.diag(model.excitations)
    w_c = model.w_frame[0]
    h0 = model.static_bare - w_c * number
    x = start.astype(complex)
    for k in range(prog.duration):

        def rhs(t: float, y: np.ndarray, k: int = k) -> np.ndarray:
            h = h0.copy()
            for line in model.lines:
                p = plays.get(line.channel)
                for i in range(0 if p is None else p.t0.size):
                    sample = k - int(p.t0[i])
                    if 0 <= sample < p.duration[i]:
                        z = prog.pulses[p.pulse[i]].samples[sample] * p.scale[0, i] * line.gain
                        slow = 2 * np.pi * (p.freq[0, i] - p.f_ref) * (t - p.t0[i] * model.dt)
                        f = z * np.exp(1j * (slow + (2 * np.pi * p.f_ref - w_c) * t))
                        f = f if rwa else f + np.conj(f) * np.exp(-2j * w_c * t)
                        part = line.w_rate / 2 * f * lower[line.local_qubit]
                        h = h + part + part.conj().T
            return -1j * (h @ y)

        t = (k * model.dt, (k + 1) * model.dt)
        x = solve_ivp(rhs, t, x, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    _, v = model.dressed()
    dressed = v.conj().T @ x
    return dressed * np.exp(1j * (model.frame - w_c * model.excitations) * prog.duration * model.dt)


def test_states_equal_scipy_dop853() -> None:
    dev = device(2, 3)
    pulses: list = []
    rows = [
        play("d0", 0, pulses, gaussian(24, 6.0), 0.5, 0.3),
        play("u0", 8, pulses, Pulse.from_shape("gaussian_square", 32, {"sigma": 4.0, "width": 16.0}), 0.4, -1.0),
        play("d1", 30, pulses, Pulse.from_shape("drag", 20, {"sigma": 5.0, "beta": 1.0}), 0.6, 2.0),
    ]
    prog = program(rows, pulses, 56)
    model = Model.from_device(dev, (0, 1), noise=False)
    start = np.zeros(9)
    start[0] = 1
    ours = simulate(prog, dev, outputs=("states",), tolerance=1e-10, spectator_bound=1e-9).states[0]
    assert np.abs(ours - scipy_states(model, prog, start, True)).max() < 1e-8


@pytest.mark.parametrize("detuning", [60e6, -190e6, -370e6, -466e6, -780e6])
def test_carriers_far_from_the_lo_keep_the_tolerance(detuning: float) -> None:
    """Maps are families over the detuning; 5e-6 with too few nodes."""
    dev = device(2, 3)
    pulses: list = []
    rows = [
        {"t0": 0, "op": Op.SHIFT_FREQUENCY, "channel": "d1", "value": detuning},
        play("d1", 0, pulses, gaussian(80, 20.0), 0.8, 0.3),
    ]
    prog = program(rows, pulses)
    start = np.full(9, 1 / 3)
    settings = {"outputs": ("states",), "spectator_bound": 1e-12, "initial": start}
    fast = simulate(prog, dev, tolerance=1e-10, **settings).states
    slow = simulate(prog, dev, tolerance=1e-11, method="reference", **settings).states
    assert np.abs(fast - slow).max() < 1e-10


def test_density_matrices_of_two_qutrits_keep_a_tight_tolerance() -> None:
    dev = device(2, 3)
    dev = dev.replace(transmons=tuple(replace(t, t1=4e-6, t2=3e-6) for t in dev.transmons))
    prog = random_program(np.random.default_rng(3), 2, plays=3)
    settings = {"noise": True, "outputs": ("states",), "spectator_bound": 1e-12}
    fast = simulate(prog, dev, tolerance=1e-9, **settings).states
    slow = simulate(prog, dev, tolerance=1e-9, method="reference", **settings).states
    assert np.abs(fast - slow).max() < 1e-9


def test_the_polynomial_method_says_what_it_takes() -> None:
    dev = device(3, 3)
    with pytest.raises(SimulationError, match="one or two transmons"):
        simulate(random_program(np.random.default_rng(1), 3), dev, method="polynomial", spectator_bound=1e-12)


def test_density_matrices_equal_a_dense_exponential() -> None:
    dev = device(2, 3)
    pulses: list = []
    prog = program([play("d0", 0, pulses, Pulse.from_shape("constant", 40, {}), 0.3)], pulses, 60)
    model = Model.from_device(dev, (0, 1))
    lower = model.lower_dressed
    w = model.w_frame[0]
    energies = np.diag(model.dressed()[0] - w * model.excitations)
    z = 0.3 * model.lines[0].w_rate / 2 * model.lines[0].gain
    eye = np.eye(9)

    def generator(h: np.ndarray) -> np.ndarray:
        out = -1j * (np.kron(h, eye) - np.kron(eye, h.T))
        for c in model.collapse_dressed:
            d = c.conj().T @ c / 2
            out = out + np.kron(c, c.conj()) - np.kron(d, eye) - np.kron(eye, d.T)
        return out

    drive = z * lower[0] + np.conj(z) * lower[0].conj().T
    rho = np.zeros(81, complex)
    rho[0] = 1
    rho = expm(generator(energies) * 20 * model.dt) @ expm(generator(energies + drive) * 40 * model.dt) @ rho
    turn = np.exp(1j * (model.frame - w * model.excitations) * 60 * model.dt)
    want = rho.reshape(9, 9) * turn[:, None] * turn.conj()[None, :]
    settings = {"noise": True, "outputs": ("states",), "spectator_bound": 1e-9}
    ours = simulate(prog, dev, tolerance=1e-6, **settings).states[0]
    assert np.abs(ours - want).max() < 1e-7
    sharp = simulate(prog, dev, tolerance=1e-9, **settings).states[0]
    assert np.abs(sharp - want).max() < 1e-9
    assert abs(np.trace(ours) - 1) < 1e-12
    assert np.abs(ours - ours.conj().T).max() < 1e-14
    assert np.linalg.eigvalsh(ours).min() > -1e-9


def test_splitting_the_evolution_changes_nothing() -> None:
    dev, prog, _, _ = random_case(2)
    model = Model.from_device(dev, tuple(range(dev.n_qubits)), noise=False)
    batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))
    x = np.eye(model.dim)[None].astype(complex)
    whole = evolve(model, batch, x, tolerance=1e-9)
    middle = prog.duration // 2 + 3
    half = evolve(model, batch, x, stop=middle, tolerance=1e-9)
    both = evolve(model, batch, half, start=middle, tolerance=1e-9)
    assert np.abs(both - whole).max() < 1e-9
    unitary = whole[0].conj().T @ whole[0]
    assert np.abs(unitary - np.eye(model.dim)).max() < 1e-10


@pytest.mark.parametrize("noise", [False, True])
def test_lanes_do_not_see_their_neighbours(noise: bool) -> None:
    dev = device(2, 3)
    progs = [random_program(np.random.default_rng(s), 2, plays=3) for s in range(5)]
    progs += [progs[0], progs[2]]
    together = simulate(progs, dev, noise=noise, outputs=("states",), spectator_bound=1e-9)
    for k, prog in enumerate(progs):
        alone = simulate(prog, dev, noise=noise, outputs=("states",), spectator_bound=1e-9)
        rows = [(c, r) for c, r in together.of(k)]
        for (c, r), a in zip(rows, alone.clusters):
            assert np.array_equal(c.states[r], a.states[0])


@pytest.mark.parametrize(
    "kind", ["nan samples", "nan amplitude", "initial", "solver", "method", "tolerance", "outputs", "shape"]
)
def test_bad_input_is_refused(kind: str) -> None:
    dev = device(1, 3)
    pulses: list = []
    pulse = gaussian()
    if kind == "nan samples":
        pulse = Pulse.from_samples(np.array([0.1, np.nan, 0.1]))
    prog = program([play("d0", 0, pulses, pulse, np.nan if kind == "nan amplitude" else 0.3)], pulses)
    batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))
    model = Model.from_device(dev, (0,), noise=False)
    calls = {
        "initial": lambda: simulate(prog, dev, initial=np.ones(3)),
        "solver": lambda: simulate(prog, dev, solver="magic"),
        "method": lambda: simulate(prog, dev, method="magic"),
        "tolerance": lambda: simulate(prog, dev, tolerance=0.0),
        "outputs": lambda: simulate(prog, dev, outputs=("everything",)),
        "shape": lambda: evolve(model, batch, np.ones((1, 5))),
    }
    with pytest.raises(SimulationError, match="must"):
        calls.get(kind, lambda: simulate(prog, dev))()


def two_plays(**changes: Any) -> Program:
    """Two qubits driven, one column of the events changed."""
    pulses: list = []
    prog = program([play("d0", 0, pulses, gaussian(40), 0.3), play("d1", 0, pulses, gaussian(40), 0.2)], pulses)
    return prog.replace(events=prog.events.replace(**{k: np.array(v) for k, v in changes.items()}))


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"value": [0.3, np.nan]}, {}, "values must be finite"),
        ({"angle": [np.inf, 0.0]}, {}, "angles must be finite"),
        ({"t0": [-5, 0]}, {}, "must start at 0"),
        ({"duration": [-5, 40]}, {}, "must last 0 samples or more"),
        ({"duration": [40, 41]}, {}, "as long as its pulse"),
        ({}, {"times": [40, 10]}, "ascending"),
        ({}, {"times": [-4, 10]}, "ascending"),
        ({}, {"times": [0.5]}, "whole"),
        ({}, {"threads": 0}, "threads"),
        ({}, {"solver": "trajectories", "trajectories": 0}, "trajectories"),
        ({}, {"initial": {7: 1}}, "qubits 0 to 1"),
        ({}, {"extra": (ExtraTerm(np.triu(np.ones((9, 9)), 1)),)}, "Hermitian"),
        ({}, {"extra": (ExtraTerm(np.eye(9), Channel("u", 17)),)}, "u17"),
        ({}, {"method": "magnus", "extra": (ExtraTerm(np.eye(9)),)}, "with extra terms"),
    ],
)
def test_bad_numbers_are_refused_before_anything_runs(changes: dict, settings: dict, words: str) -> None:
    for explain in (False, True):
        with pytest.raises(SimulationError, match=words):
            simulate(two_plays(**changes), device(2, 3), explain=explain, **settings)


def test_what_is_no_program_and_no_device_is_refused_by_name() -> None:
    dev = device(2, 3)
    pulses: list = []
    prog = program([play("d0", 0, pulses, gaussian(40), 0.3)], pulses)
    for programs, came in ((QuantumCircuit(1), "QuantumCircuit"), ([prog, "x"], "str"), (None, "NoneType")):
        with pytest.raises(SimulationError, match=f"but {came} came. Circuits and schedules become a Batch"):
            simulate(programs, dev)
    with pytest.raises(SimulationError, match=r"must be a Device, but Backend came\. Use its `device`"):
        simulate(prog, Backend(dev, "memory"))
    with pytest.raises(SimulationError, match="must be a Device, but str came"):
        simulate(prog, "ibm_perth")


@pytest.mark.parametrize("name", ["d7", "u9"])
def test_channels_that_the_device_has_not_are_refused(name: str) -> None:
    pulses: list = []
    with pytest.raises(SimulationError, match=f"{name}: must be a channel of the device"):
        simulate(program([play(name, 0, pulses, gaussian(40), 0.3)], pulses), device(2, 3))


@pytest.mark.parametrize("name", ["w1_rabi1q", "w5_cr2q", "w3l_spec_lindblad", "w8_rb300"])
def test_threads_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulsekit.simulator.fast.WORTH", 1e-9)
    workload = load(name)
    solver = "lindblad" if workload["solver"] == "lindblad" else "schroedinger"
    dev, batch = device_of(workload), batch_of(workload)
    one = simulate(batch, dev, solver=solver, spectator_bound=1e-9).populations
    for threads in (2, 4, 8):
        assert np.array_equal(
            simulate(batch, dev, solver=solver, spectator_bound=1e-9, threads=threads).populations, one
        )


def test_little_work_starts_no_thread_and_much_work_does(monkeypatch: pytest.MonkeyPatch) -> None:
    dev, batch = device_of(load("w1_rabi1q")), batch_of(load("w1_rabi1q"))
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (started.append(thread), start(thread)))
    simulate(batch, dev, threads=2)
    assert not started
    simulate(batch.take(np.tile(np.arange(len(batch)), 50)), dev, threads=2)
    assert len(started) == 1


def test_programs_of_one_lane_run_side_by_side_and_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    dev = device(3, 2)
    progs = []
    for k in range(4):
        pulses: list = []
        progs.append(program([play(f"d{q}", 16 * k, pulses, gaussian(), 0.3) for q in range(3)], pulses, duration=400))
    one = simulate(progs, dev, noise=True, spectator_bound=1e-9).populations
    seen = set()
    real = evolve_module.evolve_group

    def noting(*arguments: Any, **more: Any) -> np.ndarray:
        seen.add(threading.get_ident())
        time.sleep(0.05)  # both threads get a program
        return real(*arguments, **more)

    monkeypatch.setattr(evolve_module, "evolve_group", noting)
    assert np.array_equal(simulate(progs, dev, noise=True, spectator_bound=1e-9, threads=2).populations, one)
    assert len(seen) == 2


def test_cancelling_stops_between_pieces() -> None:
    cancel = threading.Event()
    cancel.set()
    dev, prog, _, _ = random_case(2)
    model = Model.from_device(dev, tuple(range(dev.n_qubits)), noise=False)
    batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))
    with pytest.raises(CancelledError):
        evolve(model, batch, np.eye(model.dim)[None, 0].astype(complex), cancel=cancel)


@pytest.mark.parametrize(
    ("levels", "noise", "rwa"), [((4, 4), False, False), ((4, 4), True, True), ((5, 5), False, True)]
)
def test_cancelling_stops_inside_a_long_piece(levels: tuple, noise: bool, rwa: bool) -> None:
    """Within 200 ms; a busy machine is given two seconds."""
    dev = device(2, 3)
    pulses: list = []
    wave = np.random.default_rng(0).uniform(0.1, 0.5, 60_000).astype(complex)
    rows = [play("d0", 0, pulses, Pulse.from_samples(wave), 0.5)]
    if levels[0] == 4:
        rows.append(play("d1", 0, pulses, Pulse.from_samples(wave), 0.3))
    prog = program(rows, pulses)
    model = Model.from_device(dev, (0, 1), levels=levels, noise=noise)
    batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))
    x = np.zeros((1, model.dim, model.dim), dtype=complex)
    x[:, 0, 0] = 1
    cancel, ended = threading.Event(), []

    def run() -> None:
        solver = "lindblad" if noise else "schroedinger"
        with pytest.raises(CancelledError):
            evolve(model, batch, x, solver=solver, rwa=rwa, tolerance=1e-9, cancel=cancel)
        ended.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.5)
    start = time.perf_counter()
    cancel.set()
    thread.join()
    assert ended[0] - start < 2


def test_long_magnus_pieces_do_not_see_their_neighbours() -> None:
    """Amplitudes are made a chunk at a time, as long as the lanes allow."""
    dev = device(2, 3)
    pulses: list = []
    wave = np.random.default_rng(1).uniform(0.1, 0.5, 3000).astype(complex)
    rows = [play(f"d{q}", 0, pulses, Pulse.from_samples(wave), 0.1 + 0.1 * q) for q in range(2)]
    one = program(rows, pulses)
    many = [one.replace(events=one.events.replace(value=one.events.value * f)) for f in np.linspace(0.5, 1, 40)]
    for noise in (False, True):
        settings = {"noise": noise, "outputs": ("states",), "spectator_bound": 1e-9}
        whole = simulate(many[: 40 if not noise else 9], dev, **settings).states
        assert np.array_equal(simulate(many[5], dev, **settings).states[0], whole[5])


def test_the_magnus_steps_have_order_four(monkeypatch: pytest.MonkeyPatch) -> None:
    dev = device(2, 3)
    pulses: list = []
    pulse = Pulse.from_shape("drag", 80, {"sigma": 20.0, "beta": 1.0})
    prog = program([play("d0", 0, pulses, pulse, 0.9), play("d1", 0, pulses, pulse, 0.8)], pulses)
    states = {}
    for splits in (1, 2, 4, 16):
        monkeypatch.setattr("pulsekit.simulator.magnus.substeps", lambda *_, n=splits: n)
        states[splits] = simulate(prog, dev, outputs=("states",), tolerance=1e-11, spectator_bound=1e-12).states
    errors = [np.abs(states[n] - states[16]).max() for n in (1, 2, 4)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.allclose(orders, 4, atol=0.2)


@pytest.mark.parametrize("name", ["w3_spec", "w4_t1_ramsey", "w5_cr2q", "w8_rb300"])
def test_cutting_a_batch_changes_no_bit(name: str) -> None:
    workload = load(name)
    settings = {"solver": "lindblad" if workload["solver"] == "lindblad" else "schroedinger", "spectator_bound": 1e-9}
    dev, batch = device_of(workload), batch_of(workload)
    whole = simulate(batch, dev, **settings).populations
    for part in (np.arange(0, 1), np.arange(3, 20), np.arange(20, len(batch))):
        theta = None if batch.theta is None else batch.theta[part]
        cut = Batch(batch.programs, batch.program_of[part], batch.los.take(part), theta)
        assert np.array_equal(simulate(cut, dev, **settings).populations, whole[part])


@pytest.mark.parametrize("name", ["w1_rabi1q", "w3_spec", "w3l_spec_lindblad", "w4_t1_ramsey", "w8_rb300"])
def test_blocks_that_fit_a_cache_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = load(name)
    settings = {"solver": "lindblad" if workload["solver"] == "lindblad" else "schroedinger", "spectator_bound": 1e-9}
    dev, batch = device_of(workload), batch_of(workload)
    whole = simulate(batch, dev, **settings).populations
    monkeypatch.setattr("pulsekit.simulator.fast.CACHE", 1000)
    monkeypatch.setattr("pulsekit.simulator.fast.SHORTEST", 8)
    monkeypatch.setattr("pulsekit.simulator.fast.WORTH", 1e-9)
    for threads in (1, 3):
        assert np.array_equal(simulate(batch, dev, threads=threads, **settings).populations, whole)


@pytest.mark.parametrize("name", ["w6_4q_random", "w7b_7q_3lev"])
def test_lanes_of_many_transmons_do_not_see_their_neighbours_in_any_basis(name: str) -> None:
    workload = load(name)
    dev, batch = device_of(workload), batch_of(workload)
    settings = {"basis": "bare", "outputs": ("states",), "spectator_bound": 1e-9}
    once = simulate(batch.take(np.zeros(1, dtype=np.int64)), dev, **settings).states
    assert np.array_equal(simulate(batch.take(np.zeros(3, dtype=np.int64)), dev, **settings).states, once[[0, 0, 0]])


@pytest.mark.parametrize(("name", "noise"), [("w1x_rabi1q_norwa", True), ("w5x_cr2q_norwa", False)])
def test_lanes_without_rwa_do_not_see_their_neighbours(name: str, noise: bool) -> None:
    workload = load(name)
    dev, batch = device_of(workload), batch_of(workload)
    if noise:
        dev = dev.with_(transmons=tuple(replace(t, t1=50e-6, t2=40e-6) for t in dev.transmons))
    settings = {"rwa": False, "noise": noise, "basis": "bare", "outputs": ("states",), "spectator_bound": 1e-9}
    whole = simulate(batch.take(np.arange(21, 32)), dev, **settings).states
    for k in (0, 7, 10):
        assert np.array_equal(simulate(batch.take(np.array([21 + k])), dev, **settings).states[0], whole[k])


def test_two_noisy_transmons_without_rwa_tend_to_the_closed_system() -> None:
    dev = device(2, 3)
    dev = dev.with_(transmons=tuple(replace(t, t1=10.0, t2=10.0) for t in dev.transmons))
    pulses: list = []
    prog = program([play("u0", 3, pulses, gaussian(40, 10.0), 0.7, 0.4)], pulses, 50)
    settings = {"rwa": False, "outputs": ("states",), "spectator_bound": 1e-12}
    ket = simulate(prog, dev, **settings).states[0]
    rho = simulate(prog, dev, noise=True, **settings).states[0]
    assert np.abs(rho - np.outer(ket, ket.conj())).max() < 1e-6


def test_a_flat_without_rwa_by_whole_periods_equals_its_samples() -> None:
    dev = device(2, 3)
    pulses: list = []
    flat = Pulse.from_shape("constant", 45, {})
    one = program([play("u0", 5, pulses, flat, 0.6, 0.3)], pulses, 60)
    pulses = []
    short = Pulse.from_shape("constant", 5, {})  # too short for a flat: sample by sample
    rows = [play("u0", 5 + 5 * k, pulses, short, 0.6, 0.3) for k in range(9)]
    many = program(rows, pulses, 60)
    settings = {"rwa": False, "outputs": ("propagators",), "tolerance": 1e-9, "spectator_bound": 1e-12}
    u, v = (simulate(p, dev, initial=None, **settings).propagators for p in (one, many))
    assert np.abs(u - v).max() < 1e-9


def test_every_cluster_of_a_batch_keeps_its_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    dev = Device.from_graph(nx.Graph([(0, 1), (2, 3)]))
    pulses: list = []
    prog = program([play(f"d{q}", 0, pulses, gaussian(40), 0.3) for q in range(4)], pulses)
    batch = Batch((prog,), np.zeros(1, dtype=np.int32), default_los(dev, 1))
    first = simulate(batch, dev)
    assert len(first.clusters) == 2
    made = []
    real = windows_module._all_tracks
    monkeypatch.setattr(windows_module, "_all_tracks", lambda *a: made.append(a) or real(*a))
    again = simulate(batch, dev)
    assert not made
    for a, b in zip(first.clusters, again.clusters):
        assert np.array_equal(a.populations, b.populations)


@pytest.mark.parametrize("shape", [(3,), (5, 2, 8), (1, 81, 2, 8)])
def test_blocks_begin_at_cache_lines(shape: tuple) -> None:
    for _ in range(8):
        array = aligned(*shape)
        assert array.shape == shape and array.flags.c_contiguous and array.ctypes.data % 64 == 0
