"""List backends, and get them by name."""

from __future__ import annotations

import difflib
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from ..device import Device, snapshots
from ..store import Store, open_store
from .backend import Backend
from .exceptions import BackendNotFoundError, IBMQBackendValueError, provider_errors

__all__ = ["Provider", "backends", "get_backend", "untuned_device"]

CALIBRATIONS = ("tuned", "vendor")
PRESETS: Dict[str, Callable[[], Device]] = {
    "transmon": Device.transmon,
    "pair": Device.pair,
    "line_5": lambda: Device.line(5),
    "ring_8": lambda: Device.ring(8),
}
_devices: Dict[Tuple[str, str], Device] = {}
_untuned: Dict[str, Device] = {}
_lock = threading.Lock()


def untuned_device(name: str) -> Device:
    """Return a device as it is before tuning, which changes nothing of its configuration.

    Args:
        name: one of :func:`backends`.

    Raises:
        BackendNotFoundError: no such name.
    """
    _check_name(name)
    if name not in _untuned:
        with provider_errors():
            _untuned[name] = PRESETS[name]() if name in PRESETS else Device.from_snapshot(name)
    return _untuned[name]


def _device(name: str, calibrations: str) -> Device:
    """Return a tuned device; each is made once per process."""
    from ..calibration import tune

    with _lock:
        if (name, calibrations) not in _devices:
            with provider_errors():
                _devices[name, calibrations] = tune(untuned_device(name), calibrations=calibrations)
        return _devices[name, calibrations]


def backends() -> List[str]:
    """Return the names that :func:`get_backend` knows."""
    return sorted([*PRESETS, *snapshots()])


def _check_name(name: str) -> None:
    known = backends()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=3)
        hint = f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(known)}."
        raise BackendNotFoundError(f"Argument `name` must be the name of a backend, but {name!r} came. {hint}")


def get_backend(
    name: str,
    *,
    calibrations: str = "tuned",
    store: Union[str, Path, Store, None] = None,
    lazy: bool = False,
    **options: Any,
) -> Backend:
    """Return a backend by name.

    Args:
        name: one of :func:`backends`, such as "ibm_perth".
        calibrations: "tuned": pulses solved on the device's model (cached on
            disk); "vendor": pulses as shipped, which the model does not
            match.
        store: where its jobs are kept; None: the user's default store.
        lazy: tune when the device is first needed.
        **options: values for ``backend.options``, and Backend's own keywords.

    Raises:
        BackendNotFoundError: no such name (a QiskitBackendNotFoundError).
    """
    _check_name(name)
    if calibrations not in CALIBRATIONS:
        raise IBMQBackendValueError(
            f"Argument `calibrations` must be one of {CALIBRATIONS}, but {calibrations!r} came."
        )
    provider = Provider(store=store)
    backend = Backend(
        lambda: _device(name, calibrations),
        provider._store,
        name=str(name),
        provider=provider,
        describe=lambda: untuned_device(name),
        **options,
    )
    if not lazy:
        backend.device  # noqa: B018 (makes it)
    return backend


class Provider:
    """All backends, as a qiskit provider; takes the place of an IBMQ account.

    Calling it returns itself, so that ``backend.provider()`` works.
    """

    version = 1

    def __init__(self, *, store: Union[str, Path, Store, None] = None) -> None:
        """Make a provider whose backends keep their jobs in ``store``; "memory": in one that they share."""
        self._store = open_store(store) if store == "memory" else store

    def __call__(self) -> "Provider":
        """Return the provider itself."""
        return self

    def __repr__(self) -> str:
        return "<Provider of pulsekit>"

    def backends(
        self, name: Optional[str] = None, *, filters: Optional[Callable[[Backend], bool]] = None, **properties: Any
    ) -> List[Backend]:
        """Return backends, tuned when they are first used.

        Args:
            name: only this one.
            filters: keeps a backend if it returns True; configuration() and
                status() tune no device.
            **properties: attributes of configuration(), or of status(), to
                be equal.
        """
        names = backends() if name is None else [n for n in backends() if n == name]
        found = [get_backend(n, store=self._store, lazy=True) for n in names]
        if properties:
            found = [b for b in found if _has(b, properties)]
        return [b for b in found if filters is None or filters(b)]

    def get_backend(self, name: Optional[str] = None, **options: Any) -> Backend:
        """Return one backend.

        Raises:
            BackendNotFoundError: no such name, or none given.
        """
        return get_backend(str(name), store=self._store, **options)


def _has(backend: Backend, properties: Dict[str, Any]) -> bool:
    configuration, status = backend.configuration(), backend.status()
    return all(getattr(configuration, key, getattr(status, key, None)) == value for key, value in properties.items())
