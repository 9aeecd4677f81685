"""Operators and samples of a workload, for peers: ns, GHz, dense arrays."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

from . import instructions
from .build import _pulse

__all__ = ["collapse", "drift", "envelope_of", "frame_of", "lowering_of"]


def lowering_of(workload: Dict[str, Any]) -> List[np.ndarray]:
    """Return the lowering operator of every qubit, qubit 0 least significant."""
    d, n = workload["levels"], len(workload["qubits"])
    a = np.diag(np.sqrt(np.arange(1.0, d)), 1).astype(complex)
    return [np.kron(np.kron(np.eye(d ** (n - 1 - q)), a), np.eye(d**q)) for q in range(n)]


def frame_of(workload: Dict[str, Any]) -> float:
    """Return a frame for all qubits, GHz."""
    return float(np.mean([q["freq"] for q in workload["qubits"]]))


def drift(workload: Dict[str, Any], frame: float) -> np.ndarray:
    """Return the static Hamiltonian in the frame, rad/ns."""
    lower = lowering_of(workload)
    h = np.zeros_like(lower[0])
    for q, a in zip(workload["qubits"], lower):
        n = a.conj().T @ a
        h = h + 2 * np.pi * (q["freq"] - frame) * n + np.pi * q["anharm"] * (n @ n - n)
    for i, j, strength in workload["couplings"]:
        hop = lower[i].conj().T @ lower[j]
        h = h + 2 * np.pi * strength * (hop + hop.conj().T)
    return h


def collapse(workload: Dict[str, Any]) -> List[np.ndarray]:
    """Return the collapse operators, 1/sqrt(ns)."""
    out = []
    for q, a in zip(workload["qubits"], lowering_of(workload)):
        t1, t2 = q["T1_us"] * 1e3, q["T2_us"] * 1e3
        out += [np.sqrt(1 / t1) * a, np.sqrt(2 * (1 / t2 - 0.5 / t1)) * (a.conj().T @ a)]
    return out


def envelope_of(workload: Dict[str, Any], schedule: Dict[str, Any]) -> Dict[str, np.ndarray]:
    """Return the samples of every channel that plays, complex128[duration]."""
    out: Dict[str, np.ndarray] = {}
    for channel, t0, shape, amp, phase in instructions(schedule):
        samples = _pulse(workload["shapes"][shape]).samples
        line = out.setdefault(channel, np.zeros(schedule["duration"], complex))
        line[t0 : t0 + len(samples)] += amp * np.exp(1j * phase) * samples
    return out
