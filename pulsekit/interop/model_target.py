"""Show a device as terra's Target and instruction schedule map."""

from __future__ import annotations

from typing import Any, Dict

from qiskit.circuit import Instruction
from qiskit.providers.backend_compat import convert_to_target
from qiskit.providers.models import BackendProperties, PulseBackendConfiguration, PulseDefaults
from qiskit.transpiler import InstructionProperties, Target

__all__ = ["target"]

NOT_GATES = ("measure", "reset", "delay")


def target(configuration: PulseBackendConfiguration, properties: BackendProperties, defaults: PulseDefaults) -> Target:
    """Return the target: basis gates, delay, reset, measure, measure_esp.

    Args:
        configuration: basis gates, coupling map, timing constraints.
        properties: errors, durations, T1 and T2.
        defaults: the calibrated pulses, measure_esp among them.
    """
    known = set(configuration.basis_gates) | set(NOT_GATES)
    unknown: Dict[str, Any] = {
        gate.gate: Instruction(gate.gate, len(gate.qubits), 0, [])
        for gate in properties.gates
        if gate.gate not in known
    }
    made: Target = convert_to_target(
        configuration, properties, defaults, custom_name_mapping=_with_standard(unknown), add_delay=True
    )
    _add_esp(made, defaults)
    return made


def _with_standard(unknown: Dict[str, Any]) -> Dict[str, Any]:
    """Return the operations that terra's own table lacks."""
    from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping

    standard = get_standard_gate_name_mapping()
    return {name: operation for name, operation in unknown.items() if name not in standard}


def _add_esp(made: Target, defaults: PulseDefaults) -> None:
    """Add measure_esp, without an error figure: transpile chooses as before."""
    entries = {}
    inst_map = defaults.instruction_schedule_map
    if "measure_esp" not in inst_map.instructions:
        return
    for qubit in inst_map.qubits_with_instruction("measure_esp"):
        qubits = (qubit,) if isinstance(qubit, int) else tuple(qubit)
        if len(qubits) == 1:
            calibration = inst_map._get_calibration_entry("measure_esp", qubits)
            entries[qubits] = InstructionProperties(calibration=calibration)
    made.add_instruction(Instruction("measure_esp", 1, 1, []), entries, name="measure_esp")
