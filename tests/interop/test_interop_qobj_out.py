"""PulseQobj out: equal to terra's assemble."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.compiler import assemble
from qiskit.providers.fake_provider import FakeAthens
from qiskit.pulse import AcquireChannel, DriveChannel, MeasureChannel, MemorySlot, Schedule

from pulsekit.backend.frontend import schedule
from pulsekit.errors import CompilerError
from pulsekit.interop.qobj_out import assemble_pulse_qobj


@pytest.fixture(scope="module")
def backend():
    return FakeAthens()


@pytest.fixture(scope="module")
def schedules(backend):
    circuit = QuantumCircuit(5, 3, name="c", metadata={"a": [1]})
    circuit.rz(0.25, 0)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.delay(64, 2)
    circuit.measure([0, 1], [2, 0])
    own = Schedule(name="own")
    own += pulse.Play(pulse.Waveform(np.linspace(0, 0.5, 32) * 1j, name="w"), DriveChannel(0))
    own += pulse.Play(pulse.Sech(64, 0.1, 16), DriveChannel(1))  # not among the device's shapes
    own += pulse.SetFrequency(5e9, DriveChannel(0)) + pulse.ShiftFrequency(-1e6, DriveChannel(1))
    own += pulse.SetPhase(0.5, MeasureChannel(0))
    own |= pulse.Delay(20, AcquireChannel(0))
    own |= pulse.Acquire(100, AcquireChannel(0), MemorySlot(1), kernel=pulse.Kernel("boxcar")) << 200
    own |= pulse.Acquire(100, AcquireChannel(1), MemorySlot(0), kernel=pulse.Kernel("boxcar")) << 200
    with pulse.build(name="block") as block, pulse.align_right():
        pulse.play(pulse.Constant(100, 0.1), DriveChannel(0))
        pulse.play(pulse.Constant(60, 0.1), DriveChannel(1))
    return [schedule(circuit, backend), own, block, pulse.Play(pulse.Gaussian(64, 0.1, 16), DriveChannel(2))]


OPTIONS = [
    {},
    {"shots": 7, "meas_level": 1, "meas_return": "single", "memory_slot_size": 50},
    {"schedule_los": [{DriveChannel(0): 5.1e9}]},
    {"qubit_lo_freq": [5e9] * 5, "parametric_pulses": ["constant"], "qobj_header": {"b": 2}},
]


def plain(item):
    """Return nested data with lists in place of arrays, so that == works."""
    if isinstance(item, dict):
        item = {**item, "name": "sched"} if str(item.get("name")).startswith("sched") else item  # a counter
        return {k: plain(v) for k, v in item.items()}
    if isinstance(item, (list, tuple)):
        return [plain(v) for v in item]
    return item.tolist() if isinstance(item, np.ndarray) else item


@pytest.mark.parametrize("options", OPTIONS)
def test_equal_to_terra(backend, schedules, options):
    expected = assemble(schedules, backend, qobj_id="x", **options).to_dict()
    assert plain(assemble_pulse_qobj(schedules, backend, qobj_id="x", **options).to_dict()) == plain(expected)


def test_one_schedule_can_be_swept(backend, schedules):
    los = {"schedule_los": [{DriveChannel(0): 5.1e9}, {DriveChannel(0): 5.2e9}]}
    expected = assemble(schedules[1], backend, qobj_id="x", **los).to_dict()
    assert plain(assemble_pulse_qobj(schedules[1], backend, qobj_id="x", **los).to_dict()) == plain(expected)
    with pytest.raises(CompilerError, match="1 or 4 entries"):
        assemble_pulse_qobj(schedules, backend, **los)


def test_instructions_are_apart(backend, schedules):
    qobj = assemble_pulse_qobj([schedules[0], schedules[0]], backend)
    first, second = qobj.experiments
    first.instructions[0].t0 = 10**6
    assert second.instructions[0].t0 != 10**6
