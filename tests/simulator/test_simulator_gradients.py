"""Gradients against finite differences and other solvers, and pulses calibrated with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import spherical_jn
from scipy.stats import unitary_group
from simulator_programs import device, gaussian, play, program, random_program

from pulsekit.device import Coupling, Device
from pulsekit.errors import SimulationError
from pulsekit.program import Batch, Channel, EventTable, LoTable, Op, ParameterTable, Program, Pulse
from pulsekit.simulator import ExtraTerm, Model, adjoint, default_los, evolve, exponents, simulate
from pulsekit.simulator.gradients import (
    Signals,
    average_fidelity,
    expectation,
    gradient,
    sample_gradient,
    signals_of,
)

X = np.array([[0, 1], [1, 0]], dtype=complex)
Z = np.diag([1.0 + 0j, -1])


def random_observable(rng: np.random.Generator, dim: int) -> np.ndarray:
    a = rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim))
    return (a + a.conj().T) / np.linalg.norm(a)


def random_ket(rng: np.random.Generator, dim: int) -> np.ndarray:
    a = rng.normal(size=dim) + 1j * rng.normal(size=dim)
    return a / np.linalg.norm(a)


def end_of(model: Model, prog: Program, los: LoTable, ket: np.ndarray, rwa: bool) -> np.ndarray:
    """Return the density matrix at the end, by the simulator."""
    batch = Batch((prog,), np.zeros(1, np.int32), los)
    start = np.outer(ket, ket.conj()) if model.noisy else ket
    solver = "lindblad" if model.noisy else "schroedinger"
    out = evolve(model, batch, start[None], stop=prog.duration, solver=solver, rwa=rwa, tolerance=1e-9)[0]
    rho = out if model.noisy else np.outer(out, out.conj())
    z = np.exp(1j * (model.labels @ signals_of(prog, model, los).final))
    return z[:, None] * rho * z.conj()


def test_the_propagator_is_simulates() -> None:
    dev = device(2, 3)
    prog = random_program(np.random.default_rng(3), 2, plays=4)
    model = Model.from_device(dev, (0, 1), noise=False)
    signals = signals_of(prog, model, default_los(dev, 1))
    found = sample_gradient(model, signals, average_fidelity(model, np.eye(4)), tolerance=1e-9).propagator
    want = simulate(prog, dev, outputs=("propagators",), tolerance=1e-9, spectator_bound=1e-12).propagators[0]
    assert np.abs(found - want).max() < 1e-8


@pytest.mark.parametrize(
    "n, levels, rwa, noise",
    [(1, 5, True, True), (2, 3, True, True), (3, 2, True, True), (1, 3, False, False), (2, 2, False, False)]
    + [(1, 3, False, True), (4, 2, True, False)],
)
def test_values_are_simulates(n: int, levels: int, rwa: bool, noise: bool) -> None:
    dev, rng = device(n, levels), np.random.default_rng(n + levels)
    prog = random_program(rng, n, plays=2 + n)
    model = Model.from_device(dev, tuple(range(n)), noise=noise)
    los = default_los(dev, 1)
    ket, seen = random_ket(rng, model.dim), random_observable(rng, model.dim)
    found = sample_gradient(model, signals_of(prog, model, los), expectation(ket, seen), rwa=rwa, tolerance=1e-7)
    assert abs(found.value - np.vdot(seen, end_of(model, prog, los, ket, rwa)).real) < 1e-7


@pytest.mark.parametrize("fidelity", [True, False])
@pytest.mark.parametrize(
    "n, levels, rwa, noise",
    [(1, 2, True, False), (1, 5, True, False), (2, 3, True, False), (3, 2, True, False), (4, 2, True, False)]
    + [(1, 3, False, False), (2, 2, False, False), (1, 4, True, True), (2, 2, True, True), (1, 2, False, True)],
)
def test_gradients_equal_finite_differences(n: int, levels: int, rwa: bool, noise: bool, fidelity: bool) -> None:
    dev, rng = device(n, levels), np.random.default_rng(n + 10 * levels)
    prog = random_program(rng, n, plays=2 + n if rwa and not noise else 2)
    model = Model.from_device(dev, tuple(range(n)), noise=noise)
    signals = signals_of(prog, model, default_los(dev, 1))
    shape = signals.z.shape
    by_z = signals.plays * (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * 0.1
    by_w = signals.plays * np.cos(signals.w / 1e7) * 1e6  # what is shared stays so
    by_phase = rng.normal(size=n)
    objective: Any = expectation(random_ket(rng, model.dim), random_observable(rng, model.dim))
    if fidelity:
        objective = average_fidelity(model, unitary_group.rvs(2**n, random_state=1))

    def value(h: float, z: bool, w: bool, phase: bool) -> float:
        z_of, w_of = signals.z + h * z * by_z, signals.w + h * w * by_w
        moved = Signals(z_of, w_of, signals.plays, signals.final + h * phase * by_phase)
        return sample_gradient(model, moved, objective, rwa=rwa, tolerance=1e-4).value

    found = sample_gradient(model, signals, objective, rwa=rwa, tolerance=1e-4)
    slopes = (np.vdot(found.gamma, by_z).real, np.sum(found.by_w * by_w), found.by_phase @ by_phase)
    for which, slope in zip(np.eye(3), slopes):
        near, far = ((value(h, *which) - value(-h, *which)) / (2 * h) for h in (1e-3, 2e-3))
        assert abs((4 * near - far) / 3 - slope) < 1e-7
        assert abs(slope) > 1e-6


def shaped(p: np.ndarray) -> "list[tuple[str, Pulse, float, float]]":
    samples = np.exp(-(((np.arange(48) - 23.5) / (12 + p[9])) ** 2)) * np.exp(0.05j * p[8] * np.arange(48))
    return [
        ("d0", Pulse.from_shape("drag", 64, {"sigma": 16 + p[0], "beta": p[1]}), 0.3 + p[2], p[3]),
        ("u0", Pulse.from_shape("gaussian_square", 96, {"sigma": 12.0, "width": 48 + 4 * p[4]}), 0.4, p[5]),
        ("d1", gaussian(64, 16 + 2 * p[6]), 0.3, 0.2),
        ("d1", Pulse.from_shape("constant", 32, {}), 0.1 + p[7], 0.0),
        ("d0", Pulse.from_samples(samples), 0.3, 0.0),
    ]


def build_shaped(p: np.ndarray) -> Program:
    """Return a program of every kind of pulse, phase and frequency."""
    rows: list = []
    pulses: list = []
    free: Dict[str, int] = {}
    for channel, pulse, amp, angle in shaped(p):
        rows.append(play(channel, free.get(channel, 8), pulses, pulse, amp, angle))
        free[channel] = free.get(channel, 8) + pulse.duration + 8
    rows.append({"t0": 76, "op": Op.SHIFT_PHASE, "channel": "d0", "value": p[10]})
    rows.append({"t0": 76, "op": Op.SHIFT_FREQUENCY, "channel": "d1", "value": 1e6 * (3 + p[11])})
    rows.append({"t0": 160, "op": Op.SHIFT_PHASE, "channel": "d1", "value": 0.3 + p[12]})
    return program(rows, pulses, 160)


def test_gradients_by_every_kind_of_parameter_are_those_of_simulates_values() -> None:
    """Against central differences of what the simulator makes of the programs."""
    dev = device(2, 3)
    model, los = Model.from_device(dev, (0, 1), noise=False), default_los(dev, 1)
    los = LoTable(
        los.drive_frame, los.measure_frame, los.control_frame, los.drive + 2e6, los.measure, los.control - 5e6
    )
    rng = np.random.default_rng(5)
    ket, seen = random_ket(rng, 9), random_observable(rng, 9)
    at = rng.uniform(-0.2, 0.2, 13)

    def value(p: np.ndarray) -> float:
        return float(np.vdot(seen, end_of(model, build_shaped(p), los, ket, True)).real)

    found, slope = gradient(build_shaped, at, model, los, expectation(ket, seen), tolerance=1e-9)
    assert abs(found - value(at)) < 1e-9
    for k, h in enumerate(1e-2 * np.eye(13)):
        near, far = ((value(at + s * h) - value(at - s * h)) / (2e-2 * s) for s in (1, 2))
        assert abs((4 * near - far) / 3 - slope[k]) < 1e-5 * np.abs(slope).max()
        assert abs(slope[k]) > 1e-5


def test_parts_of_a_program_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    for noise in (False, True):
        dev = device(2, 2)
        model = Model.from_device(dev, (0, 1), noise=noise)
        signals = signals_of(random_program(np.random.default_rng(5), 2, plays=3), model, default_los(dev, 1))
        objective = average_fidelity(model, np.eye(4))
        monkeypatch.setattr(adjoint, "KEPT", 2**28)
        whole = sample_gradient(model, signals, objective)
        monkeypatch.setattr(adjoint, "KEPT", 2**17)
        parts = sample_gradient(model, signals, objective)
        assert all(np.abs(a - b).max() < 1e-13 * max(1, np.abs(a).max()) for a, b in zip(whole[:4], parts[:4]))


def test_the_weights_of_what_grows_are_bessel_functions() -> None:
    x = np.concatenate([np.linspace(-20, 20, 1001), np.logspace(-9, 0, 100)])
    assert np.abs(exponents._bessel(x) - spherical_jn(1, x)).max() < 1e-14


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("duration", [0, 100])
def test_where_nothing_plays_only_virtual_z_counts(duration: int, noise: bool) -> None:
    dev = device(2, 2)
    model = Model.from_device(dev, (0, 1), noise=noise)
    prog = program([{"t0": 0, "op": Op.SHIFT_PHASE, "channel": "d0", "value": 0.5}], [], duration)
    found = sample_gradient(model, signals_of(prog, model, default_los(dev, 1)), average_fidelity(model, np.eye(4)))
    assert found.gamma.shape == (len(model.lines), duration) and not found.gamma.any() and not found.by_w.any()
    # |sum of 1, 1, e, e|^2 / 20 + 1/5 at e = exp(0.5 i), less what decays
    assert abs(found.value - (0.6 + 0.4 * np.cos(0.5))) < (2e-3 if noise and duration else 1e-10)
    assert abs(found.by_phase[0] + 0.4 * np.sin(0.5)) < (2e-3 if noise and duration else 1e-6)


def test_gradients_end_at_the_first_acquire() -> None:
    dev = device(1, 3)
    model = Model.from_device(dev, (0,), noise=False)
    pulses: list = []
    rows = [play("d0", 0, pulses, gaussian(), 0.3), play("d0", 200, pulses, gaussian(), 0.3)]
    rows.append({"t0": 160, "duration": 100, "op": Op.ACQUIRE, "channel": "a0", "ref": 0, "slot": 0})
    measured, alone = program(rows, pulses), program(rows[:1], pulses[:1], 160)
    a, b = (signals_of(p, model, default_los(dev, 1)) for p in (measured, alone))
    assert np.array_equal(a.z, b.z)


@pytest.mark.parametrize("target", [np.eye(4), (np.eye(4) - 1j * np.kron(X, Z)) / np.sqrt(2)])
def test_virtual_z_is_found(target: np.ndarray) -> None:
    dev, rng = device(2, 3), np.random.default_rng(2)
    model = Model.from_device(dev, (0, 1), noise=False)
    free, fixed = (average_fidelity(model, target, local_z=local) for local in (True, False))
    near = np.eye(9, dtype=complex)
    near[np.ix_(free.kept, free.kept)] = target
    a = 0.1 * random_observable(rng, 9)
    for _ in range(5):
        before, after = (np.exp(1j * (model.labels @ rng.uniform(-3, 3, 2))) for _ in range(2))
        u = after[:, None] * (near @ np.linalg.matrix_power(np.eye(9) + 1j * a / 16, 16)) * before
        value, g = free(u)
        phases = [np.exp(1j * (model.labels @ p)) for p in free.phases(u)]
        assert abs(fixed(phases[1][:, None] * u * phases[0])[0] - value) < 1e-12
        assert value > 0.98
        step = random_observable(rng, 9) * 1e-5
        assert abs(free(u + step)[0] - free(u - step)[0] - 4 * np.vdot(g, step).real) < 1e-12


def test_neighbours_in_their_ground_state_and_virtual_z() -> None:
    dev = device(3, 2)
    model = Model.from_device(dev, (0, 1, 2), noise=False)
    objective = average_fidelity(model, np.kron(X, Z), levels=(2, 2, 1), local_z=True)
    u = np.kron(np.diag([1, 0]), np.kron(X, np.diag([1, 1j]))).astype(complex)
    assert abs(objective(u)[0] - 1) < 1e-12


def optimise(build: Callable[[np.ndarray], Program], start: list, model: Model, objective: Any, **options: Any) -> Any:
    los = default_los(device(model.n), 1)

    def cost(p: np.ndarray) -> "tuple[float, np.ndarray]":
        value, slope = gradient(build, p, model, los, objective, **options)
        return 1 - value, -slope

    return minimize(cost, np.array(start), jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 60})


@pytest.mark.parametrize("rwa", [True, False])
def test_scipy_calibrates_a_drag_pulse_with_negative_beta(rwa: bool) -> None:
    dev = device(1, 4)
    model = Model.from_device(dev, (0,), noise=False)

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        pulse = Pulse.from_shape("drag", 160, {"sigma": 40.0, "beta": 10 * p[1]})
        row = play("d0", 0, pulses, pulse, p[0], p[2])
        end = {"t0": 160, "op": Op.SHIFT_PHASE, "channel": "d0", "value": p[3]}
        return program([row, end], pulses, 160)

    found = optimise(build, [0.2, 0.0, 0.0, 0.0], model, average_fidelity(model, X), rwa=rwa, tolerance=1e-4)
    assert found.fun < 1e-6
    beta = 10 * found.x[1]
    assert -2.3 < beta < -1.0  # -1/(|alpha| dt) to -1/(2 |alpha| dt)


def test_relaxation_after_a_pulse_is_the_closed_forms() -> None:
    dev = device(1, 2)
    dev = dev.replace(transmons=(replace(dev.transmons[0], t1=2e-6, t2=4e-6, p_th=0.0),))
    model = Model.from_device(dev, (0,))
    rate = dev.drives[0].rabi_rate * dev.timing.dt

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        pulse = Pulse.from_shape("constant", 20, {})
        return program([play("d0", 0, pulses, pulse, p[0] / (2 * np.pi * 20 * rate))], pulses, 4000)

    minus = np.array([[0.5, 0], [0, -0.5]])  # sigma_z / 2
    los, ground = default_los(dev, 1), np.array([1.0, 0])
    value, slope = gradient(build, np.array([1.2]), model, los, expectation(ground, minus))
    kept = np.exp(-3980 * dev.timing.dt / 2e-6)
    assert abs(value - (0.5 - kept * (1 - np.cos(1.2)) / 2)) < 2e-3 * kept
    assert abs(slope[0] + kept * np.sin(1.2) / 2) < 4e-3 * kept


def test_scipy_calibrates_a_cross_resonance_pulse() -> None:
    dev = device(2, 3).replace(couplings=(Coupling((0, 1), 6e6),))
    model = Model.from_device(dev, (0, 1), noise=False)
    length = 800

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        shape = {"sigma": 32.0, "width": (length - 128.0) * p[5], "beta": 10 * p[4]}
        pulse = Pulse.from_shape("gaussian_square_drag", length, shape)
        rows = [play("u0", 0, pulses, pulse, p[0], p[1]), play("d1", 0, pulses, pulse, 0.1 * p[2], p[3])]
        return program(rows, pulses, length)

    target = (np.eye(4) - 1j * np.kron(X, Z)) / np.sqrt(2)  # Qiskit order: qubit 1 left
    found = optimise(build, [0.2, 0.0, 0.1, 0.0, 0.0, 0.9], model, average_fidelity(model, target, local_z=True))
    assert found.fun < 1e-3


def test_gradients_on_a_snapshot_are_those_of_simulates_values() -> None:
    """A DRAG pulse on ibm_perth, four levels: what scipy is given, against central differences of another method."""
    dev = Device.from_snapshot("ibm_perth")
    model, los = Model.from_device(dev, (2,), levels=(4,), noise=False), default_los(dev, 1)
    objective = average_fidelity(model, X)

    def build(p: np.ndarray) -> Program:
        pulse = Pulse.from_shape("drag", 160, {"sigma": 40.0, "beta": p[1]})
        row = {"t0": 0, "duration": 160, "op": Op.PLAY, "channel": 0, "ref": 0, "value": p[0], "angle": p[2]}
        return Program(EventTable.from_rows([row]), (Channel("d", 2),), (pulse,), duration=160)

    def value(p: np.ndarray) -> float:
        batch = Batch((build(p),), np.zeros(1, np.int32), los)
        return objective(evolve(model, batch, np.eye(4, dtype=complex)[None], tolerance=1e-11)[0])[0]

    at = np.array([0.15, 0.3, 0.1])
    found, slope = gradient(build, at, model, los, objective)
    assert abs(found - value(at)) < 1e-9
    for k, h in enumerate(1e-3 * np.eye(3)):
        near, far = ((value(at + s * h) - value(at - s * h)) / (2e-3 * s) for s in (1, 2))
        assert abs((4 * near - far) / 3 - slope[k]) < 1e-6 * np.abs(slope).max()


def test_what_gradients_cannot_do_is_refused() -> None:
    dev = device(2, 3)
    los = default_los(dev, 1)
    prog = random_program(np.random.default_rng(3), 2, plays=2)
    model = Model.from_device(dev, (0, 1), noise=False)
    signals = signals_of(prog, model, los)
    driven = replace(model, extra=(ExtraTerm(np.eye(9), Channel("u", 7)),))
    with pytest.raises(SimulationError, match="extra terms"):
        signals_of(prog, driven, los)
    late = dev.replace(drives=tuple(replace(d, delay_s=0.5 * dev.timing.dt) for d in dev.drives))
    with pytest.raises(SimulationError, match=r"d0: delays .* 0\.5 samples"):
        signals_of(
            program([play("d0", 0, [], gaussian(), 0.1)], [gaussian()]),
            Model.from_device(late, (0, 1), noise=False),
            los,
        )
    with pytest.raises(SimulationError, match="one row"):
        signals_of(prog, model, default_los(dev, 2))
    nothing = np.zeros(0)
    table = ParameterTable(("a",), nothing, nothing, nothing, nothing)
    with pytest.raises(SimulationError, match=r"every parameter bound.*'a'"):
        signals_of(prog.replace(parameters=table), model, los)
    with pytest.raises(SimulationError, match="`tolerance`"):
        sample_gradient(model, signals, average_fidelity(model, np.eye(4)), tolerance=0)
    with pytest.raises(SimulationError, match="`target`"):
        average_fidelity(model, np.eye(3))
    with pytest.raises(SimulationError, match="`levels`"):
        average_fidelity(model, np.eye(9), levels=(3, 3), local_z=True)
    with pytest.raises(SimulationError, match="`observable`"):
        expectation(np.eye(9)[0], np.triu(np.ones((9, 9))))
    with pytest.raises(SimulationError, match="`state`"):
        expectation(np.eye(3)[0], np.eye(9))
    open_pair = Model.from_device(dev, (0, 1))
    with pytest.raises(SimulationError, match="`objective`"):
        sample_gradient(open_pair, signals, lambda u: (0.0, u))
    with pytest.raises(SimulationError, match="`local_z`"):
        sample_gradient(open_pair, signals, average_fidelity(open_pair, np.eye(4), local_z=True))
    large = device(4, 3)
    many = Model.from_device(large, (0, 1, 2, 3))
    with pytest.raises(SimulationError, match=r"27 states.*81"):
        sample_gradient(many, signals_of(prog, many, default_los(large, 1)), expectation(np.eye(81)[0], np.eye(81)))

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        return program([play("d0", 0, pulses, gaussian(100 + int(p[0] > 0)), 0.1)], pulses, 120)

    with pytest.raises(SimulationError, match="same times"):
        gradient(build, np.zeros(1), model, los, average_fidelity(model, np.eye(4)))
