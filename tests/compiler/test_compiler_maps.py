"""A user's InstructionScheduleMap goes before the device's calibrations."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.pulse import DriveChannel, Gaussian, GaussianSquare, InstructionScheduleMap, Play, Schedule, ShiftPhase

from pulsekit.backend.frontend import compile
from pulsekit.device import Device
from pulsekit.errors import CompilerError
from pulsekit.program import Op

D0 = DriveChannel(0)


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


def tone(amp, length):
    return Schedule((0, ShiftPhase(amp, D0)), (0, Play(GaussianSquare(int(length), amp, 16, width=64), D0)))


def the_map():
    """Entries of four kinds: fixed, affine, of any shape, a function."""
    amp, sigma = Parameter("amp"), Parameter("sigma")
    out = InstructionScheduleMap()
    out.add("x", (0,), Schedule((0, Play(Gaussian(320, 0.2, 80), D0))))
    out.add("rabi", (0,), Schedule((0, Play(Gaussian(160, amp, 40), D0))), ["amp"])
    out.add("wide", (0,), Schedule((0, Play(Gaussian(160, amp, sigma), D0))), ["amp", "sigma"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out.add("tone", (0,), tone)
    return out


def circuit_of(*gates):
    circuit = QuantumCircuit(1, 1, name="c")
    for name, *params in gates:
        circuit.append(Gate(name, 1, params), [0])
    return circuit


def played(program):
    rows = program.rows(Op.PLAY)
    return [(program.events.t0[r], program.pulses[program.events.ref[r]], program.events.value[r]) for r in rows]


def test_every_kind_of_entry_serves(device):
    gates = [("x",), ("rabi", 0.25), ("wide", 0.5, 20.0), ("wide", 0.5, 30.0), ("wide", 0.5, 20.0), ("tone", 0.3, 160)]
    program = compile(circuit_of(*gates), device, inst_map=the_map(), method="asap", verify=True).programs[0]
    found = played(program)
    assert [t for t, _, _ in found] == [0, 320, 480, 640, 800, 960]
    np.testing.assert_allclose([v for _, _, v in found], [0.2, 0.25, 0.5, 0.5, 0.5, 0.3])
    assert [dict(p.params)["sigma"] for _, p, _ in found] == [80, 40, 20, 30, 20, 16]
    assert program.origin(program.rows(Op.PLAY)[2]).calibration == "map:wide:[0]"
    (phase,) = program.rows(Op.SHIFT_PHASE)
    assert program.events.value[phase] == 0.3


def test_numbers_may_come_from_binds(device):
    a, s, n = Parameter("a"), Parameter("s"), Parameter("n")
    circuit = circuit_of(("wide", 0.5 * a, s), ("tone", a, n))
    binds = [{a: 0.1, s: 20.0, n: 160}, {a: 0.2, s: 30.0, n: 320}]
    batch = compile(circuit, device, inst_map=the_map(), parameter_binds=binds)
    for k, point in enumerate(binds):
        expected = compile(circuit.assign_parameters(point), device, inst_map=the_map()).programs[0]
        assert batch.programs[batch.program_of[k]].same_as(expected)
    assert [p.duration for p in batch.programs] == [320, 480]
    with pytest.raises(CompilerError, match=r"instruction 0 \('wide' on qubits \[0\]\).*one is not bound"):
        compile(circuit, device, inst_map=the_map())


def test_amplitudes_that_gates_ask_for_are_judged(device):
    for gate in (("rabi", 1.5), ("wide", 1.5, 20.0)):
        with pytest.raises(Exception, match="amplitude") as caught:
            compile(circuit_of(gate), device, inst_map=the_map())
        assert getattr(caught.value, "code", 8041) == 8041


def test_the_number_of_parameters_must_agree(device):
    for gate in (("rabi", 0.1, 0.2), ("wide", 0.5)):
        with pytest.raises(CompilerError, match="parameters of its calibration"):
            compile(circuit_of(gate), device, inst_map=the_map())


def test_the_map_is_only_read(device):
    inst_map = the_map()
    before = {name: inst_map._get_calibration_entry(name, (0,))._definition for name in ("x", "rabi", "wide")}
    kept = {name: (s.instructions, dict(s.metadata)) for name, s in before.items()}
    compile(circuit_of(("x",), ("rabi", 0.25), ("wide", 0.5, 20.0)), device, inst_map=inst_map)
    for name, schedule in before.items():
        assert inst_map._get_calibration_entry(name, (0,))._definition is schedule
        assert (schedule.instructions, dict(schedule.metadata)) == kept[name]
