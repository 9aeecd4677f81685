"""Run workloads with QuTiP's sesolve and mesolve (extra ``peers``)."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List

import numpy as np

from .peers import PeerTime, command, tables
from .workloads import load, reference
from .workloads.hamiltonian import collapse, drift, frame_of, lowering_of

__all__ = ["main", "run"]

MAX_SCHEDULES = 3  # a sweep is run in part, and its time scaled


def run(name: str) -> PeerTime:
    """Run one solve per schedule: samples as arrays of order 0, carriers as compiled strings.

    Tolerances 1e-10 and 1e-9, no step longer than a sample. Sweeps are run at
    equidistant points and their time is scaled.
    """
    import qutip

    w = load(name)
    want = reference(name)
    names, samples, offset = tables(w)
    dims = [[w["levels"]] * len(w["qubits"])] * 2
    h0 = qutip.Qobj(drift(w, frame_of(w)), dims=dims).to("csr")
    lower = [qutip.Qobj(a, dims=dims).to("csr") for a in lowering_of(w)]
    lindblad = w["solver"] == "lindblad"
    jumps = [qutip.Qobj(c, dims=dims).to("csr") for c in collapse(w)] if lindblad else []
    start = qutip.basis(dims[0], [0] * len(dims[0]))
    count = len(w["schedules"])
    chosen = np.linspace(0, count - 1, min(count, MAX_SCHEDULES)).round().astype(int).tolist()
    options = {"atol": 1e-10, "rtol": 1e-9, "max_step": w["dt"], "nsteps": 10**8, "progress_bar": ""}
    options.update(store_states=False, store_final_state=True)

    def one(row: int) -> np.ndarray:
        times = np.arange(w["schedules"][row]["duration"] + 1) * w["dt"]
        terms: List[Any] = [h0]
        for k, channel in enumerate(names):
            qubit = w["channels"][channel]["qubit"]
            held = np.append(samples[row, k, : len(times) - 1], 0) * np.pi * w["qubits"][qubit]["drive_rate"]
            f = qutip.coefficient(held, tlist=times, order=0)
            if offset[row, k]:
                turn = {"w_off": 2 * np.pi * offset[row, k]}
                f = f * qutip.coefficient("exp(1j * w_off * t)", args=turn)
            terms += [[lower[qubit], f], [lower[qubit].dag(), f.conj()]]
        h = qutip.QobjEvo(terms)
        if lindblad:
            state = qutip.mesolve(h, start, times[[0, -1]], jumps, options=options).final_state
            return state.diag().real
        state = qutip.sesolve(h, start, times[[0, -1]], options=options).final_state
        return np.abs(state.full()[:, 0]) ** 2

    one(chosen[0])  # compiles the strings
    spent, error = 0.0, 0.0
    for row in chosen:
        begin = time.perf_counter()
        found = one(row)
        spent += time.perf_counter() - begin
        error = max(error, float(np.abs(found - want[row]).max()))
    part = "" if len(chosen) == count else f", {len(chosen)} of {count} schedules"
    how = ("mesolve" if lindblad else "sesolve") + ", adams, array and string coefficients" + part
    return PeerTime(spent * count / len(chosen), error, how)


RUNS: Dict[str, Callable[[str], PeerTime]] = dict.fromkeys(
    ("w1_rabi1q", "w5_cr2q", "w5l_cr2q_lindblad", "w6_4q_random", "w7a_7q_2lev", "w7b_7q_3lev"), run
)


def main() -> None:
    """Run, print and record."""
    command("QuTiP", ("qutip",), RUNS, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
