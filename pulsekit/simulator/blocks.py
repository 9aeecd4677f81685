"""Keep lanes in blocks of eight, split into real and imaginary parts.

Rows are copied by ``take``, which drops the GIL; indexing by arrays keeps it.
"""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np

from .._ext import kernel

__all__ = ["LANES", "aligned", "apply", "by_envelope", "pack", "pack_vector", "phases", "unpack"]

LANES = 8
_LINE = 64  # bytes of a cache line
_lanes = kernel("lanes")


def aligned(*shape: int) -> np.ndarray:
    """Return an empty float64 array that begins at a cache line.

    Loads of eight lanes that straddle two lines take twice as long.
    """
    size = math.prod(shape)
    raw = np.empty(size + _LINE // 8)
    skip = -raw.__array_interface__["data"][0] % _LINE // 8
    return raw[skip : skip + size].reshape(shape)


def by_envelope(keys: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Lay lanes out in blocks that do not mix keys.

    Args:
        keys: int[lanes, k]; lanes with equal rows may share a block.

    Returns:
        int64[8 blocks], the lane of every place (a repeated one where a block
        is not full), and int64[lanes], the place of every lane.
    """
    lanes = len(keys)
    if keys.shape[1] == 0 or (keys == keys[0]).all():
        count = -(-lanes // LANES) * LANES
        lane_at = np.minimum(np.arange(count), lanes - 1)
        return lane_at, np.arange(lanes)
    order = np.lexsort(keys.T[::-1])
    ordered = keys[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    sizes = np.diff(np.append(np.flatnonzero(new), lanes))
    padded = -(-sizes // LANES) * LANES
    starts = np.concatenate([[0], np.cumsum(padded)[:-1]])
    group = np.cumsum(new) - 1
    place_ordered = starts[group] + np.arange(lanes) - np.flatnonzero(new)[group]
    place = np.empty(lanes, dtype=np.int64)
    place[order] = place_ordered
    lane_at = np.repeat(order[np.flatnonzero(new)], padded)
    lane_at[place] = np.arange(lanes)
    return lane_at, place


def pack(states: np.ndarray, lane_at: np.ndarray) -> np.ndarray:
    """Return complex128[lanes, entries] as float64[blocks, entries, 2, 8]."""
    lanes = states.take(lane_at, axis=0).reshape(-1, LANES, states.shape[1])
    out = aligned(lanes.shape[0], lanes.shape[2], 2, LANES)
    out[:, :, 0] = lanes.real.transpose(0, 2, 1)
    out[:, :, 1] = lanes.imag.transpose(0, 2, 1)
    return out


def unpack(x: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return float64[blocks, entries, 2, 8] as complex128[lanes, entries]."""
    out = np.empty((x.shape[0], LANES, x.shape[1]), dtype=np.complex128)
    out.real = x[:, :, 0].transpose(0, 2, 1)
    out.imag = x[:, :, 1].transpose(0, 2, 1)
    return out.reshape(-1, x.shape[1]).take(place, axis=0)


def pack_vector(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """Return float64[8 blocks] pairs as float64[blocks, 2, 8]."""
    out = aligned(len(re) // LANES, 2, LANES)
    out[:, 0] = re.reshape(-1, LANES)
    out[:, 1] = im.reshape(-1, LANES)
    return out


def phases(angle: np.ndarray) -> np.ndarray:
    """Return exp(i angle) of float64[blocks, size, 8] as [blocks, size, 2, 8]."""
    out = aligned(*angle.shape[:2], 2, LANES)
    np.cos(angle, out=out[:, :, 0])
    np.sin(angle, out=out[:, :, 1])
    return out


def apply(x: np.ndarray, matrix: np.ndarray) -> None:
    """Multiply every lane's columns by one complex128[size, size], in place."""
    size = matrix.shape[0]
    flat = np.ascontiguousarray(matrix, dtype=np.complex128).view(np.float64)
    _lanes.apply(x, flat, size, aligned(x.shape[1] * 2 * LANES))
