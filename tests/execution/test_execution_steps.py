"""What steps of trajectories through run() may err by, apart from the spread of shots: against scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pulsekit.device import Coupling
from pulsekit.execution import walk
from pulsekit.simulator.trajectories import Trajectories

SHOTS = 100_000


def unjumped(model, tones, state, stop):
    """The populations of a trajectory that has not jumped, by DOP853."""
    w, dt = float(np.mean(model.w_frame)), model.dt
    still = np.diag(-1j * model.energies(w)) - sum(c.conj().T @ c for c in model.collapse_dressed) / 2
    edges = {0, stop, *(round(t.start_s / dt) + k for t in tones for k in range(len(t.samples) + 1))}
    edges = sorted(e for e in edges if e <= stop)
    y = state
    for a, b in zip(edges[:-1], edges[1:]):
        on = []
        for t in tones:
            k, line = a - round(t.start_s / dt), model.lines[t.line]
            if 0 <= k < len(t.samples):
                z = line.w_rate / 2 * t.amplitude[0] * t.samples[k]
                on.append((z, t.w[0] - w, model.lower_dressed[line.local_qubit]))

        def slope(t, y, on=on):
            out = still @ y
            for z, turn, lower in on:
                f = z * np.exp(1j * turn * t)
                out -= 1j * (f * (lower @ y) + np.conj(f) * (lower.conj().T @ y))
            return out

        y = solve_ivp(slope, (a * dt, b * dt), y, "DOP853", [b * dt], rtol=1e-9, atol=1e-11).y[:, -1]
    return np.abs(y) ** 2


@pytest.mark.parametrize(
    ("levels", "rabi_rate", "coupling"),
    [(3, 50e6, 3e6), (2, 50e6, 3e6), (3, 250e6, 3e6), (2, 250e6, 8e6), (3, 50e6, 8e6)],
)
def test_steps_err_by_less_than_run_claims_and_shots_show(lab, monkeypatch, levels, rabi_rate, coupling):
    seen = []

    class Seen(Trajectories):
        def __call__(self, state, members, **more):
            found = super().__call__(state, members, **more)
            seen.append((self, state, found[0]))
            return found

    monkeypatch.setattr(walk, "Trajectories", Seen)
    pairs = (Coupling((0, 1), coupling), Coupling((1, 2), coupling))
    device = lab.device(3, couplings=pairs, levels=levels, t1=1e-3, t2=1e-3)
    device = replace(device, drives=tuple(replace(d, rabi_rate=rabi_rate) for d in device.drives))
    plays = [("x", 0, 0, 0.5), ("x", 1, 80, 0.8), ("x", 2, 160, 0.6), ("x", 1, 480), ("x", 0, 480, 0.7)]
    program = lab.program(*plays, ("m", 0, 640, 0), ("m", 1, 640, 1), ("m", 2, 640, 2))
    record = lab.run(device, [program], shots=SHOTS, method="trajectories", spectator_bound=1e-6)[0]
    run, state, branch = seen[0]
    assert branch.jumps == 0
    exact = unjumped(run.model, run._tones, state, 640)
    error = np.abs(np.abs(branch.state) ** 2 - exact / exact.sum()).max()
    assert error < record.info["bound"] < max(walk.STEP_ERROR, walk.UNSEEN / np.sqrt(SHOTS)) + 1e-6
