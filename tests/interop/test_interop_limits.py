"""A pulse may be stronger than 1 where its own ``limit_amplitude`` says so."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate
from qiskit.pulse import Acquire, AcquireChannel, DriveChannel, MemorySlot, Play, Schedule, library

import pulsekit
from pulsekit.device import Device
from pulsekit.errors import PulsekitError

D0 = DriveChannel(0)
STRONG = {
    "constant": lambda **limit: pulse.Constant(160, 1.5, **limit),
    "drag": lambda **limit: pulse.Drag(160, 1.5, 40, 0.5, **limit),
    "waveform": lambda **limit: pulse.Waveform(np.full(160, 1.5), **limit),
}


def uses(shape):
    """Return a schedule, a block and a circuit that play a pulse."""
    schedule = Schedule(Play(shape, D0), name="bare")
    with pulse.build(name="block") as block:
        pulse.play(shape, D0)
    circuit = QuantumCircuit(1)
    circuit.append(Gate("strong", 1, []), [0])
    circuit.add_calibration("strong", [0], schedule)
    return [schedule, block, circuit]


@pytest.mark.parametrize("name", STRONG)
def test_the_instance_decides(name):
    device = Device.from_snapshot("ibm_perth")
    for item in uses(STRONG[name](limit_amplitude=False)):
        program = pulsekit.compile(item, device).programs[0]
        assert [p.limit_amplitude for p in program.pulses] == [False]
        assert program.pulses[0].peak * program.events.value[0] > 1.4


def test_equal_shapes_are_told_apart_by_their_limits():
    device = Device.from_snapshot("ibm_perth")
    both = Schedule(Play(pulse.Constant(160, 0.5), D0))
    both = both.insert(160, Play(pulse.Constant(160, 1.5, limit_amplitude=False), D0))
    program = pulsekit.compile(both, device).programs[0]
    assert [program.pulses[r].limit_amplitude for r in program.events.ref] == [True, False]


@pytest.mark.parametrize("name", STRONG)
def test_the_class_decides_when_a_pulse_is_made(name, monkeypatch):
    device = Device.from_snapshot("ibm_perth")
    with monkeypatch.context() as patch:
        patch.setattr(library.Pulse, "limit_amplitude", False)
        unlimited, limited = STRONG[name](), pulse.Constant(160, 0.5, limit_amplitude=True)
        (weak,) = pulsekit.compile(Schedule(Play(limited, D0)), device).programs[0].pulses
        assert weak.limit_amplitude
    for item in uses(unlimited):
        assert not pulsekit.compile(item, device).programs[0].pulses[0].limit_amplitude


def test_a_limited_pulse_is_still_refused():
    device = Device.from_snapshot("ibm_perth")
    strong = pulse.Gaussian(160, 0.9, 40, limit_amplitude=True)
    strong._params["amp"] = 1.5  # past terra's own check
    for item in uses(strong):
        with pytest.raises(PulsekitError, match="must not exceed 1, but it reaches") as caught:
            pulsekit.compile(item, device)
        assert caught.value.code == 8041


def test_a_device_plays_no_such_pulse():
    """run() is a device, whose samples end at 1; compile() and simulate() take what they are given."""
    backend = pulsekit.get_backend("ibm_perth", calibrations="vendor", store="memory")
    read = Acquire(1600, AcquireChannel(0), MemorySlot(0))
    for make in STRONG.values():
        schedule = Schedule(Play(make(limit_amplitude=False), D0)).insert(160, read)
        with pytest.raises(PulsekitError, match=r"d0@0\.\.160: the amplitude must not exceed 1") as caught:
            backend.run(schedule, shots=10)
        assert caught.value.code == 8041
        batch = pulsekit.compile(schedule, backend)
        with pytest.raises(PulsekitError, match="must not exceed 1"):
            backend.run(batch, shots=10)
    weak = Schedule(Play(pulse.Constant(160, 0.5, limit_amplitude=False), D0)).insert(160, read)
    job = backend.run(weak, shots=10)
    assert job.result().success
    assert job.circuits()[0].instructions[0][1].pulse._limit_amplitude is False
