"""Name the process that runs a job, and tell whether it is gone."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from typing import Optional

__all__ = ["is_gone", "this_process"]

STALE_S = 3600.0  # a process of another machine without a sign of life for so long is gone


def _started(pid: int) -> Optional[str]:
    """Return when a process started, in the system's own count; None if unknown."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            return stream.read().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return None


@cache
def _name(pid: int) -> str:
    return f"{socket.gethostname()}/{pid}/{_started(pid) or ''}"


def this_process() -> str:
    """Return a name for this process that no later one has."""
    return _name(os.getpid())


def is_gone(owner: str, heartbeat: float) -> bool:
    """Tell whether the process of a job does not run any more.

    Args:
        owner: from :func:`this_process`.
        heartbeat: its last sign of life, s since the epoch; decides for
            processes of other machines.
    """
    if owner == this_process():
        return False
    try:
        host, pid_text, started = owner.rsplit("/", 2)
        pid = int(pid_text)
    except ValueError:
        return True
    if host != socket.gethostname():
        return time.time() - heartbeat > STALE_S
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it runs, as another user
        return False
    return bool(started) and _started(pid) not in (None, started)
