"""Spectra, ZZ, CR rates, Stark shifts, readout checks against closed forms and plain matrices."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

from pulsekit.calibration import (
    average_fidelity,
    collisions,
    coupling_graph,
    cr_rates,
    dispersive_check,
    dressed_spectrum,
    leakage_of,
    nearest_collision,
    pair_collisions,
    stark_shift,
    static_zz,
    zz_table,
)
from pulsekit.calibration.rates import effective_hamiltonian
from pulsekit.device import ControlLine, Coupling, Device, DriveLine, Resonator, Transmon
from pulsekit.errors import CalibrationError

MHZ = 1e6


def pair(j: float = 2e6, detuning: float = 120e6, a: float = -330e6, levels: int = 4) -> Device:
    f = 5.0e9
    return Device(
        "pair",
        (Transmon(f + detuning, a, levels), Transmon(f, a - 10e6, levels)),
        (Coupling((0, 1), j),),
        (DriveLine(0, 150e6), DriveLine(1, 150e6)),
        (ControlLine(0, ((1, 1.0),), 150e6), ControlLine(1, ((0, 1.0),), 150e6)),
    )


def plain(f: tuple, a: tuple, j: float, levels: int) -> np.ndarray:
    """Return the two-transmon Hamiltonian in Hz, written out; qubit 0 least significant."""
    down = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    number = np.diag(np.arange(float(levels)))
    eye = np.eye(levels)
    b0, b1 = np.kron(eye, down), np.kron(down, eye)
    local = [f[k] * number + a[k] / 2 * number @ (number - eye) for k in (0, 1)]
    return np.kron(eye, local[0]) + np.kron(local[1], eye) + j * (b0.T @ b1 + b1.T @ b0)


def test_spectrum_is_that_of_the_plain_matrix() -> None:
    device = pair(j=3e6, detuning=80e6)
    spectrum = dressed_spectrum(device, (0, 1))
    assert spectrum.transition((1, 0), (0, 0)) == pytest.approx(device.transmons[0].frequency, abs=1.0)
    assert spectrum.transition((0, 1), (0, 0)) == pytest.approx(device.transmons[1].frequency, abs=1.0)
    gap = device.transmons[0].frequency - device.transmons[1].frequency
    bare = np.sqrt(gap**2 - 4 * 3e6**2)  # two-level avoided crossing, solved for the bare detuning
    middle = (device.transmons[0].frequency + device.transmons[1].frequency) / 2
    h = plain((middle + bare / 2, middle - bare / 2), (-330e6, -340e6), 3e6, 4)
    assert np.allclose(np.sort(spectrum.energies), np.sort(np.linalg.eigvalsh(h)), atol=10.0)
    assert spectrum.purity.min() > 0.5
    with pytest.raises(CalibrationError, match="label"):
        spectrum.energy(7, 0)


@pytest.mark.parametrize("detuning", [60e6, 120e6, -90e6, 200e6])
def test_static_zz_second_order(detuning: float) -> None:
    j, a0, a1 = 0.5e6, -330e6, -340e6
    device = pair(j=j, detuning=detuning)
    formula = 2 * j**2 * (1 / (detuning - a1) - 1 / (detuning + a0))
    assert static_zz(device, 0, 1) == pytest.approx(formula, rel=2e-3)
    assert zz_table(device)[0, 1] == static_zz(device, 0, 1)
    assert static_zz(device, 1, 0) == pytest.approx(static_zz(device, 0, 1), abs=1e-3)


def test_static_zz_is_exact_where_perturbation_fails() -> None:
    device = pair(j=5e6, detuning=318e6)  # 20 and 11 nearly degenerate
    bare = np.sqrt(318e6**2 - 4 * 5e6**2)
    middle = 5.0e9 + 159e6
    e = np.linalg.eigvalsh(
        plain((middle + bare / 2, middle - bare / 2), (-330e6, -340e6), 5e6, 4)[[5, 2, 8]][:, [5, 2, 8]]
    )
    sums = device.transmons[0].frequency + device.transmons[1].frequency
    assert min(abs(e - sums - static_zz(device, 0, 1))) < 100.0


@pytest.mark.parametrize("detuning", [70e6, 130e6, -60e6])
def test_cr_rates_first_order(detuning: float) -> None:
    j, amplitude, a = 1e6, 0.005, -330e6
    rates = cr_rates(pair(j=j, detuning=detuning), 0, 1, amplitude)
    rabi = 150e6 * amplitude
    zx = -(j * rabi / detuning) * a / (a + detuning)
    ix = -(j * rabi) / (a + detuning)
    assert rates["ZX"] == pytest.approx(zx, rel=0.02)
    assert rates["IX"] == pytest.approx(ix, rel=0.05)
    assert abs(rates["IY"]) < 1e-6 * abs(zx) and abs(rates["ZY"]) < 1e-6 * abs(zx)
    turned = cr_rates(pair(j=j, detuning=detuning), 0, 1, 1j * amplitude)
    assert turned["ZY"] == pytest.approx(-zx, rel=0.02)  # physical Y: -Im f (before the mirror)


def test_cr_rates_predict_the_conditional_turn() -> None:
    """exp(-i H t) of the plain driven pair: the target turns at nu_IX + nu_ZX for control 0."""
    device, amplitude = pair(j=2e6, levels=3), 0.05
    rates = cr_rates(device, 0, 1, amplitude)
    gap = 120e6
    bare = np.sqrt(gap**2 - 4 * 2e6**2)
    h = plain((gap / 2 + bare / 2 + 0.0, gap / 2 - bare / 2), (-330e6, -340e6), 2e6, 3)  # frame of the target
    down = np.kron(np.eye(3), np.diag(np.sqrt(np.arange(1.0, 3)), 1))
    h = h + 150e6 * amplitude / 2 * (down + down.T)
    for control, sign in ((0, 1), (1, -1)):
        x = rates["IX"] + sign * rates["ZX"]
        z = rates["IZ"] + sign * rates["ZZ"]
        period = 1 / np.hypot(x, z)
        times = np.linspace(0, 1.5 * period, 400)
        step = expm(-2j * np.pi * h * (times[1] - times[0]))
        found, state = [], _driven_state(h, control)
        projector = np.diag([1.0 if n // 3 == 1 else 0.0 for n in range(9)])
        for _ in times:
            found.append(float((state.conj() @ projector @ state).real))
            state = step @ state
        model = (x / np.hypot(x, z)) ** 2 * np.sin(np.pi * np.hypot(x, z) * times) ** 2
        assert np.max(np.abs(np.array(found) - model)) < 0.05


def _driven_state(h: np.ndarray, control: int) -> np.ndarray:
    """Return the control's driven state with the target in 0, from the block nearest to (control, any target)."""
    _, vectors = np.linalg.eigh(h)
    members = [control, control + 3]
    weight = (np.abs(vectors[members]) ** 2).sum(axis=0)
    best = vectors[:, np.argsort(-weight)[:2]]
    state = best @ best.conj().T @ np.eye(9)[control]
    return state / np.linalg.norm(state)


def test_effective_hamiltonian_is_block_diagonal_and_isospectral() -> None:
    rng = np.random.default_rng(3)
    h = np.diag([0.0, 1.0, 50.0, 51.0, 200.0]) + 0.5 * rng.normal(size=(5, 5))
    h = (h + h.T).astype(complex)
    blocks = [np.array([0, 1]), np.array([2, 3]), np.array([4])]
    out = effective_hamiltonian(h, blocks)
    assert np.allclose(np.linalg.eigvalsh(out), np.linalg.eigvalsh(h))
    assert np.abs(out[:2, 2:]).max() < 1e-12 and np.abs(out[2:4, 4:]).max() < 1e-12


@pytest.mark.parametrize("detuning", [80e6, -60e6, 200e6])
def test_stark_shift_second_order(detuning: float) -> None:
    device, a, amplitude = pair(j=0.0), -330e6, 0.02
    rabi = 150e6 * amplitude
    formula = rabi**2 * a / (2 * detuning * (detuning + a))
    shift = stark_shift(device, 0, device.transmons[0].frequency - detuning, amplitude)
    assert shift == pytest.approx(formula, rel=0.02)


def test_stark_shift_refuses_resonance() -> None:
    device = pair()
    with pytest.raises(CalibrationError, match="1-2"):
        stark_shift(device, 0, device.transmons[0].frequency - 330e6, 0.1)


def test_dispersive_shift_of_a_jaynes_cummings_ladder() -> None:
    """The g that the check derives from chi gives that chi when transmon and resonator are diagonalised."""
    f, a, r, kappa = 5.0e9, -330e6, 7.1e9, 2e6
    chi = -1.2e6
    device = Device("one", (Transmon(f, a),), resonators=(Resonator(r, kappa, (-chi / 2, chi / 2, 3 * chi)),))
    check = dispersive_check(device, 0)
    levels, photons = 6, 8
    down = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    number = np.diag(np.arange(float(levels)))
    c = np.diag(np.sqrt(np.arange(1.0, photons)), 1)
    exchange = np.kron(down.T, c) + np.kron(down, c.T)

    def shift(g: float) -> float:
        h = np.kron(f * number + a / 2 * number @ (number - np.eye(levels)), np.eye(photons))
        h = h + np.kron(np.eye(levels), r * c.T @ c) + g * exchange
        energies, vectors = np.linalg.eigh(h)
        order = {}
        for s in (0, 1):
            for n in (0, 1):
                order[s, n] = energies[int(np.argmax(np.abs(vectors[s * photons + n]) ** 2))]
        return (order[1, 1] - order[1, 0]) - (order[0, 1] - order[0, 0])

    exact = brentq(lambda g: shift(g) - chi, 20e6, 300e6)
    assert check.shift == pytest.approx(chi)
    assert check.coupling == pytest.approx(exact, rel=0.02)
    assert check.critical_photons == pytest.approx((f - r) ** 2 / (4 * check.coupling**2))
    assert check.photons == 0.0 and check.ok


def test_dispersive_check_needs_chi() -> None:
    for qubit in (0, 7, -1):
        with pytest.raises(CalibrationError, match=f"Qubit {qubit} "):
            dispersive_check(pair(), qubit)


@pytest.mark.parametrize(
    "detuning, kind",
    [
        (10e6, "0-1 = 0-1"),
        (165e6, "control 0-2 / 2 = target"),
        (320e6, "1-2 = 0-1"),
        (400e6, "slow gate"),
        (-50e6, "slow gate"),
    ],
)
def test_pair_collisions(detuning: float, kind: str) -> None:
    assert kind in {c.kind for c in pair_collisions(pair(detuning=detuning), 0, 1)}


def test_no_collision_where_there_is_none() -> None:
    assert pair_collisions(pair(detuning=110e6), 0, 1) == ()


def test_spectator_collisions_over_the_graph() -> None:
    transmons = tuple(Transmon(f, -330e6) for f in (5.10e9, 5.00e9, 5.005e9, 4.80e9))
    couplings = (Coupling((0, 1), 2e6), Coupling((0, 2), 2e6), Coupling((2, 3), 2e6))
    device = Device("star", transmons, couplings, tuple(DriveLine(q, 1e8) for q in range(4)))
    found = collisions(device, [(0, 1)])
    assert [(c.kind, c.qubits) for c in found] == [("target = spectator", (0, 1, 2))]
    assert found[0].detuning == pytest.approx(-5e6)
    graph = coupling_graph(device)
    assert nx.is_tree(graph) and graph[0][1]["strength"] == 2e6


def test_leakage_and_fidelity_of_a_lossy_block() -> None:
    """Monte-Carlo over Haar states: mean |<psi|V^dag M psi>|^2 and mean lost norm."""
    rng = np.random.default_rng(5)
    u = np.linalg.qr(rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5)))[0]
    block, v = u[:4, :4], np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    psi = rng.normal(size=(4, 200_000)) + 1j * rng.normal(size=(4, 200_000))
    psi /= np.linalg.norm(psi, axis=0)
    out = block @ psi
    fidelity = np.mean(np.abs(np.sum((v @ psi).conj() * out, axis=0)) ** 2)
    assert average_fidelity(block, v) == pytest.approx(fidelity, abs=3e-3)
    assert leakage_of(block) == pytest.approx(1 - np.mean(np.sum(np.abs(out) ** 2, axis=0)), abs=3e-3)


@pytest.mark.parametrize(
    ("detuning", "kind"),  # of control from target; both have -330 MHz
    [(360e6, "1-2 = 0-1"), (-329e6, "1-2 = 0-1"), (-35e6, "0-1 = 0-1"), (500e6, "slow gate"), (-200e6, "slow gate")],
)
def test_the_nearest_collision_names_what_spoils_a_gate(detuning: float, kind: str) -> None:
    device = Device.pair((5.0e9 + detuning, 5.0e9))
    assert nearest_collision(device, 0, 1).kind == kind
