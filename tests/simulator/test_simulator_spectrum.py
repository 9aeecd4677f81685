"""Bare frequencies that give the dressed ones of a device, against numpy's eigenvalues."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pulsekit.device import Device
from pulsekit.errors import PulsekitWarning
from pulsekit.simulator.spectrum import bare_frequencies

MHZ = 2e6 * np.pi  # rad/s


def transitions(bare, couplings):
    """0-1 transitions by label: the state that has most of each qubit."""
    h = np.diag(bare)
    for i, j, w in couplings:
        h[i, j] += w
        h[j, i] += w
    energies, vectors = np.linalg.eigh(h)
    order = np.argmax(np.abs(vectors), axis=0)
    assert sorted(order) == list(range(len(bare)))
    out = np.empty(len(bare))
    out[order] = energies
    return out


@pytest.mark.parametrize(
    "device",
    [Device.line(4), Device.line(12), Device.line(33), Device.ring(6), Device.heavy_hex(2, 2)],
    ids=lambda device: device.name,
)
def test_default_devices_of_any_size_have_the_frequencies_that_they_state(device: Device) -> None:
    dressed = 2 * np.pi * np.array([t.frequency for t in device.transmons])
    couplings = [(c.qubits[0], c.qubits[1], 2 * np.pi * c.strength) for c in device.couplings]
    with warnings.catch_warnings():
        warnings.simplefilter("error", PulsekitWarning)
        bare = bare_frequencies(dressed, couplings)
    assert np.abs(bare - dressed).max() > 0.05 * MHZ
    assert np.allclose(transitions(bare, couplings), dressed, rtol=0, atol=1e-6 * MHZ)


def test_qubits_that_share_their_excitations_leave_the_others_where_they_are() -> None:
    dressed = np.array([5000.0, 5070.0, 5140.0, 5000.0, 5070.0]) * MHZ  # 0 and 3: 1.6 kHz of exchange
    couplings = [(k, k + 1, 2 * MHZ) for k in range(4)]
    with pytest.warns(PulsekitWarning, match=r"up to [\d.]+ kHz off"):
        bare = bare_frequencies(dressed, couplings)
    h = np.diag(bare)
    for i, j, w in couplings:
        h[i, j] = h[j, i] = w
    assert np.abs(np.sort(np.linalg.eigvalsh(h)) - np.sort(dressed)).max() < 3e-3 * MHZ
