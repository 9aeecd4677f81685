"""Write circuits as Qobj-like JSON, calibrations included, and read them."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

from qiskit.circuit import (
    Barrier,
    ClassicalRegister,
    Clbit,
    Delay,
    Gate,
    Instruction,
    Measure,
    QuantumCircuit,
    QuantumRegister,
    Qubit,
    Reset,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.pulse import ScheduleBlock
from qiskit.pulse.transforms import block_to_schedule

from ..plain import plain
from .blocks import read_block, write_block
from .schedules import read_schedule, write_schedule
from .values import Reader, Writer

__all__ = ["CircuitCapture", "read_circuit", "write_circuit"]


class CircuitCapture(NamedTuple):
    """What a circuit was when ``run`` saw it; cheap to take (10 ns per gate)."""

    instructions: List[Any]
    qubits: List[Any]
    clbits: List[Any]
    qregs: List[Any]
    cregs: List[Any]
    name: str
    metadata: Dict[str, Any]
    global_phase: Any
    calibrations: List[Tuple[str, Tuple[int, ...], Tuple[Any, ...], Any]]

    @staticmethod
    def of(circuit: QuantumCircuit) -> "CircuitCapture":
        """Capture a circuit."""
        calibrations = [
            (gate, tuple(qubits), tuple(parameters), schedule)
            for gate, entries in circuit.calibrations.items()
            for (qubits, parameters), schedule in entries.items()
        ]
        return CircuitCapture(
            list(circuit._data),
            list(circuit.qubits),
            list(circuit.clbits),
            list(circuit.qregs),
            list(circuit.cregs),
            circuit.name,
            dict(circuit.metadata or {}),
            circuit.global_phase,
            calibrations,
        )


def write_circuit(circuit: CircuitCapture, writer: Writer) -> Dict[str, Any]:
    """Return a circuit as JSON.

    Raises:
        StoreError: parameters or pulses of an unknown kind.
    """
    qubits = {bit: i for i, bit in enumerate(circuit.qubits)}
    clbits = {bit: i for i, bit in enumerate(circuit.clbits)}
    return {
        "type": "circuit",
        "name": circuit.name,
        "metadata": plain(circuit.metadata),
        "global_phase": writer.value(circuit.global_phase),
        "n_qubits": len(qubits),
        "n_clbits": len(clbits),
        "qregs": [[r.name, [qubits[b] for b in r]] for r in circuit.qregs],
        "cregs": [[r.name, [clbits[b] for b in r]] for r in circuit.cregs],
        "instructions": [_instruction(item, qubits, clbits, writer) for item in circuit.instructions],
        "calibrations": [
            {
                "gate": gate,
                "qubits": list(where),
                "params": [writer.value(p) for p in parameters],
                "name": schedule.name,
                **_body(schedule, writer),
            }
            for gate, where, parameters, schedule in circuit.calibrations
        ],
    }


def _body(schedule: Any, writer: Writer) -> Dict[str, Any]:
    if isinstance(schedule, ScheduleBlock) and not schedule.is_schedulable():
        return {"block": write_block(schedule, writer)}
    flat = block_to_schedule(schedule) if isinstance(schedule, ScheduleBlock) else schedule
    return {"instructions": write_schedule(flat, writer)}


def _instruction(item: Any, qubits: Dict[Any, int], clbits: Dict[Any, int], writer: Writer) -> Dict[str, Any]:
    operation = item.operation
    out: Dict[str, Any] = {"name": operation.name, "qubits": [qubits[q] for q in item.qubits]}
    if item.clbits:
        out["memory"] = [clbits[c] for c in item.clbits]
    params = getattr(operation, "params", ())
    if params:
        out["params"] = [writer.value(p) for p in params]
    if operation.name == "delay":
        out["unit"] = operation.unit
    if getattr(operation, "label", None):
        out["label"] = operation.label
    return out


def read_circuit(data: Dict[str, Any], reader: Reader) -> QuantumCircuit:
    """Return the circuit that :func:`write_circuit` wrote.

    Gates are terra's standard ones by name; others are opaque.
    """
    circuit = QuantumCircuit(name=data["name"], global_phase=reader.value(data["global_phase"]))
    circuit.metadata = data["metadata"]
    _add_bits(circuit, data, "q")
    _add_bits(circuit, data, "c")
    for item in data["instructions"]:
        operation = _operation(item, [reader.value(p) for p in item.get("params", ())])
        circuit.append(operation, item["qubits"], item.get("memory", ()))
    for entry in data["calibrations"]:
        schedule: Any = (
            read_block(entry["block"], reader)
            if "block" in entry
            else read_schedule(entry["instructions"], reader, name=entry["name"])
        )
        circuit.add_calibration(entry["gate"], entry["qubits"], schedule, [reader.value(p) for p in entry["params"]])
    return circuit


def _add_bits(circuit: QuantumCircuit, data: Dict[str, Any], kind: str) -> None:
    """Add bits and registers: registers in order own their bits, except shared ones."""
    bit, register = (Qubit, QuantumRegister) if kind == "q" else (Clbit, ClassicalRegister)
    total, registers = data[f"n_{kind}{'ubits' if kind == 'q' else 'lbits'}"], data[f"{kind}regs"]
    if [i for _, indices in registers for i in indices] == list(range(total)):
        for name, indices in registers:
            circuit.add_register(register(len(indices), name))
        return
    bits = [bit() for _ in range(total)]
    circuit.add_bits(bits)
    for name, indices in registers:
        circuit.add_register(register(name=name, bits=[bits[i] for i in indices]))


def _operation(item: Dict[str, Any], params: List[Any]) -> Instruction:
    name, label = item["name"], item.get("label")
    if name == "delay":
        return Delay(params[0], unit=item["unit"])
    if name == "barrier":
        return Barrier(len(item["qubits"]))
    if name in ("measure", "reset"):
        return Measure() if name == "measure" else Reset()
    standard = get_standard_gate_name_mapping().get(name)
    if standard is not None and standard.num_qubits == len(item["qubits"]):
        return type(standard)(*params, label=label)
    if "memory" not in item:
        return Gate(name, len(item["qubits"]), params, label=label)
    return Instruction(name, len(item["qubits"]), len(item["memory"]), params, label=label)
