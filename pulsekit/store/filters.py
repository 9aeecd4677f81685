"""Match jobs against a where-clause: the API's filter language, in Python.

A clause maps fields to a value (equal; for ``tags``: contained) or to
operators (``eq neq gt gte lt lte between inq nin like nlike regexp``);
``and`` and ``or`` hold lists of clauses. Fields are those of a job, or the
API's names for them.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, List, Mapping, TypeVar

from ..errors import StoreError

__all__ = ["OPERATORS", "comparable", "field_of", "judged", "matches", "merge"]

ALIASES = {
    "creationDate": "created",
    "experimentTag": "experiment_id",
    "jobName": "name",
    "backend.name": "backend",
    "backendName": "backend",
    "shareLevel": "share_level",
    "hubInfo.hub.name": "hub",
    "hubInfo.group.name": "group",
    "hubInfo.project.name": "project",
    "job_id": "id",
    "jobId": "id",
}


def _regexp(value: Any, pattern: str) -> bool:
    if pattern.startswith("/") and pattern.rfind("/") > 0:  # /pattern/flags
        body, _, flags = pattern[1:].rpartition("/")
        return re.search(body, str(value), re.IGNORECASE if "i" in flags else 0) is not None
    return re.search(pattern, str(value)) is not None


def _each(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, bound: value is not None and compare(value, bound)


OPERATORS: Dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, bound: value == bound,
    "neq": lambda value, bound: value != bound,
    "gt": _ordered(lambda value, bound: value > bound),
    "gte": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "lte": _ordered(lambda value, bound: value <= bound),
    "between": _ordered(lambda value, bound: bound[0] <= value <= bound[1]),
    "inq": lambda value, bound: any(v in bound for v in _each(value)),
    "nin": lambda value, bound: not any(v in bound for v in _each(value)),
    "like": lambda value, bound: value is not None and re.search(bound, str(value)) is not None,
    "nlike": lambda value, bound: value is None or re.search(bound, str(value)) is None,
    "regexp": lambda value, bound: value is not None and _regexp(value, bound),
}


def comparable(field: str, bound: Any) -> Any:
    """Return dates as the seconds that the store keeps."""
    if field != "created":
        return bound
    if isinstance(bound, (list, tuple)):
        return [comparable(field, b) for b in bound]
    if isinstance(bound, str):
        bound = datetime.fromisoformat(bound.replace("Z", "+00:00"))
    if isinstance(bound, datetime):
        return (bound if bound.tzinfo else bound.astimezone()).astimezone(timezone.utc).timestamp()
    return bound


def matches(job: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Tell whether a job satisfies a clause.

    Raises:
        StoreError: a field or an operator that does not exist, or one whose
            value it cannot take.
    """
    return judged(lambda: _matches(job, where), where)


T = TypeVar("T")


def judged(judge: Callable[[], T], where: Mapping[str, Any]) -> T:
    """Return what a function says of a clause.

    Raises:
        StoreError: it stumbles over a value.
    """
    try:
        return judge()
    except (AttributeError, TypeError, ValueError, re.error) as error:
        raise StoreError(
            f"Argument `db_filter` must be a clause with values that its operators take, but {where!r} came: {error}."
        ) from error


def _matches(job: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    for key, condition in where.items():
        if key == "and":
            ok = all(_matches(job, clause) for clause in condition)
        elif key == "or":
            ok = any(_matches(job, clause) for clause in condition)
        else:
            ok = _field_matches(job, key, condition)
        if not ok:
            return False
    return True


def field_of(key: str, fields: Iterable[str]) -> str:
    """Return the field that a clause names.

    Raises:
        StoreError: there is no such field.
    """
    field = ALIASES.get(key, key)
    if field not in fields:
        raise StoreError(f"Argument `db_filter` must use fields among {sorted(fields)}, but {key!r} came.")
    return field


def _field_matches(job: Mapping[str, Any], key: str, condition: Any) -> bool:
    field = field_of(key, job)
    value = job[field]
    if not isinstance(condition, Mapping):
        bound = comparable(field, condition)
        return bound in value if isinstance(value, list) else bool(value == bound)
    for operator, bound in condition.items():
        if operator not in OPERATORS:
            raise StoreError(
                f"Argument `db_filter` must use operators among {sorted(OPERATORS)}, but {operator!r} came."
            )
        if not OPERATORS[operator](value, comparable(field, bound)):
            return False
    return True


def merge(own: Mapping[str, Any], user: Mapping[str, Any]) -> Dict[str, Any]:
    """Join a search's own clause with the user's.

    Own fields go before the user's; ``and`` and ``or`` lists are joined.
    """
    merged: Dict[str, Any] = {**user, **own}
    for key in ("and", "or"):
        if key in own and key in user:
            merged[key] = [*own[key], *user[key]]
    return merged
