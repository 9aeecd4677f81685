"""What an experiment finds on a perfect machine: its circuits propagated exactly, its own analysis on exact data.

The propagation is numpy and scipy alone, from a device's published numbers: the
Lindblad equation of one transmon, or of two coupled ones, in the RWA. A client's
fit has errors of its own (edges that its model leaves out, decay that it takes for
signal); this is the value that it gives where a device has none.
"""

from __future__ import annotations

import warnings
from itertools import groupby
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from client_truth import TWO_PI, dressed_element, dressed_pair, ladder
from qiskit import pulse
from qiskit.pulse import Acquire, ControlChannel, DriveChannel, MeasureChannel, Play
from qiskit_experiments.framework import ExperimentData
from scipy.linalg import expm

import pulsekit

MANY = 10**9
SHOTS = 1024  # fits weigh points by their shot noise
CHUNK = 16  # samples between which decay is split off


class Machine:
    """One transmon, or two coupled ones; states are density matrices in the dressed basis, row-major vectors."""

    def __init__(self, backend: pulsekit.Backend, qubits: Sequence[int], los: Optional[Sequence[float]] = None) -> None:
        device = backend.device
        self.dt, self.qubits = backend.dt, tuple(qubits)
        transmons = [device.transmons[q] for q in qubits]
        if len(qubits) == 1:
            n = np.arange(transmons[0].levels)
            self.energies = transmons[0].frequency * n + transmons[0].anharmonicity / 2 * n * (n - 1)
            self.lowering = {qubits[0]: ladder(len(n)) * dressed_element(device, qubits[0])}
            self.excitations, self.owner = n, {qubits[0]: n}
        else:
            self.energies, vectors, lower = dressed_pair(device, *qubits)
            other = vectors.T @ np.kron(np.eye(3), ladder(3).real) @ vectors
            self.lowering = {qubits[0]: lower, qubits[1]: other}
            self.owner = {qubits[0]: np.repeat(np.arange(3), 3), qubits[1]: np.tile(np.arange(3), 3)}
            self.excitations = sum(self.owner.values())
        self.dim = len(self.energies)
        self.los = list(backend.defaults().qubit_freq_est if los is None else los)
        self.frame = self.los[qubits[0]]
        self.loss = sum(self._loss(self.lowering[q], t) for q, t in zip(qubits, transmons))
        self.lines = {
            DriveChannel(q): (q, device.drives[q].rabi_rate * device.drives[q].gain, self.los[q]) for q in qubits
        }
        for k, control in enumerate(device.controls):
            if control.qubit in qubits and {q for q, _ in control.lo} <= set(qubits):
                lo = sum(scale.real * self.los[q] for q, scale in control.lo)
                self.lines[ControlChannel(k)] = (control.qubit, control.rabi_rate * control.gain, lo)
        self._known: Dict[Any, np.ndarray] = {}

    def _loss(self, a: np.ndarray, transmon: Any) -> np.ndarray:
        """Return the dissipator of T1 and T2 (1/s)."""
        dephasing = 1 / transmon.t2 - 0.5 / transmon.t1
        out = np.zeros((self.dim**2, self.dim**2), complex)
        for c, rate in ((a, 1 / transmon.t1), (a.conj().T @ a, 2 * dephasing)):
            square = c.conj().T @ c
            one = np.eye(self.dim)
            out += rate * (np.kron(c, c.conj()) - (np.kron(square, one) + np.kron(one, square.T)) / 2)
        return out

    def _static(self, frame: float) -> np.ndarray:
        return TWO_PI * np.diag(self.energies - frame * self.excitations)

    def _turned(self, angle: float) -> np.ndarray:
        """Return the diagonal of a frame's turn."""
        turn = np.exp(1j * angle * self.excitations)
        return np.outer(turn, turn.conj()).ravel()

    def played(self, samples: np.ndarray, channel: Any, lo: float) -> np.ndarray:
        """Return the map of samples in the frame of their LO; decay is split off every few samples."""
        chunks = [tuple(np.round(samples[k : k + CHUNK], 14)) for k in range(0, len(samples), CHUNK)]
        total = np.eye(self.dim**2, dtype=complex)
        for chunk, run in groupby(chunks):
            key = (chunk, channel, lo)
            if key not in self._known:
                self._known[key] = self._chunk(chunk, channel, lo)
            count = len(list(run))
            total = np.linalg.matrix_power(self._known[key], count) @ total
        return total

    def _chunk(self, chunk: Tuple[complex, ...], channel: Any, lo: float) -> np.ndarray:
        qubit, rate, _ = self.lines[channel]
        u = np.eye(self.dim, dtype=complex)
        for f in chunk:
            drive = np.pi * rate * f * self.lowering[qubit]
            u = expm(-1j * self.dt * (self._static(lo) + drive + drive.conj().T)) @ u
        half = expm(self.loss * self.dt * len(chunk) / 2)
        return half @ np.kron(u, u.conj()) @ half

    def _idle(self, state: np.ndarray, samples: int) -> np.ndarray:
        if samples and samples not in self._known:
            h, one = self._static(self.frame), np.eye(self.dim)
            lindblad = -1j * (np.kron(h, one) - np.kron(one, h.T)) + self.loss
            self._known[samples] = expm(lindblad * samples * self.dt)
        return self._known[samples] @ state if samples else state

    def populations(self, schedule: pulse.Schedule) -> np.ndarray:
        """Return the populations at the acquire; pulses must not overlap."""
        state = np.zeros(self.dim**2, complex)
        state[0] = 1.0
        phase: Dict[Any, float] = dict.fromkeys(self.lines, 0.0)
        lo = {c: v for c, (_, _, v) in self.lines.items()}
        now = 0
        for start, instruction in sorted(schedule.instructions, key=lambda e: (e[0], e[1].duration)):
            channel = instruction.channels[0]
            if isinstance(instruction, Acquire):
                state = self._idle(state, start - now)
                return state.reshape(self.dim, self.dim).diagonal().real
            if channel not in self.lines or isinstance(instruction, pulse.Delay):
                assert isinstance(channel, (MeasureChannel, pulse.AcquireChannel)) or not isinstance(instruction, Play)
                continue
            if isinstance(instruction, pulse.ShiftPhase):
                phase[channel] += instruction.phase
            elif isinstance(instruction, pulse.ShiftFrequency):
                phase[channel] -= TWO_PI * instruction.frequency * start * self.dt
                lo[channel] += instruction.frequency
            else:
                assert isinstance(instruction, Play) and start >= now
                samples = instruction.pulse.get_waveform().samples
                state = self._idle(state, start - now)
                off = TWO_PI * (lo[channel] - self.frame) * self.dt
                now = start + len(samples)
                state = self._turned(phase[channel] + off * start) * state
                key = (samples.tobytes(), channel, lo[channel])
                if key not in self._known:
                    self._known[key] = self.played(samples, channel, lo[channel])
                state = self._known[key] @ state
                state = self._turned(-phase[channel] - off * now) * state
        raise AssertionError("no acquire")

    def ones(self, schedule: pulse.Schedule, qubit: int) -> float:
        """Return how often a qubit is not in level 0."""
        return float(self.populations(schedule)[self.owner[qubit] > 0].sum())


def measured(circuit: Any) -> int:
    """Return the only qubit that a circuit measures."""
    (found,) = [circuit.find_bit(i.qubits[0]).index for i in circuit.data if i.operation.name == "measure"]
    return found


def analysed(experiment: Any, circuits: Sequence[Any], ones: Sequence[float], shots: int = SHOTS) -> Dict[str, float]:
    """Return what an experiment's analysis finds in probabilities."""
    data = ExperimentData(experiment=experiment)
    entries: List[Dict[str, Any]] = []
    for circuit, p in zip(circuits, ones):
        one = round(MANY * float(shots * p + 0.5) / (shots + 1))  # as the client estimates a probability from shots
        entries.append({"counts": {"0": MANY - one, "1": one}, "metadata": circuit.metadata, "shots": MANY})
    data.add_data(entries)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        experiment.analysis.run(data).block_for_results()
    assert not data.errors(), data.errors()
    return {r.name: getattr(r.value, "nominal_value", r.value) for r in data.analysis_results()}


def expected(
    experiment: Any,
    backend: pulsekit.Backend,
    qubits: Sequence[int],
    *,
    los: Optional[Sequence[float]] = None,
    errors: Tuple[float, float] = (0.0, 0.0),
) -> Dict[str, float]:
    """Return what an experiment finds on a perfect machine.

    ``errors`` are how often 0 reads as 1, and 1 as 0.
    """
    circuits = experiment._transpiled_circuits()
    machine = Machine(backend, qubits, los)
    ones = np.array([machine.ones(s, measured(c)) for s, c in zip(pulsekit.schedule(circuits, backend), circuits)])
    return analysed(experiment, circuits, errors[0] + (1 - errors[0] - errors[1]) * ones)
