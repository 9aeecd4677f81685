"""Turn calibration programs into propagators, many lanes at once."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from ..device import Device
from ..errors import CalibrationError
from ..program import Batch, Channel, EventTable, Op, ParameterTable, Program
from ..simulator import Model, evolve
from ..simulator.los import default_los
from .mirror import virtual_z

__all__ = ["bind", "pending_phases", "propagators", "unitaries"]

TOLERANCE = 1e-8  # of a population, per propagator
FEW = 4  # experiments: less than half of a block of lanes


def bind(program: Program, values: Sequence[float]) -> Program:
    """Return a calibration's program with its parameters bound.

    Args:
        program: affine in its parameters.
        values: one per parameter, in the table's order (rad for angles).

    Raises:
        CalibrationError: a wrong number of values, or a program that is not affine.
    """
    table = program.parameters
    names: Tuple[str, ...] = () if table is None else table.names
    if len(values) != len(names):
        raise CalibrationError(
            f"Argument `parameters` must hold {len(names)} values {list(names)}, but {len(values)} came."
        )
    if table is None:
        return program
    return program.replace(events=_bound_events(program, table, np.asarray(values, dtype=float)), parameters=None)


def _bound_events(program: Program, table: ParameterTable, theta: np.ndarray) -> EventTable:
    if table.expressions or (table.column > 1).any():
        raise CalibrationError(f"Calibration {program.name!r} must be affine in its parameters, but it is not.")
    columns = [np.array(program.events.value), np.array(program.events.angle)]
    for row, column, parameter, coefficient in zip(table.row, table.column, table.parameter, table.coefficient):
        columns[column][row] += coefficient * theta[parameter]
    return program.events.replace(value=columns[0], angle=columns[1])


def pending_phases(program: Program, qubits: Sequence[int]) -> np.ndarray:
    """Return the sum of phase shifts of each qubit's drive channel, float64[qubits], rad."""
    events = program.events
    out = np.zeros(len(qubits))
    for k, qubit in enumerate(qubits):
        rows = np.flatnonzero(events.channel == program.channel_id(Channel("d", qubit)))
        for row in rows[np.isin(events.op[rows], (Op.SHIFT_PHASE, Op.SET_PHASE))]:
            out[k] = events.value[row] + (out[k] if events.op[row] == Op.SHIFT_PHASE else 0.0)
    return out


def propagators(
    device: Device, model: Model, programs: Sequence[Program], *, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Return the closed-system propagators of programs of one length.

    Args:
        device: gives the LO frequencies.
        model: the cluster.
        programs: bound, all of one duration.
        tolerance: bound on the error of a final population.

    Returns:
        complex128[programs, dim, dim], dressed interaction frame at the
        qubits' LOs, virtual Z included, physical (not mirrored).
    """
    count = len(programs)
    batch = Batch(tuple(programs), np.arange(count, dtype=np.int32), default_los(device, count))
    phases = np.array([pending_phases(p, model.qubits) for p in programs])
    stop = max(p.duration for p in programs)
    physical = unitaries(model, batch, start=0, stop=stop, tolerance=tolerance)
    return virtual_z(model.levels, phases)[:, :, None] * physical


def unitaries(model: Model, batch: Batch, *, start: int, stop: int, tolerance: float) -> np.ndarray:
    """Return the propagators of a stretch of every experiment, closed system.

    Where there are few experiments, every column is a lane of its own: the
    kernels take eight lanes at the cost of one.

    Args:
        model: the cluster.
        batch: of bound programs.
        start, stop: samples.
        tolerance: bound on the error of a final population.

    Returns:
        complex128[experiments, dim, dim], dressed interaction frame.
    """
    count, dim = len(batch), model.dim
    eye = np.eye(dim, dtype=np.complex128)
    if stop == start:
        return np.broadcast_to(eye, (count, dim, dim)).copy()
    if count > FEW:
        states = np.broadcast_to(eye, (count, dim, dim)).copy()
        return evolve(model, batch, states, start=start, stop=stop, solver="schroedinger", tolerance=tolerance)
    lanes = batch.take(np.repeat(np.arange(count), dim))
    states = np.tile(eye, (count, 1))
    kets = evolve(model, lanes, states, start=start, stop=stop, solver="schroedinger", tolerance=tolerance)
    return np.swapaxes(kets.reshape(count, dim, dim), 1, 2)
