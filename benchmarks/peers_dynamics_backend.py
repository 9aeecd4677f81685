"""Run whole jobs with qiskit-dynamics' DynamicsBackend (extra ``peers``).

Schedules in, level-2 counts out, 1,024 shots; the peer of benchmarks/backend.py.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict

import numpy as np

from .peers import PeerTime, command
from .workloads import load, reference
from .workloads.counts import SHOTS, frequencies, wanted
from .workloads.hamiltonian import drift, lowering_of
from .workloads.schedules import schedules_of

__all__ = ["main", "run"]

MAX_SCHEDULES = 100


def run(name: str) -> PeerTime:
    """Run all schedules in one job: JAX, RWA, ``jax_odeint``, no step longer than a sample.

    What it compiles, it compiles in every run. A long sweep is run in part,
    and its time scaled.
    """
    import jax
    from qiskit_dynamics import DynamicsBackend, Solver

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    w = load(name)
    channels = w["channels"]
    h0 = drift(w, 0.0)
    operators = []
    for entry in channels.values():
        a = lowering_of(w)[entry["qubit"]]
        operators.append(2 * np.pi * w["qubits"][entry["qubit"]]["drive_rate"] * (a + a.conj().T))
    solver = Solver(
        static_hamiltonian=h0,
        hamiltonian_operators=operators,
        rotating_frame=h0,
        hamiltonian_channels=list(channels),
        channel_carrier_freqs={c: entry["lo"] for c, entry in channels.items()},
        dt=w["dt"],
        rwa_cutoff_freq=1.5 * w["qubits"][0]["freq"],
        array_library="jax",
    )
    options: Dict[str, Any] = {"method": "jax_odeint", "atol": 1e-8, "rtol": 1e-8, "hmax": w["dt"]}
    dims = [w["levels"]] * len(w["qubits"])
    backend = DynamicsBackend(solver, subsystem_dims=dims, solver_options=options, meas_map=[list(range(len(dims)))])
    every = schedules_of(w, tone=False)
    chosen = np.linspace(0, len(every) - 1, min(len(every), MAX_SCHEDULES)).round().astype(int)
    schedules = [every[k] for k in chosen]
    begin = time.perf_counter()
    counts = backend.run(schedules, shots=SHOTS, seed_simulator=1).result().get_counts()
    spent = time.perf_counter() - begin
    error = float(np.abs(frequencies(counts, len(dims)) - wanted(reference(name)[chosen], dims)).max())
    part = "" if len(chosen) == len(every) else f", {len(chosen)} of {len(every)} schedules"
    return PeerTime(spent * len(every) / len(chosen), error, "run, jax_odeint" + part)


RUNS: Dict[str, Callable[[str], PeerTime]] = {"w1_rabi1q": run, "w2_drag2d": run, "w5_cr2q": run}


def main() -> None:
    """Run, print and record."""
    command("DynamicsBackend", ("qiskit-dynamics", "jax"), RUNS, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
