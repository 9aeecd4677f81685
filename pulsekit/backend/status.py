"""Translate stored statuses to qiskit's, and times to local datetimes."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Dict, List, Union

from qiskit.providers.jobstatus import JobStatus

from .exceptions import IBMQBackendValueError, IBMQJobApiError

__all__ = ["API_STATUSES", "as_status", "local_time", "seconds_of", "statuses_of"]

API_STATUSES: Dict[JobStatus, List[str]] = {
    JobStatus.INITIALIZING: ["CREATING", "CREATED"],
    JobStatus.VALIDATING: ["VALIDATING", "VALIDATED"],
    JobStatus.QUEUED: ["QUEUED"],
    JobStatus.RUNNING: ["RUNNING"],
    JobStatus.DONE: ["COMPLETED"],
    JobStatus.CANCELLED: ["CANCELLED"],
    JobStatus.ERROR: ["ERROR_CREATING_JOB", "ERROR_VALIDATING_JOB", "ERROR_RUNNING_JOB"],
}
_BY_API = {api: status for status, names in API_STATUSES.items() for api in names}


def as_status(stored: str) -> JobStatus:
    """Return the JobStatus of a stored status.

    Raises:
        IBMQJobApiError: no status of a job.
    """
    if stored not in _BY_API:
        raise IBMQJobApiError(f"A job's status must be one of {sorted(_BY_API)}, but {stored!r} is stored.")
    return _BY_API[stored]


def statuses_of(status: Union[JobStatus, str, List[Union[JobStatus, str]]]) -> List[str]:
    """Return the stored statuses that a filter names.

    Raises:
        IBMQBackendValueError: neither a JobStatus, its name nor a list.
    """
    items = status if isinstance(status, list) else [status]
    out: List[str] = []
    for item in items:
        if isinstance(item, str) and item.upper() in JobStatus.__members__:
            item = JobStatus[item.upper()]
        if not isinstance(item, JobStatus):
            names = ", ".join(JobStatus.__members__)
            raise IBMQBackendValueError(
                f"Argument `status` must be one of {names}, or a list of these, but {item!r} came."
            )
        out += API_STATUSES[item]
    return out


def seconds_of(when: datetime) -> float:
    """Return a datetime (naive: local) as seconds since the epoch; the first and last ones as -inf and inf."""
    try:
        return when.astimezone(timezone.utc).timestamp()
    except (ValueError, OverflowError):  # of year 1 or 9999, and beyond them in UTC
        return -math.inf if when.year < 1970 else math.inf


def local_time(seconds: float) -> datetime:
    """Return seconds since the epoch as an aware local datetime."""
    return datetime.fromtimestamp(seconds, timezone.utc).astimezone()
