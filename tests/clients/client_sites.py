"""Devices for the client tests, one qubit or pair of each, and how experiments run on them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from client_truth import dressed_element
from qiskit import QuantumCircuit, pulse

import pulsekit
from pulsekit.calibration import tune
from pulsekit.device import Device


@dataclass(frozen=True)
class Site:
    """One qubit of a tuned device."""

    backend: pulsekit.Backend
    qubit: int

    @property
    def transmon(self):
        return self.backend.device.transmons[self.qubit]

    @property
    def f01(self) -> float:
        return self.transmon.frequency

    @property
    def alpha(self) -> float:
        return self.transmon.anharmonicity

    @property
    def rabi_rate(self) -> float:
        """Hz at amplitude 1, of the qubit among its neighbours."""
        device = self.backend.device
        return device.drives[self.qubit].rabi_rate * dressed_element(device, self.qubit)

    @property
    def channel(self) -> pulse.DriveChannel:
        return pulse.DriveChannel(self.qubit)

    def tuned(self, gate: str) -> Any:
        """Return the tuned pulse of a gate."""
        instructions = self.backend.instruction_schedule_map.get(gate, self.qubit).instructions
        return next(i.pulse for _, i in instructions if isinstance(i, pulse.Play))

    def drag(self, gate: str, name: str = "", **changes: Any) -> pulse.ScheduleBlock:
        """Return the tuned pulse of a gate with other parameters (numbers or Parameters)."""
        shape = {**self.tuned(gate).parameters, **changes}
        with pulse.build(name=name or gate) as made:
            pulse.play(pulse.Drag(**shape), self.channel)
        return made

    def detuned_los(self, offset: float) -> List[float]:
        """Return drive LOs of the whole device, this qubit's moved by ``offset`` (Hz)."""
        los = list(self.backend.defaults().qubit_freq_est)
        los[self.qubit] += offset
        return los


def lone() -> pulsekit.Backend:
    """Return a transmon from scratch."""
    device = Device.transmon(4.93e9, anharmonicity=-305e6, rabi_rate=115e6, t1=60e-6, t2=50e-6)
    return pulsekit.Backend(tune(device), "memory", seed_simulator=11)


def pair() -> pulsekit.Backend:
    """Return two coupled transmons from scratch, with short lives that errors per gate can show."""
    device = Device.pair((5.08e9, 4.99e9), t1=[30e-6, 22e-6], t2=[25e-6, 31e-6])
    return pulsekit.Backend(tune(device), "memory", seed_simulator=5)


def snapshot(name: str) -> pulsekit.Backend:
    """Return a device of a shipped snapshot."""
    return pulsekit.Backend(tune(Device.from_snapshot(name)), "memory", seed_simulator=7)


def data_of(experiment: Any, backend: pulsekit.Backend) -> Any:
    """Run an experiment and its analysis; every job and analysis must succeed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = experiment.run(backend).block_for_results(timeout=600)
    assert not data.errors(), data.errors()
    return data


def values(experiment: Any, backend: pulsekit.Backend) -> Dict[str, Any]:
    """Return the analysis results by name, without their standard errors."""
    found = data_of(experiment, backend).analysis_results()
    return {r.name: getattr(r.value, "nominal_value", r.value) for r in found}


def with_gate(experiment: Any, gate: str, qubit: int, schedule: Any) -> Any:
    """Let an experiment play ``schedule`` for a gate, as its users do."""
    inst_map = pulse.InstructionScheduleMap()
    inst_map.add(gate, qubit, schedule)
    experiment.set_transpile_options(inst_map=inst_map)
    return experiment


def readout_errors(backend: Any, qubit: int, shots: int = 40_000) -> Tuple[float, float]:
    """Return how often 0 reads as 1 and 1 as 0, preparation included, as shots of the two states say."""
    circuits = [QuantumCircuit(qubit + 1, 1), QuantumCircuit(qubit + 1, 1)]
    circuits[1].x(qubit)
    for circuit in circuits:
        circuit.measure(qubit, 0)
    result = backend.run(circuits, shots=shots, seed_simulator=5).result()
    return result.get_counts(0).get("1", 0) / shots, result.get_counts(1).get("0", 0) / shots
