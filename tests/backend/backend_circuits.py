"""Circuits that many tests of the backend run."""

from __future__ import annotations

from qiskit import QuantumCircuit


def measured(flip=False, name="qc", metadata=None):
    """Return a circuit that measures qubit 0, after an x if asked for."""
    qc = QuantumCircuit(1, 1, name=name, metadata=metadata)
    if flip:
        qc.x(0)
    qc.measure(0, 0)
    return qc
