"""Join programs that differ only in amplitudes, phases or frequencies.

A sweep written as one schedule per point then becomes one program with a
parameter per differing value, which the simulator evolves in one batch.
"""

from __future__ import annotations

from typing import Dict, Hashable, List, Tuple

import numpy as np

from ..program import Batch, ParameterTable, Program

__all__ = ["stack"]

_FIXED = ("t0", "duration", "op", "channel", "ref", "slot")
_VALUE, _ANGLE = 0, 1  # columns of ParameterTable


def stack(batch: Batch) -> Batch:
    """Return an equal batch with as few programs as possible.

    Batches that have parameters already come back as they are.
    """
    if batch.theta is not None or any(p.parameters is not None for p in batch.programs) or len(batch.programs) < 2:
        return batch
    classes: Dict[Hashable, List[int]] = {}
    for index, program in enumerate(batch.programs):
        classes.setdefault(_structure(program), []).append(index)
    if len(classes) == len(batch.programs):
        return batch
    programs: List[Program] = []
    new_of = np.zeros(len(batch.programs), np.int32)
    tables: List[np.ndarray] = []  # per class float64[members, parameters]
    for members in classes.values():
        new_of[members] = len(programs)
        program, values = _joined([batch.programs[i] for i in members])
        programs.append(program)
        tables.append(values)
    theta = np.zeros((len(batch), max(t.shape[1] for t in tables)))
    place = {i: (k, j) for k, members in enumerate(classes.values()) for j, i in enumerate(members)}
    for experiment, index in enumerate(np.asarray(batch.program_of).tolist()):
        k, j = place[index]
        theta[experiment, : tables[k].shape[1]] = tables[k][j]
    return Batch(tuple(programs), new_of[np.asarray(batch.program_of)], batch.los, theta, batch.headers)


def _structure(program: Program) -> Hashable:
    events = program.events
    return (
        *(getattr(events, column).tobytes() for column in _FIXED),
        program.channels,
        program.pulses,
        program.acquires,
        program.duration,
        program.memory_slots,
    )


def _joined(members: List[Program]) -> Tuple[Program, np.ndarray]:
    """Return one program for several of one structure, and each one's parameters."""
    first = members[0]
    value = np.stack([p.events.value for p in members])
    angle = np.stack([p.events.angle for p in members])
    rows_v = np.flatnonzero((value != value[0]).any(axis=0))
    rows_a = np.flatnonzero((angle != angle[0]).any(axis=0))
    count = rows_v.size + rows_a.size
    if not count:
        return first, np.zeros((len(members), 0))
    base_v, base_a = value[0].copy(), angle[0].copy()
    base_v[rows_v], base_a[rows_a] = 0.0, 0.0
    parameters = ParameterTable(
        names=tuple(f"s{k}" for k in range(count)),
        row=np.concatenate([rows_v, rows_a]).astype(np.int32),
        column=np.repeat([_VALUE, _ANGLE], [rows_v.size, rows_a.size]).astype(np.uint8),
        parameter=np.arange(count, dtype=np.int32),
        coefficient=np.ones(count),
    )
    program = first.replace(events=first.events.replace(value=base_v, angle=base_a), parameters=parameters)
    return program, np.concatenate([value[:, rows_v], angle[:, rows_a]], axis=1)
