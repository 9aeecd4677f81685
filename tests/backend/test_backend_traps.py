"""Section 6 of the contract: the 30 surprises, each resolved as it says."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit.pulse import AcquireChannel, DriveChannel, MemorySlot, Schedule

from pulsekit.backend import Backend
from pulsekit.device import Device

D0 = DriveChannel(0)


def schedule(name="s", qubit=0, slot=0):
    return Schedule((0, pulse.Acquire(1600, AcquireChannel(qubit), MemorySlot(slot))), name=name)


def test_6_1_default_shots_are_at_most_max_shots(transmon):
    few = Backend(transmon.replace(limits=replace(transmon.limits, max_shots=100)), "memory")
    assert few.run(measured()).backend_options()["shots"] == 100
    assert few.run(measured(), shots=200).backend_options()["shots"] == 200
    with pytest.raises(QiskitError, match="1103"):
        few.run(measured(), shots=200, limits="device")
    few.set_options(shots=4000)
    assert few.run(measured()).backend_options()["shots"] == 4000


def test_6_2_shots_below_one_are_refused(backend):
    for shots in (0, -1, True):
        with pytest.raises(QiskitError):
            backend.run(measured(), shots=shots)


def test_6_3_level_0_of_circuits_is_honoured(backend):
    assert backend.run(measured(), meas_level=0).result().results[0].meas_level == 0
    with pytest.raises(QiskitError, match="8009"):
        backend.run(measured(), meas_level=4)


def test_6_4_memory_slots_pad_and_never_truncate(backend):
    counts = backend.run(measured(flip=True), memory_slots=3, shots=200).result().get_counts()
    assert counts.most_frequent() == "00 1"  # the circuit's register keeps its place
    with pytest.raises(QiskitError, match="memory_slots"):
        backend.run(schedule(slot=3), memory_slots=2)


def test_6_5_rep_time_keeps_its_value(fixed_rate):
    assert fixed_rate.run(measured(), rep_time=5e-4).result().metadata["rep_time"] == 5e-4


def test_6_6_options_are_honoured(transmon):
    esp = Backend(transmon.replace(measure_esp_enabled=True), "memory", shots=5, use_measure_esp=False)
    assert esp.run(measured()).backend_options()["use_measure_esp"] is False
    live = Backend(transmon, "memory", shots=5, live_data_enabled=True)
    assert list(live.run(measured(), meas_level=1).live_data(timeout=30))


def test_6_7_drive_only_sweep_of_a_circuit(backend, transmon):
    f = transmon.transmons[0].frequency
    result = backend.run(measured(), schedule_los=[{D0: f + k * 1e6} for k in range(3)]).result()
    assert len(result.results) == 3


def test_6_8_lo_lists_of_a_wrong_length(pair):
    with pytest.raises(QiskitError, match="one frequency per qubit"):
        pair.run(measured(), qubit_lo_freq=[5e9])


def test_6_9_one_entry_changes_the_job_level(backend, transmon):
    f = transmon.transmons[0].frequency + 1e6
    job = backend.run([schedule("a"), schedule("b")], schedule_los={D0: f})
    assert job.backend_options()["qubit_lo_freq"] == [f]


def test_6_10_copies_of_a_sweep_share_a_name(backend, transmon):
    f = transmon.transmons[0].frequency
    result = backend.run(schedule("only"), schedule_los=[{D0: f}, {D0: f + 1e6}]).result()
    assert result.get_counts(0) and result.get_counts(1)
    with pytest.warns(UserWarning, match="multiple"):
        result.get_counts("only")


def test_6_11_bound_circuits_are_found_by_number_and_metadata(backend):
    a = Parameter("a")
    qc = QuantumCircuit(1, 1, name="p", metadata={"tag": 5})
    qc.rz(a, 0)
    qc.measure(0, 0)
    result = backend.run(qc, parameter_binds=[{a: 0.0}, {a: 1.0}]).result()
    names = [r.header.name for r in result.results]
    assert len(set(names)) == 2 and all(n.startswith("p-") for n in names)
    assert [r.header.metadata for r in result.results] == [{"tag": 5}] * 2


def test_6_12_none_never_resets_an_option(transmon):
    backend = Backend(transmon, "memory", shots=9, memory=True)
    assert len(backend.run(measured(), shots=None, memory=None).result().get_memory()) == 9


def test_6_13_header_gives_no_spurious_warning(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = backend.run(measured(), header={"backend_name": "mine"})
    assert job.result().header.backend_name == "mine"


def test_6_14_run_does_not_change_circuits(backend):
    qc = QuantumCircuit(1, 1)
    qc.id(0)
    qc.measure(0, 0)
    backend.run(qc).result()
    assert [i.operation.name for i in qc.data] == ["id", "measure"]


def test_6_15_memory_of_two_slots_is_real_pairs(pair):
    qc = QuantumCircuit(2, 2)
    qc.measure([0, 1], [0, 1])
    data = pair.run(qc, meas_level=1).result().data()["memory"]
    assert np.shape(data) == (2, 2) and not np.iscomplexobj(np.asarray(data))


def test_6_16_meas_level_is_set(backend):
    for level in (0, 1, 2):
        assert backend.run(measured(), meas_level=level).result().results[0].meas_level == level


def test_6_17_restless_order_is_circuit_first(backend):
    """Shots of [x, id] follow each other: circuit 2 starts where circuit 1 of the same shot ended."""
    idle = QuantumCircuit(1, 1)
    idle.measure(0, 0)
    flip = QuantumCircuit(1, 1)
    flip.x(0)
    flip.measure(0, 0)
    job = backend.run([flip, idle], init_qubits=False, rep_delay=0.0, memory=True, shots=400)
    result = job.result()
    one, two = (np.array([int(b) for b in result.get_memory(i)]) for i in (0, 1))
    assert np.mean(one == two) > 0.65  # idle repeats what the flip before it left
    assert np.mean(one[1:] == two[:-1]) < 0.35  # the next flip inverts it
    assert job.backend_options()["use_measure_esp"] is False


def test_6_18_conditions_are_refused(backend):
    qc = measured()
    qc.x(0).c_if(0, 1)
    with pytest.raises(QiskitError, match="condition"):
        backend.run(qc)


def test_6_18_groups_are_aligned(pair):
    """measure q0; x q0; measure q1 runs: members of a group start together."""
    qc = QuantumCircuit(2, 2)
    qc.measure(0, 0)
    qc.x(0)
    qc.measure(1, 1)
    assert pair.run(qc).result().success


def test_6_19_headers_come_from_the_circuit(backend):
    qc = QuantumCircuit(1, 4)
    qc.measure(0, 3)
    result = backend.run(qc, shots=300).result()
    assert all(len(k) == 4 for k in result.get_counts()) and result.results[0].header.creg_sizes == [["c", 4]]
    qc = QuantumCircuit(1, 4)
    qc.x(0)
    qc.measure(0, 3)
    assert backend.run(qc, shots=300).result().get_counts().most_frequent() == "1000"


def test_6_21_units(backend, fixed_rate):
    c = backend.configuration()
    assert c.dt < 1e-9 and c.rep_delay_range[1] < 1e-3 and c.qubit_lo_range[0][0] > 1e9
    assert backend.run(measured(), rep_delay=1e-4).backend_options()["rep_delay"] == pytest.approx(100)
    assert fixed_rate.configuration().rep_times == pytest.approx([1e-3, 5e-4])


def test_6_22_rep_delay_zero_is_valid_and_rep_time_zero_is_unset(backend, fixed_rate):
    assert backend.run(measured(), rep_delay=0).result().metadata["rep_delay"] == 0
    assert fixed_rate.run(measured(), rep_time=0).result().metadata["rep_time"] == 1e-3


def test_6_25_level_1_is_averaged_by_default(backend):
    assert backend.run(measured(), meas_level=1).result().get_memory().shape == (1,)


def test_6_27_leaked_levels_read_as_one(transmon):
    """A qubit in level 2 reads as 1."""
    backend = Backend(transmon, "memory", shots=400, seed_simulator=3)
    alpha = transmon.transmons[0].anharmonicity
    x = backend.instruction_schedule_map.get("x", 0)
    pi12 = backend.instruction_schedule_map.get("x12", 0)
    measure = backend.instruction_schedule_map.get("measure", 0)
    made = x.insert(x.duration, pi12)
    made = made.insert(made.duration, measure)
    assert alpha < 0
    counts = backend.run(made).result().get_counts()
    assert set(counts) <= {"0", "1"} and counts.get("1", 0) > 200


def test_6_28_the_average_is_the_mean_of_single_shots(backend):
    single = backend.run(measured(flip=True), meas_level=1, meas_return="single").result().get_memory()
    avg = backend.run(measured(flip=True), meas_level=1).result().get_memory()
    assert avg == pytest.approx(single.mean(axis=0), rel=1e-9)


def test_6_29_no_memory_slot_is_needed(backend):
    qc = QuantumCircuit(1)
    qc.x(0)
    assert backend.run(qc).result().success


def test_6_30_los_of_circuits_do_not_depend_on_open_pulse(backend, transmon):
    f = transmon.transmons[0].frequency
    job = backend.run(measured(), schedule_los={D0: f + 1e6})
    assert job.backend_options()["meas_lo_freq"] == [transmon.resonators[0].frequency]


def test_8_quotas_are_lifted_by_default(backend):
    job = backend.run([measured()] * 301, shots=1)
    assert len(job.result().results) == 301


def test_8_reset_is_an_instruction(backend):
    qc = QuantumCircuit(1, 1)
    qc.x(0)
    qc.reset(0)
    qc.measure(0, 0)
    assert backend.run(qc, shots=400).result().get_counts().most_frequent() == "0"


def test_8_noise_can_be_switched_off():
    short = Device.transmon(t1=20e-6, t2=20e-6)
    backend = Backend(short, "memory", shots=500, seed_simulator=4)
    qc = QuantumCircuit(1, 1)
    qc.x(0)
    qc.delay(int(40e-6 / backend.dt) // 16 * 16, 0)
    qc.measure(0, 0)
    noisy = backend.run(qc).result().get_counts().get("1", 0)
    quiet = backend.run(qc, noise=False).result().get_counts().get("1", 0)
    assert noisy < 200 < quiet


def test_8_frequency_scope(backend, transmon):
    """A gate that leaves its channel detuned does not detune the next gate, a schedule does."""
    with pulse.build(name="shift") as shift:
        pulse.shift_frequency(150e6, D0)
        pulse.delay(16, D0)
    qc = QuantumCircuit(1, 1)
    from qiskit.circuit import Gate

    qc.append(Gate("shift", 1, []), [0])
    qc.add_calibration("shift", [0], shift)
    qc.x(0)
    qc.measure(0, 0)
    ones = {
        scope: backend.run(qc, frequency_scope=scope, shots=300).result().get_counts().get("1", 0)
        for scope in (None, "gate", "program")
    }
    assert ones[None] == ones["gate"] > 200 and ones["program"] < 100


def test_6_23_operators_and_status_lists(backend):
    """The operator is judged only with tags; a status list must be a list."""
    assert isinstance(backend.jobs(job_tags_operator="nonsense", limit=1), list)
    with pytest.raises(ValueError):
        backend.jobs(job_tags=["a"], job_tags_operator="nonsense")
    with pytest.raises(ValueError):
        backend.jobs(status=("DONE",))


def test_6_24_error_message_blocks_and_cancel_refuses_quietly(backend):
    job = backend.run(measured())
    assert job.error_message() is None and job.in_final_state()
    assert job.cancel() is False
    seen = []
    job.wait_for_final_state(callback=lambda job_id, status, job, queue_info=None: seen.append(status))
    assert seen == []  # never called for the final state


def test_6_26_time_taken_of_counts_is_the_headers(backend):
    job = backend.run(measured())
    assert job.result().get_counts().time_taken is None and job.result().time_taken > 0
