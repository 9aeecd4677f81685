"""Tuning: what it reaches, what it keeps, what it says, and an integrator of our own to judge it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from scipy.linalg import expm

import pulsekit.cache
from pulsekit.calibration import gate_fidelity, gate_propagator, gate_table, ideal_unitary, tune
from pulsekit.calibration.exchange import exchange_of, is_published
from pulsekit.calibration.lengthen import lengthened
from pulsekit.calibration.newton import least_squares
from pulsekit.calibration.propagate import bind
from pulsekit.calibration.shapes import with_beta
from pulsekit.calibration.solution import device_key, pack, unpack
from pulsekit.calibration.tune import shipped_pulses, solve_device
from pulsekit.device import Calibration, Device, snapshots
from pulsekit.errors import CalibrationError
from pulsekit.program import Channel, Op, Pulse


def written_out(device: Device, name: str, qubits: tuple) -> np.ndarray:
    """Evolve a calibration with nothing of the simulator: scipy's expm of the RWA Hamiltonian, sample by sample.

    Frame: all transmons at the last qubit's LO. Returns the logical 2^n block.
    """
    program, dt, d = device.calibrations.get(name, qubits).program, device.timing.dt, 3
    n = len(qubits)
    f = np.array([device.transmons[q].frequency for q in qubits])
    a = np.array([device.transmons[q].anharmonicity for q in qubits])
    j = exchange_of(device, qubits) if n == 2 else 0.0
    gap = f[0] - f[-1]
    bare = np.sign(gap) * np.sqrt(max(gap**2 - 4 * j**2, 0.0)) if n == 2 else 0.0
    fb = np.array([(f.sum() + bare) / 2, (f.sum() - bare) / 2]) if n == 2 else f
    single = np.diag(np.sqrt(np.arange(1.0, d)), 1)
    lower = [single] if n == 1 else [np.kron(np.eye(d), single), np.kron(single, np.eye(d))]
    numbers = [x.T @ x for x in lower]
    eye = np.eye(d**n)
    ref = f[-1]
    static = sum((fb[k] - ref) * numbers[k] + a[k] / 2 * numbers[k] @ (numbers[k] - eye) for k in range(n))
    if n == 2:
        static = static + j * (lower[0].T @ lower[1] + lower[1].T @ lower[0])
    drive = np.zeros((program.duration, n), complex)
    times = (np.arange(program.duration) + 0.5) * dt
    pending = dict.fromkeys(program.channels, 0.0)
    for event in program.events:
        channel = program.channels[event.channel]
        if event.op == Op.SHIFT_PHASE:
            pending[channel] += event.value
        elif event.op == Op.PLAY:
            line = device.drives[channel.index] if channel.kind == "d" else device.controls[channel.index]
            lo = f[qubits.index(line.qubit)] if channel.kind == "d" else device.transmons[line.lo[0][0]].frequency
            span = slice(event.t0, event.t0 + event.duration)
            envelope = event.value * np.exp(1j * (event.angle + pending[channel])) * program.pulses[event.ref].samples
            k = qubits.index(line.qubit)
            carrier = np.exp(2j * np.pi * (lo - ref) * times[span]) / np.sinc((lo - ref) * dt)  # held in its own frame
            drive[span, k] += line.rabi_rate / 2 * envelope * carrier
    u = np.eye(d**n, dtype=complex)
    for k in range(program.duration):
        h = static + sum(c * x + np.conj(c) * x.T for c, x in zip(drive[k], lower))
        u = expm(-2j * np.pi * dt * h) @ u
    v = np.linalg.eigh(static)[1]
    v = v[:, [int(np.argmax(np.abs(v[b]) ** 2)) for b in range(d**n)]]
    v = v * np.sign(np.diag(v))
    frame = sum((f[k] - ref) * np.diag(numbers[k]) for k in range(n))
    u = np.exp(2j * np.pi * frame * dt * program.duration)[:, None] * (v.T @ u @ v)
    phases = sum(
        pending[Channel("d", q)] * np.diag(numbers[k]) for k, q in enumerate(qubits) if Channel("d", q) in pending
    )
    u = np.exp(1j * phases)[:, None] * u
    parity = (-1.0) ** np.rint(sum(np.diag(x) for x in numbers))
    logical = parity[:, None] * np.conj(u) * parity[None, :]
    keep = [b for b in range(d**n) if all(np.diag(x)[b] < 1.5 for x in numbers)]
    return logical[np.ix_(keep, keep)]


def fidelity(block: np.ndarray, target: np.ndarray) -> float:
    d = len(target)
    return float((abs(np.trace(target.conj().T @ block)) ** 2 + np.trace(block @ block.conj().T).real) / (d * (d + 1)))


@pytest.fixture(scope="module")
def alone(shipped) -> Device:
    """Return two coupled qubits without neighbours (whose couplings would shrink the drives a little)."""
    kept = tuple(c for c in shipped.couplings if set(c.qubits) == {1, 2})
    small = shipped.replace(couplings=kept, calibrations=_only(shipped, {(1,), (2,), (3,), (2, 1)}))
    return tune(small, cache=False)


@pytest.mark.parametrize("name", ["x", "sx"])
def test_x_and_sx_by_scipy(alone, name: str) -> None:
    found = fidelity(written_out(alone, name, (3,)), ideal_unitary(name))
    assert found > 0.9999
    assert found == pytest.approx(gate_fidelity(alone, name, (3,)), abs=1e-9)


def test_cx_by_scipy(alone) -> None:
    found = fidelity(written_out(alone, "cx", (2, 1)), ideal_unitary("cx"))
    assert found > 0.999
    assert found == pytest.approx(gate_fidelity(alone, "cx", (2, 1)), abs=1e-5)


def test_every_gate_of_perth(tuned) -> None:
    rows = gate_table(tuned)
    assert len(rows) == 2 * 7 + 12
    singles = [r for r in rows if len(r.qubits) == 1]
    pairs = [r for r in rows if len(r.qubits) == 2]
    assert min(r.fidelity for r in singles) > 0.9999
    assert min(r.fidelity for r in pairs) > 0.995
    assert np.median([r.fidelity for r in pairs]) > 0.999
    assert all(r.source == "tuned" and 0 <= r.leakage < 5e-3 for r in rows)
    for r in rows:
        assert tuned.calibrations.get(r.name, r.qubits).parameters["fidelity"] == pytest.approx(r.fidelity, abs=1e-5)


def test_shipped_pulses_are_no_cnot(shipped) -> None:
    assert gate_fidelity(shipped, "cx", (0, 1)) < 0.9
    assert gate_fidelity(shipped, "x", (0,)) < 0.9999


def test_structure_is_kept(shipped, tuned) -> None:
    for before in shipped.calibrations:
        after = tuned.calibrations.get(before.name, before.qubits)
        if before.name not in ("x", "sx", "u2", "u3", "cx"):
            continue
        assert after.program.duration == before.program.duration
        a, b = after.program, before.program
        plays_a, plays_b = a.rows(Op.PLAY), b.rows(Op.PLAY)
        assert [a.channels[c] for c in a.events.channel[plays_a]] == [b.channels[c] for c in b.events.channel[plays_b]]
        assert a.events.t0[plays_a].tolist() == b.events.t0[plays_b].tolist()
        for x, y in zip(plays_a, plays_b):
            new, old = a.pulses[a.events.ref[x]], b.pulses[b.events.ref[y]]
            assert (new.shape, new.duration, new.name) == (old.shape, old.duration, old.name)
            same = {k: v for k, v in new.params if k != "beta"} == {k: v for k, v in old.params if k != "beta"}
            assert same
            assert np.abs(new.samples * a.events.value[x]).max() <= 1


def test_shifts_reach_every_channel_of_the_frame(tuned) -> None:
    program = tuned.calibrations.get("cx", (4, 5)).program
    rz = {q: tuned.calibrations.get("rz", (q,)).program for q in (4, 5)}
    totals = dict.fromkeys(program.channels, 0.0)
    for event in program.events:
        if event.op == Op.SHIFT_PHASE:
            totals[program.channels[event.channel]] += event.value
    for q, follows in rz.items():
        wanted = {follows.channels[c] for c in follows.events.channel}
        values = [totals[c] for c in wanted]
        assert np.allclose(np.exp(1j * np.array(values)), np.exp(1j * values[0]), atol=1e-9), q


def test_calibrations_are_data(tuned) -> None:
    cx, x = tuned.calibrations.get("cx", (0, 1)), tuned.calibrations.get("x", (0,))
    assert cx.source == x.source == "tuned"
    assert cx.date == x.date and cx.date[:2] == "20"
    assert cx.id.startswith("cx:0,1:")
    assert {"tone", "tone_angle", "cancel", "shift_control", "fidelity", "leakage"} <= set(cx.parameters)
    assert x.parameters["beta"] == dict(x.program.pulses[0].params)["beta"] < -1.0
    assert tuned.calibrations.version != "1"


def test_x12_promotes(tuned) -> None:
    propagator, _ = gate_propagator(tuned, "x12", (0,))
    assert abs(propagator[2, 1]) ** 2 > 0.9999
    assert abs(propagator[0, 0]) ** 2 > 0.9999
    esp = tuned.calibrations.get("measure_esp", (0,)).program
    x12 = tuned.calibrations.get("x12", (0,))
    assert esp.acquires[0].esp
    first = esp.rows(Op.PLAY)[0]
    assert esp.events.value[first] == x12.parameters["amplitude"]


def test_second_load_solves_nothing_and_is_equal(shipped, tuned, monkeypatch) -> None:
    pulsekit.cache._memory.clear()
    for module, solver in (("tune", "solve_device"), ("readout_cache", "fit_readout")):
        monkeypatch.setattr(import_module(f"pulsekit.calibration.{module}"), solver, None)
    again = tune(shipped)
    assert {c.id for c in again.calibrations} == {c.id for c in tuned.calibrations}
    assert again.couplings == tuned.couplings
    assert again.resonators == tuned.resonators
    assert again.provenance == tuned.provenance


def test_packing_is_exact(shipped) -> None:
    small = shipped.replace(calibrations=_only(shipped, {(0,), (1,), (0, 1), (1, 0)}))
    solution = solve_device(small, threads=1)
    back = unpack(pack(solution), shipped_pulses(small))
    assert back.pairs == solution.pairs
    assert back.ladders == dict(solution.ladders)
    assert back.rotations[0]["x"] == solution.rotations[0]["x"]
    assert pack(solve_device(small, threads=3))["gates"].tolist() == pack(solution)["gates"].tolist()


def _only(device: Device, qubits: set) -> object:
    entries = {k: v for k, v in device.calibrations.entries.items() if tuple(k[1]) in qubits}
    return type(device.calibrations)(entries)


def test_the_key_sees_what_tuning_depends_on(shipped) -> None:
    key = device_key(shipped)
    assert device_key(shipped.with_(qubit=2, anharmonicity=-350e6)) != key
    assert device_key(shipped.with_(pair=(0, 1), strength=2e6)) != key
    assert device_key(shipped.with_(qubit=2, t1=500e-6)) == key


def test_vendor_keeps_the_pulses(shipped) -> None:
    kept = tune(shipped, calibrations="vendor")
    assert {c.id for c in kept.calibrations} == {c.id for c in shipped.calibrations}
    assert kept.resonators != shipped.resonators
    with pytest.raises(CalibrationError, match="`device` must be a Device, but str came"):
        tune("ibm_perth")  # type: ignore[arg-type]
    with pytest.raises(CalibrationError, match="calibrations"):
        tune(shipped, calibrations="best")


def test_an_sx_that_its_vendor_got_wrong_is_still_an_sx(shipped) -> None:
    """As ibm_washington's, whose sx 37 is turned by -1.48 rad, and whose sx 109 has 0.88 of the area of x."""
    small = shipped.replace(calibrations=_only(shipped, {(1,), (2,), (2, 1)}))

    def spoiled(calibration: Calibration) -> Calibration:
        program, sx = calibration.program, small.calibrations.get("sx", calibration.qubits[-1:])
        own = sx.program.pulses[sx.program.events.ref[sx.program.rows(Op.PLAY)[0]]]
        value, angle = program.events.value.copy(), program.events.angle.copy()
        for row in program.rows(Op.PLAY):
            if program.pulses[program.events.ref[row]] == own:
                value[row] *= 1.75
                angle[row] -= 1.48
        return replace(calibration, program=program.replace(events=program.events.replace(value=value, angle=angle)))

    wrong = [spoiled(small.calibrations.get(*key)) for key in (("sx", (1,)), ("u3", (1,)), ("cx", (2, 1)))]
    assert all(w.id for w in wrong)  # still the ids of what was shipped: no cache may go by them
    found = tune(small.replace(calibrations=small.calibrations.updated(*wrong)))
    right = tune(small)
    assert gate_fidelity(found, "sx", (1,)) > 0.9999
    assert gate_fidelity(found, "cx", (2, 1)) == pytest.approx(gate_fidelity(right, "cx", (2, 1)), abs=1e-4)
    for name, angles in (("sx", ()), ("u3", (0.4, 0.3, 0.2))):
        assert gate_fidelity(found, name, (1,), angles) == pytest.approx(gate_fidelity(right, name, (1,), angles))


def test_exchange_is_derived_where_the_tone_cannot_do_it(shipped) -> None:
    small = shipped.with_(pair=(4, 5), strength=0.05e6)
    small = small.replace(calibrations=_only(small, {(4,), (5,), (4, 5), (5, 4)}))
    assert small.vendor
    found = tune(small, cache=False)
    assert gate_fidelity(found, "cx", (4, 5)) > 0.995
    assert exchange_of(found, (4, 5)) > 1e6
    notes = [n for n in found.provenance.notes if n.quantity == "couplings[4,5].strength"]
    assert [n.kind for n in notes] == ["derived"]  # and no longer published
    assert "published: 0.050 MHz" in notes[0].text
    quantities = [n.quantity for n in tune(found, cache=False).provenance.notes if n.quantity.startswith("calib")]
    assert len(quantities) == len(set(quantities))  # tuned twice, said once
    tone = found.calibrations.get("cx", (4, 5)).parameters["tone"]
    own = shipped.calibrations.get("cx", (4, 5)).program
    shipped_tone = max(
        own.events.value[r] for r in own.rows(Op.PLAY) if own.channels[own.events.channel[r]].kind == "u"
    )
    assert shipped_tone / 4 < tone < 1.0


def _poughkeepsie(*pairs: tuple) -> Device:
    whole = Device.from_snapshot("ibmq_poughkeepsie")
    wanted = {q for p in pairs for q in (p, p[::-1], p[:1], p[1:])}
    return whole.replace(calibrations=_only(whole, wanted))


def test_an_exchange_that_nobody_published_is_chosen_for_the_gate() -> None:
    """With the J of the shipped amplitude, 16-17 of poughkeepsie reaches 0.99 and 12-13 next to nothing."""
    small = _poughkeepsie((16, 17), (12, 13))
    assert not is_published(small, (16, 17)) and not is_published(small, (12, 13))
    found = tune(small, cache=False)
    for qubits in ((16, 17), (17, 16)):
        assert gate_fidelity(found, "cx", qubits) > 0.998
    assert 0.5e6 < exchange_of(found, (16, 17)) <= 6e6
    before, after = (d.calibrations.get("cx", (16, 17)).program for d in (small, found))
    assert after.duration == before.duration
    failed = [n.text for n in found.provenance.notes if n.kind == "failed" and "cx,12,13" in n.quantity]
    assert len(failed) == 1 and "control 12, target 13: 1-2 = 0-1" in failed[0]  # 20 MHz from |11> = |02>


def test_a_published_exchange_stays(shipped) -> None:
    assert is_published(shipped, (4, 5)) and not is_published(shipped, (0, 1))
    small = shipped.replace(calibrations=_only(shipped, {(3,), (5,), (3, 5), (5, 3)}))
    assert exchange_of(tune(small, cache=False), (3, 5)) == exchange_of(shipped, (3, 5))


def test_tuning_again_never_moves_a_coupling(tuned) -> None:
    """Once tuned, J is the device's: an aged device, or one whose J was changed, keeps it."""
    small = tuned.replace(calibrations=_only(tuned, {(4,), (5,), (4, 5), (5, 4)})).with_(pair=(4, 5), strength=0.3e6)
    again = tune(small, cache=False)
    assert exchange_of(again, (4, 5)) == 0.3e6


def test_a_failure_is_named(shipped) -> None:
    far = shipped.with_(qubit=4, frequency=shipped.transmons[5].frequency + 700e6)
    far = far.replace(calibrations=_only(far, {(4,), (5,), (4, 5)}))
    found = tune(far, cache=False)
    notes = [n for n in found.provenance.notes if n.kind == "failed" and "cx,4,5" in n.quantity]
    assert len(notes) == 1
    assert "slow gate" in notes[0].text


def test_scratch_pair_is_tuned_and_keeps_its_exchange() -> None:
    device = Device.pair()
    assert not device.vendor
    found = tune(device, cache=False)
    assert found.couplings == device.couplings
    for row in gate_table(found):
        assert row.fidelity > (0.9999 if len(row.qubits) == 1 else 0.995), row


def test_a_drifted_device_is_tuned_again(tuned) -> None:
    small = tuned.replace(calibrations=_only(tuned, {(0,), (1,), (0, 1), (1, 0)}))
    old = small.age(7 * 86400.0, seed=3)
    before = gate_fidelity(old, "x", (0,))
    again = tune(old, cache=False)
    assert again.qubit_freq_est == tuple(t.frequency for t in old.transmons)
    assert gate_fidelity(again, "x", (0,)) > max(before, 0.9999)
    assert gate_fidelity(again, "cx", (0, 1)) > 0.995
    assert len(again.stale) < len(old.stale)
    rows = len(tuned.calibrations.get("cx", (0, 1)).program.events)
    assert len(again.calibrations.get("cx", (0, 1)).program.events) == rows


def test_progress_counts_to_the_end(shipped) -> None:
    small = shipped.replace(calibrations=_only(shipped, {(0,), (1,), (0, 1)}))
    seen: list = []
    tune(small, cache=False, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 8) for k in range(1, 9)]


def test_parameters_are_bound_and_checked(tuned) -> None:
    program = tuned.calibrations.get("u3", (0,)).program
    bound = bind(program, (0.1, 0.2, 0.3))
    assert bound.parameters is None
    with pytest.raises(CalibrationError, match="3 values"):
        bind(program, (0.1,))
    with pytest.raises(CalibrationError, match="no 'cz'"):
        gate_fidelity(tuned, "cz", (0, 1))


def test_beta_of_sampled_pulses() -> None:
    samples = Pulse.from_shape("gaussian", 64, {"sigma": 16}).samples
    found = with_beta(Pulse.from_samples(samples * 1j), 0.5).samples
    drag = Pulse.from_shape("drag", 64, {"sigma": 16, "beta": 0.5}).samples
    assert np.abs(found - drag).max() < 1e-2  # Qiskit's Drag is not the derivative of the lifted edge
    assert with_beta(Pulse.from_shape("gaussian", 64, {"sigma": 16}), 0.5).shape == "drag"


def test_least_squares_on_rosenbrock() -> None:
    def residuals(points: np.ndarray) -> np.ndarray:
        return np.stack([10 * (points[:, 1] - points[:, 0] ** 2), 1 - points[:, 0]], axis=1)

    solved = least_squares(residuals, np.array([-1.2, 1.0]), np.array([1e-6, 1e-6]), batches=60, tolerance=0.0)
    assert np.allclose(solved.x, 1.0, atol=1e-4)


def test_least_squares_stays_inside() -> None:
    tried = []

    def residuals(points: np.ndarray) -> np.ndarray:
        tried.extend(points[:1, 0])
        return points - 5.0

    solved = least_squares(residuals, np.zeros(1), np.array([1e-6]), inside=lambda x: x[0] <= 2.0)
    assert max(tried) <= 2.0
    assert 1.0 < solved.x[0] <= 2.0


@pytest.mark.nightly
@pytest.mark.parametrize("name", snapshots())
def test_every_snapshot(name: str) -> None:
    found = tune(Device.from_snapshot(name))
    rows = gate_table(found)
    assert min(r.fidelity for r in rows if len(r.qubits) == 1) > 0.9999
    gates = [r for r in rows if len(r.qubits) == 2]
    worst = {}
    for r in gates:
        pair = frozenset(r.qubits)
        worst[pair] = min(worst.get(pair, 1.0), r.fidelity)
        if r.source == "tuned":  # a neighbour's derived J changes drives a little
            written = found.calibrations.get(r.name, r.qubits).parameters["fidelity"]
            assert written == pytest.approx(r.fidelity, abs=5e-4), r
    if gates:
        assert np.mean(np.array(list(worst.values())) >= 0.995) >= 0.95
        assert np.median([r.fidelity for r in gates]) >= 0.999
    named = {n.quantity for n in found.provenance.notes if n.kind == "failed"}
    for r in gates:
        if r.fidelity < 0.995:
            assert f"calibrations[{r.name},{r.qubits[0]},{r.qubits[1]}]" in named


@pytest.mark.parametrize("gate", ["cx", "ecr"])
def test_tones_of_a_device_from_scratch_get_longer_where_they_must(gate: str) -> None:
    made = Device.pair(gate=gate)
    weak = made.with_(pair=(0, 1), strength=0.3e6)
    found = tune(weak, cache=False)
    assert exchange_of(found, (0, 1)) == 0.3e6
    gates = [c for c in found.calibrations if c.name == gate]
    assert len(gates) == (2 if gate == "cx" else 1)
    for calibration in gates:
        assert calibration.program.duration > 3 * made.calibrations.get(gate, calibration.qubits).program.duration
        assert gate_fidelity(found, gate, calibration.qubits) > 0.995
        assert calibration.parameters["tone"] <= 1.0
        quantity = f"calibrations[{gate},{calibration.qubits[0]},{calibration.qubits[1]}].duration"
        assert [n.kind for n in found.provenance.notes if n.quantity == quantity] == ["derived"]
    assert not found.stale


def test_lengths_that_suffice_or_belong_to_somebody_stay(shipped) -> None:
    made = Device.pair()
    assert lengthened(made) is made
    assert lengthened(shipped) is shipped
    foreign = made.with_(pair=(0, 1), strength=0.3e6)
    own = [replace(c, source="mine") for c in foreign.calibrations if c.name == "cx"]
    foreign = foreign.replace(calibrations=foreign.calibrations.updated(*own))
    assert lengthened(foreign) is foreign
