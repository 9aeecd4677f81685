"""Mid-circuit measurement, resets, restless shots, live data, cancellation."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from pulsekit.device import Coupling, Limits
from pulsekit.errors import CancelledError, ExecutionError, MemoryCapError, PulsekitWarning
from pulsekit.execution import LiveStream
from pulsekit.execution.tree import basis_index
from pulsekit.simulator import Model

M = 1472


def test_levels_zero_one_two_are_the_same_shots(lab):
    device = lab.device(2, t1=20e-6, t2=20e-6, p_th=0.02)
    program = lab.program(("x", 0, 0, 0.5), ("x", 1, 0, 1.0), ("m", 0, 160, 0), ("m", 1, 160, 2))
    two = lab.run(device, [program], shots=2000)[0]
    one = lab.run(device, [program], shots=2000, meas_level=1, meas_return="single")[0]
    mean = lab.run(device, [program], shots=2000, meas_level=1)[0]
    raw = lab.run(device, [program], shots=200, meas_level=0, meas_return="single", memory_slot_size=M + 8)[0]
    raw_mean = lab.run(device, [program], shots=200, meas_level=0, memory_slot_size=40)[0]
    assert two.bits.shape == (2000, 3) and one.iq.shape == (2000, 3) and mean.iq.shape == (3,)
    assert raw.raw.shape == (200, 3, M + 8) and raw_mean.raw.shape == (3, 40)
    assert not two.bits[:, 1].any() and not one.iq[:, 1].any() and not raw.raw[:, 1].any()
    assert np.allclose(raw.raw.sum(axis=2), one.iq[:200], rtol=1e-9)
    assert not raw.raw[:, :, M:].any()
    assert np.allclose(mean.iq, one.iq.mean(axis=0), rtol=1e-12)
    short = lab.run(device, [program], shots=200, meas_level=0, meas_return="single", memory_slot_size=40)[0]
    assert np.allclose(raw_mean.raw, short.raw.mean(axis=0), rtol=1e-12)
    centre = [np.median(one.iq[two.bits[:, 0] == b, 0]) for b in (0, 1)]
    nearer = np.abs(one.iq[:, 0] - centre[1]) < np.abs(one.iq[:, 0] - centre[0])
    assert (nearer == two.bits[:, 0]).mean() > 0.995


def test_measuring_twice_gives_the_same_level(lab):
    device = lab.device(1)
    program = lab.program(("x", 0, 0, 0.5), ("m", 0, 160, 0), ("m", 0, 2000, 1), qubits=1)
    bits = lab.run(device, [program], shots=4000)[0].bits
    assert abs(bits[:, 0].mean() - 0.5) < 5 * 0.5 / 4000**0.5
    assert (bits[:, 0] == bits[:, 1]).mean() > 0.999


def test_a_pulse_after_a_measurement_flips_its_result(lab):
    device = lab.device(1)
    program = lab.program(("x", 0, 0, 0.5), ("m", 0, 160, 0), ("x", 0, 2000, 1.0), ("m", 0, 2200, 1), qubits=1)
    bits = lab.run(device, [program], shots=2000)[0].bits
    assert (bits[:, 0] != bits[:, 1]).mean() > 0.99


def test_relaxation_during_an_acquisition_is_what_comes_after_it(lab):
    t1 = 2e-6
    device = lab.device(1, t1=t1, t2=t1)
    program = lab.program(("x", 0, 0), ("m", 0, 160, 0), ("m", 0, 160 + M, 1), qubits=1)
    bits = lab.run(device, [program], shots=20000)[0].bits
    # levels at the two acquires: e^-x apart
    one = lab.run(device, [program], shots=20000, meas_level=1, meas_return="single")[0].iq
    left = np.exp(-M * device.timing.dt / t1)
    before, after = bits.mean(axis=0)
    assert after / before == pytest.approx(left, rel=0.05)
    assert one.shape == (20000, 2)


def test_reset_empties_any_level(lab):
    device = lab.device(1)
    program = lab.program(("x", 0, 0), ("reset", 0, 200), ("m", 0, 300, 0), qubits=1)
    assert lab.run(device, [program], shots=1000)[0].bits.mean() < 0.005
    warm = lab.device(1, t1=1e-3, t2=1e-3, reset_error=(0.1,), limits=Limits(default_rep_delay=0.5e-3))
    assert lab.run(warm, [program], shots=20000)[0].bits.mean() == pytest.approx(0.1, abs=0.015)


def test_residual_excitation_falls_with_rep_delay(lab):
    device = lab.device(1, t1=100e-6, t2=100e-6, p_th=0.01, reset_error=(0.05,))
    program = lab.program(("m", 0, 0, 0), qubits=1)
    delays = (0.0, 50e-6, 200e-6, 500e-6)
    found = [lab.run(device, [program], shots=40000, rep_delay_s=d)[0].bits.mean() for d in delays]
    for delay, fraction in zip(delays, found):
        assert fraction == pytest.approx(0.01 + 0.05 * np.exp(-delay / 100e-6), abs=0.005)
    assert sorted(found, reverse=True) == found


def test_restless_x_toggles_and_goes_circuit_first(lab):
    device = lab.device(1, limits=Limits(default_rep_delay=0.0))
    idle, flip = lab.program(("m", 0, 160, 0), qubits=1), lab.program(("x", 0, 0), ("m", 0, 160, 0), qubits=1)
    bits = [r.bits[:, 0].astype(int) for r in lab.run(device, [idle, flip, flip, flip], shots=500, init_qubits=False)]
    order = np.stack(bits, axis=1).ravel()  # shot 1 of all, then shot 2 of all
    changed = np.diff(np.concatenate([[0], order])) != 0
    expected = np.tile([False, True, True, True], 500)
    assert (changed == expected).mean() > 0.98
    # each readout error is two wrong changes; the chain itself never slips
    assert abs(order[-4:].sum() - [0, 1, 0, 1].count(1)) <= 2


def test_restless_levels_decay_during_rep_delay(lab):
    device = lab.device(1, t1=50e-6, t2=50e-6)
    program = lab.program(("x", 0, 0), ("m", 0, 160, 0), qubits=1)
    for delay in (0.0, 30e-6, 500e-6):
        bits = lab.run(device, [program], shots=20000, init_qubits=False, rep_delay_s=delay)[0].bits[:, 0]
        # stationary P(1) of: flip, then decay by g: p = 1 - p g
        g = np.exp(-(delay + M * device.timing.dt) / 50e-6)
        assert bits[50:].mean() == pytest.approx(1 / (1 + g), abs=0.02)


def test_restless_equals_reset_where_everything_has_decayed(lab):
    device = lab.device(2, t1=5e-6, t2=5e-6)
    programs = [lab.program(("x", 0, 0, a), ("x", 1, 0, 1 - a), ("m", 0, 160, 0), ("m", 1, 160, 1)) for a in (0.2, 0.7)]
    fresh = lab.run(device, programs, shots=20000)
    chain = lab.run(device, programs, shots=20000, init_qubits=False, rep_delay_s=400e-6)
    for a, b in zip(fresh, chain):
        assert np.allclose(a.bits.mean(axis=0), b.bits.mean(axis=0), atol=0.02)


def test_results_do_not_depend_on_batching_or_shots_asked(lab):
    device = lab.device(2, t1=20e-6, t2=20e-6)
    programs = [lab.program(("x", 0, 0, a), ("m", 0, 160, 0), ("m", 1, 160, 1)) for a in (0.3, 0.6, 0.9)]
    many = lab.run(device, programs, shots=600, meas_level=1, meas_return="single")
    few = lab.run(device, programs, shots=100, meas_level=1, meas_return="single")
    for a, b in zip(many, few):
        assert np.array_equal(a.iq[:100], b.iq)


def test_live_averages_end_at_the_result(lab):
    device = lab.device(2, t1=20e-6, t2=20e-6)
    programs = [lab.program(("x", 0, 0, a), ("m", 0, 160, 0), ("m", 1, 160, 1)) for a in (0.3, 0.6)]
    seen = []
    stream = LiveStream(seen.append)
    result = lab.run(device, programs, shots=1000, meas_level=1, live=stream)
    stream.close()
    packets = list(stream)
    assert packets == seen and len(packets) == packets[0]["total_rounds"] == 10
    assert set(packets[0]) == {"a0", "a1", "total_rounds"}
    assert [p["a0"]["rounds"] for p in packets] == list(range(1, 11))
    assert set(packets[0]["a0"]) == {"avgLevel0", "avgLevel1", "rounds"}
    for q in (0, 1):
        last = np.array(packets[-1][f"a{q}"]["avgLevel1"])
        assert last.shape == (2, 2)
        for e in (0, 1):
            assert complex(*last[e]) == pytest.approx(result[e].iq[q], rel=1e-9)
    plain = lab.run(device, programs, shots=1000, meas_level=1)
    assert np.allclose(plain[0].iq, result[0].iq, rtol=1e-9)


def test_live_records_at_level_zero(lab):
    device = lab.device(1)
    program = lab.program(("x", 0, 0), ("m", 0, 160, 0), qubits=1)
    seen = []
    result = lab.run(device, [program], shots=50, meas_level=0, memory_slot_size=20, live=seen.append)[0]
    last = np.array(seen[-1]["a0"]["avgLevel0"])
    assert last.shape == (1, 20, 2)
    assert np.allclose(last[0, :, 0] + 1j * last[0, :, 1], result.raw[0])


def test_cancel_and_progress(lab):
    device = lab.device(1)
    programs = [lab.program(("x", 0, 0, a), ("m", 0, 160, 0), qubits=1) for a in (0.1, 0.2)]
    done = []
    lab.run(device, programs, shots=10, progress=lambda n, total: done.append((n, total)))
    assert done[-1] == (2, 2)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        lab.run(device, programs, shots=10, cancel=cancel)


def test_a_result_over_the_cap_is_refused_with_its_size(lab):
    device = lab.device(1)
    program = lab.program(("m", 0, 0, 0), qubits=1)
    size = 16 * 1000 * 500
    with pytest.raises(MemoryCapError, match=str(size)):
        lab.run(
            device, [program], shots=1000, meas_level=0, meas_return="single", memory_slot_size=500, memory_cap=size - 1
        )
    ok = lab.run(
        device, [program], shots=1000, meas_level=0, meas_return="avg", memory_slot_size=500, memory_cap=size - 1
    )
    assert ok[0].raw.shape == (1, 500)


@pytest.mark.parametrize("bad", [{"shots": 0}, {"meas_level": 3}, {"meas_return": "both"}, {"shots": 10**8 + 1}])
def test_bad_settings_are_named(lab, bad):
    device = lab.device(1)
    with pytest.raises(ExecutionError, match=next(iter(bad))):
        lab.run(device, [lab.program(("m", 0, 0, 0), qubits=1)], **bad)


def test_overlapping_acquires_of_a_qubit_are_refused(lab):
    device = lab.device(1)
    with pytest.raises(ExecutionError, match="overlap"):
        lab.run(device, [lab.program(("m", 0, 0, 0), ("m", 0, 800, 1), qubits=1)], shots=10)


def test_only_start_states_that_occur_are_simulated(lab, monkeypatch):
    import pulsekit.execution.tree as restless

    calls = []
    real = restless.evolve_states

    def counting(model, batch, states, *rest):
        calls.append(len(states))
        return real(model, batch, states, *rest)

    monkeypatch.setattr(restless, "evolve_states", counting)
    device = lab.device(1)
    programs = [lab.program(("x", 0, 0, 0.5), ("m", 0, 160, 0), qubits=1) for _ in range(4)]
    lab.run(device, programs, shots=300, init_qubits=False)
    assert calls == [4, 4]  # from 0 and from 1, never from 2; all experiments at once


def test_stacked_programs_run_as_they_would_alone(lab):
    device = lab.device(1)
    amps = np.linspace(-1, 1, 7)
    programs = [lab.program(("x", 0, 0, a), ("m", 0, 160, 0), qubits=1) for a in amps]
    together = lab.run(device, programs, shots=4000)
    for a, record in zip(amps, together):
        expected = np.sin(np.pi * a / 2) ** 2
        assert abs(record.bits.mean() - expected) < 5 * 0.5 / 4000**0.5 + 0.005
    alone = lab.run(device, programs[:1], shots=4000)
    assert np.array_equal(alone[0].bits, together[0].bits)


def test_tables_and_single_shots_give_the_same_chain(lab, monkeypatch):
    import pulsekit.execution.tree as tree

    device = lab.device(2, t1=20e-6, t2=20e-6, p_th=0.02)
    programs = [lab.program(("x", 0, 0, a), ("x", 1, 0, 0.3), ("m", 0, 160, 0), ("m", 1, 160, 1)) for a in (0.5, 1.0)]
    fast = lab.run(device, programs, shots=500, init_qubits=False, rep_delay_s=2e-6)
    monkeypatch.setattr(tree, "SMALL", 0)
    slow = lab.run(device, programs, shots=500, init_qubits=False, rep_delay_s=2e-6)
    for a, b in zip(fast, slow):
        assert np.array_equal(a.bits, b.bits)


def test_restless_with_a_measurement_in_the_middle(lab):
    device = lab.device(1)
    program = lab.program(("m", 0, 0, 0), ("x", 0, 1600, 1.0), ("m", 0, 1800, 1), qubits=1)
    bits = lab.run(device, [program], shots=400, init_qubits=False, rep_delay_s=0.0)[0].bits
    assert (bits[:, 0] != bits[:, 1]).mean() > 0.99
    assert (bits[1:, 0] == bits[:-1, 1]).mean() > 0.99


class Broken:
    """An executor whose workers die."""

    def submit(self, *args):
        future = Future()
        future.set_exception(BrokenExecutor("gone"))
        return future


@pytest.mark.parametrize("kind", ["threads", pytest.param("processes", marks=pytest.mark.nightly), "broken"])
def test_an_executor_changes_nothing(lab, kind):
    device = lab.device(2, t1=20e-6, t2=20e-6)
    programs = [lab.program(("x", 0, 0, a), ("m", 0, 160, 0), ("m", 1, 160, 1)) for a in np.linspace(0, 1, 5)]
    plain = lab.run(device, programs, shots=300, meas_level=1, meas_return="single")
    context = multiprocessing.get_context("spawn")
    executor = {
        "threads": lambda: ThreadPoolExecutor(2),
        "processes": lambda: ProcessPoolExecutor(1, mp_context=context),
        "broken": Broken,
    }[kind]()
    seen = []
    spread = lab.run(
        device,
        programs,
        shots=300,
        meas_level=1,
        meas_return="single",
        executor=executor,
        progress=lambda *n: seen.append(n),
    )
    for a, b in zip(plain, spread):
        assert np.array_equal(a.iq, b.iq)
    assert seen[-1] == (5, 5)
    if kind != "broken":
        executor.shutdown()


def test_a_drive_during_an_acquire_does_nothing_and_warns(lab):
    device = lab.device(1)
    program = lab.program(("m", 0, 0, 0), ("x", 0, 500), ("m", 0, 1600, 1), qubits=1)
    with pytest.warns(PulsekitWarning, match=r"d0@500\.\.660"):
        bits = lab.run(device, [program], shots=500)[0].bits
    assert bits[:, 1].mean() < 0.02


def _joined(lab, **options):
    pairs = (Coupling((0, 1), 3e6), Coupling((1, 2), 3e6))
    return lab.device(3, couplings=pairs, drive_rate=100e6, p_th=0.02, **options)


@pytest.mark.parametrize("alike", [True, False])
def test_trajectories_of_a_chain_sample_what_density_matrices_say(lab, alike):
    """Three joined qubits that relax within a program, one of them not read out."""
    device = _joined(lab, t1=1.2e-6, t2=0.8e-6)
    drives = [("x", 0, 0, 0.5), ("x", 1, 0, 0.8), ("x", 2, 160, 0.6), ("x", 1, 480)]
    first = lab.program(*drives, ("m", 0, 640, 0), ("m", 1, 640, 1))
    second = lab.program(*(drives if alike else drives[1:2]), ("m", 0, 640, 0), ("m", 1, 640, 1))
    shots = 4000

    def joint(**more):
        a, b = lab.run(device, [first, second], init_qubits=False, rep_delay_s=0.2e-6, spectator_bound=1e-6, **more)
        return np.concatenate([np.bincount(r.bits @ [1, 2], minlength=4) / len(r.bits) for r in (a, b)])

    exact, drawn = joint(shots=20000, method="density"), joint(shots=shots, method="trajectories")
    assert np.all(np.abs(exact - drawn) < 6.5 * np.sqrt(exact * (1 - exact) / shots))


def test_a_neighbour_that_the_last_experiment_left_excited_shifts_a_qubit(lab):
    """A Ramsey experiment beside a qubit that is flipped, or not, before it: the ZZ shift moves its phase."""
    device = _joined(lab)
    wait = 12000
    ramsey = lab.program(("x", 0, 0, 0.5), ("x", 0, wait, 0.5), ("m", 0, wait + 160, 0))
    model = Model.from_device(device, (0, 1, 2), noise=False)
    e, _ = model.dressed()
    zeta = e[4] - e[3] - e[1] + e[0]
    for flips in (0, 1):
        before = lab.program(("x", 1, 0, float(flips)), ("m", 1, 160, 0))
        records = lab.run(device, [before, ramsey], shots=3000, init_qubits=False, rep_delay_s=0.0, noise=False)
        excited = records[0].bits[:, 0] == 1
        change = (np.diff(records[1].bits[:, 0].astype(int), prepend=0) != 0)[excited if flips else ~excited].mean()
        phase = flips * zeta * wait * device.timing.dt
        assert abs(change - np.cos(phase / 2) ** 2) < 0.05


def test_a_level_that_a_cluster_does_not_have_counts_as_its_highest():
    assert basis_index((2, 1, 2), (2, 2, 3)) == 1 + 2 * 1 + 4 * 2
    assert basis_index((2, 0, 0), (3, 2, 2)) == 2
