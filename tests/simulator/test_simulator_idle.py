"""Idle windows of larger clusters, against the reference and against sampling."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from oracle import finished, start_of, terms_of
from random_schedules import build, random_case
from scipy.linalg import expm

from pulsekit.device import Device
from pulsekit.errors import CancelledError
from pulsekit.program import Channel, Pulse
from pulsekit.simulator import idle, simulate
from pulsekit.simulator.idle import evolve_idle, idle_windows
from pulsekit.simulator.model import Model
from pulsekit.simulator.reference import evolve_reference
from pulsekit.simulator.threads import abandonable
from pulsekit.simulator.timeline import Tone

DEVICE = Device.line(3, frequency=(5.0e9, 5.07e9, 5.003e9), t1=[3e-6, 5e-6, 4e-6], t2=[2e-6, 6e-6, 3e-6], p_th=0.03)


def density(model, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(2, model.dim, model.dim)) + 1j * rng.normal(size=(2, model.dim, model.dim))
    rho = a @ a.conj().transpose(0, 2, 1)
    return rho / np.trace(rho, axis1=1, axis2=2)[:, None, None]


@pytest.mark.parametrize("levels", [(2, 3, 2), (2, 2, 2)])
def test_decay_is_that_of_the_reference(levels):
    frame = np.array([t.frequency for t in DEVICE.transmons])
    model = Model.from_device(DEVICE, (0, 1, 2), levels=levels)
    assert np.allclose(model.w_frame, 2 * np.pi * frame)
    x = density(model)
    settings = {"start": 1000, "stop": 9000}
    exact = evolve_reference(model, [], x, solver="lindblad", rwa=True, tolerance=1e-8, **settings)
    found = evolve_idle(model, x, density=True, tolerance=1e-8, **settings)
    assert np.abs(found - exact).max() < 1e-8
    assert np.abs(np.trace(found, axis1=1, axis2=2) - 1).max() < 1e-10
    assert np.abs(found[0] - x[0]).max() > 0.01


@pytest.mark.parametrize("levels", [(3,), (3, 3), (3, 3, 2)])
def test_long_decay_keeps_any_tolerance(levels):
    """100 us, in which rounding of the largest frequency by an eigensolver turned coherences by 2e-9."""
    slow = {"t1": np.full(len(levels), 1e-3), "t2": np.full(len(levels), 1e-3)}
    case = random_case(1, levels=levels, rwa=True, noise=True, delay="none", dt=2e-9 / 9)
    case = replace(case, instructions=(), duration=450_000, **slow)
    terms, one = terms_of(case), np.eye(case.dim)
    generator = -1j * (np.kron(terms.turned, one) - np.kron(one, terms.turned))
    for c in terms.collapse:
        square = c.T @ c / 2
        generator += np.kron(c, c) - np.kron(square, one) - np.kron(one, square)
    x = start_of(case, terms)
    y = expm(generator * (case.duration * case.dt)) @ np.outer(x, x.conj()).reshape(-1)
    want = finished(case, terms, y.reshape(case.dim, case.dim))
    device, batch, settings = build(case)
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        settings["tolerance"] = tolerance
        assert np.abs(simulate(batch, device, outputs=("states",), **settings).states[0] - want).max() < tolerance


def test_where_modes_will_not_do_exponentials_are_taken(monkeypatch):
    calls = []
    monkeypatch.setattr(idle, "expm", lambda a: calls.append(a) or expm(a))
    model = Model.from_device(DEVICE, (0, 1, 2), levels=(2, 2, 2))
    x = density(model)
    settings = {"start": 1000, "stop": 9000, "density": True}
    found = evolve_idle(model, x, tolerance=1e-8, **settings)
    assert not calls
    assert np.abs(evolve_idle(model, x, tolerance=1e-15, **settings) - found).max() < 1e-11
    assert calls


def test_held_qubits_keep_their_level():
    model = Model.from_device(DEVICE, (0, 1, 2), levels=(2, 2, 2)).hold([1])
    x = density(model)
    settings = {"start": 0, "stop": 5000}
    exact = evolve_reference(model, [], x, solver="lindblad", rwa=True, tolerance=1e-8, **settings)
    assert np.abs(evolve_idle(model, x, density=True, tolerance=1e-8, **settings) - exact).max() < 1e-8


def test_kets_gather_phases():
    model = Model.from_device(DEVICE, (0, 1, 2), noise=False)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, model.dim, 3)) + 1j * rng.normal(size=(2, model.dim, 3))
    settings = {"start": 300, "stop": 123456}
    exact = evolve_reference(model, [], x, solver="schroedinger", rwa=True, tolerance=1e-8, **settings)
    assert np.abs(evolve_idle(model, x, density=False, tolerance=1e-8, **settings) - exact).max() < 1e-7


def test_windows_cover_everything_once():
    model = Model.from_device(DEVICE, (0, 1, 2))
    pulse = Pulse.from_shape("constant", 160, {})

    def tone(t0, amplitude=1.0):
        one = np.ones(1)
        return Tone(0, t0 * model.dt, pulse.samples, amplitude * one, one, t0, 0)

    tones = [tone(0), tone(100), tone(5000), tone(5100), tone(20000, 0.0), tone(30000)]
    for solver, expected in (
        (True, [(0, 260, False), (260, 5000, True), (5000, 5260, False), (5260, 30000, True), (30000, 31000, False)]),
        (False, [(0, 260, False), (260, 5000, True), (5000, 5260, False), (5260, 30000, True), (30000, 30160, False),
                 (30160, 31000, True)]),
    ):  # fmt: skip
        assert idle_windows(model, tones, 0, 31000, solver) == expected
    assert idle_windows(model, [], 0, 10, True) == [(0, 10, False)]
    assert idle_windows(model, [], 0, 9000, True) == [(0, 9000, True)]
    assert idle_windows(model, [tone(0)], 400, 9000, True) == [(400, 9000, True)]
    assert idle_windows(model, [tone(8900)], 0, 9000, True) == [(0, 8900, True), (8900, 9000, False)]
    assert Channel("d", 0).name == "d0"


def test_a_decomposition_under_way_does_not_hold_up_a_cancelled_run(monkeypatch):
    device = Device.line(4, levels=3, t1=50e-6, t2=40e-6)
    model = Model.from_device(device, (0, 1, 2, 3), noise=True)
    begun, go, cancel = threading.Event(), threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        go.wait()
        return []

    monkeypatch.setattr(idle, "_blocks", slow)
    x = np.zeros((1, model.dim, model.dim), dtype=complex)
    threading.Thread(target=lambda: (begun.wait(), cancel.set())).start()
    with pytest.raises(CancelledError):
        evolve_idle(model, x, start=0, stop=200_000, density=True, tolerance=1e-6, cancel=cancel)
    assert begun.is_set() and not go.is_set()  # it was still at it
    go.set()


def test_what_can_be_abandoned_returns_and_raises_what_it_does():
    assert abandonable(lambda: 7, threading.Event()) == 7 == abandonable(lambda: 7, None)
    with pytest.raises(ZeroDivisionError):
        abandonable(lambda: 1 // 0, threading.Event())
