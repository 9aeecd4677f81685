"""Hold what a store promises."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from sqlalchemy import text
from store_jobs import CLAUSES, compare, many_jobs

from pulsekit.errors import StoreError
from pulsekit.store import Identity, JobRecord, Store, open_store


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    made = open_store("memory" if request.param == "memory" else tmp_path)
    yield made
    made.close()


def job(i, **fields):
    return JobRecord(id=f"job{i}", backend="dev", created=float(i), **fields)


def test_a_job_comes_back_as_it_went_in(store):
    record = store.add(job(1, name="n", tags=["a", "b"], steps={"CREATING": 1.5}, options={"shots": 3}))
    assert record.user == store.identity.user
    assert store.get("job1") == record
    assert store.get("nothing") is None


def test_update_only_from_an_expected_status(store):
    store.add(job(1))
    assert store.update("job1", expected=["CREATING"], status="QUEUED")
    assert not store.update("job1", expected=["CREATING"], status="RUNNING")
    assert store.get("job1").status == "QUEUED"


def test_find_orders_skips_and_limits(store):
    for i in range(5):
        store.add(job(i, name=f"run-{i}"))
    assert [r.id for r in store.find("dev", {}, limit=2, skip=1)] == ["job3", "job2"]
    assert [r.id for r in store.find("dev", {}, descending=False)][:2] == ["job0", "job1"]
    assert store.find("other", {}) == []
    assert [r.id for r in store.find(None, {"name": {"regexp": "n-[34]"}})] == ["job4", "job3"]


def test_find_with_the_filter_language(store):
    store.add(job(1, tags=["a"], experiment_id="e1"))
    store.add(job(2, tags=["a", "b"], experiment_id="e2"))
    store.add(job(3))

    def ids(where):
        return {r.id for r in store.find("dev", where)}

    assert ids({"tags": "a"}) == {"job1", "job2"}
    assert ids({"and": [{"tags": "a"}, {"tags": "b"}]}) == {"job2"}
    assert ids({"tags": {"inq": ["b", "c"]}}) == {"job2"}
    assert ids({"experimentTag": "e1"}) == {"job1"}
    assert ids({"or": [{"id": "job3"}, {"created": {"lt": 2}}]}) == {"job1", "job3"}
    assert ids({"created": {"between": [2, 3]}}) == {"job2", "job3"}
    with pytest.raises(StoreError, match="'colour'"):
        ids({"colour": "red"})
    with pytest.raises(StoreError, match="'almost'"):
        ids({"name": {"almost": "x"}})


@pytest.mark.parametrize("where", CLAUSES, ids=str)
def test_the_database_finds_what_python_finds(where):
    store = Store()
    compare(store, many_jobs(store), where)


def test_share_levels_between_users(store):
    levels = ("global", "hub", "group", "project", "none")
    for i, level in enumerate(levels):
        store.add(job(i, share_level=level))
    me = store.identity

    def seen(user, hub=me.hub, group=me.group, project=me.project):
        view = store.as_user(Identity(user, hub, group, project))
        names = {levels[int(r.id[3:])] for r in view.find("dev", {})}
        assert names == {levels[i] for i in range(5) if view.get(f"job{i}") is not None}
        return names

    assert seen(me.user, hub="another") == set(levels)
    assert seen("you") == {"global", "hub", "group", "project"}
    assert seen("you", project="p2") == {"global", "hub", "group"}
    assert seen("you", group="g2") == {"global", "hub"}
    assert seen("you", hub="h2") == {"global"}


def test_arrays_are_stored_once_and_checked(tmp_path):
    store = Store(arrays=tmp_path)
    a = np.arange(6.0).reshape(2, 3)
    key = store.put_array(a)
    assert store.put_array(a.copy()) == key
    assert len(list(tmp_path.rglob("*.npy"))) == 1
    assert np.array_equal(store.get_array(key), a)
    np.save(next(tmp_path.rglob("*.npy")), a + 1)
    with pytest.raises(StoreError, match="was changed"):
        store.get_array(key)
    with pytest.raises(StoreError, match="SHA-256"):
        store.get_array("../../etc/passwd")
    with pytest.raises(StoreError, match="Python objects"):
        store.put_array(np.array([object()]))


def test_documents_by_content(store):
    key = store.put_document({"b": [1, 2.5], "a": np.float64(3)})
    assert store.put_document({"a": 3.0, "b": [1, 2.5]}) == key
    assert store.get_document(key) == {"a": 3.0, "b": [1, 2.5]}
    with pytest.raises(StoreError, match="must be in the store"):
        store.get_document("0" * 64)


def test_a_newer_layout_is_refused(tmp_path):
    from sqlalchemy import update

    from pulsekit.store import schema

    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    store = Store(url)
    with store._engine.begin() as connection:
        connection.execute(update(schema.meta).values(value="99"))
    with pytest.raises(StoreError, match="layout"):
        Store(url)


OPEN = "import sys; from pulsekit.store import open_store; open_store(sys.argv[1]); print('open')"


def test_many_processes_open_a_new_store_at_once(tmp_path):
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [p.communicate(timeout=60)[0] for p in processes] == ["open\n"] * 6


def test_urls_are_shown_without_password():
    with pytest.raises(StoreError) as caught:
        Store("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_errors_of_the_database_are_store_errors(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with store._engine.begin() as connection:
        connection.execute(text("drop table pulsekit_jobs"))
    with pytest.raises(StoreError, match="database must work"):
        store.add(job(1))
    with pytest.raises(StoreError, match="database must work"):
        store.get("job1")


def test_writers_from_many_threads_and_two_stores(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    stores = [Store(url), Store(url)]

    def work(k):
        for i in range(5):
            stores[k % 2].add(job(100 * k + i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(stores[0].find("dev", {})) == 40


def test_one_process_takes_a_job_over(store):
    store.add(job(1, owner="gone", heartbeat=1.0, status="RUNNING"))
    assert [r.id for r in store.unfinished("dev", lambda owner, beat: owner == "gone")] == ["job1"]
    assert store.claim("job1", "gone", "me", attempts=1)
    assert not store.claim("job1", "gone", "another", attempts=1)
    assert store.get("job1").owner == "me"


def test_open_store_shares_one_connection_pool(tmp_path):
    assert open_store(tmp_path) is open_store(tmp_path)
    assert open_store("memory") is not open_store("memory")
    assert open_store(tmp_path, identity=Identity("you")).identity.user == "you"


@pytest.mark.skipif(not hasattr(os, "umask"), reason="permissions as on Unix")
def test_arrays_are_readable_to_whom_the_database_is(tmp_path):
    before = os.umask(0o022)
    try:
        made = open_store(tmp_path)
        made.put_array(np.arange(3))
    finally:
        os.umask(before)
    files = [tmp_path / "jobs.sqlite", *tmp_path.glob("arrays/*/*")]
    assert [f.suffix for f in files] == [".sqlite", ".npy"]
    assert [f.stat().st_mode & 0o777 for f in files] == [0o644, 0o644]
