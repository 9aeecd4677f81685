"""Compile and schedule: qiskit objects in, programs or schedules out."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

import networkx as nx
import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.pulse import InstructionScheduleMap, Schedule, ScheduleBlock
from qiskit.pulse.instructions import Instruction

from ..compiler.base import PassManager
from ..compiler.passes.check_frequencies import check_frequencies
from ..compiler.passes.crosstalk import conflict_graph
from ..compiler.passes.frequency_plan import resolve_los
from ..compiler.passes.lowering import lower
from ..compiler.passes.queue_measures import QueueMeasures
from ..compiler.passes.sequencing import Sequence as SequencePass
from ..compiler.pipeline import DeviceOptions
from ..compiler.work import Work
from ..device import Device
from ..errors import CompilerError
from ..interop.circuits import read_circuits
from ..interop.maps import MapSnippets
from ..interop.qobj import is_qobj, read_qobj
from ..interop.terra_mode import TerraMaps, own_snippets
from ..interop.to_schedules import schedules_of
from ..program import Batch
from .exceptions import provider_errors
from .parts import Parts, bound_schedules, plain_los
from .terra_lookup import TerraLookup

__all__ = ["compile", "schedule"]


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
    align: str = "device",
    dd: Any = None,
    constraints: Sequence[Any] = (),
    crosstalk: Any = None,
    optimize: bool = False,
    verify: bool = False,
    trace: Optional[List[Any]] = None,
) -> Batch:
    """Lower circuits and schedules to pulse programs, as a device runs them.

    Args:
        circuits: QuantumCircuit, Schedule, ScheduleBlock, pulse Instruction,
            or a list that may mix them; or a QasmQobj or PulseQobj, whose LO
            settings hold where none are given here. Never changed.
        device: Device or Backend.
        inst_map: an InstructionScheduleMap that goes before the device's own
            calibrations (and after those of a circuit).
        parameter_binds: one dict of values per point; m experiments and n
            points give m x n, all points of the first one first.
        qubit_lo_freq: Hz per qubit, instead of the device's.
        meas_lo_freq: Hz per qubit, instead of the device's.
        schedule_los: LO overrides per experiment, see ``Backend.run``.
        use_measure_esp: excited-state promoted readout of final measures;
            None: as the device says.
        init_qubits: qubits start reset; ESP is off without.
        frequency_scope: "gate" or "program"; None: "gate" for circuits,
            "program" for schedules.
        method: "alap", "asap", or terra's long names.
        memory_slots: at least as many as the experiments use; pads.
        align: what is off the device's grids or too short: "device" refuses
            what a user wrote (schedules, pulse gates) and moves gates onto
            the grids; "pad" pads and moves both, "strict" refuses both,
            "off" leaves both.
        dd: dynamical decoupling of idle times: "X2", "XY4", "XY8", "UDD<n>" or
            a dict of options; None: none. Circuits only, as the next two.
        constraints: of ``compiler.passes.constraints``: gates that start
            together, do not overlap, keep a distance; idle neighbours.
        crosstalk: True, or a networkx graph of qubit pairs, whose gates never
            play at the same time.
        optimize: merge phases and delays, remove what does nothing and share
            equal pulses: fewer rows, the same signals.
        verify: check the programs after every pass.
        trace: gets one ``TraceEntry`` per pass: what it changed and took.

    Returns:
        Batch: programs shared by equal experiments; ``headers`` has one
        mapping per experiment: the result's header (contract of terra) and
        "kind", "circuit" or "schedule".

    Raises:
        CompilerError: what cannot be lowered, with circuit, index and qubits.
        ProgramError: an invalid schedule.
    """
    device = _device_of(device)
    _refuse_others("an InstructionScheduleMap", (InstructionScheduleMap,), inst_map=inst_map)
    _refuse_others("a list of dicts {Parameter: value}", (list, tuple), parameter_binds=parameter_binds)
    _refuse_others("a list", (list, tuple), constraints=constraints, trace=trace)
    _refuse_others("True or a networkx graph of qubit pairs", (bool, nx.Graph), crosstalk=crosstalk)
    if is_qobj(circuits):
        held = read_qobj(circuits)
        circuits = list(held.experiments)
        qubit_lo_freq = held.los.get("qubit_lo_freq") if qubit_lo_freq is None else qubit_lo_freq
        meas_lo_freq = held.los.get("meas_lo_freq") if meas_lo_freq is None else meas_lo_freq
        schedule_los = held.los.get("schedule_los") if schedule_los is None else schedule_los
    items = list(circuits) if isinstance(circuits, (list, tuple)) else [circuits]
    items, parameter_binds = bound_schedules(items, parameter_binds)
    kinds, method = [_kind_of(item) for item in items], _method(method)
    points = len(parameter_binds) if parameter_binds else 0
    if isinstance(parameter_binds, (list, tuple)) and not any(parameter_binds):
        points, parameter_binds = 0, None
    copies = points or 1
    options = DeviceOptions(
        user=None if inst_map is None else MapSnippets(inst_map).find,
        use_measure_esp=use_measure_esp,
        init_qubits=init_qubits,
        frequency_scope=frequency_scope,
        align=align,
        dd=dd,
        constraints=tuple(constraints),
        conflicts=conflict_graph(device) if crosstalk is True else crosstalk or None,
        optimize=optimize,
        verify=verify,
        trace=trace,
    )
    parts = Parts(len(items), copies)
    which = [k for k, kind in enumerate(kinds) if kind == "circuit"]
    if which:
        parts.add_circuits(which, [items[k] for k in which], device, method, options, parameter_binds)
    which = [k for k, kind in enumerate(kinds) if kind == "schedule"]
    if which:
        parts.add_schedules(which, [items[k] for k in which], device, options)
    if memory_slots is not None:
        parts.pad_slots(memory_slots)
    los, expansion = resolve_los(
        device,
        len(items) * copies,
        qubit_lo_freq=qubit_lo_freq,
        meas_lo_freq=meas_lo_freq,
        schedule_los=plain_los(schedule_los),
    )
    batch = parts.batch(los, np.asarray(expansion, dtype=np.int64))
    check_frequencies(batch, device)
    return batch


def schedule(
    circuits: Any,
    backend: Any = None,
    inst_map: Any = None,
    meas_map: Any = None,
    dt: Optional[float] = None,
    method: Any = None,
) -> Any:
    """Schedule circuits as terra's ``schedule`` does, to equal Schedules.

    Args:
        circuits: QuantumCircuit or a list of them; never changed.
        backend: any pulse backend, terra's or ours.
        inst_map: InstructionScheduleMap; None: the backend's.
        meas_map: groups of qubits that are measured together; None: the
            backend's.
        dt: sample time in s; None: the backend's.
        method: "alap" (default), "asap", or terra's long names.

    Returns:
        Schedule, or a list of Schedules if a list came.

    Raises:
        IBMQBackendError: what terra would refuse, and what it drops silently
            (conditions, control flow), with circuit, instruction and qubits.
    """
    with provider_errors():
        inst_map, meas_map, dt = _sources(backend, inst_map, meas_map, dt)
        listed = circuits if isinstance(circuits, list) else [circuits]
        for item in listed:
            if not isinstance(item, QuantumCircuit):
                raise CompilerError(f"Argument `circuits` must hold circuits, but {type(item).__name__} came.")
        reading = read_circuits(listed, dt, own_snippets)
        lookup = TerraLookup(TerraMaps(inst_map, meas_map, backend))
        work = Work(reading.gates, None, "terra", _method(method))  # type: ignore[arg-type]
        work = PassManager((lookup, QueueMeasures(), SequencePass())).run(work)
        infos = reading.gates.circuits
        assert work.total is not None
        out = schedules_of(lower(work), [i.name for i in infos], [i.metadata for i in infos], work.total)
    return out if isinstance(circuits, list) else out[0]


def _refuse_others(rule: str, kinds: Tuple[type, ...], **arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None and not isinstance(value, kinds):
            raise CompilerError(f"Argument `{name}` must be {rule}, but {value!r} came.")


def _device_of(device: Any) -> Device:
    own = getattr(device, "device", device)
    if not isinstance(own, Device):
        raise CompilerError(
            f"Argument `device` must be a Device or a Backend of pulsekit, but {type(device).__name__} came. "
            "Device.from_snapshot(name) makes one of a name, Device.from_backend(backend) of another's backend."
        )
    return own


_METHODS = {"alap": "alap", "as_late_as_possible": "alap", "asap": "asap", "as_soon_as_possible": "asap", None: "alap"}


def _method(method: Any) -> str:
    if method not in _METHODS:
        raise CompilerError(
            f"Argument `method` must be one of {sorted(m for m in _METHODS if m)}, but {method!r} came."
        )
    return _METHODS[method]


def _sources(backend: Any, inst_map: Any, meas_map: Any, dt: Optional[float]) -> Tuple[Any, Any, Optional[float]]:
    if backend is None and (inst_map is None or meas_map is None):
        raise CompilerError("Argument `backend` must be given, or both `inst_map` and `meas_map`, but it is None.")
    if backend is None:
        return inst_map, meas_map, dt
    if not hasattr(backend, "configuration") and not hasattr(backend, "instruction_schedule_map"):
        raise CompilerError(f"Argument `backend` must be a backend with pulses, but {type(backend).__name__} came.")
    if getattr(backend, "version", 0) > 1:
        inst_map = backend.instruction_schedule_map if inst_map is None else inst_map
        meas_map = backend.meas_map if meas_map is None else meas_map
        return inst_map, meas_map, backend.dt if dt is None else dt
    if inst_map is None:
        defaults = backend.defaults()
        if defaults is None:
            raise CompilerError("Argument `backend` must have pulse defaults, but it has none.")
        inst_map = defaults.instruction_schedule_map
    configuration = backend.configuration()
    return (
        inst_map,
        configuration.meas_map if meas_map is None else meas_map,
        getattr(configuration, "dt", None) if dt is None else dt,
    )


def _kind_of(item: Any) -> str:
    if isinstance(item, QuantumCircuit):
        return "circuit"
    if isinstance(item, (Schedule, ScheduleBlock, Instruction)):
        return "schedule"
    raise CompilerError(
        "Argument `circuits` must hold QuantumCircuit, Schedule, ScheduleBlock or pulse Instruction objects, "
        f"but {type(item).__name__} came."
    )
