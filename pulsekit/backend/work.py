"""Do the work of a job: execute, pack, store, report."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from ..device import Device
from ..errors import CancelledError, PulsekitError
from ..execution import Record, Settings, execute
from ..program import Batch, Op, Program
from ..store import ACTIVE, Store
from .ownership import this_process
from .partial import one_by_one, report
from .plain import plain
from .results import pack
from .runner import Ticket

__all__ = ["Work", "common_fields"]

logger = logging.getLogger(__name__)
HEARTBEAT_S = 2.0  # s between signs of life in the store


def _is_set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Work:
    """A compiled job, and where its result goes."""

    batch: Batch
    device: Device
    settings: Settings
    memory: bool
    live: bool
    store: Store
    common: Callable[[float], Dict[str, Any]]  # fields of the result, from the seconds that it took
    steps: Dict[str, float]
    repeatable: threading.Event = field(default_factory=_is_set)  # the input is stored

    def __call__(self, ticket: Ticket) -> None:
        """Run in a worker thread; never raises."""
        self.repeatable.wait()
        if ticket.cancel.is_set():
            self._end(ticket, "CANCELLED")
            return
        self._step("RUNNING")
        now, who = time.time(), this_process()
        if not self.store.update(
            ticket.job_id, expected=ACTIVE, status="RUNNING", steps=self.steps, heartbeat=now, owner=who
        ):  # cancelled by another process
            ticket.move("CANCELLED", finished=True)
            return
        ticket.move("RUNNING")
        try:
            self._run(ticket)
        except CancelledError:
            self._end(ticket, "CANCELLED")
        except PulsekitError as error:
            self._fail(ticket, error)
        except MemoryError:
            self._end(ticket, "ERROR_RUNNING_JOB", error_message="The job needed more memory than there is.")
        except Exception as error:  # a defect of the package: report it, keep the worker
            logger.exception("Job %s failed.", ticket.job_id)
            self._end(ticket, "ERROR_RUNNING_JOB", error_message=f"Internal error: {type(error).__name__}: {error}")

    def _run(self, ticket: Ticket) -> None:
        start = time.perf_counter()
        with self._heart(ticket):
            records = execute(
                self.batch,
                self.device,
                self.settings,
                cancel=ticket.cancel,
                live=ticket.publish if self.live else None,
            )
        self._end(ticket, "COMPLETED", result=self._keep(ticket, records, time.perf_counter() - start))

    @contextmanager
    def _heart(self, ticket: Ticket) -> Iterator[None]:
        """Give signs of life to the store, and look whether another process cancelled the job."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                try:
                    if not self.store.update(ticket.job_id, expected=ACTIVE, heartbeat=time.time()):
                        ticket.cancel.set()
                        return
                except PulsekitError:
                    logger.exception("The sign of life of job %s could not be stored.", ticket.job_id)

        threading.Thread(target=beat, name="pulsekit-heart", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _keep(self, ticket: Ticket, outcomes: Sequence[Any], took: float) -> str:
        """Leave the result for the job, store it, and return its document."""
        for outcome, extra in zip(outcomes, per_experiment(self.batch)):
            if isinstance(outcome, Record):
                outcome.info.update(extra)
        headers = [{k: v for k, v in h.items() if k != "kind"} for h in self.batch.headers]
        common = self.common(took)
        common["metadata"]["method"] = methods_of(outcomes)
        document, arrays = pack(outcomes, headers, self.settings, memory=self.memory, common=common)
        ticket.result = (document, arrays, headers)
        for result in document["results"]:
            result["header"] = plain(result["header"])
        return self.store.put_document({**document, "arrays": [self.store.put_array(a) for a in arrays]})

    def _fail(self, ticket: Ticket, error: PulsekitError) -> None:
        """End a failed job, with the results of the experiments that do not fail."""
        message, code, changes = str(error), error.code, {}
        start = time.perf_counter()
        if len(self.batch) > 1 and self.settings.init_qubits:
            try:
                outcomes = one_by_one(self.batch, self.device, self.settings, ticket.cancel)
                told, common_code = report(outcomes)
                message, code = (told, common_code) if told else (message, code)
                if any(isinstance(o, Record) for o in outcomes):
                    changes["result"] = self._keep(ticket, outcomes, time.perf_counter() - start)
            except CancelledError:
                self._end(ticket, "CANCELLED")
                return
        self._end(ticket, "ERROR_RUNNING_JOB", error_message=message, error_code=code, **changes)

    def _step(self, status: str) -> None:
        self.steps = {**self.steps, status: time.time()}

    def _end(self, ticket: Ticket, status: str, **changes: Any) -> None:
        self._step(status)
        try:
            if not self.store.update(ticket.job_id, expected=ACTIVE, status=status, steps=self.steps, **changes):
                status = "CANCELLED"  # by another process
        except PulsekitError:
            logger.exception("The end of job %s could not be stored.", ticket.job_id)
        ticket.move(status, finished=True)


def common_fields(
    *,
    backend_name: str,
    backend_version: str,
    job_id: str,
    qobj_id: str,
    header: Mapping[str, Any],
    client_version: Mapping[str, str],
    metadata: Mapping[str, Any],
    execution_id: str,
) -> Callable[[float], Dict[str, Any]]:
    """Return what makes the fields of a Result from the time it took (s)."""

    def fields(time_taken: float) -> Dict[str, Any]:
        return {
            "backend_name": backend_name,
            "backend_version": backend_version,
            "job_id": job_id,
            "qobj_id": qobj_id,
            "header": dict(header),
            "client_version": dict(client_version),
            "metadata": dict(metadata),
            "execution_id": execution_id,
            "time_taken": time_taken,
            "date": datetime.now(timezone.utc).isoformat(),
            "status": "Successful completion",
            "error": None,
        }

    return fields


def threads() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def per_experiment(batch: Batch) -> List[Dict[str, Any]]:
    """Return what is recorded about each experiment: its LOs in Hz, ESP per qubit, its duration in samples."""
    esp = [_esp_of(program) for program in batch.programs]
    drive, measure, which = batch.los.drive.tolist(), batch.los.measure.tolist(), batch.program_of.tolist()
    return [
        {
            "qubit_lo_freq": drive[i],
            "meas_lo_freq": measure[i],
            "measure_esp": esp[k],
            "duration": batch.programs[k].duration,
        }
        for i, k in enumerate(which)
    ]


def methods_of(outcomes: Sequence[Any]) -> List[str]:
    """Return how a job's states were simulated: what "auto" chose, where that was asked for."""
    return sorted({m for o in outcomes if isinstance(o, Record) for m in o.info["methods"] if m != "none"})


def _esp_of(program: Program) -> Dict[str, bool]:
    rows = program.rows(Op.ACQUIRE)
    channels, refs = program.events.channel[rows], program.events.ref[rows]
    return {str(program.channels[c].index): program.acquires[r].esp for c, r in zip(channels, refs)}


def seed_of(given: Optional[int]) -> int:
    """Return the seed to use."""
    import secrets

    return secrets.randbits(63) if given is None else given
