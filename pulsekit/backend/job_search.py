"""Find jobs: the filters of ``jobs()``, and ``retrieve_job``."""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Union

import dateutil.parser

from ..store import JobRecord, Store
from ..store.filters import merge
from . import checks
from .exceptions import BackendTypeError, IBMQBackendApiError, IBMQBackendError, IBMQBackendValueError, provider_errors
from .status import seconds_of, statuses_of

__all__ = ["find_jobs", "retrieve", "where_clause"]


MOST = 2**63 - 1  # that a database counts to
HALF_TICK = 5e-7  # s: datetimes are whole microseconds, the store's times are not


def _seconds(name: str, value: Union[datetime, str]) -> float:
    """Return a datetime (naive: local) or its text as seconds since the epoch."""
    if isinstance(value, str):
        try:
            value = dateutil.parser.parse(value)
        except (ValueError, OverflowError) as error:
            raise IBMQBackendValueError(f"Argument `{name}` must be a date, but {value!r} came.") from error
    if not isinstance(value, datetime):
        raise BackendTypeError(f"Argument `{name}` must be a datetime or a str, but {value!r} came.")
    return seconds_of(value)


def where_clause(
    *,
    status: Any = None,
    job_name: Optional[str] = None,
    start_datetime: Any = None,
    end_datetime: Any = None,
    job_tags: Optional[List[str]] = None,
    job_tags_operator: Optional[str] = "OR",
    experiment_id: Optional[str] = None,
    db_filter: Optional[Mapping[str, Any]] = None,
) -> Dict[str, Any]:
    """Return the where-clause of a search.

    Raises:
        IBMQBackendValueError: a filter with a wrong value.
        BackendTypeError: one of a wrong type.
    """
    where: Dict[str, Any] = {}
    if status:
        where.update(_status_clause(status))
    if job_name:
        where["name"] = {"regexp": _pattern(checks.text("job_name", job_name))}
    bounds = {}
    if start_datetime is not None:
        bounds["gte"] = _seconds("start_datetime", start_datetime) - HALF_TICK
    if end_datetime is not None:
        bounds["lte"] = _seconds("end_datetime", end_datetime) + HALF_TICK
    if bounds:
        where["created"] = bounds
    if job_tags:
        where.update(_tags_clause(checks.tags("job_tags", job_tags), job_tags_operator))
    if experiment_id:
        where["experiment_id"] = checks.text("experiment_id", experiment_id)
    if db_filter:
        where = merge(where, checks.mapping("db_filter", db_filter))
    return where


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise IBMQBackendValueError(
            f"Argument `job_name` must be a regular expression, but {text!r} came: {error}."
        ) from error
    return text


def _status_clause(status: Any) -> Dict[str, Any]:
    names = statuses_of(status)
    if isinstance(status, list):  # a list is joined with the user's own `or`
        return {"or": [{"status": name} for name in names]}
    return {"status": {"inq": names}}


def _tags_clause(tags: List[str], operator: Optional[str]) -> Dict[str, Any]:
    name = operator.upper() if isinstance(operator, str) else operator
    if name == "OR":
        return {"tags": {"inq": tags}}
    if name == "AND":
        return {"and": [{"tags": tag} for tag in tags]}
    raise IBMQBackendValueError(f"Argument `job_tags_operator` must be 'AND' or 'OR', but {operator!r} came.")


def find_jobs(
    store: Store, backend: Optional[str], *, limit: Optional[int], skip: int, descending: bool, **filters: Any
) -> List[JobRecord]:
    """Return the records of a search.

    Args:
        store: as its user sees it.
        backend: name, or None for all.
        limit: at most so many; None or 0 for all.
        skip: leave out the first so many.
        descending: newest first.
        **filters: see :func:`where_clause`.
    """
    number = checks.integer(0, MOST)
    most = None if not limit else number("limit", limit)
    where = where_clause(**filters)
    with provider_errors():
        return store.find(backend, where, limit=most, skip=number("skip", skip or 0), descending=bool(descending))


def retrieve(store: Store, backend: str, job_id: str) -> JobRecord:
    """Return the record of one job of a backend.

    Raises:
        IBMQBackendApiError: there is none that the user may see.
        IBMQBackendError: it is another backend's.
    """
    checks.text("job_id", job_id)
    with provider_errors():
        record = store.get(job_id)
    if record is None:
        raise IBMQBackendApiError(
            f"Argument `job_id` must name a job in the store that is yours or shared, but {job_id!r} came."
        )
    if record.backend != backend:
        warnings.warn(f"Job {job_id} belongs to another backend than the one queried: {record.backend}.", stacklevel=4)
        raise IBMQBackendError(
            f"Job {job_id} must be one of {backend} to be retrieved here, but it ran on {record.backend}."
        )
    return record
