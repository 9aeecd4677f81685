"""The most telling experiments of qiskit-experiments, on a qubit with a neighbour; all others are nightly."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit_experiments")

from client_exact import expected
from client_sites import Site, readout_errors, values, with_gate
from client_truth import rotation, stark_shift
from qiskit_experiments.library import (
    T1,
    FineXAmplitude,
    LocalReadoutError,
    QubitSpectroscopy,
    RamseyXY,
    StarkRamseyXY,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def site(pair):
    return Site(pair, 1)


def test_spectroscopy_finds_the_qubit(site):
    frequencies = site.f01 - 0.7e6 + np.linspace(-6e6, 6e6, 41)
    made = QubitSpectroscopy([1], frequencies, site.backend, amp=0.005)
    assert values(made, site.backend)["f01"] == pytest.approx(site.f01, abs=0.1e6)


def test_fine_amplitude_finds_by_how_much_x_turns_too_far(site):
    factor = 1.02
    made = FineXAmplitude([1], site.backend)
    with_gate(made, "x", 1, site.drag("x", amp=site.tuned("x").amp * factor))
    samples = site.tuned("x").get_waveform().samples * factor
    true = rotation(samples, site.backend.dt, site.rabi_rate, site.alpha) - np.pi
    exact = expected(made, site.backend, [1])["d_theta"]
    assert exact == pytest.approx(true, rel=0.02)
    assert values(made, site.backend)["d_theta"] == pytest.approx(exact, abs=1.5e-3)


def test_ramsey_finds_on_which_side_the_qubit_is(site):
    detuning = -1.1e6
    made = RamseyXY([1], site.backend, osc_freq=2e6)
    made.set_run_options(qubit_lo_freq=site.detuned_los(-detuning))
    assert values(made, site.backend)["freq"] - 2e6 == pytest.approx(detuning, abs=2e4)


def test_a_tone_below_the_qubit_pushes_it_up(site):
    made = StarkRamseyXY([1], site.backend, stark_amp=0.12, stark_freq_offset=80e6)
    true = stark_shift(site.f01 - 80e6, site.f01, site.alpha, 0.12 * site.rabi_rate, 3)
    assert true > 0
    assert values(made, site.backend)["freq"] == pytest.approx(true, rel=0.03)


def test_t1_is_the_device_s(site):
    made = T1([1], list(np.linspace(1e-6, 70e-6, 25)), site.backend)
    made.set_run_options(shots=4000)
    assert values(made, site.backend)["T1"] == pytest.approx(site.transmon.t1, rel=0.04)


def test_assignment_matrices_are_the_readout_s(pair):
    made = LocalReadoutError([0, 1], pair)
    made.set_run_options(shots=10000)
    found = values(made, pair)["Local Readout Mitigator"].assignment_matrix
    for qubit in (0, 1):
        e0, e1 = readout_errors(pair, qubit)
        assert found(qubit) == pytest.approx(np.array([[1 - e0, e1], [e0, 1 - e1]]), abs=4e-3)
