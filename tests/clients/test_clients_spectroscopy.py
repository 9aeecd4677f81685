"""qiskit-experiments, unmodified, finds frequencies and drive strengths: spectroscopy and Rabi."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_sites import values
from client_truth import rotation
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit_experiments.calibration_management import Calibrations, FixedFrequencyTransmon
from qiskit_experiments.library import (
    EFRabi,
    EFSpectroscopy,
    QubitSpectroscopy,
    Rabi,
    ResonatorSpectroscopy,
    RoughXSXAmplitudeCal,
)

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]


def pi_amplitude(site, ladder=1.0):
    """Return the amplitude whose area is pi, for a matrix element ``ladder``."""
    shape = {**site.tuned("x").parameters, "amp": 1.0}
    area = pulse.Drag(**shape).get_waveform().samples.real.sum() * site.backend.dt
    return 0.5 / (site.rabi_rate * ladder * area)


def test_qubit_spectroscopy(site):
    frequencies = site.f01 + 1.3e6 + np.linspace(-10e6, 10e6, 51)
    found = values(QubitSpectroscopy([site.qubit], frequencies, site.backend, amp=0.005), site.backend)
    assert found["f01"] == pytest.approx(site.f01, abs=0.15e6)


def test_ef_spectroscopy(site):
    f12 = site.f01 + site.alpha
    made = EFSpectroscopy([site.qubit], f12 - 1.1e6 + np.linspace(-10e6, 10e6, 41), site.backend)
    made.set_experiment_options(amp=0.005)
    made.set_run_options(use_measure_esp=False)
    assert values(made, site.backend)["f12"] == pytest.approx(f12, abs=0.2e6)


@pytest.mark.parametrize("level", [0, 1])
def test_resonator_spectroscopy(site, level):
    """The resonator is where the qubit's level puts it."""
    resonator = site.backend.device.resonators[site.qubit]
    true = resonator.frequency + resonator.chi[level]
    made = ResonatorSpectroscopy([site.qubit], site.backend, resonator.frequency + np.linspace(-15e6, 15e6, 61))
    prepare = QuantumCircuit(1)
    if level:
        prepare.x(0)
    made.set_experiment_options(duration=960e-9, width=840e-9, initial_circuit=prepare)
    made.set_run_options(use_measure_esp=False)
    assert values(made, site.backend)["res_freq0"] == pytest.approx(true, abs=0.15e6)


def test_rabi(site):
    made = Rabi([site.qubit], site.drag("x", amp=Parameter("amp")), np.linspace(-0.5, 0.5, 31), site.backend)
    made.set_run_options(shots=500)  # the analysis costs 40 us per shot
    amp = 0.5 / values(made, site.backend)["rabi_rate"]
    assert amp == pytest.approx(site.tuned("x").amp, rel=5e-3)
    assert amp == pytest.approx(pi_amplitude(site), rel=1e-2)


def test_ef_rabi(site):
    shape = {**site.tuned("x").parameters, "beta": 0.0, "amp": Parameter("amp")}
    with pulse.build(name="x12") as schedule, pulse.frequency_offset(site.alpha, site.channel):
        pulse.play(pulse.Drag(**shape), site.channel)
    made = EFRabi([site.qubit], schedule, np.linspace(-0.4, 0.4, 31), site.backend)
    made.set_run_options(use_measure_esp=False, shots=500)
    assert 0.5 / values(made, site.backend)["rabi_rate_12"] == pytest.approx(pi_amplitude(site, np.sqrt(2)), rel=0.02)


def test_rough_xsx_amplitude(site):
    """From half the amplitude to the device's own, for x and sx."""
    tuned = site.tuned("x")
    guess = {"amp": tuned.amp / 2, "duration": tuned.duration, "β": tuned.beta, "σ": tuned.sigma}
    cals = Calibrations.from_backend(site.backend, libraries=[FixedFrequencyTransmon(default_values=guess)])
    made = RoughXSXAmplitudeCal([site.qubit], cals, np.linspace(-0.5, 0.5, 31), site.backend)
    made.set_run_options(shots=500)
    values(made, site.backend)
    for gate in ("x", "sx"):
        amp = cals.get_parameter_value("amp", site.qubit, gate)
        assert amp == pytest.approx(site.tuned(gate).amp, rel=1e-2)
        samples = cals.get_schedule(gate, site.qubit).instructions[0][1].pulse.get_waveform().samples
        angle = rotation(samples, site.backend.dt, site.rabi_rate, site.alpha)
        assert angle == pytest.approx({"x": np.pi, "sx": np.pi / 2}[gate], rel=1e-2)
