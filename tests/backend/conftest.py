"""Share small backends: their devices are cheap to simulate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulsekit.backend import Backend
from pulsekit.device import Device


@pytest.fixture(scope="session")
def transmon():
    return Device.transmon()


@pytest.fixture(scope="session")
def pair_device():
    return Device.pair()


@pytest.fixture(scope="session")
def backend(transmon):
    return Backend(transmon, "memory", seed_simulator=7, shots=50)


@pytest.fixture(scope="session")
def pair(pair_device):
    return Backend(pair_device, "memory", seed_simulator=7, shots=50)


@pytest.fixture(scope="session")
def esp(transmon):
    """A backend that has ESP readout."""
    return Backend(transmon.replace(measure_esp_enabled=True, name="esp"), "memory", seed_simulator=7, shots=50)


@pytest.fixture(scope="session")
def fixed_rate(transmon):
    """A backend without dynamic repetition rate."""
    limits = replace(transmon.limits, rep_delay_range=None, default_rep_delay=None, rep_times=(1e-3, 5e-4))
    return Backend(transmon.replace(limits=limits, name="fixed"), "memory", seed_simulator=7, shots=50)
