"""A measure tone without an acquire: dephasing and Stark shift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix, identity, kron
from scipy.sparse.linalg import expm_multiply

from pulsekit.device import Resonator
from pulsekit.program import AcquireSpec, Channel, EventTable, Op, Program, Pulse
from pulsekit.readout import Tone, coherence_exponents, solve_field

DT = 2e-9 / 9


def full_lindblad(resonator, amplitude, on, total, photons=9):
    """rho_01 of qubit and resonator, exactly, for a square tone at the LO (frame of the LO)."""
    a = np.diag(np.sqrt(np.arange(1, photons)), 1)
    n = a.T @ a
    up = np.diag([0.0, 1.0])
    w_chi = 2 * np.pi * np.array(resonator.chi[:2])
    rest = 2 * np.pi * (resonator.frequency - 7e9)
    # d(alpha)/dt = -i eps conj(m): H = eps (conj(m) a^dag + m a)
    eps = 2 * np.pi * resonator.drive_rate * amplitude
    drive = eps * np.conj(1) * a.T + np.conj(eps) * a
    one = np.eye(2)
    static = np.kron(one, rest * n) + np.kron(np.eye(2) - up, w_chi[0] * n) + np.kron(up, w_chi[1] * n)
    collapse = np.kron(one, np.sqrt(2 * np.pi * resonator.kappa) * a)
    dim = 2 * photons

    def generator(h):
        eye = identity(dim)
        ham = -1j * (kron(eye, csr_matrix(h)) - kron(csr_matrix(h.T), eye))
        c = csr_matrix(collapse)
        cc = c.conj().T @ c
        return (ham + kron(c.conj(), c) - 0.5 * (kron(eye, cc) + kron(cc.T, eye))).tocsc()

    rho = np.zeros((dim, dim), complex)
    plus = np.kron(np.full((2, 2), 0.5), np.outer(np.eye(photons)[0], np.eye(photons)[0]))
    rho[:] = plus
    vec = rho.ravel(order="F")
    vec = expm_multiply(generator(static + np.kron(one, drive)) * (on * DT), vec)
    vec = expm_multiply(generator(static) * ((total - on) * DT), vec)
    rho = vec.reshape(dim, dim, order="F")
    return 2 * np.trace(rho[:photons, photons:])


@pytest.mark.parametrize("offset", [0.0, 1.3e6])
def test_formula_is_the_lindblad_equation_of_qubit_and_resonator(offset):
    resonator = Resonator(7e9 + offset, kappa=4e6, chi=(0.9e6, -0.7e6), drive_rate=10e6)
    on, total, amplitude = 1200, 3600, 0.15
    tone = Tone(0, np.full(on, amplitude, complex), 0.0)
    field = solve_field(resonator, 7e9, [tone], total, DT, 2)
    assert (np.abs(field.edges) ** 2).max() < 1.0  # few enough photons for the exact solution
    found = np.exp(coherence_exponents(resonator, field, DT)[-1, 0, 1])
    exact = full_lindblad(resonator, amplitude, on, total)
    assert abs(exact) < 0.9 and abs(np.angle(exact)) > 0.05
    assert found == pytest.approx(exact, abs=2e-4)


def ramsey(lab, device, tone, gap, phase=0.0):
    items = [("x", 0, 0, 0.5), ("x", 0, 160 + gap, 0.5), ("m", 0, 320 + gap, 0)]
    if tone:
        items.append(("tone", 0, 200, 0, tone))
    return lab.program(*items, qubits=1)


def test_a_tone_between_two_half_pulses_costs_contrast(lab):
    chi = (0.4e6, -0.4e6, -1e6)
    device = lab.device(1, chi=chi, kappa=5e6, drive_rate=200e6)
    gap = 4000
    amplitude = 0.011
    quiet, noisy = lab.run(device, [ramsey(lab, device, 0.0, gap), ramsey(lab, device, amplitude, gap)], shots=40000)
    tone = Tone(40, amplitude * lab.stimulus.samples, 0.0)
    field = solve_field(device.resonators[0], 7e9, [tone], gap, DT, 2)
    factor = np.exp(coherence_exponents(device.resonators[0], field, DT)[-1, 0, 1])
    assert abs(factor) < 0.9
    assert quiet.bits.mean() > 0.98
    assert noisy.bits.mean() == pytest.approx((1 + factor.real) / 2, abs=0.02)


HALF = 160  # samples of a square pi/2 pulse
SHIFTED = {"kappa": 4e6, "chi": (0.9e6, -0.7e6), "drive_rate": 10e6, "efficiency": 1.0}


def qutip_population(resonator, amplitude, tone, pulses, total):
    """P(1) of a two-level qubit with a resonator, square pi/2 pulses and a square tone at the LO, by QuTiP."""
    qutip = pytest.importorskip("qutip")
    photons, w = 9, 2 * np.pi
    a, s = qutip.tensor(qutip.qeye(2), qutip.destroy(photons)), qutip.tensor(qutip.destroy(2), qutip.qeye(photons))
    up, n = s.dag() * s, a.dag() * a
    static = w * (resonator.chi[0] * (1 - up) * n + resonator.chi[1] * up * n)
    drive = w * resonator.drive_rate * amplitude * (a + a.dag())
    rotate = np.pi / (HALF * DT) / 4 * (s + s.dag())
    loss = np.sqrt(w * resonator.kappa) * a
    rho = qutip.tensor(qutip.fock_dm(2, 0), qutip.fock_dm(photons, 0))
    marks = sorted({0, total, *(t for t in tone if t < total), *pulses, *(p + HALF for p in pulses)})
    for lo, hi in zip(marks, marks[1:]):
        h = static + (drive if tone[0] <= lo < tone[1] else 0) + sum(rotate for p in pulses if p <= lo < p + HALF)
        rho = qutip.mesolve(h, rho, [0, (hi - lo) * DT], c_ops=[loss], options={"nsteps": 100000}).states[-1]
    return qutip.expect(up, rho)


@pytest.mark.parametrize(
    ("amplitude", "tone", "pulses", "total"),
    [
        (0.12, (200, 1400), (0, 1500), 1700),  # the second pulse comes into the ring-down
        (0.08, (0, 3000), (100, 1500), 1700),  # the tone goes on into the acquire
        (0.10, (0, 1600), (0, 1440), 1600),  # it ends where the acquire starts
    ],
)
def test_what_comes_before_an_acquire_dephases(lab, amplitude, tone, pulses, total):
    device = lab.device(1, levels=2, **SHIFTED)
    rows = [{"t0": p, "duration": HALF, "op": Op.PLAY, "channel": 0, "ref": 0, "value": 0.25 / HALF} for p in pulses]
    rows = [{**row, "value": row["value"] / DT / 50e6} for row in rows]
    length = tone[1] - tone[0]
    rows.append({"t0": tone[0], "duration": length, "op": Op.PLAY, "channel": 1, "ref": 1, "value": amplitude})
    rows.append({"t0": max(total, tone[1]), "duration": 1472, "op": Op.PLAY, "channel": 1, "ref": 2, "value": 1.0})
    rows.append({"t0": total, "duration": 3000, "op": Op.ACQUIRE, "channel": 2, "ref": 0, "slot": 0})
    program = Program(
        EventTable.from_rows(sorted(rows, key=lambda r: r["t0"])),
        tuple(Channel(kind, 0) for kind in "dma"),
        (Pulse.from_samples(np.ones(HALF)), Pulse.from_samples(np.ones(length)), lab.stimulus),
        (AcquireSpec(),),
        duration=total + 3000,
        memory_slots=1,
    )
    found = lab.run(device, [program], shots=100000)[0].bits.mean()
    expected = qutip_population(device.resonators[0], amplitude, tone, pulses, total)
    assert expected < 0.95
    assert found == pytest.approx(expected, abs=0.01)


def test_a_neighbours_tone_dephases_through_crosstalk(lab):
    """The same tone, half of it, by another measure line at the same LO."""
    plain = lab.device(2, **SHIFTED)
    plain = plain.replace(resonators=(plain.resonators[0], replace(plain.resonators[1], frequency=7e9)))
    mixed = plain.replace(readout_crosstalk=((1, 0, 0.5),))
    gap = 4000
    own, other, none = (
        lab.program(("x", 0, 0, 0.5), ("x", 0, 160 + gap, 0.5), ("m", 0, 320 + gap, 0, 0.9), *tone, qubits=2)
        for tone in ([("tone", 0, 200, 0, 0.1)], [("tone", 1, 200, 0, 0.2)], [])
    )
    by_own = lab.run(plain, [own], shots=40000)[0].bits.mean()
    by_other, silent = lab.run(mixed, [other, none], shots=40000)
    assert silent.bits.mean() > 0.95
    assert by_own < 0.9
    assert by_other.bits.mean() == pytest.approx(by_own, abs=0.015)


def test_an_acquired_tone_is_not_counted_twice(lab):
    device = lab.device(1)
    program = lab.program(("x", 0, 0, 0.5), ("m", 0, 160, 0), qubits=1)
    assert abs(lab.run(device, [program], shots=20000)[0].bits.mean() - 0.5) < 0.02


@pytest.mark.parametrize("cut", [40, 160, 600, 4170])
def test_an_evolution_may_pause_inside_a_pulse(lab, cut):
    """What the dephasing slices rely on: density matrices, any method."""
    from pulsekit.simulator import Model, evolve

    device = lab.device(1)
    batch = lab.batch(device, [lab.program(("x", 0, 0, 0.5), ("x", 0, 4160, 0.5), ("m", 0, 4320, 0), qubits=1)])
    model = Model.from_device(device, (0,), los=batch.los)
    state = np.zeros((1, 3, 3), complex)
    state[0, 0, 0] = 1
    whole = evolve(model, batch, state, stop=4320, solver="lindblad")
    half = evolve(model, batch, state, stop=cut, solver="lindblad")
    parts = evolve(model, batch, half, start=cut, stop=4320, solver="lindblad")
    assert np.abs(parts - whole).max() < 1e-7
    assert whole[0, 1, 1].real > 0.999
