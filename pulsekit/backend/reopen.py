"""Find store and backend again for a job that was pickled."""

from __future__ import annotations

from typing import Any

from ..errors import PulsekitError
from ..store import Store, open_store

__all__ = ["backend_named", "store_at"]


def store_at(url: str) -> Store:
    """Return the store of a URL."""
    return open_store(url)


def backend_named(name: str, store: Store) -> Any:
    """Return the backend of this name; None for devices built from scratch."""
    from .provider import get_backend

    try:
        return get_backend(name, store=store, lazy=True)
    except PulsekitError:
        return None
