"""Compile and schedule: qiskit objects in, programs or schedules out."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.pulse import Schedule, ScheduleBlock
from qiskit.pulse.instructions import Instruction

from ..compiler.base import PassManager
from ..compiler.binding import bind_table
from ..compiler.gates import empty_table
from ..compiler.passes.check_frequencies import check_frequencies
from ..compiler.passes.frequency_plan import resolve_los
from ..compiler.pipeline import DeviceOptions, circuit_passes, header_of_notes, schedule_passes
from ..compiler.work import Work
from ..device import Device
from ..errors import CompilerError
from ..interop.binds import read_binds
from ..interop.circuits import read_circuits
from ..interop.maps import MapSnippets
from ..interop.schedules import read_schedules, snippet_from_schedule
from ..program import Batch, Channel, Program

__all__ = ["compile"]

_KINDS = {"DriveChannel": "d", "MeasureChannel": "m", "ControlChannel": "u", "AcquireChannel": "a"}


def compile(
    circuits: Any,
    device: Any,
    *,
    inst_map: Any = None,
    parameter_binds: Optional[Sequence[Mapping[Any, Any]]] = None,
    qubit_lo_freq: Optional[Sequence[float]] = None,
    meas_lo_freq: Optional[Sequence[float]] = None,
    schedule_los: Any = None,
    use_measure_esp: Optional[bool] = None,
    init_qubits: bool = True,
    frequency_scope: Optional[str] = None,
    method: str = "alap",
    memory_slots: Optional[int] = None,
    align: str = "pad",
    dd: Any = None,
    verify: bool = False,
) -> Batch:
    """Lower circuits and schedules to pulse programs, as a device runs them.

    Args:
        circuits: QuantumCircuit, Schedule, ScheduleBlock, pulse Instruction,
            or a list that may mix them; never changed.
        device: Device or Backend.
        inst_map: an InstructionScheduleMap that goes before the device's own
            calibrations (and after those of a circuit).
        parameter_binds: one dict of values per point; m circuits and n points
            give m x n experiments, all points of the first circuit first.
        qubit_lo_freq: Hz per qubit, instead of the device's.
        meas_lo_freq: Hz per qubit, instead of the device's.
        schedule_los: LO overrides per experiment, see ``Backend.run``.
        use_measure_esp: excited-state promoted readout of final measures;
            None: as the device says.
        init_qubits: qubits start reset; ESP is off without.
        frequency_scope: "gate" or "program"; None: "gate" for circuits,
            "program" for schedules.
        method: "alap" or "asap".
        memory_slots: at least as many as the experiments use; pads.
        align: "pad" moves what is off the device's grids, "strict" refuses.
        dd: dynamical decoupling of idle times, None: none.
        verify: check the programs after every pass.

    Returns:
        Batch: programs shared by equal experiments; ``headers`` has one
        mapping per experiment: the result's header (contract of terra) and
        "kind", "circuit" or "schedule".

    Raises:
        CompilerError: what cannot be lowered, with circuit, index and qubits.
        ProgramError: an invalid schedule.
    """
    device = device if isinstance(device, Device) else device.device
    items = list(circuits) if isinstance(circuits, (list, tuple)) else [circuits]
    kinds = [_kind_of(item) for item in items]
    points = len(parameter_binds) if parameter_binds else 0
    if points == 1 and not parameter_binds[0]:  # type: ignore[index]
        points, parameter_binds = 0, None
    copies = points or 1
    options = DeviceOptions(_user_lookup(inst_map), use_measure_esp, init_qubits, frequency_scope, align, dd)
    programs: List[Any] = [None] * (len(items) * copies)
    headers: List[Dict[str, Any]] = [{} for _ in programs]
    which = [k for k, kind in enumerate(kinds) if kind == "circuit"]
    if which:
        compiled = _compile_circuits([items[k] for k in which], device, method, options, parameter_binds)
        for n, (program, header) in enumerate(zip(*compiled)):
            k = which[n // copies] * copies + n % copies
            programs[k], headers[k] = program, {**header, "kind": "circuit"}
    which = [k for k, kind in enumerate(kinds) if kind == "schedule"]
    if which:
        for k, program in zip(which, _compile_schedules([items[k] for k in which], device, options)):
            for n in range(k * copies, (k + 1) * copies):
                programs[n] = program
                headers[n] = {
                    "memory_slots": program.memory_slots,
                    "name": program.name,
                    "metadata": dict(program.metadata),
                    "kind": "schedule",
                }
    if memory_slots is not None:
        _pad_slots(programs, headers, memory_slots)
    los, expansion = resolve_los(
        device,
        len(programs),
        qubit_lo_freq=qubit_lo_freq,
        meas_lo_freq=meas_lo_freq,
        schedule_los=_plain_los(schedule_los),
    )
    distinct: Dict[int, int] = {}
    numbers = [distinct.setdefault(id(p), len(distinct)) for p in programs]
    unique = {id(p): p for p in programs}
    expanded = np.asarray(expansion, dtype=np.int64)
    batch = Batch(
        programs=tuple(unique.values()),
        program_of=np.array(numbers, dtype=np.int32)[expanded],
        los=los,
        headers=tuple(headers[k] for k in expanded.tolist()),
    )
    check_frequencies(batch, device)
    return batch


def _pad_slots(programs: List[Program], headers: List[Dict[str, Any]], memory_slots: int) -> None:
    for k, (program, header) in enumerate(zip(programs, headers)):
        if memory_slots < program.memory_slots:
            raise CompilerError(
                f"Argument `memory_slots` must be at least {program.memory_slots}, the slots of experiment {k} "
                f"({header['name']!r}), but {memory_slots} came.",
                code=8001,
            )
        padded = program.replace(memory_slots=memory_slots) if program.memory_slots != memory_slots else program
        for n in range(k, len(programs)):
            if programs[n] is program:
                programs[n] = padded
        header["memory_slots"] = memory_slots


def _kind_of(item: Any) -> str:
    if isinstance(item, QuantumCircuit):
        return "circuit"
    if isinstance(item, (Schedule, ScheduleBlock, Instruction)):
        return "schedule"
    raise CompilerError(
        "Argument `circuits` must hold QuantumCircuit, Schedule, ScheduleBlock or pulse Instruction objects, "
        f"but {type(item).__name__} came."
    )


def _compile_circuits(
    circuits: Sequence[QuantumCircuit],
    device: Device,
    method: str,
    options: DeviceOptions,
    binds: Optional[Sequence[Mapping[Any, Any]]],
) -> Tuple[List[Program], List[Dict[str, Any]]]:
    reading = read_circuits(circuits, device.timing.dt, _own)
    gates = reading.gates
    if binds:
        gates = bind_table(gates, read_binds(binds, reading.parameters))
    work = PassManager(circuit_passes(options)).run(Work(gates, device, "device", method))
    told = header_of_notes(work)
    return list(work.programs), [{**info.header, **notes} for info, notes in zip(gates.circuits, told)]


def _compile_schedules(schedules: Sequence[Any], device: Device, options: DeviceOptions) -> List[Program]:
    programs = tuple(read_schedules(schedules))
    work = Work(empty_table(), device, "device", programs=programs)
    return list(PassManager(schedule_passes(options)).run(work).programs)


def _user_lookup(inst_map: Any) -> Any:
    if inst_map is None:
        return None
    return MapSnippets(inst_map).find


def _own(schedule: Any, name: str, qubits: Tuple[int, ...]) -> Any:
    return snippet_from_schedule(schedule, name, qubits, fixed=name == "measure", id=f"user:{name}:{list(qubits)}")


def _plain_los(entries: Any) -> Any:
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
    kind = _KINDS.get(type(channel).__name__)
    return Channel(kind, int(channel.index)) if kind else channel
