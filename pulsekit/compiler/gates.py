"""Hold the instructions of many circuits as one flat table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Mapping, NamedTuple, Tuple, Union

import numpy as np

from .snippets import Family, Snippet

__all__ = [
    "BARRIER",
    "DELAY",
    "GATE",
    "LONGEST_DELAY",
    "MEASURE",
    "RESET",
    "CircuitInfo",
    "GateTable",
    "Symbols",
    "empty_table",
    "no_symbols",
]

GATE, BARRIER, DELAY, MEASURE, RESET = range(5)
LONGEST_DELAY = 10**9  # samples; beyond it a delay is a slip


@dataclass(frozen=True, eq=False)
class CircuitInfo:
    """What the compiler keeps of a circuit beside its instructions."""

    name: str
    n_qubits: int
    n_clbits: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)  # of the experiment's result
    parameters: Tuple[str, ...] = ()  # unbound ones, sorted by name; one may occur twice under one name


class Symbols(NamedTuple):
    """Gate parameters that depend on unbound circuit parameters.

    Gate parameter ``slot`` (an index into ``GateTable.params``, which holds
    the constant part) has ``coefficient * theta[parameter]`` added, where
    ``parameter`` indexes the parameters of the gate's circuit.
    """

    slot: np.ndarray  # int64[k]
    parameter: np.ndarray  # int32[k]
    coefficient: np.ndarray  # float64[k]
    expressions: Tuple[Tuple[int, Any], ...] = ()  # (slot, expression tree): what is not affine


def no_symbols() -> Symbols:
    """Return the symbols of circuits without unbound parameters."""
    return Symbols(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0))


@dataclass(frozen=True, eq=False)
class GateTable:
    """One row per instruction, circuit after circuit; interned tables beside it."""

    circuit: np.ndarray  # int32[n], index into circuits
    index: np.ndarray  # int32[n], position of the instruction in its circuit
    kind: np.ndarray  # uint8[n]: GATE, BARRIER, DELAY, MEASURE, RESET
    name: np.ndarray  # int32[n], index into names
    qubits: np.ndarray  # int32[n], index into qubit_sets
    clbits: np.ndarray  # int32[n], index into clbit_sets
    param_at: np.ndarray  # int64[n], where each gate's parameters start in params
    param_count: np.ndarray  # int32[n]
    override: np.ndarray  # int32[n], index into overrides (the circuit's own calibration), or -1
    params: np.ndarray  # float64[m]; the one parameter of a delay is its duration in samples
    names: Tuple[str, ...] = ()
    qubit_sets: Tuple[Tuple[int, ...], ...] = ()
    clbit_sets: Tuple[Tuple[int, ...], ...] = ()
    circuits: Tuple[CircuitInfo, ...] = ()
    overrides: Tuple[Union[Snippet, Family], ...] = ()  # a family is given its circuit's parameters
    symbols: Symbols = field(default_factory=no_symbols)
    originals: Mapping[int, Tuple[Any, ...]] = field(default_factory=dict)  # param_at -> a frontend's own parameters
    points: Tuple[np.ndarray, ...] = ()  # per circuit, float64[points, parameters]: what will be bound, where known

    def __len__(self) -> int:
        return len(self.circuit)

    @cached_property
    def circuit_ptr(self) -> np.ndarray:
        """Where each circuit's rows start, int64[circuits + 1]."""
        return np.searchsorted(self.circuit, np.arange(len(self.circuits) + 1)).astype(np.int64)

    def replace(self, **changes: Any) -> "GateTable":
        """Return a table with some fields exchanged."""
        return replace(self, **changes)

    def where(self, row: int) -> str:
        """Describe a row for an error: circuit, instruction index, qubits."""
        info = self.circuits[self.circuit[row]]
        qubits = list(self.qubit_sets[self.qubits[row]])
        return (
            f"circuit {int(self.circuit[row])} ({info.name!r}), instruction {int(self.index[row])} "
            f"({self.names[self.name[row]]!r} on qubits {qubits})"
        )

    def arguments(self, row: int) -> Tuple[float, ...]:
        """Return a gate's parameters (the constant parts of symbolic ones)."""
        at = self.param_at[row]
        return tuple(self.params[at : at + self.param_count[row]].tolist())

    def take(self, rows: np.ndarray) -> "GateTable":
        """Return the given rows, in the given order; parameters stay where they are."""
        columns = ("circuit", "index", "kind", "name", "qubits", "clbits", "param_at", "param_count", "override")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def empty_table() -> GateTable:
    """Return the table of no circuits."""
    none = np.zeros(0, np.int32)
    return GateTable(
        circuit=none,
        index=none,
        kind=np.zeros(0, np.uint8),
        name=none,
        qubits=none,
        clbits=none,
        param_at=np.zeros(0, np.int64),
        param_count=none,
        override=none,
        params=np.zeros(0),
    )
