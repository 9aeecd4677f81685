"""Run workloads with qiskit-dynamics on JAX (extra ``peers``).

Each workload in the setting that suits it: exponentials of a whole sample
where the frame makes samples constant, order-4 Magnus where several carriers
turn, one exponential per flat in a spectroscopy, and the Dyson solver without
the rotating-wave approximation.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy as np

from .peers import PeerTime, command, tables, warm
from .workloads import load, reference
from .workloads.hamiltonian import collapse, drift, envelope_of, frame_of, lowering_of

__all__ = ["dyson", "expm", "main", "spectroscopy"]


def _jax() -> Tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    return jax, jnp


def _error(found: np.ndarray, name: str) -> float:
    return float(np.abs(found - reference(name)).max())


def _parts(f: Callable[[Any], Any]) -> Any:
    """Return the real and the imaginary part of a complex function as signals."""
    from qiskit_dynamics import Signal

    _, jnp = _jax()
    return [
        Signal(lambda t: jnp.real(f(t)), carrier_freq=0.0),
        Signal(lambda t: jnp.imag(f(t)), carrier_freq=0.0),
    ]


def expm(name: str) -> PeerTime:
    """Run ``jax_expm`` on a Hamiltonian in the workload's frame, mapped over schedules and compiled."""
    from qiskit_dynamics import Solver

    jax, jnp = _jax()
    w = load(name)
    names, samples, offset = tables(w)
    operators = []
    for channel in names:
        qubit = w["channels"][channel]["qubit"]
        lower = np.pi * w["qubits"][qubit]["drive_rate"] * lowering_of(w)[qubit]
        operators += [lower + lower.conj().T, 1j * (lower - lower.conj().T)]
    h0 = drift(w, frame_of(w))
    solver = Solver(static_hamiltonian=h0, hamiltonian_operators=operators, array_library="jax")
    start = np.zeros(len(h0), complex)
    start[0] = 1
    dt, length = w["dt"], samples.shape[2]
    constant = not offset.any()  # samples are constant in the frame
    order, step = (1, dt) if constant else (2, dt / 2)

    def one(held: Any, off: Any) -> Any:
        signals = []
        for k in range(len(names)):

            def f(t: Any, k: int = k) -> Any:
                at = jnp.clip(jnp.floor(t / dt).astype(int), 0, length - 1)
                return held[k, at] if constant else held[k, at] * jnp.exp(2j * np.pi * off[k] * t)

            signals += _parts(f)
        out = solver.solve(
            t_span=[0.0, length * dt], y0=start, signals=signals, method="jax_expm", magnus_order=order, max_dt=step
        )
        return jnp.abs(jnp.asarray(out.y[-1])) ** 2

    batched = jax.jit(jax.vmap(one))
    held, off = jnp.asarray(samples), jnp.asarray(offset)
    seconds, found = warm(lambda: np.asarray(batched(held, off)))
    return PeerTime(seconds, _error(found, name), f"jax_expm, Magnus order {2 * order}, {round(dt / step)} per sample")


def spectroscopy(name: str) -> PeerTime:
    """Run a sweep of the LO in the LO's frame: one exponential for the flat, one per sample beside it."""
    from qiskit_dynamics import Signal, Solver

    jax, jnp = _jax()
    w = load(name)
    lindblad = w["solver"] == "lindblad"
    lower = lowering_of(w)[0]
    drive = np.pi * w["qubits"][0]["drive_rate"] * lower
    dt, shape = w["dt"], w["shapes"][0]
    rise = (shape["duration"] - shape["width"]) // 2
    edges = np.array([0, rise, shape["duration"] - rise, shape["duration"]]) * dt
    samples = envelope_of(w, w["schedules"][0])["d0"]
    detuning = np.array([w["qubits"][0]["freq"] - s["lo"]["d0"] for s in w["schedules"]])
    solver = Solver(
        static_hamiltonian=drift(w, w["qubits"][0]["freq"]),
        hamiltonian_operators=[lower.conj().T @ lower, drive + drive.conj().T, 1j * (drive - drive.conj().T)],
        static_dissipators=collapse(w) if lindblad else None,
        array_library="jax",
        vectorized=lindblad or None,
    )
    size = w["levels"]
    start = np.zeros(size * size if lindblad else size, complex)
    start[0] = 1
    table = jnp.asarray(samples)

    def one(delta: Any) -> Any:
        signals = [
            Signal(lambda t: 2 * np.pi * delta + 0 * t, carrier_freq=0.0),
            *_parts(lambda t: table[jnp.clip(jnp.floor(t / dt).astype(int), 0, len(samples) - 1)]),
        ]
        y = start
        for a, b, step in zip(edges[:-1], edges[1:], (dt, edges[2] - edges[1], dt)):
            out = solver.solve(t_span=[a, b], y0=y, signals=signals, method="jax_expm", magnus_order=1, max_dt=step)
            y = out.y[-1]
        y = jnp.asarray(y)
        return jnp.real(jnp.diagonal(y.reshape(size, size))) if lindblad else jnp.abs(y) ** 2

    batched = jax.jit(jax.vmap(one))
    off = jnp.asarray(detuning)
    seconds, found = warm(lambda: np.asarray(batched(off)))
    return PeerTime(seconds, _error(found, name), "jax_expm, one step for the flat, one per sample beside it")


def dyson(name: str) -> PeerTime:
    """Run the Dyson solver, whose tables are made before, in the frame of the drift."""
    from qiskit_dynamics import DysonSolver, Signal

    jax, jnp = _jax()
    w = load(name)
    names, samples, offset = tables(w)
    order = 5  # the lowest whose error is below 1e-6
    operators, carriers = [], []
    for k, channel in enumerate(names):
        qubit = w["channels"][channel]["qubit"]
        lower = lowering_of(w)[qubit]
        operators.append(-2j * np.pi * w["qubits"][qubit]["drive_rate"] * (lower + lower.conj().T))
        carriers.append(offset[0, k] + frame_of(w))
    h0 = drift(w, 0.0)
    dt, length = w["dt"], samples.shape[2]
    solver = DysonSolver(
        operators=operators,
        rotating_frame=-1j * h0,
        dt=dt,
        carrier_freqs=carriers,
        chebyshev_orders=[0] * len(names),
        expansion_order=order,
        integration_method="jax_odeint",
        atol=1e-13,
        rtol=1e-13,
    )
    start = np.zeros(len(h0), complex)
    start[0] = 1

    def one(held: Any) -> Any:
        signals = []
        for k, carrier in enumerate(carriers):

            def f(t: Any, k: int = k) -> Any:
                return held[k, jnp.clip(jnp.floor(t / dt).astype(int), 0, length - 1)]

            signals.append(Signal(f, carrier_freq=carrier))
        out = solver.solve(signals=signals, y0=start, t0=0.0, n_steps=length)
        return jnp.abs(jnp.asarray(out.y[-1])) ** 2

    batched = jax.jit(jax.vmap(one))
    held = jnp.asarray(samples)
    seconds, found = warm(lambda: np.asarray(batched(held)))
    return PeerTime(seconds, _error(found, name), f"Dyson {order}, one step per sample")


RUNS: Dict[str, Callable[[str], PeerTime]] = {
    "w1_rabi1q": expm,
    "w1x_rabi1q_norwa": dyson,
    "w2_drag2d": expm,
    "w3_spec": spectroscopy,
    "w3l_spec_lindblad": spectroscopy,
    "w5_cr2q": expm,
    "w5x_cr2q_norwa": dyson,
    "w8_rb300": expm,
}


def main() -> None:
    """Run, print and record."""
    command("qiskit-dynamics", ("qiskit-dynamics", "jax"), RUNS, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
