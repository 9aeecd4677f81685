"""ESP, measure groups and alignment on circuits: what the program must be."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.pulse import Acquire, AcquireChannel, Constant, MeasureChannel, MemorySlot, Play, Schedule

from pulsekit.backend.frontend import compile
from pulsekit.compiler.passes.esp import resolve_esp
from pulsekit.compiler.passes.pad_pulses import pad_program
from pulsekit.device import Calibration, CalibrationMap, Device, Resonator, Timing, Transmon
from pulsekit.errors import CompilerError, ProgramError, PulsekitWarning
from pulsekit.interop.export import program_to_schedule
from pulsekit.program import Channel, Op, find_violations, parse_text, resolve_frames, to_text

ALPHA = -330e6
X12 = 128  # samples


def body(text):
    return parse_text('program "b" ' + text)


def make_device(n=3, *, stagger=(0, 0, 0, 0, 0, 0), meas_map=((0, 1, 2),), esp=True, timing=None, t1=50e-6):
    """Qubits whose x takes 160 samples, and whose acquire starts ``stagger`` late."""
    phase = -2 * math.pi * math.remainder(ALPHA * X12 * 2e-9 / 9, 1)
    entries = {}
    for q in range(n):
        late = stagger[q]
        texts = {
            "x": f"duration=160 slots=0\npulse p0 = constant(duration=160)\nd{q}@0..160: play p0 amp=0.5",
            "x12": f"duration={X12} slots=0\npulse p0 = constant(duration={X12})\nd{q}@0: shift_frequency {ALPHA}\n"
            f"d{q}@0..{X12}: play p0 amp=0.25\nd{q}@{X12}: shift_frequency {-ALPHA}\nd{q}@{X12}: shift_phase {phase}",
            "measure": f"duration={late + 320} slots=1\npulse p0 = constant(duration={late + 320})\n"
            f"acquire a0 = esp=false\nm{q}@0..{late + 320}: play p0 amp=0.1\n"
            f"a{q}@{late}..{late + 320}: acquire a0 slot=0",
        }
        for name, text in texts.items():
            entries[name, (q,)] = Calibration(name, (q,), body(text), id=f"{name}:{q}")
        rz = f'duration=0 slots=0\nparameters ["P0"]\nd{q}@0: shift_phase 0.0 value+=-1.0*theta0'
        entries["rz", (q,)] = Calibration("rz", (q,), body(rz), id=f"rz:{q}")
    cz = "duration=200 slots=0\npulse p0 = constant(duration=192)\nd0@0..192: play p0 amp=0.1"
    entries["cz", (0, 1)] = Calibration("cz", (0, 1), body(cz), id="cz")
    return Device(
        "test",
        tuple(Transmon(5e9 + 1e8 * q, ALPHA, t1=t1, t2=t1) for q in range(n)),
        resonators=tuple(Resonator(7e9) for _ in range(n)),
        meas_map=meas_map,
        measure_esp_enabled=esp,
        timing=timing or Timing(granularity=16, pulse_alignment=1, acquire_alignment=16),
        calibrations=CalibrationMap(entries),
    )


def compiled(circuit, device, **options):
    batch = compile(circuit, device, **options)
    program = batch.programs[0]
    assert find_violations(program, device) == []
    return program, batch


def acquires(program):
    """{qubit: (start, esp, slot)}; the last one of each qubit."""
    e = program.events
    return {
        program.channels[e.channel[r]].index: (int(e.t0[r]), program.acquires[e.ref[r]].esp, int(e.slot[r]))
        for r in program.rows(Op.ACQUIRE)
    }


def starts(program, channel):
    e = program.events
    index = program.channel_id(Channel.parse(channel))
    return [int(e.t0[r]) for r in program.rows(Op.PLAY) if e.channel[r] == index]


# --- the flag -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "enabled,asked,init,expected",
    [
        (True, None, True, True),
        (True, True, True, True),
        (True, False, True, False),
        (True, None, False, False),
        (True, False, False, False),
        (False, None, True, False),
        (False, False, True, False),
        (False, None, False, False),
        (False, True, True, CompilerError),
        (True, True, False, CompilerError),
    ],
)
def test_the_flag_is_resolved_as_documented(enabled, asked, init, expected):
    device = make_device(esp=enabled)
    if expected is CompilerError:
        with pytest.raises(CompilerError) as caught:
            resolve_esp(device, asked, init_qubits=init)
        assert caught.value.code == 8037
    else:
        assert resolve_esp(device, asked, init_qubits=init) is expected
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0)
        program, _ = compiled(circuit, device, use_measure_esp=asked, init_qubits=init)
        assert acquires(program)[0][1] is expected


def test_the_flag_must_be_a_flag():
    with pytest.raises(CompilerError, match=r"use_measure_esp"):
        resolve_esp(make_device(), "yes")


# --- where it applies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "after,promoted",
    [
        (lambda c: None, True),
        (lambda c: c.barrier(), True),
        (lambda c: c.delay(400, 0), True),
        (lambda c: c.x(1), True),
        (lambda c: c.x(0), False),
        (lambda c: c.rz(0.3, 0), False),
        (lambda c: c.reset(0), False),
        (lambda c: c.cz(0, 1), False),
        (lambda c: c.measure(0, 1), False),
    ],
)
def test_only_the_last_thing_on_a_qubit_is_promoted(after, promoted):
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    after(circuit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PulsekitWarning)
        program, _ = compiled(circuit, make_device())
    first = program.rows(Op.ACQUIRE)[0]
    assert program.acquires[program.events.ref[first]].esp is promoted


def test_a_later_measure_of_the_same_qubit_is_the_promoted_one():
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.measure(0, 1)
    program, _ = compiled(circuit, make_device())
    rows = program.rows(Op.ACQUIRE)
    assert [program.acquires[program.events.ref[r]].esp for r in rows] == [False, True]


def test_each_circuit_and_qubit_is_judged_apart():
    first, second = QuantumCircuit(2, 2), QuantumCircuit(2, 2)
    first.measure(0, 0)
    first.x(0)
    first.measure(1, 1)
    second.measure([0, 1], [0, 1])
    batch = compile([first, second], make_device())
    assert {q: esp for q, (_, esp, _) in acquires(batch.programs[0]).items()} == {0: False, 1: True}
    assert {q: esp for q, (_, esp, _) in acquires(batch.programs[1]).items()} == {0: True, 1: True}


def test_a_users_measure_is_left_alone():
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    with pulse.build(name="mine") as mine:
        pulse.play(Constant(320, 0.3), MeasureChannel(0))
        pulse.acquire(320, AcquireChannel(0), MemorySlot(0))
    circuit.add_calibration("measure", [0], mine)
    program, _ = compiled(circuit, make_device())
    assert acquires(program) == {0: (X12, False, 0), 1: (X12, True, 1)}
    assert starts(program, "d0") == []


def test_a_users_measure_is_left_alone_even_if_it_is_the_devices():
    device = make_device()
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    same = program_to_schedule(device.calibrations.get("measure", (0,)).program)
    circuit.add_calibration("measure", [0], same)
    assert acquires(compiled(circuit, device)[0]) == {0: (0, False, 0)}


def test_schedules_never_get_it():
    schedule = Schedule(
        (0, Play(Constant(320, 0.1), MeasureChannel(0))), (0, Acquire(320, AcquireChannel(0), MemorySlot(0)))
    )
    program, _ = compiled(schedule, make_device(), use_measure_esp=True)
    assert acquires(program) == {0: (0, False, 0)}


def test_a_device_without_x12_reads_as_usual_and_says_so():
    device = make_device()
    entries = {k: v for k, v in device.calibrations.entries.items() if k != ("x12", (0,))}
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    program, batch = compiled(circuit, device.replace(calibrations=CalibrationMap(entries)))
    assert acquires(program) == {0: (X12, False, 0), 1: (X12, True, 1)}
    assert "no x12" in batch.headers[0]["compiler"][0]
    with pytest.warns(PulsekitWarning, match="Qubit 0 is read without ESP: the device has no x12"):
        compile(circuit, device.replace(calibrations=CalibrationMap(entries)), use_measure_esp=True)


# --- what it does -------------------------------------------------------------------------


def test_the_x12_pulse_ends_where_the_readout_begins_and_waits_come_first():
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.delay(480, 1)
    circuit.measure([0, 1], [0, 1])
    program, _ = compiled(circuit, make_device())
    assert acquires(program) == {0: (480 + X12, True, 0), 1: (480 + X12, True, 1)}
    assert starts(program, "d0") == [320, 480]  # x as late as possible, then x12 right before the stimulus
    assert starts(program, "m0") == starts(program, "m1") == [480 + X12]


def test_frequency_and_phase_are_restored_exactly():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    device = make_device()
    program, batch = compiled(circuit, device)
    row = program.events.take(np.array([0])).replace(t0=[program.duration], op=[int(Op.PLAY)], ref=[0], value=[1.0])
    later = program.replace(
        events=type(program.events).concatenate([program.events, row.replace(duration=[program.pulses[0].duration])])
    )
    plays = resolve_frames(later, batch.los, device.timing.dt)[Channel("d", 0)]
    assert plays.freq[0, -1] == 5e9
    assert abs(plays.scale[0, -1] - 1) < 1e-9
    assert plays.freq[0, 0] == 5e9 + ALPHA


def test_the_report_says_what_it_costs_and_gains():
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    device = make_device(t1=10e-6)
    _, batch = compiled(circuit, device)
    told = batch.headers[0]["esp"]
    assert sorted(told) == ["0", "1"]
    x = 160 * device.timing.dt / 10e-6
    assert told["0"]["added_samples"] == X12
    assert told["0"]["added_s"] == pytest.approx(X12 * device.timing.dt)
    assert told["0"]["decay_without"] == pytest.approx(1 - math.exp(-x))
    assert told["0"]["decay_with"] == pytest.approx((1 - math.exp(-x)) ** 2)
    assert told["0"]["x12_error"] == pytest.approx(1.5 * X12 * device.timing.dt / 10e-6)
    assert told["0"]["pays"] == (told["0"]["gain"] > told["0"]["x12_error"])
    assert "esp" not in compile(circuit, device, use_measure_esp=False).headers[0]
    x12 = device.calibrations.get("x12", (0,))
    known = Calibration("x12", (0,), x12.program, x12.id, parameters={"transfer": 0.9})
    imperfect = device.replace(calibrations=device.calibrations.updated(known))
    again = compile(circuit, imperfect).headers[0]["esp"]["0"]
    assert again["x12_error"] == pytest.approx(0.1 + told["0"]["x12_error"]) and again["pays"] is False


# --- group starts -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["alap", "asap"])
@pytest.mark.parametrize("esp", [False, True])
def test_acquires_of_a_group_start_together(method, esp):
    """measure q0; x q0; measure q1: the second joins the first."""
    circuit = QuantumCircuit(3, 3)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.x(2)
    circuit.measure(1, 1)
    circuit.measure(2, 2)
    device = make_device(stagger=(0, 32, 16))
    program, _ = compiled(circuit, device, method=method, use_measure_esp=esp)
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert len(set(when.values())) == 1
    assert starts(program, "d0")[-1] >= when[0] + 320  # its x comes after


def test_what_depends_on_a_measure_waits_for_a_later_acquire():
    circuit = QuantumCircuit(3, 3)
    circuit.measure(0, 0)
    circuit.cz(0, 1)
    circuit.measure(1, 1)
    circuit.measure(2, 2)
    program, _ = compiled(circuit, make_device(), use_measure_esp=False)
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert when[0] == when[2] and when[1] >= when[0] + 320


def test_a_barrier_forbids_joining():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.measure(1, 1)
    program, _ = compiled(circuit, make_device(), use_measure_esp=False)
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert when[1] >= when[0] + 320


def test_groups_do_not_wait_for_one_another():
    circuit = QuantumCircuit(3, 3)
    circuit.measure([0, 1, 2], [0, 1, 2])
    circuit.x(2)
    device = make_device(meas_map=((0,), (1, 2)), stagger=(0, 0, 64))
    program, _ = compiled(circuit, device, use_measure_esp=False, method="asap")
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert when == {0: 0, 1: 64, 2: 64}


def test_joining_never_closes_a_circle():
    """Groups (0, 3) and (1, 2), crossed: q0 then q1, but q2 then q3."""
    circuit = QuantumCircuit(4, 4)
    device = make_device(4, stagger=(0,) * 4, meas_map=((0, 3), (1, 2)))
    circuit.measure(0, 0)
    circuit.barrier(0, 1)
    circuit.measure(1, 1)
    circuit.measure(2, 2)
    circuit.barrier(2, 3)
    circuit.measure(3, 3)
    program, _ = compiled(circuit, device, use_measure_esp=False)
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert when[1] >= when[0] + 320 and when[3] >= when[2] + 320
    assert (when[1] == when[2]) != (when[0] == when[3])  # one pair joins, both cannot


def crossing(*steps):
    """Measures "m<q>" and barriers "b<q><r>" on six qubits."""
    circuit, clbit = QuantumCircuit(6, 12), 0
    for step in steps:
        if step[0] == "m":
            circuit.measure(int(step[1]), clbit)
            clbit += 1
        else:
            circuit.barrier(int(step[1]), int(step[2]))
    return circuit


@pytest.mark.parametrize(
    "steps",
    [
        # q3 joins q2's acquire, which so comes after q0's: q1, behind q2, cannot join q0's
        ("m0", "m2", "b03", "m3", "b21", "m1"),
        # the same, found through a third group's acquire that q5 joins
        ("m0", "m2", "b24", "m4", "b03", "m3", "m5", "b51", "m1"),
    ],
)
@pytest.mark.parametrize("method", ["asap", "alap"])
def test_what_joins_an_acquire_pulls_what_follows_it(steps, method):
    device = make_device(6, stagger=(0,) * 6, meas_map=((0, 1), (2, 3), (4, 5)))
    program, _ = compiled(crossing(*steps), device, use_measure_esp=False, method=method)
    when = {q: t for q, (t, _, _) in acquires(program).items()}
    assert when[2] == when[3] >= when[0] + 320
    assert when[1] >= when[2] + 320


@pytest.mark.parametrize("seed", range(8))
def test_random_circuits_never_break_a_group(seed):
    """Dependencies hold, groups overlap only together: the verifier sees it."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(4, 40)
    for k in range(40):
        q = int(rng.integers(4))
        kind = rng.choice(["x", "measure", "barrier", "rz"], p=[0.3, 0.4, 0.2, 0.1])
        arguments = {"x": (q,), "measure": (q, k), "barrier": (q, (q + 1) % 4), "rz": (0.1, q)}
        getattr(circuit, kind)(*arguments[kind])
    device = make_device(4, stagger=(0, 16, 0, 32), meas_map=((0, 1), (2, 3)))
    for method in ("alap", "asap"):
        program, _ = compiled(circuit, device, method=method)
        e = program.events
        for q in range(4):  # on each qubit, everything in the order of the circuit
            mine = [r for r in range(len(e)) if program.channels[e.channel[r]].index == q and e.duration[r]]
            order = [program.sources[int(e.source[r])].index for r in sorted(mine, key=lambda r: e.t0[r])]
            assert order == sorted(order)


# --- alignment ----------------------------------------------------------------------------


def test_a_measure_moves_onto_the_acquire_grid_and_the_header_says_so():
    circuit = QuantumCircuit(2, 1)
    circuit.delay(100, 0)
    circuit.measure(0, 0)
    device = make_device()
    for method, expected in (("asap", 112), ("alap", 112)):
        program, batch = compiled(circuit, device, use_measure_esp=False, method=method)
        assert acquires(program)[0][0] == expected
        assert batch.headers[0]["moved"]["instruction"]
    with pytest.raises(CompilerError, match=r"grid of 16 samples, but one starts at 100. Delay it by 12") as caught:
        compile(circuit, device, use_measure_esp=False, align="strict")
    assert caught.value.code == 8036
    program = compile(circuit, device, use_measure_esp=False, align="off").programs[0]
    assert acquires(program)[0][0] == 100


def test_an_aligned_circuit_is_not_touched():
    circuit = QuantumCircuit(1, 1)
    circuit.delay(96, 0)
    circuit.measure(0, 0)
    _, batch = compiled(circuit, make_device(), align="strict")
    assert "moved" not in batch.headers[0]


def test_pulses_have_a_grid_too():
    circuit = QuantumCircuit(1, 1)
    circuit.delay(100, 0)
    circuit.x(0)
    circuit.measure(0, 0)
    device = make_device(timing=Timing(granularity=16, pulse_alignment=32, acquire_alignment=48))
    program, _ = compiled(circuit, device, use_measure_esp=False)
    assert starts(program, "d0")[0] % 32 == 0 and acquires(program)[0][0] % 48 == 0


def test_a_users_pulse_is_padded_or_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    with pulse.build(name="mine") as mine:
        pulse.play(Constant(100, 0.3), pulse.DriveChannel(0))
    circuit.add_calibration("x", [0], mine)
    program, batch = compiled(circuit, make_device(), use_measure_esp=False, align="pad")
    first = program.pulses[program.events.ref[program.rows(Op.PLAY)[0]]]
    assert first.duration == 112
    assert first.samples[:100].all() and not first.samples[100:].any()
    assert "padded with zeros to 112" in batch.headers[0]["compiler"][0]
    for align in ({}, {"align": "device"}, {"align": "strict"}):
        with pytest.raises(CompilerError, match=r"multiple of 16 samples and at least 64, but 100") as caught:
            compile(circuit, make_device(), **align)
        assert caught.value.code == 8017
    with pytest.raises(CompilerError, match="align"):
        compile(circuit, make_device(), align="left")


def test_padding_eats_delays_but_not_pulses():
    device = make_device()
    play, gap = Play(Constant(100, 0.3), pulse.DriveChannel(0)), pulse.Delay(28, pulse.DriveChannel(0))
    room = Schedule((0, play), (100, gap), (128, play))
    with pytest.warns(PulsekitWarning, match=r"padded with zeros to 112"):
        program, _ = compiled(room, device, align="pad")
    assert starts(program, "d0") == [0, 128]
    tight = Schedule((0, play), (100, play))
    with pytest.raises(CompilerError, match=r"d0@0..100: a pulse needs room") as caught:
        compile(tight, device, align="pad")
    assert caught.value.code == 8017


def test_frame_changes_after_a_padded_pulse_wait_for_its_end():
    text = (
        'program "p" duration=400 slots=0\nchannels d0\npulse p0 = constant(duration=100)\n'
        "d0@0..100: play p0 amp=0.5\nd0@100: shift_phase 1.0\nd0@100..200: delay\nd0@200..300: play p0 amp=0.5\n"
    )
    padded, texts = pad_program(parse_text(text), Timing(granularity=16, min_length=64), "pad")
    assert len(texts) == 2
    assert [line for line in to_text(padded).splitlines() if line.startswith("d0@")] == [
        "d0@0..112: play p1 amp=0.5",
        "d0@112: shift_phase 1.0",
        "d0@112..200: delay",
        "d0@200..312: play p1 amp=0.5",
    ]
    between = text.replace("d0@100..200: delay", "d0@105: shift_phase 1.0")
    with pytest.raises(CompilerError, match="d0@105 follows"):
        pad_program(parse_text(between), Timing(granularity=16, min_length=64), "pad")


def test_schedules_move_as_a_whole_or_are_refused():
    device = make_device()
    parts = Play(Constant(320, 0.1), MeasureChannel(0)), Acquire(320, AcquireChannel(0), MemorySlot(0))
    both = Schedule((0, Play(Constant(160, 0.1), pulse.DriveChannel(0))), (168, parts[0]), (168, parts[1]))
    with pytest.warns(PulsekitWarning, match=r"8 samples later"):
        program, _ = compiled(both, device, align="pad")
    assert starts(program, "d0") == [8] and acquires(program)[0][0] == 176
    for align in ({}, {"align": "strict"}):
        with pytest.raises(ProgramError, match=r"0@168..*: readout must start on the grid of 16 samples, but 168 is 8"):
            compile(both, device, **align)
    apart = Schedule((0, parts[0]), (8, parts[1]))
    with pytest.raises(CompilerError, match=r"a0@8..328") as caught:
        compile(apart, device, align="pad")
    assert caught.value.code == 8036


# --- capabilities -------------------------------------------------------------------------


def test_two_qubits_in_one_clbit_are_refused():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    with pytest.raises(CompilerError, match=r"instruction 1 \('measure' on qubits \[1\]\).*clbit 0") as caught:
        compile(circuit, make_device())
    assert caught.value.code == 8001


def test_a_lost_result_is_warned_about():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.measure(0, 0)
    with pytest.warns(PulsekitWarning, match=r"instruction 1 .*replaces the one that .*instruction 0 .* into clbit 0"):
        compile(circuit, make_device())


@pytest.mark.parametrize("then,code", [(lambda c: c.measure(0, 1), 7004), (lambda c: c.x(0), 7006)])
def test_devices_without_mid_circuit_measurement_say_so(then, code):
    device = make_device().replace(vendor={"configuration": {"multi_meas_enabled": False}})
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.x(1)
    compile(circuit, device)
    then(circuit)
    compile(circuit, make_device())
    with pytest.raises(CompilerError, match=r"instruction 3 .*instruction 0 has measured qubit 0") as caught:
        compile(circuit, device)
    assert caught.value.code == code


def test_too_many_qubits_are_refused():
    circuit = QuantumCircuit(5, 1)
    circuit.x(4)
    with pytest.raises(CompilerError, match=r"instruction 0 .*must be among the 3") as caught:
        compile(circuit, make_device())
    assert caught.value.code == 1109


def test_reset_is_an_op_of_its_own():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.reset(0)
    circuit.measure(0, 0)
    program, _ = compiled(circuit, make_device())
    (row,) = program.rows(Op.RESET)
    assert program.channels[program.events.channel[row]] == Channel("d", 0)
    assert program.events.t0[row] == 160 and acquires(program)[0][1] is True
