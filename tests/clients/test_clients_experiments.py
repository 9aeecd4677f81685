"""qiskit-experiments, unmodified, recovers the true values of simulated devices.

Needs the extra ``experiments``; nightly, because the clients' own analysis
takes seconds per experiment.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, SXGate
from qiskit.pulse import DriveChannel
from qiskit_experiments.calibration_management import Calibrations, FixedFrequencyTransmon
from qiskit_experiments.framework import ParallelExperiment
from qiskit_experiments.library import (
    T1,
    CrossResonanceHamiltonian,
    EFRabi,
    EFSpectroscopy,
    FineFrequency,
    FineSXAmplitude,
    FineXAmplitude,
    FineXAmplitudeCal,
    FineXDrag,
    FrequencyCal,
    HalfAngle,
    InterleavedRB,
    LocalReadoutError,
    MultiStateDiscrimination,
    ProcessTomography,
    QuantumVolume,
    QubitSpectroscopy,
    Rabi,
    RamseyXY,
    ReadoutAngle,
    ResonatorSpectroscopy,
    RoughDrag,
    RoughDragCal,
    RoughXSXAmplitudeCal,
    StandardRB,
    StarkRamseyXY,
    StateTomography,
    T2Hahn,
    T2Ramsey,
    Tphi,
    ZZRamsey,
)

import pulsekit
from pulsekit.calibration import tune
from pulsekit.device import Device

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]
TRUE_T1, TRUE_T2 = 60e-6, 50e-6  # s


@pytest.fixture(scope="module")
def backend():
    return pulsekit.Backend(tune(Device.transmon(t1=TRUE_T1, t2=TRUE_T2)), "memory", seed_simulator=11)


@pytest.fixture(scope="module")
def pair():
    return pulsekit.Backend(tune(Device.pair(t1=80e-6, t2=70e-6)), "memory", seed_simulator=5)


@pytest.fixture(scope="module")
def f01(backend):
    return backend.device.transmons[0].frequency


@pytest.fixture(scope="module")
def alpha(backend):
    return backend.device.transmons[0].anharmonicity


@pytest.fixture(scope="module")
def tuned(backend):
    """The tuned x pulse."""
    plays = [i for _, i in backend.instruction_schedule_map.get("x", 0).instructions if isinstance(i, pulse.Play)]
    return plays[0].pulse


def values(experiment, backend):
    """Return the analysis results by name; every job and analysis must succeed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = experiment.run(backend).block_for_results(timeout=600)
        assert not data.errors(), data.errors()
        return {r.name: r.value for r in data.analysis_results()}


def drag(duration, amp, sigma, beta, name="x"):
    with pulse.build(name=name) as made:
        pulse.play(pulse.Drag(duration, amp, sigma, beta), DriveChannel(0))
    return made


def nominal(value):
    return getattr(value, "nominal_value", value)


def test_qubit_spectroscopy(backend, f01):
    found = values(QubitSpectroscopy([0], f01 + np.linspace(-10e6, 10e6, 51), backend, amp=0.01), backend)["f01"]
    assert nominal(found) == pytest.approx(f01, abs=0.3e6)


def test_ef_spectroscopy(backend, f01, alpha):
    made = EFSpectroscopy([0], f01 + alpha + np.linspace(-10e6, 10e6, 41), backend)
    made.set_experiment_options(amp=0.01)
    made.set_run_options(use_measure_esp=False)
    assert nominal(values(made, backend)["f12"]) == pytest.approx(f01 + alpha, abs=0.5e6)


def test_resonator_spectroscopy(backend):
    resonator = backend.device.resonators[0]
    true = resonator.frequency + (resonator.chi[0] if resonator.chi else 0.0)
    made = ResonatorSpectroscopy([0], backend, resonator.frequency + np.linspace(-12e6, 12e6, 51))
    assert nominal(values(made, backend)["res_freq0"]) == pytest.approx(true, abs=1e6)


def test_rabi(backend, tuned):
    amp = Parameter("amp")
    schedule = drag(tuned.duration, amp, tuned.sigma, tuned.beta)
    rate = nominal(
        values(Rabi([0], schedule, amplitudes=np.linspace(-0.5, 0.5, 31), backend=backend), backend)["rabi_rate"]
    )
    assert 0.5 / rate == pytest.approx(tuned.amp, rel=5e-3)


def test_ef_rabi(backend, tuned, alpha):
    amp = Parameter("amp")
    with pulse.build(name="x12") as schedule, pulse.frequency_offset(alpha, DriveChannel(0)):
        pulse.play(pulse.Drag(tuned.duration, amp, tuned.sigma, 0.0), DriveChannel(0))
    made = EFRabi([0], schedule, amplitudes=np.linspace(-0.4, 0.4, 31), backend=backend)
    made.set_run_options(use_measure_esp=False)
    rate = nominal(values(made, backend)["rabi_rate_12"])
    assert 0.5 / rate == pytest.approx(tuned.amp / np.sqrt(2), rel=0.03)


def test_fine_x_amplitude(backend):
    assert abs(nominal(values(FineXAmplitude([0], backend), backend)["d_theta"])) < 3e-3


def test_fine_x_amplitude_sees_the_sign_of_an_error(backend, tuned):
    made = FineXAmplitude([0], backend)
    wrong = drag(tuned.duration, tuned.amp * 1.02, tuned.sigma, tuned.beta)
    inst_map = pulse.InstructionScheduleMap()
    inst_map.add("x", 0, wrong)
    made.set_transpile_options(inst_map=inst_map)
    assert nominal(values(made, backend)["d_theta"]) == pytest.approx(0.02 * np.pi, rel=0.1)


def test_fine_sx_amplitude(backend):
    assert abs(nominal(values(FineSXAmplitude([0], backend), backend)["d_theta"])) < 3e-3


def test_restless_fine_x_amplitude(backend):
    made = FineXAmplitude([0], backend)
    made.enable_restless(rep_delay=1e-6)
    assert abs(nominal(values(made, backend)["d_theta"])) < 3e-3


def test_rough_drag(backend, tuned):
    schedule = drag(tuned.duration, tuned.amp, tuned.sigma, Parameter("beta"))
    made = RoughDrag([0], schedule, backend=backend, betas=np.linspace(-5, 5, 41))
    assert nominal(values(made, backend)["beta"]) == pytest.approx(tuned.beta, abs=0.15)


def test_fine_x_drag(backend):
    assert abs(nominal(values(FineXDrag([0], backend), backend)["d_theta"])) < 5e-3


def test_half_angle(backend):
    assert abs(nominal(values(HalfAngle([0], backend), backend)["d_hac"])) < 5e-3


def test_fine_frequency(backend):
    assert abs(nominal(values(FineFrequency([0], 160, backend), backend)["d_theta"])) < 3e-3


@pytest.mark.parametrize("detuning", [-1.3e6, 0.9e6])
def test_ramsey_xy_sees_the_sign_of_a_detuning(backend, f01, detuning):
    """A drive LO below the qubit shows the qubit above it."""
    made = RamseyXY([0], backend, osc_freq=2e6)
    made.set_run_options(qubit_lo_freq=[f01 - detuning])
    found = nominal(values(made, backend)["freq"])
    assert abs(found - 2e6) == pytest.approx(abs(detuning), rel=0.03)
    on_resonance = nominal(values(RamseyXY([0], backend, osc_freq=2e6), backend)["freq"])
    assert on_resonance == pytest.approx(2e6, abs=2e4)


def test_t1(backend):
    assert nominal(values(T1([0], np.linspace(1e-6, 180e-6, 30), backend), backend)["T1"]) == pytest.approx(
        TRUE_T1, rel=0.08
    )


def test_t2_ramsey(backend):
    found = values(T2Ramsey([0], np.linspace(1e-6, 100e-6, 50), backend, osc_freq=1e5), backend)
    assert nominal(found["T2star"]) == pytest.approx(TRUE_T2, rel=0.1)
    assert nominal(found["Frequency"]) == pytest.approx(1e5, rel=0.02)


def test_t2_hahn(backend):
    found = values(T2Hahn([0], np.linspace(1e-6, 150e-6, 30), 1, backend), backend)
    assert nominal(found["T2"]) == pytest.approx(TRUE_T2, rel=0.1)


def test_tphi(backend):
    delays = list(np.linspace(1e-6, 150e-6, 25))
    found = values(Tphi([0], delays, delays, t2type="hahn", backend=backend), backend)
    true = 1 / (1 / TRUE_T2 - 0.5 / TRUE_T1)
    assert nominal(found["T_phi"]) == pytest.approx(true, rel=0.2)


def test_readout_angle(backend):
    found = values(ReadoutAngle([0], backend), backend)
    assert np.isfinite(nominal(found["readout_angle"]))


def test_multi_state_discrimination(backend):
    x12 = backend.instruction_schedule_map.get("x12", 0)
    made = MultiStateDiscrimination([0], backend=backend, n_states=3, schedules={"x12": x12})
    made.set_run_options(use_measure_esp=False)
    assert values(made, backend)["fidelity"] > 0.9


def test_local_readout_error(backend):
    assert values(LocalReadoutError([0], backend), backend)


def test_standard_rb(backend, tuned):
    found = values(StandardRB([0], [1, 50, 200, 500], backend, num_samples=4, seed=3), backend)
    duration = tuned.duration * backend.dt
    limit = (3 - 2 * np.exp(-duration / TRUE_T2) - np.exp(-duration / TRUE_T1)) / 6  # coherence limit of one pulse
    assert nominal(found["EPC"]) / 0.5 * 0.5 > 0 and nominal(found["EPG_sx"]) == pytest.approx(limit, rel=0.6)


def test_interleaved_rb(backend):
    found = values(InterleavedRB(SXGate(), [0], [1, 50, 150, 300], backend=backend, num_samples=4, seed=3), backend)
    assert 0 < nominal(found["alpha_c"]) <= 1.0005


def test_state_tomography(backend):
    qc = QuantumCircuit(1)
    qc.sx(0)
    assert values(StateTomography(qc, backend, [0]), backend)["state_fidelity"] > 0.98


@pytest.mark.parametrize("amp", [-0.1, 0.1])
def test_stark_ramsey_xy(backend, alpha, amp):
    """A tone below the qubit pushes it up, one above it down; perturbation theory with levels 1 and 2."""
    found = nominal(values(StarkRamseyXY([0], backend, stark_amp=amp, stark_freq_offset=80e6), backend)["freq"])
    detuning = -80e6 if amp > 0 else 80e6  # of the tone: the amplitude's sign chooses the side
    rabi = abs(amp) * backend.device.drives[0].rabi_rate
    assert found == pytest.approx(rabi**2 * alpha / (2 * detuning * (detuning - alpha)), rel=0.15)


def test_full_loop_from_a_detuned_lo(backend, f01, tuned):
    """Frequency, amplitude, DRAG, amplitude again: from rough guesses to the tuned pulse."""
    library = FixedFrequencyTransmon(
        default_values={"amp": 0.08, "duration": tuned.duration, "β": 0.0, "σ": tuned.sigma}
    )
    cals = Calibrations.from_backend(backend, libraries=[library])
    start = f01 + 0.7e6
    cals.add_parameter_value(start, "drive_freq", (0,))

    def run(made):
        made.set_run_options(qubit_lo_freq=[cals.get_parameter_value("drive_freq", 0)])
        values(made, backend)

    run(FrequencyCal([0], cals, backend, delays=list(np.linspace(0, 1e-6, 41))))
    assert cals.get_parameter_value("drive_freq", 0) == pytest.approx(f01, abs=1e4)
    run(RoughXSXAmplitudeCal([0], cals, backend=backend, amplitudes=np.linspace(-0.5, 0.5, 31)))
    run(RoughDragCal([0], cals, backend=backend, betas=np.linspace(-5, 5, 21)))
    run(FineXAmplitudeCal([0], cals, "x", backend=backend))
    assert cals.get_parameter_value("amp", 0, "x") == pytest.approx(tuned.amp, rel=2e-3)
    assert cals.get_parameter_value("β", 0, "x") == pytest.approx(tuned.beta, abs=0.15)


def test_parallel_t1(pair):
    parts = [T1([q], np.linspace(1e-6, 180e-6, 20)) for q in (0, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = ParallelExperiment(parts, backend=pair, flatten_results=True)
        data = made.run(pair).block_for_results(timeout=600)
    assert not data.errors(), data.errors()
    found = [nominal(r.value) for r in data.analysis_results() if r.name == "T1"]
    assert found == pytest.approx([80e-6, 80e-6], rel=0.12)


def test_zz_ramsey(pair):
    found = nominal(values(ZZRamsey([0, 1], pair), pair)["zz"])
    j = pair.device.couplings[0].strength
    (a, b) = pair.device.transmons
    d = a.frequency - b.frequency
    perturbative = 2 * j**2 * (a.anharmonicity + b.anharmonicity) / ((d + a.anharmonicity) * (b.anharmonicity - d))
    assert found == pytest.approx(perturbative, rel=0.25)


def test_cross_resonance_hamiltonian(pair):
    """The tone on the control turns the target about an axis that depends on the control: ZX is there."""
    made = CrossResonanceHamiltonian((0, 1), pair, durations=np.linspace(2e-7, 9e-7, 15), amp=0.15)
    found = values(made, pair)
    assert abs(nominal(found["omega_zx"])) > 0


def test_two_qubit_rb(pair):
    assert nominal(values(StandardRB([0, 1], [1, 10, 20, 40], pair, num_samples=2, seed=3), pair)["EPC"]) < 0.1


def test_two_qubit_interleaved_rb(pair):
    made = InterleavedRB(CXGate(), [0, 1], [1, 10, 20], backend=pair, num_samples=2, seed=3)
    assert 0.9 < nominal(values(made, pair)["alpha_c"]) <= 1.01


def test_process_tomography(pair):
    qc = QuantumCircuit(2)
    qc.cx(0, 1)
    assert values(ProcessTomography(qc, pair, [0, 1]), pair)["process_fidelity"] > 0.95


def test_quantum_volume(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = QuantumVolume([0, 1], pair, trials=20, seed=4).run(pair).block_for_results(timeout=600)
    assert not data.errors()
    assert nominal(data.analysis_results("mean_HOP").value) > 0.7
