"""Write states as real numbers, in which every linear map of them is a real matrix.

A ket is its real parts, then its imaginary parts. A density matrix is its
diagonal, then the real and then the imaginary parts above it: a map that
keeps Hermitian matrices Hermitian has a quarter of the numbers that it has on
row-by-row entries.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .space import Space

__all__ = ["Coordinates", "coordinates_of"]


class Coordinates:
    """Real coordinates of a space's states."""

    def __init__(self, space: Space) -> None:
        self.density, self.dim = space.density, space.model.dim
        d = self.dim
        labels = space.model.labels
        if self.density:
            self.upper = np.triu_indices(d, 1)
            j, k = self.upper
            self.size, turns = d * d, labels[j] - labels[k]
            real = d + np.arange(len(j))
            self.energy = np.zeros(len(j))  # free evolution decays too: it is no turn
        else:
            self.size, turns = 2 * d, labels
            real = np.arange(d)
            self.energy = np.ascontiguousarray(space.energies)
        self.at = np.ascontiguousarray(np.column_stack([real, real + len(real), turns]), dtype=np.int32)

    @property
    def blocks(self) -> int:
        """Blocks of eight rows of a map."""
        return -(-self.size // 8)

    @cached_property
    def basis(self) -> np.ndarray:
        """The states of single coordinates, complex128[size, entries]."""
        return self.back(np.eye(self.size))

    def real(self, states: np.ndarray) -> np.ndarray:
        """Return complex128[..., entries] as float64[..., size]."""
        if not self.density:
            return np.concatenate([states.real, states.imag], axis=-1)
        rho = states.reshape(states.shape[:-1] + (self.dim, self.dim))
        above = rho[..., self.upper[0], self.upper[1]]
        return np.concatenate([np.diagonal(rho, axis1=-2, axis2=-1).real, above.real, above.imag], axis=-1)

    def back(self, x: np.ndarray) -> np.ndarray:
        """Return float64[..., size] as complex128[..., entries]."""
        d = self.dim
        if not self.density:
            return x[..., :d] + 1j * x[..., d:]
        j, k = self.upper
        out = np.zeros(x.shape[:-1] + (d, d), dtype=complex)
        above = x[..., d : d + len(j)] + 1j * x[..., d + len(j) :]
        out[..., j, k] = above
        out[..., k, j] = above.conj()
        index = np.arange(d)
        out[..., index, index] = x[..., :d]
        return out.reshape(x.shape[:-1] + (d * d,))

    def columns(self, maps: np.ndarray) -> np.ndarray:
        """Return float64[k, size, size] as the kernel wants it, float64[k, blocks, size, 8]."""
        padded = np.zeros((len(maps), 8 * self.blocks, self.size))
        padded[:, : self.size] = maps
        return np.ascontiguousarray(padded.reshape(len(maps), self.blocks, 8, self.size).transpose(0, 1, 3, 2))


def coordinates_of(space: Space) -> Coordinates:
    """Return a space's coordinates, remembered on the space."""
    kept = space.__dict__.get("_coordinates")
    if kept is None:
        kept = space.__dict__["_coordinates"] = Coordinates(space)
    return kept
