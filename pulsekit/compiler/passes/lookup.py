"""Find the calibration of every gate: circuit's own, user's map, device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable, ClassVar, Dict, FrozenSet, List, Optional, Tuple, Union
from weakref import WeakKeyDictionary

import numpy as np

from ...device import Calibration, CalibrationMap, Device
from ...errors import CompilerError
from ...program import Channel, EventTable, Op, Program
from ..base import Pass
from ..gates import BARRIER, DELAY, MEASURE, RESET, GateTable
from ..snippets import Family, Snippet
from ..work import Work

__all__ = ["LookUpCalibrations", "delay_snippet", "device_snippet"]

NOT_IN_BASIS = 7000  # "instruction not in basis gates"

Lookup = Callable[[str, Tuple[int, ...]], Union[Snippet, Family, None]]


@dataclass(frozen=True)
class LookUpCalibrations(Pass):
    """Give every gate its snippet and duration.

    ``user`` is asked before the device; what the circuit brings itself
    (``GateTable.overrides``) goes before both.
    """

    user: Optional[Lookup] = None
    ensures: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work with ``snippets``, ``snippet`` and ``duration``."""
        gates = work.gates
        snippets: List[Snippet] = []
        families: Dict[int, Family] = {}
        plain = np.flatnonzero(gates.override < 0)
        key = gates.name[plain].astype(np.int64) * max(len(gates.qubit_sets), 1) + gates.qubits[plain]
        first = np.full(int(key.max()) + 1 if key.size else 1, -1, dtype=np.int64)
        first[key[::-1]] = plain[::-1]
        table = np.full(len(first), -1, dtype=np.int32)
        for k in np.flatnonzero(first >= 0).tolist():
            found = self._find(work, int(first[k]))
            if isinstance(found, Family):
                families[k] = found
            elif found is not None:
                table[k] = len(snippets)
                snippets.append(found)
        snippet = np.full(len(gates), -1, dtype=np.int32)
        snippet[plain] = table[key]
        for k, family in families.items():
            _instances(gates, plain[key == k], family, snippet, snippets)
        _check_arity(gates, snippet, snippets)
        number = np.full(len(gates.overrides) + 1, -1, dtype=np.int32)
        for k, body in enumerate(gates.overrides):
            if isinstance(body, Family):
                _instances(gates, np.flatnonzero(gates.override == k), body, snippet, snippets)
            else:
                number[k] = len(snippets)
                snippets.append(body)
        own = np.flatnonzero(number[gates.override] >= 0)
        snippet[own] = number[gates.override[own]]
        lengths = np.array([s.duration for s in snippets] + [0], dtype=np.int64)
        duration = lengths[snippet]
        delays = np.flatnonzero(gates.kind == DELAY)
        duration[delays] = np.rint(gates.params[gates.param_at[delays]]).astype(np.int64)
        return work.replace(snippets=tuple(snippets), snippet=snippet, duration=duration)

    def _find(self, work: Work, row: int) -> Union[Snippet, Family, None]:
        gates = work.gates
        kind, name, qubits = gates.kind[row], gates.names[gates.name[row]], gates.qubit_sets[gates.qubits[row]]
        if kind == BARRIER:
            return None
        if kind == DELAY:
            return delay_snippet(qubits)
        found = self.user(name, qubits) if self.user is not None else None
        if found is None:
            found = device_snippet(work.device, name, qubits)
        if found is None and kind == RESET and work.mode == "device":
            found = _reset_snippet(work.device, qubits)
        if found is None:
            raise CompilerError(_missing(work, row), code=NOT_IN_BASIS)
        if kind == MEASURE and (isinstance(found, Family) or found.anchor < 0):
            raise CompilerError(f"{gates.where(row)}: the calibration of a measure must acquire, but it does not.")
        return found


def _instances(
    gates: GateTable, rows: np.ndarray, family: Family, snippet: np.ndarray, snippets: List[Snippet]
) -> None:
    """Give gates of a family the snippets of their numbers, in place."""
    wrong = np.flatnonzero(gates.param_count[rows] != family.arity)
    if wrong.size:
        raise CompilerError(_wrong_arity(gates, int(rows[wrong[0]]), family.arity))
    slots = gates.param_at[rows][:, None] + np.arange(family.arity)
    unbound = [*gates.symbols.slot.tolist(), *(slot for slot, _ in gates.symbols.expressions)]
    free = np.flatnonzero(np.isin(slots, unbound).any(axis=1))
    if free.size:
        raise CompilerError(
            f"{gates.where(int(rows[free[0]]))}: parameters that change a calibration's shapes or times must be "
            "numbers, but one is not bound. Give parameter_binds."
        )
    numbers, which = np.unique(gates.params[slots], axis=0, return_inverse=True)
    snippet[rows] = which.reshape(-1) + len(snippets)
    snippets.extend(family.make(numbers))


@lru_cache(maxsize=4096)
def delay_snippet(qubits: Tuple[int, ...]) -> Snippet:
    """Return a delay of the drive channels, as long as its gate."""
    n = len(qubits)
    events = EventTable(op=np.full(n, Op.DELAY), channel=np.arange(n))
    program = Program(events=events, channels=tuple(Channel("d", q) for q in qubits), name="delay")
    return Snippet(program, "delay", qubits, stretch=True)


_made: "WeakKeyDictionary[CalibrationMap, Dict[Any, Optional[Snippet]]]" = WeakKeyDictionary()


def device_snippet(device: Device, name: str, qubits: Tuple[int, ...]) -> Optional[Snippet]:
    """Return the device's calibration; a measure may come out of a group's.

    The same object again for the same map of calibrations and ``meas_map``.
    """
    made = _made.setdefault(device.calibrations, {})
    key = (name, qubits, device.meas_map if name.startswith("measure") else None)
    if key not in made:
        made[key] = _device_snippet(device, name, qubits)
    return made[key]


def _device_snippet(device: Device, name: str, qubits: Tuple[int, ...]) -> Optional[Snippet]:
    found = device.calibrations.get(name, qubits)
    if name not in ("measure", "measure_esp") or len(qubits) != 1:
        return None if found is None else _snippet(found)
    for calibration in [found] if found is not None else _groups(device, name, qubits[0]):
        return _snippet(calibration).restrict(qubits)
    return None


def _groups(device: Device, name: str, qubit: int) -> List[Calibration]:
    named = [device.calibrations.get(name, tuple(g)) for g in device.meas_map if qubit in g]
    held = [c for c in device.calibrations if c.name == name and qubit in c.qubits] if not any(named) else []
    return [c for c in named if c is not None] + held


def _snippet(calibration: Calibration) -> Snippet:
    table = calibration.program.parameters
    names = table.names if table is not None else ()
    return Snippet(calibration.program, calibration.name, calibration.qubits, calibration.id, signature=names)


def _reset_snippet(device: Device, qubits: Tuple[int, ...]) -> Snippet:
    length = 0
    for gate in (device.vendor.get("properties") or {}).get("gates", ()):
        if gate.get("gate") == "reset" and tuple(gate.get("qubits", ())) == qubits:
            for entry in gate.get("parameters", ()):
                if entry.get("name") == "gate_length":
                    length = round(entry["value"] * 1e-9 / device.timing.dt)
    measure = device_snippet(device, "measure", qubits)
    if not length and measure is not None:
        length = measure.duration
    grid = max(device.timing.granularity, 1)
    length = -(-length // grid) * grid
    events = EventTable(duration=np.array([length]), op=np.array([Op.RESET]), channel=np.array([0]))
    program = Program(events=events, channels=(Channel("d", qubits[0]),), name="reset", duration=length)
    return Snippet(program, "reset", qubits)


def _missing(work: Work, row: int) -> str:
    gates, device = work.gates, work.device
    name, qubits = gates.names[gates.name[row]], gates.qubit_sets[gates.qubits[row]]
    outside = [q for q in qubits if q >= device.n_qubits]
    if outside:
        return f"{gates.where(row)}: qubits must be below {device.n_qubits}, but {outside} came."
    known = sorted(c.qubits for c in device.calibrations if c.name == name)
    names = sorted({c.name for c in device.calibrations})
    fact = f"{name!r} is calibrated on {known[:8]} only" if known else f"the device knows only {names}"
    return f"{gates.where(row)}: every gate must have a calibration, but {fact}. Transpile the circuit to the device."


def _check_arity(gates: GateTable, snippet: np.ndarray, snippets: List[Snippet]) -> None:
    takes = np.array([len(s.signature) for s in snippets] + [0], dtype=np.int64)
    wrong = (gates.kind != DELAY) & (snippet >= 0) & (takes[snippet] != gates.param_count)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise CompilerError(_wrong_arity(gates, row, int(takes[snippet[row]])))


def _wrong_arity(gates: GateTable, row: int, takes: int) -> str:
    return (
        f"{gates.where(row)}: the gate must have the {takes} parameters of its calibration, "
        f"but it has {gates.param_count[row]}."
    )
