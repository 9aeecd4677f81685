"""Store jobs, their documents and their arrays."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

import numpy as np
from sqlalchemy import URL, Engine, create_engine, event, insert, make_url, select, update
from sqlalchemy.exc import ArgumentError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from ..errors import StoreError
from . import schema
from .arrays import ArrayStore
from .filters import matches
from .identity import Identity, may_see
from .records import ACTIVE, JobRecord
from .sql_filters import say_visible, say_where

__all__ = ["Store"]

ROWS = 500  # fetched at a time by a search that Python has to judge
BUSY_S = 30  # how long a writer waits for another process


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _engine(url: str) -> Engine:
    if url in ("sqlite://", "sqlite:///:memory:"):
        return create_engine(url, connect_args={"check_same_thread": False}, poolclass=StaticPool)
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_S})
        event.listen(engine, "connect", _tune_sqlite)
        return engine
    return create_engine(_with_driver(url), pool_pre_ping=True)


def _with_driver(url: str) -> URL:
    """Return a database's URL; ``postgresql://`` takes the driver that is installed."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        for driver in ("psycopg2", "psycopg"):
            if find_spec(driver):
                return parsed.set(drivername=f"postgresql+{driver}")
    return parsed


def _shown(url: str) -> str:
    """Return a URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _create_tables(engine: Engine) -> None:
    """Create what is not there; other processes may do the same now."""
    for attempt in range(5):
        try:
            with engine.begin() as connection:
                for table in schema.metadata.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                    for index in table.indexes:
                        connection.execute(CreateIndex(index, if_not_exists=True))
            return
        except (IntegrityError, ProgrammingError):  # PostgreSQL, when two create one table
            if attempt == 4:
                raise
            time.sleep(0.05)


_all: "weakref.WeakSet[Store]" = weakref.WeakSet()


class Store:
    """Jobs in a database; threads and processes may share one.

    Writes of one process are serialised; SQLite runs in WAL mode, so that
    readers never wait for writers.
    """

    def __init__(
        self, url: str = "sqlite://", *, arrays: Optional[Union[str, Path]] = None, identity: Optional[Identity] = None
    ) -> None:
        """Open or create a store.

        Args:
            url: SQLAlchemy's URL of a database; "sqlite://" is in memory.
            arrays: folder of the arrays; None: in memory.
            identity: who uses the store. Default: the operating system's
                user.

        Raises:
            StoreError: the database cannot be opened, or was written by a
                newer pulsekit.
        """
        self.url = url
        self.identity = identity or Identity.default()
        self.arrays = ArrayStore(Path(arrays) if arrays is not None else None)
        self._lock = threading.RLock()
        _all.add(self)
        try:
            self._engine = _engine(url)
            _create_tables(self._engine)
            self._check_version()
        except (SQLAlchemyError, ImportError) as error:
            fix = f" Install the driver of the database: {error.name}." if isinstance(error, ImportError) else ""
            raise StoreError(
                f"Argument `store` must be a database that can be opened, but {_shown(url)} fails: {error}.{fix}"
            ) from error

    def _check_version(self) -> None:
        with self._writing() as connection:
            row = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == "version")).first()
            if row is None:
                try:
                    connection.execute(insert(schema.meta).values(key="version", value=str(schema.VERSION)))
                except IntegrityError:  # another process was faster
                    return
            elif int(row.value) > schema.VERSION:
                raise StoreError(f"The store must have layout {schema.VERSION} or older, but it has {row.value}.")

    def __repr__(self) -> str:
        return f"Store({_shown(self.url)!r}, user={self.identity.user!r})"

    def as_user(self, identity: Identity) -> "Store":
        """Return the same store as another user sees it."""
        other = object.__new__(Store)
        other.__dict__.update(self.__dict__, identity=identity)
        _all.add(other)
        return other

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # documents and arrays

    def put_document(self, document: Any) -> str:
        """Store JSON-able data, and return the hash that names it."""
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=_plain).encode()
        key = sha256(text).hexdigest()
        statement = insert(schema.documents).values(hash=key, data=zlib.compress(text, 1))
        with self._errors(), self._lock, self._engine.connect() as connection:
            if (
                connection.execute(select(schema.documents.c.hash).where(schema.documents.c.hash == key)).first()
                is None
            ):
                try:
                    connection.execute(statement)
                    connection.commit()
                except IntegrityError:  # the same content, from another process
                    connection.rollback()
        return key

    def get_document(self, key: str) -> Any:
        """Return the data of a document.

        Raises:
            StoreError: no such document, or it is damaged.
        """
        with self._reading() as connection:
            row = connection.execute(select(schema.documents.c.data).where(schema.documents.c.hash == key)).first()
        if row is None:
            raise StoreError(f"Document {key} must be in the store, but it is not.")
        try:
            return json.loads(zlib.decompress(row.data))
        except (zlib.error, ValueError) as error:
            raise StoreError(f"Document {key} must be readable, but it is damaged: {error}.") from error

    def put_array(self, array: np.ndarray) -> str:
        """Store an array, and return its hash."""
        return self.arrays.put(array)

    def get_array(self, key: str) -> np.ndarray:
        """Return the array with this hash."""
        return self.arrays.get(key)

    # jobs

    def add(self, record: JobRecord) -> JobRecord:
        """Enter a job; its owner is the store's user."""
        who = self.identity
        record = replace(record, user=who.user, hub=who.hub, group=who.group, project=who.project)
        with self._writing() as connection:
            connection.execute(insert(schema.jobs).values(**vars(record)))
        return record

    def update(self, job_id: str, *, expected: Optional[Iterable[str]] = None, **changes: Any) -> bool:
        """Change fields of a job.

        Args:
            job_id: the job.
            expected: change it only if its status is one of these.
            **changes: new values by field.

        Returns:
            Whether the job was changed.
        """
        statement = update(schema.jobs).where(schema.jobs.c.id == job_id).values(**changes)
        if expected is not None:
            statement = statement.where(schema.jobs.c.status.in_(list(expected)))
        with self._writing() as connection:
            return connection.execute(statement).rowcount > 0

    def claim(self, job_id: str, from_owner: str, to_owner: str, **changes: Any) -> bool:
        """Take a job over from a process that is gone; False if another did."""
        statement = (
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.owner == from_owner, schema.jobs.c.status.in_(ACTIVE))
            .values(owner=to_owner, **changes)
        )
        with self._writing() as connection:
            return connection.execute(statement).rowcount > 0

    def get(self, job_id: str) -> Optional[JobRecord]:
        """Return a job, or None where there is none that the user may see."""
        with self._reading() as connection:
            row = connection.execute(select(schema.jobs).where(schema.jobs.c.id == job_id)).mappings().first()
        if row is None or not may_see(self.identity, row):  # type: ignore[arg-type]
            return None
        return JobRecord(**row)

    def find(
        self,
        backend: Optional[str],
        where: Mapping[str, Any],
        *,
        limit: Optional[int] = None,
        skip: int = 0,
        descending: bool = True,
    ) -> List[JobRecord]:
        """Return the jobs that match and that the user may see.

        Args:
            backend: of this backend only; None: of all.
            where: see :mod:`pulsekit.store.filters`.
            limit: at most so many; None: all.
            skip: leave out the first so many.
            descending: newest first.
        """
        said = say_where(where, self._engine.dialect.name)
        order = [schema.jobs.c.created, schema.jobs.c.id]
        conditions = [say_visible(self.identity), said.clause]
        if backend is not None:
            conditions.append(schema.jobs.c.backend == backend)
        query = select(schema.jobs).where(*conditions).order_by(*([c.desc() for c in order] if descending else order))
        if said.exact:
            query = query.offset(skip).limit(limit)
            with self._reading() as connection:
                return [JobRecord(**row) for row in connection.execute(query).mappings()]
        query = query.with_only_columns(*[schema.jobs.c[name] for name in schema.LIGHT])
        with self._reading() as connection:
            rows = connection.execute(query.execution_options(yield_per=ROWS)).mappings()
            found = (row["id"] for row in rows if matches(row, where))  # type: ignore[arg-type]
            chosen = list(islice(found, skip, None if limit is None else skip + limit))
        return self._records(chosen)

    def _records(self, ids: Sequence[str]) -> List[JobRecord]:
        found: Dict[str, JobRecord] = {}
        for start in range(0, len(ids), 500):  # databases limit the number of parameters
            part = ids[start : start + 500]
            with self._reading() as connection:
                for row in connection.execute(select(schema.jobs).where(schema.jobs.c.id.in_(part))).mappings():
                    found[row["id"]] = JobRecord(**row)
        return [found[i] for i in ids if i in found]

    def unfinished(self, backend: str, is_gone: Callable[[str, float], bool]) -> List[JobRecord]:
        """Return the user's active jobs whose process is gone.

        Args:
            backend: of this backend.
            is_gone: tells it from (owner, time of the last heartbeat).
        """
        query = select(schema.jobs).where(
            schema.jobs.c.backend == backend,
            schema.jobs.c.user == self.identity.user,
            schema.jobs.c.status.in_(ACTIVE),
        )
        with self._reading() as connection:
            rows = connection.execute(query.order_by(schema.jobs.c.created)).mappings().all()
        return [JobRecord(**row) for row in rows if is_gone(row["owner"], row["heartbeat"])]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the database's errors as StoreErrors."""
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"The store's database must work, but {_shown(self.url)} fails: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Open a transaction; writers of one process take turns."""
        with self._errors(), self._lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """Open a connection; in memory all threads share one, one at a time."""
        lock = self._lock if isinstance(self._engine.pool, StaticPool) else nullcontext()
        with self._errors(), lock, self._engine.connect() as connection:
            yield connection


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, complex):
        return [value.real, value.imag]
    raise TypeError(f"cannot store a {type(value).__name__} as JSON")


def _after_fork() -> None:
    """Give a forked child connections and locks of its own."""
    for store in list(_all):
        store._lock = threading.RLock()
        if not isinstance(store._engine.pool, StaticPool):
            store._engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
