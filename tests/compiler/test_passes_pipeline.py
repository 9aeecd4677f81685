"""The options of compile() reach their passes."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from qiskit import QuantumCircuit

from pulsekit import Backend, schedule
from pulsekit.backend.frontend import compile
from pulsekit.compiler.passes.constraints import NotOverlapping
from pulsekit.device import Device
from pulsekit.errors import CompilerError, ProgramError
from pulsekit.interop.schedules import read_schedules
from pulsekit.program import Op, diff, from_json, parse_text, resolve_frames, to_json, to_text


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


def idle_pair():
    circuit = QuantumCircuit(7, 2)
    circuit.sx([0, 1])
    circuit.delay(8000, [0, 1])
    circuit.sx([0, 1])
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_decoupling_is_asked_for_by_name(device):
    plain = compile(idle_pair(), device).programs[0]
    found = diff(plain, compile(idle_pair(), device, dd="X2", verify=True).programs[0])
    assert (
        sorted((d.kind, "delay" in d.text) for d in found.rows)
        == [("only in a", True)] * 2 + [("only in b", False)] * 4
    )
    with pytest.raises(CompilerError, match="dd"):
        compile(idle_pair(), device, dd="Z2")


def test_a_trace_says_what_each_pass_changed_and_took(device):
    trace = []
    program = compile(idle_pair(), device, dd="XY4", trace=trace).programs[0]
    by_name = {entry.name: entry for entry in trace}
    assert by_name["Lower"].rows_before == 0
    assert by_name["Decouple"].rows_after - by_name["Decouple"].rows_before == 8 - 2  # two delays go
    assert by_name["Decouple"].rows_after == len(program.events)
    assert "programs" in by_name["Lower"].changed and by_name["AlignStarts"].changed == ()
    assert all(entry.seconds >= 0 for entry in trace)


def test_verification_between_passes_is_on_demand(device):
    circuit = QuantumCircuit(1, 1)
    circuit.delay(100, 0)
    circuit.measure(0, 0)
    compile(circuit, device, align="off")
    with pytest.raises(ProgramError, match="grid of 16") as caught:
        compile(circuit, device, align="off", verify=True)
    assert caught.value.code == 8036


def starts(program, qubits):
    e = program.events
    rows = [r for r in program.rows(Op.PLAY) if program.sources[int(e.source[r])].qubits == qubits]
    return min(int(e.t0[r]) for r in rows), max(int(e.t0[r] + e.duration[r]) for r in rows)


def test_constraints_and_crosstalk_reach_the_sequencer(device):
    circuit = QuantumCircuit(7)
    circuit.cx(0, 1)
    circuit.cx(3, 5)
    apart = compile(circuit, device).programs[0]
    first, second = starts(apart, (0, 1)), starts(apart, (3, 5))
    assert first[0] < second[1] and second[0] < first[1]
    graph = nx.Graph([((0, 1), (5, 3))])
    for options in ({"constraints": [NotOverlapping((0, 1))]}, {"crosstalk": True}, {"crosstalk": graph}):
        program = compile(circuit, device, **options).programs[0]
        first, second = starts(program, (0, 1)), starts(program, (3, 5))
        assert first[1] <= second[0] or second[1] <= first[0]


def test_measure_esp_is_an_instruction_too(device):
    circuit = QuantumCircuit(1, 3)
    circuit.append(measure_esp(), [0], [2])
    circuit.x(0)
    program = compile(circuit, device, use_measure_esp=False).programs[0]
    (row,) = program.rows(Op.ACQUIRE)
    assert program.acquires[program.events.ref[row]].esp
    assert program.events.slot[row] == 2
    assert Op.SHIFT_FREQUENCY in program.events.op


def test_optimizing_leaves_fewer_rows_and_the_same_signals(device):
    circuit = QuantumCircuit(2, 2)
    for _ in range(3):
        circuit.rz(0.5, 0)
        circuit.rz(0.25, 0)
        circuit.sx(0)
        circuit.delay(160, 1)
        circuit.delay(160, 1)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    plain, optimized = compile(circuit, device), compile(circuit, device, optimize=True, verify=True)
    assert len(optimized.programs[0].events) < 0.8 * len(plain.programs[0].events)
    dt = device.timing.dt
    before, after = (resolve_frames(b.programs[0], b.los, dt) for b in (plain, optimized))
    for channel, plays in before.items():
        if plays.t0.size:
            np.testing.assert_array_equal(after[channel].t0, plays.t0)
            np.testing.assert_allclose(after[channel].scale, plays.scale, atol=1e-12)
            np.testing.assert_allclose(after[channel].freq, plays.freq, atol=1e-3)


def test_every_pulse_answers_where_it_came_from(device):
    circuit = QuantumCircuit(2, 2, name="asked")
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    program = compile(circuit, device, dd="X2").programs[0]
    origins = [program.origin(r) for r in program.rows(Op.PLAY, Op.ACQUIRE)]
    assert {o.program for o in origins} == {"asked"}
    named = {(o.source.index, o.source.name, o.source.qubits) for o in origins}
    assert named == {(0, "sx", (0,)), (1, "cx", (0, 1)), (2, "measure", (0,)), (3, "measure", (1,))}
    assert all(o.calibration.startswith(o.source.name) for o in origins)
    assert parse_text('program "p" duration=0 slots=0\nd0@0: set_phase 0.0').origin(0) == ("p", None, None)


def measure_esp():
    from qiskit.circuit import Instruction

    return Instruction("measure_esp", 1, 1, [])


def by_channel(program):
    """What every channel does, in order, numbers to 9 digits."""
    out = {}
    for e in program.events:
        what = program.pulses[e.ref] if e.op == Op.PLAY else program.acquires[e.ref] if e.op == Op.ACQUIRE else None
        row = (e.t0, e.duration, e.op, round(e.value, 9), round(e.angle, 9), e.slot, what)
        out.setdefault(program.channels[e.channel], []).append(row)
    return out


@pytest.mark.parametrize("seed", range(6))
def test_without_anything_to_add_device_mode_is_what_terra_mode_gives(device, seed):
    """Aligned circuits that end in their measures: the same rows, by way of qiskit Schedules."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(7, 7)
    for _ in range(40):
        kind = rng.choice(["sx", "rz", "x", "cx", "barrier", "delay"])
        q = int(rng.integers(7))
        pair = device.coupling_map[int(rng.integers(len(device.coupling_map)))]
        arguments = {
            "sx": (q,),
            "rz": (round(float(rng.normal()), 6), q),
            "x": (q,),
            "cx": pair,
            "barrier": pair,
            "delay": (16 * int(rng.integers(1, 100)), q),
        }
        getattr(circuit, kind)(*arguments[kind])
    circuit.measure(range(7), range(7))
    backend = Backend(device)
    for method in ("alap", "asap"):
        terra = read_schedules([schedule(circuit, backend, method=method)])[0]
        own = compile(circuit, device, use_measure_esp=False, method=method).programs[0]
        assert terra.duration == own.duration
        assert by_channel(terra) == by_channel(own)  # up to terra's rounding of bound parameters


@pytest.mark.parametrize("seed", range(6))
def test_random_circuits_with_every_option_are_verified_after_every_pass(device, seed):
    rng = np.random.default_rng(100 + seed)
    circuit = QuantumCircuit(7, 60)
    for k in range(60):
        q = int(rng.integers(7))
        kind = rng.choice(["sx", "rz", "x", "cx", "barrier", "delay", "measure", "reset", "rx"])
        pair = device.coupling_map[int(rng.integers(len(device.coupling_map)))]
        arguments = {
            "sx": (q,),
            "rz": (float(rng.normal()), q),
            "x": (q,),
            "cx": pair,
            "barrier": pair,
            "delay": (int(rng.integers(1, 3000)), q),
            "measure": (q, k),
            "reset": (q,),
            "rx": (0.3, q),
        }
        getattr(circuit, kind)(*arguments[kind])
    for method in ("alap", "asap"):
        dd = str(rng.choice(["X2", "XY4", "XY8", "UDD6"]))
        batch = compile(circuit, device, method=method, dd=dd, crosstalk=True, verify=True)
        program = batch.programs[0]
        assert parse_text(to_text(program)).same_as(program)
        assert from_json(to_json(program)).same_as(program)


def test_headers_speak_of_their_own_circuit(device):
    other = QuantumCircuit(7, 1)
    other.rzx(0.4, 0, 1)
    other.measure(2, 0)
    batch = compile([idle_pair(), other, idle_pair()], device, dd="X2")
    built = "rzx on qubits [0, 1]: built from the device's pulses."
    said = [header["compiler"] for header in batch.headers]
    assert [built in texts for texts in said] == [False, True, False]
    assert [sum("idle windows" in t for t in texts) for texts in said] == [1, 1, 1]
    assert [sorted(header["esp"]) for header in batch.headers] == [["0", "1"], ["2"], ["0", "1"]]
    batch.headers[0]["esp"]["0"]["added_samples"] = -1
    assert batch.headers[2]["esp"]["0"]["added_samples"] > 0
