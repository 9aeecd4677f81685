"""pulsekit.schedule gives what terra's schedule gives."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import qiskit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter
from qiskit.providers import fake_provider as fake
from qiskit.providers.models import PulseDefaults
from qiskit.pulse import AcquireChannel, ControlChannel, DriveChannel, MemorySlot, Schedule, ShiftPhase
from qiskit.pulse.instructions import Acquire

from pulsekit.backend.frontend import schedule
from pulsekit.device import Device
from pulsekit.testing.schedules import same_schedules

SNAPSHOTS = ("ibmq_manila", "ibm_perth", "ibmq_guadalupe", "ibmq_montreal", "ibmq_brooklyn", "ibm_washington")


class Machine:
    """A snapshot as terra sees it."""

    def __init__(self, name):
        device = Device.from_snapshot(name)
        self.n = device.n_qubits
        self.dt = device.timing.dt
        self.meas_map = [list(g) for g in device.meas_map]
        self.inst_map = PulseDefaults.from_dict(dict(device.vendor["defaults"])).instruction_schedule_map
        names = [g for g in ("rz", "sx", "x", "id", "u1", "u2", "u3") if self.inst_map.has(g, 0)]
        self.single = [(g, len(self.inst_map.get_parameters(g, 0))) for g in names]
        self.pairs = list(self.inst_map.qubits_with_instruction("cx"))

    def both(self, circuits, method):
        """Return terra's and our schedules."""
        arguments = {"inst_map": self.inst_map, "meas_map": copy.deepcopy(self.meas_map), "dt": self.dt}
        return (
            qiskit.schedule(circuits, method=method, **arguments),
            schedule(circuits, method=method, **arguments),
        )

    def circuit(self, rng, gates, *, width=None):
        """Return a random circuit of calibrated gates, delays, barriers and measures."""
        width = min(width or self.n, self.n)
        circuit = QuantumCircuit(self.n, self.n, name=f"c{rng.integers(1000)}", metadata={"k": int(rng.integers(9))})
        pairs = [p for p in self.pairs if max(p) < width]
        for _ in range(gates):
            kind = rng.choice(["one", "two", "delay", "barrier", "measure"], p=[0.5, 0.25, 0.1, 0.05, 0.1])
            q = int(rng.integers(width))
            if kind == "two" and pairs:
                circuit.cx(*pairs[rng.integers(len(pairs))])
            elif kind == "delay":
                circuit.delay(int(rng.integers(0, 500)), q) if rng.random() < 0.5 else circuit.delay(0.1, q, unit="us")
            elif kind == "barrier":
                circuit.barrier(*sorted({q, int(rng.integers(width))}))
            elif kind == "measure":
                circuit.measure(q, q)
            else:
                name, count = self.single[rng.integers(len(self.single))]
                params = [float(rng.choice([0.0, np.pi / 2, rng.uniform(-4, 4)])) for _ in range(count)]
                circuit.append(Gate(name, 1, params), [q])
        return circuit


@pytest.fixture(scope="module")
def machines():
    made = {}
    return lambda name: made[name] if name in made else made.setdefault(name, Machine(name))


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize("method", ["alap", "asap"])
def test_random_circuits_on_snapshots(machines, name, method):
    machine = machines(name)
    rng = np.random.default_rng(sum(map(ord, name + method)))
    circuits = [machine.circuit(rng, 30, width=12) for _ in range(2)] + [machine.circuit(rng, 40)]
    theirs, ours = machine.both(circuits, method)
    for a, b in zip(theirs, ours):
        same_schedules(a, b)


@given(seed=st.integers(0, 2**32 - 1), gates=st.integers(0, 25), method=st.sampled_from(["alap", "asap", None]))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_circuit(machines, seed, gates, method):
    machine = machines("ibm_perth")
    circuit = machine.circuit(np.random.default_rng(seed), gates)
    theirs, ours = machine.both(circuit, method)
    same_schedules(theirs, ours)


@pytest.mark.parametrize("backend", [fake.FakePerth, fake.FakeAthens, fake.FakeBoeblingen, fake.FakeArmonk])
@pytest.mark.parametrize("method", ["alap", "asap"])
def test_foreign_backends(backend, method):
    backend = backend()
    circuit = QuantumCircuit(1, 1, name="foreign")
    circuit.x(0)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit = qiskit.transpile(circuit, backend, optimization_level=0)
    circuit.measure(0, 0)
    same_schedules(qiskit.schedule(circuit, backend, method=method), schedule(circuit, backend, method=method))


def test_a_map_with_user_functions_and_blocks():
    machine = Machine("ibm_perth")

    def two(theta, phi):
        with pulse.build(name="two") as block:
            pulse.shift_phase(theta, DriveChannel(0))
            pulse.play(pulse.Constant(int(100 * phi), 0.1), DriveChannel(0))
        return block

    amp = Parameter("amp")
    with pulse.build(name="rx") as rabi, pulse.align_right():
        pulse.play(pulse.Drag(160, amp, 40, 0.3), DriveChannel(1))
        pulse.play(pulse.Constant(64, 0.1), DriveChannel(2))
    machine.inst_map.add("two", (0,), two)
    machine.inst_map.add("rabi", (1,), rabi, ["amp"])
    circuit = QuantumCircuit(7)
    circuit.append(Gate("two", 1, [0.25, 3]), [0])
    circuit.append(Gate("two", 1, [0.25, 4]), [0])
    circuit.append(Gate("rabi", 1, [0.2]), [1])
    circuit.append(Gate("rabi", 1, [Parameter("a")]), [1])
    theirs, ours = machine.both(circuit, "alap")
    same_schedules(theirs, ours)


def pulse_gates():
    theta, amp = Parameter("theta"), Parameter("amp")
    circuit = QuantumCircuit(3, 3, name="pulses")
    circuit.append(Gate("mine", 1, [amp]), [0])
    circuit.append(Gate("fixed", 2, []), [1, 0])
    circuit.rz(theta, 0)
    circuit.rz(2 * theta + 1, 1)
    circuit.sx(1)
    circuit.measure([0, 1], [2, 1])
    with pulse.build(name="mine") as mine:
        pulse.play(pulse.Gaussian(160, amp, 40), DriveChannel(0))
    circuit.add_calibration("mine", [0], mine, [amp])
    body = Schedule(
        (0, pulse.Play(pulse.Constant(100, 0.3), DriveChannel(1))), (30, ShiftPhase(0.1, ControlChannel(0)))
    )
    circuit.add_calibration("fixed", [1, 0], body)
    readout = Schedule((0, pulse.Play(pulse.Constant(1000, 0.3), pulse.MeasureChannel(0))))
    readout += Acquire(900, AcquireChannel(0), MemorySlot(2))
    circuit.add_calibration("measure", [0], readout)
    return circuit, (theta, amp)


@pytest.mark.parametrize("method", ["alap", "asap"])
def test_pulse_gates_and_unbound_parameters(machines, method):
    machine = machines("ibm_perth")
    circuit, (theta, amp) = pulse_gates()
    theirs, ours = machine.both(circuit, method)
    same_schedules(theirs, ours)
    assert ours.parameters == {theta, amp}
    values = {theta: 0.123456789012345, amp: 0.25}
    same_schedules(theirs.assign_parameters(values, inplace=False), ours.assign_parameters(values, inplace=False))
    same_schedules(*machine.both(circuit.assign_parameters(values), method))


def test_schedules_that_share_instructions_are_assigned_apart(machines):
    machine = machines("ibm_perth")
    circuit, (theta, amp) = pulse_gates()
    _, (first, second) = machine.both([circuit, circuit], "alap")
    first.assign_parameters({theta: 1.0, amp: 0.1}, inplace=True)
    assert second.parameters == {theta, amp}
    assert {p.name for p in circuit.parameters} == {"theta", "amp"}


def test_nothing_of_the_user_changes(machines):
    machine = machines("ibm_perth")
    circuit, _ = pulse_gates()
    circuit.delay(1.0, 0, unit="us")
    before = circuit.copy()
    own = circuit.calibrations["fixed"][((1, 0), ())]
    children, known = list(own.children), machine.inst_map.get("sx", 0)
    stored = (known.duration, known.instructions)
    out = machine.both(circuit, "alap")[1]
    out.insert(10**6, ShiftPhase(0.1, DriveChannel(0)), inplace=True)
    assert circuit == before and [i.operation.unit for i in circuit.data][-1] == "us"
    assert list(own.children) == children
    assert (known.duration, known.instructions) == stored
    again = machine.both(circuit, "alap")
    same_schedules(*again)


def test_a_map_that_changes_is_read_again(machines):
    machine = Machine("ibm_perth")
    circuit = QuantumCircuit(7)
    circuit.x(0)
    machine.both(circuit, "alap")
    machine.inst_map.add("x", (0,), Schedule((0, pulse.Play(pulse.Constant(64, 0.1), DriveChannel(0)))))
    same_schedules(*machine.both(circuit, "alap"))
    machine.inst_map.get("x", 0).insert(64, ShiftPhase(0.5, DriveChannel(0)), inplace=True)
    same_schedules(*machine.both(circuit, "alap"))


def mutated(schedule_, change):
    """Return a copy of a schedule with one thing wrong."""
    out = Schedule(name=schedule_.name, metadata=schedule_.metadata)
    for t0, instruction in schedule_.instructions:
        for t, i in change(t0, instruction):
            out.insert(t, i, inplace=True)
    return out


def swap_slots(t0, instruction):
    if not isinstance(instruction, Acquire):
        return [(t0, instruction)]
    slot = MemorySlot(1 - instruction.mem_slot.index)
    return [(t0, Acquire(instruction.duration, instruction.channel, slot))]


def drop_control_phase(t0, instruction):
    lost = isinstance(instruction, ShiftPhase) and isinstance(instruction.channel, ControlChannel)
    return [] if lost else [(t0, instruction)]


MUTANTS = {
    "empty": lambda t0, i: [],
    "shifted by 1 dt": lambda t0, i: [(t0 + 1, i)],
    "swapped slots": swap_slots,
    "missing control phase": drop_control_phase,
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_comparison_sees_mutations(machines, mutant):
    machine = machines("ibm_perth")
    circuit = QuantumCircuit(7, 2, name="m")
    circuit.rz(0.3, 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    good = machine.both(circuit, "alap")[0]
    same_schedules(good, mutated(good, lambda t0, i: [(t0, i)]))
    with pytest.raises(AssertionError):
        same_schedules(good, mutated(good, MUTANTS[mutant]))


def test_name_metadata_and_duration_are_compared():
    good = Schedule((0, pulse.Delay(10, DriveChannel(0))), name="a", metadata={"x": 1})
    with pytest.raises(AssertionError):
        same_schedules(good, Schedule((0, pulse.Delay(10, DriveChannel(0))), name="b", metadata={"x": 1}))
    with pytest.raises(AssertionError):
        same_schedules(good, Schedule((0, pulse.Delay(10, DriveChannel(0))), name="a"))
