"""The mirror: calibrated gates against Qiskit's ideal operators."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import HGate, RZGate, SGate, SXGate, XGate, YGate
from qiskit.quantum_info import Operator, average_gate_fidelity, random_clifford

from pulsekit.calibration import (
    average_fidelity,
    block_of,
    gate_fidelity,
    gate_propagator,
    logical,
    spectator_fidelity,
    virtual_z,
)
from pulsekit.calibration.mirror import computational, numbers
from pulsekit.calibration.propagate import pending_phases, propagators
from pulsekit.calibration.single import play_once
from pulsekit.calibration.templates import with_shifts
from pulsekit.program import Channel
from pulsekit.simulator import Model

PAULI = {
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0 + 0j, -1]),
}


def turn(axis: np.ndarray, angle: float) -> np.ndarray:
    h = sum(a * PAULI[p] for a, p in zip(axis, "XYZ"))
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * h


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.48, 0.64)])
def test_mirror_keeps_x_and_flips_y_and_z(axis: tuple) -> None:
    x, y, z = axis
    found = logical(turn(np.array(axis), 0.7), (2,))
    assert np.allclose(found, turn(np.array([x, -y, -z]), 0.7))


def test_mirror_is_an_involution_and_a_homomorphism() -> None:
    rng = np.random.default_rng(1)
    levels = (3, 2)
    u, v = (np.linalg.qr(rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6)))[0] for _ in range(2))
    assert np.allclose(logical(logical(u, levels), levels), u)
    assert np.allclose(logical(u @ v, levels), logical(u, levels) @ logical(v, levels))


def test_physical_cnot_is_z_on_the_control_and_cnot() -> None:
    cnot = np.asarray(Operator(QuantumCircuit(2).compose(_cx())))
    z_control = np.kron(np.eye(2), PAULI["Z"])
    assert np.allclose(logical(z_control @ cnot, (2, 2)), cnot)


def _cx() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    return circuit


def test_numbers_and_computational_states() -> None:
    assert numbers((3, 2)).tolist() == [[0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1]]
    assert computational((3, 2)).tolist() == [0, 1, 3, 4]
    assert np.allclose(virtual_z((3,), np.array([0.4])), np.exp(1j * 0.4 * np.arange(3)))


@pytest.mark.parametrize(
    "phase, gate", [(0.0, XGate()), (np.pi / 2, YGate()), (np.pi / 4, Operator(XGate()) @ Operator(RZGate(-np.pi / 2)))]
)
def test_envelope_phase_is_the_axis(tuned, phase: float, gate: object) -> None:
    x = tuned.calibrations.get("x", (0,)).program
    pulse, amplitude = x.pulses[x.events.ref[0]], float(x.events.value[0])
    model = Model.from_device(tuned, (0,), noise=False)
    program = play_once(0, pulse, amplitude * np.exp(1j * phase))
    block = block_of(propagators(tuned, model, [program]), model.levels)
    ideal = np.asarray(Operator(gate))
    assert average_fidelity(block, ideal)[0] > 0.99999


def test_a_wrong_sign_of_y_is_seen(tuned) -> None:
    x = tuned.calibrations.get("sx", (0,)).program
    pulse, amplitude = x.pulses[x.events.ref[0]], float(x.events.value[0])
    model = Model.from_device(tuned, (0,), noise=False)
    program = play_once(0, pulse, amplitude * np.exp(-0.5j * np.pi))
    block = block_of(propagators(tuned, model, [program]), model.levels)
    sqrt_y = turn(np.array([0.0, 1.0, 0.0]), np.pi / 2)
    assert average_fidelity(block, sqrt_y)[0] < 0.4
    assert average_fidelity(block, sqrt_y.conj().T)[0] > 0.99999


@pytest.mark.parametrize("gate", [RZGate(0.3), SGate(), HGate(), SXGate()])
def test_phase_shifts_are_rz(tuned, gate: object) -> None:
    """rz(a) sx rz(b) sx rz(c) of the calibrations, shift by shift, for Euler angles of a gate."""
    from qiskit.synthesis import OneQubitEulerDecomposer

    circuit = OneQubitEulerDecomposer("ZSXX")(Operator(gate))
    model = Model.from_device(tuned, (1,), noise=False)
    total = np.eye(model.dim, dtype=complex)
    pending, now = 0.0, 0
    for instruction in circuit.data:
        name, parameters = instruction.operation.name, [float(p) for p in instruction.operation.params]
        if name == "rz":
            pending -= parameters[0]
            continue
        program = with_shifts(tuned.calibrations.get(name, (1,)).program, [(0, Channel("d", 1), pending)])
        step = propagators(tuned, model, [program])[0]
        total = np.conj(virtual_z(model.levels, np.array([pending])))[:, None] * step @ total
        now += program.duration
    total = virtual_z(model.levels, np.array([pending]))[:, None] * total
    assert average_fidelity(block_of(total, model.levels), np.asarray(Operator(gate))) > 0.9999


@pytest.mark.parametrize(
    "name, parameters", [("u1", (0.4,)), ("u2", (0.3, -1.1)), ("u3", (0.7, 1.9, -0.4)), ("rz", (2.2,))]
)
def test_gates_with_parameters_follow(tuned, name: str, parameters: tuple) -> None:
    assert gate_fidelity(tuned, name, (2,), parameters) > 0.9999
    assert gate_fidelity(tuned, name, (2,), tuple(-p for p in parameters)) > 0.9999


def test_pending_phase_of_a_cx_is_counted(tuned) -> None:
    calibration = tuned.calibrations.get("cx", (4, 5))
    propagator, model = gate_propagator(tuned, "cx", (4, 5))
    phases = pending_phases(calibration.program, (4, 5))
    assert abs(phases).max() > 1.0
    without = np.conj(virtual_z(model.levels, phases))[:, None] * propagator
    target = np.asarray(Operator(_cx()))
    assert average_fidelity(block_of(propagator, model.levels), target) > 0.999
    assert average_fidelity(block_of(without, model.levels), target) < 0.7


def test_cliffords_through_compiled_pulses(tuned) -> None:
    """Whole circuits: compiler, frames, pulses and mirror, against Qiskit's operators."""
    from qiskit import transpile
    from qiskit.transpiler import CouplingMap

    from pulsekit.backend import compile

    coupling = CouplingMap([[0, 1], [1, 0]])
    circuits, ideal = [], []
    for seed in range(4):
        clifford = random_clifford(2, seed=seed).to_circuit()
        layout = [0, 1] if seed % 2 else [1, 0]
        circuit = QuantumCircuit(7)
        circuit.compose(clifford, qubits=layout, inplace=True)
        native = transpile(clifford, basis_gates=["rz", "sx", "x", "cx"], coupling_map=coupling, optimization_level=1)
        pulse = QuantumCircuit(7)
        pulse.compose(native, qubits=layout, inplace=True)
        circuits.append(pulse)
        ideal.append(np.asarray(Operator(clifford if layout == [0, 1] else clifford.reverse_bits())))
    batch = compile(circuits, tuned)
    model = Model.from_device(tuned, (0, 1), noise=False)
    for k, target in enumerate(ideal):
        program = batch.programs[int(batch.program_of[k])]
        block = block_of(propagators(tuned, model, [program])[0], model.levels)
        gates = sum(circuits[k].count_ops().get(n, 0) for n in ("cx",)) + 1
        assert average_fidelity(block, target) > 1 - 5e-4 * gates


def test_average_fidelity_is_qiskits(tuned) -> None:
    rng = np.random.default_rng(2)
    u = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    v = np.asarray(Operator(_cx()))
    assert average_fidelity(u, v) == pytest.approx(average_gate_fidelity(Operator(u), Operator(v)), abs=1e-12)


def test_a_spectator_costs_what_its_coupling_does(tuned) -> None:
    """Without the coupling the spectator changes nothing; with it, little, and in the channel's own fidelity."""
    alone = gate_fidelity(tuned, "x", (0,))
    beside = spectator_fidelity(tuned, "x", (0,), (1,))
    assert 0 < abs(beside - alone) < 1e-4
    far = tuned.replace(couplings=tuple(c for c in tuned.couplings if 0 not in c.qubits))
    assert spectator_fidelity(far, "x", (0,), (1,)) == pytest.approx(gate_fidelity(far, "x", (0,)), abs=1e-9)
