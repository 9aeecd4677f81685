"""Make snippets that keep qiskit's own instructions, for qiskit Schedules.

Only times, channels and phases that follow a gate's parameters are read; the
instruction objects travel along and come out again.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import ParameterExpression
from qiskit.pulse import Acquire

from ..compiler.gate_table import Snippet
from ..errors import ProgramError
from ..program import Channel, EventTable, Op, ParameterTable, Program
from .expressions import split_expression
from .schedules import CHANNEL_KINDS, FRAME_OPS

__all__ = ["timed_snippet"]

_KINDS = {**CHANNEL_KINDS, "SnapshotChannel": "s"}


def timed_snippet(
    timed: Sequence[Tuple[int, Any]],
    duration: int,
    name: str,
    qubits: Tuple[int, ...],
    arguments: Optional[Mapping[Any, int]] = None,
    arity: int = 0,
    *,
    fixed: bool = False,
) -> Optional[Snippet]:
    """Return the snippet of timed instructions.

    Args:
        timed: (start, instruction) pairs.
        duration: of the whole, in samples.
        name: of the gate.
        qubits: of the gate.
        arguments: Parameters, and which of the gate's parameters they are.
        arity: how many parameters the gate has.
        fixed: keep the memory slots that the acquires name.

    Returns:
        None where something other than a phase or a frequency, or a phase
        that is not affine, depends on an argument.
    """
    order = arguments or {}
    rows: List[Tuple[int, int, int, int, float]] = []
    entries: List[Tuple[int, int, float]] = []
    channels: Dict[Channel, int] = {}
    for row, (t0, instruction) in enumerate(sorted(timed, key=_key)):
        op = FRAME_OPS.get(type(instruction), Op.ACQUIRE if isinstance(instruction, Acquire) else Op.DELAY)
        value = 0.0
        if order and _symbolic(instruction):
            if type(instruction) not in FRAME_OPS:
                return None
            split = split_expression(instruction.operands[0], order)
            if split.tree is not None:
                return None
            value = split.base
            entries.extend((row, k, c) for k, c in split.terms)
        channel = channels.setdefault(_channel(instruction.channel), len(channels))
        rows.append((t0, int(instruction.duration), int(op), channel, value))
    columns = list(zip(*rows)) if rows else [()] * 5
    events = EventTable(**{n: np.array(c) for n, c in zip(("t0", "duration", "op", "channel", "value"), columns)})
    names = tuple(f"P{k}" for k in range(arity))
    program = Program(events, tuple(channels), name=name, duration=duration, parameters=_table(names, entries))
    objects = tuple(i for _, i in sorted(timed, key=_key))
    return Snippet(program, name, qubits, fixed=fixed, objects=objects, signature=names)


def _key(pair: Tuple[int, Any]) -> Tuple[int, bool]:
    return pair[0], pair[1].duration > 0


def _symbolic(instruction: Any) -> bool:
    return any(isinstance(o, ParameterExpression) or getattr(o, "parameters", None) for o in _deep(instruction))


def _deep(instruction: Any) -> List[Any]:
    out: List[Any] = []
    for operand in instruction.operands:
        params = getattr(operand, "parameters", None)
        if isinstance(params, Mapping):
            out.extend(params.values())
        else:
            out.append(operand)
    return out


def _table(names: Tuple[str, ...], entries: List[Tuple[int, int, float]]) -> Optional[ParameterTable]:
    if not entries:
        return None
    row, parameter, coefficient = zip(*entries)
    column = np.zeros(len(row), np.uint8)
    return ParameterTable(names, np.array(row, np.int32), column, np.array(parameter, np.int32), np.array(coefficient))


def _channel(channel: Any) -> Channel:
    kind = _KINDS.get(type(channel).__name__)
    if kind is None or isinstance(channel.index, ParameterExpression):
        raise ProgramError(f"Instructions must be on channels with a kind and a number, but {channel} came.", code=8004)
    return Channel(kind, int(channel.index))
