"""Run workloads with QuTiP's mesolve / sesolve (extra ``peers``)."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Tuple

import numpy as np

from .simulator import record
from .workloads import load, reference
from .workloads.hamiltonian import collapse, drift, envelope_of, frame_of, lowering_of

__all__ = ["main", "run"]

NAMES = ("w1_rabi1q", "w5_cr2q", "w6_4q_random", "w7a_7q_2lev")
MAX_SCHEDULES = 5  # a sweep is run in part, and its time scaled


def run(name: str) -> Tuple[float, float]:
    """Return the time of all schedules in s and the largest error.

    Piecewise-constant envelopes as arrays (order 0), one ``sesolve`` per
    schedule, tolerances 1e-10 and 1e-9, steps no longer than a sample.
    """
    import qutip

    w = load(name)
    want = reference(name)
    frame = frame_of(w)
    dims = [[w["levels"]] * len(w["qubits"])] * 2
    h0 = qutip.Qobj(drift(w, frame), dims=dims)
    lower = [qutip.Qobj(a, dims=dims) for a in lowering_of(w)]
    jumps = [qutip.Qobj(c, dims=dims) for c in collapse(w)] if w["solver"] == "lindblad" else []
    start = qutip.basis(dims[0], [0] * len(dims[0]))
    schedules: List[Dict[str, Any]] = w["schedules"]
    chosen = schedules[:: max(1, len(schedules) // MAX_SCHEDULES)][:MAX_SCHEDULES]
    options = {"atol": 1e-10, "rtol": 1e-9, "max_step": w["dt"], "nsteps": 10**7}
    spent, error = 0.0, 0.0
    for schedule in chosen:
        begin = time.perf_counter()
        times = np.arange(schedule["duration"] + 1) * w["dt"]
        terms: List[Any] = [h0]
        for channel, samples in envelope_of(w, schedule).items():
            lo = schedule.get("lo", {}).get(channel, w["channels"][channel]["lo"])
            q = w["channels"][channel]["qubit"]
            half = np.pi * w["qubits"][q]["drive_rate"]
            held = np.append(samples, 0)

            def f(t: float, held: np.ndarray = held, lo: float = lo, half: float = half) -> complex:
                k = min(int(t / w["dt"]), len(held) - 1)
                return half * held[k] * np.exp(2j * np.pi * (lo - frame) * t)

            def g(t: float, f: Any = f) -> complex:
                return np.conj(f(t))

            terms += [[lower[q], f], [lower[q].dag(), g]]
        h = qutip.QobjEvo(terms)
        if jumps:
            state = qutip.mesolve(h, start, times[[0, -1]], jumps, options=options).states[-1]
            found = state.diag().real
        else:
            state = qutip.sesolve(h, start, times[[0, -1]], options=options).states[-1]
            found = np.abs(state.full()[:, 0]) ** 2
        spent += time.perf_counter() - begin
        error = max(error, float(np.abs(found - want[schedules.index(schedule)]).max()))
    return spent * len(schedules) / len(chosen), error


def main() -> None:
    """Run, print and record."""
    done = {}
    for name in NAMES:
        done[name] = run(name)
        print(f"{name}: {done[name][0]:.3g} s, error {done[name][1]:.1e}")
    record("QuTiP", done)


if __name__ == "__main__":
    main()
