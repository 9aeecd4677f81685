"""Chains and rings of three transmons and more keep the asked tolerance, whatever drives them."""

from __future__ import annotations

from typing import Callable, List

import numpy as np
import pytest
from qiskit import pulse

from pulsekit import Backend, compile, simulate
from pulsekit.device import Device, Timing

FINE = 3e-11
Shape = Callable[[float], object]


def _programs(device: Device, plays: "List[List[tuple[int, Shape]]]") -> list:
    """Return Schedules: on every drive channel, delays and shapes one after another, at three amplitudes."""
    out = []
    for factor in (1.0, 0.5, 0.2):
        with pulse.build() as schedule:
            for q, line in enumerate(plays):
                for delay, shape in line:
                    if delay:
                        pulse.delay(delay, pulse.DriveChannel(q))
                    pulse.play(shape(factor), pulse.DriveChannel(q))
        out.append(schedule)
    return out


def _check(device: Device, programs: list, tolerances: "tuple[float, ...]", **more: object) -> None:
    batch = compile(programs, Backend(device, "memory"))
    noisy = np.isfinite(device.transmons[0].t1 or np.inf)
    settings = {
        "solver": "lindblad" if noisy else "schroedinger",
        "outputs": ("states",),
        "spectator_bound": 1e-12,
        **more,
    }
    fine = simulate(batch, device, tolerance=FINE, **settings).states
    for tolerance in tolerances:
        off = np.abs(simulate(batch, device, tolerance=tolerance, **settings).states - fine).max()
        assert off < tolerance, tolerance


def _slow(coupling: float, rabi_rate: float) -> Device:
    """Four qubits a few MHz apart that are driven faster than that, in samples of 1 ns."""
    return Device.line(
        4,
        levels=2,
        frequency=[5e9, 5.04e9, 5.01e9, 5.05e9] if coupling < 2e6 else [5e9, 5.02e9, 5.005e9, 5.025e9],
        coupling=coupling,
        rabi_rate=rabi_rate,
        t1=None,
        timing=Timing(dt=1e-9),
    )


@pytest.mark.parametrize(
    ("n", "levels", "shape"),
    [
        (4, 3, lambda a: pulse.Drag(160, 0.3 * a, 40, -1.2)),
        (5, 3, lambda a: pulse.Constant(400, 0.1 * a)),
        (4, 3, lambda a: pulse.Gaussian(400, 0.2 * a, 100)),
        (3, 4, lambda a: pulse.Drag(400, 0.4 * a, 100, 1.5)),
    ],
)
def test_a_pulse_on_all_of_a_line(n: int, levels: int, shape: Shape) -> None:
    """Runs of halved steps were of odd order, and their estimates a half to an eighth of what they were off by."""
    device = Device.line(n, levels=levels, t1=None)
    _check(device, _programs(device, [[(0, shape)]] * n), (1e-6, 1e-7, 1e-8))


@pytest.mark.parametrize(
    ("device", "shape", "tolerance"),
    [
        (Device.line(5, coupling=3e6, t1=None), lambda a: pulse.Constant(1280, 0.5 * a), 1e-6),
        (Device.line(5, coupling=3e6, t1=None), lambda a: pulse.GaussianSquare(1280, 0.5 * a, 16, width=1152), 1e-6),
        (Device.line(5, coupling=5e6, t1=None), lambda a: pulse.Constant(320, 0.5 * a), 5e-6),
        (_slow(1e6, 73e6), lambda a: pulse.Constant(400, a), 3e-5),
        (_slow(2e6, 100e6), lambda a: pulse.Constant(400, a), 1.2e-4),
    ],
)
def test_long_and_strong_drives_take_shorter_steps_in_time(device: Device, shape: Shape, tolerance: float) -> None:
    """Steps of two samples alone are off by more."""
    _check(device, _programs(device, [[(0, shape)]] * len(device.transmons)), (tolerance,))


def test_what_a_run_changes_counts() -> None:
    """From a random state runs in steps of two samples and of one are off by more, whatever drives it."""
    device, rng = Device.line(3, t1=None), np.random.default_rng(30)
    x = rng.normal(size=27) + 1j * rng.normal(size=27)
    programs = _programs(device, [[(0, lambda a: pulse.Drag(400, 0.0988 * a, 86.585, -0.744))]] * 3)
    _check(device, programs, (1e-6,), initial=x / np.linalg.norm(x))


def _shape(rng: np.random.Generator, samples: int) -> Shape:
    a, sigma = rng.uniform(0.03, 0.6), samples / rng.uniform(3, 6)
    beta, z = rng.uniform(-0.3, 0.3), rng.normal(size=samples) + 1j * rng.normal(size=samples)
    grid = np.sin(np.pi * (np.arange(samples) + 0.5) / samples) ** 2
    chirp = a * grid * np.exp(1j * rng.uniform(-2, 2) * np.arange(samples) ** 2 / samples)
    kinds: List[Shape] = [
        lambda f: pulse.Gaussian(samples, a * f, sigma),
        lambda f: pulse.Drag(samples, a / 2 * f, sigma, beta),
        lambda f: pulse.GaussianSquare(samples, a * f, samples / 8, width=samples / 2),
        lambda f: pulse.Constant(samples, a * f),
        lambda f: pulse.Waveform(chirp * f),
        lambda f: pulse.Waveform(z * (a / np.abs(z).max() * f)),
    ]
    return kinds[rng.choice(6, p=[0.22, 0.22, 0.22, 0.22, 0.09, 0.03])]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(60))
def test_programs_of_many_pulses(seed: int) -> None:
    """Of 60 to 1,200 samples, on devices of many frequencies, couplings and sample times, with T1 or without."""
    rng = np.random.default_rng([seed, 5])
    n, levels = int(rng.choice([3, 4, 5], p=[0.5, 0.3, 0.2])), int(rng.choice([2, 3]))
    frequency = 5e9 + rng.permutation(n) * 60e6 + rng.uniform(-15e6, 15e6, n)
    dt = float(rng.choice([2e-9 / 9, 0.5e-9, 1e-9]))
    device = (Device.ring if n > 3 and rng.random() < 0.3 else Device.line)(
        n,
        levels=levels,
        frequency=frequency.tolist(),
        anharmonicity=rng.uniform(-380e6, -200e6, n).tolist(),
        coupling=float(rng.uniform(0.5e6, 5e6)),
        rabi_rate=float(rng.choice([60e6, 130e6])),
        t1=80e-6 if n == 3 and rng.random() < 0.5 else None,
        timing=Timing(dt=dt, granularity=1, min_length=1, acquire_alignment=1),
    )
    most = int(rng.choice([80, 300, 1200]))
    plays: "List[List[tuple[int, Shape]]]" = []
    for _ in range(n):
        plays.append([])
        left = int(rng.uniform(0.6, 1) * most)
        while left > 8:
            samples = min(left, int(rng.integers(8, 300)))
            gap = int(rng.integers(1, 60)) if rng.random() < 0.4 else 0
            plays[-1].append((gap, _shape(rng, samples)))
            left -= samples + gap
    _check(device, _programs(device, plays), (1e-4, 1e-5, 3e-6, 1e-6, 1e-7, 1e-8))


@pytest.mark.parametrize("t1", [None, 40e-6])
def test_rounding_of_many_steps_does_not_add_up(t1: "float | None") -> None:
    """A hundred thousand steps without the RWA, all of which rounded one way: 3e-10 at an asked 1e-10."""
    device = Device.line(3, levels=2, t1=t1, timing=Timing(dt=1e-9))
    plays = [[(0, lambda f, k=k: pulse.Drag(96, (0.9 - 0.2 * k) * f, 24, 2.0))] for k in range(3)]
    batch = compile(_programs(device, plays)[:1], Backend(device, "memory"))  # type: ignore[arg-type]
    settings = {"rwa": False, "noise": t1 is not None, "outputs": ("states",), "spectator_bound": 1e-12}
    fine = simulate(batch, device, tolerance=2e-11, method="magnus", **settings).states[0]
    off = simulate(batch, device, tolerance=1e-10, method="splitting", **settings).states[0]
    assert abs((np.trace(off) if t1 else np.linalg.norm(off)) - 1) < 1e-12
    assert np.abs(off - fine).max() < 1e-10
