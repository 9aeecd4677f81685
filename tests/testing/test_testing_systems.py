"""The shipped closed-form systems are right, and the simulator agrees with them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from pulsekit.program import LoTable, Op
from pulsekit.simulator import simulate
from pulsekit.testing import SYSTEMS, System
from pulsekit.testing.systems import DT, FREQUENCY, RABI_RATE


def los(system: System) -> LoTable:
    table = np.array([[FREQUENCY + system.lo_offset]])
    measure, none = np.array([[7e9]]), np.zeros((1, 0))
    return LoTable(table[0], measure[0], none[0], table, measure, none)


@pytest.mark.parametrize("name", [n for n in SYSTEMS if n != "t1"])
def test_the_closed_form_is_the_matrix_exponential(name: str) -> None:
    """Each formula against scipy's expm of the Hamiltonian written out."""
    system = SYSTEMS[name]()
    state = np.array([1, 0], complex)
    for event in system.program.events:
        rabi = RABI_RATE * event.value / 2 if event.op == Op.PLAY else 0.0
        tone = rabi * np.exp(1j * event.angle)
        hamiltonian = 2 * np.pi * np.array([[0, tone], [np.conj(tone), -system.lo_offset]])
        state = expm(-1j * hamiltonian * event.duration * DT) @ state
    assert np.abs(state) ** 2 == pytest.approx(system.exact, abs=1e-12)


@pytest.mark.parametrize("method", ["auto", "reference"])
@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_the_simulator_finds_the_closed_form(name: str, method: str) -> None:
    system = SYSTEMS[name]()
    outcome = simulate(
        system.program,
        system.device,
        los=los(system),
        noise=system.noise,
        method=method,
        tolerance=1e-9,
        initial={0: system.initial_level},
    )
    assert outcome.populations[0] == pytest.approx(system.exact, abs=1e-8)
