"""Properties of a device that nobody has published: what the model itself says."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit

from pulsekit import Backend, Device, tune

T1, T2 = 60e-6, 40e-6


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend(tune(Device.line(2, t1=T1, t2=T2)))


def idling(time: float) -> np.ndarray:
    """Return the Kraus operators of T1 and T2, written out."""
    lost, kept = 1 - np.exp(-time / T1), np.exp(-time / T1 / 2)
    phase = (1 - np.exp(-time / T2) / kept) / 2
    damping = [np.diag([1, kept]), np.array([[0, np.sqrt(lost)], [0, 0]])]
    flips = [np.sqrt(1 - phase) * np.eye(2), np.sqrt(phase) * np.diag([1, -1])]
    return np.array([f @ k for f in flips for k in damping])


def average_error(kraus: list) -> float:
    d = len(kraus[0])
    return 1 - (sum(abs(np.trace(k)) ** 2 for k in kraus) + d) / (d * (d + 1))


def test_readout_errors_are_those_that_counts_show(backend: Backend) -> None:
    circuits = []
    for prepared in (0, 1):
        circuit = QuantumCircuit(1, 1)
        if prepared:
            circuit.x(0)
        circuit.measure(0, 0)
        circuits.append(circuit)
    shots = 100_000
    result = backend.run(circuits, shots=shots, seed_simulator=3).result()
    found = backend.properties()
    p10, p01 = (found.qubit_property(0, name)[0] for name in ("prob_meas1_prep0", "prob_meas0_prep1"))
    for k, (wrong, said) in enumerate((("1", p10), ("0", p01))):
        counted = result.get_counts(k).get(wrong, 0) / shots
        assert counted == pytest.approx(said, abs=5 * np.sqrt(said / shots))
    assert found.readout_error(0) == pytest.approx((p10 + p01) / 2)
    assert backend.target["measure"][(0,)].error == found.readout_error(0)


def test_gate_errors_hold_decay_and_what_the_calibration_says(backend: Backend) -> None:
    found = backend.properties()
    once = idling(160 * backend.dt)
    assert found.gate_error("id", 0) == pytest.approx(average_error(list(once)), rel=1e-6)
    assert found.gate_error("rz", 0) == 0.0
    x = backend.device.calibrations.get("x", (0,)).parameters["fidelity"]
    assert found.gate_error("x", 0) == pytest.approx(average_error(list(once)) + 1 - x, rel=1e-3)
    cx = backend.device.calibrations.get("cx", (0, 1))
    each = idling(cx.program.duration * backend.dt)
    decay = average_error([np.kron(a, b) for a in each for b in each])
    assert found.gate_error("cx", (0, 1)) == pytest.approx(decay + 1 - cx.parameters["fidelity"], rel=1e-2)


def test_what_is_written_down_comes_first_and_guesses_claim_nothing() -> None:
    guessed = Backend(Device.line(2, prob_meas0_prep1=0.03, prob_meas1_prep0=0.01)).properties()
    assert guessed.readout_error(1) == pytest.approx(0.02)
    assert "error" not in "".join(p.name for g in guessed.gates if g.gate == "x" for p in g.parameters)
    assert Backend(Device.line(1)).properties().readout_error(0) > 0
