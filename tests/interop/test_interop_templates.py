"""Templates whose shapes and lengths depend on parameters are what qiskit makes of them, bound point by point."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter
from qiskit.pulse import AcquireChannel, ControlChannel, DriveChannel, MemorySlot, Schedule, ScheduleBlock
from qiskit.pulse.transforms import AlignEquispaced, AlignFunc, AlignLeft, AlignmentKind, AlignRight, AlignSequential

from pulsekit.backend.frontend import compile
from pulsekit.device import Device
from pulsekit.errors import CompilerError, ProgramError, PulsekitError
from pulsekit.interop import bodies, templates
from pulsekit.interop.blocks import place_block
from pulsekit.program import Op

D, A = Parameter("d"), Parameter("a")


DEVICE = Device.from_snapshot("ibm_perth")


@pytest.fixture(scope="module")
def device():
    return DEVICE


def circuit_of(block, qubits=(0, 1), parameters=(D, A), name="gate"):
    """Return a circuit with a pulse gate among others, measured."""
    circuit = QuantumCircuit(2, 2, name="sweep")
    circuit.sx(0)
    circuit.append(Gate(name, len(qubits), list(parameters)), list(qubits))
    circuit.rz(0.3, 0)
    circuit.sx(1)
    circuit.measure([0, 1], [0, 1])
    circuit.add_calibration(name, list(qubits), block, list(parameters))
    return circuit


def same_as_bound_by_qiskit(circuit, device, binds, **options):
    """Assert that a sweep's programs are those of circuits that qiskit bound, one by one."""
    swept = compile(circuit, device, parameter_binds=binds, **options).bound()
    assert len(swept) == len(binds)
    for k, bind in enumerate(binds):
        own = {p: v for p, v in bind.items() if p in circuit.parameters}
        alone = compile(circuit.assign_parameters(own), device, **options)
        a, b = swept.programs[swept.program_of[k]], alone.programs[0]
        rounded = [p.replace(events=p.events.replace(value=p.events.value.round(9))) for p in (a, b)]  # as terra does
        assert rounded[0].same_as(rounded[1]), k
        for row in range(len(a.events)):
            assert a.origin(row).source == b.origin(row).source
            assert a.origin(row).calibration == b.origin(row).calibration


AlignmentKind.__repr__ = lambda self: f"{type(self).__name__}{self._context_params}"  # terra's own fails on numbers

CONTEXTS = st.sampled_from(
    [
        AlignLeft,
        AlignRight,
        AlignSequential,
        lambda: AlignEquispaced(3000),
        lambda: AlignEquispaced(4 * D),
        lambda: AlignEquispaced(40),
        lambda: AlignFunc(5001, lambda j: 1 - 0.5**j),
        lambda: AlignFunc(9 * D + 1, lambda j: 1 - 0.5**j),
    ]
)
LENGTHS = st.sampled_from([D, 2 * D, D + 64, 3 * D - 160, 160, 320])
LEAVES = st.one_of(
    st.builds(
        lambda n, c, f: pulse.Play(pulse.GaussianSquare(n, 0.3 * A, n / 8, width=n / f), DriveChannel(c)),
        LENGTHS,
        st.integers(0, 1),
        st.sampled_from([2, 4, 16]),
    ),
    st.builds(
        lambda n, c: pulse.Play(pulse.Drag(n, 0.2, n / 4, A * 3, angle=A * D), ControlChannel(c)),
        LENGTHS,
        st.integers(0, 1),
    ),
    st.builds(lambda n, c: pulse.Delay(n, DriveChannel(c)), LENGTHS, st.integers(0, 1)),
    st.builds(lambda c: pulse.ShiftPhase(0.01 * D * A, DriveChannel(c)), st.integers(0, 1)),
    st.builds(lambda c: pulse.ShiftFrequency(1e6 * A, DriveChannel(c)), st.integers(0, 1)),
    st.builds(lambda c: pulse.Play(pulse.Constant(160, 0.1), DriveChannel(c)), st.integers(0, 1)),
)


def _block(make_context, elements):
    block = ScheduleBlock(alignment_context=make_context())
    for element in elements:
        block.append(element, inplace=True)
    return block


BLOCKS = st.recursive(
    st.builds(_block, CONTEXTS, st.lists(LEAVES, min_size=1, max_size=5)),
    lambda inner: st.builds(_block, CONTEXTS, st.lists(st.one_of(LEAVES, inner), min_size=1, max_size=4)),
    max_leaves=12,
)
POINTS = [(160, 0.5), (176, -0.25), (320, 1.0), (1600, 0.125), (96, 0.75)]


@given(BLOCKS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_block_is_retimed_as_qiskit_would(block):
    used = [p for p in (D, A) if p in block.parameters]
    circuit = circuit_of(block, parameters=used)
    good, bad = [], []
    for point in POINTS:
        bind = {p: v for p, v in zip((D, A), point) if p in used}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(circuit.assign_parameters(bind), DEVICE)
            good.append(bind)
        except (pulse.PulseError, PulsekitError):
            bad.append(bind)
    if good and used:
        same_as_bound_by_qiskit(circuit, DEVICE, good)
    for bind in bad if used else ():
        with pytest.raises(PulsekitError):
            compile(circuit, DEVICE, parameter_binds=[*good, bind])


def stark():
    with pulse.build() as block:
        pulse.set_frequency(5.1e9, DriveChannel(0))
        pulse.play(pulse.GaussianSquare(D, A, 32, width=D - 128), DriveChannel(0))
        pulse.shift_phase(1e-3 * D, DriveChannel(0))
    return circuit_of(block, qubits=(0,))


def test_a_sweep_is_retimed_without_qiskit(device, monkeypatch):
    """Work is counted: the template is read and placed once, however many points there are."""
    placed, made = [], []

    def spied(block, length):
        placed.append(block)
        return place_block(block, length)

    monkeypatch.setattr(templates, "place_block", spied)
    monkeypatch.setattr(QuantumCircuit, "assign_parameters", lambda *_, **__: made.append(1))
    monkeypatch.setattr(ScheduleBlock, "assign_parameters", lambda *_, **__: made.append(1))
    binds = [{D: 256 + 16 * k, A: 0.1 + 0.001 * k} for k in range(300)]
    batch = compile(stark(), device, parameter_binds=binds)
    assert len(placed) == 1 and not made
    lengths = [int(p.events.duration[p.rows(Op.PLAY)[1]]) for p in batch.programs]
    assert lengths == [256 + 16 * k for k in range(300)]


def test_points_that_branch_are_placed_apart(device):
    inner = ScheduleBlock(alignment_context=AlignEquispaced(2 * D))  # too short for its pulses at some points
    for _ in range(2):
        inner.append(pulse.Play(pulse.Constant(320, 0.1), DriveChannel(0)), inplace=True)
        inner.append(pulse.Play(pulse.Constant(160, 0.1), ControlChannel(0)), inplace=True)
    circuit = circuit_of(inner, parameters=(D,))
    same_as_bound_by_qiskit(circuit, device, [{D: n} for n in (480, 640, 800)], align="off")


@pytest.mark.parametrize("align", ["pad", "off"])
def test_lengths_off_the_grid_are_padded_like_any_other(device, align):
    same_as_bound_by_qiskit(stark(), device, [{D: n, A: 0.1} for n in (160, 161, 250, 256)], align=align)
    with pytest.raises(PulsekitError, match=r"'gate' on qubits \[0\].*multiple of 16") as caught:
        compile(stark(), device, parameter_binds=[{D: n, A: 0.1} for n in (160, 250)], align="strict")
    assert caught.value.code == 8017


def test_circuits_bound_before_are_read_together(device):
    circuits = [stark().assign_parameters({D: 256 + 16 * k, A: 0.1}) for k in range(4)]
    together = compile(circuits, device).programs
    for circuit, program in zip(circuits, together):
        assert program.same_as(compile(circuit, device).programs[0])
    assert bodies.read_bodies([]) == []


@pytest.mark.parametrize(
    "point,message,code",
    [
        ({D: 100, A: 0.1}, r"'gate' on qubits \[0\]: a GaussianSquare pulse must satisfy .*'width': -28.0", 8042),
        ({D: 160.5, A: 0.1}, r"'gate' on qubits \[0\]: the duration d must be whole samples, but 160.5 came", 8042),
        ({D: 160, A: 1.1}, r"calibration 'gate' on qubits \[0\]: d0@0..160: the amplitude must not exceed 1", 8041),
        ({D: 20_000_000, A: 0.1}, "at most 10000000 samples", 8022),
    ],
)
def test_points_that_no_device_plays(device, point, message, code):
    with pytest.raises(PulsekitError, match=message) as caught:
        compile(stark(), device, parameter_binds=[{D: 160, A: 0.1}, point], align="off")
    assert caught.value.code == code


def test_what_only_qiskit_can_bind_is_bound_by_qiskit(device):
    import symengine as sym

    t, amp, tau = sym.symbols("t, amp, tau")
    own = pulse.SymbolicPulse("Own", D, {"amp": 0.1, "tau": D / 4}, envelope=amp * sym.exp(-t / tau))
    block = ScheduleBlock()
    block.append(pulse.Play(own, DriveChannel(0)), inplace=True)
    same_as_bound_by_qiskit(circuit_of(block, (0,), (D,)), device, [{D: 160}, {D: 320}])


def test_a_schedule_of_fixed_times_may_have_parametric_shapes(device):
    schedule = Schedule()
    schedule.insert(0, pulse.Play(pulse.Gaussian(160, A, D / 4), DriveChannel(0)), inplace=True)
    schedule.insert(160, pulse.ShiftPhase(A * D, DriveChannel(0)), inplace=True)
    same_as_bound_by_qiskit(circuit_of(schedule, (0,)), device, [{D: 100, A: 0.3}, {D: 200.4, A: -0.2}])


def test_measures_of_ones_own_are_retimed(device):
    block = ScheduleBlock()
    block.append(pulse.Play(pulse.Constant(D, 0.1), pulse.MeasureChannel(0)), inplace=True)
    block.append(pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0)), inplace=True)

    def circuit(length, calibration):
        out = QuantumCircuit(1, 1)
        out.sx(0)
        out.delay(length, 0)
        out.measure(0, 0)
        out.add_calibration("measure", [0], calibration)
        return out

    lengths = (160, 1600)
    swept = compile(circuit(D, block), device, parameter_binds=[{D: n} for n in lengths])
    for n, program in zip(lengths, swept.programs):
        bound = block.assign_parameters({D: n}, inplace=False)  # qiskit leaves it unbound in a circuit
        assert program.same_as(compile(circuit(n, bound), device).programs[0])


def test_one_schedule_in_circuits_with_other_parameters(device):
    """A parameter's number differs from circuit to circuit."""
    block = ScheduleBlock()
    block.append(pulse.Play(pulse.Gaussian(160, A, 40), DriveChannel(0)), inplace=True)
    first = circuit_of(block, (0,), (A,))
    second = QuantumCircuit(2, 2)
    zero = Parameter("Z")  # sorts before "a"
    second.rz(zero, 1)
    second.append(Gate("gate", 1, [A]), [0])
    second.add_calibration("gate", [0], block, [A])
    one, two = compile([first, second], device).programs
    assert one.parameters.names == ("a",) and two.parameters.names == ("Z", "a")
    amp = two.bind([3.0, 0.25]).events
    assert 0.25 in amp.value[amp.op == Op.PLAY]


def test_maps_may_hold_templates(device):
    from qiskit.pulse import InstructionScheduleMap

    inst_map = InstructionScheduleMap()
    with pulse.build() as block:
        pulse.play(pulse.GaussianSquare(D, A, 32, width=D - 128), DriveChannel(0))
    inst_map.add("gate", (0,), block, arguments=["d", "a"])
    x, y = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(1)
    circuit.append(Gate("gate", 1, [16 * x, y]), [0])
    circuit.append(Gate("gate", 1, [320, 0.5]), [0])
    binds = [{x: 10, y: 0.1}, {x: 16, y: 0.25}]
    batch = compile(circuit, device, inst_map=inst_map, parameter_binds=binds)
    for program, bind in zip(batch.programs, binds):
        alone = compile(circuit.assign_parameters(bind), device, inst_map=inst_map).programs[0]
        assert program.same_as(alone)
        plays = program.rows(Op.PLAY)
        assert program.events.duration[plays].tolist() == [16 * bind[x], 320]
        np.testing.assert_allclose(program.events.value[plays], [bind[y], 0.5])


def test_unbound_and_unknown_parameters_are_refused(device):
    with pytest.raises(CompilerError, match=r"circuit 0 \('sweep'\), instruction 1 .*Give parameter_binds"):
        compile(stark(), device)
    other = Parameter("other")
    block = ScheduleBlock()
    block.append(pulse.Play(pulse.Constant(D, 0.1 * other), DriveChannel(0)), inplace=True)
    with pytest.raises(ProgramError, match="unassigned parameter"):
        compile(circuit_of(block, (0,), (D,)), device, parameter_binds=[{D: 160}])
