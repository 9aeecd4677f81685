"""Every workload of one or two transmons within 1e-6 of its reference."""

from __future__ import annotations

import numpy as np
import pytest

import pulsekit
from benchmarks.workloads import load, reference
from benchmarks.workloads.build import batch_of, device_of
from benchmarks.workloads.regenerate import populations

SMALL = [
    "w1_rabi1q",
    "w1x_rabi1q_norwa",
    "w2_drag2d",
    "w3_spec",
    "w3l_spec_lindblad",
    "w4_t1_ramsey",
    "w5_cr2q",
    "w5l_cr2q_lindblad",
    "w5x_cr2q_norwa",
    "w8_rb300",
]


@pytest.mark.parametrize("name", SMALL)
def test_populations_equal_the_reference(name: str) -> None:
    workload = load(name)
    solver = "lindblad" if workload["solver"] == "lindblad" else "schroedinger"
    out = pulsekit.simulate(
        batch_of(workload),
        device_of(workload),
        basis="bare",
        rwa=workload["rwa"],
        solver=solver,
        spectator_bound=1e-9,
    )
    assert np.abs(out.populations - reference(name)).max() < 1e-7


@pytest.mark.parametrize("name,chosen", [("w1_rabi1q", [10, 99]), ("w4_t1_ramsey", [150, 60]), ("w7a_7q_2lev", [0])])
def test_references_can_be_made_anew(name: str, chosen: list) -> None:
    assert np.abs(populations(name, chosen) - reference(name)[chosen]).max() < 1e-9


def test_a_sweep_and_separate_programs_are_bit_equal() -> None:
    workload = load("w1_rabi1q")
    device = device_of(workload)
    one = pulsekit.simulate(batch_of(workload), device).populations
    many = pulsekit.simulate(batch_of(workload, sweeps=False), device).populations
    assert np.array_equal(one, many)
