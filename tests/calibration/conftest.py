"""Share tuned devices: tuning costs seconds."""

from __future__ import annotations

import warnings

import pytest

from pulsekit.calibration import tune
from pulsekit.device import Device


@pytest.fixture(scope="session")
def shipped() -> Device:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Device.from_snapshot("ibm_perth")


@pytest.fixture(scope="session")
def tuned(shipped: Device) -> Device:
    return tune(shipped)
