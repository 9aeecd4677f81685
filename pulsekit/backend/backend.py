"""Offer a device as a qiskit backend."""

from __future__ import annotations

import copy
import threading
import time
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Union

import qiskit
from qiskit.providers import BackendV2
from qiskit.providers.options import Options
from qiskit.tools.events.pubsub import Publisher

from ..cache import content_hash
from ..device import Device
from ..store import Identity, Store
from .backend_jobs import BackendJobs
from .backend_v1 import CallableName, DeviceModels
from .exceptions import BackendAttributeError, BackendTypeError, IBMQBackendJobLimitError, provider_errors
from .job import Job
from .parameters import BY_NAME, default_options, documentation, signature
from .properties import properties_data
from .request import Request, resolve
from .submission import enter, submission

__all__ = ["Backend"]

TOO_MANY_JOBS = 3458
_SIGNATURE = signature()


class Backend(DeviceModels, BackendJobs, BackendV2):
    """A device that runs circuits and schedules on its own simulation.

    A BackendV2 with the methods of BackendV1: ``name`` and ``provider`` can
    be read and called.
    """

    def __init__(
        self,
        device: Union[Device, Callable[[], Device]],
        store: Union[str, Path, Store, None] = None,
        *,
        name: Optional[str] = None,
        provider: Any = None,
        identity: Optional[Identity] = None,
        max_jobs: Optional[int] = None,
        describe: Optional[Callable[[], Device]] = None,
        **options: Any,
    ) -> None:
        """Make a backend.

        Args:
            device: what it simulates, or a function that returns it when it
                is first needed.
            store: where jobs are kept, see :func:`pulsekit.store.open_store`;
                None: the user's default store.
            name: of the device, where ``device`` is a function.
            provider: what made it.
            identity: the store's user. Default: the operating system's.
            max_jobs: how many jobs may be active; None: any number.
            describe: where ``device`` is a function: a cheaper one, whose
                device has the same configuration.
            **options: values for ``backend.options``.

        Raises:
            BackendAttributeError: an option that does not exist.
            IBMQBackendValueError: an option with a wrong value.
            BackendTypeError: ``device`` is neither a device nor a function.
        """
        if not isinstance(device, Device) and not callable(device):
            raise BackendTypeError(
                f"Argument `device` must be a Device, or a function that returns one, but {device!r} came. "
                "get_backend(name) makes a backend of a name."
            )
        self._device: Optional[Device] = device if isinstance(device, Device) else None
        self._make_device: Optional[Callable[[], Device]] = None if isinstance(device, Device) else device
        known_as = name or (device.name if isinstance(device, Device) else "")
        super().__init__(provider=provider, name=CallableName(known_as))
        self._describe = describe
        self._max_jobs = max_jobs
        self._identity = identity
        self._where = store
        self._lock = threading.RLock()
        self._qobj_warned = False
        self._shots_given = False
        self.set_options(**options)

    @property
    def device(self) -> Device:  # type: ignore[override]
        """The device; made when it is first asked for."""
        if self._device is None:
            with self._lock:
                if self._device is None:
                    assert self._make_device is not None
                    self._device = self._make_device()
        return self._device

    def __deepcopy__(self, memo: Any) -> "Backend":
        """Return a backend with the same device and store, and options of its own."""
        self.store  # noqa: B018 (opens it, so that both have the same one)
        copied = copy.copy(self)
        copied._options = Options(**self._options)
        return copied

    def _described(self) -> Device:
        """Return a device with the configuration of this one; does not make it where that is avoidable."""
        return self._describe() if self._device is None and self._describe is not None else self.device

    def __repr__(self) -> str:
        return f"<Backend('{self.name}')>"

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def _default_options(cls) -> Options:
        return Options(**default_options())

    @property
    def provider(self) -> Any:
        """What made the backend; can be called, too."""
        return self._provider

    @property
    def description(self) -> str:
        """What the device is."""
        return str(getattr(self.configuration(), "description", ""))

    @description.setter
    def description(self, value: Any) -> None:
        """Take what BackendV2 sets; the device's own description is shown."""

    @property
    def backend_version(self) -> str:
        """The version of the device."""
        return str(self.configuration().backend_version)

    @backend_version.setter
    def backend_version(self, value: Any) -> None:
        """Take what BackendV2 sets; the device's own version is shown."""

    @property
    def max_circuits(self) -> Optional[int]:
        """How many circuits a job may have; None: any number."""
        if self.options.get("limits") != "device":
            return None
        return getattr(self.configuration(), "max_experiments", None)

    def set_options(self, **fields: Any) -> None:
        """Change options; None takes the default back.

        Raises:
            BackendAttributeError: no such option.
            IBMQBackendValueError: a wrong value.
        """
        for name in fields:
            if name not in self._options:
                raise BackendAttributeError(f"Options must be among {sorted(self._options)}, but {name!r} came.")
        given = dict(fields)
        for name, value in given.items():
            known = BY_NAME.get(name)
            if value is not None and known is not None and known.check is not None:
                fields[name] = known.check(name, value)
            elif value is None and known is not None:
                fields[name] = known.default
        self._options.update_options(**fields)
        if "shots" in given:
            self._shots_given = given["shots"] is not None

    def run(self, *args: Any, **kwargs: Any) -> Job:
        started = time.time()
        if "qobj" in kwargs:
            warnings.warn(
                "The keyword `qobj` of run() is deprecated: use `circuits`.", DeprecationWarning, stacklevel=2
            )
            kwargs["circuits"] = kwargs.pop("qobj")
        try:
            bound = _SIGNATURE.bind(self, *args, **kwargs)
        except TypeError as error:
            raise BackendTypeError(f"run() must be called as documented, but {error}.") from None
        arguments = dict(bound.arguments)
        arguments.update(arguments.pop("run_config", {}))
        arguments.pop("self")
        request = resolve(self.device, self.configuration(), self._options_now(), arguments, on_qobj=self._warn_qobj)
        with self._runner.place(self._max_jobs) as place:
            if place is None:
                raise IBMQBackendJobLimitError(
                    f"At most {self._max_jobs} jobs may be active on {self.name}, but so many are. Wait for one.",
                    code=TOO_MANY_JOBS,
                )
            job = self._submit(request, started, place)
        Publisher().publish("ibmq.job.start", job)
        return job

    run.__doc__ = documentation()
    run.__signature__ = _SIGNATURE  # type: ignore[attr-defined]

    def _submit(self, request: Request, started: float, place: object) -> Job:
        """Compile, store and queue."""
        store = self.store
        with provider_errors():
            submitted = submission(
                request,
                store=store,
                configuration=self.configuration(),
                device_document=self._device_document,
                device_key=self._device_key,
                client_version=_versions(),
                started=started,
            )
            record = enter(store, submitted)
        return self._queue(record, submitted.work, place)

    def _options_now(self) -> Options:
        """Return the options; the default of shots is at most max_shots."""
        most = getattr(self.configuration(), "max_shots", None)
        shots = BY_NAME["shots"].default
        if most and most < shots and self._options.get("shots") == shots and not self._shots_given:
            return Options(**{**self._options, "shots": most})
        return self._options

    def _warn_qobj(self) -> None:
        if not self._qobj_warned:
            self._qobj_warned = True
            warnings.warn(
                "Passing a Qobj to run() is deprecated: pass circuits or schedules.", DeprecationWarning, stacklevel=5
            )

    @cached_property
    def _device_key(self) -> str:
        """The name of the device's document in the store."""
        return self.store.put_document(self._device_document)

    @cached_property
    def _device_document(self) -> Mapping[str, Any]:
        device = self.device
        parts = {
            f: repr(getattr(device, f)) for f in device.__dataclass_fields__ if f not in ("calibrations", "vendor")
        }
        calibrations = sorted(f"{c.name}{list(c.qubits)}:{c.id}" for c in device.calibrations)
        return {
            "name": device.name,
            "version": device.version,
            "hash": content_hash(parts, calibrations),
            "calibrations": device.calibrations.version,
            "properties": properties_data(device),
        }


def _versions() -> Dict[str, str]:
    from .. import __version__

    return {"pulsekit": __version__, "qiskit": qiskit.__version__}
