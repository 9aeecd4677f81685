"""Templates: compiled once, bound many times, re-timed where durations change."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.pulse import DriveChannel, Schedule

from pulsekit.backend.frontend import compile
from pulsekit.device import Device
from pulsekit.errors import CompilerError, ProgramError, PulsekitWarning
from pulsekit.program import Op


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


def same_as_bound_before(batch, circuits, device, binds, *, atol=1e-12, **options):
    """Compare with qiskit's own binding, point by point, one compilation each."""
    bound = batch.bound()
    k = 0
    for circuit in circuits:
        for point in binds:
            expected = compile(circuit.assign_parameters(point), device, **options).programs[0]
            actual = bound.programs[bound.program_of[k]]
            assert len(actual.events) == len(expected.events)
            for column in ("t0", "duration", "op", "slot"):
                np.testing.assert_array_equal(getattr(actual.events, column), getattr(expected.events, column))
            np.testing.assert_allclose(actual.events.value, expected.events.value, atol=atol, rtol=1e-12)
            np.testing.assert_allclose(actual.events.angle, expected.events.angle, atol=atol)
            assert actual.duration == expected.duration
            k += 1
    assert k == len(batch)


def template():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3, 3, name="t")
    circuit.sx(0)
    circuit.rz(2 * a - b / 3 + 0.25, 0)
    circuit.cx(0, 1)
    circuit.rz(b, 1)
    circuit.rz(0.5, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit, a, b


def test_phases_share_one_program(device):
    circuit, a, b = template()
    binds = [{a: float(x), b: float(-2 * x)} for x in np.linspace(-3, 3, 7)]
    batch = compile(circuit, device, parameter_binds=binds)
    assert len(batch.programs) == 1 and batch.theta.shape == (7, 2)
    assert [h["name"] for h in batch.headers] == [f"t-{k}" for k in range(7)]
    same_as_bound_before(batch, [circuit], device, binds)


def test_circuit_major_point_minor(device):
    circuit, a, b = template()
    other = QuantumCircuit(2, name="u")
    other.rz(a + b, 1)
    other.sx(1)
    binds = [{a: 0.1, b: 0.2}, {a: 0.3, b: 0.4}, {a: 0.5, b: 0.6}]
    schedule = Schedule((0, pulse.Play(pulse.Constant(64, 0.1), DriveChannel(0))), name="s")
    batch = compile([circuit, schedule, other], device, parameter_binds=binds)
    names = ["t-0", "t-1", "t-2", "s", "s", "s", "u-0", "u-1", "u-2"]
    assert [h["name"] for h in batch.headers] == names
    assert [h["kind"] for h in batch.headers] == ["circuit"] * 3 + ["schedule"] * 3 + ["circuit"] * 3
    los = compile([circuit, other], device, parameter_binds=binds, schedule_los=[{DriveChannel(0): 5.2e9}] * 6)
    assert len(los) == 6
    with pytest.raises(CompilerError):
        compile([circuit, other], device, parameter_binds=binds, schedule_los=[{DriveChannel(0): 5.2e9}] * 2)


def test_durations_are_placed_anew(device):
    length, theta = Parameter("length"), Parameter("theta")
    circuit = QuantumCircuit(2, 2, name="ramsey")
    circuit.sx(0)
    circuit.delay(length, 0, unit="dt")
    circuit.rz(theta * length / 100, 0)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    binds = [{length: n, theta: 0.1 * n} for n in (0, 16, 160, 1600)]
    batch = compile(circuit, device, parameter_binds=binds)
    same_as_bound_before(batch, [circuit], device, binds)
    totals = [batch.programs[k].duration for k in batch.program_of]
    assert np.diff(totals).tolist() == [16, 144, 1440]
    with pytest.raises(CompilerError, match=r"instruction 1 \('delay' on qubits \[0\]\).*parameter_binds"):
        compile(circuit, device)


def test_delays_in_seconds_can_be_parameters(device):
    length = Parameter("length")
    circuit = QuantumCircuit(1)
    circuit.delay(length, 0, unit="us")
    circuit.x(0)
    batch = compile(circuit, device, parameter_binds=[{length: 1.0}, {length: 2.0}], align="off")
    starts = [p.events.t0[p.rows(Op.PLAY)[0]] for p in batch.programs]
    assert starts == [round(1e-6 / device.timing.dt), round(2e-6 / device.timing.dt)]


def test_functions_take_the_slow_lane(device):
    x = Parameter("x")
    circuit = QuantumCircuit(1)
    circuit.rz(x.sin() * 2 + x * x, 0)
    circuit.sx(0)
    program = compile(circuit, device).programs[0]
    assert program.parameters.expressions
    bound = program.bind([0.7])
    assert bound.events.value[bound.rows(Op.SHIFT_PHASE)[0]] == pytest.approx(-(2 * np.sin(0.7) + 0.49))
    binds = [{x: 0.2}, {x: 0.7}]
    same_as_bound_before(compile(circuit, device, parameter_binds=binds), [circuit], device, binds)


def rabi(shape):
    amp = Parameter("amp")
    circuit = QuantumCircuit(1, 1, name="rabi")
    circuit.append(Gate("rabi", 1, [amp]), [0])
    circuit.measure(0, 0)
    with pulse.build() as block:
        pulse.play(shape(amp), DriveChannel(0))
    circuit.add_calibration("rabi", [0], block, [amp])
    return circuit, amp


def test_amplitudes_of_pulse_gates_are_symbols(device):
    circuit, amp = rabi(lambda a: pulse.Gaussian(160, a * 0.5, 40))
    binds = [{amp: x} for x in (0.1, 0.5, 1.0)]
    batch = compile(circuit, device, parameter_binds=binds)
    assert len(batch.programs) == 1
    same_as_bound_before(batch, [circuit], device, binds)
    with pytest.raises(CompilerError, match=r"d0@0\.\.160: amplitudes.*point 1 gives") as caught:
        compile(circuit, device, parameter_binds=[{amp: 0.1}, {amp: 2.5}])
    assert caught.value.code == 8041


def test_any_function_of_a_parameter_may_be_an_amplitude_or_a_phase(device):
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1, 1, name="slow")
    circuit.rz(a * b, 0)
    circuit.append(Gate("g", 1, [a, b]), [0])
    circuit.measure(0, 0)
    with pulse.build() as block:
        pulse.shift_phase(a * a - b, DriveChannel(0))
        pulse.play(pulse.Gaussian(160, a * b, 40), DriveChannel(0))
        pulse.play(pulse.Gaussian(160, 0.5 * a.sin(), 40, b.cos()), DriveChannel(0))
        pulse.play(pulse.Gaussian(160, 0.5 * b, 40), DriveChannel(0))
    circuit.add_calibration("g", [0], block, [a, b])
    binds = [{a: 0.1, b: 0.2}, {a: 0.7, b: -0.4}]
    batch = compile(circuit, device, parameter_binds=binds)
    same_as_bound_before(batch, [circuit], device, binds, atol=1e-9)  # terra rounds what it binds
    template = compile(circuit, device).programs[0]
    for k, point in enumerate(binds):
        bound = template.bind([point[a], point[b]])
        expected = batch.bound().programs[k]
        np.testing.assert_allclose(bound.events.value, expected.events.value, atol=1e-12)
        np.testing.assert_allclose(bound.events.angle, expected.events.angle, atol=1e-12)
    with pytest.raises(CompilerError, match=r"'slow-1'.*'g' on qubits.* it reaches 1.0") as caught:
        compile(circuit, device, parameter_binds=[binds[0], {a: 1.02, b: 1.01}])
    assert caught.value.code == 8041


@pytest.mark.parametrize("set_it,good,bad", [(pulse.set_frequency, 5.1e9, 9e9), (pulse.shift_frequency, 1e6, -2e9)])
def test_every_frequency_of_a_sweep_is_judged(device, set_it, good, bad):
    f = Parameter("f")
    circuit = QuantumCircuit(1, 1, name="stark")
    circuit.append(Gate("stark", 1, [f]), [0])
    with pulse.build() as block:
        set_it(f, DriveChannel(0))
        pulse.play(pulse.Gaussian(160, 0.1, 40), DriveChannel(0))
    circuit.add_calibration("stark", [0], block, [f])
    batch = compile(circuit, device, parameter_binds=[{f: good}, {f: good + 1e6}])
    assert len(batch.programs) == 1
    with pytest.raises(CompilerError, match=r"d0@0: .*experiment 2.*`stark` on qubits 0") as caught:
        compile(circuit, device, parameter_binds=[{f: good}, {f: good + 1e6}, {f: bad}])
    assert caught.value.code == 8000


@pytest.mark.parametrize("unit,length", [("dt", 16.25), ("ns", 4.1)])
def test_rounded_delays_are_warned_about(device, unit, length):
    t = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.delay(t, 0, unit=unit)
    binds = [{t: 16 if unit == "dt" else 64 / 4.5}, {t: length}, {t: length}]
    with pytest.warns(PulsekitWarning, match=r"-1'\), instruction 0 .*rounded to 1[68] dt. \(1 more delays.\)"):
        compile(circuit, device, parameter_binds=binds)


def test_shapes_and_lengths_of_pulse_gates_are_bound_first(device):
    circuit, sigma = rabi(lambda s: pulse.Gaussian(160, 0.1, s))
    binds = [{sigma: 20}, {sigma: 40}]
    same_as_bound_before(compile(circuit, device, parameter_binds=binds), [circuit], device, binds)
    circuit, length = rabi(lambda n: pulse.Gaussian(n, 0.1, 40))
    binds = [{length: 160}, {length: 320}]
    batch = compile(circuit, device, parameter_binds=binds)
    same_as_bound_before(batch, [circuit], device, binds)
    assert [h["name"] for h in batch.headers] == ["rabi-0", "rabi-1"]
    with pytest.raises(CompilerError, match=r"'rabi' on qubits \[0\].* is not bound. Give parameter_binds"):
        compile(circuit, device)


def test_vectors_are_unrolled(device):
    vector = ParameterVector("v", 3)
    circuit = QuantumCircuit(1)
    for parameter in vector:
        circuit.rz(parameter, 0)
    batch = compile(circuit, device, parameter_binds=[{vector: [0.1, 0.2, 0.3]}]).bound()
    program = batch.programs[0]
    rows = [r for r in program.rows(Op.SHIFT_PHASE) if str(program.channels[program.events.channel[r]]) == "d0"]
    np.testing.assert_allclose(program.events.value[rows], [-0.1, -0.2, -0.3])


@pytest.mark.parametrize(
    "binds,message",
    [
        ([{}], None),
        ([{"a": 1.0}], "Parameter or ParameterVector objects as keys"),
        ({"a": [1.0]}, "list of dicts"),
    ],
)
def test_wrong_binds_are_refused(device, binds, message):
    circuit, _, _ = template()
    if message is None:
        assert compile(circuit, device, parameter_binds=binds).programs[0].parameters.names == ("a", "b")
        return
    with pytest.raises(CompilerError, match=message):
        compile(circuit, device, parameter_binds=binds)


def test_parameter_sets_must_agree(device):
    circuit, a, b = template()
    plain = QuantumCircuit(1)
    for binds in ([{a: 1.0}], [{a: 1.0, b: 1.0, Parameter("c"): 1.0}]):
        with pytest.raises(CompilerError, match="exactly the parameters of circuit 0"):
            compile(circuit, device, parameter_binds=binds)
    with pytest.raises(CompilerError, match="circuit 1"):
        compile([circuit, plain], device, parameter_binds=[{a: 1.0, b: 1.0}])
    with pytest.raises(CompilerError, match="one number for 'a'"):
        compile(circuit, device, parameter_binds=[{a: [1.0, 2.0], b: 1.0}])
    with pytest.raises(CompilerError, match="finite real number"):
        compile(circuit, device, parameter_binds=[{a: float("nan"), b: 1.0}])


def test_programs_refuse_other_points(device):
    circuit, _, _ = template()
    program = compile(circuit, device).programs[0]
    with pytest.raises(ProgramError, match="theta"):
        program.bind([1.0])
