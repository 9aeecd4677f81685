"""The fit to published errors, against shots and against the snapshots."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pulsekit.device import Device
from pulsekit.execution import Settings, execute
from pulsekit.program import AcquireSpec, Batch
from pulsekit.readout import (
    Purpose,
    Stream,
    chance_of_one,
    default_acquisition,
    fit_all,
    fit_readout,
    predict_errors,
    project,
    read_shots,
)
from pulsekit.simulator import default_los

warnings.simplefilter("ignore")


def within(fit, share=0.1):
    return all(p is not None and abs(e - p) <= share * p for e, p in zip(fit.errors, fit.published))


@pytest.mark.parametrize("name", ["ibm_perth", "ibmq_manila", "ibmq_montreal"])
def test_snapshots_show_their_published_errors(name):
    device = Device.from_snapshot(name)
    fitted, fits = fit_all(device)
    assert np.mean([within(f) for f in fits]) >= 0.85
    assert all(f.reason for f in fits if not within(f))
    for fit in fits:
        assert predict_errors(fitted, fit.qubit) == pytest.approx(fit.errors, rel=0.02)
        resonator = fitted.resonators[fit.qubit]
        assert 0 < resonator.efficiency <= 0.8 and resonator.drive_rate > 0
        assert 0 <= fitted.transmons[fit.qubit].p_th <= 0.05
    notes = {n.quantity: n.kind for n in fitted.provenance.notes if n.quantity.startswith("readout[")}
    assert set(notes) >= {f"readout[{q}]" for q in range(device.n_qubits)}


def test_fit_is_deterministic():
    device = Device.from_snapshot("ibmq_lima")
    a, b = fit_readout(device), fit_readout(device)
    assert a.resonators == b.resonators and a.transmons == b.transmons and a.reset_error == b.reset_error


def test_shots_show_what_the_fit_predicts():
    device = fit_readout(Device.from_snapshot("ibmq_lima"))
    shots = 200000
    for qubit in range(device.n_qubits):
        a = default_acquisition(device, qubit)
        paths = project(a)
        boundary = np.array([(1 + device.resonators[qubit].threshold) / 2])
        for level in (0, 1):
            bits = np.empty(shots, np.uint8)
            read_shots(a, Stream(3, qubit, Purpose.READ), 0, np.full(shots, level, np.uint8), bits=bits)
            p = chance_of_one(paths, level, np.array([paths.separation]), boundary)[0]
            assert bits.mean() == pytest.approx(p, abs=5 * (p * (1 - p) / shots) ** 0.5 + 2e-3 * min(p, 1 - p))


def test_a_run_of_the_calibrated_measure_shows_the_published_error():
    device = fit_readout(Device.from_snapshot("ibm_perth"))
    programs = [device.calibrations.get("measure", (q,)).program for q in range(3)]
    batch = Batch(tuple(programs), np.arange(3, dtype=np.int32), default_los(device, 3))
    records = execute(batch, device, Settings(shots=100000, seed=2))
    for q, record in enumerate(records):
        published = device.readout[q].prob_meas1_prep0
        assert record.bits[:, q].mean() == pytest.approx(published, rel=0.1)


def test_devices_without_published_errors_get_clear_clouds():
    device = Device.line(2)
    fitted, fits = fit_all(device)
    assert [f.separation for f in fits] == [6.0, 6.0]
    assert max(predict_errors(fitted, 0)) < 0.02


@pytest.mark.nightly
def test_all_qubits_of_all_snapshots():
    from pulsekit.device import snapshots

    good = []
    for name in snapshots():
        _, fits = fit_all(Device.from_snapshot(name))
        good += [within(f) for f in fits]
        assert all(f.reason for f in fits if not within(f))
    assert len(good) > 700 and np.mean(good) >= 0.99


def esp_errors(device, qubit, t1):
    """P(read 0 | prepared 1): plain, and with a perfect 1-2 promotion."""
    transmon = device.transmons[qubit]
    from dataclasses import replace

    hot = replace(transmon, t1=t1, t2=t1, p_th=0.0)
    plain = default_acquisition(device, qubit, transmon=hot)
    esp = default_acquisition(device, qubit, transmon=hot, spec=AcquireSpec(esp=True))
    shots = 400000
    out = []
    for a, level in ((plain, 1), (esp, 2)):
        bits = np.empty(shots, np.uint8)
        read_shots(a, Stream(3, level, Purpose.READ), 0, np.full(shots, level, np.uint8), bits=bits)
        out.append(1 - bits.mean())
    return out, plain.samples * device.timing.dt


def test_long_readouts_gain_an_order_of_magnitude_by_esp():
    device = strong(Device.from_snapshot("ibmq_montreal"))
    (plain, esp), length = esp_errors(device, 0, 100e-6)
    assert 2.5e-6 < length < 6e-6
    x = length / 2 / 100e-6  # a boundary half way: half of the window
    assert plain == pytest.approx(1 - np.exp(-x), rel=1.0)
    assert plain > 0.5 * (1 - np.exp(-x))
    assert esp < plain / 10


def strong(device):
    """Clouds far apart, boundary half way: relaxation is all that is left."""
    from dataclasses import replace

    return device.replace(
        resonators=tuple(replace(r, drive_rate=4 * r.drive_rate, threshold=0.0) for r in device.resonators)
    )
