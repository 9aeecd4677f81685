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
    over_time: np.ndarray  # float64[E, times, dim]
    over_time_error: np.ndarray  # float64[E, times, dim]
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
    times: Sequence[int],
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
        times: samples at which populations are averaged too, ascending.
        experiments: int64[E], what keys the random streams.
        cancel: looked at every 30 ms or so.
    """
    count = TRAJECTORIES if trajectories is None else int(trajectories)
    key = secrets.randbits(63) if seed is None else int(seed)
    mean = np.zeros((len(states), model.dim))
    square = np.zeros_like(mean)
    rho = np.zeros((len(states), model.dim, model.dim) if density else (0, 0, 0), dtype=complex)
    members = np.arange(count)
    over_time = np.zeros((2, len(states), len(times), model.dim))

    def one(tones: Sequence[Tone], lane: int, e: int, threads: int) -> None:
        cuts, at = np.unique(np.minimum(np.array(times, dtype=np.int64), stop[e]), return_inverse=True)
        sums = _Sums(count, len(cuts), model.dim)

        def seen(t: int, kets: np.ndarray, counts: np.ndarray) -> None:
            sums.add(int(np.searchsorted(cuts, t)), populations_of(model, kets, t, False, basis), counts)

        run = Trajectories(model, tones, lane, start=0, stop=int(stop[e]), rwa=rwa, cuts=cuts.tolist())
        which, x = int(experiments[e]), states[e]
        found = run(x, members, seed=key, experiment=which, threads=threads, cancel=cancel, seen=seen)
        over_time[:, e] = sums.mean()[:, at.reshape(-1)]
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
    late = over_time[0], _error(over_time[0], over_time[1], count)
    return Averages(mean, _error(mean, square, count), rho, *late, count, key)


def _error(mean: np.ndarray, square: np.ndarray, count: int) -> np.ndarray:
    """Return the standard error of means, given those of squares."""
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0) / max(1, count - 1)))


class _Sums:
    """Sums of populations and of their squares, of some trajectories at some times.

    They are of whole numbers, so that they do not depend on the order.
    """

    def __init__(self, trajectories: int, times: int, dim: int) -> None:
        self._count, self._unit = trajectories, 2.0 ** min(52, 61 - trajectories.bit_length())
        self._sums, self._lock = np.zeros((2, times, dim), dtype=np.int64), threading.Lock()

    def add(self, k: int, populations: np.ndarray, counts: np.ndarray) -> None:
        """Add populations float64[kets, dim] at a time, of so many trajectories each."""
        whole = [np.rint(p * self._unit).astype(np.int64) for p in (populations, populations**2)]
        with self._lock:
            for total, numbers in zip(self._sums[:, k], whole):
                total += counts @ numbers

    def mean(self) -> np.ndarray:
        """Return the means of both, float64[2, times, dim]."""
        return self._sums / (self._unit * self._count)
