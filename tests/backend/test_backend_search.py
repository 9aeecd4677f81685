"""Table 4.3 of the contract: the filters of jobs(), and retrieve_job()."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from qiskit.providers.jobstatus import JobStatus

from pulsekit.backend import Backend, IBMQBackendApiError, IBMQBackendError, IBMQBackendValueError
from pulsekit.store import Identity, JobRecord, Store

START = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def listed(transmon):
    """A backend with twelve stored jobs, one a minute."""
    store = Store()
    statuses = ["COMPLETED", "CANCELLED", "ERROR_RUNNING_JOB", "ERROR_CREATING_JOB", "COMPLETED"]
    for i in range(12):
        store.add(
            JobRecord(
                id=f"job{i}",
                backend="transmon" if i < 11 else "another",
                created=(START + timedelta(minutes=i)).timestamp(),
                status=statuses[i % 5],
                name=f"rabi-{i}" if i % 2 else None,
                tags=[["a"], ["a", "b"], []][i % 3],
                experiment_id=f"e{i % 2}",
                share_level="global" if i == 4 else "none",
            )
        )
    return Backend(transmon, store)


def ids(jobs):
    return [int(j.job_id()[3:]) for j in jobs]


def test_4_3_limit(listed):
    assert ids(listed.jobs()) == list(range(10, 0, -1))
    assert ids(listed.jobs(limit=2)) == [10, 9]
    assert len(listed.jobs(limit=0)) == len(listed.jobs(limit=None)) == 11
    with pytest.raises(IBMQBackendValueError):
        listed.jobs(limit=-1)
    for huge in ({"limit": 2**63}, {"skip": 2**63}):
        with pytest.raises(IBMQBackendValueError, match=f"`{next(iter(huge))}`"):
            listed.jobs(**huge)


def test_4_3_skip(listed):
    assert ids(listed.jobs(limit=2, skip=3)) == [7, 6]


def test_4_3_descending(listed):
    assert ids(listed.jobs(limit=3, descending=False)) == [0, 1, 2]


def test_4_3_status(listed):
    assert ids(listed.jobs(status=JobStatus.CANCELLED)) == [6, 1]
    assert ids(listed.jobs(status="cancelled")) == [6, 1]
    assert ids(listed.jobs(status="ERROR", limit=0)) == [8, 7, 3, 2]
    assert ids(listed.jobs(status=["CANCELLED", JobStatus.ERROR], limit=0)) == [8, 7, 6, 3, 2, 1]
    assert len(listed.jobs(status=[], limit=0)) == 11
    for bad in ("FINISHED", 3, ("DONE",), ["DONE", "x"]):
        with pytest.raises(IBMQBackendValueError, match="DONE"):
            listed.jobs(status=bad)


def test_4_3_job_name(listed):
    assert ids(listed.jobs(job_name="rabi")) == [9, 7, 5, 3, 1]
    assert ids(listed.jobs(job_name="bi-[13]$")) == [3, 1]
    with pytest.raises(IBMQBackendValueError, match="regular expression"):
        listed.jobs(job_name="(")


def test_4_3_start_and_end_datetime(listed):
    begin, end = START + timedelta(minutes=3), START + timedelta(minutes=5)
    assert ids(listed.jobs(start_datetime=begin, end_datetime=end)) == [5, 4, 3]
    naive = begin.astimezone().replace(tzinfo=None)
    assert ids(listed.jobs(start_datetime=naive, end_datetime=end)) == [5, 4, 3]
    assert ids(listed.jobs(start_datetime=str(naive), end_datetime=end.isoformat())) == [5, 4, 3]
    always = listed.jobs(limit=0, start_datetime=datetime.min, end_datetime=datetime.max)
    assert ids(always) == ids(listed.jobs(limit=0))
    assert ids(listed.jobs(start_datetime=datetime.max)) == ids(listed.jobs(end_datetime=datetime.min)) == []
    with pytest.raises(TypeError):
        listed.jobs(start_datetime=3)
    with pytest.raises(ValueError):
        listed.jobs(start_datetime="yesterday-ish")


def test_4_3_aware_datetimes_of_other_zones_are_converted(listed):
    zone = timezone(timedelta(hours=5))
    begin = (START + timedelta(minutes=9)).astimezone(zone)
    assert ids(listed.jobs(start_datetime=begin)) == [10, 9]


def test_4_3_job_tags(listed):
    assert ids(listed.jobs(job_tags=["a"], limit=0)) == [10, 9, 7, 6, 4, 3, 1, 0]
    assert ids(listed.jobs(job_tags=["b", "c"])) == [10, 7, 4, 1]
    with pytest.raises(IBMQBackendValueError):
        listed.jobs(job_tags="a")


def test_4_3_job_tags_operator(listed):
    assert ids(listed.jobs(job_tags=["a", "b"], job_tags_operator="and")) == [10, 7, 4, 1]
    with pytest.raises(IBMQBackendValueError, match="AND"):
        listed.jobs(job_tags=["a"], job_tags_operator="XOR")
    with pytest.raises(IBMQBackendValueError):
        listed.jobs(job_tags=["a"], job_tags_operator=None)
    assert listed.jobs(job_tags_operator="XOR")


def test_4_3_experiment_id(listed):
    assert ids(listed.jobs(experiment_id="e1")) == [9, 7, 5, 3, 1]
    assert listed.jobs(experiment_id="e") == []


def test_4_3_db_filter(listed):
    assert ids(listed.jobs(db_filter={"name": {"like": "-[57]"}})) == [7, 5]
    assert ids(listed.jobs(db_filter={"status": "CANCELLED"}, status="DONE", limit=2)) == [10, 9]
    widened = listed.jobs(status=["CANCELLED"], db_filter={"or": [{"id": "job0"}]})
    assert ids(widened) == [6, 1, 0]
    with pytest.raises(IBMQBackendError, match="colour"):
        listed.jobs(db_filter={"colour": 1})
    with pytest.raises(IBMQBackendValueError):
        listed.jobs(db_filter=3)
    for name, value in (("name", {"regexp": "("}), ("name", {"gt": 3}), ("created", "soon"), ("or", [3])):
        with pytest.raises(IBMQBackendError, match="operators take"):
            listed.jobs(db_filter={name: value})


def test_4_3_filters_are_joined(listed):
    assert ids(listed.jobs(job_name="rabi", experiment_id="e1", job_tags=["b"], status="DONE")) == []
    assert ids(listed.jobs(job_name="rabi", job_tags=["b"])) == [7, 1]


def test_4_3_active_jobs(listed):
    assert listed.active_jobs() == []


def test_4_3_retrieve_job(listed):
    assert listed.retrieve_job("job3").name() == "rabi-3"
    with pytest.raises(IBMQBackendApiError, match="nothing"):
        listed.retrieve_job("nothing")
    with pytest.warns(UserWarning, match="belongs to another backend"), pytest.raises(IBMQBackendError):
        listed.retrieve_job("job11")
    with pytest.raises(ValueError):
        listed.retrieve_job(3)


def test_6_20_share_levels_are_enforced(listed, transmon):
    guest = Backend(transmon, listed.store, identity=Identity("guest"))
    assert ids(guest.jobs()) == [4]
    assert guest.retrieve_job("job4").share_level() == "global"
    with pytest.raises(IBMQBackendApiError):
        guest.retrieve_job("job5")


EVERY_FILTER = [
    {},
    {"status": "DONE"},
    {"status": [JobStatus.DONE, JobStatus.ERROR]},
    {"job_name": "^rabi-[0-9]"},
    {"start_datetime": START, "end_datetime": START + timedelta(minutes=5)},
    {"job_tags": ["a", "b"]},
    {"job_tags": ["a", "b"], "job_tags_operator": "AND"},
    {"experiment_id": "e1"},
    {"db_filter": {"or": [{"name": {"like": "3$"}}, {"tags": {"nin": ["a"]}}]}},
]


@pytest.mark.parametrize("filters", EVERY_FILTER, ids=str)
def test_4_3_the_database_filters_orders_skips_and_limits(listed, filters, monkeypatch):
    """Nothing that is not asked for is read; Python judges no row."""
    whole = ids(listed.jobs(limit=0, descending=False, **filters))
    with monkeypatch.context() as patched:
        patched.setattr("pulsekit.store.store.matches", None)
        made = []
        patched.setattr("pulsekit.store.store.JobRecord", lambda **row: made.append(row) or JobRecord(**row))
        assert ids(listed.jobs(limit=2, skip=1, descending=False, **filters)) == whole[1:3]
        assert len(made) <= 2


def test_4_3_dates_are_inclusive_to_the_microsecond(transmon):
    """A job's own creation_date() finds it, as start and as end."""
    backend = Backend(transmon, Store())
    for i in range(50):
        created = 1.7e9 + i + i * 1.37e-7  # s: finer than datetimes are
        backend.store.add(JobRecord(id=f"job{i}", backend="transmon", created=created, status="COMPLETED"))
    for job in backend.jobs(limit=0):
        when = job.creation_date()
        assert ids(backend.jobs(limit=0, start_datetime=when, end_datetime=when)) == ids([job])
