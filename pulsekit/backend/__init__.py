"""Run circuits and schedules: the qiskit side of pulsekit.

Imported lazily by ``pulsekit``; importing it imports qiskit.
"""

from __future__ import annotations

from .backend import Backend
from .exceptions import (
    BackendAttributeError,
    BackendIndexError,
    BackendNotFoundError,
    BackendPulseError,
    BackendTypeError,
    IBMQBackendApiError,
    IBMQBackendApiProtocolError,
    IBMQBackendError,
    IBMQBackendJobLimitError,
    IBMQBackendValueError,
    IBMQError,
    IBMQJobApiError,
    IBMQJobError,
    IBMQJobFailureError,
    IBMQJobInvalidStateError,
    IBMQJobTimeoutError,
)
from .frontend import compile, schedule
from .job import Job
from .monitor import job_monitor
from .provider import Provider, backends, get_backend
from .queueinfo import QueueInfo

__all__ = [
    "Backend",
    "BackendAttributeError",
    "BackendIndexError",
    "BackendNotFoundError",
    "BackendPulseError",
    "BackendTypeError",
    "IBMQBackendApiError",
    "IBMQBackendApiProtocolError",
    "IBMQBackendError",
    "IBMQBackendJobLimitError",
    "IBMQBackendValueError",
    "IBMQError",
    "IBMQJobApiError",
    "IBMQJobError",
    "IBMQJobFailureError",
    "IBMQJobInvalidStateError",
    "IBMQJobTimeoutError",
    "Job",
    "Provider",
    "QueueInfo",
    "backends",
    "compile",
    "get_backend",
    "job_monitor",
    "schedule",
]
