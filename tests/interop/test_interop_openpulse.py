"""OpenPulse out and in: the parser accepts it, and it says the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate
from qiskit.pulse import Acquire, Discriminator, Kernel, Play, Schedule, SetFrequency, ShiftPhase

from pulsekit.backend.frontend import compile
from pulsekit.compiler.passes.remove_no_ops import RemoveNoOps
from pulsekit.device import Device
from pulsekit.errors import CompilerError, ProgramError
from pulsekit.interop.export import program_to_schedule
from pulsekit.interop.openpulse_in import read_openpulse, read_openpulse_program
from pulsekit.interop.openpulse_out import to_openpulse
from pulsekit.interop.schedules import read_schedules
from pulsekit.program import SHAPES, Op, diff, parse_text
from pulsekit.program.rows import select_rows

openpulse = pytest.importorskip("openpulse")


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


def without_delays(program):
    return RemoveNoOps().apply(program, None)


EXAMPLE = """\
program "p" duration=2000 slots=2
channels d0 d1 m0 a0 u2
pulse p0 = drag(duration=160, beta=-1.5, sigma=40.0)
pulse p1 = gaussian_square(duration=640, sigma=16.0, width=512.0)
pulse p2 = samples[0.5 0.0, -0.25 0.125, 0.0 -1.0]
pulse p3 = constant(duration=320)
acquire a0 = esp=false
d0@0..160: play p0 amp=0.25 angle=0.5
d1@0: set_phase 0.75
d1@16..19: play p2 amp=1.0
d0@160: shift_phase -1.5707963267948966
d0@160: shift_frequency -330000000.0
d0@176..336: play p0 amp=-0.1 angle=-3.0
u2@336: set_frequency 5100000000.0
u2@336..976: play p1 amp=0.3
m0@976..1296: play p3 amp=0.2
a0@976..1296: acquire a0 slot=1
"""


def test_the_parser_accepts_it_and_it_reads_back_the_same(device):
    program = parse_text(EXAMPLE)
    text = to_openpulse(program, device)
    openpulse.parse(text)
    schedule = read_openpulse(text, device, name="p")
    assert isinstance(schedule, Schedule) and schedule.duration == 2000
    back = without_delays(read_schedules([schedule])[0])
    assert str(diff(program, back.replace(duration=program.duration))) == "no difference"


def test_text_of_the_example():
    lines = to_openpulse(parse_text(EXAMPLE)).splitlines()
    assert lines[:3] == ["OPENQASM 3.0;", 'defcalgrammar "openpulse";', "bit[2] c;"]
    assert "  waveform p0 = drag(1.0, 160dt, 40.0dt, -1.5);" in lines
    assert "  waveform p2 = {0.5 + 0.0im, -0.25 + 0.125im, 0.0 - 1.0im};" in lines
    assert "  play(d0_frame, scale(phase_shift(p0, 0.5), 0.25));" in lines
    assert "  play(d1_frame, p2);" in lines
    assert "  c[1] = capture_v2(a0_frame, 320dt);" in lines
    assert lines[-2:] == ["  delay[704dt] m0_frame;", "}"] or lines[-2] == "  delay[704dt] a0_frame;"


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_survives(shape, device):
    params = ", ".join(f"{k}={v}" for k, v in sorted(PARAMETERS[shape].items()))
    inner = f"duration=160, {params}" if params else "duration=160"
    program = parse_text(
        f'program "s" duration=160 slots=0\npulse p0 = {shape}({inner})\nd0@0..160: play p0 amp=0.5 angle=0.25\n'
    )
    schedule = read_openpulse(to_openpulse(program, device), device)
    back = read_schedules([schedule])[0]
    played = back.pulses[0].samples * back.events.value[0] * np.exp(1j * back.events.angle[0])
    np.testing.assert_allclose(played, program.pulses[0].samples * 0.5 * np.exp(0.25j), atol=1e-15)


PARAMETERS = {
    "constant": {},
    "gaussian": {"sigma": 40.0},
    "drag": {"sigma": 40.0, "beta": 1.25},
    "gaussian_square": {"sigma": 16.0, "width": 64.0},
    "gaussian_square_drag": {"sigma": 16.0, "width": 64.0, "beta": 0.5},
    "gaussian_square_echo": {
        "amp": 0.4,
        "angle": 0.1,
        "sigma": 8.0,
        "width": 96.0,
        "active_amp": 0.05,
        "active_angle": 0.2,
    },
    "gaussian_deriv": {"sigma": 40.0},
    "sin": {"freq": 0.05, "phase": 0.25},
    "cos": {"freq": 0.05, "phase": 0.25},
    "sawtooth": {"freq": 0.05, "phase": 0.25},
    "triangle": {"freq": 0.05, "phase": 0.25},
    "square": {"freq": 0.05, "phase": 0.25},
    "sech": {"sigma": 40.0, "zero_ends": 1.0},
    "sech_deriv": {"sigma": 40.0},
}


def test_a_compiled_circuit_with_esp_and_reset_is_accepted_by_the_parser(device):
    circuit = QuantumCircuit(2, 2)
    circuit.reset(0)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    batch = compile(circuit, device)
    text = to_openpulse(batch.programs[0], los=batch.los)
    openpulse.parse(text)
    assert "capture_esp(a0_frame" in text and "reset_qubit(d0_frame" in text
    assert f"newframe(d0, {device.qubit_freq_est[0]!r}, 0.0)" in text


def everything(device):
    """Return a program with a reset, gate-scoped frequencies, ESP, and mid-circuit measures."""
    circuit = QuantumCircuit(3, 4)
    circuit.reset(0)
    circuit.sx(0)
    with pulse.build() as block:
        pulse.set_frequency(5.1e9, pulse.DriveChannel(1))
        pulse.play(pulse.Gaussian(160, 0.2, 40, angle=0.3), pulse.DriveChannel(1))
    circuit.append(Gate("off", 1, []), [1])
    circuit.add_calibration("off", [1], block)
    circuit.cx(0, 1)
    circuit.measure(2, 3)
    circuit.rz(0.123456789, 1)
    circuit.sx(2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return compile(circuit, device)


def test_programs_with_externs_are_read_back_exactly(device):
    batch = everything(device)
    program = batch.programs[0]
    assert {Op.RESET, Op.SAVE_FRAME, Op.RESTORE_FRAME} <= set(program.events.op.tolist())
    assert {spec.esp for spec in program.acquires} == {True, False}
    for text in (to_openpulse(program, device), to_openpulse(program, los=batch.los)):
        again = read_openpulse_program(text, device)
        plain = select_rows(program, program.events.op != Op.DELAY)
        assert again.duration == program.duration and again.memory_slots == 4
        found = diff(plain, again)
        assert not found.rows and not found.facts, str(found)
        openpulse.parse(to_openpulse(again, device))
        with pytest.raises(CompilerError, match="Use read_openpulse_program") as caught:
            read_openpulse(text, device)
        assert caught.value.code == 8011


@pytest.mark.parametrize("setting", [{"kernel": Kernel("boxcar")}, {"discriminator": Discriminator("linear")}])
def test_what_openpulse_cannot_say_is_refused_when_it_is_written(setting):
    acquire = Acquire(1600, pulse.AcquireChannel(0), pulse.MemorySlot(0), **setting)
    program = read_schedules([Schedule(acquire)])[0]
    with pytest.raises(ProgramError, match=r"a0@0\.\.1600: .*to be written as OpenPulse") as caught:
        to_openpulse(program)
    assert caught.value.code == 8011


def test_gates_are_no_program(device):
    with pytest.raises(CompilerError, match="`cal` blocks only, but it has 'x'") as caught:
        read_openpulse_program("OPENQASM 3.0;\nqubit[1] q;\nx q[0];\n", device)
    assert caught.value.code == 8011


def test_unbound_programs_are_refused():
    program = parse_text('program "p" duration=0 slots=0\nparameters ["a"]\nd0@0: shift_phase 0.0 value+=1.0*theta0')
    with pytest.raises(ProgramError, match="must be bound"):
        to_openpulse(program)
    with pytest.raises(ProgramError, match="must be bound"):
        program_to_schedule(program)


TEXT = """
OPENQASM 3;
include "stdgates.inc";
defcalgrammar "openpulse";
const float half = 0.5;
qubit[2] q;
bit c0;
bit[2] c;
cal {
  port d0; port d1; port m0; port a0;
  frame drive0 = newframe(d0, 0.0, 0.0);
  frame off0 = newframe(d0, 4.9e9, pi/4);
  frame tone0 = newframe(m0, 0, 0);
  frame in0 = newframe(a0, 0, 0);
  duration length = 160dt;
  waveform g = gaussian(0.5 + 0.0im, length, length/4);
}
defcal x $0 { play(drive0, scale(g, half)); shift_phase(drive0, -pi); }
defcal rx(pi) $0 { play(drive0, g); delay[length] drive0; }
defcal rx(angle[32] theta) $0 { play(drive0, scale(g, theta/pi)); }
defcal probe $0 { waveform w = {0.1, 0.2im, -0.1 - 0.2im, 0.0}; play(off0, w); }
defcal measure $0 -> bit {
  barrier tone0, in0;
  play(tone0, constant(0.2, 320dt));
  return capture_v2(in0, 320dt);
}
x q[0];
rx(pi/2) q[0];
rx(pi) $0;
probe q[0];
rz(half*pi) q[1];
delay[160dt] q[1];
barrier q;
c[1] = measure q[0];
reset q[1];
"""


def test_circuits_with_defcals():
    circuit = read_openpulse(TEXT)
    names = [(i.operation.name, [circuit.find_bit(q).index for q in i.qubits]) for i in circuit.data]
    assert names == [
        ("x", [0]),
        ("rx", [0]),
        ("rx", [0]),
        ("probe", [0]),
        ("rz", [1]),
        ("delay", [1]),
        ("barrier", [0, 1]),
        ("measure", [0]),
        ("reset", [1]),
    ]
    assert [circuit.find_bit(b).index for b in circuit.data[-2].clbits] == [2]
    calibrations = circuit.calibrations
    assert sorted(calibrations) == ["measure", "probe", "rx", "x"]
    (x,) = calibrations["x"].values()
    (_, play), (t1, shift) = x.instructions
    assert isinstance(play, Play) and play.pulse.amp == pytest.approx(0.25) and play.pulse.sigma == 40
    assert (t1, shift) == (160, ShiftPhase(-math.pi, play.channel))
    amps = {key[1][0]: s.instructions[0][1].pulse.amp for key, s in calibrations["rx"].items()}
    assert amps == {math.pi / 2: 0.25, math.pi: 0.5}
    assert {s.duration for s in calibrations["rx"].values()} == {160, 320}
    (probe,) = calibrations["probe"].values()
    assert probe.instructions[0][1] == SetFrequency(4.9e9, play.channel)
    (measure,) = calibrations["measure"].values()
    acquire = next(i for _, i in measure.instructions if isinstance(i, Acquire))
    assert acquire.mem_slot.index == 2 and acquire.duration == 320


def test_a_read_circuit_compiles(device):
    text = TEXT.replace("0.1, 0.2im, -0.1 - 0.2im, 0.0", ", ".join(["0.1"] * 64)).replace("rx(pi/2) q[0];", "")
    batch = compile(read_openpulse(text, device), device)
    assert Op.RESET in batch.programs[0].events.op
    assert batch.headers[0]["creg_sizes"] == [["c0", 1], ["c", 2]]


def test_cal_blocks_among_gates_are_pulse_gates(device):
    head = TEXT.split("defcal x")[0]
    circuit = read_openpulse(
        head + "cal { play(drive0, g); }\nx q[0];\ncal { play(tone0, g); delay[32dt] drive0; }", device
    )
    names = [(i.operation.name, [circuit.find_bit(q).index for q in i.qubits]) for i in circuit.data]
    assert names == [("cal_0", [0]), ("x", [0]), ("cal_2", [0])]
    assert circuit.calibrations["cal_0"][((0,), ())].duration == 160
    cross = "cal { port u2; frame f = newframe(u2, 0, 0); waveform w = constant(0.1, 160dt); play(f, w); }\nx q[0];"
    circuit = read_openpulse(head + cross, device)
    assert [circuit.find_bit(q).index for q in circuit.data[0].qubits] == [1, 2]
    blocks = read_openpulse(head + "cal { play(drive0, g); }\ncal { play(drive0, g); }", device)
    assert isinstance(blocks, Schedule) and [t for t, _ in blocks.instructions] == [0, 160]


@pytest.mark.parametrize(
    "line,message",
    [
        ("if (c0) x q[0];", "control flow|unconditional"),
        ("for int i in [0:3] { x q[0]; }", "unconditional"),
        ("ctrl @ x q[0], q[1];", "no modifiers"),
        ("nope q[0];", "standard or have a defcal, but 'nope'"),
        ("x q[7];", "below 2, but 7"),
        ("x r;", "declared, or physical"),
        ("measure q[0];", "into a bit"),
        ("rx(unknown) q[0];", "declared before they are used, but 'unknown'"),
        ("delay[0.3dt] q[0];", "whole samples"),
        ("cal { frame z = newframe(zz, 0, 0); }", "names must be declared"),
        ("this is not qasm", "must be OpenQASM 3.* but: it does not parse"),
    ],
)
def test_what_cannot_be_read_is_refused(line, message):
    with pytest.raises(CompilerError, match=message):
        read_openpulse(TEXT.split("x q[0];")[0] + line)


@pytest.mark.parametrize(
    "line,message",
    [
        ("play(d0, g);", "must be a frame"),
        ("play(drive0, half);", "waveforms must be"),
        ("play(drive0, g); play(off0, g);", "one frame in a body"),
        ("jump(drive0, 1.0);", "calls must be play"),
        ("play(drive0, gaussian(0.5, 160dt));", "must have 3 arguments, but 2"),
        ("waveform w = {0.5}; play(drive0, mix(g, w));", "160 and 1 samples"),
        ("capture_v1(in0, g);", "must have a duration"),
        ("float z = 1/0;", "must have a value"),
        ("float z = log(-1.0);", "must have a value"),
        ("float z = sqrt(g);", "must have a value"),
        ("int z = 9**9**9;", r"9 \*\* 387420489 is too large"),
        ("waveform w = mix(g);", "must have a value"),
        ("delay[1e400s] drive0;", "whole samples"),
        ("waveform w = gaussian(0.5, 1e9dt, 40dt);", "at most 10000000 samples"),
        ("\n\n play(d0, g);", f"line {TEXT.split('defcal x')[0].count(chr(10)) + 3}: .*must be a frame"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(line, message):
    with pytest.raises(CompilerError, match=message):
        read_openpulse(TEXT.split("defcal x")[0] + "cal { " + line + " }")


def test_ports_may_be_called_otherwise():
    text = TEXT.replace("port d0;", "port qubit_drive;").replace("newframe(d0", "newframe(qubit_drive")
    with pytest.raises(CompilerError, match="`ports`"):
        read_openpulse(text)
    circuit = read_openpulse(text, ports={"qubit_drive": "d5"})
    (x,) = circuit.calibrations["x"].values()
    assert x.channels[0].index == 5


def test_programs_become_schedules_that_say_the_same():
    program = parse_text(EXAMPLE)
    schedule = program_to_schedule(program)
    assert schedule.name == "p" and schedule.duration == 2000
    back = without_delays(read_schedules([schedule])[0])
    assert str(diff(program, back.replace(duration=2000))) == "no difference"
    with pytest.raises(ProgramError, match=r"d0@0..10: a Schedule cannot say reset"):
        program_to_schedule(parse_text('program "r" duration=10 slots=0\nd0@0..10: reset'))
