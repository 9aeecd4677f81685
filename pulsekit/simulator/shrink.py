"""Keep what a left-out coupling does to a drive: the dressed matrix element.

A neighbour that is not simulated still carries a part of the dressed qubit:
the drive's matrix element between dressed 0 and 1 is cos(theta) times the
bare one, tan(2 theta) = 2 J / |w_i - w_j|. Without it a pi/2 pulse is off by
1.6e-4 in population at J = 2 MHz and 100 MHz detuning, with it by 2e-6
(tests/simulator/test_simulator_many_clusters.py).
"""

from __future__ import annotations

import math
from typing import Container, Dict, FrozenSet

from ..device import Device

__all__ = ["drive_shrink"]


def drive_shrink(device: Device, qubit: int, kept: Container[FrozenSet[int]]) -> float:
    """Return the factor on every drive of ``qubit``, dimensionless.

    Args:
        device: with all its couplings.
        qubit: device index.
        kept: pairs that the model has.
    """
    totals: Dict[int, float] = {}
    for coupling in device.couplings:
        if qubit in coupling.qubits and frozenset(coupling.qubits) not in kept:
            other = coupling.qubits[0] if coupling.qubits[1] == qubit else coupling.qubits[1]
            totals[other] = totals.get(other, 0.0) + coupling.strength
    factor = 1.0
    for other, total in totals.items():
        gap = abs(device.transmons[qubit].frequency - device.transmons[other].frequency)
        factor *= math.cos(0.5 * math.atan2(2 * abs(total), gap))
    return factor
