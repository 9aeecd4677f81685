"""One draw for all qubits: correlations of entangled states, at every level."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from pulsekit.execution import resets
from pulsekit.execution.walk import Branch
from pulsekit.simulator import Cluster

module = sys.modules["pulsekit.execution.execute"]  # the package shows the function of that name
SHOTS = 20000
STATES = {
    "plus_plus": {"00": 0.25, "01": 0.25, "10": 0.25, "11": 0.25},
    "bell": {"00": 0.5, "11": 0.5},
    "psi": {"01": 0.5, "10": 0.5},
    "ghz": {"000": 0.5, "111": 0.5},
    "biased": {"00": 0.72, "01": 0.08, "10": 0.18, "11": 0.02},
}


@pytest.fixture
def prepared(lab, monkeypatch):
    """Run with a given ket as the state of one cluster; qubit 0 is the right-most character."""

    def run(weights, split=False, **settings):
        n = len(next(iter(weights)))
        device = lab.device(n, drive_rate=250e6)
        ket = np.zeros(3**n, complex)
        for bits, p in weights.items():
            ket[int(bits, 3)] = np.sqrt(p)
        cluster = Cluster(np.array([0]), tuple(range(n)), (3,) * n, ())
        monkeypatch.setattr(module, "plan_clusters", lambda *a, **k: [cluster])
        monkeypatch.setattr(resets, "_fresh", lambda *a: [Branch(0, ket, None)])
        items = [("m", q, 2000 * q if split else 0, q) for q in range(n)]
        return lab.run(device, [lab.program(*items, qubits=n)], shots=SHOTS, noise=False, **settings)[0], device

    return run


def sharp(iq):
    """Classify level 1 by the sign along the line between the two clouds."""
    out = np.empty(iq.shape, int)
    for q in range(iq.shape[1]):
        z = iq[:, q] - (iq[:, q].real.min() + iq[:, q].real.max()) / 2
        out[:, q] = z.real > 0
    return out


CASES = [(name, level) for name in STATES for level in (1, 2)] + [("plus_plus", 0), ("ghz", 0)]


@pytest.mark.parametrize(("name", "level"), CASES)
def test_joint_distribution(prepared, name, level):
    weights = STATES[name]
    n = len(next(iter(weights)))
    if level == 2:
        bits = prepared(weights)[0].bits.astype(int)
    elif level == 1:
        bits = sharp(prepared(weights, meas_level=1, meas_return="single")[0].iq)
    else:
        raw = prepared(weights, meas_level=0, meas_return="single", memory_slot_size=350)[0].raw
        bits = sharp(raw.sum(axis=2))
    found = np.bincount(bits @ 2 ** np.arange(n), minlength=2**n) / SHOTS
    error = 5 * 0.5 / SHOTS**0.5 + (0.02 if level == 0 else 0.003)  # + readout errors of the short window
    for value in range(2**n):
        assert abs(found[value] - weights.get(format(value, f"0{n}b"), 0.0)) < error
    for q in range(n):
        series = bits[:, q] - bits[:, q].mean()
        if series.any():
            assert abs((series[1:] * series[:-1]).mean() / (series**2).mean()) < 5 / SHOTS**0.5


def test_correlations_survive_measuring_one_after_the_other(prepared):
    bits = prepared(STATES["ghz"], split=True)[0].bits
    assert (bits[:, 0] == bits[:, 2]).mean() > 0.99
    assert abs(bits[:, 0].mean() - 0.5) < 5 * 0.5 / SHOTS**0.5
    other = prepared(STATES["biased"], split=True)[0].bits
    assert abs(other[other[:, 0] == 1, 1].mean() - 0.2) < 0.04  # P(q1 | q0) of a product state


def test_level_two_reads_as_one(prepared):
    record, _ = prepared({"2": 1.0}, meas_level=2)
    assert record.bits.mean() > 0.98


@pytest.mark.parametrize("noise", [False, True])
def test_others_of_the_cluster_evolve_while_a_qubit_is_held(lab, monkeypatch, noise):
    """x on qubit 1 during the acquire of qubit 0; both are drawn jointly before and after."""
    device = lab.device(2, drive_rate=100e6, t1=1e-3 if noise else None, t2=1e-3 if noise else None)
    cluster = Cluster(np.array([0]), (0, 1), (3, 3), ())
    monkeypatch.setattr(module, "plan_clusters", lambda *a, **k: [cluster])
    program = lab.program(
        ("x", 0, 0, 0.5), ("m", 0, 160, 0), ("x", 1, 600), ("m", 1, 1800, 1), ("m", 0, 1800, 2), qubits=2
    )
    bits = lab.run(device, [program], shots=4000, noise=noise)[0].bits
    assert abs(bits[:, 0].mean() - 0.5) < 5 * 0.5 / 4000**0.5
    assert bits[:, 1].mean() > 0.985
    assert (bits[:, 0] == bits[:, 2]).mean() > 0.985


def test_trajectories_sample_what_the_density_matrix_says(lab, monkeypatch):
    """Three qubits, relaxation, thermal starts, a measurement in the middle; one trajectory per shot."""
    device = lab.device(3, t1=2e-6, t2=1.5e-6, p_th=0.03, drive_rate=100e6)
    cluster = Cluster(np.array([0]), (0, 1, 2), (2, 2, 2), ())
    monkeypatch.setattr(module, "plan_clusters", lambda *a, **k: [cluster])
    program = lab.program(
        *[
            ("x", 0, 0, 0.5),
            ("x", 1, 0),
            ("x", 2, 200, 0.7),
            ("m", 0, 400, 0),
            ("x", 2, 900),
            ("m", 1, 1900, 1),
            ("m", 2, 1900, 2),
        ],
    )
    exact = lab.run(device, [program], shots=100000, method="density")[0].bits
    shots = 1200
    drawn = lab.run(device, [program], shots=shots, method="trajectories")[0].bits
    p, q = (np.bincount(b @ [1, 2, 4], minlength=8) / len(b) for b in (exact, drawn))
    assert np.all(np.abs(p - q) < 5 * np.sqrt(p * (1 - p) / shots))
    again = lab.run(device, [program], shots=300, method="trajectories")[0].bits
    assert np.array_equal(again, drawn[:300])
