"""A batch keeps what was made of it; when its arrays are written to, it is made anew."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Callable, List

import numpy as np
import pytest
from simulator_programs import device, gaussian, play, program

from pulsekit.errors import SimulationError
from pulsekit.program import Batch, ParameterTable
from pulsekit.simulator import default_los, simulate


def swept(n: int) -> Batch:
    """Two programs, one of which plays amplitudes from a table, three experiments."""
    batch: List[Any] = []
    for amp in (0.3, 0.7):
        pulses: list = []
        rows = [play(f"d{q}", 10 * q, pulses, gaussian(40, 10.0), amp / (1 + q)) for q in range(n)]
        batch.append(program(rows, pulses, 40 + 10 * n))
    table = ParameterTable(("amp",), np.zeros(1, np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int32), np.ones(1))
    theta = np.array([[0.0], [0.2], [0.0]])
    programs = (batch[0], batch[1].replace(parameters=table))
    return Batch(programs, np.array([0, 1, 0], dtype=np.int32), default_los(device(n), 3), theta)


def shift_lo(batch: Batch) -> None:
    batch.los.drive[1, 0] += 8e6


def shift_frame(batch: Batch) -> None:
    batch.los.drive_frame[0] += 3e6


def shift_parameter(batch: Batch) -> None:
    assert batch.theta is not None
    batch.theta[1, 0] = 0.1


def swap(batch: Batch) -> None:
    batch.program_of[:2] = [1, 0]


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("write", [shift_lo, shift_frame, shift_parameter, swap])
def test_what_is_written_into_a_batch_counts(n: int, write: Callable[[Batch], None]) -> None:
    batch, dev = swept(n), device(n)
    settings: Any = {"outputs": ("populations", "states"), "spectator_bound": 1e-9}
    before = simulate(batch, dev, **settings)
    write(batch)
    after = simulate(batch, dev, **settings)
    fresh = Batch(batch.programs, *(deepcopy(a) for a in (batch.program_of, batch.los, batch.theta)))
    assert np.array_equal(after.states, simulate(fresh, dev, **settings).states)
    assert np.abs(after.states - before.states).max() > 1e-3


def test_what_is_written_into_a_batch_is_looked_at() -> None:
    batch, dev = swept(1), device(1)
    simulate(batch, dev)
    batch.los.measure[2, 0] = np.nan
    with pytest.raises(SimulationError, match="a measure LO is not"):
        simulate(batch, dev)
    batch.los.measure[2, 0] = 7e9
    assert batch.theta is not None
    batch.theta[0, 0] = np.inf
    with pytest.raises(SimulationError, match="finite parameters"):
        simulate(batch, dev)
