"""Run workloads with qiskit-dynamics on JAX (extra ``peers``)."""

from __future__ import annotations

import time
from typing import Any, Tuple

import numpy as np

from .simulator import record
from .workloads import load, reference
from .workloads.hamiltonian import drift, envelope_of, frame_of, lowering_of

__all__ = ["main", "run"]

NAMES = ("w1_rabi1q", "w5_cr2q")
REPEATS = 3


def run(name: str) -> Tuple[float, float]:
    """Return the warm time of all schedules in s and the largest error.

    ``jax_expm`` (order-4 Magnus, two steps per sample) on a Hamiltonian model
    in the workload's frame, mapped over the schedules and compiled.
    """
    import jax
    import jax.numpy as jnp
    from qiskit_dynamics import Signal, Solver

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    w = load(name)
    frame = frame_of(w)
    schedules = w["schedules"]
    length = max(s["duration"] for s in schedules)
    operators, tables, offsets = [], [], []
    for channel, entry in w["channels"].items():
        lower = np.pi * w["qubits"][entry["qubit"]]["drive_rate"] * lowering_of(w)[entry["qubit"]]
        table = np.zeros((len(schedules), length), complex)
        for row, schedule in enumerate(schedules):
            samples = envelope_of(w, schedule).get(channel)
            if samples is not None:
                table[row, : len(samples)] = samples
        operators += [lower + lower.conj().T, 1j * (lower - lower.conj().T)]
        tables.append(table)
        offsets.append(2 * np.pi * (entry["lo"] - frame))
    solver = Solver(static_hamiltonian=drift(w, frame), hamiltonian_operators=operators, array_library="jax")
    start = np.zeros(drift(w, frame).shape[0], complex)
    start[0] = 1
    dt = w["dt"]

    def one(samples: Any) -> Any:
        signals = []
        for table, offset in zip(samples, offsets):

            def f(t: Any, table: Any = table, offset: float = offset) -> Any:
                return table[jnp.clip(jnp.floor(t / dt).astype(int), 0, length - 1)] * jnp.exp(1j * offset * t)

            signals.append(Signal(lambda t, f=f: jnp.real(f(t)), carrier_freq=0.0))
            signals.append(Signal(lambda t, f=f: jnp.imag(f(t)), carrier_freq=0.0))
        out = solver.solve(
            t_span=[0.0, length * dt], y0=start, signals=signals, method="jax_expm", magnus_order=2, max_dt=dt / 2
        )
        return jnp.abs(jnp.asarray(out.y[-1])) ** 2

    batched = jax.jit(jax.vmap(one))
    samples = jnp.asarray(np.array(tables).transpose(1, 0, 2))
    found = np.asarray(batched(samples))  # compiles
    best = np.inf
    for _ in range(REPEATS):
        begin = time.perf_counter()
        found = np.asarray(batched(samples))
        best = min(best, time.perf_counter() - begin)
    return best, float(np.abs(found - reference(name)).max())


def main() -> None:
    """Run, print and record."""
    done = {}
    for name in NAMES:
        done[name] = run(name)
        print(f"{name}: {done[name][0]:.3g} s, error {done[name][1]:.1e}")
    record("qiskit-dynamics", done)


if __name__ == "__main__":
    main()
