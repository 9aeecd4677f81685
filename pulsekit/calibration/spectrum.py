"""Compute dressed spectra and what static couplings do, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..errors import CalibrationError
from ..simulator import Model
from ..units import TWO_PI

__all__ = ["Spectrum", "dressed_spectrum", "static_zz", "zz_table"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Dressed energies of a cluster, labelled by the bare states."""

    qubits: Tuple[int, ...]
    labels: Tuple[Tuple[int, ...], ...]  # levels, in the order of ``qubits``
    energies: np.ndarray  # float64[dim], Hz above the dressed ground state
    states: np.ndarray  # complex128[dim, dim], columns: dressed states in the bare basis
    purity: np.ndarray  # float64[dim]: weight of the bare state in its dressed state

    def energy(self, *label: int) -> float:
        """Return the energy (Hz) of a dressed state by its label.

        Raises:
            CalibrationError: no such label.
        """
        if label not in self.labels:
            raise CalibrationError(
                f"Argument `label` must be one of {len(self.labels)} labels such as {self.labels[-1]}, "
                f"but {label} came."
            )
        return float(self.energies[self.labels.index(label)])

    def transition(self, upper: Sequence[int], lower: Sequence[int]) -> float:
        """Return a transition frequency in Hz."""
        return self.energy(*upper) - self.energy(*lower)


def dressed_spectrum(device: Device, qubits: Sequence[int], *, levels: Optional[Sequence[int]] = None) -> Spectrum:
    """Diagonalise the static Hamiltonian of some qubits.

    Args:
        device: frequencies, anharmonicities, couplings.
        qubits: device indices.
        levels: per qubit, 2 to 5; None: the device's.

    Cost: one diagonalisation per excitation number, dim = product of levels.
    """
    model = Model.from_device(device, qubits, levels=levels, noise=False)
    energies, states = model.dressed()
    labels = tuple(tuple(int(x) for x in row) for row in model.labels)
    purity = np.abs(np.diag(states)) ** 2
    return Spectrum(model.qubits, labels, (energies - energies[0]) / TWO_PI, states, purity)


def static_zz(device: Device, a: int, b: int, *, spectators: Sequence[int] = ()) -> float:
    """Return the static ZZ of two qubits in Hz: E11 - E10 - E01 + E00.

    The 0-1 transition of one qubit is higher by this when the other is in 1.
    To second order in J, with D = f_a - f_b and anharmonicities A_a and A_b,
    it is 2 J^2 (1/(D - A_b) - 1/(D + A_a)).

    Args:
        device: the model.
        a, b: qubits.
        spectators: further qubits, in their ground state.
    """
    spectrum = dressed_spectrum(device, (a, b, *spectators))
    rest = (0,) * len(spectators)
    return spectrum.energy(1, 1, *rest) - spectrum.energy(1, 0, *rest) - spectrum.energy(0, 1, *rest)


def zz_table(device: Device) -> Dict[Tuple[int, int], float]:
    """Return the static ZZ (Hz) of every coupled pair."""
    return {c.qubits: static_zz(device, *c.qubits) for c in device.couplings}
