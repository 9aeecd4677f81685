"""Table 4.2 of the contract: the surface of a job."""

from __future__ import annotations

import io
import pickle
import sys
import threading
from datetime import datetime

import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.providers import JobV1
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.providers.jobstatus import JobStatus
from qiskit.pulse import AcquireChannel, DriveChannel, MemorySlot, Schedule
from qiskit.tools import job_monitor

from pulsekit.backend import (
    Backend,
    IBMQJobFailureError,
    IBMQJobInvalidStateError,
    IBMQJobTimeoutError,
    QueueInfo,
)
from pulsekit.backend import job_monitor as provider_monitor
from pulsekit.backend import work as work_module
from pulsekit.errors import CancelledError, ExecutionError
from pulsekit.store import Identity, open_store


@pytest.fixture
def gate(monkeypatch):
    """Hold every job at its start until the gate opens."""
    opened = threading.Event()
    real = work_module.execute

    def held(batch, device, settings, *, progress=None, cancel=None, live=None):
        while not opened.wait(0.01):
            if cancel.is_set():
                raise CancelledError("cancelled")
        return real(batch, device, settings, progress=progress, cancel=cancel, live=live)

    monkeypatch.setattr(work_module, "execute", held)
    yield opened
    opened.set()


@pytest.fixture
def broken_later(monkeypatch, gate):
    """Let experiments named "bad" fail."""
    held = work_module.execute

    def picky(batch, *args, **keywords):
        if batch.headers[0]["name"] == "bad":
            raise ExecutionError("It broke.", code=8999)
        return held(batch, *args, **keywords)

    monkeypatch.setattr(work_module, "execute", picky)


@pytest.fixture
def own(transmon, tmp_path):
    """A backend with a store of its own on disk."""
    return Backend(transmon, open_store(tmp_path), shots=20, seed_simulator=1)


@pytest.fixture
def broken(monkeypatch):
    def fails(*args, **kwargs):
        raise ExecutionError("The simulated fridge must be cold, but it is warm.", code=8999)

    monkeypatch.setattr(work_module, "execute", fails)


def test_4_2_job_id_and_backend(backend):
    jobs = [backend.run(measured()) for _ in range(3)]
    assert len({j.job_id() for j in jobs}) == 3 and all(isinstance(j.job_id(), str) for j in jobs)
    assert jobs[0].backend() is backend and isinstance(jobs[0], JobV1)


def test_4_2_status_is_truthful(own, gate):
    first, second = own.run(measured()), own.run(measured())
    for _ in range(200):
        if first.status() is JobStatus.RUNNING:
            break
        threading.Event().wait(0.01)
    assert first.status() is JobStatus.RUNNING and first.running() and not first.in_final_state()
    assert second.status() is JobStatus.QUEUED
    gate.set()
    second.wait_for_final_state(timeout=30)
    assert first.status() is second.status() is JobStatus.DONE
    assert first.done() and first.in_final_state() and not first.cancelled()


def test_4_2_run_returns_before_the_simulation(own, gate):
    job = own.run(measured())
    assert not job.in_final_state()


def test_4_2_queue_position_and_info(own, gate):
    jobs = [own.run(measured()) for _ in range(3)]
    while jobs[0].status() is not JobStatus.RUNNING:
        threading.Event().wait(0.01)
    assert [j.queue_position() for j in jobs] == [None, 1, 2]
    info = jobs[2].queue_info()
    assert isinstance(info, QueueInfo) and info.position == 2 and 0 < info.hub_priority <= 1
    assert str(info.position) in info.format() and jobs[2].job_id() in repr(info)
    assert jobs[0].queue_info() is None
    gate.set()


def test_4_2_result(own):
    job = own.run(measured())
    result = job.result()
    assert job.result() is result
    result.results[0].data.counts["0x0"] = -1
    assert job.result().data()["counts"]["0x0"] == -1
    assert job.result(refresh=True).data()["counts"]["0x0"] != -1


def test_4_2_result_timeout(own, gate):
    job = own.run(measured())
    with pytest.raises(IBMQJobTimeoutError) as caught:
        job.result(timeout=0.05)
    assert isinstance(caught.value, JobTimeoutError)
    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(timeout=0.05)


def test_4_2_result_of_a_failed_job(own, broken):
    job = own.run(measured())
    with pytest.raises(IBMQJobFailureError, match=r"fridge.*Error code: 8999\."):
        job.result()
    with pytest.raises(IBMQJobFailureError):
        job.result(partial=True)
    assert job.status() is JobStatus.ERROR and "ERROR_RUNNING_JOB" in job.time_per_step()


def test_4_2_error_message(own, broken):
    assert own.run(measured()).error_message() == (
        "The simulated fridge must be cold, but it is warm. Error code: 8999."
    )


def test_4_2_error_message_and_partial_results_per_experiment(own, monkeypatch):
    """One bad experiment of three: the others are there for who asks."""
    from pulsekit.backend import partial

    real = work_module.execute

    def picky(batch, device, settings, **keywords):
        if any(h["name"] == "bad" for h in batch.headers):
            raise ExecutionError("It broke.", code=8999)
        return real(batch, device, settings, **keywords)

    monkeypatch.setattr(work_module, "execute", picky)
    monkeypatch.setattr(partial, "execute", picky)
    job = own.run([measured(name="a"), measured(name="bad"), measured(name="c")])
    assert job.error_message() == "Experiment 1: It broke. Error code: 8999."
    with pytest.raises(IBMQJobFailureError, match="Experiment 1"):
        job.result()
    for found in (job, own.retrieve_job(job.job_id())):
        result = found.result(partial=True)
        assert not result.success and [r.success for r in result.results] == [True, False, True]
        assert sum(result.get_counts("c").values()) == 20


def test_4_2_error_message_is_none_without_an_error(own):
    assert own.run(measured()).error_message() is None


def test_4_2_internal_errors_end_the_job_not_the_worker(own, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(work_module, "execute", lambda *a, **k: 1 / 0)
        job = own.run(measured())
        assert "ZeroDivisionError" in job.error_message()
    assert own.run(measured()).result().success


def test_4_2_cancel_a_queued_job(own, gate):
    first, second = own.run(measured()), own.run(measured())
    assert second.cancel() and second.status() is JobStatus.CANCELLED and second.cancelled()
    with pytest.raises(IBMQJobInvalidStateError):
        second.result()
    gate.set()
    assert first.result().success and not first.cancel() and not second.cancel()


def test_4_2_cancel_a_running_job(own, gate):
    job = own.run(measured())
    while job.status() is not JobStatus.RUNNING:
        threading.Event().wait(0.01)
    assert job.cancel() and job.status() is JobStatus.CANCELLED
    assert own.retrieve_job(job.job_id()).status() is JobStatus.CANCELLED


def test_4_2_wait_for_final_state_calls_back(own, gate):
    seen = []

    def callback(job_id, status, job, queue_info=None):
        seen.append((job_id, status, queue_info))
        if len(seen) == 3:
            gate.set()

    job = own.run(measured())
    assert job.wait_for_final_state(wait=0.01, callback=callback) is None
    assert len(seen) >= 3 and all(j == job.job_id() and s is not JobStatus.DONE for j, s, _ in seen)


def test_4_2_wait_for_final_state_calls_back_on_changes_only(own, gate):
    seen = []
    threading.Timer(0.7, gate.set).start()
    job = own.run(measured())
    job.wait_for_final_state(callback=lambda job_id, status, job, queue_info=None: seen.append((status, queue_info)))
    assert 1 <= len(seen) <= 2 and len(set(map(str, seen))) == len(seen)


def test_4_2_creation_date_and_time_per_step(own):
    before = datetime.now().astimezone()
    job = own.run(measured())
    job.result()
    assert before <= job.creation_date() <= datetime.now().astimezone()
    steps = job.time_per_step()
    order = ["CREATING", "VALIDATING", "VALIDATED", "QUEUED", "RUNNING", "COMPLETED"]
    assert [steps[s] for s in order] == sorted(steps[s] for s in order)
    assert all(when.tzinfo is not None for when in steps.values())


def test_callbacks_are_functions(own):
    job = own.run(measured())
    for call in (job.on_live_data, lambda callback: job.wait_for_final_state(callback=callback)):
        with pytest.raises(TypeError, match="`callback` must be a function, but 3 came"):
            call(3)


def test_4_2_name(own):
    job = own.run(measured(), job_name="a")
    assert job.update_name("b") == "b" == own.retrieve_job(job.job_id()).name()
    assert job.update_name("") == "" == job.name()
    for bad in (3, None, "a\0b", "a\ud800"):
        with pytest.raises(IBMQJobInvalidStateError, match="`name`"):
            job.update_name(bad)
    assert job.name() == ""


def test_4_2_tags(own):
    job = own.run(measured(), job_tags=["a", "ibmq_jobset_1"])
    assert set(job.update_tags(additional_tags=["b"])) == {"a", "b", "ibmq_jobset_1"}
    assert set(job.update_tags(["c", "d"], ["e"], ["d"])) == {"c", "e", "ibmq_jobset_1"}
    assert job.update_tags(removal_tags=["nothing", "ibmq_jobset_1"]) == job.tags()
    assert job.update_tags(replacement_tags=[]) == ["ibmq_jobset_1"] == own.retrieve_job(job.job_id()).tags()
    for bad in ({}, {"additional_tags": "x"}, {"replacement_tags": ["a", 1]}, {"additional_tags": ["\ud800"]}):
        with pytest.raises(IBMQJobInvalidStateError):
            job.update_tags(**bad)


def test_4_2_share_level(own):
    assert own.run(measured(), job_share_level="project").share_level() == "project"


def test_4_2_experiment_id_and_client_version_are_properties(own):
    job = own.run(measured(), experiment_id="e")
    assert job.experiment_id == "e" and "pulsekit" in job.client_version


def test_4_2_scheduling_mode(own, gate):
    first, second = own.run(measured()), own.run(measured())
    assert second.scheduling_mode() is None
    gate.set()
    second.result()
    assert first.scheduling_mode() == second.scheduling_mode() == "fairshare"


def test_4_2_properties(own):
    job = own.run(measured())
    job.result()
    again = own.retrieve_job(job.job_id()).properties()
    assert again.to_dict() == own.properties().to_dict()


def test_4_2_circuits_backend_options_header(own):
    qc = measured(flip=True, metadata={"m": 1})
    sched = Schedule(
        (0, pulse.Play(pulse.Drag(160, 0.1 + 0.05j, 40, 2.0), DriveChannel(0))),
        (160, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0))),
        name="mine",
        metadata={"p": 2},
    )
    job = own.run([qc, sched], header={"h": 1})
    job.result()
    for found in (job, own.retrieve_job(job.job_id())):
        circuits = found.circuits()
        assert circuits == [qc, sched]
        assert circuits[0].metadata == {"m": 1} and circuits[1].metadata == {"p": 2} and circuits[1].name == "mine"
        options = found.backend_options()
        keys = "shots memory meas_level init_qubits use_measure_esp memory_slots parametric_pulses n_qubits".split()
        assert set(keys) <= set(options) and options["shots"] == 20
        assert found.header() == {"backend_name": own.name(), "backend_version": own.backend_version, "h": 1}
        assert found.qobj() is None


def test_4_2_circuits_are_repeated_as_they_ran(own, transmon):
    f = transmon.transmons[0].frequency
    for item in (measured(), Schedule((0, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0))), name="s")):
        job = own.run(item, schedule_los=[{DriveChannel(0): f}, {DriveChannel(0): f + 1e6}])
        assert job.circuits() == [item, item]


def test_4_2_circuits_do_not_follow_later_changes(own):
    qc = measured(flip=True)
    job = own.run(qc)
    qc.x(0)
    assert len(job.circuits()[0].data) == 2


def test_4_2_submit(own):
    with pytest.raises(NotImplementedError):
        own.run(measured()).submit()


def test_4_2_refresh(own):
    job = own.run(measured(), job_name="a")
    other = own.retrieve_job(job.job_id())
    other.update_name("b")
    job.refresh()
    assert job.name() == "b"


def test_4_2_pickling(own):
    job = own.run(measured())
    counts = job.result().get_counts()
    again = pickle.loads(pickle.dumps(job))
    assert again.job_id() == job.job_id() and again.result().get_counts() == counts


def test_4_6_job_monitor(own, capsys):
    job_monitor(own.run(measured()), interval=1, output=sys.stdout)
    assert "job has successfully run" in capsys.readouterr().out


def test_4_6_job_monitor_of_the_provider(own, gate, broken_later):
    """It shows the place in the queue, the mode, and how the job ended."""
    first, second = own.run(measured()), own.run(measured(name="bad"))
    while first.status() is not JobStatus.RUNNING:
        threading.Event().wait(0.01)
    outputs = {}

    def monitor(job):
        outputs[job] = io.StringIO()
        provider_monitor(job, interval=0.05, output=outputs[job])

    threads = [threading.Thread(target=monitor, args=(job,)) for job in (first, second)]
    for thread in threads:
        thread.start()
    while len(outputs) < 2 or not all(o.getvalue() for o in outputs.values()):
        threading.Event().wait(0.01)
    gate.set()
    for thread in threads:
        thread.join()
    shown = [[m.strip() for m in outputs[job].getvalue().split("\rJob Status: ")] for job in (first, second)]
    assert shown[0] == ["", "RUNNING - fairshare", "job has successfully run"]
    assert shown[1][1] == "job is queued (1) [Est. wait time: unknown]"
    assert shown[1][-1] == "ERROR - It broke. Error code: 8999."


def test_results_come_back_from_the_store(own):
    for level in (0, 1, 2):
        job = own.run([measured(), measured(flip=True)], meas_level=level, memory=True, meas_return="single")
        here, there = job.result(), own.retrieve_job(job.job_id()).result()
        assert here.to_dict() == there.to_dict()


def test_jobs_of_others_cannot_be_changed(own):
    job = own.run(measured(), job_share_level="global")
    job.result()
    guest = Backend(own.device, own.store, identity=Identity("guest"))
    theirs = guest.retrieve_job(job.job_id())
    assert theirs.result().success and not theirs.cancel()
    with pytest.raises(IBMQJobInvalidStateError, match="own"):
        theirs.update_name("mine")


def test_jobs_that_mix_metadata_json_cannot_keep(own):
    """The result of this process has the metadata as they are."""
    qc = QuantumCircuit(1, 1, metadata={"c": 1 + 2j})
    qc.measure(0, 0)
    job = own.run(qc)
    assert job.result().results[0].header.metadata == {"c": 1 + 2j}
    assert own.retrieve_job(job.job_id()).result().results[0].header.metadata == {"c": [1.0, 2.0]}
    odd = QuantumCircuit(1, 1, metadata={"t": {(0, 1): object}})
    odd.measure(0, 0)
    job = own.run(odd)
    assert job.result().success and job.circuits()[0] == odd


@pytest.mark.parametrize("late", [False, True])
def test_a_live_data_callback_may_cancel_its_job(own, late):
    """From the thread that runs the job, or from the one that asks late and is told what came already."""
    job = own.run(measured(), shots=200_000, meas_level=0, live_data_enabled=True)
    if late:
        next(job.live_data(timeout=60))
    seen = []

    def enough(packet):
        seen.append(packet["a0"]["rounds"])
        if len(seen) == 1:
            assert job.cancel()

    job.on_live_data(enough)
    with pytest.raises(IBMQJobInvalidStateError):
        job.result(timeout=60)
    assert job.status() is JobStatus.CANCELLED and 1 <= len(seen) < 10
