"""Guess calibrations, judged by an integrator of our own (scipy, sample by sample)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from pulsekit.device import Device
from pulsekit.program import LoTable, Program, resolve_frames

TWO_PI = 2 * np.pi


def lower(levels):
    return np.diag(np.sqrt(np.arange(1, levels)), 1)


def operators(n, levels):
    """Qubit 0 least significant."""
    out = []
    for q in range(n):
        parts = [np.eye(levels)] * n
        parts[q] = lower(levels)
        full = np.eye(1)
        for part in parts:
            full = np.kron(part, full)
        out.append(full)
    return out


def bare(device, a):
    """Bare Hamiltonian (Hz) whose dressed 0-1 transitions are the device's."""
    n, levels = device.n_qubits, device.transmons[0].levels
    coupling = sum(
        c.strength * (a[c.qubits[0]].T @ a[c.qubits[1]] + a[c.qubits[1]].T @ a[c.qubits[0]]) for c in device.couplings
    )
    freqs = np.array([t.frequency for t in device.transmons])
    w = freqs.copy()
    for _ in range(6):
        h0 = sum(
            w[q] * a[q].T @ a[q]
            + device.transmons[q].anharmonicity / 2 * (a[q].T @ a[q]) @ (a[q].T @ a[q] - np.eye(levels**n))
            for q in range(n)
        )
        energy, v = eigh(h0 + coupling)
        order = np.argmax(np.abs(v), axis=0)
        dressed = np.empty_like(v)
        level = np.empty(levels**n)
        for column, label in enumerate(order):
            dressed[:, label] = v[:, column] * np.sign(v[label, column])
            level[label] = energy[column]
        w += freqs - (np.array([level[levels**q] for q in range(n)]) - level[0])
    return h0 + coupling, dressed


def propagator(device: Device, program: Program, substeps: int = 4):
    """Propagator in the interaction frame at each qubit's LO, dressed basis."""
    n, levels, dt = device.n_qubits, device.transmons[0].levels, device.timing.dt
    a = operators(n, levels)
    h, v = bare(device, a)
    drive = np.array([t.frequency for t in device.transmons])
    measure = np.array([r.frequency for r in device.resonators])
    control = np.array([sum(s.real * drive[q] for q, s in line.lo) for line in device.controls])
    los = LoTable(drive, measure, control, drive[None], measure[None], control[None])
    plays = resolve_frames(program, los, dt)
    number = sum(f * (x.T @ x) for f, x in zip(drive, a))
    h_static = h - number
    freqs_diag = np.real(np.diag(number))
    steps = program.duration * substeps
    time = (np.arange(steps) + 0.5) * dt / substeps
    signal = np.zeros((n, steps), complex)  # of (W/2) f a in the frame of qubit q
    for channel, played in plays.items():
        if channel.kind == "m":
            continue
        line = device.drives[channel.index] if channel.kind == "d" else device.controls[channel.index]
        for k in range(len(played.t0)):
            start, stop = played.t0[k] * substeps, (played.t0[k] + played.duration[k]) * substeps
            samples = np.repeat(program.pulses[played.pulse[k]].samples, substeps)
            t = time[start:stop]
            tone = np.exp(2j * np.pi * (played.freq[0, k] - played.f_ref) * (t - played.t0[k] * dt))
            shift = np.exp(2j * np.pi * (played.f_ref - drive[line.qubit]) * t)
            signal[line.qubit, start:stop] += line.rabi_rate / 2 * played.scale[0, k] * samples * tone * shift
    # everything but the couplings is static in this frame; couplings turn with the detunings
    u = v.astype(complex)
    for k in range(steps):
        phase = np.exp(2j * np.pi * freqs_diag * time[k])
        now = phase[:, None] * h_static * phase.conj()[None, :]
        for q in range(n):
            z = signal[q, k]
            if z:
                now = now + z * a[q] + np.conj(z) * a[q].T
        e, w = np.linalg.eigh(now)
        u = w @ (np.exp(-2j * np.pi * e * dt / substeps)[:, None] * (w.conj().T @ u))
    end = np.exp(2j * np.pi * freqs_diag * program.duration * dt)
    final = (end[:, None] * v * end.conj()[None, :]).conj().T @ u
    phases = np.zeros(n)
    for channel, played in plays.items():
        if channel.kind == "d":
            phases[channel.index] = played.final_phase[0]
    counts = np.array([np.real(np.diag(x.T @ x)) for x in a])
    # a frame that was shifted by phi makes later pulses turn about an axis at phi: equal to exp(i phi n) now
    return np.exp(1j * (phases @ counts))[:, None] * final


def fidelity(u, ideal, n, levels):
    """Average gate fidelity on the qubit subspace, in the mirrored frame."""
    keep = [sum(((i >> q) & 1) * levels**q for q in range(n)) for i in range(2**n)]
    m = u[np.ix_(keep, keep)]
    z = np.array([(-1) ** bin(i).count("1") for i in range(2**n)])
    mirrored = z[:, None] * m.conj() * z[None, :]  # x -> -x on every Bloch sphere
    d = 2**n
    overlap = abs(np.trace(ideal.conj().T @ mirrored)) ** 2
    return (np.real(np.trace(m.conj().T @ m)) + overlap) / (d * (d + 1))


X = np.array([[0, 1], [1, 0]], complex)
SX = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
CX01 = np.eye(4, dtype=complex)[[0, 3, 2, 1]]  # control 0, target 1, qubit 0 least significant
CX10 = np.eye(4, dtype=complex)[[0, 1, 3, 2]]


def test_x_and_sx_of_a_transmon_are_rotations():
    device = Device.transmon()
    for name, ideal in (("x", X), ("sx", SX)):
        program = device.calibrations.get(name, (0,)).program
        assert fidelity(propagator(device, program), ideal, 1, 3) > 0.999


def test_u2_and_u3_bind_to_the_gates_they_name():
    device = Device.transmon()
    theta, phi, lam = 0.7, 1.1, -0.4
    angles = {"u2": (phi, lam), "u3": (theta, phi, lam)}
    for name, values in angles.items():
        program = device.calibrations.get(name, (0,)).program
        value = program.events.value.copy()
        table = program.parameters
        for row, parameter, coefficient in zip(table.row, table.parameter, table.coefficient):
            value[row] += coefficient * values[parameter]
        bound = program.replace(events=program.events.replace(value=value), parameters=None)
        t, p, lam = (np.pi / 2, *values) if name == "u2" else values
        ideal = np.array(
            [
                [np.cos(t / 2), -np.exp(1j * lam) * np.sin(t / 2)],
                [np.exp(1j * p) * np.sin(t / 2), np.exp(1j * (p + lam)) * np.cos(t / 2)],
            ]
        )
        assert fidelity(propagator(device, bound), ideal, 1, 3) > 0.998


def test_x12_moves_one_to_two_and_leaves_zero():
    device = Device.transmon()
    u = propagator(device, device.calibrations.get("x12", (0,)).program, substeps=8)
    assert abs(u[2, 1]) ** 2 > 0.99
    assert abs(u[0, 0]) ** 2 > 0.99


@pytest.mark.parametrize("frequency", [(5.07e9, 5e9), (5e9, 5.1e9)])
def test_cx_of_a_pair_is_nearly_a_cnot_in_both_directions(frequency):
    device = Device.pair(frequency)
    for qubits, ideal in (((0, 1), CX01), ((1, 0), CX10)):
        program = device.calibrations.get("cx", qubits).program
        found = fidelity(propagator(device, program, substeps=1), ideal, 2, 3)
        assert found > 0.93, (qubits, found)
