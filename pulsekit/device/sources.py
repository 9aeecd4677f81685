"""Read a device from files, dictionaries or live backend objects."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Union

from ..errors import DeviceError
from .importer import device_from_vendor
from .model import Device
from .snapshots import snapshots

__all__ = ["device_from_backend", "device_from_json"]

Source = Union[str, Path, Mapping[str, Any]]


def device_from_json(
    source: Source, defaults: Optional[Source] = None, properties: Optional[Source] = None, *, levels: int = 3
) -> Device:
    """Return a device from pulsekit's own JSON, or from a vendor's three files.

    Args:
        source: what :meth:`Device.to_json` made (path, text or loaded), a
            vendor's configuration (likewise), or a folder that holds
            conf*.json, defs*.json and, if there are any, props*.json.
        defaults: the vendor's pulse defaults, likewise; None: the file
            beside ``source`` with "defs" for "conf".
        properties: likewise; None: the file beside ``source``, if it exists.
        levels: levels per transmon of a vendor's device.

    Raises:
        DeviceError: a file that does not exist, is no JSON, or is incomplete.
    """
    beside = _path_of(source)
    if beside is not None and beside.is_dir():
        source = beside = _one_file(beside, "conf*.json")
    data = _loaded(source, "source")
    if "format" in data:
        from .json_format import from_dict

        return from_dict(data)
    if defaults is None:
        defaults = _beside(beside, "defs")
    if defaults is None:
        raise DeviceError(
            "Argument `defaults` must be given with a vendor's configuration, but it is missing: there are no pulses."
        )
    if properties is None:
        properties = _beside(beside, "props")
    loaded = None if properties is None else _loaded(properties, "properties")
    return device_from_vendor(data, _loaded(defaults, "defaults"), loaded, levels=levels)


def _path_of(source: Source) -> Optional[Path]:
    """Return the path; None: JSON text, or something loaded."""
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return None
    return Path(source) if isinstance(source, (str, Path)) else None


def _one_file(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DeviceError(f"Folder {str(folder)!r} must hold one file {pattern!r}, but {len(found)} were found.")
    return found[0]


def _beside(path: Optional[Path], prefix: str) -> Optional[Path]:
    if path is None or not path.name.startswith("conf"):
        return None
    other = path.with_name(prefix + path.name[len("conf") :])
    return other if other.is_file() else None


def _loaded(source: Source, name: str) -> Dict[str, Any]:
    if isinstance(source, Mapping):
        return dict(source)
    path = _path_of(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8") if path is not None else str(source))
    except (OSError, ValueError) as error:
        came = repr(source) if len(repr(source)) < 100 else repr(source)[:100] + "..."
        raise DeviceError(
            f"Argument `{name}` must be a JSON file, its text or a dictionary, but {came}: {error}."
        ) from error
    if not isinstance(data, dict):
        raise DeviceError(f"Argument `{name}` must hold a JSON object, but a {type(data).__name__} came.")
    return data


def device_from_backend(backend: Any, *, levels: int = 3) -> Device:
    """Return a device from a live backend object, by duck typing.

    Args:
        backend: anything with ``configuration()``, ``defaults()`` and, if
            there are any, ``properties()``, whose results have ``to_dict()``;
            or something that has a pulsekit ``device``.
        levels: levels per transmon.

    Raises:
        DeviceError: a backend without pulses, such as a bare BackendV2; the
            message says what is missing.
    """
    own = getattr(backend, "device", None)
    if isinstance(own, Device):
        return own
    missing = [name for name in ("configuration", "defaults") if not callable(getattr(backend, name, None))]
    name = _name_of(backend)
    if missing:
        hidden = "it publishes no pulses"
        if "configuration" in missing:
            hidden = "a BackendV2 shows no Hamiltonian and no command definitions"
        raise DeviceError(
            f"Argument `backend` must have configuration() and defaults(), but {name!r} lacks "
            f"{' and '.join(f'{m}()' for m in missing)}: {hidden}. " + _advice(name)
        )
    parts: Dict[str, Any] = {}
    for part in ("configuration", "defaults", "properties"):
        method = getattr(backend, part, None)
        model = method() if callable(method) else None
        parts[part] = None if model is None else plain(model.to_dict() if hasattr(model, "to_dict") else model)
    for part in ("configuration", "defaults"):
        if parts[part] is None:
            raise DeviceError(
                f"Argument `backend` must have pulses, but {part}() of {name!r} is None. " + _advice(name)
            )
    return device_from_vendor(parts["configuration"], parts["defaults"], parts["properties"], levels=levels)


def _name_of(backend: Any) -> str:
    name = getattr(backend, "name", None)
    name = name() if callable(name) else name
    return str(name) if name else type(backend).__name__


def _advice(name: str) -> str:
    last = name.lower().replace("fake_", "").replace("fake", "").split("_")[-1]
    try:
        found = [s for s in snapshots() if s == name or s.split("_")[-1] == last]
    except DeviceError:
        found = []
    if found:
        return f"Its snapshot ships with qiskit-terra: use Device.from_snapshot({found[0]!r})."
    return "Give the three JSON files to Device.from_json."


def plain(value: Any) -> Any:
    """Return a value as JSON would hold it: [re, im], ISO dates, lists."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, complex):
        return [value.real, value.imag]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    return value
