"""Turn values of users into what JSON keeps."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Return a value in JSON's types.

    Tuples become lists, complex numbers pairs, arrays lists, keys str; what
    JSON has no form for becomes its repr.
    """
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, complex):
        return [value.real, value.imag]
    return repr(value)
