"""Average quantum-jump trajectories, for ``simulate(solver="trajectories")``."""

from __future__ import annotations

import secrets
import threading
from functools import partial
from typing import NamedTuple, Optional, Sequence

import numpy as np

from ..program import Batch
from .initial import populations_of
from .lanes import lane_groups
from .model import Model
from .threads import run_all
from .timeline import Tone, tones_of
from .trajectories import Trajectories

__all__ = ["TRAJECTORIES", "Averages", "average"]

TRAJECTORIES = 1000


class Averages(NamedTuple):
    """Means over trajectories, per experiment."""

    populations: np.ndarray  # float64[E, dim]
    error: np.ndarray  # float64[E, dim], standard error of the mean
    states: np.ndarray  # complex128[E, dim, dim], the mean of |psi><psi|; empty when not asked for
    runs: int
    seed: int


def average(
    model: Model,
    batch: Batch,
    states: np.ndarray,
    stop: np.ndarray,
    *,
    basis: str,
    rwa: bool,
    trajectories: Optional[int],
    seed: Optional[int],
    threads: int,
    density: bool,
    experiments: np.ndarray,
    cancel: Optional[threading.Event] = None,
) -> Averages:
    """Run trajectories of every experiment from sample 0 and average them.

    Args:
        model: the cluster.
        batch: its experiments.
        states: complex128[E, dim], dressed interaction frame.
        stop: int64[E], samples.
        basis: "dressed" or "bare".
        rwa: drop counter-rotating terms.
        trajectories: how many per experiment; None: 1000.
        seed: of the random streams; None: drawn.
        threads: plain threads.
        density: whether to average the states too.
        experiments: int64[E], what keys the random streams.
        cancel: looked at every 30 ms or so.
    """
    count = TRAJECTORIES if trajectories is None else int(trajectories)
    key = secrets.randbits(63) if seed is None else int(seed)
    mean = np.zeros((len(states), model.dim))
    square = np.zeros_like(mean)
    rho = np.zeros((len(states), model.dim, model.dim) if density else (0, 0, 0), dtype=complex)
    members = np.arange(count)

    def one(tones: Sequence[Tone], lane: int, e: int, threads: int) -> None:
        run = Trajectories(model, tones, lane, start=0, stop=int(stop[e]), rwa=rwa)
        found = run(states[e], members, seed=key, experiment=int(experiments[e]), threads=threads, cancel=cancel)
        kets, weight = found.states, found.counts / count
        p = populations_of(model, kets, int(stop[e]), False, basis)
        mean[e] = weight @ p
        square[e] = weight @ p**2
        if density:
            rho[e] = (kets.T * weight) @ kets.conj()

    each = []
    for group in lane_groups(batch):
        tones = tones_of(group.program, group.plays(model.dt), model)
        each += [partial(one, tones, lane, e) for lane, e in enumerate(group.experiments.tolist())]
    apart = len(each) - len(each) % threads  # a thread each, the others one after another
    run_all([partial(job, 1) for job in each[:apart]], threads)
    for job in each[apart:]:
        job(threads)
    error = np.sqrt(np.maximum(square - mean**2, 0.0) / max(1, count - 1))
    return Averages(mean, error, rho, count, key)
