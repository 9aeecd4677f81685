"""Keep computed arrays on disk, keyed by the content that decides them.

An entry is one ``.npz`` file (never pickled) named by a SHA-256 of its key.
Writes are atomic (write beside, then rename); a file that cannot be read is
treated as missing and rewritten. The folder is ``$PULSEKIT_CACHE``, else
``$XDG_CACHE_HOME/pulsekit``, else ``~/.cache/pulsekit``; when it cannot be
written the cache works in memory of the process only.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import numpy as np

__all__ = ["cache_dir", "content_hash", "load", "store"]

_memory: Dict[str, Dict[str, np.ndarray]] = {}


def cache_dir() -> Path:
    """Return the cache folder (it may not exist yet)."""
    override = os.environ.get("PULSEKIT_CACHE")
    if override:
        return Path(override)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "pulsekit"


def content_hash(*parts: Any) -> str:
    """Return the SHA-256 (hex) of arrays, bytes, strings and JSON-able data.

    Floats are hashed by their exact value (``repr`` round-trips), arrays by
    dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            array = np.ascontiguousarray(part)
            digest.update(f"nd{array.dtype.str}{array.shape}".encode())
            if array.size:
                digest.update(array.reshape(-1).view(np.uint8).data)  # in place
        elif isinstance(part, bytes):
            digest.update(b"by")
            digest.update(part)
        else:
            digest.update(b"js")
            digest.update(json.dumps(part, sort_keys=True, default=_plain).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, complex):
        return ["c", value.real, value.imag]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"cannot hash a {type(value).__name__}")


def load(kind: str, key: str) -> Optional[Dict[str, np.ndarray]]:
    """Return the arrays stored under ``kind`` and ``key``, or None."""
    name = f"{kind}-{key}"
    if name in _memory:
        return _memory[name]
    try:
        with np.load(cache_dir() / f"{name}.npz", allow_pickle=False) as data:
            arrays = {k: data[k] for k in data.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError):
        return None
    _memory[name] = arrays
    return arrays


def store(kind: str, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Store arrays under ``kind`` and ``key``, on disk where possible."""
    name = f"{kind}-{key}"
    _memory[name] = dict(arrays)
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=str(folder), suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **{k: np.asarray(v) for k, v in arrays.items()})  # type: ignore[arg-type]
            os.replace(temporary, folder / f"{name}.npz")
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:
        return
