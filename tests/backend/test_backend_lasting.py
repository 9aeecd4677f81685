"""Jobs survive their process; many threads may submit at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.providers.jobstatus import JobStatus
from qiskit.pulse import DriveChannel, LoConfig, MeasureChannel, Schedule

from pulsekit.backend import Backend, runner
from pulsekit.backend.ownership import is_gone, this_process
from pulsekit.backend.runner import flush
from pulsekit.device import Device
from pulsekit.store import open_store

D0 = DriveChannel(0)

CRASH = """
import os, sys, time
from qiskit import QuantumCircuit
from pulsekit.backend import Backend, work
from pulsekit.backend.runner import flush
from pulsekit.device import Device
work.execute = lambda *a, **k: time.sleep(60)
backend = Backend(Device.transmon(), sys.argv[1], shots=200, memory=True)
qc = QuantumCircuit(1, 1)
qc.sx(0)
qc.measure(0, 0)
jobs = [backend.run(qc, seed_simulator=31), backend.run(qc, seed_simulator=32)]
flush()
while jobs[0].status().name != "RUNNING":
    time.sleep(0.01)
print(*[j.job_id() for j in jobs], flush=True)
os._exit(9)
"""

YESTERDAY = """
import sys
from qiskit import QuantumCircuit
from pulsekit.backend import Backend
from pulsekit.device import Device
backend = Backend(Device.transmon(), sys.argv[1], shots=200, memory=True)
qc = QuantumCircuit(1, 1)
qc.sx(0)
qc.measure(0, 0)
print(backend.run(qc, job_name="yesterday", seed_simulator=31).job_id(), flush=True)
"""


def in_another_process(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def expected():
    """The bits of the job with seed 31, run here."""
    qc = QuantumCircuit(1, 1)
    qc.sx(0)
    qc.measure(0, 0)
    backend = Backend(Device.transmon(), "memory", shots=200, memory=True)
    return [backend.run(qc, seed_simulator=s).result().get_memory() for s in (31, 32)]


def test_a_new_process_finds_yesterdays_jobs(tmp_path, expected):
    """A script that ends at once has its job done all the same."""
    (job_id,) = in_another_process(YESTERDAY, tmp_path)
    backend = Backend(Device.transmon(), tmp_path)
    (job,) = backend.jobs(job_name="yester")
    assert job.job_id() == job_id and job.status() is JobStatus.DONE
    assert job.result().get_memory() == expected[0]


def test_interrupted_jobs_run_again_with_their_seed_once(tmp_path, expected):
    ids = in_another_process(CRASH, tmp_path)
    backend = Backend(Device.transmon(), tmp_path)
    jobs = [backend.retrieve_job(i) for i in ids]
    assert [j.result(timeout=60).get_memory() for j in jobs] == expected
    assert backend.store.get(ids[0]).attempts == 2


def _los(f):
    return [{DriveChannel(0): f}, LoConfig({DriveChannel(0): f + 1e6, MeasureChannel(0): 7.001e9}), None]


THETA = Parameter("theta")
KEYWORDS = {
    "LO entries": {"schedule_los": _los(5e9)},
    "LO lists": {"qubit_lo_freq": np.array([5.001e9]), "meas_lo_freq": (7e9,)},
    "ranges": {"qubit_lo_range": [[4e9, 6e9]], "qubit_lo_freq": [5.6e9], "meas_map": [[0]]},
    "bindings": {"parameter_binds": [{THETA: 0.3}, {THETA: 1.2}]},
    "levels": {"meas_level": 1, "meas_return": "single"},
    "restless": {"init_qubits": False, "rep_delay": 1e-6},
    "header": {"header": {"z": 1j, "t": (1, 2), "object": object}},
    "slots": {"memory_slots": 4, "noise": False, "tolerance": 1e-4, "frequency_scope": "program"},
}


@pytest.mark.parametrize("keywords", KEYWORDS.values(), ids=KEYWORDS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_argument_is_the_same_in_the_second_run(transmon, tmp_path, keywords):
    qc = QuantumCircuit(1, 1, metadata={"m": [1, 2]})
    qc.sx(0)
    qc.rz(2 * THETA + 0.5 if "parameter_binds" in keywords else 0.5, 0)
    qc.sx(0)
    qc.measure(0, 0)
    backend = Backend(transmon, tmp_path, shots=40, memory=True)
    job = backend.run(qc, **keywords)
    first = job.result()
    backend.store.update(job.job_id(), status="RUNNING", owner="gone", result=None)  # as a crash leaves it
    again = Backend(transmon, tmp_path).retrieve_job(job.job_id())
    second = again.result(timeout=60)
    assert backend.store.get(job.job_id()).attempts == 2
    for one, two in zip(first.results, second.results):
        assert one.to_dict() == two.to_dict()
    assert len(first.results) == len(second.results) == len(again.circuits())
    assert first.header.to_dict() == second.header.to_dict() == again.header()


def test_a_job_that_was_interrupted_twice_is_an_error(tmp_path):
    ids = in_another_process(CRASH, tmp_path)
    store = open_store(tmp_path)
    for i in ids:
        store.update(i, attempts=2)
    job = Backend(Device.transmon(), store).retrieve_job(ids[0])
    assert job.status() is JobStatus.ERROR and "interrupted" in job.error_message()


def test_a_job_without_its_input_or_with_another_device_is_an_error(tmp_path):
    ids = in_another_process(CRASH, tmp_path)
    store = open_store(tmp_path)
    store.update(ids[0], payload=None)
    other = Device.transmon(frequency=5.2e9)
    backend = Backend(other, store)
    assert "not stored yet" in backend.retrieve_job(ids[0]).error_message()
    assert "device is another one" in backend.retrieve_job(ids[1]).error_message()


OTHER = """
import sys
from qiskit import QuantumCircuit
from pulsekit.backend import Backend, work
from pulsekit.device import Device
from pulsekit.errors import CancelledError
def execute(*a, cancel=None, **k):
    cancel.wait()
    raise CancelledError("cancelled")
work.execute = execute
work.HEARTBEAT_S = 0.05
backend = Backend(Device.transmon(), sys.argv[1], shots=20)
qc = QuantumCircuit(1, 1)
qc.measure(0, 0)
print(*[backend.run(qc).job_id() for _ in range(4)], flush=True)
"""


def test_jobs_of_another_process_are_cancelled_and_taken_over(tmp_path):
    """Cancel a queued and a running job from here; when the process dies, the rest is run here."""
    other = subprocess.Popen([sys.executable, "-c", OTHER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        ids = other.stdout.readline().split()
        backend = Backend(Device.transmon(), tmp_path)
        first, second, third, fourth = [backend.retrieve_job(i) for i in ids]
        wait_until(lambda: first.status() is JobStatus.RUNNING)
        assert second.status() is JobStatus.QUEUED and second.cancel() and second.status() is JobStatus.CANCELLED
        assert first.cancel() and not first.cancel() and first.status() is JobStatus.CANCELLED
        wait_until(lambda: third.status() is JobStatus.RUNNING)  # so its process has stopped the first
    finally:
        other.kill()
        other.wait()
    assert third.result(timeout=60).success and fourth.result(timeout=60).success
    assert [backend.store.get(i).attempts for i in ids] == [1, 1, 2, 2]
    assert first.status() is second.status() is JobStatus.CANCELLED


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_running_process_keeps_its_jobs():
    assert not is_gone(this_process(), 0.0)
    host, pid, _ = this_process().rsplit("/", 2)
    assert is_gone(f"{host}/{pid}/12345", time.time())  # the number was used again
    assert is_gone("elsewhere/1/2", 0.0) and not is_gone("elsewhere/1/2", time.time())
    assert is_gone("nonsense", time.time())


def test_64_jobs_from_16_threads(transmon, tmp_path):
    backend = Backend(transmon, tmp_path, shots=30, memory=True)
    jobs = {}

    def submit(k):
        for i in range(4):
            jobs[4 * k + i] = backend.run(measured(flip=i % 2 == 1), seed_simulator=4 * k + i)

    threads = [threading.Thread(target=submit, args=(k,)) for k in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({j.job_id() for j in jobs.values()}) == 64
    results = {s: j.result(timeout=120).get_memory() for s, j in jobs.items()}
    assert all(j.status() is JobStatus.DONE for j in jobs.values())
    serial = Backend(transmon, "memory", shots=30, memory=True)
    for s in range(64):
        assert serial.run(measured(flip=s % 2 == 1), seed_simulator=s).result().get_memory() == results[s]
    assert len(backend.jobs(limit=0)) == 64


@pytest.fixture
def stalled(monkeypatch):
    """Hold the writer thread until the event is set."""
    opened = threading.Event()
    real = runner._write
    monkeypatch.setattr(runner, "_write", lambda: (opened.wait(30), real()))
    yield opened
    opened.set()
    flush()


def test_a_small_input_and_the_device_are_stored_when_run_returns(transmon, tmp_path, stalled):
    """The job can be repeated and has its properties, however late the writer thread is."""
    backend = Backend(transmon, tmp_path, shots=5)
    job = backend.run([measured()] * 20)
    record = backend.store.get(job.job_id())
    assert record.payload and record.device
    assert job.properties().to_dict() == backend.properties().to_dict()
    assert job.result().success


def test_a_large_input_is_stored_before_its_job_starts(transmon, tmp_path, stalled):
    backend = Backend(transmon, tmp_path, shots=5)
    many = [Schedule(*((160 * k, pulse.Play(pulse.Gaussian(160, 0.1, 40), D0)) for k in range(400)))]
    job = backend.run(many)
    time.sleep(0.1)
    assert backend.store.get(job.job_id()).payload is None and job.status() is JobStatus.QUEUED
    stalled.set()
    assert job.result().success and job.circuits() == many
    assert backend.store.get(job.job_id()).payload


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_runs_its_own_jobs(transmon, tmp_path):
    """terra forks; a child must neither hang nor run its parent's jobs."""
    backend = Backend(transmon, tmp_path, shots=20)
    backend.run(measured()).result()
    child = os.fork()
    if child == 0:
        try:
            fine = backend.run(measured(), job_name="child").result(timeout=60).success
        except BaseException:
            fine = False
        flush()
        os._exit(0 if fine else 1)
    end = time.monotonic() + 90
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(backend.jobs(job_name="child")) == 1
