"""Restless runs of qiskit-experiments, and its processing of them."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("qiskit_experiments")


@pytest.mark.nightly
def test_restless_fine_amplitude_finds_a_tuned_pulse():
    from qiskit_experiments.library import FineXAmplitude

    import pulsekit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backend = pulsekit.get_backend("ibm_perth")
        experiment = FineXAmplitude([0], backend)
        experiment.enable_restless(rep_delay=1e-6)
        experiment.set_run_options(shots=1000, seed_simulator=3)
        data = experiment.run()
        data.block_for_results()
        result = data.analysis_results("d_theta")
    assert abs(result.value.nominal_value) < 4 * result.value.std_dev + 1e-3
    assert result.quality == "good"
