"""Name what was wrong: the error tree of the core, each error with a code.

The core knows no qiskit. ``backend`` and ``interop`` re-raise these as
classes that also derive from terra's exceptions (see
``pulsekit.backend.exceptions``).

Tree::

    PulsekitError                 code: four digits, or None
      ProgramError                an invalid pulse program
      DeviceError                 an invalid or incomplete device description
      CompilerError               a circuit that cannot be lowered
      SimulationError             a program the simulator refuses
        MemoryCapError            it would need more memory than allowed
      ReadoutError                an invalid acquisition, kernel, discriminator
      CalibrationError            a pulse that could not be solved or found
      ExecutionError              a failure while a job runs
        CancelledError            the job was cancelled
      StoreError                  a job store that cannot be read or written
    PulsekitWarning               (UserWarning) legal, but probably not meant
"""

from __future__ import annotations

from typing import Optional

__all__ = [
    "CalibrationError",
    "CancelledError",
    "CompilerError",
    "DeviceError",
    "ExecutionError",
    "MemoryCapError",
    "ProgramError",
    "PulsekitError",
    "PulsekitWarning",
    "ReadoutError",
    "SimulationError",
    "StoreError",
]


class PulsekitError(Exception):
    """Base class of every error that pulsekit raises on purpose.

    Args:
        message: "Argument `x` must <rule>, but <fact>. <Fix>.", or for
            programs "d0@160..320: <rule>, but <fact>".
        code: four-digit error code in the registry of the IBM API, where
            that has one; None otherwise.
    """

    def __init__(self, message: str, *, code: Optional[int] = None) -> None:
        super().__init__(message if code is None else f"{message} Error code: {code}.")
        self.code = code


class ProgramError(PulsekitError):
    """An invalid pulse program."""


class DeviceError(PulsekitError):
    """An invalid or incomplete device description."""


class CompilerError(PulsekitError):
    """A circuit that cannot be lowered to a pulse program."""


class SimulationError(PulsekitError):
    """A program or a model that the simulator refuses."""


class MemoryCapError(SimulationError):
    """A simulation that would need more memory than its cap."""


class ReadoutError(PulsekitError):
    """An invalid acquisition, kernel or discriminator."""


class CalibrationError(PulsekitError):
    """A calibration that does not exist or could not be solved."""


class ExecutionError(PulsekitError):
    """A failure while a job runs."""


class CancelledError(ExecutionError):
    """The work was cancelled by its user."""


class StoreError(PulsekitError):
    """A job store that cannot be read or written."""


class PulsekitWarning(UserWarning):
    """Input that is legal, but probably not what was meant."""
