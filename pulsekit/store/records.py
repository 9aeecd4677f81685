"""Define what is kept about a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

__all__ = ["ACTIVE", "FINAL", "JobRecord"]

ACTIVE = ("CREATING", "CREATED", "VALIDATING", "VALIDATED", "QUEUED", "RUNNING")
FINAL = ("COMPLETED", "CANCELLED", "ERROR_CREATING_JOB", "ERROR_VALIDATING_JOB", "ERROR_RUNNING_JOB")


@dataclass
class JobRecord:
    """The index entry of one job. Big things are documents, named by hash."""

    id: str
    backend: str
    created: float  # s since the epoch
    status: str = "CREATING"  # one of ACTIVE or FINAL
    name: Optional[str] = None
    tags: List[str] = field(default_factory=list)
    share_level: str = "none"
    experiment_id: Optional[str] = None
    user: str = ""
    hub: str = ""
    group: str = ""
    project: str = ""
    steps: Dict[str, float] = field(default_factory=dict)  # status: s since the epoch
    options: Dict[str, Any] = field(default_factory=dict)  # what was used
    header: Dict[str, Any] = field(default_factory=dict)
    client_version: Dict[str, str] = field(default_factory=dict)
    experiments: int = 0
    attempts: int = 0  # how often it was started
    owner: str = ""  # the process that runs it
    heartbeat: float = 0.0  # s since the epoch
    device: Optional[str] = None  # hash of the device's document
    payload: Optional[str] = None  # hash of the document to run it again
    result: Optional[str] = None  # hash of the result's document
    error_message: Optional[str] = None
    error_code: Optional[int] = None
