"""Terms of the user's own that do not keep the number of excitations, against scipy in the laboratory frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from simulator_programs import device, play, program

from pulsekit.errors import CancelledError
from pulsekit.program import Batch, Channel, Op, Pulse
from pulsekit.simulator import ExtraTerm, Model, default_los, evolve, simulate
from pulsekit.simulator.operators import embed, lowering

TWO_PI = 2 * np.pi
LEVELS = (3, 2)
ENVELOPE = np.array([0.2, 0.9, 0.7j, -0.5])
CHANNEL = Channel("d", 0)


def exact(model: Model, operator: np.ndarray, driven: bool, rwa: bool) -> np.ndarray:
    """Return the final populations of dressed states, without a frame."""
    lower = [embed(lowering(d), q, LEVELS) for q, d in enumerate(LEVELS)]
    change = model.excitations[:, None] - model.excitations[None, :]
    rate = model.lines[0].w_rate * model.lines[0].gain
    y = model.dressed()[1][:, 0].astype(complex)
    for k, z in enumerate(ENVELOPE):

        def rhs(t: float, y: np.ndarray, z: complex = z) -> np.ndarray:
            turned = z * np.exp(1j * model.w_frame[0] * t)
            if rwa:
                part = rate * turned / 2 * lower[0]
                h = model.static_bare + part + part.conj().T
            else:
                h = model.static_bare + (rate * turned).real * (lower[0] + lower[0].T)
            if driven:
                slow = np.where(
                    change == -1, operator * turned / 2, np.where(change == 1, operator * turned.conj() / 2, 0)
                )
                rest = operator * turned.real
                h = h + (np.where(np.abs(change) == 1, slow, rest) if rwa else rest)
            return -1j * (h @ y)

        span = (k * model.dt, (k + 1) * model.dt)
        y = solve_ivp(rhs, span, y, method="DOP853", rtol=1e-12, atol=1e-13, max_step=model.dt / 20).y[:, -1]
    return np.abs(model.dressed()[1].conj().T @ y) ** 2


@pytest.mark.parametrize("rwa", [True, False])
@pytest.mark.parametrize("driven", [True, False])
@pytest.mark.parametrize("kind", ["counter-rotating exchange", "any"])
def test_terms_that_do_not_keep_excitations(kind: str, driven: bool, rwa: bool) -> None:
    """Lowering operators were taken to change the dressed number by one: off by 1e-3 at 50 MHz."""
    x = [embed(lowering(d) + lowering(d).T, q, LEVELS) for q, d in enumerate(LEVELS)]
    operator: Any = TWO_PI * 80e6 * x[0] @ x[1]
    if kind == "any":
        rng = np.random.default_rng(4)
        operator = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
        operator = TWO_PI * 30e6 * (operator + operator.conj().T)
    dev = device(2, 3)
    dev = dev.replace(
        transmons=tuple(type(t)(t.frequency, t.anharmonicity, d, None, None) for t, d in zip(dev.transmons, LEVELS))
    )
    term = ExtraTerm(operator, CHANNEL if driven else None)
    prog = program([play("d0", 0, [], Pulse.from_samples(ENVELOPE), 1.0)], [Pulse.from_samples(ENVELOPE)])
    found = simulate(prog, dev, extra=(term,), rwa=rwa, tolerance=1e-8).populations[0]
    model = Model.from_device(dev, (0, 1), noise=False, extra=(term,))
    assert np.abs(found - exact(model, operator, driven, rwa)).max() < 1e-8


def test_static_terms_act_where_nothing_plays() -> None:
    """A state that is no dressed one turns; populations in the bare basis follow."""
    dev = device(1, 3).replace(transmons=(type(device(1, 3).transmons[0])(5e9, -330e6, 3, None, None),))
    term = ExtraTerm(TWO_PI * 300e6 * (lowering(3) + lowering(3).T))
    model = Model.from_device(dev, (0,), noise=False, extra=(term,))
    wait = program([{"t0": 0, "duration": 4, "op": Op.DELAY, "channel": "d0"}], [])
    _, v = model.dressed()
    start = v.conj().T @ np.eye(3)[0]  # bare ground
    found = simulate(wait, dev, extra=(term,), rwa=False, initial=start, basis="bare").populations[0]
    values, vectors = np.linalg.eigh(model.static_bare)
    want = np.abs(vectors @ (np.exp(-1j * values * 4 * model.dt) * vectors[0].conj())) ** 2
    assert np.abs(found - want).max() < 1e-9


@pytest.mark.parametrize(("solver", "rwa"), [("schroedinger", False), ("lindblad", True), ("lindblad", False)])
def test_a_cancelled_simulation_with_terms_of_the_users_ends(solver: str, rwa: bool) -> None:
    """The reference never looked."""

    class Later:
        """Is set from the third look on."""

        looks = 0

        def is_set(self) -> bool:
            self.looks += 1
            return self.looks > 3

    dev = device(1, 3)
    pulses = [Pulse.from_samples(np.tile(ENVELOPE, 1000))]
    prog = program([play("d0", 0, [], pulses[0], 1.0)], pulses)
    batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))
    term = ExtraTerm(TWO_PI * 1e6 * np.diag([0.0, 1.0, 3.0]))
    model = Model.from_device(dev, (0,), noise=solver == "lindblad", extra=(term,))
    start = np.diag([1.0, 0.0, 0.0])[None] if solver == "lindblad" else np.eye(3)[:1]
    later = Later()
    with pytest.raises(CancelledError):
        evolve(model, batch, start, solver=solver, rwa=rwa, cancel=later)  # type: ignore[arg-type]
    assert later.looks == 4
