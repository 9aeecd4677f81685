"""A Qobj compiles to what it was assembled from."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, assemble
from qiskit.providers.fake_provider import FakeOpenPulse2Q
from qiskit.pulse import Acquire, AcquireChannel, Constant, Drag, DriveChannel, MemorySlot, Play, Schedule, ShiftPhase

from pulsekit.backend.frontend import compile
from pulsekit.device import Device, Resonator, Transmon
from pulsekit.errors import CompilerError
from pulsekit.interop.qobj import read_qobj
from pulsekit.program import diff


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


def schedules():
    one = Schedule(
        (0, ShiftPhase(0.5, DriveChannel(0))),
        (0, Play(Drag(160, 0.2, 40, 1.5), DriveChannel(0))),
        (160, Play(Constant(320, 0.1), DriveChannel(0))),
        (480, Acquire(320, AcquireChannel(0), MemorySlot(0))),
        name="one",
        metadata={"k": 1},
    )
    return [one, Schedule((0, Acquire(320, AcquireChannel(0), MemorySlot(1))), name="two")]


def assembled(items, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return assemble(items, FakeOpenPulse2Q(), **options)


def test_pulse_qobj():
    qobj = assembled(
        schedules(),
        qubit_lo_freq=[5.1e9, 5.2e9],
        meas_lo_freq=[6.5e9, 6.6e9],
        schedule_los=[{DriveChannel(0): 5.0e9}, {DriveChannel(0): 4.9e9}],
        parametric_pulses=["drag", "constant"],
    )
    contents = read_qobj(qobj)
    assert [s.name for s in contents.experiments] == ["one", "two"]
    assert contents.experiments[0].metadata == {"k": 1}
    np.testing.assert_allclose(contents.los["qubit_lo_freq"], [5.1e9, 5.2e9])
    two = Device(
        "two",
        (Transmon(5e9), Transmon(5.1e9)),
        resonators=(Resonator(6.5e9), Resonator(6.6e9)),
        meas_map=((0, 1),),
    )
    batch, direct = compile(qobj, two), compile(schedules(), two)
    assert batch.los.drive[:, 0].tolist() == pytest.approx([5.0e9, 4.9e9])
    assert batch.los.drive[:, 1].tolist() == pytest.approx([5.2e9] * 2)
    for a, b in zip(batch.programs, direct.programs):
        assert str(diff(a, b)) == "no difference"
    assert batch.headers[0]["metadata"] == {"k": 1}


def test_qasm_qobj(device):
    circuit = QuantumCircuit(2, 2, name="c", metadata={"n": 2})
    circuit.sx(0)
    circuit.rz(0.25, 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    los = [{DriveChannel(0): 5.0e9}]
    qobj = assembled(circuit)
    batch, direct = compile(qobj, device), compile(circuit, device)
    assert str(diff(batch.programs[0], direct.programs[0])) == "no difference"
    header = dict(batch.headers[0])
    assert header["metadata"] == {"n": 2} and header["creg_sizes"] == [["c", 2]] and header["name"] == "c"
    assert compile(qobj, device, schedule_los=los).los.drive[0, 0] == 5.0e9


def test_what_is_no_qobj():
    with pytest.raises(CompilerError, match="qobj"):
        read_qobj("qobj")
