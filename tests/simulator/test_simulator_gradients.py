"""Gradients against finite differences, and pulses calibrated with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from simulator_programs import device, play, program, random_program

from pulsekit.device import Coupling, Device
from pulsekit.errors import SimulationError
from pulsekit.program import Batch, Channel, EventTable, Op, Program, Pulse
from pulsekit.simulator import ExtraTerm, Model, default_los, evolve, simulate
from pulsekit.simulator.gradients import average_fidelity, expectation, gradient, sample_gradient, signals_of

X = np.array([[0, 1], [1, 0]], dtype=complex)
Z = np.diag([1.0 + 0j, -1])


def test_the_propagator_is_simulates() -> None:
    dev = device(2, 3)
    prog = random_program(np.random.default_rng(3), 2, plays=4)
    model = Model.from_device(dev, (0, 1), noise=False)
    seen = []

    def objective(u: np.ndarray) -> "tuple[float, np.ndarray]":
        seen.append(u)
        return 0.0, np.zeros_like(u)

    sample_gradient(model, signals_of(prog, model, default_los(dev, 1)), objective, splits=4)
    want = simulate(prog, dev, outputs=("propagators",), tolerance=1e-9, spectator_bound=1e-12).propagators[0]
    assert np.abs(seen[0] - want).max() < 1e-8


def test_gradients_equal_finite_differences() -> None:
    dev = device(2, 3)
    model = Model.from_device(dev, (0, 1), noise=False)
    prog = random_program(np.random.default_rng(5), 2, plays=3)
    signals = signals_of(prog, model, default_los(dev, 1))
    start = np.zeros(9, complex)
    start[0] = 1
    for objective in (
        average_fidelity(model, np.kron(np.eye(2), X)),
        expectation(start, np.diag(np.arange(9.0)).astype(complex)),
    ):
        _, gamma, by_phase = sample_gradient(model, signals, objective)
        rng = np.random.default_rng(1)
        direction = rng.normal(size=gamma.shape) + 1j * rng.normal(size=gamma.shape)
        turn = rng.normal(size=2)
        values = []
        for h in (1e-5, -1e-5):
            moved = type(signals)(signals.z + h * direction, signals.w, signals.final + h * turn)
            values.append(sample_gradient(model, moved, objective)[0])
        slope = np.sum(np.conj(gamma) * direction).real + by_phase @ turn
        assert abs((values[0] - values[1]) / 2e-5 - slope) < 1e-7 * max(1.0, abs(slope))


def optimise(
    build: Callable[[np.ndarray], Program],
    start: list,
    model: Model,
    dev: object,
    target: np.ndarray,
    *,
    splits: int = 2,
    iterations: int = 150,
) -> tuple:
    los = default_los(dev, 1)
    objective = average_fidelity(model, target)

    def cost(p: np.ndarray) -> "tuple[float, np.ndarray]":
        value, slope = gradient(build, p, model, los, objective, splits=splits)
        return 1 - value, -slope

    return minimize(cost, np.array(start), jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": iterations})


def test_scipy_calibrates_a_drag_pulse_with_negative_beta() -> None:
    dev = device(1, 4)
    model = Model.from_device(dev, (0,), noise=False)

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        pulse = Pulse.from_shape("drag", 160, {"sigma": 40.0, "beta": 10 * p[1]})
        row = play("d0", 0, pulses, pulse, p[0], p[2])
        end = {"t0": 160, "op": Op.SHIFT_PHASE, "channel": "d0", "value": p[3]}
        return program([row, end], pulses, 160)

    found = optimise(build, [0.2, 0.0, 0.0, 0.0], model, dev, X)
    assert found.fun < 1e-6
    beta = 10 * found.x[1]
    assert -2.3 < beta < -1.0  # -1/(|alpha| dt) to -1/(2 |alpha| dt)


def test_scipy_calibrates_a_cross_resonance_pulse() -> None:
    dev = device(2, 3).replace(couplings=(Coupling((0, 1), 6e6),))
    model = Model.from_device(dev, (0, 1), noise=False)
    length = 480
    pulse = Pulse.from_shape("gaussian_square", length, {"sigma": 32.0, "width": length - 128.0})

    def build(p: np.ndarray) -> Program:
        pulses: list = []
        rows = [
            play("u0", 0, pulses, pulse, p[0], p[1]),
            play("d1", 0, pulses, pulse, 0.1 * p[2], p[3]),
            {"t0": length, "op": Op.SHIFT_PHASE, "channel": "d0", "value": p[4]},
            {"t0": length, "op": Op.SHIFT_PHASE, "channel": "d1", "value": p[5]},
        ]
        return program(rows, pulses, length)

    zx = np.kron(X, Z)  # Qiskit order: qubit 1 left
    target = (np.eye(4) - 1j * zx) / np.sqrt(2)
    found = optimise(build, [0.4, 0.0, 0.1, 0.0, 0.0, 0.0], model, dev, target, splits=1, iterations=25)
    assert found.fun < 2e-2


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
    noisy = Model.from_device(dev.with_(transmons=tuple(replace(t, t1=5e-5, t2=5e-5) for t in dev.transmons)), (0, 1))
    with pytest.raises(SimulationError, match="T1 and T2"):
        signals_of(prog, noisy, los)
    model = Model.from_device(dev, (0, 1), noise=False)
    driven = replace(model, extra=(ExtraTerm(np.eye(9), Channel("u", 7)),))
    with pytest.raises(SimulationError, match="extra terms"):
        signals_of(prog, driven, los)
    with pytest.raises(SimulationError, match="`splits`"):
        sample_gradient(model, signals_of(prog, model, los), average_fidelity(model, np.eye(4)), splits=0)
