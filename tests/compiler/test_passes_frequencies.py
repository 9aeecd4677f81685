"""Frequency scope of gates, and the range of every frequency that is reached."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate
from qiskit.pulse import Constant, DriveChannel, MeasureChannel, Play, Schedule, SetFrequency, ShiftFrequency

from pulsekit.backend.frontend import compile
from pulsekit.compiler.passes.frame_scope import scope_frequencies
from pulsekit.device import Calibration, CalibrationMap, ControlLine, Device, Limits, Resonator, Transmon
from pulsekit.errors import CompilerError
from pulsekit.program import Channel, Op, parse_text, resolve_frames, to_text

D0 = Channel("d", 0)


@pytest.fixture
def device():
    x = parse_text('program "x" duration=160 slots=0\npulse p0 = constant(duration=160)\nd0@0..160: play p0 amp=0.5')
    return Device(
        "one",
        (Transmon(5.0e9),),
        controls=(ControlLine(0, ((0, 1.0),), 1e6),),
        resonators=(Resonator(7e9),),
        limits=Limits(drive_lo=((4.5e9, 5.5e9),), measure_lo=((6.9e9, 7.1e9),)),
        calibrations=CalibrationMap({("x", (0,)): Calibration("x", (0,), x, id="x")}),
    )


def with_gate(*instructions, then_x=True, names=("stark",)):
    circuit = QuantumCircuit(1, name="c")
    for name in names:
        circuit.append(Gate(name, 1, []), [0])
        circuit.add_calibration(name, [0], Schedule(*instructions, name=name))
    if then_x:
        circuit.x(0)
    return circuit


def frames(circuit, device, **options):
    batch = compile(circuit, device, **options)
    return resolve_frames(batch.programs[0], batch.los, device.timing.dt)[D0]


TUNED = Play(Constant(320, 0.1), DriveChannel(0))


def test_gate_scope_is_the_default_of_circuits(device):
    plays = frames(with_gate((0, ShiftFrequency(5e7, DriveChannel(0))), (0, TUNED)), device)
    np.testing.assert_array_equal(plays.freq[0], [5.05e9, 5.0e9])
    np.testing.assert_allclose(plays.scale[0, 1], 0.5)


def test_the_restore_is_resolved_per_lo_entry(device):
    circuit = with_gate((0, SetFrequency(5.05e9, DriveChannel(0))), (0, TUNED))
    plays = frames(circuit, device, schedule_los=[{D0: 4.9e9}, {D0: 5.05e9}])
    np.testing.assert_array_equal(plays.freq, [[5.05e9, 4.9e9], [5.05e9, 5.05e9]])
    turned = np.exp(2j * np.pi * np.array([-1e8, 5e7]) * 320 * device.timing.dt)
    np.testing.assert_allclose(plays.scale[:, 1], 0.5 * turned)


def test_a_gate_that_returns_its_frequency_keeps_its_phase(device):
    there, back = ShiftFrequency(5e7, DriveChannel(0)), ShiftFrequency(-5e7, DriveChannel(0))
    plays = frames(with_gate((0, there), (0, TUNED), (320, back)), device)
    turned = np.exp(2j * np.pi * 5e7 * 320 * device.timing.dt)
    np.testing.assert_allclose(plays.scale[0, 1], 0.5 * turned)


def test_program_scope_on_request_and_for_schedules(device):
    circuit = with_gate((0, ShiftFrequency(5e7, DriveChannel(0))), (0, TUNED))
    for plays in (frames(circuit, device, frequency_scope="program"),):
        np.testing.assert_array_equal(plays.freq[0], [5.05e9, 5.05e9])
    schedule = Schedule((0, ShiftFrequency(5e7, DriveChannel(0))), (0, TUNED), (320, TUNED))
    np.testing.assert_array_equal(frames(schedule, device).freq[0], [5.05e9, 5.05e9])


def test_unknown_scopes_are_refused(device):
    with pytest.raises(CompilerError, match=r"frequency_scope"):
        compile(with_gate((0, TUNED)), device, frequency_scope="circuit")


def test_only_changes_that_may_stay_are_saved():
    text = 'program "g" duration=10 slots=0\n{}\n'
    assert scope_frequencies(parse_text(text.format("d0@0: shift_phase 1.0"))) is not None
    plain = parse_text(text.format("d0@0: shift_frequency 3.0\nd0@5: shift_frequency -3.0"))
    assert scope_frequencies(plain) is plain
    parametric = parse_text(
        'program "g" duration=10 slots=0\nparameters ["a"]\nd0@0: shift_phase 1.0\n'
        "d1@0: shift_frequency 3.0 value+=1.0*theta0\nd1@5: shift_frequency -3.0\n"
    )
    assert to_text(scope_frequencies(parametric)) == (
        'program "g" duration=10 slots=0\nchannels d0 d1\nparameters ["a"]\nd1@0: save_frame\nd0@0: shift_phase 1.0\n'
        "d1@0: shift_frequency 3.0 value+=1.0*theta0\nd1@5: shift_frequency -3.0\nd1@10: restore_frame\n"
    )


@pytest.mark.parametrize(
    "instructions,message",
    [
        (
            [(0, SetFrequency(9e9, DriveChannel(0)))],
            r"d0@0: the frequency must be in 4.5\d*..5.5\d* GHz, but it becomes 9",
        ),
        (
            [(0, ShiftFrequency(3e8, DriveChannel(0))), (64, ShiftFrequency(3e8, DriveChannel(0)))],
            "d0@64: .* becomes 5.6",
        ),
        ([(0, SetFrequency(7.2e9, MeasureChannel(0)))], "m0@0: .*6.9"),
        ([(0, ShiftFrequency(-6e8, pulse.ControlChannel(0)))], "u0@0"),
    ],
)
def test_every_frequency_reached_is_in_range(device, instructions, message):
    for item in (Schedule(*instructions, name="s"), with_gate(*instructions)):
        with pytest.raises(CompilerError, match=message) as caught:
            compile(item, device)
        assert caught.value.code == 8000


def test_the_message_says_gate_and_experiment(device):
    circuit = with_gate((0, ShiftFrequency(4e8, DriveChannel(0))))
    compile(circuit, device)
    with pytest.raises(CompilerError, match=r"in experiment 1\. \(instruction 0 `stark` on qubits 0, .*program 'c'\)"):
        compile(circuit, device, schedule_los=[{D0: 5.0e9}, {D0: 5.2e9}])


def test_a_gates_frequency_does_not_add_up_in_gate_scope(device):
    circuit = with_gate((0, ShiftFrequency(3e8, DriveChannel(0))), names=("a", "b"))
    compile(circuit, device)
    with pytest.raises(CompilerError, match=r"becomes 5.6"):
        compile(circuit, device, frequency_scope="program")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_frequencies_must_be_finite(device, bad):
    with pytest.raises(Exception, match=r"8000|finite") as caught:
        compile(Schedule((0, SetFrequency(bad, DriveChannel(0)))), device)
    assert getattr(caught.value, "code", None) in (8000, 8042)


def test_saved_frames_survive_the_program():
    program = parse_text('program "g" duration=10 slots=0\nd0@0: set_frequency 5.0e9\n')
    scoped = scope_frequencies(program)
    assert scoped.events.op.tolist() == [Op.SAVE_FRAME, Op.SET_FREQUENCY, Op.RESTORE_FRAME]
