"""Lay out the amplitudes of many transmons for the split-operator kernel.

The first transmons form a row, padded to a multiple of four float64; the
others follow, slowest last. Real and imaginary parts are apart. MARGIN
numbers on both sides may be read by the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Tuple

import numpy as np

from .blocks import aligned

__all__ = ["MARGIN", "KetLayout"]

MARGIN = 16


@dataclass(frozen=True)
class KetLayout:
    """Where each amplitude of a ket lies."""

    levels: Tuple[int, ...]  # 2 to 5 each, at least two transmons

    @cached_property
    def group(self) -> int:
        """The number of transmons in a row."""
        return 2 if len(self.levels) > 2 and self.levels[0] * self.levels[1] <= 4 else 1

    @cached_property
    def row(self) -> int:
        """The dimension of a row."""
        return int(np.prod(self.levels[: self.group]))

    @cached_property
    def padded(self) -> int:
        """The length of a row in memory, 4 or 8."""
        return 4 * -(-self.row // 4)

    @cached_property
    def strides(self) -> np.ndarray:
        """Distance between levels of each transmon, int64[n]."""
        out = []
        inner, outer = 1, self.padded
        for q, d in enumerate(self.levels):
            if q < self.group:
                out.append(inner)
                inner *= d
            else:
                out.append(outer)
                outer *= d
        return np.array(out, dtype=np.int64)

    @cached_property
    def total(self) -> int:
        """Numbers in memory, without the margins."""
        return self.padded * int(np.prod(self.levels[self.group :], dtype=np.int64))

    @property
    def length(self) -> int:
        """Numbers in memory of each part of a ket, with the margins: whole cache lines."""
        return 8 * -(-(self.total + 2 * MARGIN) // 8)

    @property
    def nbytes(self) -> int:
        """Bytes of one ket."""
        return 16 * self.length

    def bordered(self, kets: int) -> Tuple[np.ndarray, np.ndarray]:
        """Return real and imaginary parts, float64[kets, length], of which the margins are zero."""
        out = aligned(kets, self.length), aligned(kets, self.length)
        for part in out:
            part[:, :MARGIN], part[:, MARGIN + self.total :] = 0.0, 0.0
        return out

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return values per basis state [dim] laid out with padding [total]."""
        out = np.zeros((self.total // self.padded, self.padded), dtype=values.dtype)
        out[:, : self.row] = values.reshape(-1, self.row)
        return out.reshape(-1)

    def put(self, x: np.ndarray, rows: int = 0) -> Tuple[np.ndarray, np.ndarray]:
        """Return kets complex128[kets, dim] laid out, in the first of so many rows."""
        re, im = self.bordered(max(rows, len(x)))
        for part, values in ((re, x.real), (im, x.imag)):
            mine = self._rows(part[: len(x)])
            mine[:, :, : self.row] = values.reshape(len(x), -1, self.row)
            mine[:, :, self.row :] = 0.0
        return re, im

    def get(self, re: np.ndarray, im: np.ndarray) -> np.ndarray:
        """Return laid out kets, complex128[kets, dim]."""
        out = np.empty((len(re), self.total // self.padded, self.row), dtype=np.complex128)
        out.real, out.imag = self._rows(re)[:, :, : self.row], self._rows(im)[:, :, : self.row]
        return out.reshape(len(re), out.shape[1] * self.row)

    def _rows(self, part: np.ndarray) -> np.ndarray:
        inside = part[:, MARGIN : MARGIN + self.total]
        return inside.reshape(len(part), self.total // self.padded, self.padded)
