"""The consequences that the sign conventions have, closed forms, QuTiP."""

from __future__ import annotations

import numpy as np
import pytest
from simulator_programs import device, gaussian, play, program, random_program

from pulsekit.device import Device, DriveLine, Transmon
from pulsekit.errors import PulsekitError, SimulationError
from pulsekit.program import Channel, Op, Program, Pulse, resolve_frames
from pulsekit.simulator import ExtraTerm, Model, default_los, simulate
from pulsekit.simulator.model import check_decoherence

DT = 2e-9 / 9


def single(levels: int = 3, f: float = 5e9, rate: float = 100e6, **changes: object) -> Device:
    noise = {"t1": None, "t2": None, **changes}
    return Device("one", (Transmon(f, -330e6, levels, **noise),), drives=(DriveLine(0, rate),))


def constant(length: int) -> Pulse:
    return Pulse.from_shape("constant", length, {})


def shift(value: float, t0: int = 0, op: Op = Op.SHIFT_PHASE) -> dict:
    return {"t0": t0, "op": op, "channel": "d0", "value": value}


def test_resonant_rabi() -> None:
    pulses: list = []
    rate, amp, length = 100e6, 0.2, 73
    out = simulate(program([play("d0", 0, pulses, constant(length), amp)], pulses), single(2, rate=rate))
    angle = 2 * np.pi * rate * amp * length * DT
    assert abs(out.populations[0, 1] - np.sin(angle / 2) ** 2) < 1e-11


def test_detuned_rabi_and_an_lo_above_the_qubit_drives_above_it() -> None:
    pulses: list = []
    rate, amp, length, detuning = 100e6, 0.1, 200, 7e6
    rows = [shift(5e9 + detuning, op=Op.SET_FREQUENCY), play("d0", 0, pulses, constant(length), amp)]
    out = simulate(program(rows, pulses), single(2, rate=rate), outputs=("populations", "states"))
    w, d, t = 2 * np.pi * rate * amp, 2 * np.pi * detuning, length * DT
    full = np.hypot(w, d)
    assert abs(out.populations[0, 1] - (w / full * np.sin(full * t / 2)) ** 2) < 1e-10
    # frame of the qubit: c1 = -i conj(f)/..., rotating with the drive: exp(-i (w_d - w_q) t) on |1>
    want = -1j * (w / full) * np.sin(full * t / 2) * np.exp(-1j * d * t / 2)
    assert abs(out.states[0, 1] - want) < 1e-10


def test_a_sideband_is_a_frequency_setting() -> None:
    """Held samples: divide out their sinc and their half-sample phase."""
    df, length = 100e6, 160
    k = np.arange(length)
    envelope = gaussian(length).samples * 3e-4
    side = envelope * np.exp(2j * np.pi * df * (k + 0.5) * DT) * np.sinc(df * DT)
    pulses: list = []
    carrier = program(
        [shift(5e9 + df, op=Op.SET_FREQUENCY), play("d0", 0, pulses, Pulse.from_samples(envelope), 1.0)], pulses
    )
    pulses = []
    samples = program([play("d0", 0, pulses, Pulse.from_samples(side), 1.0)], pulses)
    states = simulate([carrier, samples], single(2), outputs=("states",), tolerance=1e-10).states
    assert np.abs(states[0] - states[1]).max() < 1e-9
    wrong = program([shift(5e9 - df, op=Op.SET_FREQUENCY), play("d0", 0, [], gaussian(), 3e-4)], [gaussian()])
    other = simulate(wrong, single(2), outputs=("states",), tolerance=1e-10).states[0]
    assert np.abs(other - states[1]).max() > 1e-7


def test_the_best_drag_beta_is_negative() -> None:
    """x and its inverse, five times: what is left of P1 is the DRAG error."""
    betas = np.linspace(-4, 4, 33)
    progs = []
    for beta in betas:
        pulses: list = []
        pulse = Pulse.from_shape("drag", 160, {"sigma": 40.0, "beta": float(beta)})
        rows = [play("d0", 160 * k, pulses, pulse, 0.261, np.pi * (k % 2)) for k in range(10)]
        progs.append(program(rows, pulses))
    error = simulate(progs, single(4)).populations[:, 1]
    assert -2.2 < betas[np.argmin(error)] < -1.0  # -1/(|alpha| dt) to -1/(2 |alpha| dt), samples
    assert error[betas == 1.5] > 20 * error[betas == -1.5]


def test_the_logical_gates_are_the_physical_ones_in_a_mirror() -> None:
    """x -> -x, antiunitary: U = Z conj(logical) Z for rz, rx and ry."""
    theta, length = 0.7, 50
    amp = theta / (2 * np.pi * 100e6 * length * DT)
    pulses: list = []
    rows = [
        play("d0", 0, pulses, constant(length), amp),
        shift(-0.4, length),
        play("d0", length, pulses, constant(length), amp, np.pi / 2),
        shift(-1.1, 2 * length),
    ]
    u = simulate(program(rows, pulses), single(2), outputs=("propagators",)).propagators[0]
    rz = lambda a: np.diag([np.exp(-0.5j * a), np.exp(0.5j * a)])  # noqa: E731
    rx = np.array([[np.cos(theta / 2), -1j * np.sin(theta / 2)], [-1j * np.sin(theta / 2), np.cos(theta / 2)]])
    ry = np.array([[np.cos(theta / 2), -np.sin(theta / 2)], [np.sin(theta / 2), np.cos(theta / 2)]])
    logical = rz(1.1) @ ry @ rz(0.4) @ rx
    z = np.diag([1, -1])
    mirror = z @ logical.conj() @ z
    assert abs(abs(np.trace(mirror.conj().T @ u)) - 2) < 1e-9
    assert abs(abs(np.trace(logical.conj().T @ u)) - 2) > 1e-2


def test_ramsey_fringes_have_the_sign_of_the_detuning() -> None:
    """sx, delay, rz(+pi/2) as ShiftPhase(-pi/2), sx: P1 rises where the LO is above."""
    length, wait, detuning = 50, 400, 1e6
    amp = np.pi / 2 / (2 * np.pi * 100e6 * length * DT)
    found = []
    for sign in (1, -1):
        pulses: list = []
        rows = [
            play("d0", 0, pulses, constant(length), amp),
            shift(5e9 + sign * detuning, length, Op.SET_FREQUENCY),
            shift(5e9, length + wait, Op.SET_FREQUENCY),
            shift(-np.pi / 2, length + wait),
            play("d0", length + wait, pulses, constant(length), amp),
        ]
        found.append(simulate(program(rows, pulses), single(2)).populations[0, 1])
    phase = 2 * np.pi * detuning * wait * DT
    assert np.allclose(found, [(1 + np.sin(phase)) / 2, (1 - np.sin(phase)) / 2], atol=1e-9)


def test_the_full_model_tends_to_the_rwa() -> None:
    gaps = []
    for f in (2.5e9, 5e9, 10e9):
        pulses: list = []
        prog = program([play("d0", 0, pulses, gaussian(), 0.4)], pulses)
        a, b = (simulate(prog, single(3, f), rwa=r, outputs=("states",)).states[0] for r in (True, False))
        gaps.append(np.abs(a - b).max())
    assert 1e-4 < gaps[1] < 5e-2
    assert gaps[0] > 1.6 * gaps[1] > 2.5 * gaps[2]


def test_relaxation_and_dephasing_are_the_measured_totals() -> None:
    dev = single(3, t1=40e-6, t2=30e-6, p_th=0.03)
    wait = 90_000
    pulses: list = []
    idle = program([{"t0": 0, "duration": wait, "op": Op.DELAY, "channel": "d0"}], pulses)
    plus = np.array([1, 1, 0]) / np.sqrt(2)
    rho = simulate(idle, dev, noise=True, initial=plus, outputs=("states",)).states[0]
    t = wait * DT
    assert abs(rho[1, 1] - (0.03 + (0.5 - 0.03) * np.exp(-t / 40e-6))) < 1e-9
    assert abs(abs(rho[0, 1]) - 0.5 * np.exp(-t / 30e-6)) < 1e-9
    two = simulate(idle, single(3, t1=40e-6, t2=80e-6), noise=True, initial={0: 2}).populations[0]
    assert abs(two[2] - np.exp(-2 * t / 40e-6)) < 1e-9


def test_dressed_transitions_equal_the_estimates() -> None:
    dev = device(3, 3)
    model = Model.from_device(dev, (0, 1, 2))
    energies, vectors = model.dressed()
    for q in range(3):
        state = 3**q
        assert abs((energies[state] - energies[0]) / (2 * np.pi) - dev.transmons[q].frequency) < 1e3
    assert np.abs(vectors.conj().T @ vectors - np.eye(27)).max() < 1e-12


def test_reversed_conjugate_pulses_give_the_transpose() -> None:
    """The Hamiltonian of conj(z) is the transpose of that of z, so that the product of samples is transposed."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(0, 0.5, 64) * np.exp(2j * np.pi * rng.random(64))
    u = []
    for z in (samples, samples[::-1].conj()):
        pulses: list = []
        prog = program([play("d0", 0, pulses, Pulse.from_samples(z), 1.0)], pulses)
        u.append(simulate(prog, single(4), outputs=("propagators",), tolerance=1e-9).propagators[0])
    assert np.abs(u[0] - u[1].T).max() < 1e-9
    assert np.abs(u[0] - u[0].T).max() > 0.1  # it is not its own


def test_populations_over_time() -> None:
    pulses: list = []
    prog = program([play("d0", 10, pulses, constant(100), 0.1)], pulses, 130)
    grid = [0, 10, 35, 60, 110, 130]
    seen = simulate(prog, single(2), times=grid).over_time[0, :, 1]
    inside = np.clip(np.array(grid) - 10, 0, 100) * DT
    assert np.abs(seen - np.sin(np.pi * 100e6 * 0.1 * inside) ** 2).max() < 1e-9


def test_user_terms_join_the_hamiltonian() -> None:
    zz = 2 * np.pi * 1e6 * np.diag([0, 0, 0, 1.0])
    dev = device(2, 2).replace(couplings=())
    idle = program([{"t0": 0, "duration": 3000, "op": Op.DELAY, "channel": c} for c in ("d0", "d1")], [])
    u = simulate(idle, dev, outputs=("propagators",), extra=(ExtraTerm(zz.astype(complex)),)).propagators[0]
    assert abs(u[3, 3] - np.exp(-2j * np.pi * 1e6 * 3000 * DT)) < 1e-9


def test_a_user_term_driven_by_a_channel_is_that_channels_drive() -> None:
    """The line's own operator, given by hand, doubles the amplitude."""
    pulses: list = []
    prog = program([play("d0", 0, pulses, gaussian(40, 10.0), 0.2, 0.3)], pulses)
    rate = 2 * np.pi * 100e6
    by_hand = ExtraTerm(rate * np.array([[0, 1], [1, 0]], complex), Channel("d", 0))
    pulses = []
    twice = program([play("d0", 0, pulses, gaussian(40, 10.0), 0.4, 0.3)], pulses)
    for rwa in (True, False):
        a = simulate(prog, single(2), rwa=rwa, extra=(by_hand,), outputs=("states",), tolerance=1e-5).states
        b = simulate(twice, single(2), rwa=rwa, outputs=("states",), tolerance=1e-8).states
        assert np.abs(a - b).max() < 1e-5


@pytest.mark.parametrize("bad", [{"t1": 10e-6, "t2": 30e-6}, {"t1": -1.0, "t2": 1e-6}, {"p_th": 1.5}])
def test_impossible_decoherence_is_refused(bad: dict) -> None:
    with pytest.raises(PulsekitError, match="must"):
        Device("bad", (Transmon(5e9, **bad),), drives=(DriveLine(0, 1e8),))
    model = Model.from_device(single(), (0,))
    with pytest.raises(SimulationError, match="qubit 0 has"):
        check_decoherence((0,), np.array([1e-5]), np.array([3e-5]), model.p_th)


def qutip_states(dev: Device, prog: Program, n: int, levels: int) -> np.ndarray:
    """Integrate with QuTiP's sesolve, in the frame of qubit 0's LO, sample by sample."""
    import qutip

    model = Model.from_device(dev, tuple(range(n)), noise=False)
    w_c = model.w_frame[0]
    dims = [[levels] * n] * 2
    h0 = qutip.Qobj(model.static_bare - w_c * np.diag(model.excitations), dims=dims)
    plays = resolve_frames(prog, default_los(dev, 1), model.dt)
    state = qutip.basis(dims[0], [0] * n)
    lower = [
        qutip.tensor([qutip.destroy(levels) if n - 1 - i == q else qutip.qeye(levels) for i in range(n)])
        for q in range(n)
    ]
    for k in range(prog.duration):
        terms: list = [h0]
        for line in model.lines:
            p = plays.get(line.channel)
            for i in range(0 if p is None else p.t0.size):
                sample = k - int(p.t0[i])
                if not 0 <= sample < p.duration[i]:
                    continue
                z = prog.pulses[p.pulse[i]].samples[sample] * p.scale[0, i] * line.gain * line.w_rate / 2
                slow = 2 * np.pi * (p.freq[0, i] - p.f_ref)
                fast = 2 * np.pi * p.f_ref - w_c
                start = p.t0[i] * model.dt

                def f(
                    t: float, z: complex = z, slow: float = slow, fast: float = fast, start: float = start
                ) -> complex:
                    return z * np.exp(1j * (slow * (t - start) + fast * t))

                def g(t: float, f: object = f) -> complex:
                    return np.conj(f(t))

                a = lower[line.local_qubit]
                terms += [[a, f], [a.dag(), g]]
        span = [k * model.dt, (k + 1) * model.dt]
        options = {"atol": 1e-11, "rtol": 1e-10, "method": "dop853"}
        state = qutip.sesolve(qutip.QobjEvo(terms), state, span, options=options).states[-1]
    _, v = model.dressed()
    dressed = v.conj().T @ state.full()[:, 0]
    dressed = dressed * np.exp(1j * (model.frame - w_c * model.excitations) * prog.duration * model.dt)
    for q in range(n):  # virtual Z
        play = plays.get(Channel("d", q))
        if play is not None:
            dressed = dressed * np.exp(1j * play.final_phase[0] * model.labels[:, q])
    return dressed


def against_qutip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dev = device(2, 2 + seed % 2)
    prog = random_program(rng, 2, plays=3)
    ours = simulate(prog, dev, outputs=("states",), tolerance=1e-8, spectator_bound=1e-12, initial={0: 0, 1: 0})
    if len(ours.clusters) != 1:
        pytest.fail("the pair was split")
    assert np.abs(ours.states[0] - qutip_states(dev, prog, 2, 2 + seed % 2)).max() < 1e-7


@pytest.mark.parametrize("seed", [0, 1])
def test_states_equal_qutip(seed: int) -> None:
    against_qutip(seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(200))
def test_states_equal_qutip_on_200_schedules(seed: int) -> None:
    against_qutip(seed)
