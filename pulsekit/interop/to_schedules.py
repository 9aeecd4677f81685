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

from ..compiler.passes.lowering import Lowered
from ..errors import CompilerError
from ..program import Channel, Op
from .timing import FRAMES

__all__ = ["build_schedule", "qiskit_channel", "schedules_of"]

_CHANNELS = {"d": DriveChannel, "u": ControlChannel, "m": MeasureChannel, "a": AcquireChannel}
_CLASS_OF = {int(op): cls for cls, op in FRAMES.items()}
DECIMALS = 10  # terra rounds the values of assigned parameters to this


def qiskit_channel(channel: Channel) -> QiskitChannel:
    """Return qiskit's channel object."""
    return SnapshotChannel() if channel.kind == "s" else _CHANNELS[channel.kind](channel.index)


def schedules_of(
    low: Lowered, names: List[str], metadata: List[Mapping[str, Any]], totals: np.ndarray
) -> List[Schedule]:
    """Return one Schedule per circuit of lowered rows that carry qiskit's instructions."""
    objects = _objects(low)
    channels = [qiskit_channel(c) for c in low.pool.channels]
    t0, end = low.events.t0.tolist(), (low.events.t0 + low.events.duration).tolist()
    channel, op = low.events.channel.tolist(), low.events.op
    acquires = (op == Op.ACQUIRE).tolist() if (op == Op.ACQUIRE).any() else None
    symbolic = _symbolic_rows(low, objects)
    bounds = low.ptr.tolist()
    out = []
    for c, (lo, hi) in enumerate(zip(bounds[:-1], bounds[1:])):
        part = slice(lo, hi)
        slots = _timeslots(channels, t0[part], end[part], channel[part])
        own = objects[part]
        if acquires is not None and any(acquires[part]):
            _memory_timeslots(slots, t0[part], end[part], own, acquires[part])
        out.append(
            build_schedule(
                names[c],
                metadata[c],
                int(totals[c]),
                list(zip(t0[part], own)),
                slots,
                [i for i, s in zip(own, symbolic[part]) if s] if symbolic else (),
            )
        )
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


def _timeslots(
    channels: List[Any], t0: List[int], end: List[int], channel: List[int]
) -> Dict[Any, List[Tuple[int, int]]]:
    by: Dict[int, List[Tuple[int, int]]] = {}
    for c, interval in zip(channel, zip(t0, end)):
        if c in by:
            by[c].append(interval)
        else:
            by[c] = [interval]
    return {channels[c]: intervals for c, intervals in by.items()}


def _memory_timeslots(
    slots: Dict[Any, Any], t0: List[int], end: List[int], objects: List[Any], acquires: List[bool]
) -> None:
    for start, stop, instruction, acquire in zip(t0, end, objects, acquires):
        if not acquire:
            continue
        for extra in instruction.channels[1:]:
            taken = slots.setdefault(extra, [])
            if taken and start < taken[-1][1]:
                raise CompilerError(
                    f"{instruction.channel.name}@{start}..{stop}: a classical slot must hold one result at a time, but "
                    f"{extra.name} of {instruction.channel.name} is still written then.",
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
    values = np.round(low.events.value[rows], DECIMALS)
    whole = values == np.rint(values)
    plain: List[Any] = values.tolist()
    for k in np.flatnonzero(whole).tolist():
        plain[k] = int(plain[k])
    known: Dict[Any, Any] = {}
    out = []
    for key in zip(low.pool_row[rows].tolist(), plain):
        made = known.get(key)
        if made is None:
            model = low.pool.objects[key[0]]
            made = known[key] = type(model)(key[1], model.operands[1], model.name)
        out.append(made)
    return _array(out)


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
