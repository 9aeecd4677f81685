"""Turn a checked run into a compiled, stored and queued job."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..device import Device
from ..errors import StoreError
from ..execution import Settings, check_batch
from ..program import Batch, Channel
from ..store import JobRecord, Store
from .acquires import check_acquires_of_schedules
from .compiled import fitted, read_batch, write_batch
from .exceptions import provider_errors
from .frontend import compile
from .inputs import is_circuit
from .limits import check_amplitudes, check_durations, lo_errors
from .ownership import this_process
from .payload import capture, encode
from .plain import plain
from .request import Request
from .runner import in_background
from .work import Work, common_fields, seed_of, threads

__all__ = ["Submission", "compiled", "enter", "recorded_options", "settings_of", "submission"]

logger = logging.getLogger(__name__)
US = 1e-6  # s
COMPILE = (
    "qubit_lo_freq",
    "meas_lo_freq",
    "schedule_los",
    "use_measure_esp",
    "init_qubits",
    "frequency_scope",
    "memory_slots",
)


QUICK_ROWS = 300  # pulse instructions; so many are stored in about a millisecond
QUICK_SAMPLES = 4000  # of waveforms; likewise


@dataclass
class Submission:
    """A job that is ready to be queued."""

    record: JobRecord
    work: Work
    payload: Callable[[], Dict[str, Any]]  # what repeats the job, as JSON
    quick: bool  # storing that takes little of run()'s time


def compiled(request: Request) -> Batch:
    """Compile a run, and check what only its programs tell.

    Raises:
        IBMQBackendError: what cannot be lowered, or lasts too long (8020).
    """
    arguments = {name: request.options[name] for name in COMPILE}
    with provider_errors(), lo_errors():
        if request.batch is not None:
            batch = fitted(request.batch, request.device)
        else:
            batch = compile(request.experiments, request.device, parameter_binds=request.binds, **arguments)
            check_acquires_of_schedules(batch)
        check_amplitudes(batch)
    if request.rep_time_s is not None:
        dt = request.device.timing.dt
        lasts = [batch.programs[int(k)].duration * dt for k in batch.program_of]
        check_durations(((str(h.get("name")), s) for h, s in zip(batch.headers, lasts)), request.rep_time_s)
    return batch


def settings_of(request: Request, seed: int) -> Settings:
    """Return the settings of the execution."""
    o = request.options
    return Settings(
        shots=o["shots"],
        meas_level=o["meas_level"],
        meas_return=o["meas_return"],
        memory_slot_size=o["memory_slot_size"],
        init_qubits=o["init_qubits"],
        rep_delay_s=request.rep_delay_s,
        rep_time_s=request.rep_time_s,
        seed=seed,
        noise=o["noise"],
        tolerance=o["tolerance"],
        method=o["method"],
        spectator_bound=o["spectator_bound"],
        memory_cap=o["memory_cap"],
        threads=threads(),
        executor=o["executor"],
    )


def recorded_options(request: Request, batch: Batch, seed: int, parametric: List[str]) -> Dict[str, Any]:
    """Return what ``job.backend_options()`` shows: Hz, and microseconds for rep_*."""
    options = {k: v for k, v in request.options.items() if k != "executor" and v is not None}
    options["seed_simulator"] = seed
    options["schedule_los"] = [_by_name(entry) for entry in request.options["schedule_los"] or []]
    options["qubit_lo_freq"] = batch.los.drive_frame.tolist()
    options["meas_lo_freq"] = batch.los.measure_frame.tolist()
    options["n_qubits"] = request.device.n_qubits
    options["memory_slots"] = max((int(h.get("memory_slots") or 0) for h in batch.headers), default=0)
    options["parametric_pulses"] = parametric
    if request.rep_delay_s is not None:
        options["rep_delay"] = round(request.rep_delay_s / US, 6)
    if request.rep_time_s is not None:
        options["rep_time"] = round(request.rep_time_s / US, 6)
    if request.options["executor"] is not None:
        options["executor"] = repr(request.options["executor"])
    options.update({k: plain(v) for k, v in request.forwarded.items()})
    return options


def _by_name(entry: Any) -> Dict[str, float]:
    if entry is None:
        return {}
    if hasattr(entry, "qubit_los"):
        entry = {**entry.qubit_los, **entry.meas_los}
    return {channel.name: float(f) for channel, f in entry.items()}


def submission(
    request: Request,
    *,
    store: Store,
    configuration: Any,
    device_document: Mapping[str, Any],
    device_key: str,
    client_version: Mapping[str, str],
    started: float,
) -> Submission:
    """Compile a run, and make its record and its work.

    Args:
        request: the checked run.
        store: where it is kept.
        configuration: the device's configuration model.
        device_document: what is kept about the device.
        device_key: its name in the store.
        client_version: what made the job.
        started: when run() was called, s since the epoch.
    """
    seed = seed_of(request.options["seed_simulator"])
    validating = time.time()
    batch = compiled(request)
    with provider_errors():
        check_batch(batch, request.device, settings_of(request, seed))
    now = time.time()
    header = {"backend_name": configuration.backend_name, "backend_version": configuration.backend_version}
    header.update({k: v for k, v in request.header.items() if v is not None})
    steps = {"CREATING": started, "VALIDATING": validating, "VALIDATED": now, "CREATED": now, "QUEUED": now}
    record = JobRecord(
        id=uuid.uuid4().hex[:24],
        backend=request.device.name,
        created=started,
        status="QUEUED",
        name=request.job.get("job_name") or None,
        tags=request.job.get("job_tags", []),
        share_level=request.job.get("job_share_level", "none"),
        experiment_id=request.job.get("experiment_id"),
        steps=steps,
        options=recorded_options(request, batch, seed, list(getattr(configuration, "parametric_pulses", []))),
        header=plain(header),
        client_version=dict(client_version),
        experiments=len(batch),
        attempts=1,
        owner=this_process(),
        heartbeat=now,
        device=device_key,
    )
    work = make_work(request, batch, record, store, seed, header, device_document)
    captured = capture(request.experiments, request.binds)
    given, run = request.batch, _rerun(request, seed)

    def payload() -> Dict[str, Any]:
        return {**encode(captured), "run": run, **({} if given is None else {"batch": write_batch(batch)})}

    return Submission(record, work, payload, _is_quick(request, batch))


def _is_quick(request: Request, batch: Batch) -> bool:
    """Tell whether the input is stored within run(): circuits (2 us per gate) and a few pulses are."""
    if request.batch is None and all(is_circuit(e) and not e.calibrations for e in request.experiments):
        return True
    if sum(len(p.events) for p in batch.programs) > QUICK_ROWS:
        return False
    shapes = {id(pulse): pulse for program in batch.programs for pulse in program.pulses}
    return sum(len(pulse.data) for pulse in shapes.values()) <= 16 * QUICK_SAMPLES


def make_work(
    request: Request,
    batch: Batch,
    record: JobRecord,
    store: Store,
    seed: int,
    header: Mapping[str, Any],
    device_document: Mapping[str, Any],
) -> Work:
    """Return the work of a compiled run."""
    settings = settings_of(request, seed)
    used = {
        "seed_simulator": seed,
        "tolerance": settings.tolerance,
        "spectator_bound": settings.spectator_bound,
        "noise": settings.noise,
        "use_measure_esp": request.options["use_measure_esp"],
        "rep_delay": settings.rep_delay_s,
        "rep_time": settings.rep_time_s,
        "device": device_document["hash"],
        "calibrations": device_document["calibrations"],
    }
    common = common_fields(
        backend_name=record.backend,
        backend_version=request.device.version,
        job_id=record.id,
        qobj_id=str(request.forwarded.get("qobj_id") or uuid.uuid4()),
        header=header,
        client_version=record.client_version,
        metadata=used,
        execution_id=uuid.uuid4().hex,
    )
    return Work(
        batch=batch,
        device=request.device,
        settings=settings,
        memory=request.options["memory"],
        live=bool(request.options["live_data_enabled"]),
        store=store,
        common=common,
        steps=record.steps,
    )


def _rerun(request: Request, seed: int) -> Dict[str, Any]:
    """Return what, with the input, repeats the job exactly."""
    options = {k: v for k, v in request.options.items() if k != "executor"}
    options["schedule_los"] = [_by_name(e) for e in request.options["schedule_los"] or []] or None
    options["seed_simulator"] = seed
    return {
        "options": plain(options),
        "header": plain(request.header),
        "forwarded": {k: plain(v) for k, v in request.forwarded.items()},
        "rep_delay_s": request.rep_delay_s,
        "rep_time_s": request.rep_time_s,
    }


def request_again(document: Mapping[str, Any], device: Device) -> Tuple[Request, int]:
    """Return the request that a stored input describes, and its seed."""
    from .limits import device_for
    from .payload import decode

    run = document["run"]
    experiments, binds = decode(document)
    options = {**run["options"], "executor": None}
    los = options["schedule_los"]
    options["schedule_los"] = los and [{Channel.parse(name): f for name, f in entry.items()} for entry in los]
    request = Request(experiments, device_for(device, run["forwarded"]), options, run["header"], binds)
    request.batch = read_batch(document["batch"]) if "batch" in document else None
    request.forwarded = run["forwarded"]
    request.rep_delay_s, request.rep_time_s = run["rep_delay_s"], run["rep_time_s"]
    return request, int(options["seed_simulator"])


def enter(store: Store, submitted: Submission) -> JobRecord:
    """Enter a job in the store, with its input.

    A large input is stored in the background; the job does not start before
    it is there, so that a job that runs can always be repeated.
    """
    record = submitted.record
    if submitted.quick:
        return store.add(replace(record, payload=_stored_input(store, submitted)))
    record = store.add(record)
    submitted.work.repeatable.clear()

    def task() -> None:
        try:
            store.update(record.id, payload=_stored_input(store, submitted))
        finally:
            submitted.work.repeatable.set()

    in_background(task)
    return record


def _stored_input(store: Store, submitted: Submission) -> Optional[str]:
    """Store an input, and return its name; None where JSON cannot keep it."""
    try:
        return store.put_document(submitted.payload())
    except (StoreError, TypeError):
        logger.exception("The input of job %s cannot be stored: it is not repeated after a crash.", submitted.record.id)
        return None
