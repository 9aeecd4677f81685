"""Run workloads with dynamiqs (JAX; extra ``peers``)."""

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

    One batched ``sesolve`` (Tsit5) over all schedules in double precision; the
    drive is looked up per sample, its carrier turns continuously.
    """
    import dynamiqs as dq
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    dq.set_precision("double")
    w = load(name)
    frame = frame_of(w)
    schedules = w["schedules"]
    length = max(s["duration"] for s in schedules)
    h = dq.constant(drift(w, frame))
    for channel, entry in w["channels"].items():
        table = np.zeros((len(schedules), length + 1), complex)
        for row, schedule in enumerate(schedules):
            samples = envelope_of(w, schedule).get(channel)
            if samples is not None:
                table[row, : len(samples)] = samples
        half = np.pi * w["qubits"][entry["qubit"]]["drive_rate"]
        held, offset = jnp.asarray(half * table), 2 * np.pi * (entry["lo"] - frame)
        lower = lowering_of(w)[entry["qubit"]]

        def f(t: Any, held: Any = held, offset: float = offset) -> Any:
            k = jnp.clip(jnp.floor(t / w["dt"]).astype(int), 0, length)
            return held[:, k] * jnp.exp(1j * offset * t)

        def g(t: Any, f: Any = f) -> Any:
            return jnp.conj(f(t))

        h = h + dq.modulated(f, lower) + dq.modulated(g, lower.conj().T)
    start = jnp.zeros((drift(w, frame).shape[0], 1), complex).at[0, 0].set(1)
    times = jnp.array([0.0, length * w["dt"]])
    method = dq.method.Tsit5(rtol=1e-10, atol=1e-10, max_steps=10**7)

    def once() -> np.ndarray:
        out = dq.sesolve(h, start, times, method=method, progress_meter=False)
        return np.abs(np.asarray(out.final_state.to_jax())[..., 0]) ** 2

    found = once()  # compiles
    best = np.inf
    for _ in range(REPEATS):
        begin = time.perf_counter()
        found = once()
        best = min(best, time.perf_counter() - begin)
    return best, float(np.abs(found - reference(name)).max())


def main() -> None:
    """Run, print and record."""
    done = {}
    for name in NAMES:
        done[name] = run(name)
        print(f"{name}: {done[name][0]:.3g} s, error {done[name][1]:.1e}")
    record("dynamiqs", done)


if __name__ == "__main__":
    main()
