"""Gate tables, times and rows: what every mode of the compiler shares."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import qiskit
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, pulse
from qiskit.circuit import Clbit, Gate, Qubit
from qiskit.circuit.library import CXGate
from qiskit.exceptions import QiskitError
from qiskit.providers.models import PulseDefaults
from qiskit.pulse import DriveChannel, Schedule
from qiskit.pulse.exceptions import PulseError

from pulsekit._ext import kernel
from pulsekit.backend.frontend import compile, schedule
from pulsekit.device import Device
from pulsekit.errors import CompilerError, PulsekitError, PulsekitWarning
from pulsekit.interop.circuits import read_circuits
from pulsekit.program import Op


@pytest.fixture(scope="module")
def device():
    return Device.from_snapshot("ibm_perth")


@pytest.fixture(scope="module")
def terra(device):
    inst_map = PulseDefaults.from_dict(dict(device.vendor["defaults"])).instruction_schedule_map
    return {"inst_map": inst_map, "meas_map": [list(g) for g in device.meas_map], "dt": device.timing.dt}


def greedy(circuits, alap):
    """Place gates one by one in plain Python, as the reference of the kernel."""
    starts, totals = [], []
    for gates in circuits:
        free, when = {}, []
        for qubits, length in reversed(gates) if alap else gates:
            begin = max([free.get(q, 0) for q in qubits], default=0)
            when.append(begin + length if alap else begin)
            free.update(dict.fromkeys(qubits, begin + length))
        total = max(free.values(), default=0)
        starts += [total - w for w in reversed(when)] if alap else when
        totals.append(total)
    return starts, totals


GATES = st.lists(st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True), st.integers(0, 50)))


@given(st.lists(GATES, min_size=1, max_size=4), st.booleans())
@settings(max_examples=100, deadline=None)
def test_the_kernel_places_as_plain_python_does(circuits, alap):
    flat = [g for gates in circuits for g in gates]
    n = len(flat)
    start, total = np.zeros(n, np.int64), np.zeros(len(circuits), np.int64)
    widths = np.cumsum([0] + [len(q) for q, _ in flat])
    kernel("layout").place(
        np.cumsum([0] + [len(g) for g in circuits]).astype(np.int64),
        np.arange(n, dtype=np.int32),
        np.zeros(n, np.int64),
        np.array([d for _, d in flat], dtype=np.int64),
        np.zeros(n, np.int64),
        np.ones(n, np.int64),
        np.arange(n, dtype=np.int32),
        widths.astype(np.int64),
        np.array([q for qubits, _ in flat for q in qubits], dtype=np.int32),
        alap,
        np.zeros(5, np.int64),
        start,
        total,
    )
    assert (start.tolist(), total.tolist()) == greedy(circuits, alap)


@given(st.lists(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 2))), max_size=4))
@settings(max_examples=100, deadline=None)
def test_rows_are_sorted_stably(circuits):
    rows = [r for rows in circuits for r in rows]
    t0, duration = (np.array(c, dtype=np.int64) for c in (zip(*rows) if rows else ((), ())))
    ptr = np.cumsum([0] + [len(c) for c in circuits]).astype(np.int64)
    key, swap, order, other = (np.zeros(len(rows), np.int64) for _ in range(4))
    kernel("layout").sort_rows(ptr, t0, duration, key, swap, order, other)
    circuit = np.repeat(np.arange(len(circuits)), np.diff(ptr))
    np.testing.assert_array_equal(order, np.lexsort((duration > 0, t0, circuit)))


def test_the_table_holds_what_the_circuits_say():
    q, r, c = QuantumRegister(2, "q"), QuantumRegister(1, "r"), ClassicalRegister(3, "c")
    circuit = QuantumCircuit(q, r, c, [Qubit(), Clbit()], name="x", metadata={"m": 1})
    circuit.rz(1, 2)  # an int
    circuit.u(0.1, 0.2, 0.3, 3)
    circuit.cx(2, 0)
    circuit.append(CXGate(ctrl_state=0), [0, 2])
    circuit.barrier()
    circuit.delay(32, 1)
    circuit.measure(3, 3)
    gates = read_circuits([circuit, circuit.copy()], 1e-9, None).gates
    half = len(gates) // 2
    names = [gates.names[k] for k in gates.name[:half]]
    assert names == ["rz", "u", "cx", "cx_o0", "barrier", "delay", "measure"]
    assert [gates.qubit_sets[k] for k in gates.qubits[:half]] == [(2,), (3,), (2, 0), (0, 2), (0, 1, 2, 3), (1,), (3,)]
    assert gates.clbit_sets[gates.clbits[half - 1]] == (3,)
    assert [gates.arguments(k) for k in range(half)] == [(1.0,), (0.1, 0.2, 0.3), (), (), (), (32.0,), ()]
    assert gates.circuit.tolist() == [0] * half + [1] * half
    assert gates.index.tolist() == [*range(half)] * 2
    header = gates.circuits[0].header
    assert header["creg_sizes"] == [["c", 3]] and header["memory_slots"] == 3 and header["metadata"] == {"m": 1}
    assert header["qreg_sizes"] == [["q", 2], ["r", 1]] and header["qubit_labels"][2] == ["r", 0]


def test_bits_that_are_equal_but_not_identical_are_found(device):
    import copy

    circuit = QuantumCircuit(2, 1)
    circuit.sx(1)
    circuit.measure(1, 0)
    circuit._data = copy.deepcopy(circuit._data)
    program = compile(circuit, device).programs[0]
    assert program.sources[0].qubits == (1,)


def test_every_row_knows_where_it_came_from(device):
    circuit = QuantumCircuit(3, 2)
    circuit.sx(1)
    circuit.barrier()
    circuit.cx(1, 2)
    circuit.measure(2, 1)
    program = compile(circuit, device, use_measure_esp=False).programs[0]
    for event in program.events:
        source = program.sources[event.source]
        assert source.name == circuit.data[source.index].operation.name
        calibration = program.calibrations[event.calibration]
        assert calibration.startswith(f"{source.name}:{','.join(map(str, source.qubits))}")
    assert {s.index for s in (program.sources[e.source] for e in program.events)} == {0, 2, 3}


def test_twenty_thousand_operations_and_linear_time(device):
    import time

    def cpu(count):
        circuit = QuantumCircuit(2)
        for _ in range(count // 2):
            circuit.sx(0)
            circuit.rz(0.1, 0)
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            program = compile(circuit, device).programs[0]
            best = min(best, time.process_time() - start)
        assert program.duration == count // 2 * 160
        return best

    small, large = cpu(10_000), cpu(20_000)
    assert large < 2.5 * small + 0.005, (small, large)


def test_a_thousand_qubits_are_measured_together():
    device = Device.line(1000)
    circuit = QuantumCircuit(1000, 1000)
    circuit.measure(range(1000), range(1000))
    program = compile(circuit, device).programs[0]
    acquires = program.rows(Op.ACQUIRE)
    assert acquires.size == 1000 and np.unique(program.events.t0[acquires]).size == 1
    assert sorted(program.events.slot[acquires].tolist()) == list(range(1000))


def test_two_results_at_one_time_in_one_clbit(device, terra):
    circuit = QuantumCircuit(2, 1, name="both")
    circuit.measure([0, 1], [0, 0])
    with pytest.raises(CompilerError, match=r"'both'.*measure.*clbit 0 is still written by .*instruction 0"):
        compile(circuit, device)
    with pytest.raises(QiskitError, match="clbit 0"):
        schedule(circuit, **terra)


def test_a_result_that_replaces_another_warns(device):
    circuit = QuantumCircuit(1, 1)
    circuit.measure([0], [0])
    circuit.x(0)
    circuit.measure([0], [0])
    with pytest.warns(PulsekitWarning, match="replaces"):
        compile(circuit, device)


def test_a_calibration_that_matches_nothing_warns(device):
    circuit = QuantumCircuit(2)
    circuit.append(Gate("mine", 1, []), [0])
    body = Schedule((0, pulse.Play(pulse.Constant(64, 0.1), DriveChannel(0))))
    circuit.add_calibration("mine", [0], body)
    circuit.add_calibration("mine", [1], body)
    with pytest.warns(PulsekitWarning, match=r"'mine' on qubits \[1\].*matched none"):
        compile(circuit, device)


def conditional(circuit):
    circuit.x(0).c_if(0, 1)


def branching(circuit):
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)


def resetting(circuit):
    circuit.reset(0)


def infinite(circuit):
    circuit.rz(float("inf"), 0)


@pytest.mark.parametrize("build", [conditional, branching, resetting, lambda c: c.h(0), infinite])
def test_terra_mode_is_not_silent(terra, build):
    circuit = QuantumCircuit(2, 2, name="bad")
    circuit.x(1)
    build(circuit)
    with pytest.raises(QiskitError, match=r"circuit 0 \('bad'\), instruction 1") as caught:
        schedule(circuit, **terra)
    assert isinstance(caught.value, PulsekitError) and caught.value.code is not None


def test_overlapping_pulse_gates_are_refused_like_terra(terra):
    circuit = QuantumCircuit(2)
    for q in (0, 1):
        circuit.append(Gate("same", 1, []), [q])
        circuit.add_calibration("same", [q], Schedule((0, pulse.Play(pulse.Constant(64, 0.1), DriveChannel(3)))))
    with pytest.raises(QiskitError, match=r"d3@0\.\.64"):
        schedule(circuit, **terra)
    with pytest.raises((PulseError, QiskitError)):
        qiskit.schedule(circuit, **terra)


def test_delays_that_are_no_whole_samples_warn(device):
    circuit = QuantumCircuit(1)
    circuit.delay(1.0, 0, unit="ns")
    with pytest.warns(PulsekitWarning, match=r"rounded to \d dt"):
        compile(circuit, device)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PulsekitWarning)
        exact = QuantumCircuit(1)
        exact.delay(2.0, 0, unit="ns")
        compile(exact, device)


def test_wrong_inputs(device, terra):
    with pytest.raises(CompilerError, match="circuits"):
        compile("text", device)
    with pytest.raises(QiskitError, match="method"):
        schedule(QuantumCircuit(1), method="soonish", **terra)
    with pytest.raises(QiskitError, match="backend"):
        schedule(QuantumCircuit(1))
