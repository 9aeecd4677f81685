"""What devices truly are, computed with numpy and scipy alone from their published parameters."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy as np
from scipy.linalg import expm, sqrtm

TWO_PI = 2 * np.pi


def ladder(levels: int) -> np.ndarray:
    """Return the lowering operator."""
    return np.diag(np.sqrt(np.arange(1.0, levels)), 1).astype(complex)


def pulse_propagator(samples: np.ndarray, dt: float, rabi_rate: float, alpha: float, levels: int = 4) -> np.ndarray:
    """Return the RWA propagator of resonant samples on one transmon, in its rotating frame."""
    a = ladder(levels)
    n = np.diag(np.arange(levels)).astype(complex)
    static = TWO_PI * alpha / 2 * n @ (n - np.eye(levels))
    total = np.eye(levels, dtype=complex)
    for f in samples:
        drive = np.pi * rabi_rate * (f * a + np.conj(f) * a.conj().T)
        total = expm(-1j * dt * (static + drive)) @ total
    return total


def rotation(samples: np.ndarray, dt: float, rabi_rate: float, alpha: float) -> float:
    """Return the angle (rad) of a rotation about an axis near the equator."""
    return float(2 * np.arccos(pulse_propagator(samples, dt, rabi_rate, alpha)[0, 0].real))


def pair_rotation(samples: np.ndarray, dt: float, rabi_rate: float, alpha: float) -> float:
    """Return by what angle (rad) a pulse, and then the pulse turned by pi, turn."""
    turn = np.diag([1, -1, 1, -1])
    once = turn @ pulse_propagator(samples, dt, rabi_rate, alpha)
    return float(2 * np.arccos(min(1.0, abs(np.trace((once @ once)[:2, :2])) / 2)))


def stark_shift(tone: float, f01: float, alpha: float, rabi: float, levels: int = 4) -> float:
    """Return the shift (Hz) of 0-1 by a constant tone of Rabi rate ``rabi`` (Hz), exactly."""
    n = np.arange(levels)
    static = np.diag((f01 - tone) * n + alpha / 2 * n * (n - 1))
    energies, vectors = np.linalg.eigh(static + rabi / 2 * (ladder(levels) + ladder(levels).T).real)
    owner = np.argmax(np.abs(vectors), axis=1)
    return float(energies[owner[1]] - energies[owner[0]] - (f01 - tone))


def dressed_pair(device: Any, a: int, b: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dressed energies (Hz), eigenvectors and lowering operator of a, of two coupled transmons.

    States are |n_a n_b> in the order 3 n_a + n_b; bare frequencies are solved
    so that the dressed 0-1 transitions are the device's.
    """
    ta, tb = device.transmons[a], device.transmons[b]
    j = next(c.strength for c in device.couplings if set(c.qubits) == {a, b})
    low, eye, n = ladder(3).real, np.eye(3), np.arange(3)
    lower_a, lower_b = np.kron(low, eye), np.kron(eye, low)
    bare = np.array([ta.frequency, tb.frequency])
    for _ in range(20):
        one = np.kron(np.diag(bare[0] * n + ta.anharmonicity / 2 * n * (n - 1)), eye)
        two = np.kron(eye, np.diag(bare[1] * n + tb.anharmonicity / 2 * n * (n - 1)))
        energies, vectors = np.linalg.eigh(one + two + j * (lower_a.T @ lower_b + lower_b.T @ lower_a))
        order = np.argmax(np.abs(vectors), axis=1)
        assert len(set(order)) == 9
        energies, vectors = energies[order] - energies[order[0]], vectors[:, order]
        vectors = vectors * np.sign(np.diag(vectors))
        bare += np.array([ta.frequency - energies[3], tb.frequency - energies[1]])
    return energies, vectors, vectors.T @ lower_a @ vectors


def dressed_element(device: Any, qubit: int) -> float:
    """Return <0|a|1> of a qubit in the dressed basis of its device (bare: 1): couplings weaken its drives."""
    bare = np.array([t.frequency for t in device.transmons])
    wanted, hops = bare.copy(), np.zeros((len(bare), len(bare)))
    for coupling in device.couplings:
        i, j = coupling.qubits
        hops[i, j] = hops[j, i] = coupling.strength
    for _ in range(20):
        found, vectors = np.linalg.eigh(np.diag(bare) + hops)
        owner = np.argmax(np.abs(vectors), axis=0)
        assert len(set(owner)) == len(bare)
        bare[owner] += wanted[owner] - found
    return float(np.abs(vectors[qubit]).max())


def static_zz(device: Any, a: int, b: int) -> float:
    """Return E11 - E10 - E01 + E00 in Hz."""
    energies, _, _ = dressed_pair(device, a, b)
    return float(energies[4] - energies[3] - energies[1])


def cross_resonance(device: Any, control: int, target: int, rabi: complex) -> Dict[str, float]:
    """Return the rates (Hz) of a constant tone on the control at the target's frequency.

    For each state of the control the two eigenstates nearest to it are
    orthonormalised symmetrically: H = sum_P nu_P P / 2 of the target, in the
    programs' frame (a Bloch mirror of the physical one: y and z turn round).
    """
    energies, _, lower = dressed_pair(device, control, target)
    excitations = np.add.outer(np.arange(3), np.arange(3)).ravel()
    falls = np.subtract.outer(excitations, excitations) == -1
    drive = rabi / 2 * np.where(falls, lower, 0)
    h = np.diag(energies - device.transmons[target].frequency * excitations) + drive + drive.conj().T
    found, vectors = np.linalg.eigh(h)
    axes = []
    for keep in ([0, 1], [3, 4]):
        near = np.argsort(-(np.abs(vectors[keep]) ** 2).sum(axis=0))[:2]
        part = vectors[np.ix_(keep, near)]
        turn = np.linalg.solve(sqrtm(part @ part.conj().T), part)
        block = turn @ np.diag(found[near]) @ turn.conj().T
        axes.append([2 * block[0, 1].real, 2 * block[0, 1].imag, -(block[0, 0] - block[1, 1]).real])
    zero, one = np.array(axes)
    rates = {f"omega_i{p}": float(r) for p, r in zip("xyz", (zero + one) / 2)}
    return {**rates, **{f"omega_z{p}": float(r) for p, r in zip("xyz", (zero - one) / 2)}}


def coherence_limit(duration: float, t1: float, t2: float) -> float:
    """Return the average error of an idle qubit (p_th = 0)."""
    return (3 - 2 * np.exp(-duration / t2) - np.exp(-duration / t1)) / 6


def readout_centre(device: Any, backend: Any, qubit: int, level: int) -> complex:
    """Return where the boxcar-integrated record of a level lies, up to a positive factor.

    d(alpha)/dt = -(kappa/2 + i (w_r + chi - w_m)) alpha - i eps conj(m), V = conj(alpha) G.
    """
    from qiskit.pulse import Acquire, AcquireChannel, MeasureChannel, Play

    parts = backend.instruction_schedule_map.get("measure", [qubit]).instructions
    samples = next(i.pulse for _, i in parts if isinstance(i, Play) and i.channel == MeasureChannel(qubit))
    duration = next(i.duration for _, i in parts if isinstance(i, Acquire) and i.channel == AcquireChannel(qubit))
    resonator = device.resonators[qubit]
    offset = resonator.frequency + resonator.chi[level] - backend.defaults().meas_freq_est[qubit]
    rate = TWO_PI * (resonator.kappa / 2 + 1j * offset)
    alpha, total = 0j, 0j
    step = np.exp(-rate * backend.dt)
    for m in samples.get_waveform().samples[:duration]:
        alpha = alpha * step - 1j * np.conj(m) * (1 - step) / rate
        total += np.conj(alpha)
    return total * np.exp(1j * resonator.rotation)


def idle_process_fidelity(duration: float, *lives: Tuple[float, float]) -> float:
    """Return the process fidelity of idle qubits with these (T1, T2) in s (p_th = 0)."""
    out = 1.0
    for t1, t2 in lives:
        out *= (1 + 2 * np.exp(-duration / t2) + np.exp(-duration / t1)) / 4
    return out
