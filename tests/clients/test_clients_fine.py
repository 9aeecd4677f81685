"""qiskit-experiments, unmodified, measures small errors of gates and frequencies, with their sign."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_exact import expected
from client_sites import Site, data_of, readout_errors, values, with_gate
from client_truth import pair_rotation, rotation, stark_shift
from qiskit.circuit import Parameter
from qiskit_experiments.calibration_management import Calibrations, FixedFrequencyTransmon
from qiskit_experiments.data_processing.nodes import RestlessToCounts
from qiskit_experiments.framework import ParallelExperiment
from qiskit_experiments.library import (
    FineFrequency,
    FineFrequencyCal,
    FineSXAmplitude,
    FineXAmplitude,
    FineXAmplitudeCal,
    FineXDrag,
    FineXDragCal,
    FrequencyCal,
    HalfAngle,
    Rabi,
    RamseyXY,
    RoughDrag,
    RoughDragCal,
    RoughXSXAmplitudeCal,
    StarkRamseyXY,
)

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]
SAMPLE = 2e-9 / 9  # s, of both devices
SHOTS = 40_000  # they cost little beside the states


def true_error(site, gate, factor):
    """Return by how much (rad) a gate of a wrong amplitude turns too far."""
    shape = site.tuned(gate)
    samples = shape.get_waveform().samples * factor
    target = {"x": np.pi, "sx": np.pi / 2}[gate]
    return rotation(samples, SAMPLE, site.rabi_rate, site.alpha) - target


def calibrations(site, **guess):
    """Return Calibrations of one qubit: the tuned pulses, changed by ``guess``."""
    tuned = site.tuned("x")
    start = {"amp": tuned.amp, "duration": tuned.duration, "β": tuned.beta, "σ": tuned.sigma, **guess}
    return Calibrations.from_backend(site.backend, libraries=[FixedFrequencyTransmon(default_values=start)])


@pytest.mark.parametrize("factor", [0.98, 1.0, 1.03])
@pytest.mark.parametrize("gate, experiment", [("x", FineXAmplitude), ("sx", FineSXAmplitude)])
def test_fine_amplitude(site, gate, experiment, factor):
    """Decay hides a little of the error from the client's fit; the rest is noise of shots."""
    made = experiment([site.qubit], site.backend)
    made.set_run_options(shots=SHOTS)
    with_gate(made, gate, site.qubit, site.drag(gate, amp=site.tuned(gate).amp * factor))
    errors = readout_errors(site.backend, site.qubit)
    exact = expected(made, site.backend, [site.qubit], errors=errors)["d_theta"]
    found = values(made, site.backend)["d_theta"]
    assert exact == pytest.approx(true_error(site, gate, factor), rel={"x": 0.01, "sx": 0.025}[gate], abs=2e-4)
    assert found == pytest.approx(exact, abs=6e-4)


@pytest.mark.parametrize("factor", [0.98, 1.03])
def test_restless_fine_x_amplitude(site, factor):
    """No reset between shots; the client's restless processing puts them right."""
    made = FineXAmplitude([site.qubit], site.backend)
    with_gate(made, "x", site.qubit, site.drag("x", amp=site.tuned("x").amp * factor))
    made.enable_restless(rep_delay=1e-6)
    data = data_of(made, site.backend)
    assert any(isinstance(node, RestlessToCounts) for node in made.analysis.options.data_processor._nodes)
    options = data.jobs()[0].backend_options()
    assert (options["init_qubits"], options["memory"], options["rep_delay"]) == (False, True, pytest.approx(1.0))
    found = data.analysis_results("d_theta").value.nominal_value
    assert found == pytest.approx(true_error(site, "x", factor), abs=4e-3)


def test_rough_drag(site):
    made = RoughDrag([site.qubit], site.drag("x", beta=Parameter("beta")), np.linspace(-5, 5, 41), site.backend)
    assert values(made, site.backend)["beta"] == pytest.approx(site.tuned("x").beta, abs=0.15)


@pytest.mark.parametrize("wrong", [-0.6, 0.0, 0.6])
def test_fine_x_drag(site, wrong):
    """A wrong beta turns x, -x out of their plane, up where beta is too large."""
    tuned = site.tuned("x")
    cals = calibrations(site, β=tuned.beta + wrong)
    made = FineXDragCal([site.qubit], cals, site.backend)
    made.set_run_options(shots=SHOTS)
    twin = FineXDragCal([site.qubit], calibrations(site, β=tuned.beta + wrong), site.backend)
    errors = readout_errors(site.backend, site.qubit)
    exact = expected(twin, site.backend, [site.qubit], errors=errors)["d_theta"]
    samples = cals.get_schedule("x", site.qubit).instructions[0][1].pulse.get_waveform().samples
    angle = pair_rotation(samples, SAMPLE, site.rabi_rate, site.alpha)
    assert exact == pytest.approx(np.sign(wrong) * angle, rel=0.06, abs=5e-4)  # decay hides some
    assert values(made, site.backend)["d_theta"] == pytest.approx(exact, abs=8e-4)
    left = cals.get_parameter_value("β", site.qubit, "x") - tuned.beta
    assert abs(left) < 0.5 * abs(wrong) + 0.05  # the client's rule takes the sine for 1: it goes there in steps


def test_fine_x_drag_of_the_tuned_gate(site):
    assert abs(values(FineXDrag([site.qubit], site.backend), site.backend)["d_theta"]) < 5e-3


@pytest.mark.parametrize("angle", [-0.04, 0.0, 0.03])
def test_half_angle(site, angle):
    """An sx turned by an angle against x; the experiment counts it twice."""
    made = HalfAngle([site.qubit], site.backend)
    made.set_run_options(shots=SHOTS)
    with_gate(made, "sx", site.qubit, site.drag("sx", angle=angle))
    exact = expected(made, site.backend, [site.qubit], errors=readout_errors(site.backend, site.qubit))["d_hac"]
    assert exact == pytest.approx(2 * angle, rel=0.05, abs=2e-3)
    assert values(made, site.backend)["d_hac"] == pytest.approx(exact, abs=8e-4)


@pytest.mark.parametrize("detuning", [-0.3e6, 0.2e6])
def test_fine_frequency(site, detuning):
    """A LO below the qubit: the client's rule raises it to the qubit.

    The fit takes what its detuned sx add for slope: 5 % too much, exactly so.
    """
    cals = calibrations(site)
    cals.add_parameter_value(site.f01 - detuning, "drive_freq", (site.qubit,))
    made = FineFrequencyCal([site.qubit], cals, site.backend, delay_duration=160)
    made.set_run_options(qubit_lo_freq=site.detuned_los(-detuning))
    twin = FineFrequency([site.qubit], 160, site.backend)
    exact = expected(twin, site.backend, [site.qubit], los=site.detuned_los(-detuning))["d_theta"]
    turn = 2 * np.pi * 160 * SAMPLE
    assert exact / turn == pytest.approx(detuning, rel=0.06)
    assert values(made, site.backend)["d_theta"] == pytest.approx(exact, abs=5e-4)
    assert cals.get_parameter_value("drive_freq", site.qubit) == pytest.approx(
        site.f01 - detuning + exact / turn, abs=2.5e3
    )


def test_fine_frequency_of_the_tuned_gate(site):
    assert abs(values(FineFrequency([site.qubit], 160, site.backend), site.backend)["d_theta"]) < 1e-3


@pytest.mark.parametrize("detuning", [-1.3e6, 0.0, 0.9e6])
def test_ramsey_xy(site, detuning):
    """A drive LO below the qubit shows the qubit above it."""
    made = RamseyXY([site.qubit], site.backend, osc_freq=2e6)
    made.set_run_options(qubit_lo_freq=site.detuned_los(-detuning), shots=SHOTS)
    errors = readout_errors(site.backend, site.qubit)
    exact = expected(made, site.backend, [site.qubit], los=site.detuned_los(-detuning), errors=errors)["freq"] - 2e6
    assert exact == pytest.approx(detuning, rel=0.006, abs=3e3)
    assert values(made, site.backend)["freq"] - 2e6 == pytest.approx(exact, abs=3e3)


@pytest.mark.parametrize("detuning", [-0.8e6, 1.1e6])
def test_frequency_cal(site, detuning):
    cals = calibrations(site)
    cals.add_parameter_value(site.f01 - detuning, "drive_freq", (site.qubit,))
    made = FrequencyCal([site.qubit], cals, site.backend)
    made.set_run_options(qubit_lo_freq=site.detuned_los(-detuning), shots=SHOTS)
    values(made, site.backend)
    assert cals.get_parameter_value("drive_freq", site.qubit) == pytest.approx(site.f01, abs=8e3)


@pytest.mark.parametrize("amp", [-0.1, 0.12])
def test_stark_ramsey_xy(site, amp):
    """A tone below the qubit pushes it up, one above it down."""
    made = StarkRamseyXY([site.qubit], site.backend, stark_amp=amp, stark_freq_offset=80e6)
    tone = site.f01 - np.sign(amp) * 80e6
    true = stark_shift(tone, site.f01, site.alpha, abs(amp) * site.rabi_rate)
    assert np.sign(true) == np.sign(amp)
    assert values(made, site.backend)["freq"] == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize("off", [-0.9e6, 0.7e6])
def test_full_loop_from_a_detuned_lo(site, off):
    """Frequency, amplitude, DRAG, fine amplitude: from rough guesses to the device's own values."""
    tuned, q = site.tuned("x"), site.qubit
    cals = calibrations(site, amp=tuned.amp / 3, β=0.0)
    cals.add_parameter_value(site.f01 + off, "drive_freq", (q,))

    def run(made):
        lo = cals.get_parameter_value("drive_freq", q)
        made.set_run_options(qubit_lo_freq=site.detuned_los(lo - site.f01))
        values(made, site.backend)

    rough = RoughXSXAmplitudeCal([q], cals, np.linspace(-0.5, 0.5, 31), site.backend)
    rough.set_run_options(shots=500)
    run(rough)
    run(FrequencyCal([q], cals, site.backend))
    run(FineFrequencyCal([q], cals, site.backend, delay_duration=160))
    assert cals.get_parameter_value("drive_freq", q) == pytest.approx(site.f01, abs=1e4)
    run(rough)
    run(RoughDragCal([q], cals, backend=site.backend, betas=np.linspace(-5, 5, 21)))
    run(FineXAmplitudeCal([q], cals, "x", backend=site.backend))
    run(FineXDragCal([q], cals, site.backend))
    run(FineXAmplitudeCal([q], cals, "x", backend=site.backend))
    assert cals.get_parameter_value("amp", q, "x") == pytest.approx(tuned.amp, rel=1e-3)
    assert cals.get_parameter_value("β", q, "x") == pytest.approx(tuned.beta, abs=0.1)


@pytest.mark.parametrize("device, qubits", [("pair", (0, 1)), ("ibm_perth", (2, 5))])
def test_parallel_rabi_at_level_1(request, device, qubits):
    """Two Rabi experiments at once, from IQ points."""
    backend = request.getfixturevalue({"ibm_perth": "perth"}.get(device, device))
    sites = [Site(backend, q) for q in qubits]
    parts = [Rabi([s.qubit], s.drag("x", amp=Parameter("amp")), np.linspace(-0.5, 0.5, 25)) for s in sites]
    made = ParallelExperiment(parts, backend=backend, flatten_results=True)
    made.set_run_options(meas_level=1, meas_return="single", shots=500, use_measure_esp=False)
    found = [r for r in data_of(made, backend).analysis_results() if r.name == "rabi_rate"]
    amps = {r.device_components[0].index: 0.5 / r.value.nominal_value for r in found}
    assert [amps[q] for q in qubits] == pytest.approx([s.tuned("x").amp for s in sites], rel=1e-2)
