"""Section 2 of the contract: LO lists, entries, and how they combine."""

from __future__ import annotations

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit.pulse import AcquireChannel, DriveChannel, LoConfig, MeasureChannel, MemorySlot, Schedule

D = [DriveChannel(0), DriveChannel(1)]
M = [MeasureChannel(0), MeasureChannel(1)]


def schedule(name="s"):
    return Schedule((0, pulse.Acquire(1600, AcquireChannel(0), MemorySlot(0))), name=name)


def los(job):
    """Return (drive LOs, measure LOs) of each result."""
    return [(r.metadata["qubit_lo_freq"], r.metadata["meas_lo_freq"]) for r in job.result().results]


@pytest.fixture(scope="module")
def f(pair_device):
    return [t.frequency for t in pair_device.transmons]


@pytest.fixture(scope="module")
def g(pair_device):
    return [r.frequency for r in pair_device.resonators]


@pytest.mark.parametrize("kind", [schedule, measured])
def test_2_4_no_entry_is_the_job_level(pair, f, g, kind):
    assert los(pair.run(kind())) == [(f, g)]
    given = [f[0] + 1e6, f[1]]
    for empty in (None, [], {}):
        assert los(pair.run([kind()] * 2, qubit_lo_freq=given, schedule_los=empty)) == [(given, g)] * 2


@pytest.mark.parametrize("kind", [schedule, measured])
def test_2_4_one_entry_is_for_all_and_changes_the_job_level(pair, f, g, kind):
    expected = [f[0], f[1] + 2e6]
    job = pair.run([kind(name="a"), kind(name="b")], schedule_los={D[1]: f[1] + 2e6})
    assert los(job) == [(expected, g)] * 2
    assert job.backend_options()["qubit_lo_freq"] == expected


@pytest.mark.parametrize("kind", [schedule, measured])
def test_2_4_several_entries_sweep_one_experiment(pair, f, g, kind):
    job = pair.run(kind(), schedule_los=[{D[0]: f[0] + k * 1e6} for k in range(3)])
    assert los(job) == [([f[0] + k * 1e6, f[1]], g) for k in range(3)]
    assert job.backend_options()["qubit_lo_freq"] == f
    assert len({r.header.name for r in job.result().results}) == 1


def test_2_4_pairwise(pair, f, g):
    job = pair.run([schedule("a"), measured()], schedule_los=[{M[0]: g[0] + 1e6}, LoConfig({D[0]: f[0] - 1e6})])
    assert los(job) == [(f, [g[0] + 1e6, g[1]]), ([f[0] - 1e6, f[1]], g)]


def test_2_4_other_numbers_are_refused(pair, f):
    with pytest.raises(QiskitError, match="entry"):
        pair.run([schedule("a"), schedule("b")], schedule_los=[{D[0]: f[0]}] * 3)


def test_2_4_entries_override_single_channels(pair, f, g):
    job_level = [f[0] + 1e6, f[1] + 1e6]
    entries = [{D[0]: f[0] + 5e6}, {D[1]: f[1] + 5e6}, None]
    job = pair.run(schedule(), qubit_lo_freq=job_level, schedule_los=entries)
    assert [d for d, _ in los(job)] == [[f[0] + 5e6, job_level[1]], [job_level[0], f[1] + 5e6], job_level]


def test_2_4_bindings_count(pair, f):
    a = Parameter("a")
    qc = QuantumCircuit(1, 1)
    qc.rz(a, 0)
    qc.measure(0, 0)
    job = pair.run(qc, parameter_binds=[{a: 0.0}, {a: 1.0}], schedule_los=[{D[0]: f[0]}, {D[0]: f[0] + 1e6}])
    assert [d[0] for d, _ in los(job)] == [f[0], f[0] + 1e6]
    with pytest.raises(QiskitError, match="m x n"):
        pair.run([qc, qc], parameter_binds=[{a: 0.0}, {a: 1.0}], schedule_los=[{D[0]: f[0]}] * 2)


def test_2_5_drive_only_sweep_of_a_circuit_finds_the_qubit(pair, f):
    """The reference crashes here; a sweep of the drive LO shows the resonance."""
    offsets = np.array([-60e6, -30e6, 0.0, 30e6, 60e6])
    result = pair.run(measured(flip=True), schedule_los=[{D[0]: f[0] + o} for o in offsets], shots=300).result()
    ones = [result.get_counts(i).get("1", 0) for i in range(5)]
    assert np.argmax(ones) == 2 and ones[2] > 3 * max(ones[0], ones[4]) / 2


def test_2_6_control_channels_follow(pair, pair_device, f):
    """The LO of a control channel is that of the drive LOs it is made of."""
    line = pair_device.controls[0]
    job = pair.run(schedule(), schedule_los=[{D[line.lo[0][0]]: f[line.lo[0][0]] + 3e6}])
    from pulsekit.backend import compile

    batch = compile(schedule(), pair_device, schedule_los=[{D[line.lo[0][0]]: f[line.lo[0][0]] + 3e6}])
    assert batch.los.control[0, 0] == pytest.approx(f[line.lo[0][0]] + 3e6)
    assert job.result().success


def test_2_a_sweep_shares_one_program(pair, f):
    from pulsekit.backend import compile

    batch = compile(measured(), pair.device, schedule_los=[{D[0]: f[0] + k} for k in range(50)])
    assert len(batch.programs) == 1 and len(batch) == 50
