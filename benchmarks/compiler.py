"""Compile what terra compiles, and compare CPU times in one run.

Our times start from the QuantumCircuit objects and end with the flat
programs, or with qiskit Schedules where the name says so. Terra gets a few
circuits of each set (it is linear in their number) after a warm run.
"""

from __future__ import annotations

import math
import time
import warnings
from typing import Any, Callable, List, Sequence, Tuple

import numpy as np
import qiskit
from qiskit import QuantumCircuit, pulse, transpile
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import QFT
from qiskit.compiler import assemble
from qiskit.providers.fake_provider import FakeMontreal, FakeWashington
from qiskit.providers.models import PulseDefaults

from pulsekit.backend.frontend import compile as pulsekit_compile
from pulsekit.backend.frontend import schedule as pulsekit_schedule
from pulsekit.device import Device
from pulsekit.interop.qobj_out import assemble_pulse_qobj

from .table import Row

__all__ = ["rows"]


def rb_circuits(count: int, cliffords: int = 100, seed: int = 1) -> List[QuantumCircuit]:
    """Return one-qubit randomized benchmarking circuits in rz, sx, x."""
    from qiskit.quantum_info import random_clifford

    rng = np.random.default_rng(seed)
    models = [
        transpile(random_clifford(1, seed=s).to_circuit(), basis_gates=["rz", "sx", "x"], optimization_level=1)
        for s in range(100)
    ]
    out = []
    for k in range(count):
        circuit = QuantumCircuit(1, 1, name=f"rb{k}")
        for model in rng.integers(0, len(models), cliffords):
            circuit.compose(models[model], [0], inplace=True)
            circuit.barrier(0)
        circuit.measure(0, 0)
        out.append(circuit)
    return out


def layered_circuit(backend: Any, qubits: int, depth: int, seed: int = 1) -> QuantumCircuit:
    """Return layers of random one-qubit gates and cx (or ecr) on the coupling map."""
    rng = np.random.default_rng(seed)
    edges = [tuple(e) for e in backend.configuration().coupling_map if max(e) < qubits]
    circuit = QuantumCircuit(backend.configuration().n_qubits, qubits)
    for _ in range(depth // 2):
        for q in range(qubits):
            circuit.rz(float(rng.uniform(-3, 3)), q)
            circuit.sx(q)
        free = set(range(qubits))
        for k in rng.permutation(len(edges)).tolist():
            a, b = edges[k]
            if a in free and b in free:
                free -= {a, b}
                circuit.cx(a, b)
    circuit.measure(range(qubits), range(qubits))
    return transpile(circuit, backend, optimization_level=0)


def cpu(function: Callable[[], Any], repeats: int = 9) -> float:
    """Return the least CPU time of several calls, in s."""
    best = math.inf
    for _ in range(repeats):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


class Case:
    """A set of circuits on one snapshot, for both compilers."""

    def __init__(self, name: str, goal: str, device: Device, circuits: Sequence[QuantumCircuit], sample: int) -> None:
        self.name, self.goal, self.device = name, goal, device
        self.circuits, self.sample = list(circuits), sample
        vendor = device.vendor
        self.inst_map = PulseDefaults.from_dict(dict(vendor["defaults"])).instruction_schedule_map
        self.meas_map = [list(g) for g in device.meas_map]

    def terra(self, circuits: Sequence[QuantumCircuit]) -> Any:
        """Schedule with terra."""
        return qiskit.schedule(list(circuits), inst_map=self.inst_map, meas_map=self.meas_map, dt=self.device.timing.dt)

    def ours(self) -> Any:
        """Schedule with pulsekit, to Schedules."""
        return pulsekit_schedule(
            self.circuits, inst_map=self.inst_map, meas_map=self.meas_map, dt=self.device.timing.dt
        )

    def rows(self, schedules_goal: str = "") -> List[Row]:
        """Measure programs and Schedules."""
        self.terra(self.circuits[:1])
        peer = cpu(lambda: self.terra(self.circuits[: self.sample]), 3) * len(self.circuits) / self.sample
        flat = cpu(lambda: pulsekit_compile(self.circuits, self.device))
        views = cpu(self.ours)
        return [
            Row(f"{self.name}, to programs", flat, "terra schedule", peer, goal=self.goal),
            Row(f"{self.name}, to Schedules", views, "terra schedule", peer, goal=schedules_goal),
        ]


def _cases() -> List[Tuple[Case, str]]:
    perth = Device.from_snapshot("ibm_perth")
    qft = QFT(5).decompose()
    qft.measure_all()
    qft5 = transpile(
        [qft] * 8,
        basis_gates=["rz", "sx", "x", "cx"],
        coupling_map=[list(e) for e in perth.coupling_map],
        optimization_level=1,
        seed_transpiler=1,
    )
    copies = [c.copy(name=f"qft{k}") for k, c in enumerate(qft5 * 38)][:300]
    twenty = Device.from_snapshot("ibmq_montreal")
    washington = Device.from_snapshot("ibm_washington")
    return [
        (Case("RB, 300 x 100 Cliffords", ">= 100x", perth, rb_circuits(300), 3), ">= 40x"),
        (Case("QFT-5 x 300", ">= 200x", perth, copies, 3), ""),
        (Case("20 qubits, depth 50", ">= 150x", twenty, [layered_circuit(FakeMontreal(), 20, 50)], 1), ""),
        (Case("127 qubits, depth 20", ">= 150x", washington, [layered_circuit(FakeWashington(), 127, 20)], 1), ""),
    ]


def qobj_row() -> Row:
    """Schedule and assemble to PulseQobj, against the same by terra."""
    backend, circuits = FakeMontreal(), rb_circuits(300)
    ours = cpu(lambda: assemble_pulse_qobj(pulsekit_schedule(circuits, backend), backend))
    peer = cpu(lambda: assemble(qiskit.schedule(circuits[:3], backend), backend), 3) * 100
    return Row("RB, 300 x 100 Cliffords, to PulseQobj", ours, "terra schedule + assemble", peer, goal=">= 50x")


def binding_row(points: int = 300, parameters: int = 40) -> Row:
    """Bind many points of one template, against binding and scheduling each."""
    device = Device.from_snapshot("ibm_perth")
    case = Case("", "", device, [], 0)
    circuit, symbols = ansatz(parameters)
    rng = np.random.default_rng(1)
    binds = [dict(zip(symbols, rng.uniform(-3, 3, parameters).tolist())) for _ in range(points)]
    ours = cpu(lambda: pulsekit_compile(circuit, device, parameter_binds=binds))
    case.terra([circuit.assign_parameters(binds[0])])
    peer = cpu(lambda: [case.terra([circuit.assign_parameters(b)]) for b in binds[:3]], 3) * points / 3
    return Row(f"bind {points} points of {parameters} parameters", ours, "terra bind + schedule", peer, goal=">= 1000x")


def sweep_row(circuit: QuantumCircuit, length: Parameter, goal: str = "", points: int = 300) -> Row:
    """Bind the lengths of a template's pulses, against binding and scheduling each."""
    device = Device.from_snapshot("ibm_perth")
    case = Case("", "", device, [], 0)
    binds = [{length: 256 + 16 * k} for k in range(points)]
    ours = cpu(lambda: pulsekit_compile(circuit, device, parameter_binds=binds))
    case.terra([circuit.assign_parameters(binds[0])])
    peer = cpu(lambda: [case.terra([circuit.assign_parameters(b)]) for b in binds[:10]], 3) * points / 10
    return Row(f"{points} pulse lengths, {circuit.name}", ours, "terra bind + schedule", peer, goal=goal)


def cross_resonance_template() -> Tuple[QuantumCircuit, Parameter]:
    """Return an echoed cross-resonance gate, as long as a parameter says."""
    length, drag = Parameter("length"), pulse.Drag(160, 0.2, 40, 1.0)
    d0, d1, u0 = pulse.DriveChannel(0), pulse.DriveChannel(1), pulse.ControlChannel(0)
    with pulse.build() as block, pulse.align_sequential():
        for turn in (0.0, np.pi):
            with pulse.align_left():
                pulse.play(pulse.GaussianSquare(length, 0.1, 32, width=length - 128, angle=turn), u0)
                pulse.play(pulse.GaussianSquare(length, 0.05, 32, width=length - 128, angle=1.0 + turn), d1)
            pulse.play(drag, d0)
    circuit = QuantumCircuit(2, 2, name="echoed cross resonance")
    circuit.sx(0)
    circuit.append(Gate("cr", 2, [length]), [0, 1])
    circuit.sx(1)
    circuit.measure([0, 1], [0, 1])
    circuit.add_calibration("cr", [0, 1], block, [length])
    return circuit, length


def stark_template() -> Tuple[QuantumCircuit, Parameter]:
    """Return a Ramsey experiment with an off-resonant tone, as long as a parameter says."""
    length, d0 = Parameter("length"), pulse.DriveChannel(0)
    with pulse.build() as block:
        pulse.shift_frequency(-50e6, d0)
        pulse.play(pulse.GaussianSquare(length, 0.1, 32, width=length - 128), d0)
        pulse.shift_frequency(50e6, d0)
        pulse.shift_phase(0.07 * length, d0)
    circuit = QuantumCircuit(1, 1, name="Stark")
    circuit.sx(0)
    circuit.append(Gate("stark", 1, [length]), [0])
    circuit.sx(0)
    circuit.measure(0, 0)
    circuit.add_calibration("stark", [0], block, [length])
    return circuit, length


def ansatz(parameters: int) -> Tuple[QuantumCircuit, List[Parameter]]:
    """Return a hardware-efficient template on five qubits of a heavy-hex device."""
    symbols = [Parameter(f"t{k:03d}") for k in range(parameters)]
    circuit = QuantumCircuit(7, 7)
    for k, symbol in enumerate(symbols):
        q = k % 5
        circuit.sx(q)
        circuit.rz(symbol, q)
        circuit.sx(q)
        if q == 4:
            for a, b in ((0, 1), (1, 2), (1, 3)):
                circuit.cx(a, b)
    circuit.measure(range(5), range(5))
    return circuit, symbols


def rows() -> List[Row]:
    """Return the rows of the compiler's benchmark."""
    out: List[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case, goal in _cases():
            out += case.rows(goal)
        out += [qobj_row(), binding_row()]
        out += [sweep_row(*cross_resonance_template(), ">= 100x"), sweep_row(*stark_template())]
    return out
