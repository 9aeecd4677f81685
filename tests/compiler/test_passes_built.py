"""Built rx, rzx and ecr do what their names say, on the tuned model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import ECRGate, RXGate, RZXGate
from qiskit.quantum_info import Operator

from pulsekit import tune
from pulsekit.backend.frontend import compile
from pulsekit.calibration.gates import gate_fidelity
from pulsekit.compiler.cross_resonance import ecr_program, find_tones, rx_program, rzx_program, scaled
from pulsekit.device import Calibration, Device
from pulsekit.errors import CompilerError
from pulsekit.program import Op, find_violations


@pytest.fixture(scope="module")
def tuned():
    return tune(Device.line(2))


def judged(device, name, qubits, program, target, parameters=()):
    extended = device.replace(calibrations=device.calibrations.updated(Calibration(name, qubits, program)))
    return gate_fidelity(extended, name, qubits, parameters, target=target)


@pytest.mark.parametrize("theta", [0.3, 1.0, math.pi / 2, 2.5, -0.7])
def test_rx(tuned, theta):
    program = rx_program(tuned, 0)
    assert judged(tuned, "rx", (0,), program, RXGate(theta).to_matrix(), (theta,)) > 0.999


@pytest.mark.parametrize("theta", [0.2, 0.8, math.pi / 2, -1.1])
@pytest.mark.parametrize("qubits", [(0, 1), (1, 0)])
def test_rzx_both_ways_round(tuned, qubits, theta):
    program = rzx_program(tuned, *qubits, theta)
    assert judged(tuned, "rzx", qubits, program, RZXGate(theta).to_matrix()) > 0.999
    wrong = RZXGate(-theta).to_matrix()
    assert judged(tuned, "rzx", qubits, program, wrong) < 0.99


def whole(device, circuit, program):
    """Return the fidelity of a compiled circuit of all qubits with what it says."""
    qubits = tuple(range(circuit.num_qubits))
    extended = device.replace(calibrations=device.calibrations.updated(Calibration("all", qubits, program)))
    return gate_fidelity(extended, "all", qubits, (), target=Operator(circuit).data)


FAR = [3 * math.pi, -5.0, 2 * math.pi, -math.pi, 40.0, 1000.0]


@pytest.mark.parametrize("theta", FAR)
def test_rx_of_any_angle_bound_at_any_time(tuned, theta):
    circuit, symbol = QuantumCircuit(1), Parameter("t")
    circuit.rx(theta, 0)
    template = QuantumCircuit(1)
    template.rx(2 * symbol - 1, 0)
    point = (theta + 1) / 2
    programs = [
        compile(circuit, tuned).programs[0],
        compile(template, tuned).programs[0].bind([point]),
        compile(template, tuned, parameter_binds=[{symbol: 0.1}, {symbol: point}]).bound().programs[1],
    ]
    for program in programs:
        assert whole(tuned, circuit, program) > 0.9999


@pytest.mark.parametrize("theta", [*FAR, 3.0, -1.8])
@pytest.mark.parametrize("qubits", [(0, 1), (1, 0)])
def test_rzx_of_any_angle(tuned, qubits, theta):
    circuit = QuantumCircuit(2)
    circuit.rzx(theta, *qubits)
    program = compile(circuit, tuned).programs[0]
    assert whole(tuned, circuit, program) > 0.999
    assert program.duration < 4 * tuned.calibrations.get("cx", (0, 1)).program.duration


def test_far_angles_among_other_gates(tuned):
    circuit = QuantumCircuit(2)
    circuit.rx(-5.0, 0)
    circuit.rz(0.7, 0)
    circuit.rzx(11.0, 0, 1)
    circuit.rx(3 * math.pi, 1)
    circuit.rz(-1.1, 1)
    circuit.rzx(-3.0, 1, 0)
    circuit.rx(8.0, 0)
    assert whole(tuned, circuit, compile(circuit, tuned).programs[0]) > 0.998


def test_only_far_points_cost_a_program_each(tuned):
    symbol = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(symbol, 0)
    near = compile(circuit, tuned, parameter_binds=[{symbol: x} for x in (-3.0, 0.5, 3.1)])
    assert len(near.programs) == 1
    far = compile(circuit, tuned, parameter_binds=[{symbol: x} for x in (-3.0, 0.5, 3.2)])
    amps = [p.events.value[p.rows(Op.PLAY)[0]] for p in far.bound().programs]
    again = [p.events.value[p.rows(Op.PLAY)[0]] for p in near.bound().programs]
    np.testing.assert_allclose(amps[:2], again[:2], rtol=1e-12)
    assert amps[2] == pytest.approx(amps[1] * (3.2 - 2 * math.pi) / 0.5)


@pytest.fixture(scope="module")
def perth():
    return tune(Device.from_snapshot("ibm_perth"))


def test_rzx_of_any_angle_on_a_machine(perth):
    """J of 2 to 5 MHz, a rotary tone on most targets, two pairs beside a two-photon collision."""
    found = {}
    for a, b in {tuple(sorted(c.qubits)) for c in perth.couplings}:
        for theta in (0.07, 0.4, 1.15, 2.4, 3.0, -0.9, -2.1, 5.0):
            for qubits in ((a, b), (b, a)):
                program = rzx_program(perth, *qubits, theta)
                found[qubits, theta] = judged(perth, "rzx", qubits, program, RZXGate(theta).to_matrix())
    assert min(found.values()) > 0.993
    assert np.median(list(found.values())) > 0.998
    small = [f for (_, theta), f in found.items() if abs(theta) < 0.1]
    assert min(small) > 0.996  # static ZZ acts on short gates too


def test_no_echo_turns_by_more_than_a_cx(perth):
    longest = rzx_program(perth, 4, 5, math.pi / 2).duration
    assert rzx_program(perth, 4, 5, 3.0).duration < rzx_program(perth, 4, 5, 2.0).duration
    assert all(rzx_program(perth, 4, 5, t).duration <= longest + 160 for t in (1.6, 2.5, 3.1, 4.0, 6.0, -5.0))


def test_ecr(tuned):
    native = (0, 1) if find_tones(tuned, 0, 1) else (1, 0)
    assert judged(tuned, "ecr", native, ecr_program(tuned, *native), ECRGate().to_matrix()) > 0.999
    assert ecr_program(tuned, *native[::-1]) is None


def test_tones_have_the_area_asked_for():
    device = Device.line(2)
    tone = (find_tones(device, 0, 1) or find_tones(device, 1, 0))[0][0]
    whole = tone.amp * tone.pulse.samples.sum()
    for factor in (0.05, 0.2, 0.5, 0.9, 1.0, 1.7):
        half = scaled(tone, factor, 16)
        assert half.amp * half.pulse.samples.sum() == pytest.approx(factor * whole)
        assert half.pulse.duration % 16 == 0
        assert half.amp <= tone.amp * (1 + 1e-12)
    assert scaled(tone, -0.5, 16).angle == pytest.approx(tone.angle + math.pi)
    assert scaled(tone, 0.5, 16).pulse.duration < tone.pulse.duration


def test_circuits_get_built_gates_and_say_so():
    device = Device.line(2)
    circuit = QuantumCircuit(2, 2)
    circuit.rx(0.4, 0)
    circuit.rzx(0.5, 0, 1)
    circuit.rzx(0.5, 0, 1)
    circuit.rx(0.8, 0)
    batch = compile(circuit, device)
    program = batch.programs[0]
    assert find_violations(program, device) == []
    assert "rzx on qubits [0, 1]: built from the device's pulses." in batch.headers[0]["compiler"]
    first = program.rows(Op.PLAY)[0]
    sx = device.calibrations.get("sx", (0,)).program.events.value[0]
    assert program.events.value[first] == pytest.approx(sx * 0.4 / (math.pi / 2))
    assert any(c.startswith("built:rzx(0.5)") for c in program.calibrations)


def test_a_built_rx_stays_parametric_and_a_built_rzx_must_be_bound():
    device, theta = Device.line(2), Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.rx(theta, 0)
    program = compile(circuit, device).programs[0]
    assert program.parameters.names == ("t",)
    bound = compile(circuit, device, parameter_binds=[{theta: 0.2}, {theta: 0.4}])
    amps = [p.events.value[p.rows(Op.PLAY)[0]] for p in bound.bound().programs]
    assert amps[1] == pytest.approx(2 * amps[0])
    circuit.rzx(theta, 0, 1)
    with pytest.raises(CompilerError, match=r"instruction 1 .*must be bound"):
        compile(circuit, device)


def test_what_cannot_be_built_is_still_an_error():
    circuit = QuantumCircuit(3)
    circuit.rzx(0.5, 0, 2)
    with pytest.raises(CompilerError, match="'rzx'") as caught:
        compile(circuit, Device.line(3))
    assert caught.value.code == 7000


def test_the_devices_own_goes_first():
    device = Device.line(2)
    own = Calibration("rx", (0,), rx_program(device, 0), id="mine")
    device = device.replace(calibrations=device.calibrations.updated(own))
    circuit = QuantumCircuit(2)
    circuit.rx(0.4, 0)
    program = compile(circuit, device).programs[0]
    assert "mine" in program.calibrations
    assert np.allclose(program.events.value[program.rows(Op.PLAY)], own.program.parameters.coefficient * 0.4)
