"""Run a batch that pulsekit.compile() made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.pulse import AcquireChannel, DriveChannel, MemorySlot, Schedule

import pulsekit
from pulsekit.backend import Backend
from pulsekit.device import Device
from pulsekit.errors import PulsekitError

THETA = Parameter("theta")


def rotated():
    qc = QuantumCircuit(1, 2, name="rotated", metadata={"m": 1})
    qc.sx(0)
    qc.rz(THETA, 0)
    qc.sx(0)
    qc.measure(0, 1)
    return qc


def sampled():
    return Schedule(
        (0, pulse.Play(pulse.Waveform(np.linspace(0, 0.1 + 0.05j, 160)), DriveChannel(0))),
        (160, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0), kernel=pulse.Kernel("boxcar", start_window=32))),
        name="sampled",
    )


CASES = {
    "circuits": ([measured(), measured(flip=True, name="x")], {}),
    "bindings": (rotated(), {"parameter_binds": [{THETA: 0.3}, {THETA: 2.0}]}),
    "sweep": (measured(flip=True), {"schedule_los": [{DriveChannel(0): 5e9 + k * 1e6} for k in range(3)]}),
    "schedule": (sampled(), {"qubit_lo_freq": [5.001e9], "memory_slots": 3}),
}


def same(one, two):
    assert len(one.results) == len(two.results)
    for a, b in zip(one.results, two.results):
        assert a.to_dict() == b.to_dict()


@pytest.mark.parametrize("circuits, settled", CASES.values(), ids=CASES)
def test_a_compiled_batch_gives_what_its_circuits_give(transmon, tmp_path, circuits, settled):
    """Now, and when it is run again after a crash."""
    backend = Backend(transmon, tmp_path, shots=50, memory=True, seed_simulator=3)
    expected = backend.run(circuits, **settled).result()
    job = backend.run(pulsekit.compile(circuits, backend, **settled))
    same(job.result(), expected)
    assert job.backend_options()["qubit_lo_freq"] == list(settled.get("qubit_lo_freq", [5e9]))
    backend.store.update(job.job_id(), status="RUNNING", owner="gone", result=None)
    again = Backend(transmon, tmp_path).retrieve_job(job.job_id())
    same(again.result(timeout=60), expected)
    assert again.circuits() == [] and backend.store.get(job.job_id()).attempts == 2


def test_what_the_batch_has_settled_is_refused(backend):
    batch = pulsekit.compile(measured(), backend)
    settled = {
        "qubit_lo_freq": [5e9],
        "meas_lo_freq": [7e9],
        "schedule_los": {DriveChannel(0): 5e9},
        "parameter_binds": [{THETA: 1.0}],
        "memory_slots": 3,
        "use_measure_esp": False,
        "frequency_scope": "gate",
    }
    for name, value in settled.items():
        with pytest.raises(ValueError, match=f"`{name}` must not be given with a compiled batch"):
            backend.run(batch, **{name: value})


def test_a_batch_of_another_device_is_refused(backend, pair):
    with pytest.raises(PulsekitError, match="2 qubits"):
        backend.run(pulsekit.compile(measured(), pair))
    far = Device.transmon(frequency=6.5e9)
    with pytest.raises(PulsekitError, match=r"d0.*8000"):
        backend.run(pulsekit.compile(measured(), far))
    batch = pulsekit.compile(measured(), backend)
    with pytest.raises(PulsekitError, match="at least one"):
        backend.run(batch.take(np.array([], dtype=int)))


def test_esp_of_a_batch_is_what_it_was_compiled_with(esp):
    batch = pulsekit.compile(measured(), esp)
    job = esp.run(batch)
    assert job.backend_options()["use_measure_esp"] is True
    assert job.result().results[0].metadata["measure_esp"] == {"0": True}
    with pytest.raises(ValueError, match="init_qubits"):
        esp.run(batch, init_qubits=False)
    plain = pulsekit.compile(measured(), esp, use_measure_esp=False)
    assert esp.run(plain).backend_options()["use_measure_esp"] is False


def test_a_batch_without_headers_gets_some(backend):
    batch = replace(pulsekit.compile(sampled(), backend), headers=())
    header = backend.run(batch).result().results[0].header
    assert header.name == "sampled" and header.memory_slots == 1


def test_quotas_count_a_batch(backend):
    batch = pulsekit.compile(measured(), backend, schedule_los=[{DriveChannel(0): 5e9}] * 301)
    with pytest.raises(ValueError, match="1102"):
        backend.run(batch, limits="device")
