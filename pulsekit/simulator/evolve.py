"""Evolve states of one cluster between two samples of its programs."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, Dict, Optional, Sequence, Set

import numpy as np

from ..errors import SimulationError
from ..program import Batch
from .checks import check_settings
from .fast import evolve_fast, fits_fast
from .idle import evolve_idle, idle_windows
from .lanes import LaneGroup, lane_groups
from .methods import LARGEST_DENSITY, METHODS, choose
from .model import Model
from .stack import Stack, stacks_of
from .tables import TooStrongError
from .threads import look, run_all
from .timeline import tones_of

__all__ = ["check_method", "evolve", "evolve_batch", "evolve_group"]


def evolve(
    model: Model,
    batch: Batch,
    states: np.ndarray,
    *,
    start: int = 0,
    stop: Optional[int] = None,
    solver: str = "schroedinger",
    method: str = "auto",
    rwa: bool = True,
    tolerance: float = 1e-6,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
    frozen: Sequence[int] = (),
) -> np.ndarray:
    """Evolve one state, or several, per experiment of a batch.

    States are in the dressed interaction frame, exp(i w_frame n t) on dressed
    laboratory states, at ``start`` when they come and at ``stop`` when they
    go. Virtual Z (phase shifts) acts on later pulses only; ``simulate`` adds
    the rest.

    Args:
        model: the cluster.
        batch: bound programs; one lane per experiment.
        states: complex128[experiments, dim] kets, or [experiments, dim, m]
            columns; with ``solver="lindblad"`` [experiments, dim, dim] density
            matrices.
        start, stop: samples; None: the longest program's end.
        solver: "schroedinger" or "lindblad".
        method: "auto" or a name of :data:`~pulsekit.simulator.methods.METHODS`.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        threads: plain threads over lanes; results do not depend on it.
        cancel: checked between pieces of work.
        frozen: device qubits held at their level (measured ones).

    Returns:
        Like ``states``.

    Raises:
        SimulationError: wrong shapes, non-finite input, unknown method.
        CancelledError: ``cancel`` was set.
    """
    check_settings(solver, method, tolerance)
    x, flat = _columns(model, batch, states, solver)
    end = max((p.duration for p in batch.programs), default=0) if stop is None else int(stop)
    if not 0 <= start <= end:
        raise SimulationError(f"Arguments `start` and `stop` must be 0 <= start <= stop, but {start} and {end} came.")
    if frozen:
        model = model.hold([model.qubits.index(q) for q in frozen if q in model.qubits])
    count = len(batch)
    x = evolve_batch(
        model,
        batch,
        x,
        start=np.full(count, start, dtype=np.int64),
        stop=np.full(count, end, dtype=np.int64),
        solver=solver,
        method=method,
        rwa=rwa,
        tolerance=tolerance,
        threads=threads,
        cancel=cancel,
    )
    return x[:, :, 0] if flat else x


def check_method(model: Model, method: str, density: bool) -> None:
    """Refuse a method that cannot take a model, in kets or in density matrices.

    Raises:
        SimulationError: with the qubits, and the methods that can.
    """
    if method == "polynomial" and not fits_fast(model, density):
        what = f"{model.dim} states{', a density matrix' if density else ''}"
        others = ["splitting", "reference"] if density and model.dim > LARGEST_DENSITY else sorted(METHODS)
        raise SimulationError(
            f"Argument `method` must be 'auto' or one of {others} for the cluster of qubits {list(model.qubits)} "
            f"({what}), but 'polynomial' came, which takes one or two transmons of up to 25 states in all (16 with T1 "
            "and T2), on lines late by whole samples. Use 'auto'."
        )
    if method in METHODS:
        choose(model, method, "lindblad" if density else "schroedinger", True, 1.0)


def evolve_batch(
    model: Model,
    batch: Batch,
    x: np.ndarray,
    *,
    start: np.ndarray,
    stop: np.ndarray,
    solver: str,
    method: str,
    rwa: bool,
    tolerance: float,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
    stacks: Optional[Sequence[Stack]] = None,
    used: Optional[Set[str]] = None,
) -> np.ndarray:
    """Evolve columns, each experiment from its start to its stop; see :func:`evolve`.

    Args: as of :func:`evolve`, but ``x`` is complex128[experiments, dim, m],
        ``start`` and ``stop`` are int64[experiments], and nothing is checked;
        ``stacks`` are those of the batch, where known; ``used`` gets the names
        of the methods that were taken.
    """
    density = solver == "lindblad"
    look(cancel)
    check_method(model, method, density)
    if method == "polynomial" or (method == "auto" and fits_fast(model, density)):
        flat = x.reshape(len(x), -1, 1) if density else x
        try:
            known = stacks_of(batch, model.dt) if stacks is None else stacks
            y = evolve_fast(
                model,
                known,
                flat,
                start=start,
                stop=stop,
                density=density,
                rwa=rwa,
                tolerance=tolerance,
                threads=threads,
                cancel=cancel,
            )
            if used is not None:
                used.add("polynomial")
            return y.reshape(x.shape)
        except TooStrongError:
            if method != "auto":
                raise
    out = np.empty(x.shape, dtype=np.complex128)
    if used is not None:
        used.add(choose(model, method, solver, rwa, tolerance))
    parts = []
    for group in lane_groups(batch):
        for a, b in sorted(set(zip(start[group.experiments].tolist(), stop[group.experiments].tolist()))):
            same = (start[group.experiments] == a) & (stop[group.experiments] == b)
            parts.append((group if same.all() else group.take(same), a, b))

    def run(part: LaneGroup, a: int, b: int) -> None:
        look(cancel)
        out[part.experiments] = evolve_group(
            model,
            part,
            x[part.experiments],
            start=a,
            stop=b,
            solver=solver,
            method=method,
            rwa=rwa,
            tolerance=tolerance,
            threads=threads if len(parts) < threads else 1,
            cancel=cancel,
        )

    run_all([partial(run, *part) for part in parts], threads if len(parts) >= threads else 1)
    return out


def evolve_group(
    model: Model,
    group: LaneGroup,
    states: np.ndarray,
    *,
    start: int,
    stop: int,
    solver: str,
    method: str,
    rwa: bool,
    tolerance: float,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve the lanes of one group; see :func:`evolve`, nothing is checked."""
    x = states[:, :, None] if states.ndim == 2 else states
    tones = tones_of(group.program, group.plays(model.dt), model)
    name = choose(model, method, solver, rwa, tolerance)
    more: Dict[str, Any] = {"cancel": cancel} if name == "reference" else {"threads": threads, "cancel": cancel}
    density = solver == "lindblad"
    windows = [(start, stop, False)]
    if name == "splitting":
        windows = idle_windows(model, tones, start, stop, density)
    for a, b, idle in windows:
        if idle:
            share = tolerance / 2 * (b - a) / (stop - start)
            x = evolve_idle(model, x, start=a, stop=b, density=density, tolerance=share, cancel=cancel)
        else:
            x = METHODS[name](model, tones, x, start=a, stop=b, solver=solver, rwa=rwa, tolerance=tolerance, **more)
    return x[:, :, 0] if states.ndim == 2 else x


def _columns(model: Model, batch: Batch, states: np.ndarray, solver: str) -> "tuple[np.ndarray, bool]":
    x = np.asarray(states)
    flat = x.ndim == 2
    shape = (len(batch), model.dim)
    wanted = f"{shape} or {shape + ('m',)}" if solver == "schroedinger" else f"{shape + (model.dim,)}"
    good = x.shape[:2] == shape and (x.ndim == 2 if flat else x.ndim == 3)
    if solver == "lindblad":
        good = x.shape == shape + (model.dim,)
    if not good:
        raise SimulationError(f"Argument `states` must have shape {wanted}, but {x.shape} came.")
    x = x.astype(np.complex128)
    if not np.isfinite(x).all():
        raise SimulationError("Argument `states` must be finite, but some entries are NaN or infinite.")
    return (x[:, :, None] if flat else x), flat
