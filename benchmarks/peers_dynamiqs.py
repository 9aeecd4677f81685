"""Run workloads with dynamiqs (JAX; extra ``peers``)."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy as np

from .peers import PeerTime, command, tables, warm
from .workloads import load, reference
from .workloads.hamiltonian import collapse, drift, envelope_of, frame_of, lowering_of

__all__ = ["decay", "main", "sweep"]


def _dynamiqs() -> Tuple[Any, Any, Any]:
    import dynamiqs as dq
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    dq.set_precision("double")
    return dq, jax, jnp


def sweep(name: str) -> PeerTime:
    """Run one batched ``sesolve`` over all schedules.

    Where samples are constant in the frame, by exponentials of them; else by
    Tsit5 (tolerances 1e-10), the drive looked up per
    sample and its carrier turning continuously.
    """
    dq, _, jnp = _dynamiqs()
    w = load(name)
    names, samples, offset = tables(w)
    length, dt = samples.shape[2], w["dt"]
    h = dq.constant(drift(w, frame_of(w)))
    constant = not offset.any()
    edges = np.arange(length + 1) * dt
    for k, channel in enumerate(names):
        qubit = w["channels"][channel]["qubit"]
        held = jnp.asarray(np.pi * w["qubits"][qubit]["drive_rate"] * samples[:, k])
        turn = 2 * np.pi * jnp.asarray(offset[:, k])
        lower = lowering_of(w)[qubit]
        if constant:
            h = h + dq.pwc(edges, held, lower) + dq.pwc(edges, held.conj(), lower.conj().T)
            continue

        def f(t: Any, held: Any = held, turn: Any = turn) -> Any:
            return held[:, jnp.clip(jnp.floor(t / dt).astype(int), 0, length - 1)] * jnp.exp(1j * turn * t)

        def g(t: Any, f: Any = f) -> Any:
            return jnp.conj(f(t))

        h = h + dq.modulated(f, lower) + dq.modulated(g, lower.conj().T)
    start = jnp.zeros((len(drift(w, 0.0)), 1), complex).at[0, 0].set(1)
    times = jnp.array([0.0, length * dt])
    method = dq.method.Expm() if constant else dq.method.Tsit5(rtol=1e-10, atol=1e-10, max_steps=10**7)

    def once() -> np.ndarray:
        out = dq.sesolve(h, start, times, method=method, progress_meter=False)
        return np.abs(np.asarray(out.final_state.to_jax())[..., 0]) ** 2

    seconds, found = warm(once)
    how = f"sesolve, {'Expm' if constant else 'Tsit5'}, all schedules at once"
    return PeerTime(seconds, float(np.abs(found - reference(name)).max()), how)


def decay(name: str) -> PeerTime:
    """Run T1 and Ramsey staged by hand: pulse, all delays at once, pulse.

    The pulses are solved sample by sample (piecewise constant in the LO's
    frame) and each delay is one exponential, by eigenvectors in effect:
    ``mesolve`` with a constant generator over the sorted delays.
    """
    dq, jax, jnp = _dynamiqs()
    w = load(name)
    lo, dt = w["channels"]["d0"]["lo"], w["dt"]
    h0, jumps, lower = drift(w, lo), collapse(w), lowering_of(w)[0] * np.pi * w["qubits"][0]["drive_rate"]
    schedules = w["schedules"]
    ramsey = np.array([len(s["instr"]) == 2 for s in schedules])
    pulse = w["shapes"][0]["duration"]
    delays = np.array([s["duration"] - pulse * len(s["instr"]) for s in schedules]) * dt
    envelopes = [envelope_of(w, schedules[int(np.argmax(ramsey == kind))])["d0"][:pulse] for kind in (False, True)]
    edges = np.arange(pulse + 1) * dt
    ground = np.zeros((w["levels"], w["levels"]), complex)
    ground[0, 0] = 1

    def played(samples: np.ndarray) -> Any:
        drive = dq.pwc(edges, samples, lower) + dq.pwc(edges, samples.conj(), lower.conj().T)
        return dq.constant(h0) + drive

    expm = dq.method.Expm()
    quiet: Dict[str, Any] = {"method": expm, "progress_meter": False}

    def kind_of(kind: bool) -> Callable[[], Any]:
        h = played(envelopes[int(kind)])
        order = np.argsort(delays[ramsey == kind])
        wait = np.concatenate([[0.0], delays[ramsey == kind][order]])

        def solve() -> Any:
            rho = dq.mesolve(h, jumps, ground, edges[[0, -1]], **quiet).final_state
            rho = dq.mesolve(h0, jumps, rho, wait, **quiet).states[1:]
            if kind:
                rho = dq.mesolve(h, jumps, rho, edges[[0, -1]], **quiet).final_state
            return jnp.real(jnp.diagonal(rho.to_jax(), axis1=-2, axis2=-1))[np.argsort(order)]

        return jax.jit(solve)

    parts = {kind: kind_of(kind) for kind in (False, True)}

    def once() -> np.ndarray:
        out = np.empty((len(schedules), w["levels"]))
        for kind, solve in parts.items():
            out[ramsey == kind] = np.asarray(solve())
        return out

    seconds, found = warm(once)
    return PeerTime(seconds, float(np.abs(found - reference(name)).max()), "mesolve, Expm, staged by hand")


RUNS: Dict[str, Callable[[str], PeerTime]] = {"w1_rabi1q": sweep, "w4_t1_ramsey": decay, "w5_cr2q": sweep}


def main() -> None:
    """Run, print and record."""
    command("dynamiqs", ("dynamiqs", "jax"), RUNS, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
