"""Keep jobs in PostgreSQL; needs a server: its URL in PULSEKIT_TEST_POSTGRESQL."""

from __future__ import annotations

import math
import os
import threading
import uuid

import pytest
from qiskit import QuantumCircuit
from store_jobs import CLAUSES, compare, many_jobs

from pulsekit.backend import Backend
from pulsekit.device import Device
from pulsekit.store import Identity, JobRecord, Store

URL = os.environ.get("PULSEKIT_TEST_POSTGRESQL")
pytestmark = pytest.mark.skipif(not URL, reason="needs PULSEKIT_TEST_POSTGRESQL, a database's URL")


@pytest.fixture
def store(tmp_path):
    made = Store(str(URL), arrays=tmp_path)
    yield made
    made.close()


@pytest.fixture
def backend(store):
    """A backend whose name no earlier run has used."""
    device = Device.transmon().replace(name=f"t{uuid.uuid4().hex}")
    return Backend(device, store, shots=20, memory=True)


def measured():
    qc = QuantumCircuit(1, 1)
    qc.sx(0)
    qc.measure(0, 0)
    return qc


def test_a_job_is_run_found_and_shared(backend, store):
    header = {"n": math.inf, "text": "a\0b", "deep": {"y": [1, 2]}}
    job = backend.run(
        measured(), job_name="näme", job_tags=["a", "b"], header=header, experiment_id="E", job_share_level="hub"
    )
    result = job.result()
    (found,) = backend.jobs(
        job_name="^n", job_tags=["a", "b"], job_tags_operator="AND", experiment_id="E", status="DONE"
    )
    assert found.result().to_dict() == result.to_dict() and found.circuits() == job.circuits()
    assert found.header()["n"] == math.inf and found.header()["text"] == "a\0b"
    assert job.update_tags(removal_tags=["a"]) == ["b"] == backend.retrieve_job(job.job_id()).tags()
    hub = store.identity.hub
    assert len(Backend(backend.device, store, identity=Identity("guest", hub=hub)).jobs()) == 1
    assert Backend(backend.device, store, identity=Identity("guest", hub="another")).jobs() == []


def test_many_threads_submit(backend):
    jobs = []
    threads = [
        threading.Thread(target=lambda s=s: jobs.append((s, backend.run(measured(), seed_simulator=s))))
        for s in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serial = Backend(backend.device, "memory", shots=20, memory=True)
    for seed, job in jobs:
        assert job.result().get_memory() == serial.run(measured(), seed_simulator=seed).result().get_memory()
    assert len(backend.jobs(limit=0)) == 16


def test_one_process_takes_an_interrupted_job_over(store):
    job_id = uuid.uuid4().hex
    store.add(JobRecord(id=job_id, backend="x", created=1.0, status="RUNNING", owner="gone"))
    assert store.claim(job_id, "gone", "me") and not store.claim(job_id, "gone", "another")


def test_the_database_finds_what_python_finds(store):
    name = f"t{uuid.uuid4().hex}"
    records = many_jobs(store, name)
    for where in CLAUSES:
        compare(store, records, where, name)
