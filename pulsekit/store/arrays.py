"""Keep arrays as files named by the hash of their content."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Dict, Optional

import numpy as np

from ..cache import content_hash
from ..errors import StoreError

__all__ = ["ArrayStore"]

_HASH = re.compile(r"[0-9a-f]{64}\Z")


class ArrayStore:
    """Arrays by content: npy files (never pickled), or a dict in memory."""

    def __init__(self, folder: Optional[Path] = None) -> None:
        """Keep arrays under ``folder``; None: in this object."""
        self.folder = folder
        self._memory: Dict[str, np.ndarray] = {}

    def put(self, array: np.ndarray) -> str:
        """Store an array and return its hash; the same content is stored once.

        In memory a read-only array is kept as it is, another one as a copy.
        """
        array = np.ascontiguousarray(array)
        if array.dtype.hasobject:
            raise StoreError("An array must hold numbers to be stored, but it holds Python objects.")
        key = content_hash(array)
        if self.folder is None:
            self._memory.setdefault(key, array.copy() if array.flags.writeable else array)
            return key
        path = self._path(key)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{uuid.uuid4().hex}.tmp")
            try:
                with open(temporary, "xb") as stream:  # readable to whom the umask says, as the database is
                    np.save(stream, array, allow_pickle=False)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return key

    def get(self, key: str) -> np.ndarray:
        """Return the array with this hash.

        Raises:
            StoreError: there is none, or its file cannot be read or does not
                have the content that its name says.
        """
        if not _HASH.match(key):
            raise StoreError(f"An array's key must be a SHA-256 in hex, but {key!r} came.")
        if self.folder is None:
            if key not in self._memory:
                raise StoreError(f"Array {key} must be in the store, but it is not.")
            return self._memory[key]
        try:
            array = np.load(self._path(key), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise StoreError(f"Array {key} must be readable, but {self._path(key)} is not: {error}.") from error
        if content_hash(array) != key:
            raise StoreError(f"Array {key} must have its own content, but {self._path(key)} was changed.")
        return array

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.npy"
