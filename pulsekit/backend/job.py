"""Follow one job: status, result, cancellation, and what is known about it."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, Iterator, Optional

from qiskit.providers import JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus
from qiskit.result import Result

from ..store import ACTIVE, FINAL, JobRecord, Store
from . import checks
from .exceptions import (
    IBMQJobApiError,
    IBMQJobFailureError,
    IBMQJobInvalidStateError,
    IBMQJobTimeoutError,
    provider_errors,
)
from .job_facts import JobFacts
from .ownership import is_gone
from .queueinfo import QueueInfo
from .results import build
from .runner import Ticket
from .status import as_status

__all__ = ["Job"]

POLL_S = 0.2  # s between looks at a job that another process runs


class Job(JobFacts, JobV1):
    """A job, running in this process, in another one, or long finished.

    It has the surface of qiskit-ibmq-provider's IBMQJob. Everything but a
    running job's own progress is read from the store.
    """

    _async = True

    def __init__(self, backend: Any, record: JobRecord, store: Store, ticket: Optional[Ticket] = None) -> None:
        """Look at a stored job; made by ``run``, ``jobs`` and ``retrieve_job``."""
        super().__init__(backend, record.id)
        self._store = store
        self._record = record
        self._ticket = ticket
        self._result: Optional[Result] = None

    def __repr__(self) -> str:
        return f"<Job('{self.job_id()}') from <Backend('{self._record.backend}')>>"

    def __getstate__(self) -> Dict[str, Any]:
        self._refresh()
        return {"backend": self._record.backend, "id": self.job_id(), "url": self._store.url, "record": self._record}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        """Reopen the store; a store in memory leaves what the record says."""
        from .reopen import backend_named, store_at

        record = state["record"]
        store = store_at(state["url"])
        JobV1.__init__(self, backend_named(record.backend, store), record.id)
        self._store, self._record, self._ticket, self._result = store, record, None, None

    # status

    def _refresh(self) -> None:
        if self._record.status in FINAL:
            return
        self._record = self._stored_record()
        active = self._record.status not in FINAL
        if active and self._backend is not None and is_gone(self._record.owner, self._record.heartbeat):
            self._ticket = self._backend._recover(self.job_id())
            self._record = self._stored_record()

    def _stored_record(self) -> JobRecord:
        with provider_errors():
            record = self._store.get(self.job_id())
        if record is None:
            raise IBMQJobApiError(f"Job {self.job_id()} must be in the store, but it is not there any more.")
        return record

    def refresh(self) -> None:
        """Read the job's record again."""
        with provider_errors():
            self._record = self._store.get(self.job_id()) or self._record

    def _stored_status(self) -> str:
        if self._record.status in FINAL:
            return self._record.status
        if self._runs_here():
            return self._ticket.status  # type: ignore[union-attr]
        self._refresh()
        return self._record.status

    def _runs_here(self) -> bool:
        """Tell whether this process has the job in its queue, or runs it."""
        return self._ticket is not None and not self._ticket.finished and self._ticket.process == os.getpid()

    def status(self) -> JobStatus:
        """Return the status now; a final one never changes."""
        return as_status(self._stored_status())

    def done(self) -> bool:
        """Tell whether the job was successful."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Tell whether it runs now."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Tell whether it was cancelled."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Tell whether it is finished, one way or another."""
        return self.status() in JOB_FINAL_STATES

    def submit(self) -> None:
        """Refuse: run() has submitted the job."""
        raise NotImplementedError("run() has submitted this job already.")

    def _wait(self, timeout: Optional[float]) -> bool:
        """Wait for a final status; False if it was not in time."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._stored_status() not in FINAL:
            left = None if end is None else max(0.0, end - time.monotonic())
            if self._runs_here():
                if not self._ticket.wait(left):  # type: ignore[union-attr]
                    return False
                continue
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(POLL_S if left is None else min(POLL_S, left))
        return True

    def wait_for_final_state(
        self,
        timeout: Optional[float] = None,
        wait: Optional[float] = None,
        callback: Optional[Callable[..., Any]] = None,
    ) -> None:
        """Wait until the job is finished.

        Args:
            timeout: s; None waits forever.
            wait: s between callbacks; None calls back only when the status or
                the place in the queue changed.
            callback: called with (job_id, status, job, queue_info=...) while
                the job is not finished.

        Raises:
            IBMQJobTimeoutError: not finished in time.
            BackendTypeError: ``callback`` cannot be called.
        """
        if callback is not None:
            checks.callback("callback", callback)
        end = None if timeout is None else time.monotonic() + timeout
        seen: Any = None
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if callback is None:
                finished = self._wait(left)
            else:
                step = POLL_S if wait is None else wait
                status, queue = self.status(), self.queue_info()
                if status not in JOB_FINAL_STATES and (wait is not None or (status, queue) != seen):
                    callback(self.job_id(), status, self, queue_info=queue)
                    seen = (status, queue)
                finished = self._wait(step if left is None else min(step, left))
            if finished:
                return
            if end is not None and time.monotonic() >= end:
                raise IBMQJobTimeoutError(
                    f"Job {self.job_id()} must finish within {timeout} s, but it is {self.status().name}."
                )

    def cancel(self) -> bool:
        """Cancel the job if it is not finished; tell whether that worked.

        A running job stops at the next opportunity; this waits for it, except
        in a callback of live data, whose job stops when the callback returns.
        A job of another process is cancelled at once, and its process stops to
        work on it within seconds.
        """
        if not self._may_change() or self.in_final_state():
            return False
        if self._runs_here():
            cancelled: bool = self._backend._cancel(self)
            return cancelled
        steps = {**self._record.steps, "CANCELLED": time.time()}
        with provider_errors():
            return self._store.update(self.job_id(), expected=ACTIVE, status="CANCELLED", steps=steps)

    # result

    def result(
        self, timeout: Optional[float] = None, wait: float = 5, partial: bool = False, refresh: bool = False
    ) -> Result:
        """Wait for the job, and return its result.

        Args:
            timeout: s; None waits forever.
            wait: ignored: this job wakes up when it is finished.
            partial: for a failed job, return what there is.
            refresh: build the result anew, without its user's edits.

        Raises:
            IBMQJobTimeoutError: not finished in time.
            IBMQJobInvalidStateError: the job was cancelled.
            IBMQJobFailureError: the job failed.
        """
        if not self._wait(timeout):
            raise IBMQJobTimeoutError(
                f"Job {self.job_id()} must finish within {timeout} s, but it is {self.status().name}."
            )
        status = self.status()
        if status is JobStatus.CANCELLED:
            raise IBMQJobInvalidStateError(
                f"Job {self.job_id()} must be finished to have a result, but it was cancelled."
            )
        if status is JobStatus.ERROR and not (partial and self._record.result):
            raise IBMQJobFailureError(f"Unable to retrieve the result of job {self.job_id()}: {self._short_error()}")
        if self._result is None or refresh:
            self._result = self._build()
        return self._result

    def _short_error(self) -> str:
        message = self.error_message() or "Unknown error."
        return message if "\n" not in message else "the job failed. Use error_message() for details."

    def _build(self) -> Result:
        kept = self._ticket.result if self._ticket is not None else None
        if kept is not None:
            document, arrays, headers = kept
            return build(document, arrays.__getitem__, headers)
        if self._record.result is None:
            raise IBMQJobApiError(f"Job {self.job_id()} must have a result in the store, but it has none.")
        with provider_errors():
            document = self._store.get_document(self._record.result)
            names = document.pop("arrays")
            loaded: Dict[int, Any] = {}

            def array(index: int) -> Any:
                if index not in loaded:
                    loaded[index] = self._store.get_array(names[index])
                return loaded[index]

            return build(document, array)

    def error_message(self) -> Optional[str]:
        """Wait for the job, and return why it failed; None if it did not."""
        self._wait(None)
        if self.status() is not JobStatus.ERROR:
            return None
        message = self._record.error_message or "Unknown error."
        code = self._record.error_code
        return message if code is None or f"Error code: {code}." in message else f"{message} Error code: {code}."

    # queue and live data

    def queue_position(self, refresh: bool = False) -> Optional[int]:
        """Return the place in the queue, 1 being next; None if not queued."""
        position: Optional[int] = self._backend._queue_position(self.job_id()) if self._runs_here() else None
        return position

    def queue_info(self) -> Optional[QueueInfo]:
        """Return what is known about the queue; None if not queued."""
        position = self.queue_position()
        return None if position is None else QueueInfo(position, self.job_id())

    def live_data(self, timeout: Optional[float] = None) -> Iterator[Dict[str, Any]]:
        """Iterate over running averages, while the job runs.

        Each packet maps acquire channels ("a0") to ``avgLevel0``,
        ``avgLevel1`` ([[re, im] per circuit]) and ``rounds``, and has
        ``total_rounds``. Only for jobs of this process, with
        ``live_data_enabled=True``.

        Args:
            timeout: s to wait for the next packet; None waits forever.
        """
        position = 0
        while self._ticket is not None:
            packets, over = self._ticket.packets(position, timeout)
            position += len(packets)
            yield from packets
            if over and not packets:
                return

    def on_live_data(self, callback: Callable[[Dict[str, Any]], None]) -> None:
        """Call back with every packet of live data, those that came already at once.

        Packets of a running job call back in its thread. What the callback
        raises is logged.

        Raises:
            BackendTypeError: ``callback`` cannot be called.
        """
        checks.callback("callback", callback)
        if self._ticket is not None:
            self._ticket.listen(callback)
