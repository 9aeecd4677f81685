"""What circuits of ideal gates come to in the decay of their own time, two levels per qubit, by numpy alone."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from client_exact import MANY
from qiskit.circuit.library import CXGate
from qiskit.quantum_info import Operator
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay
from qiskit_experiments.framework import ExperimentData

import pulsekit
from pulsekit.calibration import gate_fidelity


def decay(duration: float, t1: float, t2: float) -> np.ndarray:
    """Return the map of an idle qubit (p_th = 0) on the entries rho[0,0], rho[0,1], rho[1,0], rho[1,1]."""
    down, turn = np.exp(-duration / t1), np.exp(-duration / t2)
    return np.array([[1, 0, 0, 1 - down], [0, turn, 0, 0], [0, 0, turn, 0], [0, 0, 0, down]])


class Layers:
    """Circuits on the two qubits of a device, timed as late as possible; rho[b, a, b', a'] with a the first one."""

    def __init__(self, backend: pulsekit.Backend, qubits: Sequence[int]) -> None:
        self.backend, self.qubits = backend, tuple(qubits)
        transmons = [backend.device.transmons[q] for q in qubits]
        self.lives = [(t.t1, t.t2) for t in transmons]
        durations = backend.target.durations()
        self.timed = PassManager([ALAPScheduleAnalysis(durations), PadDelay(durations)])
        both = (self.qubits, self.qubits[::-1])
        self.cx_error = {pair: 1 - gate_fidelity(backend.device, "cx", pair) for pair in both}

    def probabilities(self, circuit: Any) -> np.ndarray:
        """Return how often 00, 01, 10 and 11 (the first qubit last) are left before the measurement."""
        rho = np.zeros((2, 2, 2, 2), complex)
        rho[0, 0, 0, 0] = 1
        timed = self.timed.run(circuit.remove_final_measurements(inplace=False))
        for instruction in timed.data:
            gate = instruction.operation
            if gate.name == "barrier":
                continue
            wires = [self.qubits.index(timed.find_bit(q).index) for q in instruction.qubits]
            seconds = (gate.duration or 0) * self.backend.dt
            rho = self._decayed(rho, wires, seconds / 2)
            if gate.name != "delay":
                rho = self._turned(rho, wires, Operator(gate).data)
            rho = self._decayed(rho, wires, seconds / 2)
            if isinstance(gate, CXGate):
                error = 4 / 3 * self.cx_error[tuple(self.qubits[w] for w in wires)]
                rho = (1 - error) * rho + error * np.eye(4).reshape(2, 2, 2, 2) / 4
        return rho.reshape(4, 4).diagonal().real

    def _decayed(self, rho: np.ndarray, wires: List[int], seconds: float) -> np.ndarray:
        for wire in wires:
            axes = (1 - wire, 3 - wire)
            local = np.moveaxis(rho, axes, (0, 1)).reshape(4, 4)
            new = (decay(seconds, *self.lives[wire]) @ local).reshape(2, 2, 2, 2)
            rho = np.moveaxis(new, (0, 1), axes)
        return rho

    def _turned(self, rho: np.ndarray, wires: List[int], u: np.ndarray) -> np.ndarray:
        whole = np.kron(np.eye(2), u) if wires == [0] else np.kron(u, np.eye(2)) if wires == [1] else u
        if wires == [1, 0]:
            whole = u.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
        return (whole @ rho.reshape(4, 4) @ whole.conj().T).reshape(2, 2, 2, 2)


def benchmarked(
    experiment: Any, backend: pulsekit.Backend, qubits: Sequence[int], errors: Sequence[Tuple[float, float]]
) -> Dict[str, float]:
    """Return what a benchmarking experiment's analysis finds on a pair.

    ``errors`` are, per qubit, how often 0 reads as 1, and 1 as 0.
    """
    layers = Layers(backend, qubits)
    one, two = (np.array([[1 - e0, e1], [e0, 1 - e1]]) for e0, e1 in errors)
    data = ExperimentData(experiment=experiment)
    entries = []
    for circuit in experiment._transpiled_circuits():
        alive = round(MANY * (np.kron(two, one) @ layers.probabilities(circuit))[0])
        entries.append({"counts": {"00": alive, "11": MANY - alive}, "metadata": circuit.metadata, "shots": MANY})
    data.add_data(entries)
    experiment.analysis.run(data).block_for_results()
    assert not data.errors(), data.errors()
    return {r.name: getattr(r.value, "nominal_value", r.value) for r in data.analysis_results()}
