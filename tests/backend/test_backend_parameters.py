"""Table 1.2 of the contract, row by row: what each argument of run() does."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter
from qiskit.pulse import AcquireChannel, DriveChannel, MeasureChannel, MemorySlot, Schedule
from qiskit.qobj import QobjHeader
from qiskit.qobj.utils import MeasLevel, MeasReturnType

import pulsekit
from pulsekit.backend import Backend, IBMQBackendValueError
from pulsekit.errors import PulsekitWarning

D0, M0 = DriveChannel(0), MeasureChannel(0)


def schedule(name="s", amp=0.0, slot=0):
    return Schedule(
        (0, pulse.Play(pulse.Gaussian(160, amp, 40), D0)),
        (160, pulse.Play(pulse.Constant(1600, 0.1), M0)),
        (160, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(slot))),
        name=name,
    )


def test_1_2_circuits(backend):
    with pulse.build(name="block") as block:
        pulse.play(pulse.Gaussian(160, 0.0, 40), D0)
        pulse.acquire(1600, AcquireChannel(0), MemorySlot(0))
    single = pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0))
    for item, names in (
        (measured(), ["qc"]),
        ([measured(name="a"), measured(name="b")], ["a", "b"]),
        (schedule(), ["s"]),
        (block, ["block"]),
        ([schedule(), block], ["s", "block"]),
        ([measured(name="mixed"), schedule()], ["mixed", "s"]),
    ):
        result = backend.run(item).result()
        assert [r.header.name for r in result.results] == names
        assert all(sum(r.data.counts.values()) == 50 for r in result.results)
    assert len(backend.run(single).result().results) == 1


def test_1_2_circuits_are_not_transpiled_and_not_changed(backend):
    qc = QuantumCircuit(1, 1)
    qc.id(0)
    qc.measure(0, 0)
    before = copy.deepcopy(qc)
    backend.run(qc).result()
    assert qc == before and qc.data[0].operation.name == "id"


def test_1_2_job_name(backend):
    assert backend.run(measured(), job_name="my run").name() == "my run"
    assert backend.run(measured()).name() is None


def test_1_2_job_share_level(backend):
    for level in ("global", "hub", "group", "project", "none"):
        assert backend.run(measured(), job_share_level=level).share_level() == level
    assert backend.run(measured()).share_level() == "none"


def test_1_2_job_tags(backend):
    job = backend.run(measured(), job_tags=["a", "b"])
    tags = job.tags()
    tags.append("c")
    assert job.tags() == ["a", "b"]
    assert backend.run(measured(), job_tags=[]).tags() == []


def test_1_2_experiment_id(backend):
    assert backend.run(measured(), experiment_id="E7").experiment_id == "E7"


def test_1_2_header(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = backend.run(measured(), header={"who": "me", "none": None, "backend_name": "mine"})
    header = job.result().header.to_dict()
    assert header["who"] == "me" and header["backend_name"] == "mine" and "none" not in header
    assert job.header() == header and header["backend_version"] == backend.configuration().backend_version
    assert backend.run(measured(), header=QobjHeader(a=1)).result().header.a == 1


def test_1_2_shots(backend, transmon):
    result = backend.run(measured(), shots=np.int64(17), memory=True).result()
    assert result.results[0].shots == 17 == sum(result.get_counts().values()) == len(result.get_memory())
    fresh = Backend(transmon, "memory")
    assert fresh.run(measured()).backend_options()["shots"] == 4000


def test_1_2_memory(backend):
    result = backend.run(measured(), memory=True).result()
    assert result.results[0].memory is True
    assert set(result.data()["memory"]) <= {"0x0", "0x1"} and len(result.data()["memory"]) == 50
    assert "memory" not in backend.run(measured(), memory=False).result().data()
    assert backend.run(measured(), memory=True, meas_level=1).result().get_memory().shape == (1,)


def test_1_2_qubit_lo_freq(backend, transmon):
    f = transmon.transmons[0].frequency
    flipped = measured(flip=True)
    on = backend.run(flipped, qubit_lo_freq=[f], shots=400)
    off = backend.run(flipped, qubit_lo_freq=[f + 200e6], shots=400)
    assert on.result().get_counts()["1"] > 300
    assert off.result().get_counts().get("1", 0) < 100
    assert off.backend_options()["qubit_lo_freq"] == [f + 200e6]
    assert backend.run(flipped, qubit_lo_freq=np.array([f])).backend_options()["qubit_lo_freq"] == [f]
    assert backend.run(flipped, qubit_lo_freq=[]).backend_options()["qubit_lo_freq"] == [f]


def test_1_2_meas_lo_freq(backend, transmon):
    f = transmon.resonators[0].frequency
    on, off = (
        backend.run(measured(), meas_lo_freq=[value], meas_level=1).result().get_memory()[0] for value in (f, f + 100e6)
    )
    assert abs(off) < 0.3 * abs(on)


def test_1_2_schedule_los(backend, transmon):
    f = transmon.transmons[0].frequency
    job = backend.run(schedule(), schedule_los=[{D0: f}, {D0: f + 1e6}, {D0: f - 1e6}])
    result = job.result()
    assert [r.metadata["qubit_lo_freq"] for r in result.results] == [[f], [f + 1e6], [f - 1e6]]
    assert job.backend_options()["schedule_los"][1].qubit_los == {D0: f + 1e6}


def test_1_2_meas_level(backend):
    for level in (0, 1, 2, MeasLevel.KERNELED, np.int64(2)):
        for item in (measured(), schedule()):
            assert backend.run(item, meas_level=level).result().results[0].meas_level == int(level)


def test_1_2_meas_return(backend):
    single = backend.run(measured(), meas_level=1, meas_return=MeasReturnType.SINGLE).result()
    assert single.results[0].meas_return == "single" and single.get_memory().shape == (50, 1)
    assert backend.run(measured(), meas_level=1).result().get_memory().shape == (1,)
    assert sum(backend.run(measured(), meas_return="single").result().get_counts().values()) == 50


def test_1_2_memory_slots(backend):
    result = backend.run(schedule(), memory_slots=3, memory=True).result()
    assert set(result.get_memory()) == {"000"} or set(result.get_memory()) <= {"000", "001"}
    assert backend.run(schedule(), memory_slots=3, meas_level=1).result().get_memory().shape == (3,)
    assert result.results[0].header.memory_slots == 3


def test_1_2_memory_slot_size(backend):
    for item in (measured(), schedule()):
        assert backend.run(item, meas_level=0, memory_slot_size=7).result().get_memory().shape == (1, 7)
    assert backend.run(measured(), meas_level=0).result().get_memory().shape == (1, 100)


def test_1_2_rep_time(fixed_rate, backend):
    assert fixed_rate.run(measured()).backend_options()["rep_time"] == pytest.approx(1000)
    assert fixed_rate.run(measured(), rep_time=5e-4).backend_options()["rep_time"] == pytest.approx(500)
    assert fixed_rate.run(measured(), rep_time=0.0).backend_options()["rep_time"] == pytest.approx(1000)
    with pytest.raises(IBMQBackendValueError, match="8029"):
        fixed_rate.run(measured(), rep_time=7e-4)
    with pytest.warns(RuntimeWarning, match="rep_delay"):
        job = backend.run(measured(), rep_time=1e-3)
    assert "rep_time" not in job.backend_options()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend.run(measured())


def test_1_2_rep_time_is_longer_than_the_circuit(fixed_rate):
    long = QuantumCircuit(1, 1)
    long.delay(int(2e-3 / fixed_rate.dt) // 16 * 16, 0)
    long.measure(0, 0)
    for circuits in (long, [long, measured(name=long.name)]):  # names may repeat
        with pytest.raises(IBMQBackendValueError, match="8020"):
            fixed_rate.run(circuits)


def test_1_2_rep_delay(backend, fixed_rate):
    assert backend.run(measured()).backend_options()["rep_delay"] == pytest.approx(250)
    assert backend.run(measured(), rep_delay=0).backend_options()["rep_delay"] == 0
    assert backend.run(measured(), rep_delay=500e-6).backend_options()["rep_delay"] == pytest.approx(500)
    with pytest.warns(RuntimeWarning, match="not supported"):
        job = fixed_rate.run(measured(), rep_delay=1e-6)
    assert "rep_delay" not in job.backend_options()


def test_1_2_init_qubits(backend, transmon):
    """Without reset a circuit of one x toggles the qubit from shot to shot."""
    job = backend.run(measured(flip=True), init_qubits=False, rep_delay=0.0, memory=True, shots=400)
    bits = np.array([int(b) for b in job.result().get_memory()])
    assert np.mean(bits[1:] != bits[:-1]) > 0.6
    assert job.backend_options()["init_qubits"] is False
    bits = np.array([int(b) for b in backend.run(measured(flip=True), memory=True, shots=400).result().get_memory()])
    assert np.mean(bits) > 0.7 and np.mean(bits[1:] != bits[:-1]) < 0.4


def test_1_2_parameter_binds(backend):
    a = Parameter("a")
    circuits = []
    for name in ("p", "q"):
        qc = QuantumCircuit(1, 1, name=name)
        qc.sx(0)
        qc.rz(a, 0)
        qc.sx(0)
        qc.measure(0, 0)
        circuits.append(qc)
    result = backend.run(circuits, parameter_binds=[{a: 0.0}, {a: np.pi}], shots=200).result()
    ones = [result.get_counts(i).get("1", 0) for i in range(4)]
    assert ones[0] > 150 and ones[2] > 150 and ones[1] < 50 and ones[3] < 50
    assert [r.header.name for r in result.results] == ["p-0", "p-1", "q-0", "q-1"]
    assert backend.run(measured(), parameter_binds=[{}]).result().success


def test_1_2_parameter_binds_apply_to_schedules(backend):
    a = Parameter("a")
    qc = QuantumCircuit(1, 1)
    qc.rz(a, 0)
    qc.measure(0, 0)
    result = backend.run([qc, schedule()], parameter_binds=[{a: 0.0}, {a: 1.0}]).result()
    assert len(result.results) == 4


def test_1_2_use_measure_esp(esp, backend):
    esp_of = lambda job: job.result().results[0].metadata["measure_esp"]  # noqa: E731
    job = esp.run(measured(flip=True))
    assert esp_of(job) == {"0": True} and job.backend_options()["use_measure_esp"] is True
    job = esp.run(measured(flip=True), use_measure_esp=False)
    assert esp_of(job) == {"0": False} and job.backend_options()["use_measure_esp"] is False
    job = esp.run(schedule())
    assert esp_of(job) == {"0": False} and job.backend_options()["use_measure_esp"] is False
    with pytest.warns(PulsekitWarning, match="does not apply to schedules"):
        job = esp.run(schedule(), use_measure_esp=True)
    assert esp_of(job) == {"0": False} and job.backend_options()["use_measure_esp"] is False
    mixed = esp.run([schedule(), measured(flip=True)])
    assert [r.metadata["measure_esp"] for r in mixed.result().results] == [{"0": False}, {"0": True}]
    assert mixed.backend_options()["use_measure_esp"] is True
    with pytest.raises(IBMQBackendValueError, match="8037"):
        backend.run(measured(), use_measure_esp=True)


def test_1_2_use_measure_esp_needs_reset_qubits(esp):
    assert esp.run(measured(), init_qubits=False).backend_options()["use_measure_esp"] is False
    with pytest.raises(IBMQBackendValueError, match="init_qubits"):
        esp.run(measured(), init_qubits=False, use_measure_esp=True)


def test_1_2_use_measure_esp_at_level_1_warns_once(esp):
    with pytest.warns(PulsekitWarning, match="ESP") as caught:
        esp.run(measured(), meas_level=1)
    assert len([w for w in caught if "ESP" in str(w.message)]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        esp.run(measured(), meas_level=1, use_measure_esp=False)


def test_1_2_live_data_enabled(backend):
    job = backend.run(measured(flip=True), live_data_enabled=True, meas_level=1)
    packets = list(job.live_data(timeout=30))
    assert packets and packets[-1]["total_rounds"] >= 1
    channel = packets[-1]["a0"]
    assert set(channel) >= {"avgLevel0", "avgLevel1", "rounds"}
    final = job.result().get_memory()[0]
    assert complex(*channel["avgLevel1"][0]) == pytest.approx(final, rel=1e-6)
    late = []
    job.on_live_data(late.append)  # the job is over: what came is told all the same
    assert late == packets
    assert list(backend.run(measured()).live_data(timeout=30)) == []


def test_1_2_run_config(backend):
    with pytest.warns(UserWarning, match="foo is not a recognized"):
        job = backend.run(measured(), foo="foo", seed_simulator=5)
    assert job.backend_options()["foo"] == "foo" and job.backend_options()["seed_simulator"] == 5


def test_1_1_keyword_goes_before_option_before_default(transmon):
    backend = Backend(transmon, "memory", shots=10)
    assert backend.run(measured()).backend_options()["shots"] == 10
    backend.set_options(shots=20)
    assert backend.run(measured()).backend_options()["shots"] == 20
    assert backend.run(measured(), shots=30).backend_options()["shots"] == 30
    assert backend.run(measured(), shots=None).backend_options()["shots"] == 20
    backend.options.shots = 40
    assert backend.run(measured()).backend_options()["shots"] == 40
    backend.set_options(shots=None)
    assert backend.options.shots == 4000


def test_1_1_schedule_los_option_is_cancelled_by_an_empty_list(transmon):
    f = transmon.transmons[0].frequency
    backend = Backend(transmon, "memory", shots=5, schedule_los=[{D0: f}, {D0: f + 1e6}])
    assert len(backend.run(schedule()).result().results) == 2
    assert len(backend.run(schedule(), schedule_los=[]).result().results) == 1
    assert len(backend.run(schedule(), schedule_los={}).result().results) == 1


def test_1_1_unknown_options(transmon):
    backend = Backend(transmon, "memory", shots=5)
    with pytest.raises(AttributeError, match="'colour'"):
        backend.set_options(colour="red")
    with pytest.raises(ValueError, match="shots"):
        backend.set_options(shots=0)
    backend.options.colour = "red"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend.run(measured()).backend_options()["colour"] == "red"


def test_1_1_functional_unknown_keywords(backend, transmon):
    f = transmon.transmons[0].frequency
    with pytest.warns(UserWarning, match="qubit_lo_range"), pytest.raises(Exception, match="8000"):
        backend.run(measured(), qubit_lo_freq=[f + 50e6], qubit_lo_range=[[f - 1e6, f + 1e6]])
    with pytest.warns(UserWarning, match="qobj_id"):
        assert backend.run(measured(), qobj_id="mine").result().qobj_id == "mine"


def test_0_1_event_and_immediate_return(backend):
    from qiskit.tools.events.pubsub import Subscriber

    seen = []
    subscriber = Subscriber()
    subscriber.subscribe("ibmq.job.start", seen.append)
    job = backend.run(measured())
    assert seen == [job]


def test_8_binds_apply_to_schedules_and_blocks(backend):
    """Alone, and beside circuits: m x n results, all points of the first experiment first."""
    a = Parameter("a")
    shape = pulse.Drag(160, a, 40, -1.0)
    measure = backend.instruction_schedule_map.get("measure", [0])
    played = Schedule((0, pulse.Play(shape, D0)), (160, measure), name="schedule")
    with pulse.build(backend, name="block", default_alignment="sequential") as block:
        pulse.play(shape, D0)
        pulse.call(measure)
    circuit = QuantumCircuit(1, 1, name="circuit")
    circuit.append(Gate("mine", 1, [a]), [0])
    circuit.add_calibration("mine", [0], Schedule((0, pulse.Play(shape, D0))), [a])
    circuit.measure(0, 0)
    fixed = Schedule((0, measure), name="fixed")
    job = backend.run([circuit, block, played, fixed], parameter_binds=[{a: 0.0}, {a: 0.2}], shots=300)
    result = job.result()
    assert [r.header.name for r in result.results] == [
        f"{name}-{k}" for name in ("circuit", "block", "schedule") for k in (0, 1)
    ] + ["fixed"] * 2
    flipped = [result.get_counts(i).get("1", 0) > 150 for i in range(8)]
    assert flipped == [False, True] * 3 + [False] * 2
    assert [c.name for c in job.circuits()] == [r.header.name for r in result.results]
    assert len(backend.run(played, parameter_binds=[{a: 0.1}] * 3, shots=1).result().results) == 3
    batch = pulsekit.compile([circuit, block], backend, parameter_binds=[{a: 0.0}, {a: 0.2}])
    again = backend.run(batch, shots=300).result()
    assert [again.get_counts(i).get("1", 0) > 150 for i in range(4)] == [False, True] * 2
