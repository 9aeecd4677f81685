"""Find the calibration snapshots that ship with qiskit-terra.

Only JSON files are read; qiskit itself is never imported.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..errors import DeviceError

__all__ = ["load_snapshot", "snapshot_folder", "snapshots"]


def snapshot_folder() -> Path:
    """Return the folder with terra's snapshots, one sub-folder each.

    Raises:
        DeviceError: qiskit-terra is not installed.
    """
    spec = importlib.util.find_spec("qiskit")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "providers" / "fake_provider" / "backends"
        if folder.is_dir():
            return folder
    raise DeviceError(
        "Snapshots must come from qiskit-terra 0.46, but its folder 'qiskit/providers/fake_provider/backends' was not "
        "found. Install qiskit-terra==0.46.3, or use Device.from_json."
    )


@cache
def _index(folder: Path) -> Dict[str, Tuple[Path, bool]]:
    """Return backend_name -> (configuration file, has pulse defaults)."""
    out: Dict[str, Tuple[Path, bool]] = {}
    for path in sorted(folder.glob("*/conf_*.json")):
        # backend_name is among the first keys in every file; parsing all of them would take seconds
        with path.open(encoding="utf-8") as stream:
            head = stream.read(400)
        name = _quoted(head, "backend_name") or str(_read(path).get("backend_name", path.parent.name))
        out[name] = (path, path.with_name(path.name.replace("conf_", "defs_")).is_file())
    return out


def _quoted(text: str, key: str) -> Optional[str]:
    _, found, rest = text.partition(f'"{key}"')
    parts = rest.split('"') if found else []
    return parts[1] if len(parts) > 2 and parts[0].strip() == ":" else None


def _read(path: Path) -> Dict[str, Any]:
    with path.open(encoding="utf-8") as stream:
        return dict(json.load(stream))


def snapshots() -> List[str]:
    """Return the names of the shipped snapshots that have pulses.

    Returns:
        Sorted ``backend_name`` values, such as "ibm_perth".
    """
    return sorted(name for name, (_, pulses) in _index(snapshot_folder()).items() if pulses)


def load_snapshot(name: str) -> Tuple[Dict[str, Any], Dict[str, Any], Optional[Dict[str, Any]]]:
    """Return configuration, defaults and properties of a snapshot.

    Args:
        name: a ``backend_name`` ("ibm_perth"), or its last part ("perth"),
            or terra's class name ("FakePerth").

    Raises:
        DeviceError: unknown name, or a snapshot without pulse defaults.
    """
    index = _index(snapshot_folder())
    short = str(name).lower()
    short = short[4:] if short.startswith("fake") else short
    short = short[: -len("v2")] if short.endswith("v2") else short
    found = name if name in index else next((n for n in index if n.split("_")[-1] == short.lstrip("_")), None)
    if found is None:
        raise DeviceError(
            f"Argument `name` must be a shipped snapshot, but {name!r} came. There are: {', '.join(snapshots())}."
        )
    path, pulses = index[found]
    if not pulses:
        raise DeviceError(
            f"Snapshot {found!r} must have pulse defaults to become a device, but it ships without. "
            f"These have them: {', '.join(snapshots())}."
        )
    properties = path.with_name(path.name.replace("conf_", "props_"))
    return (
        _read(path),
        _read(path.with_name(path.name.replace("conf_", "defs_"))),
        _read(properties) if properties.is_file() else None,
    )
