"""Read many QuantumCircuits into one gate table, without changing them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import (
    Barrier,
    ControlFlowOp,
    Delay,
    Instruction,
    Measure,
    Parameter,
    ParameterExpression,
    QuantumCircuit,
    Reset,
)
from qiskit.utils.units import apply_prefix

from ..compiler.gate_table import (
    BARRIER,
    DELAY,
    GATE,
    LONGEST_DELAY,
    MEASURE,
    RESET,
    CircuitInfo,
    Family,
    GateTable,
    ScanKind,
    SheetSnippet,
    Snippet,
    Symbols,
    scanner,
)
from ..errors import CompilerError, PulsekitWarning
from .bodies import OwnBody
from .expressions import split_expression
from .flatten import instructions_of

__all__ = ["Reading", "circuit_header", "read_circuits"]

CONDITIONAL = 8013  # "conditional pulses are not supported"
NOT_IN_BASIS = 7000  # "instruction not in basis gates"
UNEQUAL = 7003  # "unequal numbers of qubits and memory slots"
BAD_NUMBER = 8042  # "bad pulse parameters"
TOO_LONG = 8022  # "pulse too long"
ALWAYS_SLOW, NO_PARAMETERS = 1, 2  # flags of the scanner
DYNAMIC = ("if_else", "while_loop", "for_loop", "switch_case", "break_loop", "continue_loop")


ToSnippets = Callable[[Sequence[OwnBody]], Sequence[Union[Snippet, Family]]]


@dataclass(frozen=True, eq=False)
class Reading:
    """A gate table, and the qiskit objects that its numbers stand for."""

    gates: GateTable
    parameters: Tuple[Tuple[Parameter, ...], ...]  # per circuit, as theta's columns


class _Keys:
    """The distinct (name, qubits, clbits), numbered, and their kinds."""

    def __init__(self) -> None:
        self.kind: List[int] = []
        self.name: List[int] = []
        self.qubits: List[int] = []
        self.clbits: List[int] = []
        self.names: Dict[str, int] = {}
        self.qubit_sets: Dict[Tuple[int, ...], int] = {}
        self.clbit_sets: Dict[Tuple[int, ...], int] = {}

    def add(self, kind: int, name: str, qubits: Tuple[int, ...], clbits: Tuple[int, ...]) -> int:
        self.kind.append(kind)
        self.name.append(self.names.setdefault(name, len(self.names)))
        self.qubits.append(self.qubit_sets.setdefault(qubits, len(self.qubit_sets)))
        self.clbits.append(self.clbit_sets.setdefault(clbits, len(self.clbit_sets)))
        return len(self.kind) - 1


def _kind(operation: Any) -> int:
    if isinstance(operation, Barrier):
        return BARRIER
    if isinstance(operation, Delay):
        return DELAY
    if isinstance(operation, Measure) or operation.name == "measure_esp":
        return MEASURE
    return RESET if isinstance(operation, Reset) else GATE


def _classify(operation: Any) -> ScanKind:
    """Tell the scanner which attributes of a type can be read directly."""
    if not isinstance(operation, Instruction):
        return ScanKind.OTHER
    if not operation.mutable:
        return ScanKind.SHARED
    cls = type(operation)
    return ScanKind.PLAIN if cls.name is Instruction.name and cls.params is Instruction.params else ScanKind.OTHER


class _Reader:
    """Collects the rows of all circuits."""

    def __init__(self, dt: Optional[float], to_snippets: ToSnippets) -> None:
        self.dt = dt
        self.to_snippets = to_snippets
        self.keys = _Keys()
        self.scanner = scanner(_classify, self._new, self._slow, self._refuse_condition)
        self.symbols: List[Tuple[int, int, float]] = []  # (slot, parameter, coefficient)
        self.expressions: List[Tuple[int, Any]] = []
        self.originals: Dict[int, Tuple[Any, ...]] = {}
        self.bodies: List[OwnBody] = []
        self.overrides: Sequence[Union[Snippet, Family]] = ()  # of the bodies
        self.override_at: List[Tuple[int, int]] = []  # (row, index into bodies)
        self.override_of: Dict[Any, int] = {}  # id of a schedule and the parameters' order -> index into bodies
        self.lengths: List[int] = []
        self.infos: List[CircuitInfo] = []
        self.orders: List[Tuple[Parameter, ...]] = []
        self.circuit: Any = None
        self.order: Mapping[Parameter, int] = {}

    def read(self, circuit: QuantumCircuit) -> None:
        symbols = tuple(circuit.parameters)
        header = circuit_header(circuit)
        self.orders.append(symbols)
        self.circuit, self.order = circuit, {p: k for k, p in enumerate(symbols)}
        own = _Calibrations(circuit) if circuit.calibrations else None
        call = None if own is None else lambda row, *rest: self._own_calibration(own, row, *rest)
        before = self.scanner.n
        self.scanner.read(circuit._data, circuit.qubits, circuit.clbits, call)
        self.lengths.append(self.scanner.n - before)
        if own is not None:
            own.warn_unused(len(self.infos))
        self.infos.append(
            CircuitInfo(
                name=circuit.name,
                n_qubits=circuit.num_qubits,
                n_clbits=circuit.num_clbits,
                metadata=header["metadata"],
                header=header,
                parameters=tuple([p.name for p in symbols]),
            )
        )

    def _label(self, operation: Any, row: Optional[int] = None) -> str:
        index = (self.scanner.n if row is None else row) - sum(self.lengths)
        return f"circuit {len(self.infos)} ({self.circuit.name!r}), instruction {index} ({operation.name!r})"

    def _new(self, instruction: Any, name: str, qubits: Any, clbits: Any) -> Tuple[int, int]:
        operation = instruction.operation
        q, c = self._indices(qubits), self._indices(clbits)
        if isinstance(operation, ControlFlowOp) or name in DYNAMIC:
            self._refuse(operation, q, "control flow")
        kind = _kind(operation)
        if not q and kind != BARRIER:
            raise CompilerError(
                f"{self._label(operation)}: instructions must act on qubits, but it has none.", code=NOT_IN_BASIS
            )
        if kind == MEASURE and (len(q) != 1 or len(c) != 1):
            raise CompilerError(
                f"{self._label(operation)}: a measure must have one qubit and one clbit, but qubits {list(q)} and "
                f"clbits {list(c)} came.",
                code=UNEQUAL,
            )
        flags = ALWAYS_SLOW if kind == DELAY else NO_PARAMETERS if kind == BARRIER else 0
        return self.keys.add(kind, name, q, c), flags

    def _indices(self, bits: Sequence[Any]) -> Tuple[int, ...]:
        return tuple([b if isinstance(b, int) else self.circuit.find_bit(b).index for b in bits])

    def _refuse_condition(self, operation: Any, qubits: Sequence[Any]) -> None:
        self._refuse(operation, self._indices(qubits), "a condition (c_if)")

    def _refuse(self, operation: Any, qubits: Sequence[Any], what: str) -> None:
        where = list(self._indices(qubits))
        raise CompilerError(
            f"{self._label(operation)}: instructions must be unconditional, but on qubits {where} "
            f"it has {what}. Dynamic circuits are not supported.",
            code=CONDITIONAL,
        )

    def _slow(self, row: int, slot: int, operation: Any, code: int) -> List[float]:
        """Read parameters that are not plain finite floats."""
        kind = self.keys.kind[code]
        label = self._label(operation)
        values = [self._delay(label, operation)] if kind == DELAY else list(operation.params)
        out: List[float] = []
        for k, value in enumerate(values):
            if isinstance(value, ParameterExpression) and value.parameters:
                out.append(self._symbol(value, slot + k))
            else:
                out.append(_number(value, label))
        if values:
            self.originals[slot] = tuple(values)
        for number in out:
            if not math.isfinite(number):
                raise CompilerError(f"{label}: parameters must be finite numbers, but {number} came.", code=BAD_NUMBER)
        if kind == DELAY and not (isinstance(values[0], ParameterExpression) and values[0].parameters):
            if out[0] < 0 or out[0] != round(out[0]) or out[0] > LONGEST_DELAY:
                raise CompilerError(
                    f"{label}: delays must be whole samples from 0 to {LONGEST_DELAY}, but {out[0]} dt came.",
                    code=TOO_LONG,
                )
        return out

    def _symbol(self, value: ParameterExpression, slot: int) -> float:
        split = split_expression(value, self.order)
        self.symbols.extend((slot, parameter, coefficient) for parameter, coefficient in split.terms)
        if split.tree is not None:
            self.expressions.append((slot, split.tree))
        return split.base

    def _delay(self, label: str, operation: Any) -> Any:
        duration, unit = operation.duration, operation.unit
        symbolic = isinstance(duration, ParameterExpression) and duration.parameters
        if unit == "dt":
            return duration if symbolic else float(duration)
        if self.dt is None:
            raise CompilerError(f"{label}: a delay must be in dt where the sample time is not known, but {unit} came.")
        if symbolic:
            return duration * ((1.0 if unit == "s" else apply_prefix(1.0, unit)) / self.dt)
        seconds = float(duration) if unit == "s" else apply_prefix(float(duration), unit)
        if not math.isfinite(seconds / self.dt):
            return seconds / self.dt  # refused as every parameter that is not finite
        samples = round(seconds / self.dt)
        if abs(seconds - samples * self.dt) > 1e-15:
            warnings.warn(
                f"{label}: delays must be whole samples, but {seconds:.9g} s came; rounded to {samples} dt.",
                PulsekitWarning,
                stacklevel=2,
            )
        return float(samples)

    def _own_calibration(self, own: "_Calibrations", row: int, operation: Any, qubits: Any, clbits: Any) -> None:
        q, c = self._indices(qubits), self._indices(clbits)
        schedule = own.find(operation, q, c)
        if schedule is None:
            return
        key = (id(schedule), self.orders[-1])
        if key not in self.override_of:
            self.override_of[key] = len(self.bodies)
            self.bodies.append(OwnBody(schedule, operation.name, q, self.order))
        self.override_at.append((row, self.override_of[key]))

    def _give_circuit_parameters(
        self, params: np.ndarray, at: np.ndarray, count: np.ndarray, starts: np.ndarray
    ) -> np.ndarray:
        """Make the circuit's parameters those of gates whose own calibration depends on them."""
        added = 0
        for row, k in self.override_at:
            body = self.overrides[k]
            if isinstance(body, Snippet) and (isinstance(body, SheetSnippet) or body.program.parameters is None):
                continue
            width = len(self.orders[int(np.searchsorted(starts, row, side="right")) - 1])
            at[row], count[row] = len(params) + added, width
            self.symbols.extend((len(params) + added + j, j, 1.0) for j in range(width))
            added += width
        return np.concatenate([params, np.zeros(added)])

    def table(self) -> GateTable:
        keys = self.keys
        raw = self.scanner.result()
        codes, param_rows, counts, params = (
            np.frombuffer(b, dtype=d) for b, d in zip(raw, (np.int32, np.int64, np.int32, np.float64))
        )
        n = len(codes)
        lengths = np.array(self.lengths, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        count, at = np.zeros(n, np.int32), np.zeros(n, np.int64)
        count[param_rows] = counts
        at[param_rows] = np.cumsum(counts) - counts
        override = np.full(n, -1, np.int32)
        if self.override_at:
            self.overrides = self.to_snippets(self.bodies)
            rows, ids = zip(*self.override_at)
            override[list(rows)] = ids
            params = self._give_circuit_parameters(params, at, count, starts)

        def column(values: List[int], dtype: Any) -> np.ndarray:
            return np.array(values, dtype=dtype)[codes] if n else np.zeros(0, dtype)

        slot, parameter, coefficient = zip(*self.symbols) if self.symbols else ((), (), ())
        return GateTable(
            circuit=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
            index=(np.arange(n) - np.repeat(starts, lengths)).astype(np.int32),
            kind=column(keys.kind, np.uint8),
            name=column(keys.name, np.int32),
            qubits=column(keys.qubits, np.int32),
            clbits=column(keys.clbits, np.int32),
            param_at=at,
            param_count=count,
            override=override,
            params=params,
            names=tuple(keys.names),
            qubit_sets=tuple(keys.qubit_sets),
            clbit_sets=tuple(keys.clbit_sets),
            circuits=tuple(self.infos),
            overrides=tuple(self.overrides),
            symbols=Symbols(
                np.array(slot, dtype=np.int64),
                np.array(parameter, dtype=np.int32),
                np.array(coefficient, dtype=np.float64),
                tuple(self.expressions),
            ),
            originals=self.originals,
        )


class _Calibrations:
    """The pulse gates of one circuit, and which of them were used."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self.entries = circuit.calibrations
        self.used: set = set()

    def find(self, operation: Any, qubits: Tuple[int, ...], clbits: Any) -> Any:
        mine = self.entries.get(operation.name)
        if mine is None or isinstance(operation, Barrier):
            return None
        if isinstance(operation, Delay):
            return None
        params = () if isinstance(operation, Measure) else operation.params
        key = (qubits, tuple([p if getattr(p, "parameters", None) else float(p) for p in params]))
        schedule = mine.get(key)
        if schedule is None or (isinstance(operation, Measure) and (_first_slot(schedule, qubits[0]),) != clbits):
            return None
        self.used.add((operation.name, key))
        return schedule

    def warn_unused(self, where: int) -> None:
        for name, mine in self.entries.items():
            for key in mine:
                if (name, key) not in self.used:
                    warnings.warn(
                        f"circuit {where}: calibrations must match an instruction, but the one of {name!r} on qubits "
                        f"{list(key[0])} with parameters {list(key[1])} matched none.",
                        PulsekitWarning,
                        stacklevel=3,
                    )


def _first_slot(schedule: Any, qubit: int) -> Optional[int]:
    for instruction in instructions_of(schedule):
        slot = getattr(instruction, "mem_slot", None)
        if slot is not None and instruction.channel.index == qubit:
            return int(slot.index)
    return None


def _number(value: Any, label: str) -> float:
    try:
        number = complex(value)
    except (TypeError, ValueError):
        return float("nan") if value is None else 0.0 if not np.isscalar(value) else _refuse_number(value, label)
    if number.imag:
        raise CompilerError(f"{label}: parameters must be real numbers, but {value} came.", code=8042)
    return number.real


def _refuse_number(value: Any, label: str) -> float:
    raise CompilerError(f"{label}: parameters must be real numbers, but {value!r} came.", code=8042)


def circuit_header(circuit: QuantumCircuit) -> Dict[str, Any]:
    """Return the result header of a circuit, as terra's assemble makes it."""
    qregs, cregs = circuit.qregs, circuit.cregs
    phase = circuit.global_phase
    return {
        "qubit_labels": [[r.name, j] for r in qregs for j in range(r.size)],
        "n_qubits": sum(r.size for r in qregs),
        "qreg_sizes": [[r.name, r.size] for r in qregs],
        "clbit_labels": [[r.name, j] for r in cregs for j in range(r.size)],
        "memory_slots": sum(r.size for r in cregs),
        "creg_sizes": [[r.name, r.size] for r in cregs],
        "name": circuit.name,
        "global_phase": 0.0 if isinstance(phase, ParameterExpression) and phase.parameters else float(phase),
        "metadata": dict(circuit.metadata or {}),
    }


def read_circuits(circuits: Sequence[QuantumCircuit], dt: Optional[float], to_snippets: ToSnippets) -> Reading:
    """Return the instructions of all circuits as one table.

    Args:
        circuits: read only.
        dt: sample time in s, for delays in other units; None: refuse those.
        to_snippets: called with the circuits' own calibrations.

    Raises:
        CompilerError: control flow, conditions, parameters that are not real
            and finite; with circuit, instruction and qubits.
    """
    reader = _Reader(dt, to_snippets)
    for circuit in circuits:
        if circuit.unit != "dt":
            raise CompilerError(
                f"circuit {len(reader.infos)} ({circuit.name!r}): the unit of a circuit must be 'dt', "
                f"but {circuit.unit!r} came."
            )
        reader.read(circuit)
    return Reading(reader.table(), tuple(reader.orders))
