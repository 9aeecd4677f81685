"""Section 3 of the contract: data formats, bit order, lookup, headers."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from datetime import datetime

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, assemble, pulse
from qiskit.exceptions import QiskitError
from qiskit.pulse import AcquireChannel, MemorySlot, Schedule
from qiskit.result import Result, marginal_counts

from pulsekit.backend import Backend, results
from pulsekit.backend.exceptions import IBMQBackendError
from pulsekit.backend.results import build, pack
from pulsekit.device import Device
from pulsekit.errors import ExecutionError
from pulsekit.execution import Record, Settings
from pulsekit.store.arrays import ArrayStore


def schedule(name="s"):
    return Schedule((0, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0))), name=name)


def test_3_1_level_2(backend):
    result = backend.run(measured(), memory=True).result()
    data = result.data()
    assert all(isinstance(k, str) and k.startswith("0x") for k in data["counts"])
    assert len(data["memory"]) == 50 and sum(data["counts"].values()) == 50
    assert all(isinstance(m, str) and len(m) == 1 for m in result.get_memory())
    counts = {"0": result.get_memory().count("0"), "1": result.get_memory().count("1")}
    assert {k: v for k, v in counts.items() if v} == dict(result.get_counts())
    with pytest.raises(QiskitError):
        backend.run(measured()).result().get_memory()


def test_3_1_level_1_single(backend):
    result = backend.run(measured(), meas_level=1, meas_return="single").result()
    memory = result.data()["memory"]
    assert isinstance(memory, list) and np.shape(memory) == (50, 1, 2)
    assert result.get_memory().shape == (50, 1) and result.get_memory().dtype == complex
    with pytest.raises(QiskitError):
        result.get_counts()


def test_3_1_level_1_avg(backend):
    result = backend.run(measured(), meas_level=1).result()
    assert isinstance(result.data()["memory"], list) and np.shape(result.data()["memory"]) == (1, 2)
    single = backend.run(measured(), meas_level=1, meas_return="single").result().get_memory()
    assert result.get_memory() == pytest.approx(single.mean(axis=0), rel=1e-9)


def test_3_1_level_0_single(backend):
    result = backend.run(measured(), meas_level=0, meas_return="single", memory_slot_size=10, shots=3).result()
    assert np.shape(result.data()["memory"]) == (3, 1, 10, 2)
    assert result.get_memory().shape == (3, 1, 10) and result.get_memory().dtype == complex


def test_3_1_level_0_avg(backend):
    result = backend.run(measured(), meas_level=0, memory_slot_size=10).result()
    assert result.get_memory().shape == (1, 10)
    single = backend.run(measured(), meas_level=0, meas_return="single", memory_slot_size=10).result().get_memory()
    assert result.get_memory() == pytest.approx(single.mean(axis=0), rel=1e-9)


def test_3_1_two_slots_are_real_pairs(pair):
    qc = QuantumCircuit(2, 2)
    qc.measure([0, 1], [0, 1])
    result = pair.run(qc, meas_level=1, meas_return="single").result()
    assert np.shape(result.data()["memory"]) == (50, 2, 2) and result.get_memory().shape == (50, 2)


def test_3_1_slots_never_written_are_zero(backend):
    qc = QuantumCircuit(1, 3)
    qc.measure(0, 1)
    assert all(k[0] == k[2] == "0" for k in backend.run(qc).result().get_counts())
    memory = backend.run(qc, meas_level=1).result().get_memory()
    assert memory[0] == memory[2] == 0 and memory[1] != 0


def test_3_1_results_are_json(backend):
    for level in (0, 1, 2):
        result = backend.run(measured(), meas_level=level, memory=True).result()
        again = Result.from_dict(json.loads(json.dumps(result.to_dict(), default=str)))
        assert np.array_equal(again.get_memory(0), result.get_memory(0))


def test_3_2_scale(backend):
    assert 1e5 < abs(backend.run(measured(), meas_level=1).result().get_memory()[0]) < 1e8


def test_3_3_kernels_and_discriminators(backend):
    def with_kernel(kernel):
        return Schedule(
            (0, pulse.Play(pulse.Constant(1600, 0.2), pulse.MeasureChannel(0))),
            (0, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0), kernel=kernel)),
        )

    boxcar, late = (
        backend.run(with_kernel(k), meas_level=1).result().get_memory()[0]
        for k in (pulse.Kernel("boxcar"), pulse.Kernel("boxcar", start_window=800, stop_window=1600))
    )
    assert boxcar != late


def test_3_4_bit_order(pair):
    qc = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(2, "b"))
    qc.x(0)
    qc.measure(0, 1)
    result = pair.run(qc, shots=200).result()
    assert result.get_counts().most_frequent() == "01 0"
    assert max(result.data()["counts"], key=result.data()["counts"].get) == "0x2"
    assert result.results[0].header.creg_sizes == [["a", 1], ["b", 2]]


def test_3_4_schedules_have_no_registers(backend):
    result = backend.run(schedule(), memory_slots=3).result()
    assert all(len(k) == 3 and " " not in k for k in result.get_counts())
    header = result.results[0].header.to_dict()
    assert set(header) == {"memory_slots", "name", "metadata"}


def test_3_4_marginal_counts(pair):
    qc = QuantumCircuit(2, 2)
    qc.x(1)
    qc.measure([0, 1], [0, 1])
    result = pair.run(qc, memory=True, shots=200).result()
    one = marginal_counts(result, [1])
    assert one.get_counts().most_frequent() == "1" and len(one.get_memory()) == 200


@pytest.mark.parametrize("slots", [2, 16, 17, 63, 71])
def test_3_4_many_slots(slots):
    """Few slots are counted in a table; more than 63 need integers that numpy does not have."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, size=(20, slots), dtype=np.uint8)
    record = Record(20, 2, "avg", slots, bits=bits)
    document, arrays = pack([record], [{"memory_slots": slots, "name": "x"}], Settings(), memory=True, common={})
    fields = {"backend_name": "b", "backend_version": "1", "qobj_id": "q", "job_id": "j"}
    result = build({**document, **fields}, arrays.__getitem__)
    memory = ["".join(str(b) for b in row[::-1]) for row in bits]
    assert result.get_memory() == memory
    assert result.get_counts() == Counter(memory)


def test_large_results_are_not_copied(monkeypatch):
    monkeypatch.setattr(results, "LIST_LIMIT", 0)
    iq = np.arange(6).reshape(3, 2) * (1 + 0.5j)
    record = Record(3, 1, "single", 2, iq=iq)
    document, arrays = pack([record], [{"memory_slots": 2, "name": "x"}], Settings(), memory=False, common={})
    store = ArrayStore()
    assert store.get(store.put(arrays[0])) is arrays[0]
    fields = {"backend_name": "b", "backend_version": "1", "qobj_id": "q", "job_id": "j"}
    result = build({**document, **fields}, arrays.__getitem__)
    assert np.shares_memory(result.data()["memory"], iq) and not result.data()["memory"].flags.writeable
    assert np.array_equal(result.get_memory(), iq)


def test_3_5_lookup(backend):
    a, b = measured(name="a"), measured(name="b")
    result = backend.run([a, b, schedule("c")]).result()
    assert result.get_counts(a) == result.get_counts("a") == result.get_counts(0)
    assert result.get_counts(schedule("c")) == result.get_counts(2)
    assert len(result.get_counts()) == 3
    with pytest.raises(QiskitError):
        result.data()
    with pytest.raises(QiskitError):
        result.get_counts("d")
    with pytest.raises(QiskitError):
        result.get_counts(3)
    twice = backend.run([a, a]).result()
    with pytest.warns(UserWarning, match="multiple"):
        twice.get_counts("a")


def test_3_6_headers_and_metadata(backend):
    job = backend.run(measured(metadata={"x": [1, 2], "deep": {"y": 1.5}}, name="named"))
    header = job.result().results[0].header
    assert header.name == "named" and header.metadata == {"x": [1, 2], "deep": {"y": 1.5}}
    keys = {"qubit_labels", "n_qubits", "qreg_sizes", "clbit_labels", "memory_slots", "creg_sizes"}
    assert keys | {"name", "global_phase", "metadata"} == set(header.to_dict())


def test_3_6_result_fields_are_true(backend):
    before = datetime.now().astimezone()
    job = backend.run(measured(), seed_simulator=99)
    result = job.result()
    assert result.success and result.status == "Successful completion" and result.error is None
    assert result.job_id == job.job_id() and result.backend_name == backend.name()
    assert before <= result.date <= datetime.now().astimezone() and result.date.tzinfo is not None
    assert 0 < result.time_taken < 60 and len(result.execution_id) == 32
    assert set(result.client_version) == {"pulsekit", "qiskit"}
    used = result.metadata
    assert used["seed_simulator"] == 99 and used["tolerance"] == 1e-6 and len(used["device"]) == 64
    assert result.results[0].metadata["measure_esp"] == {"0": False}


def test_3_6_the_same_seed_gives_the_same_result(backend, transmon):
    first = backend.run(measured(flip=True), seed_simulator=5, memory=True).result().get_memory()
    other = Backend(transmon, "memory", shots=50)
    assert other.run(measured(flip=True), seed_simulator=5, memory=True).result().get_memory() == first
    assert other.run(measured(flip=True), seed_simulator=6, memory=True).result().get_memory() != first


def test_3_6_levels_are_of_the_same_shots(backend):
    """One seed gives level 0, 1 and 2 of the same shots: 1s and 0s are apart in the plane."""
    bits = np.array([int(b) for b in backend.run(measured(flip=True), memory=True).result().get_memory()])
    iq = backend.run(measured(flip=True), meas_level=1, meas_return="single").result().get_memory()[:, 0]
    if 0 < bits.sum() < len(bits):
        axis = iq[bits == 1].mean() - iq[bits == 0].mean()
        score = (iq * np.conj(axis)).real
        assert score[bits == 1].min() > score[bits == 0].max()


def test_3_7_failed_experiments_are_marked():
    record = Record(5, 2, "avg", 1, bits=np.zeros((5, 1), np.uint8))
    document, arrays = pack(
        [record, ExecutionError("no", code=8999)],
        [{"name": "a"}, {"name": "b"}],
        Settings(shots=5),
        memory=False,
        common={},
    )
    fields = {"backend_name": "b", "backend_version": "1", "qobj_id": "q", "job_id": "j"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = build({**document, **fields}, arrays.__getitem__)
    assert sum(result.get_counts(0).values()) == 5 and not result.success
    assert result.results[1].status == "no Error code: 8999."
    with pytest.raises(QiskitError):
        result.get_counts(1)


def test_3_5_every_input_finds_its_result(backend):
    """By number (numpy's too), name, circuit, schedule, block and instruction, at every level."""
    with pulse.build(backend, name="block", default_alignment="sequential") as block:
        pulse.x(0)
        pulse.measure(0)
    tone = pulse.Play(pulse.Constant(160, 0.1), pulse.DriveChannel(0), name="tone")
    inputs = [measured(name="circuit"), block, schedule("schedule"), tone]
    result = backend.run(inputs, memory=True, shots=40).result()
    assert isinstance(result, Result)
    for i, item in enumerate(inputs):
        for key in (i, np.int64(i), item.name, item):
            assert result.get_counts(key) == result.get_counts(i)
            assert result.get_memory(key) == result.get_memory(i) and result.data(key) == result.data(i)
    assert result.get_counts("block") != result.get_counts("tone")
    for level, shape in ((1, (1,)), (0, (1, 100))):
        averages = backend.run(inputs, meas_level=level).result()
        assert averages.get_memory(block).shape == shape
        assert np.array_equal(averages.get_memory(block), averages.get_memory(1))


def test_3_6_the_method_that_was_chosen_is_recorded(backend, pair):
    """Of every cluster, where "auto" was asked for; and of the job."""
    bell = QuantumCircuit(2, 2)
    bell.sx(0)
    bell.cx(0, 1)
    bell.measure([0, 1], [0, 1])
    apart = QuantumCircuit(2, 2)
    apart.x(0)
    apart.measure([0, 1], [0, 1])
    waiting = QuantumCircuit(2)
    job = pair.run([bell, apart, waiting])
    result = job.result()
    told = [(r.metadata["clusters"], r.metadata["methods"]) for r in result.results]
    assert told[0] == ([[0, 1]], ["lindblad polynomial"])
    assert told[1] == ([[0], [1]], ["lindblad polynomial"] * 2) and told[2] == ([], [])
    assert result.metadata["method"] == ["lindblad polynomial"] and job.backend_options()["method"] == "auto"
    for asked, used in (
        ({"noise": False}, "schroedinger polynomial"),
        ({"method": "reference"}, "lindblad reference"),
        ({"method": "splitting"}, "lindblad splitting"),
        ({"method": "trajectories"}, "trajectories"),
        ({"init_qubits": False, "rep_delay": 0}, "lindblad polynomial"),
        ({"init_qubits": False, "rep_delay": 0, "noise": False}, "schroedinger polynomial"),
    ):
        result = pair.run(bell, shots=3, **asked).result()
        assert result.results[0].metadata["methods"] == [used] and result.metadata["method"] == [used]


def test_3_6_a_method_that_was_asked_for_is_the_one_that_runs():
    """Also where "auto" would take trajectories; one that cannot is refused, and leaves no job."""
    line = Backend(Device.line(3), "memory", shots=3)
    ghz = QuantumCircuit(3, 3)
    ghz.sx(0)
    ghz.cx(0, 1)
    ghz.cx(1, 2)
    ghz.measure(range(3), range(3))
    for asked, used in (
        ("auto", "trajectories"),
        ("density", "lindblad splitting"),
        ("splitting", "lindblad splitting"),
    ):
        assert line.run(ghz, method=asked).result().metadata["method"] == [used]
    before = len(line.jobs(limit=None))
    told = r"one of \['magnus', 'reference', 'splitting'\] for the cluster of qubits \[0, 1, 2\] \(27 states, a density"
    with pytest.raises(IBMQBackendError, match=told):
        line.run([ghz] * 3, method="polynomial")
    assert len(line.jobs(limit=None)) == before
    five = Backend(Device.line(3, levels=5), "memory", shots=3)
    one = QuantumCircuit(3, 3)
    one.sx(0)
    one.measure(range(3), range(3))
    for asked in ("magnus", "polynomial"):
        with pytest.raises(IBMQBackendError, match=f"'{asked}' came"):
            five.run(ghz, method=asked)
    assert five.run(one, method="polynomial", noise=False).result().success


def test_0_2_a_qobj_keeps_its_names_and_the_los_of_its_experiments(backend, transmon):
    """terra's disassemble loses names of schedules, and LOs of single circuits."""
    f, m = transmon.transmons[0].frequency, transmon.resonators[0].frequency
    los = [{pulse.DriveChannel(0): f + d, pulse.MeasureChannel(0): m + 1e3} for d in (1e3, 60e6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        circuits = assemble(
            measured(flip=True), backend, schedule_los=los, shots=200, meas_lo_freq=[m], qubit_lo_freq=[f]
        )
        schedules = assemble(schedule("mine"), backend, shots=5)
        result = backend.run(circuits).result()
        named = backend.run(schedules).result()
    assert [r.metadata["qubit_lo_freq"][0] - f for r in result.results] == pytest.approx([1e3, 60e6], abs=1)
    assert result.get_counts(0)["1"] > 150 > 2 * result.get_counts(1).get("1", 0)
    assert named.results[0].header.name == "mine" and named.get_counts("mine")


@pytest.mark.parametrize("asked", [{}, {"init_qubits": False, "rep_delay": 0}])
def test_3_7_a_density_matrix_over_the_cap_fails_alone(asked):
    """The job is an ERROR that says the bytes; experiments that fit have their results."""
    line = Backend(Device.line(5), "memory", shots=20, seed_simulator=2)
    ghz = QuantumCircuit(5, 5, name="ghz")
    ghz.sx(0)
    for q in range(4):
        ghz.cx(q, q + 1)
    ghz.measure(range(5), range(5))
    small = QuantumCircuit(5, 1, name="small")
    small.measure(0, 0)
    job = line.run([ghz, small], memory_cap=200_000, method="density", **asked)
    assert (
        "bytes for the cluster of qubits [0, 1, 2, 3, 4]" in job.error_message() and "memory_cap" in job.error_message()
    )
    if not asked:  # without reset the experiments are one chain
        partial = job.result(partial=True)
        assert [r.success for r in partial.results] == [False, True] and partial.get_counts("small")["0"] > 10
