"""Jobs to search for, and clauses to search with."""

from __future__ import annotations

from pulsekit.store import Identity, JobRecord
from pulsekit.store.filters import matches
from pulsekit.store.identity import may_see

SHARE = ("global", "hub", "group", "project", "none")
WORDS = [None, "run-1", "Run-22", "näme", "a/b", "x\ny", "(?", "", "3"]
TAGS = ["a", "b", ", ", "b\\", 'q"q', "é", 'a"', "[", "c d"]
CLAUSES = [
    *({"name": word} for word in [*WORDS, 5, "RUN-1"]),
    *({"name": {op: "run"}} for op in ("like", "nlike", "regexp", "gt", "lte", "neq")),
    *({"name": {"regexp": p}} for p in ("/run/i", "/RUN/", "/a/b/", "[0-9]$", "/(?i)r/i", "^$")),
    {"name": {"between": ["A", "b"]}},
    {"name": {"inq": ["run-1", "3", None]}},
    {"name": {"nin": ["run-1", "3"]}},
    {"name": {"inq": [f"run-{i}" for i in range(1000)]}},
    *({"tags": tag} for tag in [*TAGS, 5]),
    {"tags": {"inq": ["a", "é"]}},
    {"tags": {"nin": ["a", 'q"q']}},
    {"tags": {"inq": []}},
    {"tags": {"eq": ["a"]}},
    {"and": [{"tags": "a"}, {"tags": {"nin": ["b"]}}, {"created": {"gte": 3, "lt": 30}}]},
    {"or": [{"experiment_id": None}, {"name": {"nlike": "1"}, "status": {"neq": "QUEUED"}}, {"tags": 5}]},
    {"and": []},
    {"or": []},
    {"created": {"between": [5, 9.5]}},
    {"created": {"inq": [1, 2.0, 40]}},
    {"creationDate": {"gt": "1970-01-01T00:00:20+00:00"}},
    {"experimentTag": {"neq": "e1"}},
    {"shareLevel": "hub", "jobName": {"like": "^r"}},
]


def many_jobs(store, backend="dev"):
    """Fill a store with jobs of two users; return all of them as they are in it."""
    records, who = [], [Identity("u", "h", "g", "p"), Identity("v", "h", "g", "q"), Identity("v", "k", "g", "p")]
    for i in range(120):
        record = JobRecord(
            id=f"{backend}{i:03d}",
            backend=backend,
            created=float(i % 50),
            name=WORDS[i % 9],
            tags=[TAGS[i % 9], TAGS[i * 7 % 9]][: i % 3],
            status=["DONE", "QUEUED"][i % 2],
            experiment_id=[None, "e1", "E1"][i // 3 % 3],
            share_level=SHARE[i % 5],
        )
        records.append(store.as_user(who[i % 3]).add(record))
    return records


def compare(store, records, where, backend="dev"):
    """Search as two users; the database must find what Python finds."""
    for who in (Identity("u", "h", "g", "p"), Identity("w", "h", "f", "q")):
        for down, skip, limit in ((True, 0, None), (False, 3, 10), (True, 1, 2)):
            kept = [r for r in records if may_see(who, vars(r)) and matches(vars(r), where)]
            kept.sort(key=lambda r: (r.created, r.id), reverse=down)
            found = store.as_user(who).find(backend, where, skip=skip, limit=limit, descending=down)
            assert [r.id for r in found] == [r.id for r in kept[skip : None if limit is None else skip + limit]], where
