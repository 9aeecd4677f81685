"""Deal with jobs whose process is gone: run them once more, or end them."""

from __future__ import annotations

import logging
import time
from typing import Any

from ..store import JobRecord, Store
from .ownership import is_gone, this_process
from .submission import compiled, make_work, request_again

__all__ = ["recover"]

logger = logging.getLogger(__name__)
INTERRUPTED = "The job was interrupted: the process that ran it ended."


def recover(backend: Any, store: Store) -> None:
    """Queue interrupted jobs of the user again, with their seeds; once.

    A job that was interrupted twice, whose input was not stored yet, or whose
    device is another one now ends with an error.
    """
    for record in store.unfinished(str(backend.name), is_gone):
        if record.attempts > 1:
            _end(store, record, f"{INTERRUPTED} It was so for the second time.")
        elif record.payload is None:
            _end(store, record, f"{INTERRUPTED} Its input was not stored yet.")
        else:
            _again(backend, store, record)


def _end(store: Store, record: JobRecord, message: str) -> None:
    steps = {**record.steps, "ERROR_RUNNING_JOB": time.time()}
    changes = {"status": "ERROR_RUNNING_JOB", "error_message": message, "steps": steps}
    store.claim(record.id, record.owner, this_process(), **changes)


def _again(backend: Any, store: Store, record: JobRecord) -> None:
    now = time.time()
    taken = store.claim(
        record.id,
        record.owner,
        this_process(),
        attempts=record.attempts + 1,
        status="QUEUED",
        heartbeat=now,
        steps={**record.steps, "QUEUED": now},
    )
    if not taken:
        return
    try:
        claimed = store.get(record.id) or record
        document = backend._device_document
        if record.device is not None and store.get_document(record.device)["hash"] != document["hash"]:
            raise ValueError("the device is another one now")
        request, seed = request_again(store.get_document(str(record.payload)), backend.device)
        work = make_work(request, compiled(request), claimed, store, seed, claimed.header, document)
    except Exception as error:
        logger.warning("Job %s could not be repeated.", record.id, exc_info=True)
        claimed = store.get(record.id) or record
        _end(store, claimed, f"{INTERRUPTED} It could not be repeated: {error}.")
        return
    backend._queue(claimed, work)
