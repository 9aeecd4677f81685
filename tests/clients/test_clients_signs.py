"""What the fits of qiskit-experiments call positive, from rotations written down by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_exact import analysed
from qiskit_experiments.library import CrossResonanceHamiltonian

pytestmark = pytest.mark.filterwarnings("ignore")


def turned(axis, angle):
    """Return what a turn about an axis makes of the vector z (Rodrigues)."""
    z = np.array([0.0, 0.0, 1.0])
    return z * np.cos(angle) + np.cross(axis, z) * np.sin(angle) + axis * axis[2] * (1 - np.cos(angle))


@pytest.mark.parametrize("rates, sign", [((6e5, 0, 1e5), -1), ((-4e5, 0, 8e4), -1), ((0, 5e5, 9e4), 1)])
def test_cross_resonance_fit_counts_z_the_other_way_round_about_x(rates, sign):
    """Its <X> has -p_z p_x (1 - cos) where a turn has +n_z n_x (1 - cos); its <Y> has the turn's sign."""
    size = np.linalg.norm(rates)
    points, ones = [], []
    for t in np.linspace(0, 4e-6, 40):
        bloch = turned(np.array(rates) / size, 2 * np.pi * size * t)
        for control in (0, 1):
            for basis, value in zip("xyz", bloch):
                metadata = {"xval": t, "control_state": control, "meas_basis": basis}
                points.append(SimpleNamespace(metadata=metadata))
                ones.append((1 - value) / 2)
    found = analysed(CrossResonanceHamiltonian((0, 1)), points, ones)
    assert found["omega_ix"] == pytest.approx(rates[0], abs=2e3)
    assert found["omega_iy"] == pytest.approx(rates[1], abs=2e3)
    assert found["omega_iz"] == pytest.approx(sign * rates[2], rel=0.03)
