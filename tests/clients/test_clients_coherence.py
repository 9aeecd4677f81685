"""qiskit-experiments, unmodified, finds lifetimes, readout and gate errors of one qubit."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_exact import expected
from client_sites import Site, data_of, readout_errors, values
from client_truth import coherence_limit, readout_centre
from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit.circuit.library import SXGate
from qiskit_experiments.framework import ParallelExperiment
from qiskit_experiments.library import (
    T1,
    InterleavedRB,
    LocalReadoutError,
    MultiStateDiscrimination,
    ReadoutAngle,
    StandardRB,
    StateTomography,
    T2Hahn,
    T2Ramsey,
    Tphi,
)

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]
SHOTS = 40_000  # they cost little beside the states


def delays(scale, points=30):
    return list(np.linspace(1e-6, 3 * scale, points))


def test_t1(site):
    made = T1([site.qubit], delays(site.transmon.t1), site.backend)
    made.set_run_options(shots=SHOTS)
    assert values(made, site.backend)["T1"] == pytest.approx(site.transmon.t1, rel=0.01)


@pytest.mark.parametrize("detuning", [0.0, 3e4])
def test_t2_ramsey(site, detuning):
    """Decay and frequency; a LO above the qubit slows the fringes down."""
    made = T2Ramsey([site.qubit], delays(site.transmon.t2 * 0.7, 150), site.backend, osc_freq=1e5)
    made.set_run_options(qubit_lo_freq=site.detuned_los(detuning), shots=SHOTS)
    found = values(made, site.backend)
    assert found["T2star"] == pytest.approx(site.transmon.t2, rel=0.01)
    assert found["Frequency"] == pytest.approx(1e5 - detuning, abs=50)


@pytest.mark.parametrize("echoes", [1, 4])
def test_t2_hahn(site, echoes):
    made = T2Hahn([site.qubit], delays(site.transmon.t2), echoes, site.backend)
    made.set_run_options(shots=SHOTS)
    assert values(made, site.backend)["T2"] == pytest.approx(site.transmon.t2, rel=0.02)


@pytest.mark.parametrize("t2type", ["hahn", "ramsey"])
def test_tphi(site, t2type):
    t1, t2 = site.transmon.t1, site.transmon.t2
    made = Tphi([site.qubit], delays(t1), delays(t2), t2type=t2type, osc_freq=1e5, backend=site.backend)
    made.set_run_options(shots=SHOTS)
    assert values(made, site.backend)["T_phi"] == pytest.approx(1 / (1 / t2 - 0.5 / t1), rel=0.04)


def test_parallel_t1(perth):
    """Two lifetimes in one job."""
    sites = [Site(perth, q) for q in (0, 5)]
    made = ParallelExperiment([T1([s.qubit], delays(150e-6)) for s in sites], backend=perth, flatten_results=True)
    made.set_run_options(use_measure_esp=False, shots=SHOTS)
    results = [r for r in data_of(made, perth).analysis_results() if r.name == "T1"]
    found = {r.device_components[0].index: r.value.nominal_value for r in results}
    assert [found[s.qubit] for s in sites] == pytest.approx([s.transmon.t1 for s in sites], rel=0.01)


def test_readout_angle(site):
    made = ReadoutAngle([site.qubit], site.backend)
    made.set_run_options(use_measure_esp=False)
    zero, one = (np.angle(readout_centre(site.backend.device, site.backend, site.qubit, s)) for s in (0, 1))
    true = (zero + one) / 2 + (np.pi if abs(zero - one) > np.pi else 0.0)
    found = values(made, site.backend)["readout_angle"]
    assert np.angle(np.exp(1j * (found - true))) == pytest.approx(0.0, abs=0.02)


def test_multi_state_discrimination(site):
    """The clouds of 0, 1 and 2 lie where the resonator's equation puts them."""
    x12 = site.backend.instruction_schedule_map.get("x12", site.qubit)
    made = MultiStateDiscrimination([site.qubit], backend=site.backend, n_states=3, schedules={"x12": x12})
    made.set_run_options(use_measure_esp=False)
    found = values(made, site.backend)
    means = [complex(*m) for m in found["discriminator_config"]["attributes"]["means_"]]
    true = [readout_centre(site.backend.device, site.backend, site.qubit, s) for s in range(3)]
    shape = (means[1] - means[0]) / (means[2] - means[0])
    assert shape == pytest.approx((true[1] - true[0]) / (true[2] - true[0]), rel=0.05)
    assert [np.angle(m / t) for m, t in zip(means, true)] == pytest.approx([0, 0, 0], abs=0.05)
    assert 0.93 < found["fidelity"] < 1.0


def test_local_readout_error(perth):
    """The assignment matrices are those of the device's properties."""
    made = LocalReadoutError([2, 5], perth)
    made.set_run_options(shots=20000, use_measure_esp=False)
    found = values(made, perth)["Local Readout Mitigator"].assignment_matrix
    for qubit in (2, 5):
        properties = perth.properties().qubit_property(qubit)
        e1, e0 = properties["prob_meas0_prep1"][0], properties["prob_meas1_prep0"][0]
        assert found(qubit) == pytest.approx(np.array([[1 - e0, e1], [e0, 1 - e1]]), abs=5e-3)


def short_lived():
    from pulsekit import Backend
    from pulsekit.calibration import tune
    from pulsekit.device import Device

    return Site(Backend(tune(Device.transmon(5.1e9, t1=12e-6, t2=9e-6)), "memory", seed_simulator=2), 0)


def test_standard_rb():
    """The error of a pulse is what T1 and T2 leave. (A length of 1 would spoil the client's gates per Clifford.)"""
    site = short_lived()
    made = StandardRB([0], [20, 60, 120, 200, 350, 600], site.backend, num_samples=8, seed=3)
    made.set_run_options(shots=10000)
    exact = expected(made, site.backend, [0], errors=readout_errors(site.backend, 0))
    limit = coherence_limit(site.tuned("x").duration * site.backend.dt, site.transmon.t1, site.transmon.t2)
    found = values(made, site.backend)
    for gate in ("EPG_sx", "EPG_x"):
        assert exact[gate] == pytest.approx(limit, rel=0.05)  # of these circuits
        assert found[gate] == pytest.approx(exact[gate], rel=0.05)


def test_standard_rb_of_a_snapshot(perth):
    site = Site(perth, 5)
    made = StandardRB([5], [50, 500, 1200, 2000, 3000], perth, num_samples=4, seed=3)
    made.set_run_options(shots=10000, spectator_bound=0.01)  # without them: 2e-4 in thousands of gates
    limit = coherence_limit(site.tuned("x").duration * perth.dt, site.transmon.t1, site.transmon.t2)
    assert values(made, perth)["EPG_sx"] == pytest.approx(limit, rel=0.1)


@pytest.mark.parametrize("gate", [SXGate(), Delay(480, unit="dt")], ids=["sx", "delay"])
def test_interleaved_rb(gate):
    site = short_lived()
    made = InterleavedRB(gate, [0], [1, 30, 80, 150, 250, 400], backend=site.backend, num_samples=12, seed=3)
    made.set_run_options(shots=4000)
    duration = gate.duration if isinstance(gate, Delay) else site.tuned("sx").duration
    limit = coherence_limit(duration * site.backend.dt, site.transmon.t1, site.transmon.t2)
    assert values(made, site.backend)["EPC"] == pytest.approx(limit, rel=0.06)


@pytest.mark.parametrize("theta, phi", [(0.6, -1.1), (2.0, 0.4)])
def test_state_tomography(site, theta, phi):
    """The Bloch vector, its signs included, shrunk by the readout's errors."""
    qc = QuantumCircuit(1)
    qc.ry(theta, 0)
    qc.rz(phi, 0)
    made = StateTomography(qc, site.backend, [site.qubit])
    made.set_run_options(shots=20000)
    rho = values(made, site.backend)["state"].data
    bloch = np.array([2 * rho[1, 0].real, 2 * rho[1, 0].imag, (rho[0, 0] - rho[1, 1]).real])
    true = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    error = np.mean(readout_errors(site.backend, site.qubit))
    assert bloch == pytest.approx((1 - 2 * error) * true, abs=0.03)
