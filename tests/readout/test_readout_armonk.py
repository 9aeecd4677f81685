"""A device from scratch with the published numbers of ibmq_armonk (2019) shows its published readout.

512 single shots per point over a sweep of the measure LO: a notch at +12.8 kHz for |0> and at -29.8 kHz for |1>, the
clouds at best 5.05 sigma apart, and errors of 0.039 and 0.057 that are relaxation and preparation, not noise.
"""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.pulse import Acquire, AcquireChannel, GaussianSquare, MeasureChannel, MemorySlot, Play, Schedule
from scipy.optimize import curve_fit

from pulsekit.backend import Backend
from pulsekit.device import Device

LO = 6.993e9
LENGTH = 36000  # samples, 8 us
OFFSETS = np.arange(-150e3, 151e3, 6e3)


@pytest.fixture(scope="module")
def shots():
    """Level 1, single shots: complex128[prepared, LO, shot]."""
    device = Device.transmon(4.974e9, measure_frequency=LO, t1=150e-6, t2=150e-6, p_th=0.033)
    device = device.with_(
        qubit=0, mode="reflection", notch_depth=0.9, kappa=0.18e6, chi=(12.8e3, -29.8e3, -70e3), drive_rate=3.3e6
    )
    backend = Backend(device.replace(stale=()), "memory")
    programs = []
    for prepared in (0, 1):
        program = Schedule()
        if prepared:
            program |= backend.instruction_schedule_map.get("x", [0])
        start = program.duration
        program |= Play(GaussianSquare(LENGTH, 0.24, 64, width=LENGTH - 256), MeasureChannel(0)).shift(start)
        programs.append(program | Acquire(LENGTH, AcquireChannel(0), MemorySlot(0)).shift(start))
    los = [{MeasureChannel(0): LO + f} for f in OFFSETS]
    settings = {"meas_level": 1, "meas_return": "single", "shots": 512, "seed_simulator": 5}
    results = [backend.run(p, schedule_los=los, **settings).result() for p in programs]
    return np.array([[r.get_memory(i)[:, 0] for i in range(OFFSETS.size)] for r in results])


def test_notches_are_where_the_levels_put_them(shots):
    def notch(f, centre, width, height, depth):
        return height * np.abs(1 - depth / (1 + 2j * (f - centre) / width))

    centres = []
    for size in np.abs(np.median(shots.real, axis=2) + 1j * np.median(shots.imag, axis=2)):
        start = (0.0, 180.0, size.max(), 0.8)
        centres.append(curve_fit(notch, OFFSETS / 1e3, size, p0=start)[0][0])
        assert size.min() < 0.5 * size.max()
    assert centres[0] == pytest.approx(12.8, abs=2.0)  # kHz
    assert centres[1] == pytest.approx(-29.8, abs=2.0)  # relaxation pulls it in


def test_the_best_separation_leaves_errors_of_relaxation_and_preparation(shots):
    centre = np.median(shots.real, axis=2) + 1j * np.median(shots.imag, axis=2)
    spread = 1.4826 * np.median(np.abs(shots.real - centre.real[..., None]), axis=2).mean()  # per quadrature
    separation = np.abs(centre[1] - centre[0]) / spread
    best = int(np.argmax(separation))
    assert abs(OFFSETS[best]) < 40e3  # between the notches, or close to one
    assert separation[best] == pytest.approx(5.05, rel=0.08)
    axis = np.conj(centre[1, best] - centre[0, best])
    ones = ((shots[:, best] - centre[:, best].mean()) * axis).real > 0
    error = 4 * (0.04 * 0.96 / 512) ** 0.5
    assert ones[0].mean() == pytest.approx(0.039, abs=error)
    assert 1 - ones[1].mean() == pytest.approx(0.057, abs=error)
