"""Print the status of a job until it is finished, as the provider's ``job_monitor`` does."""

from __future__ import annotations

import sys
from typing import Optional, TextIO

from qiskit.providers.jobstatus import JobStatus

from .job import Job

__all__ = ["job_monitor"]

INTERVAL_S = 2.0  # s between looks, unless given


def job_monitor(job: Job, interval: Optional[float] = None, output: Optional[TextIO] = None) -> None:
    """Print "Job Status: ..." in one line, over and over, until the job is finished.

    Args:
        job: what to look at.
        interval: s between looks; None: 2 s. The end is seen at once.
        output: where to print; None: standard output.
    """
    output = sys.stdout if output is None else output
    shown, width, finished = "", 0, False
    while True:
        message = _message(job)
        width = max(width, len(message))
        if message != shown:
            print(f"\rJob Status: {message:{width}}", end="", file=output, flush=True)
            shown = message
        if finished:
            break
        finished = job._wait(INTERVAL_S if interval is None else interval)
    print("", file=output)


def _message(job: Job) -> str:
    status = job.status()
    if status is JobStatus.QUEUED:
        return f"{status.value} ({job.queue_position()}) [Est. wait time: unknown]"
    if status is JobStatus.RUNNING:
        return f"RUNNING - {job.scheduling_mode()}"
    if status is JobStatus.ERROR:
        return f"ERROR - {job.error_message()}"
    return str(status.value)
