"""What cannot be simulated is refused before a kernel sees it, and nothing that was asked for is ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulator_programs import device, gaussian, play, program

from pulsekit.errors import SimulationError
from pulsekit.program import Batch, Channel, Op, ParameterTable, Program
from pulsekit.simulator import Cluster, ExtraTerm, default_los, simulate


def two_plays(**changes: Any) -> Program:
    """A qubit driven twice, columns of the events changed."""
    pulses: list = []
    prog = program([play("d0", 0, pulses, gaussian(40), 0.3), play("d0", 40, pulses, gaussian(40), 0.2)], pulses)
    return prog.replace(events=prog.events.replace(**{k: np.array(v) for k, v in changes.items()}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ref": [0, 7]}, "Row 1: `ref` must be below 2"),
        ({"ref": [-1, 1]}, "Row 0: `ref` must be below 2"),
        ({"channel": [0, 3]}, "Row 1: `channel` must be below 1"),
        ({"t0": [50, 0]}, r"d0@0\.\.40: rows must be in order of time"),
        ({"t0": [0, 39]}, r"d0@39\.\.79: a channel must play one pulse at a time"),
        ({"op": [Op.SET_FREQUENCY, Op.PLAY], "value": [5.0, 0.2]}, "a frequency must be in Hz"),
    ],
)
def test_rows_that_mean_nothing_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        simulate(two_plays(**changes), device(1))


def test_start_times_that_are_parameters_are_not_judged() -> None:
    table = ParameterTable(("t",), np.ones(1, np.int32), np.full(1, 3, np.uint8), np.zeros(1, np.int32), np.ones(1))
    los = default_los(device(1), 1)
    moved = two_plays(t0=[0, 0]).replace(parameters=table)
    batch = Batch((moved,), np.zeros(1, np.int32), los, np.array([[40.0]]))
    assert np.array_equal(simulate(batch, device(1)).populations, simulate(two_plays(), device(1)).populations)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"drive": np.array([[np.nan, 5e9]])}, "finite"),
        ({"drive_frame": np.array([np.nan, 5e9])}, "finite"),
        ({"drive": np.array([[5e9]])}, "2 drive LOs"),
        ({"control": np.zeros((1, 3))}, "1 control LOs"),
        ({"drive": np.array([[5.0, 5.1]])}, "in Hz"),
    ],
)
def test_los_that_mean_nothing_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(SimulationError, match=f"`los` must.*{words}"):
        simulate(two_plays(), device(2), los=replace(default_los(device(2), 1), **changes))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"initial": {0: 0.5}}, "levels below"),
        ({"initial": "ground"}, "array of numbers"),
        ({"noise": True, "initial": np.triu(np.ones((3, 3))) / 3}, "Hermitian.*off by 0.333"),
        ({"noise": True, "initial": np.diag([1.5, -0.5, 0.0])}, "not negative.*-0.5"),
        ({"times": 5}, "`times`"),
        ({"threads": None}, "`threads`"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 1.5}, "`seed`"),
        ({"tolerance": "tight"}, "`tolerance`"),
        ({"memory_cap": -1}, "`memory_cap`"),
        ({"trajectories": 5}, "solver='trajectories'"),
        ({"solver": "jumps"}, "'trajectories'"),
        ({"extra": (np.eye(3),)}, "`extra` must hold ExtraTerms"),
        ({"extra": (ExtraTerm(np.eye(3), Channel("d", 0), np.nan),)}, "finite delays"),
        ({"clusters": [1]}, "`clusters`"),
        ({"clusters": [Cluster(np.arange(2), (0,), (3,), ())]}, "experiments 0 to 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        simulate(two_plays(), device(1), **settings)


@pytest.mark.parametrize("settings", [{"outputs": ("propagators",)}, {"extra": (ExtraTerm(np.diag([0.0, 0.0, 1e7])),)}])
def test_what_trajectories_cannot_give_is_refused(settings: dict) -> None:
    """Both were ignored."""
    with pytest.raises(SimulationError, match="must not ask trajectories"):
        simulate(two_plays(), device(1), solver="trajectories", trajectories=2, **settings)
