"""What an experimenter finds on an imported device is what its snapshot says."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import curve_fit

from pulsekit import simulate
from pulsekit.compiler.passes.frequency_plan import resolve_los
from pulsekit.device import Device, snapshots
from pulsekit.device.body import Body
from pulsekit.errors import PulsekitWarning
from pulsekit.program import Batch, Channel, Op, Pulse

POINTS = 13
SPAN = 0.8e6  # Hz, half width of the spectroscopy
BOUND = 1e-3  # nearly degenerate next-nearest neighbours (perth 4 and 6) are not what is measured here
PROBE_S = 1e-6  # s: a pi pulse with a line 0.8 MHz wide


def load(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PulsekitWarning)
        return Device.from_snapshot(name)


def excited(outcome, qubit):
    """P(level >= 1) of a qubit in every experiment."""
    out = np.empty(outcome.experiments)
    for experiment in range(outcome.experiments):
        for cluster, row in outcome.of(experiment):
            if qubit in cluster.qubits:
                p = cluster.populations[row].reshape(cluster.levels[::-1])
                axis = len(cluster.levels) - 1 - cluster.qubits.index(qubit)
                out[experiment] = 1 - np.take(p, 0, axis=axis).sum()
    return out


def spectroscopy(device, qubit):
    """Frequency (Hz) of the centre of a weak probe's line."""
    duration = round(PROBE_S / device.timing.dt / 16) * 16
    pulse = Pulse.from_shape("gaussian", duration, {"sigma": duration / 6})
    area = pulse.samples.real.sum() * device.timing.dt * device.drives[qubit].rabi_rate
    body = Body("probe")
    body.play(Channel("d", qubit), 0, pulse, 0.5 / area)
    centre = device.qubit_freq_est[qubit]
    freqs = centre + np.linspace(-SPAN, SPAN, POINTS)
    los, _ = resolve_los(device, 1, schedule_los=[{Channel("d", qubit): f} for f in freqs])
    batch = Batch((body.build(),), np.zeros(POINTS, np.int32), los)
    p = excited(simulate(batch, device, spectator_bound=BOUND), qubit)
    assert p.max() > 0.8

    def line(f, f0, width, height):
        return height * np.exp(-((f - f0) ** 2) / (2 * width**2))

    (f0, _, _), _ = curve_fit(line, freqs - centre, p, p0=[0.0, 4e5, 1.0])
    return centre + f0


def decay(device, qubit, names, longest, delays=13):
    """Delays (s) and excited populations after pulses around a delay."""
    programs, times = [], np.linspace(0, longest, delays)
    for time in times:
        body, t0 = Body("decay"), 0
        for name in names:
            if name == "delay":
                t0 += round(time / device.timing.dt)
                continue
            if name == "flip":  # the next pulse turns the other way
                body.frame(Op.SHIFT_PHASE, Channel("d", qubit), t0, np.pi)
                continue
            program = device.calibrations.get(name, (qubit,)).program
            body.copy_from(program, shift=t0)
            t0 += program.duration
        body.delay(Channel("d", qubit), t0, 0 if names[-1] != "delay" else 1)
        programs.append(body.build().replace(duration=t0))
    return times, excited(simulate(programs, device, noise=True, spectator_bound=BOUND), qubit)


def fitted_time(times, p):
    def curve(t, a, tau, b):
        return a * np.exp(-t / tau) + b

    (_, tau, _), _ = curve_fit(curve, times, p, p0=[p[0] - p[-1], times[-1] / 3, p[-1]], maxfev=5000)
    return tau


def half_pi(device, qubit):
    """The name of a calibrated half-pi pulse without parameters."""
    return "sx" if ("sx", (qubit,)) in device.calibrations else None


def exchanges(device, qubit):
    """Neighbours and next-nearest ones: (qubit, rad/s of exchange, rad/s of detuning)."""
    strength = {frozenset(c.qubits): 2 * np.pi * c.strength for c in device.couplings}
    near = {r for pair in strength if qubit in pair for r in pair - {qubit}}
    w = [2 * np.pi * f for f in device.qubit_freq_est]
    out = [(r, strength[frozenset((qubit, r))], w[r] - w[qubit]) for r in near]
    for r in near:
        for s in {s for pair in strength if r in pair for s in pair - {r}} - {qubit} - near:
            through = strength[frozenset((qubit, r))] * strength[frozenset((r, s))] / (w[qubit] - w[r])
            out.append((s, through, w[s] - w[qubit]))
    return out


def hybridised(device, qubit):
    """Whether the qubit shares its excitation with a nearly degenerate one: no T1 of its own then."""
    return any(2 * abs(j) > 0.25 * abs(detuning) for _, j, detuning in exchanges(device, qubit))


def expected_t1(device, qubit):
    """1 / T1, and what dephasing moves to others: 2 J^2 G / (D^2 + G^2), G the decay of their coherence."""
    dephasing = [1 / t.t2 - 1 / (2 * t.t1) for t in device.transmons]
    rate = 1 / device.transmons[qubit].t1
    for r, j, detuning in exchanges(device, qubit):
        lost = dephasing[qubit] + dephasing[r] + (1 / device.transmons[qubit].t1 + 1 / device.transmons[r].t1) / 2
        rate += 2 * j**2 * lost / (detuning**2 + lost**2)
    return 1 / rate


def check_device(device, qubits):
    shared = [q for q in qubits if hybridised(device, q)]
    assert len(shared) <= 0.03 * device.n_qubits, shared
    for q in qubits:
        transmon = device.transmons[q]
        assert abs(spectroscopy(device, q) - transmon.frequency) < 0.1e6, q
        if q in shared:
            continue
        if transmon.t1 is not None:
            times, p = decay(device, q, ("x", "delay"), 3 * transmon.t1)
            # the published one is the total; neighbours that are simulated with the qubit take their share of it
            assert 0.96 * expected_t1(device, q) < fitted_time(times, p) < 1.01 * transmon.t1, q
        if transmon.t2 is not None and half_pi(device, q):
            times, p = decay(device, q, ("sx", "delay", "sx"), 3 * transmon.t2)
            _, opposite = decay(device, q, ("sx", "delay", "flip", "sx"), 3 * transmon.t2)
            assert fitted_time(times, p - opposite) == pytest.approx(transmon.t2, rel=0.02), q


def test_perth_shows_its_published_numbers():
    device = load("ibm_perth")
    check_device(device, range(0, device.n_qubits, 2))


def test_dephasing_moves_excitation_to_a_close_neighbour():
    device = Device.pair(frequency=(5.035e9, 5e9), coupling=2e6, t1=1e-3, t2=20e-6)
    body, program = Body("decay"), device.calibrations.get("x", (1,)).program
    body.copy_from(program, shift=0)
    duration = program.duration + round(60e-6 / device.timing.dt)
    batch = [body.build().replace(duration=duration), body.build().replace(duration=program.duration)]
    late, early = excited(simulate(batch, device, noise=True, spectator_bound=1e-9), 1)
    alone = excited(simulate(batch, device, noise=True, spectator_bound=0.9), 1)
    assert alone[0] / alone[1] == pytest.approx(np.exp(-60e-6 / 1e-3), abs=1e-4)
    assert late / early == pytest.approx(np.exp(-60e-6 / expected_t1(device, 1)), abs=1.5e-3)
    assert late / early < alone[0] / alone[1] - 0.03


def test_a_drifted_qubit_is_found_where_it_drifted_to():
    device = Device.line(2).age(5 * 86400, seed=4)
    for q, transmon in enumerate(device.transmons):
        found = spectroscopy(device, q)
        assert found == pytest.approx(transmon.frequency, abs=3e3)
        assert abs(found - device.qubit_freq_est[q]) > 3e3


@pytest.mark.nightly
@pytest.mark.parametrize("name", snapshots())
def test_every_snapshot_shows_its_published_numbers(name):
    device = load(name)
    check_device(device, range(device.n_qubits))
