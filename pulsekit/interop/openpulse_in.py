"""Read OpenQASM 3 with OpenPulse ``cal`` and ``defcal`` (the extra "openpulse").

Gates with a ``defcal`` become pulse gates of a QuantumCircuit on physical
qubits, and so do ``cal`` blocks that play among gates; text of ``cal`` blocks
alone becomes a Schedule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from qiskit.circuit import Barrier, ClassicalRegister, Delay, Gate, Measure, QuantumCircuit, Reset
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.pulse import Schedule

from ..device import Device
from ..errors import CompilerError
from ..program import AcquireSpec, Channel, Op, Program
from .openpulse_body import NOT_SUPPORTED, CalBody, Extern, is_action
from .openpulse_values import Samples, evaluate, refuse, whole
from .schedules import ScheduleReader

__all__ = ["read_openpulse", "read_openpulse_program"]

DT = 2e-9 / 9  # s, where no device says


def read_openpulse(
    text: str, device: Optional[Device] = None, *, ports: Optional[Mapping[str, str]] = None, name: str = "openpulse"
) -> Union[QuantumCircuit, Schedule]:
    """Return what OpenQASM 3 / OpenPulse text describes.

    Args:
        text: OpenQASM 3. Qubits are physical ("$0"), or of a register, whose
            qubit k is physical qubit k.
        device: gives dt, the frames' default frequencies and the qubits of
            control channels; None: 2/9 ns, and frames set their frequency.
        ports: the channel of each port that is not called like one.
        name: of the circuit or Schedule.

    Raises:
        CompilerError: the extra is missing; the text does not parse; control
            flow (8013) and what else has no counterpart, with the line;
            externs of ``to_openpulse`` that a Schedule cannot say (8011).
    """
    return _read(text, device, ports, name).result()


def read_openpulse_program(
    text: str, device: Optional[Device] = None, *, ports: Optional[Mapping[str, str]] = None, name: str = "openpulse"
) -> Program:
    """Return the program of ``cal`` blocks, what ``to_openpulse`` writes: resets, ESP and saved frames too.

    Delays come back as gaps.

    Args:
        text, device, ports, name: as in :func:`read_openpulse`.

    Raises:
        CompilerError: as :func:`read_openpulse`; gates (8011).
    """
    return _read(text, device, ports, name).program()


def _read(text: str, device: Optional[Device], ports: Optional[Mapping[str, str]], name: str) -> "_Reader":
    try:
        import openpulse
    except ImportError as error:
        raise CompilerError("OpenPulse text needs the package `openpulse`. Install pulsekit[openpulse].") from error
    try:
        tree = openpulse.parse(text)
    except Exception as error:  # antlr and openpulse raise a dozen kinds
        fact = "it is empty" if not str(text).strip() else str(error) or f"it does not parse ({type(error).__name__})"
        raise CompilerError(f"Argument `text` must be OpenQASM 3 with OpenPulse, but: {fact}") from error
    statements: Sequence[Any] = tree.statements
    for statement in statements:
        for inner in getattr(statement, "body", ()):  # whose lines openpulse counts from the block's first
            _move_lines(inner, statement.span.start_line - 1)
    reader = _Reader(device, {k: Channel.parse(v) for k, v in (ports or {}).items()}, name)
    reader.run(statements)
    return reader


def _move_lines(node: Any, lines: int) -> None:
    """Count the lines of a node, and of what is in it, from further above."""
    if isinstance(node, list):
        for item in node:
            _move_lines(item, lines)
    elif hasattr(node, "span"):
        span = node.span
        if span is not None:
            node.span = replace(span, start_line=span.start_line + lines, end_line=span.end_line + lines)
        for field in vars(node).values():
            _move_lines(field, lines)


class _ExternReader(ScheduleReader):
    """Reads instructions, and what Schedules have no word for."""

    def _extern(self, t0: int, item: Extern) -> Tuple[Any, ...]:
        channel = self.channels.setdefault(item.channel, len(self.channels))
        ref = self.acquires.setdefault(AcquireSpec(esp=True), len(self.acquires)) if item.op == Op.ACQUIRE else -1
        return t0, item.duration, int(item.op), channel, ref, 0.0, 0.0, item.slot, -1

    readers = {**ScheduleReader.readers, Extern: _extern}


class _Reader:
    """Collects a circuit, or the timeline of ``cal`` blocks."""

    def __init__(self, device: Optional[Device], ports: Mapping[str, Channel], name: str) -> None:
        self.device, self.ports, self.name = device, ports, name
        self.dt = DT if device is None else device.timing.dt
        self.names: Dict[str, Any] = {}
        self.registers: Dict[str, Tuple[int, int]] = {}  # quantum: first physical qubit, size
        self.bits: List[Tuple[str, int]] = []
        self.defcals: List[Any] = []
        self.steps: List[Tuple[Any, ...]] = []  # (operation; None: a cal block), qubits, clbits, schedule, body or None
        self.width = 0
        self.defaults = _default_frequencies(device)

    def run(self, statements: Sequence[Any]) -> None:
        for statement in statements:
            handler = _STATEMENTS.get(type(statement).__name__)
            if handler is None:
                raise refuse(
                    statement,
                    "statements must be unconditional gates, measures and calibrations",
                    type(statement).__name__,
                    8013,
                )
            handler(self, statement)

    def result(self) -> Union[QuantumCircuit, Schedule]:
        if all(operation is None for operation, *_ in self.steps):
            schedule = Schedule(name=self.name)
            for _, _, _, block in self.steps:
                schedule = schedule.insert(schedule.duration, block.schedule(self.name))
            return schedule
        circuit = QuantumCircuit(self.width, name=self.name)
        for register, size in self.bits:
            circuit.add_register(ClassicalRegister(size, register))
        known: Dict[Any, Schedule] = {}
        for k, (operation, qubits, clbits, schedule) in enumerate(self.steps):
            if operation is None:
                operation, schedule = Gate(f"cal_{k}", len(qubits), []), schedule.schedule(self.name)
            circuit.append(operation, qubits, clbits)
            if schedule is None:
                continue
            params = tuple(getattr(operation, "params", ()))
            key = (operation.name, tuple(qubits), params)
            if known.setdefault(key, schedule) != schedule:
                raise CompilerError(
                    f"`{operation.name}` on qubits {list(qubits)} must be one calibration, but it is measured into "
                    "different bits. Measure into the same."
                )
            circuit.add_calibration(operation.name, list(qubits), schedule, list(params))
        return circuit

    def program(self) -> Program:
        rows, time = _ExternReader(), 0
        items: List[Tuple[int, Any]] = []
        for operation, _, _, body in self.steps:
            if operation is not None:
                raise CompilerError(
                    f"Argument `text` must have `cal` blocks only, but it has {operation.name!r}. Use read_openpulse.",
                    code=NOT_SUPPORTED,
                )
            items += [(t0 + time, item) for t0, item in body.items]
            time += body.duration
        rows.add(items)
        (program,) = rows.programs()
        slots = sum(size for _, size in self.bits)
        return program.replace(name=self.name, duration=max(time, program.duration), memory_slots=slots)

    # --- declarations ---------------------------------------------------------------------

    def declare(self, statement: Any) -> None:
        """Take a classical declaration; bits become a register."""
        if type(statement.type).__name__ == "BitType":
            size = statement.type.size
            count = 1 if size is None else int(evaluate(size, self.names, self.dt))
            self.names[statement.identifier.name] = sum(n for _, n in self.bits)
            self.bits.append((statement.identifier.name, count))
            return
        body = self._body(None)
        body.declare(statement)
        self.names = body.names

    def declare_qubits(self, statement: Any) -> None:
        """Take a quantum register: qubit k of it is the next physical qubit."""
        size = 1 if statement.size is None else int(evaluate(statement.size, self.names, self.dt))
        first = sum(n for _, n in self.registers.values())
        self.registers[statement.qubit.name] = (first, size)
        self.width = max(self.width, first + size)

    def define(self, statement: Any) -> None:
        """Take a ``defcal``; of two that match, the later counts."""
        self.defcals.append(statement)

    def calibrate(self, statement: Any) -> None:
        """Take a ``cal`` block: its declarations are global, its actions a step."""
        body = self._body(None)
        body.run(statement.body)
        self.names.update(body.names)
        if any(is_action(s) for s in statement.body):
            self._step(None, self._qubits_of(body), (), body)

    def _qubits_of(self, body: CalBody) -> Tuple[int, ...]:
        """Return the qubits whose channels a body uses."""
        qubits = set()
        for channel in body.frame_of:
            if channel.kind != "u":
                qubits.add(channel.index)
            elif self.device is not None and channel.index < len(self.device.controls):
                line = self.device.controls[channel.index]
                qubits |= {line.qubit, *(q for q, _ in line.lo)}
        return tuple(sorted(qubits))

    def _body(self, slot: Optional[int], names: Optional[Mapping[str, Any]] = None) -> CalBody:
        return CalBody(self.names if names is None else names, self.ports, self.defaults, self.dt, slot)

    # --- steps ----------------------------------------------------------------------------

    def gate(self, statement: Any) -> None:
        """Take a gate: a pulse gate if a ``defcal`` matches, else a standard one."""
        if statement.modifiers:
            raise refuse(statement, "gates must have no modifiers", f"{len(statement.modifiers)}")
        name, qubits = statement.name.name, self._qubits(statement.qubits)
        values = [evaluate(a, self.names, self.dt) for a in statement.arguments]
        schedule = self._match(statement, name, qubits, values, None)
        params = [float(v) for v in values]
        standard = get_standard_gate_name_mapping().get(name)
        if standard is not None and standard.num_qubits == len(qubits) and len(standard.params) == len(params):
            operation = standard.base_class(*params)
        elif schedule is not None:
            operation = Gate(name, len(qubits), params)
        else:
            raise refuse(statement, "gates must be standard or have a defcal", f"{name!r} on {list(qubits)}", 7000)
        self._step(operation, qubits, (), schedule)

    def measure(self, statement: Any) -> None:
        """Take a measure into a bit."""
        if statement.target is None:
            raise refuse(statement, "measures must go into a bit", "none")
        slot = self._body(None)._slot_of(statement.target)
        qubits = self._qubits([statement.measure.qubit])
        schedule = self._match(statement, "measure", qubits, [], slot)
        self._step(Measure(), qubits, (slot,), schedule)

    def reset(self, statement: Any) -> None:
        """Take a reset."""
        for qubit in self._qubits([statement.qubits]):
            self._step(Reset(), (qubit,), (), None)

    def barrier(self, statement: Any) -> None:
        """Take a barrier."""
        qubits = self._qubits(statement.qubits) if statement.qubits else tuple(range(self.width))
        self._step(Barrier(len(qubits)), qubits, (), None)

    def delay(self, statement: Any) -> None:
        """Take a delay."""
        samples = whole(statement, Samples(evaluate(statement.duration, self.names, self.dt)))
        for qubit in self._qubits(statement.qubits):
            self._step(Delay(samples, "dt"), (qubit,), (), None)

    def nothing(self, statement: Any) -> None:
        """Take a statement that says nothing here."""

    def _step(self, operation: Any, qubits: Tuple[int, ...], clbits: Any, schedule: Any) -> None:
        self.width = max([self.width, *(q + 1 for q in qubits)])
        self.steps.append((operation, qubits, clbits, schedule))

    def _qubits(self, nodes: Sequence[Any]) -> Tuple[int, ...]:
        out: List[int] = []
        for node in nodes:
            if type(node).__name__ == "IndexedIdentifier":
                first, size = self._register(node, node.name.name)
                index = int(evaluate(node.indices[0][0], self.names, self.dt))
                if not 0 <= index < size:
                    raise refuse(node, f"indices of {node.name.name!r} must be below {size}", str(index))
                out.append(first + index)
            elif node.name.startswith("$"):
                out.append(int(node.name[1:]))
            else:
                first, size = self._register(node, node.name)
                out.extend(range(first, first + size))
        return tuple(out)

    def _register(self, node: Any, name: str) -> Tuple[int, int]:
        if name not in self.registers:
            raise refuse(node, "qubits must be declared, or physical ('$0')", repr(name))
        return self.registers[name]

    def _match(
        self, statement: Any, name: str, qubits: Tuple[int, ...], values: List[Any], slot: Optional[int]
    ) -> Optional[Schedule]:
        """Return the Schedule of the ``defcal`` that fits best, or None."""
        best: Optional[Tuple[int, Any, Dict[str, Any]]] = None
        for definition in self.defcals:
            fit = self._fit(definition, name, qubits, values)
            if fit is not None and (best is None or fit[0] >= best[0]):
                best = (fit[0], definition, fit[1])
        if best is None:
            return None
        body = self._body(slot, {**self.names, **best[2]})
        body.run(best[1].body)
        return body.schedule(name)

    def _fit(
        self, definition: Any, name: str, qubits: Tuple[int, ...], values: List[Any]
    ) -> Optional[Tuple[int, Dict[str, Any]]]:
        """Return how special a matching ``defcal`` is and its names, or None."""
        if definition.name.name != name or len(definition.qubits) != len(qubits):
            return None
        if len(definition.arguments) != len(values):
            return None
        special, names = 0, {}  # type: ignore[var-annotated]
        for node, qubit in zip(definition.qubits, qubits):
            if node.name.startswith("$"):
                if int(node.name[1:]) != qubit:
                    return None
                special += 1
        for argument, value in zip(definition.arguments, values):
            if type(argument).__name__ == "ClassicalArgument":
                names[argument.name.name] = value
            elif abs(float(evaluate(argument, self.names, self.dt)) - float(value)) < 1e-12:
                special += 1
            else:
                return None
        return special, names


def _default_frequencies(device: Optional[Device]) -> Dict[Channel, float]:
    if device is None:
        return {}
    out = {Channel("d", q): float(f) for q, f in enumerate(device.qubit_freq_est)}
    out.update({Channel("m", q): float(f) for q, f in enumerate(device.meas_freq_est)})
    for u, line in enumerate(device.controls):
        out[Channel("u", u)] = sum(complex(s).real * device.qubit_freq_est[q] for q, s in line.lo)
    return out


_STATEMENTS: Dict[str, Callable[[_Reader, Any], None]] = {
    "CalibrationGrammarDeclaration": _Reader.nothing,
    "Include": _Reader.nothing,
    "ExternDeclaration": _Reader.nothing,
    "Pragma": _Reader.nothing,
    "ClassicalDeclaration": _Reader.declare,
    "ConstantDeclaration": _Reader.declare,
    "QubitDeclaration": _Reader.declare_qubits,
    "CalibrationDefinition": _Reader.define,
    "CalibrationStatement": _Reader.calibrate,
    "QuantumGate": _Reader.gate,
    "QuantumMeasurementStatement": _Reader.measure,
    "QuantumReset": _Reader.reset,
    "QuantumBarrier": _Reader.barrier,
    "DelayInstruction": _Reader.delay,
}
