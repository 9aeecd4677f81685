"""Table 1.6 of the contract: every code that can occur, raised by run() before a job exists."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, assemble, pulse
from qiskit.circuit import Gate
from qiskit.exceptions import QiskitError
from qiskit.pulse import (
    Acquire,
    AcquireChannel,
    Constant,
    Delay,
    DriveChannel,
    MeasureChannel,
    MemorySlot,
    Play,
    Schedule,
)
from qiskit.qobj import PulseQobj

import pulsekit
from pulsekit.backend import Backend

D0, D1, A0, A1, M0 = DriveChannel(0), DriveChannel(1), AcquireChannel(0), AcquireChannel(1), MeasureChannel(0)
TONE = Play(Constant(1600, 0.1), M0)


def made(*instructions):
    return Schedule(*instructions, name="s")


def read(t0=0, channel=A0, slot=0, duration=1600):
    return (t0, Acquire(duration, channel, MemorySlot(slot)))


def gate(duration):
    qc = QuantumCircuit(1, 1)
    qc.append(Gate("mine", 1, []), [0])
    qc.add_calibration("mine", [0], made((0, Play(Constant(duration, 0.1), D0))))
    qc.measure(0, 0)
    return qc


def circuit(*names, clbits=2):
    """Return gates on qubit 0; each measure has a clbit of its own."""
    qc, free = QuantumCircuit(1, clbits), iter(range(clbits))
    for name in names:
        qc.measure(0, next(free)) if name == "measure" else getattr(qc, name)(0)
    return qc


def conditional():
    qc = measured()
    qc.x(0).c_if(0, 1)
    return qc


def from_qobj(change):
    def build(backend):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            qobj = assemble(made((0, Play(pulse.Gaussian(160, 0.1, 40), D0)), read(160)), backend=backend, shots=9)
        data = copy.deepcopy(qobj.to_dict())
        change(data["experiments"][0]["instructions"])
        return PulseQobj.from_dict(data)

    return build


def renamed(instructions):
    instructions[0]["name"] = "unheard_of"


def reshaped(instructions):
    instructions[0]["pulse_shape"] = "unheard_of"


def slotless(instructions):
    instructions[-1]["memory_slot"] = []


def conditioned(instructions):
    instructions[0]["conditional"] = 1


def moved(instructions):
    for instruction in instructions:
        instruction["t0"] += 3


SLOTLESS = (0, Acquire(1600, A0, reg_slot=pulse.RegisterSlot(0)))
LOUD = pulse.Waveform(np.full(160, 1.5), limit_amplitude=False)
LONG = 10**8  # samples, 22 ms
CASES = [
    ("1102 too many experiments", "pair", [measured()] * 301, {"limits": "device"}, 1102),
    ("1103 too many shots", "pair", measured(), {"shots": 10**6, "limits": "device"}, 1103),
    ("1104 no memory", "plain", measured(), {"memory": True}, 1104),
    ("1109 too many qubits", "pair", QuantumCircuit(3), {}, None),  # an unused qubit is no error
    ("1109 a qubit too far", "pair", [measured(), (lambda q: q.x(2) and q)(QuantumCircuit(3))], {}, 1109),
    ("6001 no shots", "pair", measured(), {"shots": 0}, 6001),
    ("7000 not in the basis", "pair", circuit("h"), {}, 7000),
    ("7003 a slot filled twice at once", "pair", "two into one", {}, 7003),
    ("7004 measured twice", "plain", circuit("measure", "measure"), {}, 7004),
    ("7004 where it may", "pair", circuit("measure", "measure"), {}, None),
    ("7006 something after a measure", "plain", circuit("measure", "x"), {}, 7006),
    ("7006 where it may", "pair", circuit("measure", "x"), {}, None),
    ("8000 LO out of range", "pair", measured(), {"schedule_los": {D1: 1e9}}, 8000),
    ("8000 SetFrequency out of range", "pair",
     made((0, pulse.SetFrequency(9e9, D0)), (0, Play(Constant(160, 0.1), D0))), {}, 8000),
    ("8001 an acquire without a slot", "pair", made(SLOTLESS), {}, 8001),
    ("8001 in a Qobj", "pair", from_qobj(slotless), {}, 8001),
    ("8001 fewer slots than used", "pair", made(read(slot=4)), {"memory_slots": 2}, 8001),
    ("8004 no such channel", "pair", made((0, Play(Constant(160, 0.1), DriveChannel(7)))), {}, 8004),
    ("8009 no such level", "pair", measured(), {"meas_level": 3}, 8009),
    ("8011 not an instruction", "pair", made((0, pulse.Snapshot("s", "state"))), {}, 8011),
    ("8011 unknown parametric pulse", "pair", made(read()), {"parametric_pulses": ["sech"]}, 8011),
    ("8011 parametric_pulses a str", "pair", made(read()), {"parametric_pulses": "drag"}, 8011),
    ("8011 a known parametric pulse", "pair", made(read()), {"parametric_pulses": ["drag"]}, None),
    ("8011 unknown pulse in a Qobj", "pair", from_qobj(renamed), {}, 8011),
    ("8011 unknown shape in a Qobj", "pair", from_qobj(reshaped), {}, 8011),
    ("8013 a condition", "pair", conditional(), {}, 8013),
    ("8013 a condition in a Qobj", "pair", from_qobj(conditioned), {}, 8013),
    ("8016 too short", "pair", made((0, Play(Constant(16, 0.1), D0))), {}, 8016),
    ("8016 too short in a pulse gate", "pair", gate(48), {}, 8016),
    ("8017 not a multiple", "pair", made((0, Play(Constant(100, 0.1), D0)), read(112)), {}, 8017),
    ("8017 one sample", "pair", made((0, Play(pulse.Waveform([0.1]), D0))), {}, 8017),
    ("8017 in a pulse gate", "pair", gate(100), {}, 8017),
    ("8020 longer than rep_time", "fixed_rate", made((0, Delay(LONG, D0)), read(LONG)), {}, 8020),
    ("8020 with dynamic repetition", "pair", made((0, Delay(LONG, D0)), read(LONG)), {"noise": False}, None),
    ("8021 acquires of unequal length", "pair", made(read(), read(channel=A1, slot=1, duration=3200)), {}, 8021),
    ("8022 too long", "pair", made((0, Play(Constant(LONG, 0.1), D0))), {}, 8022),
    ("8022 an acquire too long", "pair", made(read(duration=LONG)), {}, 8022),
    ("8024 a second acquire on a channel", "pair", made(read(), read(3200, slot=1)), {}, 8024),
    ("8024 into the same slot", "pair", made(read(), read(3200)), {}, 8024),
    ("8024 on two channels", "pair", made(read(), read(0, A1, 1)), {}, None),
    ("8029 no such rep_time", "fixed_rate", measured(), {"rep_time": 7e-4}, 8029),
    ("8030 rep_delay out of range", "pair", measured(), {"rep_delay": 1e-3}, 8030),
    ("8035 overlap", "pair", "overlap", {}, 8035),
    ("8036 off the grid", "pair", made((0, TONE), read(8)), {}, 8036),
    ("8036 all off by as much", "pair", made((7, TONE), read(7)), {}, 8036),
    ("8036 in a Qobj", "pair", from_qobj(moved), {}, 8036),
    ("8036 a group that does not start together", "pair", made(read(), read(160, A1, 1)), {}, 8036),
    ("8037 no ESP", "pair", measured(), {"use_measure_esp": True}, 8037),
    ("8041 an amplitude above 1", "pair", made((0, Play(LOUD, D0)), read(160)), {}, 8041),
    ("8042 a phase that is no number", "pair", made((0, pulse.ShiftPhase(float("nan"), D0)), read()), {}, 8042),
    ("an empty schedule", "pair", Schedule(name="empty"), {}, None),
    ("an empty circuit", "pair", QuantumCircuit(1), {}, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def plain(transmon):
    """A backend that has neither memory nor mid-circuit measurement."""
    vendor = {**transmon.vendor, "configuration": {"memory": False, "multi_meas_enabled": False}}
    return Backend(transmon.replace(vendor=vendor, name="plain"), "memory", shots=20)


@pytest.fixture(scope="module")
def backends(pair_device, transmon, plain):
    limits = replace(transmon.limits, rep_delay_range=None, default_rep_delay=None, rep_times=(1e-3, 5e-4))
    return {
        "pair": Backend(pair_device, "memory", shots=20),
        "plain": plain,
        "fixed_rate": Backend(transmon.replace(limits=limits, name="fixed"), "memory", shots=20),
    }


def unchecked(which, backend):
    """Return what qiskit itself refuses to write down, as a batch."""
    batch = pulsekit.compile(made((0, Play(Constant(160, 0.1), D0)), read(160), read(160, A1, 1)), backend)
    program = batch.programs[0]
    e = program.events
    column = "channel" if which == "overlap" else "slot"
    values = getattr(e, column)
    events = e.replace(**{column: np.where(e.slot == 1, values[e.slot == 0][0], values)})
    return replace(batch, programs=(program.replace(events=events),))


@pytest.mark.parametrize("name, which, what, keywords, code", CASES, ids=[c[0] for c in CASES])
def test_1_6(backends, name, which, what, keywords, code):
    backend = backends[which]
    if isinstance(what, str):
        what = unchecked(what, backend)
    elif callable(what):
        what = what(backend)
    before = len(backend.jobs(limit=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if code is None:
            assert backend.run(what, **keywords).result().success
            return
        with pytest.raises(QiskitError) as caught:
            backend.run(what, **keywords)
    assert caught.value.code == code and str(caught.value).endswith(f"Error code: {code}.")
    assert len(backend.jobs(limit=0)) == before


def test_what_is_refused_in_a_schedule_runs_when_compiled(backends):
    """compile() mends lengths and grids if asked, and takes a second acquire."""
    pair = backends["pair"]
    short = made((0, Play(Constant(100, 0.1), D0)), read(119))
    twice = made(read(), read(3200, slot=1))
    with pytest.warns(pulsekit.errors.PulsekitWarning, match="padded"):
        batch = pulsekit.compile(short, pair, align="pad")
    assert pair.run(batch).result().success
    counts = pair.run(pulsekit.compile(twice, pair), shots=200).result().get_counts()
    assert all(len(bits) == 2 for bits in counts) and sum(counts.values()) == 200


def test_gates_move_onto_the_grid_and_the_header_says_so(backends):
    qc = QuantumCircuit(1, 1)
    qc.delay(100, 0)
    qc.measure(0, 0)
    header = backends["pair"].run(qc).result().results[0].header
    assert header.moved["from"][-1] == 100 and header.moved["to"][-1] == 112
