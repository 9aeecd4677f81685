"""Find and open stores: the default one, folders, database URLs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Dict, Optional, Union

from ..errors import StoreError
from .identity import Identity
from .store import Store

__all__ = ["default_home", "open_store"]


def default_home() -> Path:
    """Return the folder of the default store.

    ``$PULSEKIT_HOME``, else ``$XDG_DATA_HOME/pulsekit``, else
    ``~/.local/share/pulsekit``.
    """
    override = os.environ.get("PULSEKIT_HOME")
    if override:
        return Path(override)
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base) / "pulsekit"


_open: Dict[str, Store] = {}
_open_lock = threading.Lock()


def open_store(where: Union[str, Path, Store, None] = None, *, identity: Optional[Identity] = None) -> Store:
    """Open a store, or return the one that this process has open already.

    Args:
        where: None: the default one, ``jobs.sqlite`` in
            :func:`default_home`; "memory": a new one in memory; a folder; a
            database URL; or a Store.
        identity: who uses it. Default: the operating system's user.

    Raises:
        StoreError: it cannot be opened.
    """
    if isinstance(where, Store):
        return where if identity is None else where.as_user(identity)
    if where == "memory":
        return Store(identity=identity)
    if isinstance(where, str) and "://" in where:
        url, arrays = where, default_home() / "arrays"
    else:
        folder = Path(where) if where is not None else default_home()
        url, arrays = f"sqlite:///{folder / 'jobs.sqlite'}", folder / "arrays"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Argument `store` must be a folder that can be written, but {folder} fails: {error}."
            ) from error
    with _open_lock:
        if url not in _open:
            _open[url] = Store(url, arrays=arrays, identity=identity)
        store = _open[url]
    return store if identity is None or identity == store.identity else store.as_user(identity)
