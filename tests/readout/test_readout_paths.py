"""Closed-form assignment errors against shots."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from pulsekit.device import Device, Resonator, Transmon
from pulsekit.program import AcquireSpec, Pulse
from pulsekit.readout import Purpose, Stream, Tone, build_acquisition, chance_of_one, path_nodes, project, read_shots

N = 1472


def acquisition(t1, p_th=0.0, esp=False, drive=60e6):
    device = Device(
        "r", (Transmon(5e9, levels=3, t1=t1, t2=t1, p_th=p_th),), resonators=(Resonator(7e9, drive_rate=drive),)
    )
    pulse = Pulse.from_shape("gaussian_square", N, {"sigma": 64, "width": N - 256}).samples
    tones = [Tone(0, 0.24 * pulse, 0.0)]
    return build_acquisition(device, 0, tones=tones, lo_freq=7e9, duration=N, spec=AcquireSpec(esp=esp))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_nodes_reproduce_mean_and_assignment(level):
    a = acquisition(1e-6, p_th=0.05)
    shots = 400000
    iq, bits = np.empty(shots, complex), np.empty(shots, np.uint8)
    read_shots(a, Stream(1, level, Purpose.READ), 0, np.full(shots, level, np.uint8), iq=iq, bits=bits)
    signal, weight = path_nodes(a, level)
    assert abs(signal @ weight - iq.mean()) < 0.01 * a.sigma
    paths = project(a, 1, (level,))
    p = chance_of_one(paths, 0, np.array([paths.separation]), np.array([0.5]))[0]
    assert bits.mean() == pytest.approx(p, abs=5 * (p * (1 - p) / shots) ** 0.5 + 5e-4)


@pytest.mark.parametrize("t1", [5e-6, 40e-6])
def test_relaxation_costs_what_the_closed_forms_say(t1):
    """Boundary half way: half of the window counts, squared for a promoted 1; within a factor of two."""
    x = N * 2e-9 / 9 / t1 / 2
    wide = 14.0
    plain = project(acquisition(t1), 1, (1,))
    error = 1 - chance_of_one(plain, 0, np.array([wide]), np.array([0.5]))[0]
    assert 0.5 < error / (1 - np.exp(-x)) < 2
    esp = project(acquisition(t1, esp=True), 2, (2,))
    promoted = 1 - chance_of_one(esp, 0, np.array([wide]), np.array([0.5]))[0]
    assert 0.5 < promoted / (1 - np.exp(-x)) ** 2 < 2


def test_docs_plot_shows_both_regimes():
    """Long readouts gain an order of magnitude by ESP, short ones lose to the pi-12 error."""
    path = Path(__file__).parents[2] / "docs" / "plots" / "readout_esp.py"
    spec = importlib.util.spec_from_file_location("readout_esp", path)
    plot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plot)
    plain, esp = plot.errors(5.2e-6, 0.01)
    assert esp < plain / 10 and plain == pytest.approx(1 - np.exp(-0.026), rel=0.1)
    plain, esp = plot.errors(0.33e-6, 0.05)
    assert esp > 1.3 * plain
    plain, esp = plot.errors(0.33e-6, 0.0)
    assert esp < plain
