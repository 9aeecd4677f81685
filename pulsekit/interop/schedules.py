"""Read qiskit schedules into programs, many at a time."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import ParameterExpression
from qiskit.pulse import instructions as pi
from qiskit.pulse.library import SymbolicPulse, Waveform

from ..compiler.gate_table import Snippet
from ..errors import ProgramError
from ..program import SHAPES, AcquireSpec, Channel, EventTable, Op, ParameterTable, Program, Pulse
from .blocks import UnboundShape
from .collection import no_collection
from .expressions import split_expression
from .flatten import flatten, name_of

__all__ = ["CHANNEL_KINDS", "FRAME_OPS", "ScheduleReader", "UnboundShape", "read_schedules", "snippet_from_schedule"]

SHAPE_NAMES = {
    "Constant": "constant",
    "Gaussian": "gaussian",
    "Drag": "drag",
    "GaussianSquare": "gaussian_square",
    "GaussianSquareDrag": "gaussian_square_drag",
    "gaussian_square_echo": "gaussian_square_echo",
    "GaussianDeriv": "gaussian_deriv",
    "Sin": "sin",
    "Cos": "cos",
    "Sawtooth": "sawtooth",
    "Triangle": "triangle",
    "Square": "square",
    "Sech": "sech",
    "SechDeriv": "sech_deriv",
}
FRAME_OPS = {
    pi.ShiftPhase: Op.SHIFT_PHASE,
    pi.SetPhase: Op.SET_PHASE,
    pi.ShiftFrequency: Op.SHIFT_FREQUENCY,
    pi.SetFrequency: Op.SET_FREQUENCY,
}
CHANNEL_KINDS = {"DriveChannel": "d", "ControlChannel": "u", "MeasureChannel": "m", "AcquireChannel": "a"}


COLUMN_ORDER = ("t0", "duration", "op", "channel", "ref", "value", "angle", "slot", "label")  # of a reader's rows
Reader = Callable[[Any, Any, Any], Tuple[Any, ...]]  # called with (reader, start, instruction)

_SCALABLE = {  # terra's name: parameters that make the shape, beside amp and angle
    name: SHAPES[shape].parameters
    for name, shape in SHAPE_NAMES.items()
    if SHAPES[shape].scalable and shape != "gaussian_square_echo"
}


class ScheduleReader:
    """Collects rows of many schedules that share channels and pulses.

    Args:
        order: numbers of the parameters that may stay unbound.
    """

    def __init__(self, order: Optional[Mapping[Any, int]] = None) -> None:
        self.order = order or {}
        self.channels: Dict[Channel, int] = {}
        self.pulses: Dict[Pulse, int] = {}
        self.acquires: Dict[AcquireSpec, int] = {}
        self.labels: Dict[str, int] = {}
        self.rows: List[Tuple[Any, ...]] = []
        self.bounds: List[int] = [0]
        self.entries: List[Tuple[int, int, int, float]] = []  # (row, column, parameter, coefficient)
        self.trees: List[Tuple[int, int, Any]] = []
        self.objects: List[Any] = []
        self._channel_of: Dict[Tuple[type, Any], int] = {}  # type and index of a qiskit channel -> number
        self._shape_of: Dict[Tuple[Any, ...], int] = {}  # type, duration, limit and shape of a pulse -> number
        self._pulse_of: Dict[int, Tuple[int, Any, Any, int]] = {}
        self._alive: List[Any] = []  # keeps objects whose id is a key
        self._label_of: Dict[Optional[str], int] = {None: -1}

    def add(self, timed: Sequence[Tuple[int, Any]]) -> None:
        """Append the instructions of one schedule."""
        rows, readers = self.rows, self.readers
        append, keep = rows.append, self.objects.append
        for t0, instruction in timed:
            read = readers.get(type(instruction)) or self._reader_of(instruction)
            append(read(self, t0, instruction))
            keep(instruction)
        self.bounds.append(len(rows))

    def _label(self, name: Optional[str]) -> int:
        label = self._label_of.get(name)
        if label is None:
            label = self._label_of[name] = self.labels.setdefault(str(name), len(self.labels))
        return label

    def _channel(self, channel: Any) -> int:
        key = (type(channel), channel._index)
        number = self._channel_of.get(key)
        if number is None:
            kind = CHANNEL_KINDS.get(type(channel).__name__)
            if kind is None:
                raise ProgramError(
                    f"Instructions must be on drive, control, measure or acquire channels, but {channel} came.",
                    code=8004,
                )
            if isinstance(channel.index, ParameterExpression):
                raise ProgramError(f"The index of a channel must be a number, but {channel} came. Assign it first.")
            number = self.channels.setdefault(Channel(kind, int(channel.index)), len(self.channels))
            self._channel_of[key] = number
        return number

    def length(self, duration: Any) -> int:
        """Return a duration in samples."""
        return int(duration)

    def _number(self, value: Any, column: int) -> float:
        """Return a value, or its constant part with the rest noted down."""
        if type(value) is float:
            return value
        if isinstance(value, ParameterExpression) and value.parameters:
            if not all(p in self.order for p in value.parameters):
                raise ProgramError(
                    f"Parameters must be assigned before a schedule is used, but {value} has an unassigned parameter.",
                )
            split = split_expression(value, self.order)
            row = len(self.rows)
            self.entries.extend((row, column, k, c) for k, c in split.terms)
            if split.tree is not None:
                self.trees.append((row, column, split.tree))
            return split.base
        number = complex(value)
        if number.imag or number.real != number.real:
            raise ProgramError(f"Phases, frequencies and amplitudes must be real, finite numbers, but {value} came.")
        return number.real

    def _play(self, t0: int, instruction: Any) -> Tuple[Any, ...]:
        pulse, channel = instruction.operands
        known = self._pulse_of.get(id(pulse))
        if known is None:
            known = self._pulse_of[id(pulse)] = self._pulse(pulse)
            self._alive.append(pulse)
        number, amp, angle, duration = known
        index = self._channel_of.get((type(channel), channel._index))
        label = self._label_of.get(instruction._name)
        return (
            t0,
            duration,
            0,
            self._channel(channel) if index is None else index,
            number,
            amp if type(amp) is float else self._number(amp, 0),
            angle if type(angle) is float else self._number(angle, 1),
            -1,
            self._label(instruction._name) if label is None else label,
        )

    def _pulse(self, pulse: Any) -> Tuple[int, Any, Any, int]:
        """Return (number of the shape, amplitude, angle, duration) of a pulse."""
        key = None
        names = _SCALABLE.get(str(getattr(pulse, "pulse_type", "")))
        if names is not None:
            values = pulse._params
            key = (pulse.pulse_type, pulse.duration, pulse._limit_amplitude, *[values.get(name) for name in names])
            number = self._shape_of.get(key)
            amp = values.get("amp", 1.0)
            if number is not None and type(amp) is not complex:
                return number, amp, values.get("angle", 0.0), pulse.duration
        shape, amp, angle = convert_pulse(pulse)
        number = self.pulses.setdefault(shape, len(self.pulses))
        if key is not None:
            self._shape_of[key] = number
        return number, amp, angle, shape.duration

    def _frame(self, t0: int, instruction: Any) -> Tuple[Any, ...]:
        value, channel = instruction.operands
        op = int(FRAME_OPS[type(instruction)])
        number = self._number(value, 0)
        return (t0, 0, op, self._channel(channel), -1, number, 0.0, -1, self._label(instruction._name))

    def _delay(self, t0: int, instruction: Any) -> Tuple[Any, ...]:
        duration, channel = instruction.operands
        return (t0, self.length(duration), 1, self._channel(channel), -1, 0.0, 0.0, -1, self._label(instruction._name))

    def _acquire(self, t0: int, instruction: Any) -> Tuple[Any, ...]:
        memory, register = instruction.mem_slot, instruction.reg_slot
        spec = AcquireSpec(
            kernel=_settings(instruction.kernel),
            discriminator=_settings(instruction.discriminator),
            register=-1 if register is None else int(register.index),
        )
        ref = self.acquires.setdefault(spec, len(self.acquires))
        slot = -1 if memory is None else int(memory.index)
        channel = self._channel(instruction.channel)
        label = self._label(instruction._name)
        return (t0, self.length(instruction.duration), int(Op.ACQUIRE), channel, ref, 0.0, 0.0, slot, label)

    def _reader_of(self, instruction: Any) -> Reader:
        for base in type(instruction).__mro__:
            if base in self.readers:
                return self.readers[base]
        raise ProgramError(
            f"Pulse instructions must be among {sorted(c.__name__ for c in self.readers)}, "
            f"but {type(instruction).__name__} came.",
            code=8011,
        )

    readers: ClassVar[Dict[type, Reader]] = {
        pi.Play: _play,
        pi.Delay: _delay,
        pi.Acquire: _acquire,
        **dict.fromkeys(FRAME_OPS, _frame),
    }

    def table(self) -> EventTable:
        """Return the rows of all schedules, each schedule's sorted by time.

        At one time, rows of no length come first.
        """
        columns = list(zip(*self.rows)) if self.rows else [()] * len(COLUMN_ORDER)
        table = EventTable(**{n: np.array(c) for n, c in zip(COLUMN_ORDER, columns)}) if self.rows else EventTable()
        schedule = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))
        self.sorting = np.lexsort((table.duration > 0, table.t0, schedule))
        return table.take(self.sorting)

    def tables(self) -> Program:
        """Return an empty program with everything that the rows refer to."""
        return Program(
            events=EventTable(),
            channels=tuple(self.channels),
            pulses=tuple(self.pulses),
            acquires=tuple(self.acquires),
            labels=tuple(self.labels),
        )

    def programs(self) -> List[Program]:
        """Return one program per schedule, rows sorted as in :meth:`table`."""
        events, tables = self.table(), self.tables()
        stops, slots = events.t0 + events.duration, events.slot
        out = []
        for part, lo, hi in zip(events.split(self.bounds), self.bounds[:-1], self.bounds[1:]):
            out.append(
                tables.replace(
                    events=part,
                    duration=int(stops[lo:hi].max(initial=0)),
                    memory_slots=int(slots[lo:hi].max(initial=-1)) + 1,
                )
            )
        return out


def _settings(thing: Any) -> Any:
    if thing is None:
        return None
    return (thing.name, tuple(sorted((thing.params or {}).items())))


def convert_pulse(pulse: Any) -> Tuple[Pulse, Any, Any]:
    """Return (envelope, amplitude, angle); the last two may be expressions.

    Raises:
        ProgramError: a shape parameter or the duration is not bound.
    """
    limit = bool(pulse._limit_amplitude)  # of this pulse; its class only says what a new pulse gets
    if isinstance(pulse, Waveform):
        return Pulse.from_samples(pulse.samples, limit_amplitude=limit, name=pulse.name, origin=pulse), 1.0, 0.0
    if isinstance(pulse.duration, ParameterExpression):
        raise UnboundShape(f"The duration of a pulse must be a number, but {pulse} came. Assign its parameters first.")
    params = dict(pulse.parameters)
    shape = SHAPE_NAMES.get(pulse.pulse_type) if isinstance(pulse, SymbolicPulse) else None
    if shape is None or not set(SHAPES[shape].parameters) <= set(params):
        return _sampled(pulse, params, limit)
    scale: Tuple[Any, Any] = (1.0, 0.0)
    if SHAPES[shape].scalable:
        scale = (params.get("amp", 1.0), params.get("angle", 0.0))
        if isinstance(scale[0], complex):
            scale = (abs(scale[0]), float(np.angle(scale[0])) + scale[1])
    own = {k: params[k] for k in SHAPES[shape].parameters}
    for key, value in own.items():
        if isinstance(value, ParameterExpression) and value.parameters:
            raise UnboundShape(f"Parameter {key!r} of a pulse must be a number, but {value} came. Assign it first.")
    items = tuple(sorted((k, float(v)) for k, v in own.items()))
    return Pulse(shape, int(pulse.duration), items, b"", limit, pulse.name, pulse), scale[0], scale[1]


def _sampled(pulse: Any, params: Mapping[str, Any], limit: bool) -> Tuple[Pulse, Any, Any]:
    unbound = [k for k, v in params.items() if isinstance(v, ParameterExpression) and v.parameters]
    if unbound:
        raise UnboundShape(f"Parameters {unbound} of {pulse} must be numbers. Assign them first.")
    samples = pulse.get_waveform().samples
    return Pulse.from_samples(samples, limit_amplitude=limit, name=pulse.name, origin=pulse), 1.0, 0.0


def read_schedules(schedules: Sequence[Any]) -> List[Program]:
    """Return the programs of Schedules, ScheduleBlocks and Instructions.

    Memory slots: the highest one used plus 1, at least 1, as in terra's
    assemble. Durations are those of the schedules, which may end later than
    their last instruction.

    Raises:
        ProgramError: unassigned parameters, or channels and instructions
            that no device has, with the name of the schedule.
    """
    reader = ScheduleReader()
    lengths = []
    with no_collection():
        for schedule in schedules:
            try:
                timed, length = flatten(schedule)
                reader.add(timed)
            except ProgramError as error:
                error.args = (f"schedule {name_of(schedule)!r}: {error}",)
                raise
            lengths.append(length)
        programs = reader.programs()
    out = []
    for schedule, length, program in zip(schedules, lengths, programs):
        out.append(
            program.replace(
                name=name_of(schedule),
                duration=max(length, program.duration),
                memory_slots=max(program.memory_slots, 1),
                metadata=dict(getattr(schedule, "metadata", None) or {}),
            )
        )
    return out


def snippet_from_schedule(
    schedule: Any,
    name: str,
    qubits: Tuple[int, ...],
    *,
    arguments: Optional[Mapping[Any, int]] = None,
    arity: int = 0,
    fixed: bool = False,
    id: str = "",
) -> Snippet:
    """Return the body of a calibration that is given as a qiskit schedule.

    Args:
        schedule: Schedule or ScheduleBlock; read only.
        name: instruction name.
        qubits: its qubits.
        arguments: Parameters, and which of the instruction's parameters they are.
        arity: how many parameters the instruction has.
        fixed: keep the memory slots that the acquires name.
        id: of the calibration.
    """
    reader = ScheduleReader(arguments)
    timed, length = flatten(schedule)
    reader.add(timed)
    program = reader.programs()[0].replace(name=name)
    order = reader.sorting
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    table = None
    names = tuple(f"P{k}" for k in range(arity))
    if reader.entries or reader.trees:
        row, column, parameter, coefficient = zip(*reader.entries) if reader.entries else ((), (), (), ())
        table = ParameterTable(
            names=names,
            row=back[list(row)].astype(np.int32),
            column=np.array(column, np.uint8),
            parameter=np.array(parameter, np.int32),
            coefficient=np.array(coefficient, np.float64),
            expressions=tuple((int(back[r]), c, t) for r, c, t in reader.trees),
        )
    objects = tuple(reader.objects[k] for k in order)
    program = program.replace(parameters=table, duration=max(length, program.duration))
    return Snippet(program, name, qubits, id, fixed, objects=objects, signature=names)
