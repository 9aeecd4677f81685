"""The experiments of benchmarks/clients.py: on which device, what they find, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

import numpy as np
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, SXGate

import pulsekit
from pulsekit.device import Device

__all__ = ["EXPERIMENTS", "Case"]

FREQUENCY, ANHARMONICITY, RABI_RATE = 5e9, -330e6, 130e6  # Hz
T1, T2 = 12e-6, 9e-6  # s
TPHI = 1 / (1 / T2 - 0.5 / T1)
DELAYS = 40  # samples that the peer may step over, where delays are most of it: a quarter of a pulse
NO_RESONATOR = "it has no resonator: levels are drawn from the final state, IQ points are placed by hand"
NO_RESTLESS = "its shots are independent of each other, and none of init_qubits, rep_delay and T1 between shots exists"
NOT_PADDED = "00 is counted as 0, so that the client finds no survival of two qubits, and its fit fails"

Of = Callable[[Any], float]


@dataclass(frozen=True)
class Case:
    """An experiment, and where in its results the true value is."""

    make: Callable[[Any, Any], Any]  # (library, our backend) -> experiment without a backend
    result: str = ""  # its name; "": no number
    true: Optional[Of] = None  # of our backend
    scale: float = 1.0  # what an error is a part of
    device: str = "transmon"  # of DEVICES
    noise: bool = False  # T1 and T2 act
    longest: int = 1  # samples that a step of the peer may take
    peer: str = ""  # why the peer cannot

    def backend(self, shots: int) -> pulsekit.Backend:
        """Return the device as a backend."""
        device = DEVICES[self.device]()
        return pulsekit.Backend(pulsekit.tune(device), "memory", seed_simulator=1, noise=self.noise, shots=shots)


DEVICES: Dict[str, Callable[[], Device]] = {
    "transmon": lambda: Device.transmon(FREQUENCY, anharmonicity=ANHARMONICITY, rabi_rate=RABI_RATE, t1=T1, t2=T2),
    "pair": lambda: Device.pair((5.08e9, 4.99e9), t1=30e-6, t2=25e-6),
}


def _tuned(backend: Any, qubit: int = 0) -> Any:
    return backend.instruction_schedule_map.get("x", qubit).instructions[0][1].pulse


def _drag(backend: Any, qubit: int = 0, **changes: Any) -> Any:
    with pulse.build(name="x") as made:
        pulse.play(pulse.Drag(**{**_tuned(backend, qubit).parameters, **changes}), pulse.DriveChannel(qubit))
    return made


def _calibrations(backend: Any) -> Any:
    from qiskit_experiments.calibration_management import Calibrations, FixedFrequencyTransmon

    x = _tuned(backend)
    guess = {"amp": x.amp / 2, "duration": x.duration, "β": x.beta, "σ": x.sigma}
    return Calibrations.from_backend(backend, libraries=[FixedFrequencyTransmon(default_values=guess)])


def _spectroscopy(library: Any, backend: Any) -> Any:
    return library.QubitSpectroscopy([0], FREQUENCY + np.linspace(-9e6, 11e6, 41), amp=0.005)


def _ef_spectroscopy(library: Any, backend: Any) -> Any:
    made = library.EFSpectroscopy([0], FREQUENCY + ANHARMONICITY + np.linspace(-9e6, 11e6, 41))
    made.set_experiment_options(amp=0.005)
    return made


def _resonator(library: Any, backend: Any) -> Any:
    resonator = backend.device.resonators[0].frequency
    made = library.ResonatorSpectroscopy([0], frequencies=resonator + np.linspace(-15e6, 15e6, 61))
    made.set_experiment_options(duration=960e-9, width=840e-9)
    return made


def _rabi(library: Any, backend: Any) -> Any:
    return library.Rabi([0], _drag(backend, amp=Parameter("amp")), np.linspace(-0.5, 0.5, 31))


def _ef_rabi(library: Any, backend: Any) -> Any:
    shape = {**_tuned(backend).parameters, "beta": 0.0, "amp": Parameter("amp")}
    with pulse.build(name="x12") as schedule, pulse.frequency_offset(ANHARMONICITY, pulse.DriveChannel(0)):
        pulse.play(pulse.Drag(**shape), pulse.DriveChannel(0))
    return library.EFRabi([0], schedule, np.linspace(-0.4, 0.4, 31))


def _rough_drag(library: Any, backend: Any) -> Any:
    return library.RoughDrag([0], _drag(backend, beta=Parameter("beta")), np.linspace(-5, 5, 21))


def _rough_amplitude(library: Any, backend: Any) -> Any:
    return library.RoughXSXAmplitudeCal([0], _calibrations(backend), np.linspace(-0.5, 0.5, 31))


def _restless(library: Any, backend: Any) -> Any:
    made = library.FineXAmplitude([0], backend)
    made.enable_restless(rep_delay=1e-6)
    return made


def _t2_ramsey(library: Any, backend: Any) -> Any:
    return library.T2Ramsey([0], list(np.linspace(2e-7, 2 * T2, 60)), osc_freq=3e5)


def _tphi(library: Any, backend: Any) -> Any:
    return library.Tphi([0], _delays(T1, 20), _delays(T2, 20), t2type="hahn")


def _delays(scale: float, points: int) -> List[float]:
    return list(np.linspace(1e-6, 3 * scale, points))


def _stark(library: Any, backend: Any) -> Any:
    return library.StarkRamseyXY([0], backend, stark_amp=0.12, stark_freq_offset=80e6)


def _states(library: Any, backend: Any) -> Any:
    x12 = backend.instruction_schedule_map.get("x12", 0)
    return library.MultiStateDiscrimination([0], backend, n_states=3, schedules={"x12": x12})


def _interleaved(library: Any, backend: Any) -> Any:
    return library.InterleavedRB(SXGate(), [0], [1, 10, 30, 60], num_samples=2, seed=3)


def _standard_pair(library: Any, backend: Any) -> Any:
    return library.StandardRB((0, 1), [1, 2, 4], num_samples=1, seed=3)


def _interleaved_pair(library: Any, backend: Any) -> Any:
    return library.InterleavedRB(CXGate(), (0, 1), [1, 3, 6], num_samples=2, seed=3)


def _bell() -> QuantumCircuit:
    qc = QuantumCircuit(2)
    qc.h(0)
    qc.cx(0, 1)
    return qc


def _rotation() -> QuantumCircuit:
    qc = QuantumCircuit(1)
    qc.ry(0.7, 0)
    qc.sx(0)
    return qc


def _parallel(library: Any, backend: Any) -> Any:
    from qiskit_experiments.framework import ParallelExperiment

    amplitudes = np.linspace(-0.5, 0.5, 25)
    parts = [library.Rabi([q], _drag(backend, q, amp=Parameter("amp")), amplitudes) for q in (0, 1)]
    made = ParallelExperiment(parts, flatten_results=True)
    made.set_run_options(meas_level=1, meas_return="single")  # the peer's counts of several slots are not padded
    return made


def _zz(backend: Any) -> float:
    """Return minus E11 - E10 - E01 + E00, Hz."""
    from pulsekit.calibration import static_zz

    return -float(static_zz(backend.device, 0, 1))


def _cross_resonance(library: Any, backend: Any) -> Any:
    return library.CrossResonanceHamiltonian((0, 1), durations=np.linspace(1e-7, 1.2e-6, 13), amp=0.15)


def _pi(backend: Any) -> float:
    return 0.5 / float(_tuned(backend).amp)


EXPERIMENTS: Dict[str, Case] = {
    "QubitSpectroscopy": Case(_spectroscopy, "f01", lambda b: FREQUENCY, 1e6),
    "EFSpectroscopy": Case(_ef_spectroscopy, "f12", lambda b: FREQUENCY + ANHARMONICITY, 1e6),
    "ResonatorSpectroscopy": Case(
        _resonator,
        "res_freq0",
        lambda b: float(b.device.resonators[0].frequency + b.device.resonators[0].chi[0]),
        1e6,
        peer=NO_RESONATOR,
    ),
    "Rabi": Case(_rabi, "rabi_rate", _pi),
    "EFRabi": Case(_ef_rabi, "rabi_rate_12", lambda b: np.sqrt(2) * _pi(b)),
    "RoughXSXAmplitudeCal": Case(_rough_amplitude, "rabi_rate", _pi),
    "RoughDrag": Case(_rough_drag, "beta", lambda b: _tuned(b).beta),
    "FineXAmplitude": Case(lambda e, b: e.FineXAmplitude([0]), "d_theta", lambda b: 0.0),
    "FineSXAmplitude": Case(lambda e, b: e.FineSXAmplitude([0]), "d_theta", lambda b: 0.0),
    "FineXAmplitude, restless": Case(_restless, "d_theta", lambda b: 0.0, noise=True, peer=NO_RESTLESS),
    "FineXDrag": Case(lambda e, b: e.FineXDrag([0]), "d_theta", lambda b: 0.0),
    "HalfAngle": Case(lambda e, b: e.HalfAngle([0]), "d_hac", lambda b: 0.0),
    "RamseyXY": Case(lambda e, b: e.RamseyXY([0], osc_freq=2e6), "freq", lambda b: 2e6, 1e6),
    "FrequencyCal": Case(lambda e, b: e.FrequencyCal([0], _calibrations(b)), "freq", lambda b: 2e6, 1e6),
    "FineFrequency": Case(lambda e, b: e.FineFrequency([0], 160), "d_theta", lambda b: 0.0),
    "StarkRamseyXY": Case(_stark, "freq", None, 1e6),
    "T1": Case(lambda e, b: e.T1([0], _delays(T1, 30)), "T1", lambda b: T1, T1, noise=True, longest=DELAYS),
    "T2Ramsey": Case(_t2_ramsey, "T2star", lambda b: T2, T2, noise=True, longest=DELAYS),
    "T2Hahn": Case(lambda e, b: e.T2Hahn([0], _delays(T2, 30)), "T2", lambda b: T2, T2, noise=True, longest=DELAYS),
    "Tphi": Case(_tphi, "T_phi", lambda b: TPHI, TPHI, noise=True, longest=DELAYS),
    "ReadoutAngle": Case(lambda e, b: e.ReadoutAngle([0])),
    "MultiStateDiscrimination": Case(_states),
    "LocalReadoutError": Case(lambda e, b: e.LocalReadoutError([0])),
    "StandardRB": Case(lambda e, b: e.StandardRB([0], [1, 20, 60, 120], num_samples=3, seed=3), noise=True),
    "InterleavedRB": Case(_interleaved, noise=True),
    "StateTomography": Case(
        lambda e, b: e.StateTomography(_bell(), physical_qubits=(0, 1)), "state_fidelity", None, device="pair"
    ),
    "ProcessTomography": Case(
        lambda e, b: e.ProcessTomography(_rotation(), physical_qubits=[0]), "process_fidelity", None
    ),
    "ParallelExperiment": Case(_parallel, "rabi_rate", _pi, device="pair"),
    "CrossResonanceHamiltonian": Case(_cross_resonance, "omega_zx", None, 1e6, device="pair"),
    "ZZRamsey": Case(
        lambda e, b: e.ZZRamsey((0, 1), max_delay=1e-5, num_delays=30), "zz", _zz, 1e3, device="pair", longest=DELAYS
    ),
    "StandardRB of a pair": Case(_standard_pair, device="pair", noise=True),
    "InterleavedRB of cx": Case(_interleaved_pair, device="pair", noise=True, peer=NOT_PADDED),
    "QuantumVolume": Case(lambda e, b: e.QuantumVolume((0, 1), trials=10, seed=4), "mean_HOP", None, device="pair"),
}
