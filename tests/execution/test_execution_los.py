"""Measure LOs: sweeps by experiment, and in-program frequencies, through execute()."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pulsekit.execution import Settings, execute, signals
from pulsekit.program import Batch


def swept(lab, device, program, offsets, frame_too=False):
    """Run one program at several measure LOs of qubit 0; mean level 1 of slot 0."""
    count = len(offsets)
    batch = lab.batch(device, [program] * count)
    measure = batch.los.measure.copy()
    measure[:, 0] += offsets
    los = replace(batch.los, measure=measure)
    records = execute(
        Batch((program,), np.zeros(count, np.int32), los), device, Settings(shots=2000, meas_level=1, seed=4)
    )
    return np.array([r.iq[0] for r in records])


def test_lo_sweep_shows_a_peak_that_the_level_shifts(lab):
    device = lab.device(1, kappa=5e6, chi=(2e6, -2e6, -5e6), drive_rate=50e6)
    offsets = np.linspace(-6e6, 6e6, 25)
    ground = np.abs(swept(lab, device, lab.program(("m", 0, 160, 0), qubits=1), offsets))
    excited = np.abs(swept(lab, device, lab.program(("x", 0, 0), ("m", 0, 160, 0), qubits=1), offsets))
    assert offsets[np.argmax(ground)] == pytest.approx(2e6, abs=1e6)
    assert offsets[np.argmax(excited)] == pytest.approx(-2e6, abs=1e6)
    assert ground.max() > 1.5 * ground.min()


@pytest.mark.parametrize("offset", [-3e6, 4e6, 20e6])
def test_a_frequency_set_in_the_program_is_an_lo_to_level_one(lab, offset):
    device = lab.device(1, kappa=5e6, chi=(2e6, -2e6, -5e6), drive_rate=50e6)
    inside = lab.program(("freq", 0, 160, 7e9 + offset), ("m", 0, 160, 0), qubits=1)
    by_program = swept(lab, device, inside, np.array([0.0]))[0]
    by_lo = swept(lab, device, lab.program(("m", 0, 160, 0), qubits=1), np.array([offset]))[0]
    assert by_program == pytest.approx(by_lo, abs=0.01 * abs(by_lo) + 2e4)
    if abs(offset) > 1e7:  # a boxcar at the LO would see nothing: many turns in the window
        sideband = lab.run(device, [inside], shots=200, meas_level=0, memory_slot_size=1472)[0].raw[0]
        assert abs(sideband.sum()) < 0.3 * np.abs(sideband).sum()


def test_the_record_of_a_frequency_turns_at_its_offset(lab):
    device = lab.device(1, kappa=5e6, chi=(0.0, 0.0, 0.0), drive_rate=50e6)
    program = lab.program(("freq", 0, 0, 7e9 + 5e6), ("m", 0, 0, 0), qubits=1)
    raw = lab.run(device, [program], shots=3000, meas_level=0, memory_slot_size=1472)[0].raw[0]
    t = np.arange(raw.size) * device.timing.dt
    trial = np.linspace(-10e6, 10e6, 41)
    spectrum = np.abs(np.exp(-2j * np.pi * trial[:, None] * t) @ raw)
    assert trial[np.argmax(spectrum)] == pytest.approx(5e6, abs=1e6)  # as the sideband exp(+i 2 pi f t) turns


@pytest.mark.parametrize("how", ["reset", "restless", "live"])
def test_tables_of_a_sweep_take_a_bounded_amount_of_memory(lab, how, monkeypatch):
    """A sweep has tables for every LO; what does not fit is made again, and changes nothing."""
    device = lab.device(2, kappa=5e6, t1=20e-6, t2=20e-6)
    twice = lab.program(("x", 0, 0), ("m", 0, 160, 0), ("x", 0, 2000), ("m", 0, 2160, 1), ("m", 1, 2160, 2), qubits=2)
    batch = lab.batch(device, [twice] * 12)
    measure = batch.los.measure + np.linspace(-3e6, 3e6, 12)[:, None]
    batch = Batch((twice,), np.zeros(12, np.int32), replace(batch.los, measure=measure))
    settings = Settings(shots=300, meas_level=1, meas_return="single", seed=4, init_qubits=how != "restless")
    packets = []

    def run():
        live = packets.append if how == "live" else None
        return [r.iq for r in execute(batch, device, settings, live=live)]

    held = []
    keep = signals.Signals._keep

    def watched(self, key, made):
        keep(self, key, made)
        held.append((sum(a.nbytes for a in self._known.values()), made.nbytes))

    monkeypatch.setattr(signals.Signals, "_keep", watched)
    whole = run()
    assert len(held) == 12 * 3 and held[-1][0] == sum(size for _, size in held)
    held.clear()
    monkeypatch.setattr(signals, "TABLE_BYTES", 5 * 1472 * 3 * 16 * 4)
    again = run()
    assert all(np.array_equal(a, b) for a, b in zip(whole, again))
    assert max(total for total, _ in held) <= signals.TABLE_BYTES
    assert how != "live" or packets[:10] == packets[10:]
