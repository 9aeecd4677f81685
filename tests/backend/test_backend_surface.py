"""Section 4.4 of the contract: the surface of a backend, and its clients."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from backend_circuits import measured
from qiskit import QuantumCircuit, assemble, execute, pulse, schedule, transpile
from qiskit.primitives import BackendEstimator, BackendSampler
from qiskit.providers import BackendV2
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.providers.models import BackendProperties, BackendStatus, PulseBackendConfiguration, PulseDefaults
from qiskit.pulse import AcquireChannel, ControlChannel, DriveChannel, MeasureChannel, Schedule
from qiskit.quantum_info import SparsePauliOp

from pulsekit.backend import Backend, IBMQBackendJobLimitError, Provider, backends, get_backend, work
from pulsekit.device import Device


@pytest.fixture(scope="module")
def perth():
    """A device with a vendor's data; its pulses are not tuned here."""
    return Backend(Device.from_snapshot("ibm_perth"), "memory", shots=20, seed_simulator=1)


def test_4_4_identity(backend):
    assert isinstance(backend, BackendV2) and backend.version == 2
    assert backend.name == "transmon" == backend.name() == str(backend) and isinstance(backend.name, str)
    assert backend.provider is None and "transmon" in repr(backend)
    lazily = get_backend("transmon", store="memory", lazy=True)
    assert lazily.provider() is lazily.provider and isinstance(lazily.provider, Provider)


def test_4_4_copies_share_device_and_store(transmon):
    backend = Backend(transmon, "memory", shots=7)
    copied = copy.deepcopy(backend)
    copied.set_options(shots=9)
    assert sum(copied.run(measured()).result().get_counts().values()) == 9 and backend.options.shots == 7
    assert copied.device is backend.device and len(backend.jobs()) == 1


def test_4_4_models(perth):
    assert isinstance(perth.configuration(), PulseBackendConfiguration)
    assert isinstance(perth.defaults(), PulseDefaults) and isinstance(perth.defaults(refresh=True), PulseDefaults)
    assert isinstance(perth.properties(), BackendProperties)
    assert isinstance(perth.status(), BackendStatus)


def test_4_4_status(perth):
    status = perth.status()
    assert status.operational and status.status_msg == "active" and status.pending_jobs == 0
    assert status.backend_name == "ibm_perth" and status.backend_version == "1.1.26"


def test_4_4_configuration_attributes(perth):
    c = perth.configuration()
    assert (c.n_qubits, c.max_shots, c.max_experiments, c.memory) == (7, 100_000, 300, True)
    assert c.meas_levels == [0, 1, 2] and c.dt == c.dtm == pytest.approx(2e-9 / 9)
    assert c.basis_gates == ["id", "rz", "sx", "x", "cx", "reset"] and [0, 1] in c.coupling_map
    assert c.rep_delay_range == pytest.approx([0, 500e-6]) and c.default_rep_delay == pytest.approx(250e-6)
    assert c.rep_times == pytest.approx([1e-3]) and c.dynamic_reprate_enabled
    assert c.qubit_lo_range[0] == pytest.approx([4.657546e9, 5.657546e9], rel=1e-6) and len(c.meas_lo_range) == 7
    assert c.meas_map == [list(range(7))] and c.drive(0) == DriveChannel(0) and c.control((0, 1)) == [ControlChannel(0)]
    assert c.measure(1) == MeasureChannel(1) and c.acquire(2) == AcquireChannel(2)
    assert c.hamiltonian["vars"] and c.parametric_pulses and c.timing_constraints["acquire_alignment"] == 16
    assert c.measure_esp_enabled and c.multi_meas_enabled and c.open_pulse and not c.simulator
    assert (
        c.u_channel_lo[0][0].q == 1 and c.meas_kernels == ["hw_qmfk"] and c.discriminators and c.supported_instructions
    )
    with pytest.raises(AttributeError):
        _ = c.colour


def test_4_4_properties(perth):
    p = perth.properties()
    assert p.t1(0) == pytest.approx(200.9e-6, rel=1e-3) and p.readout_error(0) == pytest.approx(0.0237)
    later = p.last_update_date + timedelta(days=1)
    assert perth.properties(datetime=later).to_dict() == p.to_dict()
    assert perth.properties(datetime=p.last_update_date - timedelta(days=1)) is None
    assert perth.properties(refresh=True, datetime=datetime.now()) is not None
    assert perth.properties(datetime=datetime.min) is None and perth.properties(datetime=datetime.max) is not None
    for bad in ({"refresh": 1}, {"datetime": "today"}):
        with pytest.raises(TypeError):
            perth.properties(**bad)


def test_4_4_scratch_devices_have_the_same_models(pair):
    c, d, p = pair.configuration(), pair.defaults(), pair.properties()
    assert c.n_qubits == 2 and c.coupling_map and c.hamiltonian["vars"]["wq0"] > 0 and c.control((0, 1))
    assert d.qubit_freq_est == pytest.approx([t.frequency for t in pair.device.transmons])
    assert d.meas_freq_est == pytest.approx([r.frequency for r in pair.device.resonators])
    assert p.t1(0) == pytest.approx(pair.device.transmons[0].t1) and p.frequency(1) == pytest.approx(
        pair.device.transmons[1].frequency
    )
    assert PulseBackendConfiguration.from_dict(c.to_dict()).to_dict().keys() == c.to_dict().keys()


def test_4_4_defaults_have_tuned_pulses(pair_device):
    """A pulse that was changed on the device shows in defaults() and in the maps."""
    old = pair_device.calibrations.get("x", (0,))
    events = old.program.events.replace(value=old.program.events.value * 0.5)
    new = replace(old, program=old.program.replace(events=events), source="tuned")
    changed = Backend(pair_device.replace(calibrations=pair_device.calibrations.updated(new)), "memory")
    before = Backend(pair_device, "memory").defaults().instruction_schedule_map.get("x", 0)
    for found in (changed.defaults().instruction_schedule_map, changed.instruction_schedule_map):
        play = found.get("x", 0).instructions[0][1]
        assert play.pulse.amp == pytest.approx(before.instructions[0][1].pulse.amp / 2)
    assert changed.target["x"][(0,)].calibration.instructions[0][1].pulse.amp == pytest.approx(play.pulse.amp)


def test_4_4_job_limit(transmon):
    backend = Backend(transmon, "memory", max_jobs=0)
    assert backend.job_limit().maximum_jobs == 0 and backend.remaining_jobs_count() == 0
    with pytest.raises(IBMQBackendJobLimitError, match="3458"):
        backend.run(measured())
    with pytest.raises(ValueError, match="shots"):  # the call is judged first
        backend.run(measured(), shots=0)
    free = Backend(transmon, "memory")
    assert free.job_limit().maximum_jobs is None and free.remaining_jobs_count() is None
    assert free.job_limit().active_jobs == 0


def test_4_4_job_limit_holds_for_threads(transmon, monkeypatch):
    """Of 12 threads that submit at once exactly 3 get a job."""
    opened = threading.Event()
    monkeypatch.setattr(work, "execute", lambda *a, real=work.execute, **k: (opened.wait(30), real(*a, **k))[1])
    backend = Backend(transmon, "memory", max_jobs=3, shots=5)
    jobs, refused = [], []

    def submit():
        try:
            jobs.append(backend.run(measured()))
        except IBMQBackendJobLimitError as error:
            refused.append(error)

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = len(jobs), len(refused), backend.remaining_jobs_count()
    opened.set()
    assert counts == (3, 9, 0) and all(j.result().success for j in jobs)


def test_4_4_reservations_hub_group_project(backend):
    assert backend.reservations() == [] and all(
        isinstance(x, str) for x in (backend.hub, backend.group, backend.project)
    )


def test_4_4_channels(perth):
    assert perth.drive_channel(1) == DriveChannel(1) and perth.measure_channel(2) == MeasureChannel(2)
    assert perth.acquire_channel(3) == AcquireChannel(3) and perth.control_channel((0, 1)) == [ControlChannel(0)]
    assert perth.drive_channel(np.int64(1)) == DriveChannel(1)
    with pytest.raises(IndexError):
        perth.drive_channel(7)
    assert perth.dt == perth.dtm and perth.meas_map == [list(range(7))] and perth.num_qubits == 7


def test_4_4_target(perth):
    assert set(perth.target.operation_names) == {*perth.configuration().basis_gates, "measure", "delay", "measure_esp"}
    assert perth.target.acquire_alignment == 16 and perth.target.qubit_properties[0].t1 > 1e-4
    again = pickle.loads(pickle.dumps(perth.target))
    assert again.operation_names == perth.target.operation_names
    maps = perth.instruction_schedule_map, perth.defaults().instruction_schedule_map
    assert set(maps[0].instructions) - set(maps[1].instructions) == {"x12", "measure_esp"}


def test_4_4_max_circuits(perth):
    assert perth.max_circuits is None
    perth.set_options(limits="device")
    assert perth.max_circuits == 300
    perth.set_options(limits=None)


def test_4_4_transpile_as_on_terras_own_backend(perth):
    """Our Target changes nothing of what transpile gives."""
    from qiskit.providers.fake_provider import FakePerth

    qc = QuantumCircuit(3, 3)
    qc.h(0)
    qc.cx(0, 1)
    qc.cx(1, 2)
    qc.measure(range(3), range(3))
    ours = transpile(qc, perth, seed_transpiler=4, scheduling_method="alap")
    theirs = transpile(qc, FakePerth(), seed_transpiler=4, scheduling_method="alap")
    assert ours.count_ops() == theirs.count_ops() and ours.depth() == theirs.depth()


def test_4_4_schedule_assemble_execute(perth):
    qc = transpile(measured(flip=True), perth, initial_layout=[2])
    made = schedule(qc, perth)
    assert DriveChannel(2) in made.channels
    qobj = assemble(made, perth, meas_level=1, meas_return="single", shots=9)
    with pytest.warns(DeprecationWarning, match="Qobj"):
        result = perth.run(qobj).result()
    assert result.get_memory().shape == (9, 1)
    result = perth.run(assemble(qc, perth, shots=8), shots=99).result()
    assert sum(result.get_counts().values()) == 8 and result.results[0].header.name == qc.name
    done = execute(measured(), perth, shots=7, memory=True, seed_simulator=3).result()
    assert len(done.get_memory()) == 7


def test_4_4_qobj_keyword(perth):
    qc = transpile(measured(), perth)
    with pytest.warns(DeprecationWarning, match="qobj"):
        assert perth.run(qobj=qc).result().success


def test_4_4_qobj_with_los_and_metadata(perth):
    made = schedule(transpile(measured(name="swept", metadata={"k": 1}), perth), perth)
    made.metadata = {"k": 1}
    f = perth.defaults().qubit_freq_est[0]
    los = [{DriveChannel(0): f + k * 1e6} for k in range(3)]
    result = perth.run(assemble(made, perth, schedule_los=los, meas_level=1, shots=5)).result()
    assert [r.metadata["qubit_lo_freq"][0] for r in result.results] == pytest.approx([f, f + 1e6, f + 2e6], rel=1e-12)
    assert result.results[0].header.metadata == {"k": 1}


def test_4_4_qobj_rep_time_is_terras_not_the_users(perth, transmon):
    """terra writes a rep_time that nobody asked for, and cuts 249 us to 248."""
    made = Schedule((0, pulse.Acquire(1600, AcquireChannel(0), pulse.MemorySlot(0))))
    qobj = assemble(made, perth, rep_delay=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert perth.run(qobj).backend_options()["rep_delay"] == pytest.approx(100)
    limits = replace(transmon.limits, rep_delay_range=None, default_rep_delay=None, rep_times=(249e-6, 5e-4))
    fixed = Backend(transmon.replace(limits=limits, name="fixed"), "memory", shots=5)
    qobj = assemble(made, fixed)
    assert qobj.config.rep_time == 248
    assert fixed.run(qobj).backend_options()["rep_time"] == pytest.approx(249)
    assert fixed.run(assemble(made, fixed, rep_time=5e-4)).backend_options()["rep_time"] == pytest.approx(500)
    with pytest.raises(ValueError, match="8029"):
        fixed.run(assemble(made, fixed, rep_time=7e-4))


def test_4_4_pulse_builder(perth):
    with pulse.build(perth, name="built") as built:
        pulse.x(0)
        pulse.barrier(0, 1)
        pulse.measure(0)
    assert sum(perth.run(built).result().get_counts().values()) == 20


def test_4_4_primitives(backend):
    sampler = BackendSampler(backend).run(measured(flip=True), shots=300).result()
    assert sampler.quasi_dists[0][1] > 0.7
    flipped = QuantumCircuit(1)
    flipped.x(0)
    value = BackendEstimator(backend).run(flipped, SparsePauliOp("Z"), shots=300).result().values[0]
    assert value < -0.4


@pytest.mark.parametrize("device", ["ibm_perth", None])
def test_a_backend_is_made_of_a_device(device):
    with pytest.raises(TypeError, match=r"`device` must be a Device.* get_backend\(name\)"):
        Backend(device)


def test_4_4_provider():
    provider = Provider(store="memory")
    names = [b.name for b in provider.backends()]
    assert names == backends() and "ibm_perth" in names and "transmon" in names
    assert [b.name for b in provider.backends("transmon")] == ["transmon"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of vendor data
        small = provider.backends(
            simulator=False,
            operational=True,
            filters=lambda b: b.configuration().n_qubits == 7 and b.status().pending_jobs == 0,
        )
    assert "ibm_perth" in [b.name for b in small] and all(b._device is None for b in small)  # nothing was tuned
    with pytest.raises(QiskitBackendNotFoundError, match="ibm_perth"):
        provider.get_backend("ibm_pert")
    backend = provider.get_backend("transmon")
    job = backend.run(measured(), shots=10)
    for again in (provider.get_backend("transmon"), backend.provider.get_backend("transmon")):
        assert again.retrieve_job(job.job_id()).job_id() == job.job_id()  # one store in memory for all
    with pytest.raises(ValueError, match="calibrations"):
        get_backend("transmon", calibrations="best")
