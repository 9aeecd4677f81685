"""Write a model as a linear system dx/dt = (G0 + z G1 + conj(z) G2) x.

Kets are dim numbers, density matrices dim * dim (row by row). ``number`` is
the excitation number of a component (for density matrices the difference of
row and column): a frame that rotates at w turns component i by
exp(i w number[i] t).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Tuple

import numpy as np

from .model import Model
from .modes import Modes, modes_of

__all__ = ["Space", "space_of"]


@dataclass(frozen=True, eq=False)
class Space:
    """The linear system of one model, in the frame at ``w_c``, 1/s."""

    model: Model
    density: bool
    w_c: float  # rad/s

    @cached_property
    def number(self) -> np.ndarray:
        """Excitation number of every component, float64[size]."""
        n = self.model.excitations
        return (n[:, None] - n[None, :]).reshape(-1) if self.density else n

    @cached_property
    def offsets(self) -> np.ndarray:
        """Frequency of every component's interaction frame in the common frame, float64[size], rad/s."""
        f = self.model.offsets(self.w_c)
        return (f[:, None] - f[None, :]).reshape(-1) if self.density else f

    @property
    def size(self) -> int:
        """How many components."""
        return self.model.dim**2 if self.density else self.model.dim

    @cached_property
    def energies(self) -> np.ndarray:
        """Dressed energies in the common frame, float64[dim], rad/s."""
        return self.model.energies(self.w_c)

    @cached_property
    def idle(self) -> np.ndarray:
        """Generator without drives, complex128[size, size], 1/s."""
        if not self.density:
            return np.diag(-1j * self.energies)
        return self._commutator(np.diag(self.energies).astype(complex)) + self.dissipator

    def _commutator(self, h: np.ndarray) -> np.ndarray:
        eye = np.eye(self.model.dim)
        return -1j * (np.kron(h, eye) - np.kron(eye, h.T))

    @cached_property
    def dissipator(self) -> np.ndarray:
        """What relaxation and dephasing add to ``idle``, complex128[size, size]."""
        eye = np.eye(self.model.dim)
        out = np.zeros((self.size, self.size), dtype=complex)
        for c in self.model.collapse_dressed:
            decay = c.conj().T @ c / 2
            out += np.kron(c, c.conj()) - np.kron(decay, eye) - np.kron(eye, decay.T)
        return out

    def drive(self, line: int) -> np.ndarray:
        """Return G1 of a line at z = 1 rad/s; G2 belongs to its adjoint."""
        lower = self.model.lower_dressed[self.model.lines[line].local_qubit]
        return self._commutator(lower) if self.density else -1j * lower

    def drive_conj(self, line: int) -> np.ndarray:
        """Return G2 of a line, the generator of conj(z)."""
        upper = self.model.lower_dressed[self.model.lines[line].local_qubit].conj().T
        return self._commutator(upper) if self.density else -1j * upper

    def at(self, w: float) -> np.ndarray:
        """Return the idle generator in the frame that rotates at ``w``."""
        return self.idle + np.diag(1j * (w - self.w_c) * self.number)

    @cached_property
    def modes(self) -> Modes:
        """Those of the idle generator."""
        return modes_of(self.idle)

    @cached_property
    def sparse_modes(self) -> Tuple[np.ndarray, ...]:
        """The same for a kernel: inverse, eigenvalues, columns.

        Matrices are int32[2, k] (to, from) and float64[k, 2], without what is
        zero to rounding.
        """
        values, columns, inverse, _ = self.modes
        packed = np.ascontiguousarray(values, dtype=np.complex128).view(np.float64).reshape(-1, 2)
        return (*_sparse(inverse), packed, *_sparse(columns))


def _sparse(matrix: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    kept = np.nonzero(np.abs(matrix) > 1e-17 * np.abs(matrix).max())
    entries = np.ascontiguousarray(matrix[kept], dtype=np.complex128)
    return np.array(kept, dtype=np.int32), entries.view(np.float64).reshape(-1, 2)


def space_of(model: Model, density: bool) -> Space:
    """Return a model's linear system, remembered on the model."""
    known = model.__dict__.setdefault("_spaces", {})
    if density not in known:
        known[density] = Space(model, density, float(np.mean(model.w_frame)))
    return known[density]
