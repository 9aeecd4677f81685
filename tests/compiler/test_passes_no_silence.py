"""What cannot be done is a coded error that says where; nothing is dropped."""

from __future__ import annotations

import warnings

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.pulse import (
    Acquire,
    AcquireChannel,
    Constant,
    ControlChannel,
    DriveChannel,
    Gaussian,
    MemorySlot,
    Play,
    Schedule,
    SetFrequency,
    SetPhase,
    ShiftPhase,
)

from pulsekit.backend.frontend import compile, schedule
from pulsekit.device import Calibration, CalibrationMap, Device, Resonator, Transmon
from pulsekit.errors import PulsekitError, PulsekitWarning
from pulsekit.program import Op, parse_text

D0, NAN = DriveChannel(0), float("nan")


@pytest.fixture(scope="module")
def device():
    x = parse_text('program "x" duration=160 slots=0\npulse p0 = constant(duration=160)\nd0@0..160: play p0 amp=0.5')
    rz = parse_text('program "rz" duration=0 slots=0\nparameters ["P0"]\nd0@0: shift_phase 0.0 value+=-1.0*theta0')
    return Device(
        "two",
        (Transmon(5.0e9), Transmon(5.1e9)),
        resonators=(Resonator(7e9), Resonator(7.1e9)),
        meas_map=((0, 1),),
        calibrations=CalibrationMap(
            {(n, (0,)): Calibration(n, (0,), body, id=n) for n, body in {"x": x, "sx": x, "rz": rz}.items()}
        ),
    )


BODIES = [
    ([(0, ShiftPhase(NAN, D0))], 8042, "d0@0: .*finite, but value nan"),
    ([(0, SetPhase(float("inf"), D0))], 8042, "d0@0"),
    ([(0, ShiftPhase(2e9, D0))], 8042, r"d0@0: a phase must be within 1e\+09 rad"),
    ([(0, SetFrequency(NAN, D0))], 8000, "d0@0: the frequency must be finite, but nan Hz"),
    ([(0, Play(Gaussian(10**9, 0.1, 10**8), D0))], 8022, "d0@0..1000000000: .*at most 10000000 samples"),
    ([(0, Play(Constant(160, 0.1), DriveChannel(7)))], 8004, r"d7@0..160: .*d0\.\.d1"),
    ([(0, Play(Constant(160, 0.1), ControlChannel(7)))], 8004, "u7@0..160"),
]


@pytest.mark.parametrize("instructions,code,message", BODIES)
def test_broken_schedules(device, instructions, code, message):
    with pytest.raises(PulsekitError, match=message + ".*program 's'") as caught:
        compile(Schedule(*instructions, name="s"), device)
    assert caught.value.code == code


@pytest.mark.parametrize("instructions,code,message", BODIES)
def test_broken_pulse_gates(device, instructions, code, message):
    circuit = QuantumCircuit(1)
    circuit.append(Gate("g", 1, []), [0])
    circuit.add_calibration("g", [0], Schedule(*instructions, name="mine"))
    with pytest.raises(PulsekitError, match=r"calibration 'g' on qubits \[0\].*" + message) as caught:
        compile(circuit, device)
    assert caught.value.code == code
    assert str(caught.value).count("Error code") == 1


def test_overlapping_acquires_of_a_group_are_refused(device):
    late = Schedule(
        (0, Acquire(160, AcquireChannel(0), MemorySlot(0))), (16, Acquire(160, AcquireChannel(1), MemorySlot(1)))
    )
    with pytest.raises(PulsekitError, match=r"a1@16..176: acquires of group \(0, 1\) start together") as caught:
        compile(late, device)
    assert caught.value.code == 8036


def conditional(circuit):
    circuit.x(0).c_if(0, 1)


def branching(circuit):
    circuit.if_else((circuit.clbits[0], 1), QuantumCircuit(2, 2), None, [0, 1], [0, 1])


def looping(circuit):
    circuit.for_loop(range(2), None, QuantumCircuit(2, 2), [0, 1], [0, 1])


@pytest.mark.parametrize(
    "build,code",
    [
        (conditional, 8013),
        (branching, 8013),
        (looping, 8013),
        (lambda c: c.h(0), 7000),
        (lambda c: c.x(1), 7000),
        (lambda c: c.rz(NAN, 0), 8042),
        (lambda c: c.delay(10**17, 0), 8022),
        (lambda c: c.delay(NAN, 0, unit="ns"), 8042),
        (lambda c: c.delay(float("inf"), 0, unit="s"), 8042),
        (lambda c: c.rz(-1e10, 0), 8042),
    ],
)
def test_circuits_that_cannot_be_lowered(device, build, code):
    circuit = QuantumCircuit(2, 2, name="bad")
    build(circuit)
    with pytest.raises(PulsekitError, match=r"circuit 0 \('bad'\), instruction 0") as caught:
        compile(circuit, device)
    assert caught.value.code == code


@pytest.mark.parametrize("options", [{"method": "soon"}, {"frequency_scope": "circuit"}, {"align": "grid"}])
def test_options_that_do_not_exist(device, options):
    (name,) = options
    for item in (QuantumCircuit(1), Schedule((0, Play(Constant(160, 0.1), D0)))):
        with pytest.raises(PulsekitError, match=f"Argument `{name}` must be one of"):
            compile(item, device, **options)


@pytest.mark.parametrize("name", ["inst_map", "parameter_binds", "constraints", "trace", "crosstalk"])
def test_arguments_of_another_kind(device, name):
    with pytest.raises(PulsekitError, match=f"Argument `{name}` must be .* but 3.5 came"):
        compile(QuantumCircuit(1), device, **{name: 3.5})


def test_what_is_no_device_and_no_backend(device):
    for other in ("ibm_perth", None):
        with pytest.raises(PulsekitError, match="`device` must be a Device or a Backend"):
            compile(QuantumCircuit(1), other)
    for other in ("ibm_perth", device):
        with pytest.raises(PulsekitError, match="`backend` must be a backend with pulses"):
            schedule(QuantumCircuit(1), other)


def test_reset_is_not_refused_and_not_dropped(device):
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    assert compile(circuit, device).programs[0].events.op.tolist() == [Op.RESET]


def test_a_calibration_that_matches_nothing_is_warned_about(device):
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.add_calibration("x", [1], Schedule((0, Play(Constant(160, 0.1), DriveChannel(1)))))
    with pytest.warns(PulsekitWarning, match=r"'x' on qubits \[1\].* matched none"):
        compile(circuit, device)


def test_good_input_is_silent(device):
    circuit = QuantumCircuit(1)
    circuit.x(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(circuit, device)
