"""Tell where a job stands in the local queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional

__all__ = ["QueueInfo"]


@dataclass(frozen=True)
class QueueInfo:
    """The queue as one job sees it.

    Everybody has the same priority here, and no time is estimated: the
    duration of a simulation is not known before it ran.
    """

    position: Optional[int]  # 1 is next
    job_id: str
    status: str = "PENDING_IN_QUEUE"
    hub_priority: float = 1.0
    group_priority: float = 1.0
    project_priority: float = 1.0
    estimated_start_time: Optional[datetime] = None  # local
    estimated_complete_time: Optional[datetime] = None  # local

    def format(self) -> str:
        """Return the information as text."""
        lines = [
            f"Job {self.job_id} queue information:",
            f"    queue position: {self.position}",
            f"    priorities: hub {self.hub_priority}, group {self.group_priority}, project {self.project_priority}",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<QueueInfo(job_id='{self.job_id}', _status='{self.status}', position={self.position})>"
