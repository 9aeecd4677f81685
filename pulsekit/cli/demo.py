"""Run the main job: circuits and pulse experiments on a real calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Tuple

import click
import numpy as np
from qiskit import QuantumCircuit, pulse, transpile
from qiskit.pulse import DriveChannel
from qiskit.quantum_info import hellinger_fidelity
from tqdm import tqdm

from ..backend import Backend, compile, get_backend
from ..backend.provider import untuned_device
from ..calibration import Fit, fit_rabi, fit_resonance, project_iq, tune

__all__ = ["Findings", "iq_clouds", "qubit_spectroscopy", "rabi", "raw_trace", "run_circuits", "run_demo"]

SPECTROSCOPY_SPAN = 4e6  # Hz, to each side of the estimate
SPECTROSCOPY_DURATION = 4096  # samples


@dataclass
class Findings:
    """What the demo measured; the report draws it."""

    backend: Backend
    qubit: int
    counts: Dict[str, Dict[str, int]] = field(default_factory=dict)  # per circuit
    fidelities: Dict[str, float] = field(default_factory=dict)  # Hellinger, per circuit
    program: Any = None  # the Bell circuit's pulse program, as the device runs it
    rabi: Any = None  # Fit, pi amplitude
    resonance: Any = None  # Fit, Hz
    clouds: Dict[str, np.ndarray] = field(default_factory=dict)  # per level, complex128[shots]
    trace: Any = None  # complex128[samples]


def bell() -> QuantumCircuit:
    """Return the circuit that makes and measures a Bell state."""
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ghz() -> QuantumCircuit:
    """Return the circuit that makes and measures a three-qubit GHZ state."""
    circuit = QuantumCircuit(3, name="ghz-3")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure_all()
    return circuit


def run_circuits(backend: Backend, *, shots: int, seed: int) -> Tuple[Dict[str, Dict[str, int]], Dict[str, float], Any]:
    """Run Bell and GHZ-3; return counts, Hellinger fidelities, Bell's circuit."""
    circuits = transpile([bell(), ghz()], backend, optimization_level=3, seed_transpiler=seed)
    result = backend.run(circuits, job_name="demo circuits", shots=shots, seed_simulator=seed).result()
    counts = {c.name: dict(result.get_counts(i)) for i, c in enumerate(circuits)}
    ideal = {"bell": {"00": 0.5, "11": 0.5}, "ghz-3": {"000": 0.5, "111": 0.5}}
    fidelities = {name: hellinger_fidelity(counts[name], ideal[name]) for name in counts}
    return counts, fidelities, circuits[0]


def _x_pulse(backend: Backend, qubit: int) -> Any:
    schedule = backend.instruction_schedule_map.get("x", [qubit])
    return next(i.pulse for _, i in schedule.instructions if isinstance(i, pulse.Play))


def _measured(backend: Backend, qubit: int, name: str, *plays: Any) -> Any:
    """Return a schedule that calls or plays ``plays`` and then measures."""
    with pulse.build(backend, name=name) as schedule:
        with pulse.align_sequential():
            for play in plays:
                if isinstance(play, pulse.Schedule):
                    pulse.call(play)
                else:
                    pulse.play(play, DriveChannel(qubit))
            pulse.barrier(qubit)
            pulse.measure(qubit, pulse.MemorySlot(0))
    return schedule


def rabi(backend: Backend, qubit: int, *, shots: int, seed: int, points: int = 41) -> Fit:
    """Sweep the amplitude of the x pulse at level 1; the fit's value is a_pi."""
    shape = _x_pulse(backend, qubit)
    amplitudes = np.linspace(0, min(0.98, 2.5 * shape.amp), points)
    schedules = [
        _measured(
            backend, qubit, f"rabi {k}", pulse.Drag(shape.duration, a, shape.sigma, shape.beta, angle=shape.angle)
        )
        for k, a in enumerate(amplitudes)
    ]
    job = backend.run(
        schedules, job_name="demo rabi", meas_level=1, meas_return="avg", shots=shots, seed_simulator=seed
    )
    return fit_rabi(amplitudes, project_iq(_averages(job.result(), points)))


def qubit_spectroscopy(backend: Backend, qubit: int, *, shots: int, seed: int, points: int = 61) -> Fit:
    """Sweep the drive LO of one schedule with ``schedule_los``, at level 1."""
    shape = _x_pulse(backend, qubit)
    long = pulse.Gaussian(SPECTROSCOPY_DURATION, 1.0, SPECTROSCOPY_DURATION / 4)
    area = np.abs(np.sum(shape.get_waveform().samples)) / np.abs(np.sum(long.get_waveform().samples))
    probe = pulse.Gaussian(SPECTROSCOPY_DURATION, float(area), SPECTROSCOPY_DURATION / 4)
    estimate = backend.defaults().qubit_freq_est[qubit]
    frequencies = estimate + np.linspace(-SPECTROSCOPY_SPAN, SPECTROSCOPY_SPAN, points)
    job = backend.run(
        _measured(backend, qubit, "spectroscopy", probe),
        job_name="demo spectroscopy",
        schedule_los=[{DriveChannel(qubit): f} for f in frequencies],
        meas_level=1,
        meas_return="avg",
        shots=shots,
        seed_simulator=seed,
    )
    return fit_resonance(frequencies, project_iq(_averages(job.result(), points)))


def iq_clouds(backend: Backend, qubit: int, *, shots: int, seed: int) -> Dict[str, np.ndarray]:
    """Take single shots of |0>, |1> and |2> at level 1, without ESP."""
    x = backend.instruction_schedule_map.get("x", [qubit])
    x12 = backend.instruction_schedule_map.get("x12", [qubit])
    schedules = [
        _measured(backend, qubit, "0"),
        _measured(backend, qubit, "1", x),
        _measured(backend, qubit, "2", x, x12),
    ]
    job = backend.run(
        schedules,
        job_name="demo clouds",
        meas_level=1,
        meas_return="single",
        shots=shots,
        use_measure_esp=False,
        seed_simulator=seed,
    )
    result = job.result()
    return {f"|{level}>": result.get_memory(level)[:, 0] for level in range(3)}


def raw_trace(backend: Backend, qubit: int, *, seed: int) -> np.ndarray:
    """Take the raw record of one shot of |1> at level 0, complex128[samples]."""
    measure = backend.instruction_schedule_map.get("measure", [qubit])
    samples = max(i.duration for _, i in measure.instructions if isinstance(i, pulse.Acquire))
    x = backend.instruction_schedule_map.get("x", [qubit])
    job = backend.run(
        _measured(backend, qubit, "raw", x),
        job_name="demo raw trace",
        meas_level=0,
        meas_return="single",
        memory_slot_size=samples,
        shots=1,
        seed_simulator=seed,
    )
    return job.result().get_memory(0)[0, 0]


def _averages(result: Any, points: int) -> np.ndarray:
    return np.array([result.get_memory(k)[0] for k in range(points)])


def run_demo(name: str, *, output: Path, shots: int, seed: int, progress: bool = True) -> Findings:
    """Run the whole demo, print its figures and write its report as a PNG."""
    from ..viz.report import write_report

    backend = _tuned(name, progress)
    found = Findings(backend, qubit=0)
    stages: List[Tuple[str, Any]] = [
        ("Bell and GHZ-3 circuits", lambda: _circuits(found, shots, seed)),
        ("Rabi amplitude sweep", lambda: setattr(found, "rabi", rabi(backend, 0, shots=shots, seed=seed))),
        (
            "LO frequency sweep",
            lambda: setattr(found, "resonance", qubit_spectroscopy(backend, 0, shots=shots, seed=seed)),
        ),
        ("IQ clouds", lambda: setattr(found, "clouds", iq_clouds(backend, 0, shots=shots, seed=seed))),
        ("raw trace", lambda: setattr(found, "trace", raw_trace(backend, 0, seed=seed))),
        ("report", lambda: write_report(found, output)),
    ]
    with tqdm(stages, disable=not progress, unit="stage") as bar:
        for text, stage in bar:
            bar.set_description(text)
            stage()
    for line in summary(found):
        click.echo(line)
    click.echo(f"report: {output}")
    return found


def _tuned(name: str, progress: bool) -> Backend:
    with tqdm(desc="tuning pulses", unit="part", disable=not progress, delay=0.3) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        tune(untuned_device(name), progress=show)
    return get_backend(name)


def _circuits(found: Findings, shots: int, seed: int) -> None:
    found.counts, found.fidelities, circuit = run_circuits(found.backend, shots=shots, seed=seed)
    found.program = compile(circuit, found.backend).programs[0]


def summary(found: Findings) -> List[str]:
    """Return the demo's figures beside the snapshot's, as lines of text."""
    backend, qubit = found.backend, found.qubit
    lines = [f"device: {backend.name}, {backend.configuration().n_qubits} qubits"]
    for name, counts in found.counts.items():
        top = ", ".join(f"{k}: {v}" for k, v in sorted(counts.items(), key=lambda item: -item[1])[:4])
        lines.append(f"{name}: {top}; Hellinger fidelity with the ideal {found.fidelities[name]:.4f}")
    amplitude = _x_pulse(backend, qubit).amp
    known = f"calibrated {amplitude:.5f}{_published(backend, qubit)}"
    lines.append(f"qubit {qubit} pi amplitude: {found.rabi.value:.5f} +- {found.rabi.stderr:.5f} ({known})")
    estimate = backend.defaults().qubit_freq_est[qubit]
    lines.append(
        f"qubit {qubit} frequency: {found.resonance.value / 1e9:.6f} GHz +- {found.resonance.stderr / 1e3:.1f} kHz"
        f" (snapshot {estimate / 1e9:.6f} GHz, difference {(found.resonance.value - estimate) / 1e3:+.1f} kHz)"
    )
    centres = {level: complex(np.mean(points)) for level, points in found.clouds.items()}
    lines.append("IQ centres: " + ", ".join(f"{k} {v.real:+.3g}{v.imag:+.3g}j" for k, v in centres.items()))
    return lines


def _published(backend: Backend, qubit: int) -> str:
    """Return the amplitude of the snapshot's own x pulse, where it has one."""
    entries = backend.device.vendor.get("defaults", {}).get("cmd_def", [])
    for entry in entries:
        if entry["name"] == "x" and entry["qubits"] == [qubit]:
            for step in entry["sequence"]:
                if "amp" in step.get("parameters", {}):
                    return f", snapshot {abs(complex(*step['parameters']['amp'])):.5f}"
    return ""
