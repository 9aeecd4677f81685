"""Collect the experiments of one compilation, and their headers."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import ParameterExpression, QuantumCircuit
from qiskit.pulse import Schedule, ScheduleBlock

from ..compiler.base import PassManager
from ..compiler.binding import bind_table, can_share, check_bound
from ..compiler.gates import empty_table
from ..compiler.pipeline import DeviceOptions, circuit_passes, header_of_notes, schedule_passes
from ..compiler.work import Work
from ..device import Device
from ..errors import CompilerError
from ..interop.binds import bind_circuits, bind_schedules, read_binds
from ..interop.bodies import read_bodies
from ..interop.circuits import Reading, read_circuits
from ..interop.schedules import CHANNEL_KINDS, UnboundShape, read_schedules
from ..program import Batch, Channel, LoTable, Program

__all__ = ["Parts", "bound_schedules", "plain_los"]

Binds = Optional[Sequence[Mapping[Any, Any]]]


class Parts:
    """Experiments in the order of the input, points within items.

    Args:
        items: number of circuits and schedules.
        copies: number of points to bind, at least 1.
    """

    def __init__(self, items: int, copies: int) -> None:
        self.copies = copies
        self.programs: List[Any] = [None] * (items * copies)
        self.headers: List[Dict[str, Any]] = [{}] * (items * copies)
        self.theta: Dict[int, np.ndarray] = {}  # item -> float64[copies, parameters]

    def add_circuits(
        self,
        which: Sequence[int],
        circuits: Sequence[QuantumCircuit],
        device: Device,
        method: str,
        options: DeviceOptions,
        binds: Binds,
    ) -> None:
        """Compile circuits; a template whose times do not depend on parameters is compiled once."""
        n = self.copies
        reading, bound = _read(circuits, device, binds)
        gates = reading.gates
        theta = None if bound or not binds else read_binds(binds, reading.parameters)
        shared = theta is not None and can_share(gates)
        if theta is not None and not shared:
            gates = bind_table(gates, theta)
        elif theta is not None:
            gates = gates.replace(points=tuple(theta))
        manager = PassManager(circuit_passes(options), options.check, trace=options.trace)
        try:
            work = manager.run(Work(gates, device, "device", method))
            one_for_all = not shared or all(_serves_all(p) for p in work.programs)
        except CompilerError:
            if not shared:
                raise
            one_for_all = False  # a pass that needs numbers
        if not one_for_all:
            shared, gates = False, bind_table(gates, theta)  # type: ignore[arg-type]
            work = manager.run(Work(gates, device, "device", method))
        told = header_of_notes(work)
        for k, (program, info, notes) in enumerate(zip(work.programs, gates.circuits, told)):
            header = {**info.header, **notes, "kind": "circuit"}
            if not shared:
                at = which[k // n] * n + k % n
                self.programs[at], self.headers[at] = program, header
                continue
            check_bound(program, theta[k])  # type: ignore[index]
            self.theta[which[k]] = theta[k]  # type: ignore[index]
            lo = which[k] * n
            self.programs[lo : lo + n] = [program] * n
            self.headers[lo : lo + n] = [{**header, "name": f"{info.name}-{m}"} for m in range(n)]

    def add_schedules(
        self, which: Sequence[int], schedules: Sequence[Any], device: Device, options: DeviceOptions
    ) -> None:
        """Take schedules over; every point gets the same program."""
        work = Work(empty_table(), device, "device", programs=tuple(read_schedules(schedules)))
        work = PassManager(schedule_passes(options), options.check, trace=options.trace).run(work)
        n = self.copies
        for k, program in zip(which, work.programs):
            header = {
                "memory_slots": program.memory_slots,
                "name": program.name,
                "metadata": dict(program.metadata),
                "kind": "schedule",
            }
            self.programs[k * n : (k + 1) * n] = [program] * n
            self.headers[k * n : (k + 1) * n] = [dict(header) for _ in range(n)]

    def pad_slots(self, memory_slots: int) -> None:
        """Give every experiment as many memory slots.

        Raises:
            CompilerError: an experiment uses more (8001).
        """
        padded: Dict[int, Program] = {}
        for k, (program, header) in enumerate(zip(self.programs, self.headers)):
            if memory_slots < program.memory_slots:
                raise CompilerError(
                    f"Argument `memory_slots` must be at least {program.memory_slots}, the slots of experiment {k} "
                    f"({header['name']!r}), but {memory_slots} came.",
                    code=8001,
                )
            if id(program) not in padded:
                padded[id(program)] = program.replace(memory_slots=memory_slots)
            extra = memory_slots - sum(size for _, size in header.get("creg_sizes", ()))
            if header.get("creg_sizes") and extra > 0:  # terra's accessors cut bit strings by these
                header["creg_sizes"] = [*header["creg_sizes"], ["memory_slots", extra]]
            header["memory_slots"] = memory_slots
        self.programs = [padded[id(p)] for p in self.programs]

    def batch(self, los: LoTable, expansion: np.ndarray) -> Batch:
        """Return the batch; ``expansion`` says which experiment each row of ``los`` is."""
        distinct: Dict[int, int] = {}
        numbers = [distinct.setdefault(id(p), len(distinct)) for p in self.programs]
        unique = {id(p): p for p in self.programs}
        return Batch(
            programs=tuple(unique.values()),
            program_of=np.array(numbers, dtype=np.int32)[expansion],
            los=los,
            theta=self._theta()[expansion] if self.theta else None,
            headers=tuple([self.headers[k] for k in expansion.tolist()]),
        )

    def _theta(self) -> np.ndarray:
        width = max(t.shape[1] for t in self.theta.values())
        out = np.zeros((len(self.programs), width))
        for k, theta in self.theta.items():
            out[k * self.copies : (k + 1) * self.copies, : theta.shape[1]] = theta
        return out


def bound_schedules(items: List[Any], binds: Binds) -> Tuple[List[Any], Binds]:
    """Return experiments and bindings; with the bindings in place, where a schedule has parameters."""
    parametric = any(isinstance(item, (Schedule, ScheduleBlock)) and item.is_parameterized() for item in items)
    if not parametric or not binds or not any(binds):
        return items, binds
    return bind_schedules(items, binds), None


def _read(circuits: Sequence[QuantumCircuit], device: Device, binds: Binds) -> Tuple[Reading, bool]:
    """Return the circuits' gates; bound already, where only qiskit can bind a pulse's shape."""
    try:
        return read_circuits(circuits, device.timing.dt, read_bodies), False
    except UnboundShape:
        if not binds:
            raise
        return read_circuits(bind_circuits(circuits, binds), device.timing.dt, read_bodies), True


def _serves_all(program: Program) -> bool:
    """Tell whether a program serves all points: only drives depend on parameters, and affinely."""
    table = program.parameters
    if table is None:
        return True
    kinds = np.array([c.kind in "du" for c in program.channels] or [True])
    return not table.expressions and bool(kinds[program.events.channel[table.row]].all())


def plain_los(entries: Any) -> Any:
    """Return LO entries with our channels as keys."""
    if entries is None:
        return ()
    listed = entries if isinstance(entries, (list, tuple)) else [entries]
    return [_plain_entry(e) for e in listed]


def _plain_entry(entry: Any) -> Any:
    if entry is None:
        return {}
    if hasattr(entry, "qubit_los"):
        entry = {**entry.qubit_los, **entry.meas_los}
    if not isinstance(entry, Mapping):
        return entry
    return {_plain_channel(c): f for c, f in entry.items()}


def _plain_channel(channel: Any) -> Any:
    """Return our channel for qiskit's; what is none (a memory slot, an index that is not bound) as its repr."""
    if isinstance(channel, Channel):
        return channel
    kind = CHANNEL_KINDS.get(type(channel).__name__)
    if isinstance(channel, str):
        return channel
    if kind is None or isinstance(channel.index, ParameterExpression):
        return repr(channel)
    return Channel(kind, int(channel.index))
