"""Convert between qiskit's objects, OpenPulse text and what pulsekit works on."""
