"""Integrate a random case with QuTiP and with qiskit-dynamics, section by section."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
from oracle import TWO_PI, Wave, edges_of, finished, held, start_of, terms_of, w_common, waves_of
from random_schedules import Case

__all__ = ["dynamics_states", "qutip_states"]

TOLERANCE = 1e-10


def qutip_states(case: Case) -> np.ndarray:
    """Return the final ket, or density matrix with noise, by QuTiP's vern9, in the frame of one frequency."""
    import qutip

    terms, waves = terms_of(case), waves_of(case)
    w_c = w_common(case)
    now: List[Tuple[complex, Wave]] = []

    def drive(q: int, t: float) -> complex:
        total = 0j
        for z, w in now:
            if w.qubit == q:
                slow = w.rate * z / 2 * np.exp(1j * ((w.w - w_c) * t + w.phase))
                fast = np.conj(w.rate * z) / 2 * np.exp(-1j * ((w.w + w_c) * t + w.phase))
                total += slow if case.rwa else slow + fast
        return complex(total)

    h = [qutip.Qobj(terms.turned)]
    for q, a in enumerate(terms.lower):
        h.append([qutip.Qobj(a), lambda t, q=q: drive(q, t)])
        h.append([qutip.Qobj(a.T), lambda t, q=q: drive(q, t).conjugate()])
    options = {"method": "vern9", "rtol": TOLERANCE, "atol": TOLERANCE / 10, "nsteps": 100_000, "progress_bar": ""}
    state = qutip.Qobj(start_of(case, terms))
    if case.noise:
        solver = qutip.MESolver(qutip.QobjEvo(h), [qutip.Qobj(c) for c in terms.collapse], options=options)
        state = qutip.ket2dm(state)
    else:
        solver = qutip.SESolver(qutip.QobjEvo(h), options=options)
    edges = edges_of(case, waves)
    for a, b in zip(edges[:-1], edges[1:]):
        now[:] = [(z, w) for w in waves for z in [held(case, w, (a + b) / 2)] if z != 0]
        solver.start(state, a)
        state = solver.step(b)
    return finished(case, terms, state.full() if case.noise else state.full()[:, 0])


def dynamics_states(case: Case) -> np.ndarray:
    """Return the same by qiskit-dynamics, which makes its own frame and its own RWA.

    Its samples are read at the ends of steps, where those of the next section
    begin: each section has its own constant signals.
    """
    from qiskit_dynamics import Signal, Solver

    terms, waves = terms_of(case), waves_of(case)
    frame = np.diag(w_common(case) * terms.number)
    more = {}
    if case.rwa:
        # between the carrier, with which collapse operators turn, and twice that
        cutoff = 1.5 * w_common(case) / TWO_PI
        more = {"rwa_cutoff_freq": cutoff, "rwa_carrier_freqs": [w.w / TWO_PI for w in waves]}
    solver = Solver(
        static_hamiltonian=terms.static,
        hamiltonian_operators=[abs(w.rate) * (terms.lower[w.qubit] + terms.lower[w.qubit].T) for w in waves],
        static_dissipators=terms.collapse or None,
        rotating_frame=frame,
        **more,
    )
    ket = start_of(case, terms)
    y = np.outer(ket, ket.conj()) if case.noise else ket
    edges = edges_of(case, waves)
    for a, b in zip(edges[:-1], edges[1:]):
        z = [held(case, w, (a + b) / 2) for w in waves]
        signals = [Signal(v, w.w / TWO_PI, w.phase + float(np.angle(w.rate))) for v, w in zip(z, waves)]
        done = solver.solve([a, b], y, signals=signals, method="DOP853", rtol=TOLERANCE, atol=TOLERANCE / 10)
        y = np.asarray(done.y[-1])
    return finished(case, terms, y)
