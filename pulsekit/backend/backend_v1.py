"""The methods that scripts know from BackendV1, as real terra models."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from numbers import Integral
from typing import Any, Callable, List, Optional

from qiskit.providers.models import BackendProperties, BackendStatus, PulseBackendConfiguration, PulseDefaults
from qiskit.pulse.channels import AcquireChannel, ControlChannel, DriveChannel, MeasureChannel
from qiskit.pulse.instruction_schedule_map import InstructionScheduleMap
from qiskit.transpiler import Target

from ..device import Device
from ..interop import model_target, models
from .exceptions import BackendIndexError, BackendTypeError
from .properties import properties_data
from .status import seconds_of

__all__ = ["CallableName", "DeviceModels", "JobLimit"]


class CallableName(str):
    """A name that can be read (version 2) and called (version 1)."""

    def __call__(self) -> str:
        """Return the name as a plain str."""
        return str(self)


class JobLimit:
    """How many jobs may be active."""

    def __init__(self, maximum_jobs: Optional[int], active_jobs: int) -> None:
        self.maximum_jobs = maximum_jobs
        self.active_jobs = active_jobs

    def __repr__(self) -> str:
        return f"JobLimit(maximum_jobs={self.maximum_jobs}, active_jobs={self.active_jobs})"


class DeviceModels:
    """The part of a backend that describes its device."""

    device: Device
    _active_count: Callable[[], int]
    _described: Callable[[], Device]

    def configuration(self) -> PulseBackendConfiguration:
        """Return the configuration."""
        return self._configuration

    @cached_property
    def _configuration(self) -> PulseBackendConfiguration:
        return models.configuration(self._described())

    def defaults(self, refresh: bool = False) -> PulseDefaults:
        """Return LO estimates and calibrated pulses."""
        if refresh:
            self.__dict__.pop("_defaults", None)
        return self._defaults

    @cached_property
    def _defaults(self) -> PulseDefaults:
        return models.defaults(self.device)

    def properties(self, refresh: bool = False, datetime: Optional[datetime] = None) -> Optional[BackendProperties]:
        """Return T1, T2, frequencies and errors.

        Args:
            refresh: make them anew.
            datetime: as they were then; None where the device is younger.

        Raises:
            BackendTypeError: arguments of a wrong type.
        """
        from datetime import datetime as kind

        if not isinstance(refresh, bool):
            raise BackendTypeError(f"Argument `refresh` must be True or False, but {refresh!r} came.")
        if datetime is not None and not isinstance(datetime, kind):
            raise BackendTypeError(f"Argument `datetime` must be a datetime, but {datetime!r} came.")
        if refresh:
            self.__dict__.pop("_properties", None)
        if datetime is None:
            return self._properties
        made = models.properties_from(properties_data(self.device))
        return made if seconds_of(made.last_update_date) <= seconds_of(datetime) else None

    @cached_property
    def _properties(self) -> BackendProperties:
        return models.properties_from(properties_data(self.device))

    @cached_property
    def _all_defaults(self) -> PulseDefaults:
        return models.defaults(self.device, extra=True)

    @cached_property
    def _target(self) -> Target:
        return model_target.target(self._configuration, self._properties, self._all_defaults)

    @property
    def target(self) -> Target:
        """The instructions that the device has, with durations and errors."""
        return self._target

    @property
    def instruction_schedule_map(self) -> InstructionScheduleMap:
        """The calibrated pulses of every instruction, x12 and measure_esp too."""
        return self._all_defaults.instruction_schedule_map

    def status(self) -> BackendStatus:
        """Return the status: a simulator is always operational."""
        return BackendStatus(
            backend_name=self._described().name,
            backend_version=self._described().version,
            operational=True,
            pending_jobs=self._active_count(),
            status_msg="active",
        )

    def reservations(self, start_datetime: Any = None, end_datetime: Any = None) -> List[Any]:
        """Return []: nobody reserves a simulator."""
        return []

    @property
    def n_qubits(self) -> int:
        """The number of qubits."""
        return self._described().n_qubits

    @property
    def dt(self) -> float:
        """Sample time of drive signals in s."""
        return float(self._configuration.dt)

    @property
    def dtm(self) -> float:
        """Sample time of acquired signals in s."""
        return float(self._configuration.dtm)

    @property
    def meas_map(self) -> List[List[int]]:
        """The qubits that are measured together."""
        return [list(group) for group in self._configuration.meas_map]

    def _qubit(self, qubit: int) -> int:
        if isinstance(qubit, bool) or not isinstance(qubit, Integral) or not 0 <= qubit < self.device.n_qubits:
            raise BackendIndexError(
                f"Argument `qubit` must be an int in 0..{self.device.n_qubits - 1}, but {qubit!r} came.", code=8004
            )
        return int(qubit)

    def drive_channel(self, qubit: int) -> DriveChannel:
        """Return the drive channel of a qubit."""
        return DriveChannel(self._qubit(qubit))

    def measure_channel(self, qubit: int) -> MeasureChannel:
        """Return the measure (stimulus) channel of a qubit."""
        return MeasureChannel(self._qubit(qubit))

    def acquire_channel(self, qubit: int) -> AcquireChannel:
        """Return the acquire channel of a qubit."""
        return AcquireChannel(self._qubit(qubit))

    def control_channel(self, qubits: Any) -> List[ControlChannel]:
        """Return the control channels of (control, target)."""
        return self._configuration.control(tuple(qubits))
