"""Bind calibrations whose shapes and lengths depend on parameters, many points at once.

The template is read once. Its expressions are evaluated for all points
together, and it is placed anew with times that are arrays over the points.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import ParameterExpression
from qiskit.pulse import ScheduleBlock
from qiskit.pulse import instructions as pi
from qiskit.pulse.instructions.directives import Directive
from qiskit.pulse.library import SymbolicPulse

from ..compiler.gate_table import Family, Head, Sheet, Snippet
from ..errors import CompilerError, ProgramError
from ..program import SHAPES, EventTable, Pulse
from ..program.events import COLUMNS
from ..program.expressions import evaluate
from .blocks import Mixed, UnboundShape, place_block
from .expressions import DECIMALS, tree_of
from .flatten import flatten
from .schedules import COLUMN_ORDER, SHAPE_NAMES, ScheduleReader

__all__ = ["family_of_template"]

BAD_NUMBER = 8042  # "bad pulse parameters"


def family_of_template(schedule: Any, head: Head, arguments: Mapping[Any, int], arity: int) -> Family:
    """Return the family of a calibration with parameters.

    Args:
        schedule: Schedule or ScheduleBlock; read only.
        head: what its snippets are called.
        arguments: Parameters, and which of the instruction's parameters they are.
        arity: how many parameters the instruction has.

    Raises:
        UnboundShape: it holds what only qiskit can bind: calls, shapes of the
            user's own, complex parameters.
    """
    template = _Template(schedule, head, arguments)
    return Family(template.snippets, arity)


class _Template:
    """A schedule with parameters, read."""

    def __init__(self, schedule: Any, head: Head, arguments: Mapping[Any, int]) -> None:
        self.schedule, self.head = schedule, head
        self.arguments = dict(arguments)
        self.names = {p.name: k for p, k in arguments.items()}
        self.trees: Dict[Any, Any] = {}
        self._read(schedule)

    def _read(self, program: Any) -> None:
        """Note the trees of all expressions down."""
        if isinstance(program, ScheduleBlock):
            self._note(getattr(program.alignment_context, "duration", None))
            for element in program.blocks:
                self._read(element)
        elif isinstance(program, pi.Instruction):
            self._instruction(program)
        else:
            for _, child in program._children:
                self._read(child)

    def _instruction(self, instruction: Any) -> None:
        if isinstance(instruction, pi.Call):
            raise UnboundShape(f"Calls must be bound before they are used, but {instruction} came.")
        self._note(instruction.duration)
        for operand in instruction.operands:
            self._note(operand)
        pulse = instruction.operands[0] if isinstance(instruction, pi.Play) else None
        if pulse is None or not pulse.is_parameterized():
            return
        shape = SHAPE_NAMES.get(getattr(pulse, "pulse_type", "")) if isinstance(pulse, SymbolicPulse) else None
        if shape is None or not set(SHAPES[shape].parameters) <= set(pulse.parameters):
            raise UnboundShape(f"A shape of the user's own must be bound before it is used, but {pulse} came.")
        for value in pulse.parameters.values():
            if isinstance(value, complex):
                raise UnboundShape(f"Complex amplitudes must be bound before they are used, but {pulse} came.")
            self._note(value)

    def _note(self, value: Any) -> None:
        if not isinstance(value, ParameterExpression) or not value.parameters:
            return
        unknown = [p.name for p in value.parameters if p not in self.arguments]
        if unknown:
            raise ProgramError(
                f"Parameters must be assigned before a schedule is used, but {value} has an unassigned parameter."
            )
        try:
            self.trees[value._symbol_expr] = tree_of(value, self.names)
        except CompilerError as error:
            raise UnboundShape(f"Expression {value} must be bound before it is used. {error}") from error

    def snippets(self, theta: np.ndarray) -> Sequence[Snippet]:
        """Return one snippet per point.

        Args:
            theta: float64[points, arguments].
        """
        points = _Points(self, theta)
        try:
            return points.sheet().snippets()
        except Mixed as mixed:
            where = mixed.where
        out: List[Optional[Snippet]] = [None] * len(theta)
        for mask in (where, ~where):
            for k, snippet in zip(np.flatnonzero(mask).tolist(), self.snippets(theta[mask])):
                out[k] = snippet
        return out  # type: ignore[return-value]


class _Points(ScheduleReader):
    """Reads a template's rows with values, times and pulses of many points."""

    def __init__(self, template: _Template, theta: np.ndarray) -> None:
        super().__init__()
        self.template, self.theta = template, theta
        self.known: Dict[Any, np.ndarray] = {}
        self.lengths: Dict[int, np.ndarray] = {}  # by the id of a known value
        self.made: Dict[Any, Any] = {}

    def value(self, expression: Any) -> Any:
        """Return a number, or float64[points]."""
        if not isinstance(expression, ParameterExpression):
            return expression
        if not expression.parameters:
            return complex(expression).real
        key = expression._symbol_expr
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = np.round(evaluate(self.template.trees[key], self.theta), DECIMALS)
            bad = np.flatnonzero(~np.isfinite(found))
            if bad.size:
                raise self.refuse(f"{expression} must be finite", bad[0], found[bad[0]])
        return found

    def length(self, duration: Any) -> Any:
        """Return whole samples: int, or int64[points]."""
        value = self.value(duration)
        if not isinstance(value, np.ndarray):
            return int(value)
        found = self.lengths.get(id(value))
        if found is not None:
            return found
        bad = np.flatnonzero((value != np.rint(value)) | (value < 0))
        if bad.size:
            raise self.refuse(f"the duration {duration} must be whole samples", bad[0], value[bad[0]])
        whole = self.lengths[id(value)] = value.astype(np.int64)
        return whole

    def refuse(self, rule: str, point: int, value: Any) -> ProgramError:
        head, given = self.template.head, {n: float(self.theta[point, k]) for n, k in self.template.names.items()}
        return ProgramError(
            f"calibration {head.name!r} on qubits {list(head.qubits)}: {rule}, but {value} came at {given}.",
            code=BAD_NUMBER,
        )

    def _number(self, value: Any, column: int) -> Any:
        known = self.value(value)
        return known if isinstance(known, np.ndarray) else super()._number(known, column)

    def _play(self, t0: Any, instruction: Any) -> Tuple[Any, ...]:
        pulse, channel = instruction.operands
        if not pulse.is_parameterized():
            return super()._play(t0, instruction)
        params = {name: self.value(value) for name, value in pulse.parameters.items()}
        duration = self.length(pulse.duration)
        self._validate(pulse, {**params, "duration": duration})
        shape = SHAPE_NAMES[pulse.pulse_type]
        scalable = SHAPES[shape].scalable
        return (
            t0,
            duration,
            0,
            self._channel(channel),
            self._pulses(pulse, shape, duration, params),
            self._number(pulse.parameters.get("amp", 1.0), 0) if scalable else 1.0,
            self._number(pulse.parameters.get("angle", 0.0), 1) if scalable else 0.0,
            -1,
            self._label(instruction._name),
        )

    def _validate(self, pulse: Any, params: Mapping[str, Any]) -> None:
        """Refuse what terra refuses when it binds a pulse."""
        rule = pulse.constraints
        if rule is None:
            return
        names = sorted(symbol.name for symbol in rule.free_symbols)
        columns = [np.broadcast_to(params[name], len(self.theta)) for name in names]
        bad = np.flatnonzero(~np.asarray(pulse._constraints_lam(*columns)))
        if bad.size:
            given = {name: float(column[bad[0]]) for name, column in zip(names, columns)}
            raise self.refuse(f"a {pulse.pulse_type} pulse must satisfy {rule}", bad[0], given)

    def _pulses(self, pulse: Any, shape: str, duration: Any, params: Mapping[str, Any]) -> Any:
        """Return the number of a pulse, or of each point's, int64[points]."""
        names = sorted(SHAPES[shape].parameters)
        values = [params[name] for name in names]
        limit = bool(pulse._limit_amplitude)
        key = (shape, limit, pulse.name, *map(_identity, (duration, *values)))
        if key not in self.made:
            points = len(self.theta) if any(isinstance(v, np.ndarray) for v in (duration, *values)) else 1
            columns = [np.broadcast_to(np.asarray(v, dtype=float), points).tolist() for v in values]
            items = [tuple(zip(names, row)) for row in zip(*columns)] if columns else [()] * points
            table, lengths = self.pulses, np.broadcast_to(duration, points).tolist()
            numbers = [
                table.setdefault(Pulse(shape, length, item, b"", limit, pulse.name), len(table))
                for length, item in zip(lengths, items)
            ]
            self.made[key] = np.array(numbers) if points > 1 else numbers[0]
        return self.made[key]

    def sheet(self) -> Sheet:
        """Return the bodies of all points."""
        template, n = self.template, len(self.theta)
        if isinstance(template.schedule, ScheduleBlock):
            placed = place_block(template.schedule, self.length)
            timed = [(t0, item) for t0, item in placed.items if not isinstance(item, Directive)]
            span = placed.duration
        else:
            timed, span = flatten(template.schedule)
        self.add(timed)
        columns = {}
        for name, column in zip(COLUMN_ORDER, zip(*self.rows)):
            table = np.empty((n, len(column)), dtype=COLUMNS[name])
            for k, value in enumerate(column):
                table[:, k] = value
            columns[name] = table.reshape(-1)
        events = EventTable(**columns)
        width = len(self.rows)
        order = np.lexsort((events.duration > 0, events.t0, np.repeat(np.arange(n), width)))
        events = events.take(order)
        stops = (events.t0 + events.duration).reshape(n, width).max(axis=1, initial=0)
        return Sheet(events, np.arange(n + 1) * width, np.maximum(stops, span), self.tables(), [template.head] * n)


_Points.readers = {**ScheduleReader.readers, pi.Play: _Points._play}


def _identity(value: Any) -> Any:
    """Return what tells evaluated values apart: equal expressions are one array."""
    return id(value) if isinstance(value, np.ndarray) else value
