"""Build qiskit Schedules from lowered rows, without inserting one by one."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
from qiskit.pulse import (
    Acquire,
    AcquireChannel,
    ControlChannel,
    Delay,
    DriveChannel,
    MeasureChannel,
    MemorySlot,
    Schedule,
)
from qiskit.pulse.channels import Channel as QiskitChannel
from qiskit.pulse.channels import SnapshotChannel
from qiskit.pulse.parameter_manager import ParameterManager

from ..compiler.gate_table import Lowered
from ..errors import CompilerError
from ..program import Channel, Op
from .collection import no_collection
from .expressions import DECIMALS

__all__ = ["build_schedule", "qiskit_channel", "schedules_of"]

_CHANNELS = {"d": DriveChannel, "u": ControlChannel, "m": MeasureChannel, "a": AcquireChannel}


def qiskit_channel(channel: Channel) -> QiskitChannel:
    """Return qiskit's channel object."""
    return SnapshotChannel() if channel.kind == "s" else _CHANNELS[channel.kind](channel.index)


def schedules_of(
    low: Lowered, names: List[str], metadata: List[Mapping[str, Any]], totals: np.ndarray
) -> List[Schedule]:
    """Return one Schedule per circuit of lowered rows that carry qiskit's instructions."""
    with no_collection():
        return _schedules(low, names, metadata, totals)


def _schedules(low: Lowered, names: List[str], metadata: List[Mapping[str, Any]], totals: np.ndarray) -> List[Schedule]:
    objects = _objects(low)
    symbolic = _symbolic_rows(low, objects)
    children = list(zip(low.events.t0.tolist(), objects))
    slots = _timeslots(low)
    _memory_timeslots(low, objects, slots)
    bounds = low.ptr.tolist()
    out = []
    for c, (lo, hi) in enumerate(zip(bounds[:-1], bounds[1:])):
        unbound = [i for i, s in zip(objects[lo:hi], symbolic[lo:hi]) if s] if symbolic else ()
        out.append(build_schedule(names[c], metadata[c], int(totals[c]), children[lo:hi], slots[c], unbound))
    return out


def build_schedule(
    name: str,
    metadata: Optional[Mapping[str, Any]],
    duration: int,
    children: List[Any],
    slots: Dict[Any, Any],
    symbolic: Any,
) -> Schedule:
    """Return a Schedule made of its parts.

    Args:
        name: its name.
        metadata: copied.
        duration: samples.
        children: (start, instruction) pairs.
        slots: channel -> sorted (start, stop) pairs.
        symbolic: the instructions that have unassigned parameters.
    """
    schedule = Schedule.__new__(Schedule)
    schedule._name = name
    schedule._parameter_manager = ParameterManager()
    schedule._metadata = dict(metadata) if metadata else {}
    schedule._duration = duration
    schedule._timeslots = slots
    schedule._children = children
    for instruction in symbolic:
        schedule._parameter_manager.update_parameter_table(instruction)
    return schedule


def _timeslots(low: Lowered) -> List[Dict[Any, List[Tuple[int, int]]]]:
    """Return for every circuit: channel -> (start, stop) pairs in order of time."""
    events = low.events
    channels = [qiskit_channel(c) for c in low.pool.channels]
    circuit = np.repeat(np.arange(len(low.ptr) - 1, dtype=np.int64), np.diff(low.ptr))
    key = circuit * (len(channels) or 1) + events.channel
    order = np.argsort(key, kind="stable")
    t0 = events.t0[order]
    pairs = list(zip(t0.tolist(), (t0 + events.duration[order]).tolist()))
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1)) if key.size else np.zeros(0, np.int64)
    out: List[Dict[Any, List[Tuple[int, int]]]] = [{} for _ in range(len(low.ptr) - 1)]
    stops = np.append(starts[1:], len(pairs)).tolist()
    for k, lo, hi in zip(key[starts].tolist(), starts.tolist(), stops):
        c, channel = divmod(k, len(channels))
        out[c][channels[channel]] = pairs[lo:hi]
    return out


def _memory_timeslots(low: Lowered, objects: List[Any], slots: List[Dict[Any, Any]]) -> None:
    """Add the intervals of memory and register slots."""
    events = low.events
    rows = np.flatnonzero(events.op == Op.ACQUIRE)
    circuit = np.searchsorted(low.ptr, rows, side="right") - 1
    starts = events.t0[rows]
    stops = starts + events.duration[rows]
    for c, row, start, stop in zip(circuit.tolist(), rows.tolist(), starts.tolist(), stops.tolist()):
        instruction = objects[row]
        for extra in instruction.channels[1:]:
            taken = slots[c].setdefault(extra, [])
            if taken and start < taken[-1][1]:
                raise CompilerError(
                    f"circuit {c}: {instruction.channel.name}@{start}..{stop}: a classical slot must hold one result "
                    f"at a time, but {extra.name} is still written then.",
                    code=8001,
                )
            taken.append((start, stop))


def _objects(low: Lowered) -> List[Any]:
    """Return every row's instruction, with gates' parameters, slots and delays put in."""
    pool, events = low.pool, low.events
    rows = pool.objects[low.pool_row]
    parametric = low.parametric
    if parametric.size:
        rows[parametric] = _frames(low, parametric)
    acquires = np.flatnonzero(pool.from_clbit[low.pool_row])
    if acquires.size:
        rows[acquires] = _acquires(rows[acquires].tolist(), events.slot[acquires].tolist())
    delays = np.flatnonzero(pool.stretch[low.pool_row])
    if delays.size:
        known: Dict[Any, Any] = {}
        made = []
        for key in zip(events.duration[delays].tolist(), events.channel[delays].tolist()):
            if key not in known:
                known[key] = Delay(key[0], qiskit_channel(pool.channels[key[1]]))
            made.append(known[key])
        rows[delays] = _array(made)
    return rows.tolist()


def _array(items: List[Any]) -> np.ndarray:
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out


def _frames(low: Lowered, rows: np.ndarray) -> np.ndarray:
    """Return the phase and frequency instructions of rows, one object per distinct value."""
    values, value = np.unique(np.round(low.events.value[rows], DECIMALS), return_inverse=True)
    models = low.pool.objects
    keys, key = np.unique(value * len(models) + low.pool_row[rows], return_inverse=True)
    made = []
    for number, row in zip(*(part.tolist() for part in np.divmod(keys, len(models)))):
        model, operand = models[row], float(values[number])
        made.append(type(model)(int(operand) if operand.is_integer() else operand, model.operands[1], model.name))
    return _array(made)[key]


def _acquires(models: List[Any], slots: List[int]) -> np.ndarray:
    known: Dict[Any, Any] = {}
    out = []
    for model, slot in zip(models, slots):
        key = (model.duration, model.channel, slot)
        if key not in known:
            known[key] = Acquire(model.duration, model.channel, mem_slot=MemorySlot(slot))
        out.append(known[key])
    return _array(out)


def _symbolic_rows(low: Lowered, objects: List[Any]) -> List[bool]:
    """Mark rows with unassigned parameters; exchange their instructions for copies.

    Assigning parameters changes instructions in place, so no two schedules may
    share one that has any.
    """
    models = np.array([_has_parameters(o) for o in low.pool.objects.tolist()], dtype=bool)
    if not models.any():
        return []
    mask = models[low.pool_row]
    mask[low.parametric] = False
    for row in np.flatnonzero(mask).tolist():
        objects[row] = copy.copy(objects[row])
    return mask.tolist()


def _has_parameters(instruction: Any) -> bool:
    return instruction is not None and instruction.is_parameterized()
