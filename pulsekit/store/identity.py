"""Say who a store's user is, and whom a job is shared with."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import Mapping

__all__ = ["SHARE_LEVELS", "Identity", "may_see"]

SHARE_LEVELS = ("global", "hub", "group", "project", "none")


@dataclass(frozen=True)
class Identity:
    """A user, and the hub, group and project that they work in.

    The application enforces share levels by it; it protects nothing from
    somebody who opens the database itself.
    """

    user: str
    hub: str = "local"
    group: str = "open"
    project: str = "main"

    @staticmethod
    def default() -> "Identity":
        """Return the operating system's user in the default project."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # no entry for the user id, as in some containers
            user = f"uid-{os.getuid()}" if hasattr(os, "getuid") else "user"
        return Identity(user)


def may_see(who: Identity, job: Mapping[str, str]) -> bool:
    """Tell whether a user sees a job, by its owner and its share level.

    Args:
        who: the user.
        job: the fields share_level, user, hub, group and project of the job.
    """
    if job["user"] == who.user:
        return True
    same_hub = job["hub"] == who.hub
    same_group = same_hub and job["group"] == who.group
    return {
        "global": True,
        "hub": same_hub,
        "group": same_group,
        "project": same_group and job["project"] == who.project,
    }.get(job["share_level"], False)
