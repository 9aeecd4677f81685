"""Keep, queue and find the jobs of a backend."""

from __future__ import annotations

import threading
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from ..errors import PulsekitWarning, StoreError
from ..store import Identity, JobRecord, Store, open_store
from .backend_v1 import JobLimit
from .exceptions import provider_errors
from .job import Job
from .job_search import find_jobs, retrieve
from .recovery import recover
from .runner import Runner, Ticket

__all__ = ["BackendJobs"]

_runners: Dict[Any, Runner] = {}
_runners_lock = threading.Lock()


class BackendJobs:
    """The part of a backend that deals with jobs."""

    name: Any
    _where: Union[str, Path, Store, None]
    _identity: Optional[Identity]
    _max_jobs: Optional[int]

    @cached_property
    def store(self) -> Store:
        """The store of the jobs; opened, and cleaned up, at first use."""
        try:
            store = open_store(self._where, identity=self._identity)
        except StoreError as error:
            if self._where is not None:
                with provider_errors():
                    raise
            warnings.warn(f"Jobs are kept in memory only: {error}", PulsekitWarning, stacklevel=2)
            store = open_store("memory", identity=self._identity)
        self.__dict__["store"] = store
        recover(self, store)
        return store

    def _recover(self, job_id: str) -> Optional[Ticket]:
        """Deal with jobs whose process is gone; return the ticket of this one if it runs here now."""
        recover(self, self.store)
        return self._runner.ticket(job_id)

    @property
    def _runner(self) -> Runner:
        key = (self.store.url if self.store.arrays.folder is not None else id(self.store.arrays), str(self.name))
        with _runners_lock:
            return _runners.setdefault(key, Runner())

    def _queue(self, record: JobRecord, work: Callable[[Ticket], None], place: Optional[object] = None) -> Job:
        ticket = Ticket(record.id, work)
        job = Job(self, record, self.store, ticket)
        self._runner.submit(ticket, place)
        return job

    def _active_count(self) -> int:
        return self._runner.active()

    def _queue_position(self, job_id: str) -> Optional[int]:
        return self._runner.position(job_id)

    def _cancel(self, job: Job) -> bool:
        """Cancel a job of this process; see :meth:`Job.cancel`."""
        job_id = job.job_id()
        ticket = self._runner.ticket(job_id)
        if ticket is None:
            return False
        ticket.cancel.set()
        if self._runner.withdraw(job_id):
            ticket.work(ticket)  # sees that it was cancelled
        if ticket.thread == threading.get_ident():
            return True  # a callback of live data: the job goes on until that returns
        ticket.wait(None)
        return ticket.status == "CANCELLED"

    def job_limit(self) -> JobLimit:
        """Return how many jobs may be active, and are."""
        return JobLimit(self._max_jobs, self._active_count())

    def remaining_jobs_count(self) -> Optional[int]:
        """Return how many jobs may still be submitted; None: any number."""
        return None if self._max_jobs is None else max(0, self._max_jobs - self._active_count())

    def jobs(
        self,
        limit: Optional[int] = 10,
        skip: int = 0,
        status: Any = None,
        job_name: Optional[str] = None,
        start_datetime: Any = None,
        end_datetime: Any = None,
        job_tags: Optional[List[str]] = None,
        job_tags_operator: Optional[str] = "OR",
        experiment_id: Optional[str] = None,
        descending: bool = True,
        db_filter: Optional[Mapping[str, Any]] = None,
    ) -> List[Job]:
        """Return the jobs of this backend that match, your own and shared ones.

        Args:
            limit: at most so many; None or 0: all.
            skip: leave out the first so many.
            status: JobStatus, its name, or a list of these.
            job_name: a regular expression, found anywhere in the name.
            start_datetime: created then or later; naive is local time.
            end_datetime: created then or earlier.
            job_tags: tags of the job.
            job_tags_operator: 'OR', any of the tags; 'AND', all.
            experiment_id: exactly this.
            descending: newest first.
            db_filter: where-clause of the API, see
                :mod:`pulsekit.store.filters`.

        Raises:
            IBMQBackendValueError: a filter with a wrong value.
        """
        filters = {
            "status": status,
            "job_name": job_name,
            "start_datetime": start_datetime,
            "end_datetime": end_datetime,
            "job_tags": job_tags,
            "job_tags_operator": job_tags_operator,
            "experiment_id": experiment_id,
            "db_filter": db_filter,
        }
        found = find_jobs(self.store, str(self.name), limit=limit, skip=skip, descending=descending, **filters)
        return [self._job(record) for record in found]

    def active_jobs(self, limit: int = 10) -> List[Job]:
        """Return jobs that are not finished."""
        return self.jobs(limit=limit, status=["INITIALIZING", "VALIDATING", "QUEUED", "RUNNING"])

    def retrieve_job(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises:
            IBMQBackendApiError: there is none that you may see.
            IBMQBackendError: it is another backend's.
        """
        return self._job(retrieve(self.store, str(self.name), job_id))

    def _job(self, record: JobRecord) -> Job:
        return Job(self, record, self.store, self._runner.ticket(record.id))

    @property
    def hub(self) -> str:
        """The hub of the store's user."""
        return self.store.identity.hub

    @property
    def group(self) -> str:
        """The group of the store's user."""
        return self.store.identity.group

    @property
    def project(self) -> str:
        """The project of the store's user."""
        return self.store.identity.project
