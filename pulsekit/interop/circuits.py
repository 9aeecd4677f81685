"""Read many QuantumCircuits into one gate table, without changing them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import Barrier, ControlFlowOp, Delay, Measure, Parameter, ParameterExpression, QuantumCircuit, Reset
from qiskit.utils.units import apply_prefix

from ..compiler.gates import BARRIER, DELAY, GATE, MEASURE, RESET, CircuitInfo, GateTable, Symbols
from ..compiler.snippets import Snippet
from ..errors import CompilerError, PulsekitWarning
from .expressions import split_expression

__all__ = ["Reading", "circuit_header", "read_circuits"]

CONDITIONAL = 8013  # "conditional pulses are not supported"
DYNAMIC = ("if_else", "while_loop", "for_loop", "switch_case", "break_loop", "continue_loop")


@dataclass(frozen=True, eq=False)
class Reading:
    """A gate table, and the qiskit objects that its numbers stand for."""

    gates: GateTable
    parameters: Tuple[Tuple[Parameter, ...], ...]  # per circuit, as theta's columns


class _Keys:
    """Number (name, qubits, clbits) and remember their kinds."""

    def __init__(self) -> None:
        self.codes: Dict[Any, int] = {}
        self.kind: List[int] = []
        self.name: List[int] = []
        self.qubits: List[int] = []
        self.clbits: List[int] = []
        self.names: Dict[str, int] = {}
        self.qubit_sets: Dict[Tuple[int, ...], int] = {}
        self.clbit_sets: Dict[Tuple[int, ...], int] = {}

    def add(self, key: Any, kind: int, name: str, qubits: Any, clbits: Any) -> int:
        code = self.codes[key] = len(self.kind)
        self.kind.append(kind)
        self.name.append(self.names.setdefault(name, len(self.names)))
        q = qubits if isinstance(qubits, tuple) else (qubits,)
        c = clbits if isinstance(clbits, tuple) else (clbits,)
        self.qubits.append(self.qubit_sets.setdefault(q, len(self.qubit_sets)))
        self.clbits.append(self.clbit_sets.setdefault(c, len(self.clbit_sets)))
        return code


def _kind(operation: Any) -> int:
    if isinstance(operation, Barrier):
        return BARRIER
    if isinstance(operation, Delay):
        return DELAY
    if isinstance(operation, Measure) or operation.name == "measure_esp":
        return MEASURE
    return RESET if isinstance(operation, Reset) else GATE


class _Reader:
    """Collects the rows of all circuits."""

    def __init__(self, dt: Optional[float], to_snippet: Any) -> None:
        self.dt = dt
        self.to_snippet = to_snippet
        self.keys = _Keys()
        self.codes: List[int] = []
        self.param_rows: List[int] = []  # rows that have parameters
        self.param_counts: List[int] = []
        self.params: List[float] = []
        self.symbol_slot: List[int] = []
        self.symbol_parameter: List[int] = []
        self.symbol_coefficient: List[float] = []
        self.expressions: List[Tuple[int, Any]] = []
        self.originals: Dict[int, Tuple[Any, ...]] = {}
        self.override_rows: List[int] = []
        self.override_ids: List[int] = []
        self.overrides: List[Snippet] = []
        self.override_of: Dict[int, int] = {}  # id of a schedule -> index into overrides
        self.lengths: List[int] = []
        self.infos: List[CircuitInfo] = []
        self.orders: List[Tuple[Parameter, ...]] = []

    def read(self, circuit: QuantumCircuit) -> None:
        where = len(self.infos)
        symbols = tuple(circuit.parameters)
        order = {p: k for k, p in enumerate(symbols)}
        header = circuit_header(circuit)
        self.infos.append(
            CircuitInfo(
                name=circuit.name,
                n_qubits=circuit.num_qubits,
                n_clbits=circuit.num_clbits,
                metadata=dict(circuit.metadata or {}),
                header=header,
                parameters=tuple(p.name for p in symbols),
            )
        )
        self.orders.append(symbols)
        before = len(self.codes)
        qubit_of: Dict[int, int] = {id(b): i for i, b in enumerate(circuit.qubits)}
        clbit_of: Dict[int, int] = {id(b): i for i, b in enumerate(circuit.clbits)}
        calibrations = _Calibrations(circuit) if circuit.calibrations else None
        codes, known = self.codes, self.keys.codes
        data = circuit._data
        for instruction in data:
            operation = instruction.operation
            qubits = instruction.qubits
            clbits = instruction.clbits
            try:
                q = qubit_of[id(qubits[0])] if len(qubits) == 1 else tuple([qubit_of[id(b)] for b in qubits])
                c = () if not clbits else clbit_of[id(clbits[0])] if len(clbits) == 1 else _bits(clbits, clbit_of)
            except KeyError:
                q, c = _found(circuit, qubits, clbits)
            name = operation.name
            key = (name, q, c)
            code = known.get(key)
            if code is None:
                code = self._new(circuit, where, len(codes) - before, operation, key)
            if getattr(operation, "_condition", None) is not None:
                self._refuse(circuit, where, len(codes) - before, operation, q, "a condition (c_if)")
            params = operation.params
            if params or self.keys.kind[code] == DELAY:
                self._parameters(circuit, where, before, operation, params, code, order)
            if calibrations is not None:
                self._own_calibration(calibrations, operation, q, c)
            codes.append(code)
        self.lengths.append(len(codes) - before)
        if calibrations is not None:
            calibrations.warn_unused(where)

    def _new(self, circuit: QuantumCircuit, where: int, index: int, operation: Any, key: Any) -> int:
        name, q, c = key
        if isinstance(operation, ControlFlowOp) or name in DYNAMIC:
            self._refuse(circuit, where, index, operation, q, "control flow")
        kind = _kind(operation)
        if q == () and kind != BARRIER:
            raise CompilerError(
                f"circuit {where} ({circuit.name!r}), instruction {index} ({name!r}): instructions must act on qubits, "
                "but it has none.",
                code=7000,
            )
        if kind == MEASURE and (isinstance(q, tuple) or isinstance(c, tuple)):
            raise CompilerError(
                f"circuit {where} ({circuit.name!r}), instruction {index} ({name!r} on qubits {q}): a measure must "
                f"have one qubit and one clbit, but clbits {c} came.",
                code=7003,
            )
        return self.keys.add(key, kind, name, q, c)

    def _refuse(self, circuit: QuantumCircuit, where: int, index: int, operation: Any, q: Any, what: str) -> None:
        qubits = list(q) if isinstance(q, tuple) else [q]
        raise CompilerError(
            f"circuit {where} ({circuit.name!r}), instruction {index} ({operation.name!r} on qubits {qubits}): "
            f"instructions must be unconditional, but it has {what}. Dynamic circuits are not supported.",
            code=CONDITIONAL,
        )

    def _parameters(
        self,
        circuit: QuantumCircuit,
        where: int,
        before: int,
        operation: Any,
        params: Sequence[Any],
        code: int,
        order: Mapping[Parameter, int],
    ) -> None:
        kind = self.keys.kind[code]
        if kind == BARRIER:
            return
        index = len(self.codes) - before
        label = f"circuit {where} ({circuit.name!r}), instruction {index} ({operation.name!r})"
        values = [self._delay(label, operation)] if kind == DELAY else params
        self.param_rows.append(len(self.codes))
        self.param_counts.append(len(values))
        first = len(self.params)
        symbolic = False
        for value in values:
            if type(value) is float:
                self.params.append(value)
                continue
            if isinstance(value, ParameterExpression) and value.parameters:
                symbolic = True
                self._symbol(value, order)
            else:
                self.params.append(_number(value, label))
        if symbolic or (kind == GATE and any(type(v) is not float for v in values)):
            self.originals[first] = tuple(values)
        for value in self.params[first:]:
            if value != value or value in (float("inf"), float("-inf")):
                raise CompilerError(f"{label}: parameters must be finite numbers, but {value} came.", code=8042)

    def _symbol(self, value: ParameterExpression, order: Mapping[Parameter, int]) -> None:
        split = split_expression(value, order)
        slot = len(self.params)
        self.params.append(split.base)
        for parameter, coefficient in split.terms:
            self.symbol_slot.append(slot)
            self.symbol_parameter.append(parameter)
            self.symbol_coefficient.append(coefficient)
        if split.tree is not None:
            self.expressions.append((slot, split.tree))

    def _delay(self, label: str, operation: Any) -> Any:
        duration, unit = operation.duration, operation.unit
        if unit == "dt":
            return duration if isinstance(duration, ParameterExpression) else float(duration)
        if self.dt is None:
            raise CompilerError(f"{label}: a delay must be in dt where the sample time is not known, but {unit} came.")
        if isinstance(duration, ParameterExpression) and duration.parameters:
            scale = 1.0 if unit == "s" else apply_prefix(1.0, unit)
            return duration * (scale / self.dt)
        seconds = float(duration) if unit == "s" else apply_prefix(float(duration), unit)
        samples = round(seconds / self.dt)
        if abs(seconds - samples * self.dt) > 1e-15:
            warnings.warn(
                f"{label}: delays must be whole samples, but {seconds:.9g} s came; rounded to {samples} dt.",
                PulsekitWarning,
                stacklevel=2,
            )
        return float(samples)

    def _own_calibration(self, calibrations: "_Calibrations", operation: Any, q: Any, c: Any) -> None:
        schedule = calibrations.find(operation, q if isinstance(q, tuple) else (q,), c)
        if schedule is None:
            return
        if id(schedule) not in self.override_of:
            self.override_of[id(schedule)] = len(self.overrides)
            self.overrides.append(self.to_snippet(schedule, operation.name, q if isinstance(q, tuple) else (q,)))
        self.override_rows.append(len(self.codes))
        self.override_ids.append(self.override_of[id(schedule)])

    def table(self) -> GateTable:
        keys = self.keys
        codes = np.array(self.codes, dtype=np.int32)
        n = len(codes)
        lengths = np.array(self.lengths, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        count = np.zeros(n, np.int32)
        at = np.zeros(n, np.int64)
        if self.param_rows:
            counts = np.array(self.param_counts, dtype=np.int64)
            count[self.param_rows] = counts
            at[self.param_rows] = np.cumsum(counts) - counts
        override = np.full(n, -1, np.int32)
        override[self.override_rows] = self.override_ids
        sets = list(keys.clbit_sets)

        def column(values: List[int], dtype: Any) -> np.ndarray:
            return np.array(values, dtype=dtype)[codes] if n else np.zeros(0, dtype)

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
            params=np.array(self.params, dtype=np.float64),
            names=tuple(keys.names),
            qubit_sets=tuple(keys.qubit_sets),
            clbit_sets=tuple(sets),
            circuits=tuple(self.infos),
            overrides=tuple(self.overrides),
            symbols=Symbols(
                np.array(self.symbol_slot, dtype=np.int64),
                np.array(self.symbol_parameter, dtype=np.int32),
                np.array(self.symbol_coefficient, dtype=np.float64),
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
        key = (qubits, ())
        if not isinstance(operation, (Measure, Delay)):
            key = (qubits, tuple(p if getattr(p, "parameters", None) else float(p) for p in operation.params))
        elif isinstance(operation, Delay):
            return None
        schedule = mine.get(key)
        if schedule is None or (isinstance(operation, Measure) and _first_slot(schedule, qubits[0]) != clbits):
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
    from .schedules import flat_instructions

    for _, instruction in flat_instructions(schedule):
        slot = getattr(instruction, "mem_slot", None)
        if slot is not None and instruction.channel.index == qubit:
            return int(slot.index)
    return None


def _bits(bits: Sequence[Any], index: Mapping[int, int]) -> Tuple[int, ...]:
    return tuple([index[id(b)] for b in bits])


def _found(circuit: QuantumCircuit, qubits: Sequence[Any], clbits: Sequence[Any]) -> Tuple[Any, Any]:
    q = tuple(circuit.find_bit(b).index for b in qubits)
    c = tuple(circuit.find_bit(b).index for b in clbits)
    return (q[0] if len(q) == 1 else q), (c[0] if len(c) == 1 else c)


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


def read_circuits(circuits: Sequence[QuantumCircuit], dt: Optional[float], to_snippet: Any) -> Reading:
    """Return the instructions of all circuits as one table.

    Args:
        circuits: read only.
        dt: sample time in s, for delays in other units; None: refuse those.
        to_snippet: called with (schedule, name, qubits) for the circuits' own
            calibrations.

    Raises:
        CompilerError: control flow, conditions, parameters that are not real
            and finite; with circuit, instruction and qubits.
    """
    reader = _Reader(dt, to_snippet)
    for circuit in circuits:
        if circuit.unit != "dt":
            raise CompilerError(
                f"circuit {len(reader.infos)} ({circuit.name!r}): the unit of a circuit must be 'dt', "
                f"but {circuit.unit!r} came."
            )
        reader.read(circuit)
    return Reading(reader.table(), tuple(reader.orders))
