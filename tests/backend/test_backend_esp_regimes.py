"""When excited-state promotion pays: whole runs against the closed forms, at two lengths and three pi-12 errors."""

from __future__ import annotations

from math import asin, exp, pi, sqrt

import numpy as np
import pytest
from backend_circuits import measured

from pulsekit import tune
from pulsekit.backend import Backend
from pulsekit.calibration import miscalibrated
from pulsekit.device import Device
from pulsekit.device.calibrations import make_calibration
from pulsekit.errors import CalibrationError
from pulsekit.program import Op, Pulse

SHOTS, T1 = 200_000, 100e-6
LONG, SHORT = 5.2e-6, 0.33e-6  # s


@pytest.fixture(scope="module")
def device():
    """Relaxation and promotion decide; a promotion that fails leaves 1, near the boundary between 0 and 2."""
    made = tune(Device.transmon(t1=T1, t2=T1, measure_esp_enabled=True))
    return made.with_(qubit=0, kappa=8e6, chi=(0.725e6, -0.725e6, -1.62e6), drive_rate=80e6, threshold=0.0)


def with_readout(device, length_s):
    """Return the device with a measure of another length."""
    n = int(length_s / device.timing.dt) // 16 * 16
    old = device.calibrations.get("measure", (0,)).program
    events = old.events.take(np.flatnonzero(np.isin(old.events.op, (Op.PLAY, Op.ACQUIRE))))
    pulse = Pulse.from_shape("gaussian_square", n, {"sigma": 32.0, "width": n - 128.0})
    program = old.replace(events=events.replace(duration=np.full(len(events), n)), pulses=(pulse,), duration=n)
    return device.replace(calibrations=device.calibrations.updated(make_calibration("measure", (0,), program)))


def misread(device, length_s, pi12_error):
    """Return P(read 0 | prepared 1) without and with ESP."""
    device = miscalibrated(with_readout(device, length_s), "x12", (0,), 1 + 2 / pi * asin(sqrt(pi12_error)))
    backend = Backend(device, "memory", shots=SHOTS, seed_simulator=3)
    jobs = [backend.run(measured(flip=True), use_measure_esp=u) for u in (False, True)]
    assert [j.result().results[0].metadata["measure_esp"] for j in jobs] == [{"0": False}, {"0": True}]
    return [j.result().get_counts().get("0", 0) / SHOTS for j in jobs]


@pytest.mark.parametrize("pi12_error", [0.0, 0.01])
def test_a_long_readout_gains_an_order_of_magnitude(device, pi12_error):
    plain, esp = misread(device, LONG, pi12_error)
    x = LONG / 2 / T1  # a boundary half way: half of the window
    assert plain == pytest.approx(1 - exp(-x), rel=0.2)
    assert (1 - exp(-x)) ** 2 / 2 < esp < plain / 10


def test_a_short_readout_loses_where_the_pi12_error_dominates(device):
    x = SHORT / 2 / T1
    found = [misread(device, SHORT, error) for error in (0.0, 0.01, 0.05)]
    assert all(0.5 < plain / (1 - exp(-x)) < 2 for plain, _ in found)
    (plain, perfect), (_, one), (_, five) = found
    assert perfect < plain and five > 1.5 * plain
    assert (five - perfect) / (one - perfect) == pytest.approx(5, rel=0.5)  # in proportion to the pi-12 error


def test_a_gate_that_is_out_fails_as_often_as_it_should(device):
    """An over-rotated pi pulse leaves cos^2 behind."""
    quiet = miscalibrated(device, "x", (0,), 1.2)
    ones = Backend(quiet, "memory", shots=20_000, seed_simulator=1).run(measured(flip=True)).result().get_counts()["1"]
    assert ones / 20_000 == pytest.approx(np.sin(0.6 * pi) ** 2, abs=0.01)
    with pytest.raises(CalibrationError, match="'y5'"):
        miscalibrated(device, "y5", (0,), 1.2)
    with pytest.raises(CalibrationError, match="finite"):
        miscalibrated(device, "x", (0,), float("nan"))
