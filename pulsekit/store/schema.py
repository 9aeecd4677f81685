"""Lay out the tables of a store."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text, TypeDecorator

from .records import JobRecord

__all__ = ["VERSION", "documents", "jobs", "meta", "metadata"]

VERSION = 1  # of the layout


class JsonText(TypeDecorator):  # type: ignore[type-arg]
    """JSON as text: PostgreSQL's own type refuses NaN and infinities, which headers may hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        """Return JSON's text."""
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        """Return what the text says."""
        return json.loads(value)


metadata = MetaData()

meta = Table("pulsekit_meta", metadata, Column("key", String(32), primary_key=True), Column("value", String(255)))

jobs = Table(
    "pulsekit_jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("backend", String(255), nullable=False),
    Column("created", Float, nullable=False),
    Column("status", String(32), nullable=False),
    Column("name", Text),
    Column("tags", JsonText, nullable=False),
    Column("share_level", String(16), nullable=False),
    Column("experiment_id", Text),
    Column("user", String(255), nullable=False),
    Column("hub", String(255), nullable=False),
    Column("group", String(255), nullable=False),
    Column("project", String(255), nullable=False),
    Column("steps", JsonText, nullable=False),
    Column("options", JsonText, nullable=False),
    Column("header", JsonText, nullable=False),
    Column("client_version", JsonText, nullable=False),
    Column("experiments", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("device", String(64)),
    Column("payload", String(64)),
    Column("result", String(64)),
    Column("error_message", Text),
    Column("error_code", Integer),
    Index("pulsekit_jobs_by_backend", "backend", "created"),
    Index("pulsekit_jobs_by_status", "status"),
)

documents = Table(
    "pulsekit_documents",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # zlib-compressed JSON
)

LIGHT = (  # what a search reads
    "id backend created status name tags share_level experiment_id user hub group project".split()
)

if {c.name for c in jobs.columns} != {f.name for f in fields(JobRecord)}:  # pragma: no cover
    raise ImportError("the jobs table and JobRecord have different fields")
