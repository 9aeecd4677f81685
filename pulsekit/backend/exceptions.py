"""Raise the provider's exception classes, with pulsekit's codes.

Scripts written for hardware catch ``QiskitError``, ``PulseError``,
``JobTimeoutError``, ``IBMQBackendValueError`` and so on. Every class here is
also a :class:`pulsekit.errors.PulsekitError`, so that ``error.code`` is there.

Tree (all derive from PulsekitError and QiskitError)::

    IBMQError
      IBMQBackendError               a run or a backend request that is refused
        BackendPulseError            (PulseError) an invalid pulse program or LO setting
          BackendIndexError          (IndexError) a channel that does not exist
        BackendAttributeError        (AttributeError) an option that does not exist
        IBMQBackendValueError        (ValueError) an argument with a wrong value
          BackendTypeError           (TypeError) an argument of a wrong type
          BackendNotFoundError       (QiskitBackendNotFoundError) a name that no backend has
        IBMQBackendApiError          a job that cannot be found, seen or stored
          IBMQBackendApiProtocolError  stored data that cannot be read
          IBMQBackendJobLimitError   too many active jobs
      IBMQJobError
        IBMQJobApiError              trouble with a job's record
        IBMQJobFailureError          the result of a job that failed
        IBMQJobInvalidStateError     not possible in the job's state
        IBMQJobTimeoutError          (JobTimeoutError) waited too long
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Type

from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import JobTimeoutError, QiskitBackendNotFoundError
from qiskit.pulse.exceptions import PulseError

from ..errors import ProgramError, PulsekitError, StoreError

__all__ = [
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
    "provider_errors",
]


class IBMQError(PulsekitError, QiskitError):
    """Base class of what the backend and its jobs raise."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class IBMQBackendError(IBMQError):
    """A run or a backend request that is refused."""


class BackendPulseError(IBMQBackendError, PulseError):
    """An invalid pulse program or LO setting."""


class BackendIndexError(BackendPulseError, IndexError):
    """A channel or qubit that does not exist."""


class BackendAttributeError(IBMQBackendError, AttributeError):
    """An option that does not exist."""


class IBMQBackendValueError(IBMQBackendError, ValueError):
    """An argument with a wrong value."""


class BackendTypeError(IBMQBackendValueError, TypeError):
    """An argument of a wrong type."""


class BackendNotFoundError(IBMQBackendValueError, QiskitBackendNotFoundError):
    """There is no backend of this name."""


class IBMQBackendApiError(IBMQBackendError):
    """A job that cannot be found, seen or stored."""


class IBMQBackendApiProtocolError(IBMQBackendApiError):
    """Stored data that cannot be read."""


class IBMQBackendJobLimitError(IBMQBackendApiError):
    """Too many active jobs."""


class IBMQJobError(IBMQError):
    """Base class of what jobs raise."""


class IBMQJobApiError(IBMQJobError):
    """Trouble with a job's record."""


class IBMQJobFailureError(IBMQJobError):
    """The result of a job that failed was asked for."""


class IBMQJobInvalidStateError(IBMQJobError):
    """Not possible in the state of the job."""


class IBMQJobTimeoutError(JobTimeoutError, IBMQJobError):
    """The job did not finish in time."""


def _class_for(error: PulsekitError) -> Type[IBMQError]:
    if isinstance(error, IndexError):
        return BackendIndexError
    if isinstance(error, (ProgramError, PulseError)):
        return BackendPulseError
    if isinstance(error, TypeError):
        return BackendTypeError
    if isinstance(error, ValueError):
        return IBMQBackendValueError
    if isinstance(error, StoreError):
        return IBMQBackendApiError
    return IBMQBackendError


@contextmanager
def provider_errors() -> Iterator[None]:
    """Re-raise the core's errors as the provider's classes.

    The message (with its code) is kept, and so is ``error.code``.
    """
    try:
        yield
    except IBMQError:
        raise
    except PulsekitError as error:
        translated = _class_for(error)(str(error))
        translated.code = error.code
        raise translated from error
