"""Differentiate fidelities and expectations by the adjoint method.

The propagator is a product of exponentials that are linear in the samples
(:mod:`.exponents`); a forward and a backward sweep (:mod:`.adjoint`) give the
exact gradient of that product by every sample, carrier and final phase. Pulse
parameters follow by the chain rule, what they do to the samples
differentiated by central differences (which cost no evolution).
"""

from __future__ import annotations

from typing import Callable, Optional, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Channel, LoTable, Op, Program, resolve_frames
from .adjoint import Slopes, sweep_channel, sweep_propagator
from .exponents import Signals, exponents_of
from .model import Model
from .objectives import AverageFidelity, Linear, Objective, average_fidelity, expectation
from .timeline import tones_of

__all__ = [
    "AverageFidelity",
    "Linear",
    "Objective",
    "Signals",
    "Slopes",
    "average_fidelity",
    "expectation",
    "gradient",
    "sample_gradient",
    "signals_of",
]


def signals_of(program: Program, model: Model, los: LoTable) -> Signals:
    """Return the signals of a bound program.

    Args:
        program: bound; up to its end or first acquire.
        model: the cluster.
        los: one row.

    Raises:
        SimulationError: a program with parameters, a line whose delay is not a
            whole number of samples, a model with extra terms, more than one
            row of LOs.
    """
    if program.parameters is not None and program.parameters.names:
        raise SimulationError(
            f"Argument `program` must have every parameter bound, but {list(program.parameters.names)} "
            "have no values here. Use `program.bind`."
        )
    if model.extra:
        raise SimulationError("Argument `model` must have no extra terms for gradients, but it has some.")
    if len(los) != 1:
        raise SimulationError(f"Argument `los` must have one row, but {len(los)} came. Use `los.take([k])`.")
    plays = resolve_frames(program, los, model.dt)
    acquires = program.events.t0[program.rows(Op.ACQUIRE)]
    z = np.zeros((len(model.lines), int(acquires.min(initial=program.duration))), dtype=complex)
    w, playing = np.zeros(z.shape), np.zeros(z.shape, dtype=bool)
    for tone in tones_of(program, plays, model):
        first = tone.start_s / model.dt
        if abs(first - round(first)) > 1e-6:
            line = model.lines[tone.line]
            raise SimulationError(
                f"{line.channel}: delays must be whole samples for gradients, but {line.delay_s / model.dt:g} samples "
                "came. Round `delay_s`."
            )
        part = slice(round(first), round(first) + len(tone.samples))
        z[tone.line, part] += tone.amplitude[0] * tone.samples[: z[tone.line, part].size]
        w[tone.line, part], playing[tone.line, part] = tone.w[0], True
    final = np.zeros(model.n)
    for local, qubit in enumerate(model.qubits):
        play = plays.get(Channel("d", qubit))
        final[local] = 0.0 if play is None else play.final_phase[0]
    return Signals(z, w, playing, final)


def sample_gradient(
    model: Model, signals: Signals, objective: Objective, *, rwa: bool = True, tolerance: float = 1e-6
) -> Slopes:
    """Return an objective and its derivatives by samples, carriers and phases.

    Args:
        model: the cluster; with T1 and T2 at most 27 states.
        signals: from :func:`signals_of`.
        objective: of the propagator (dressed interaction frame, virtual Z
            included); with T1 and T2 one that is linear in the channel, as
            :func:`average_fidelity` and :func:`expectation` are.
        rwa: drop counter-rotating terms.
        tolerance: error of the propagator where carriers differ; its
            derivatives are those of what is computed.

    Returns:
        The value and its derivatives, zero where nothing plays; without T1 and
        T2 the propagator, too.

    Raises:
        SimulationError: an objective or a model that does not suit.
    """
    if not tolerance > 0:
        raise SimulationError(f"Argument `tolerance` must be positive, but {tolerance} came.")
    exponents = exponents_of(model, signals, rwa=rwa, tolerance=tolerance)
    return (sweep_channel if model.noisy else sweep_propagator)(exponents, objective)


def gradient(
    build: Callable[[np.ndarray], Program],
    parameters: np.ndarray,
    model: Model,
    los: LoTable,
    objective: Objective,
    *,
    steps: Optional[np.ndarray] = None,
    rwa: bool = True,
    tolerance: float = 1e-6,
) -> Tuple[float, np.ndarray]:
    """Return an objective and its gradient by pulse parameters.

    Args:
        build: parameters -> program; all programs have one length.
        parameters: float64[p]: of amplitudes, angles, shapes, phases and
            frequencies, but not of lengths and times; best of order 1.
        model, los, objective, rwa, tolerance: see :func:`sample_gradient`.
        steps: float64[p], of the central differences of the samples; None:
            1e-6 of each parameter or of 1.

    Returns:
        The value and float64[p].

    Raises:
        SimulationError: programs of different lengths.
    """
    at = np.asarray(parameters, dtype=np.float64)
    h = 1e-6 * np.maximum(np.abs(at), 1.0) if steps is None else np.asarray(steps, dtype=np.float64)
    here = signals_of(build(at), model, los)
    found = sample_gradient(model, here, objective, rwa=rwa, tolerance=tolerance)
    out = np.zeros(at.size)
    for k in range(at.size):
        shift = np.zeros(at.size)
        shift[k] = h[k]
        more, less = (signals_of(build(at + s), model, los) for s in (shift, -shift))
        if not (np.array_equal(more.plays, here.plays) and np.array_equal(less.plays, here.plays)):
            raise SimulationError("Argument `build` must return programs that play at the same times, but they do not.")
        out[k] = np.vdot(found.gamma, more.z - less.z).real + np.sum(found.by_w * (more.w - less.w))
        out[k] += found.by_phase @ (more.final - less.final)
    return found.value, out / (2 * h)
