"""Refuse a method that cannot take what a job is, where that is cheap to see."""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

from ..device import Device
from ..program import Batch
from ..simulator import METHODS, plan_clusters
from ..simulator.evolve import check_method
from .settings import Settings

__all__ = ["check_method_of"]

LOOKED_AT = 16  # programs; each takes about a millisecond


def check_method_of(batch: Batch, device: Device, settings: Settings) -> None:
    """Refuse a job whose clusters its method cannot take.

    Clusters are planned for the longest program of every set of channels, of
    the first sets if there are many: what the others need shows when they run.

    Raises:
        SimulationError: with the qubits, and the methods that can.
    """
    if settings.method not in (*METHODS, "polynomial"):
        return
    longest: Dict[Tuple[object, ...], int] = {}
    _, first = np.unique(batch.program_of, return_index=True)
    for experiment in first.tolist():
        program = batch.programs[int(batch.program_of[experiment])]
        known = longest.get(program.channels)
        if known is None or program.duration > batch.programs[int(batch.program_of[known])].duration:
            longest[program.channels] = experiment
    chosen = batch.take(np.array(sorted(longest.values())[:LOOKED_AT], dtype=np.int64))
    for cluster in plan_clusters(
        chosen, device, spectator_bound=settings.spectator_bound, noise=settings.noise, memory_cap=settings.memory_cap
    ):
        model = cluster.model(device, chosen.los, noise=settings.noise)
        check_method(model, settings.method, settings.noise and model.noisy)
