"""qiskit-experiments, unmodified, finds couplings, CR Hamiltonians and gate errors of pairs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_exact import expected
from client_layers import benchmarked
from client_sites import data_of, readout_errors, values
from client_truth import cross_resonance, idle_process_fidelity, static_zz
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate
from qiskit_experiments.library import (
    CrossResonanceHamiltonian,
    InterleavedRB,
    ProcessTomography,
    QuantumVolume,
    StandardRB,
    StateTomography,
    ZZRamsey,
)

import pulsekit
from pulsekit.calibration import gate_fidelity

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cx(pair):
    """The direction in which the tuned cx is one echoed pulse: (control, target)."""
    return min(pair.device.coupling_map, key=lambda e: pair.device.calibrations.get("cx", e).program.duration)


def lives(backend, qubits):
    return [(backend.device.transmons[q].t1, backend.device.transmons[q].t2) for q in qubits]


def average_error(backend, qubits, duration):
    """Return the average error that T1 and T2 leave in a time."""
    return 0.8 * (1 - idle_process_fidelity(duration, *lives(backend, qubits)))


def lengths_of(circuits, backend):
    """Return what circuits last in s, readout not counted."""
    without = [c.remove_final_measurements(inplace=False) for c in circuits]
    return np.array([s.duration for s in pulsekit.schedule(without, backend)]) * backend.dt


@pytest.mark.parametrize("noise, bound", [(False, 4e2), (True, 4e3)])
@pytest.mark.parametrize("device, qubits", [("pair", (0, 1)), ("pair", (1, 0)), ("manila", (3, 4))])
def test_zz_ramsey(request, device, qubits, noise, bound):
    """The client's Hamiltonian, f0/2 ZI + f1/2 IZ + zz/4 ZZ, has zz > 0 where exciting one qubit lowers the other.

    Where the neighbour decays on the way (T1 of 20 us), its shift is gone: the fit finds some per cent less.
    """
    backend = request.getfixturevalue(device)
    true = -static_zz(backend.device, *qubits)
    made = ZZRamsey(qubits, backend, max_delay=20e-6, num_delays=60)
    made.set_run_options(shots=4000, noise=noise)
    assert values(made, backend)["zz"] == pytest.approx(true, abs=bound)


def cr_tomography(backend, qubits, amp, **options):
    """Return the experiment and the true rates in Hz."""
    line = backend.device.controls[backend.control_channel(qubits)[0].index]
    made = CrossResonanceHamiltonian(qubits, backend, durations=np.linspace(1e-7, 1.5e-6, 25), amp=amp)
    made.set_run_options(use_measure_esp=False, **options)
    return made, cross_resonance(backend.device, *qubits, amp * line.rabi_rate * line.gain)


@pytest.mark.parametrize("device, qubits, amp", [("pair", (0, 1), 0.15), ("pair", (1, 0), 0.1)])
def test_cross_resonance_hamiltonian(request, device, qubits, amp):
    """The rates about x and y are the driven pair's; decay biases the client's fit of z by half, exactly so."""
    backend = request.getfixturevalue(device)
    made, true = cr_tomography(backend, qubits, amp)
    exact = expected(made, backend, qubits, errors=readout_errors(backend, qubits[1]))
    exact = {k: exact[k] for k in true}
    largest = max(abs(v) for v in true.values())
    plane = {k: v for k, v in true.items() if not k.endswith("z")}
    assert {k: exact[k] for k in plane} == pytest.approx(plane, abs=0.07 * largest)  # decay, and edges
    found = values(made, backend)
    assert {k: found[k] for k in true} == pytest.approx(exact, abs=0.012 * largest)


@pytest.mark.parametrize(
    "device, qubits, amp",
    [("pair", (0, 1), 0.15), ("pair", (0, 1), -0.2), ("pair", (1, 0), 0.1), ("manila", (3, 4), 0.2)],
)
def test_cross_resonance_hamiltonian_without_decay(request, device, qubits, amp):
    """All six rates; the client's fit of a turn about x counts z the other way round (test_clients_signs)."""
    backend = request.getfixturevalue(device)
    made, true = cr_tomography(backend, qubits, amp, noise=False, shots=4000)
    found = values(made, backend)
    largest = max(abs(v) for v in true.values())
    assert abs(true["omega_zx"]) == largest
    turned = {k: -v if k.endswith("z") else v for k, v in true.items()}
    assert {k: found[k] for k in true} == pytest.approx(turned, abs=0.015 * largest)


def test_standard_rb(pair, cx):
    """The error of a Clifford is what T1 and T2 leave in its time, and the tuned cx's own."""
    made = StandardRB(cx, [1, 4, 8, 14, 20, 30], pair, num_samples=6, seed=3)
    made.set_run_options(shots=40_000)
    circuits = made._transpiled_circuits()
    cliffords = np.array([c.metadata["xval"] + 1 for c in circuits])
    duration = lengths_of(circuits, pair).sum() / cliffords.sum()
    gates = sum(c.count_ops().get("cx", 0) for c in circuits) / cliffords.sum()
    true = average_error(pair, cx, duration) + gates * (1 - gate_fidelity(pair.device, "cx", cx))
    exact = benchmarked(made, pair, cx, [readout_errors(pair, q) for q in cx])["EPC"]
    assert exact == pytest.approx(true, rel=0.05)
    assert values(made, pair)["EPC"] == pytest.approx(exact, rel=0.05)


def test_interleaved_rb(pair, cx):
    made = InterleavedRB(CXGate(), cx, [1, 3, 6, 10, 16, 24], backend=pair, num_samples=8, seed=3)
    made.set_run_options(shots=40_000)
    duration = pair.device.calibrations.get("cx", cx).program.duration * pair.dt
    true = average_error(pair, cx, duration) + 1 - gate_fidelity(pair.device, "cx", cx)
    exact = benchmarked(made, pair, cx, [readout_errors(pair, q) for q in cx])["EPC"]
    assert exact == pytest.approx(true, rel=0.1)
    assert values(made, pair)["EPC"] == pytest.approx(exact, rel=0.1)


def readout_shrink(backend, qubits):
    """Return the process fidelity that symmetric readout errors leave."""
    return np.prod([1 - 1.5 * np.mean(readout_errors(backend, q)) for q in qubits])


def test_process_tomography(pair, cx):
    qc = QuantumCircuit(2)
    qc.cx(0, 1)
    duration = pair.device.calibrations.get("cx", cx).program.duration * pair.dt
    true = readout_shrink(pair, cx) * idle_process_fidelity(duration, *lives(pair, cx))
    assert values(ProcessTomography(qc, pair, cx), pair)["process_fidelity"] == pytest.approx(true, abs=0.015)


def test_process_tomography_of_one_qubit(site):
    qc = QuantumCircuit(1)
    qc.ry(0.7, 0)
    qc.rz(-1.1, 0)
    qc.sx(0)
    made = ProcessTomography(qc, site.backend, [site.qubit])
    made.set_run_options(shots=10000)
    found = values(made, site.backend)["process_fidelity"]
    assert found == pytest.approx(readout_shrink(site.backend, [site.qubit]), abs=0.01)


def test_state_tomography_of_a_bell_state(pair, cx):
    qc = QuantumCircuit(2)
    qc.h(0)
    qc.s(0)
    qc.cx(0, 1)
    found = values(StateTomography(qc, pair, cx), pair)
    rho = found["state"].data
    shrink = np.prod([1 - 2 * np.mean(readout_errors(pair, q)) for q in cx])
    duration = pair.device.calibrations.get("cx", cx).program.duration * pair.dt
    alive = np.prod([np.exp(-duration / t2) for _, t2 in lives(pair, cx)])
    assert rho[3, 0] == pytest.approx(0.5j * shrink, abs=0.5 * (1 - alive) + 0.02)
    assert found["state_fidelity"] > (1 + 3 * shrink) / 4 - (1 - alive)


def test_quantum_volume(pair, cx):
    """The heavy outputs come as often as ideal circuits, T1, T2 and readout let them."""
    made = QuantumVolume(cx, pair, trials=20, seed=4)
    made.set_transpile_options(optimization_level=1)
    circuits = made._transpiled_circuits()
    error = average_error(pair, cx, lengths_of(circuits, pair)[:, None]).ravel()
    one, two = (np.array([[1 - e0, e1], [e0, 1 - e1]]) for e0, e1 in (readout_errors(pair, q) for q in cx))
    expected = []
    for circuit, e in zip(circuits, error):
        ideal = np.array(circuit.metadata["ideal_probabilities"])
        heavy = ideal > np.median(ideal)
        noisy = (1 - 4 / 3 * e) * ideal + e / 3
        expected.append((np.kron(two, one) @ noisy)[heavy].sum())
    data = data_of(made, pair)
    assert data.analysis_results("mean_HOP").value.nominal_value == pytest.approx(np.mean(expected), abs=0.01)
