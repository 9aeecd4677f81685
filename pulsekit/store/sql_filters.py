"""Say a where-clause in SQL, as far as a database says it as Python does.

What it cannot say exactly (PostgreSQL's regular expressions and the order of
its texts differ; lists beyond a database's number of parameters) becomes
"true": the rows then hold those that match, and
:func:`pulsekit.store.filters.matches` judges them.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Mapping, NamedTuple, Optional

from sqlalchemy import ColumnElement, Float, and_, bindparam, false, not_, or_, text, true

from ..errors import StoreError
from . import schema
from .filters import OPERATORS, comparable, field_of, judged
from .identity import Identity

__all__ = ["Said", "say_visible", "say_where"]

MOST = 500  # parameters of one list
_ANY_TAG = "EXISTS (SELECT 1 FROM json_each(pulsekit_jobs.tags) AS tag WHERE tag.value IN :tags)"

Clause = ColumnElement[bool]
_COMPARE: Mapping[str, Callable[[Any, Any], Clause]] = {
    "gt": lambda column, bound: column > bound,
    "gte": lambda column, bound: column >= bound,
    "lt": lambda column, bound: column < bound,
    "lte": lambda column, bound: column <= bound,
}


class Said(NamedTuple):
    """A condition, and whether it is the whole one."""

    clause: Any  # of SQLAlchemy: a ColumnElement[bool] or a TextClause
    exact: bool


NOT_SAID = Said(true(), False)


def say_visible(who: Identity) -> Clause:
    """Return the condition of :func:`pulsekit.store.identity.may_see`."""
    c = schema.jobs.c
    hub = c.hub == who.hub
    group = and_(hub, c.group == who.group)
    return or_(
        c.user == who.user,
        c.share_level == "global",
        and_(c.share_level == "hub", hub),
        and_(c.share_level == "group", group),
        and_(c.share_level == "project", group, c.project == who.project),
    )


def say_where(where: Mapping[str, Any], dialect: str) -> Said:
    """Return a where-clause for a database.

    Args:
        where: see :mod:`pulsekit.store.filters`.
        dialect: SQLAlchemy's name of the kind of database.

    Raises:
        StoreError: a field or an operator that does not exist, or one whose
            value it cannot take.
    """
    return judged(lambda: _say(where, dialect), where)


def _say(where: Mapping[str, Any], dialect: str) -> Said:
    parts: List[Said] = []
    for key, condition in where.items():
        if key in ("and", "or"):
            inner = [_say(clause, dialect) for clause in condition]
            clauses = [s.clause for s in inner]
            joined = and_(true(), *clauses) if key == "and" else or_(false(), *clauses)
            parts.append(Said(joined, all(s.exact for s in inner)))
        else:
            parts += _say_field(field_of(key, schema.LIGHT), condition, dialect)
    return Said(and_(true(), *[s.clause for s in parts]), all(s.exact for s in parts))


def _say_field(field: str, condition: Any, dialect: str) -> List[Said]:
    if not isinstance(condition, Mapping):
        condition = {"inq" if field == "tags" else "eq": [condition] if field == "tags" else condition}
    out = []
    for operator, bound in condition.items():
        if operator not in OPERATORS:
            raise StoreError(
                f"Argument `db_filter` must use operators among {sorted(OPERATORS)}, but {operator!r} came."
            )
        say = _say_tags if field == "tags" else _say_plain
        out.append(say(field, operator, comparable(field, bound), dialect) or NOT_SAID)
    return out


def _say_tags(field: str, operator: str, bound: Any, dialect: str) -> Optional[Said]:
    if dialect != "sqlite" or operator not in ("inq", "nin") or not _texts(bound):
        return None
    said = text(_ANY_TAG if operator == "inq" else f"NOT {_ANY_TAG}")
    return Said(said.bindparams(bindparam("tags", list(bound), expanding=True, unique=True)), True)


def _say_plain(field: str, operator: str, bound: Any, dialect: str) -> Optional[Said]:
    column = schema.jobs.c[field]
    number = isinstance(column.type, Float)
    fits = _is_number if number else _is_text
    if operator in ("eq", "neq") and (bound is None or fits(bound)):
        return Said(column.is_not_distinct_from(bound) if operator == "eq" else column.is_distinct_from(bound), True)
    if operator in ("inq", "nin") and isinstance(bound, (list, tuple)) and len(bound) <= MOST and all(map(fits, bound)):
        return Said(column.in_(bound) if operator == "inq" else or_(column.is_(None), column.not_in(bound)), True)
    if not number and dialect != "sqlite":
        return None  # texts have another order there, and regular expressions another language
    if operator in _COMPARE and fits(bound):
        return Said(_COMPARE[operator](column, bound), True)
    if operator == "between" and isinstance(bound, (list, tuple)) and len(bound) > 1 and all(map(fits, bound[:2])):
        return Said(column.between(bound[0], bound[1]), True)
    pattern = None if number or not _is_text(bound) else _pattern(operator, bound)
    if pattern is None:
        return None
    found = column.regexp_match(pattern)
    return Said(or_(column.is_(None), not_(found)) if operator == "nlike" else found, True)


def _pattern(operator: str, bound: str) -> Optional[str]:
    """Return the regular expression that an operator searches for; None if that is not simply one."""
    if operator not in ("like", "nlike", "regexp"):
        return None
    if operator == "regexp" and bound.startswith("/") and bound.rfind("/") > 0:
        body, _, flags = bound[1:].rpartition("/")
        bound = f"(?i:{body})" if "i" in flags else body
    try:
        re.compile(bound)
    except re.error:
        return None
    return bound


def _is_text(value: Any) -> bool:
    """Tell whether a database takes it as a text: no NUL, no lone surrogates."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and 0 < len(value) <= MOST and all(map(_is_text, value))
