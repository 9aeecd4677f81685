"""Building from graphs, changing, drifting, checking."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from pulsekit.device import (
    ControlLine,
    Coupling,
    Crosstalk,
    Device,
    Disorder,
    Drift,
    DriveLine,
    Limits,
    ReadoutSpec,
    Resonator,
    Timing,
    Transmon,
)
from pulsekit.errors import DeviceError


def stale_names(device):
    return {name for name, _ in device.stale}


def test_builders_make_complete_devices():
    for device, edges in (
        (Device.transmon(), 0),
        (Device.pair(), 1),
        (Device.line(5), 4),
        (Device.ring(6), 6),
        (Device.heavy_hex(1, 1), 12),
        (Device.from_graph(nx.star_graph(3)), 3),
    ):
        n = device.n_qubits
        assert len(device.couplings) == edges and len(device.controls) == 2 * edges
        for q in range(n):
            for name in ("x", "sx", "rz", "id", "u1", "u2", "u3", "measure", "x12", "measure_esp"):
                assert device.calibrations.get(name, (q,)) is not None, (device.name, name, q)
        assert device.calibrations.get("measure", tuple(range(n))) is not None
        assert len(device.coupling_map) == 2 * edges
        for pair in device.coupling_map:
            assert device.calibrations.get("cx", pair) is not None
        frequencies = [t.frequency for t in device.transmons]
        for c in device.couplings:
            assert frequencies[c.qubits[0]] != frequencies[c.qubits[1]]


def test_neighbours_of_a_qubit_have_different_frequencies():
    device = Device.heavy_hex(2, 3)
    graph = nx.Graph([c.qubits for c in device.couplings])
    assert max(dict(graph.degree).values()) == 3
    for q in graph:
        around = [device.transmons[r].frequency for r in [q, *graph[q]]]
        assert len(set(around)) == len(around)


def test_every_parameter_is_settable():
    graph = nx.Graph()
    graph.add_node("a", frequency=4.9e9, t1=50e-6)
    graph.add_node("b")
    graph.add_edge("a", "b", coupling=3e6)
    device = Device.from_graph(
        graph,
        name="mine",
        frequency={1: 5.05e9},
        anharmonicity=[-320e6, -310e6],
        t2=[80e-6, None],
        p_th=0.01,
        levels=4,
        measure_frequency=[6.9e9, 7.1e9],
        prob_meas0_prep1=0.03,
        reset_error=0.02,
        timing=Timing(dt=1e-9, dtm=1e-9, granularity=1, min_length=1, acquire_alignment=1),
        gate="ecr",
        measure_esp_enabled=True,
    )
    a, b = device.transmons
    assert (a.frequency, a.t1, a.t2, a.levels, a.p_th) == (4.9e9, 50e-6, 80e-6, 4, 0.01)
    assert (b.frequency, b.t2, b.anharmonicity) == (5.05e9, None, -310e6)
    assert device.couplings[0].strength == 3e6
    assert device.coupling_map == ((1, 0),) and "ecr" in device.basis_gates  # the higher one is the control
    assert device.calibrations.get("x", (0,)).program.duration == 36
    assert device.measure_esp_enabled and device.reset_error == (0.02, 0.02)


def test_a_mapping_is_for_some_and_the_others_keep_the_default():
    device = Device.line(3, t1={0: 60e-6, 2: None}, t2={0: 40e-6}, coupling={(2, 1): 3e6})
    assert [(t.t1, t.t2) for t in device.transmons] == [(60e-6, 40e-6), (100e-6, 100e-6), (None, 100e-6)]
    assert [(c.qubits, c.strength) for c in device.couplings] == [((0, 1), 2e6), ((1, 2), 3e6)]


def test_disorder_is_seeded_and_sized():
    a = Device.line(40, disorder=True, seed=3)
    assert a.content_hash() == Device.line(40, disorder=True, seed=3).content_hash()
    assert a.content_hash() != Device.line(40, disorder=True, seed=4).content_hash()
    plain = Device.line(40)
    shift = np.array([x.frequency - y.frequency for x, y in zip(a.transmons, plain.transmons)])
    assert 3e6 < shift.std() < 8e6
    assert all(t.t2 <= 2 * t.t1 for t in a.transmons)
    still = Device.line(4, disorder=Disorder(0, 0, 0, 0, 0, 0, 0), seed=1)
    assert [t.frequency for t in still.transmons] == [t.frequency for t in Device.line(4).transmons]


def test_colliding_pairs_are_named_not_built():
    device = Device.pair((5e9, 5e9))
    assert device.coupling_map == () and device.calibrations.get("cx", (0, 1)) is None
    assert [n.kind for n in device.provenance.notes if n.quantity.startswith("calibrations[cx")] == ["failed"]
    assert "Failed" in device.report()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: Device.line(0), "at least 1"),
        (lambda: Device.ring(2), "at least 3"),
        (lambda: Device.line(True), "integer"),
        (lambda: Device.line(3, t1=[1e-4]), "`t1`.*3.*1 came"),
        (lambda: Device.line(3, t1=[1e-4, -1e-4, 1e-4]), "qubit 1 of 'line_3'.*`t1`"),
        (lambda: Device.line(3, frequency={7: 5e9}), r"\[7\]"),
        (lambda: Device.line(3, coupling={(0, 2): 1e6}), r"edges.*\(0, 2\)"),
        (lambda: Device.line(3, coupling="strong"), "numbers.*'strong'"),
        (lambda: Device.line(3, t1=["long", None, None]), "`t1`.*numbers.*'long'"),
        (lambda: Device.line(3, disorder=5), "Disorder.*5"),
        (lambda: Device.line(2, gate="iswap"), "'iswap'"),
        (lambda: Device.transmon(math.nan), "frequency"),
        (lambda: Device.transmon(t2=1.0), "2 t1"),
        (lambda: Device.transmon(rabi_rate=0.0), "rabi_rate"),
        (lambda: Device.line(2, frequency=5.0), r"qubit 0 of 'line_2'.*5\.0 Hz came. It looks like GHz"),
        (lambda: Device.line(2, measure_frequency=7.0), "looks like GHz"),
        (lambda: Device.from_graph(nx.DiGraph([(0, 1)])), "undirected"),
        (lambda: Device.from_graph([(0, 1)]), "networkx graph, but list came"),
        (lambda: Device.from_snapshot(None), "shipped snapshot, but None came"),
        (lambda: Device.from_graph(nx.Graph()), "at least one node"),
        (lambda: Disorder(t1=-1), "t1"),
        (lambda: Transmon(5e9, levels=6), "2 to 5"),
        (lambda: Transmon(5e9, anharmonicity=0.0), "must not be 0"),
        (lambda: Transmon(5e9, t1=-1e-6), "t1"),
        (lambda: Transmon(5e9, t1=1e-6, t2=3e-6), "2 t1"),
        (lambda: Transmon(5e9, p_th=0.6), "p_th"),
        (lambda: Coupling((1, 1), 1e6), "different"),
        (lambda: Coupling((0, 1), math.inf), r"\(0, 1\).*strength"),
        (lambda: DriveLine(3, -1.0), "d3.*rabi_rate"),
        (lambda: DriveLine(3, 1.0, gain=complex(math.nan, 0)), "gain"),
        (lambda: ControlLine(0, (), 1.0), "lo"),
        (lambda: Resonator(7e9, kappa=0.0), "kappa"),
        (lambda: Resonator(7e9, mode="sideways"), "'sideways'"),
        (lambda: Resonator(7e9, efficiency=1.5), "efficiency"),
        (lambda: ReadoutSpec(1.5), "prob_meas0_prep1"),
        (lambda: Timing(dt=0.0), "dt"),
        (lambda: Timing(granularity=0), "granularity"),
        (lambda: Limits(drive_lo=((2.0, 1.0),)), "drive_lo"),
        (lambda: Device("", (Transmon(5e9),)), "name"),
        (lambda: Device("d", ()), "transmons"),
        (lambda: Device("d", (Transmon(5e9),), couplings=(Coupling((0, 1), 1e6),)), "0 to 0"),
        (lambda: Device("d", (Transmon(5e9),), drives=(DriveLine(1, 1e6),)), "d0 drives 1"),
        (lambda: Device.pair().replace(controls=(ControlLine(5, ((0, 1),), 1e6),)), "u0"),
        (lambda: Device.pair().replace(meas_map=((0,), (0, 1))), "came twice"),
        (lambda: Device.pair().replace(controls=()), "calibration 'rz'.*u"),
        (lambda: Device.pair().replace(couplings=(Coupling((0, 1), 1.0), Coupling((1, 0), 1.0))), "twice"),
    ],
)
def test_wrong_input_is_a_device_error(call, words):
    with pytest.raises(DeviceError, match=words):
        call()


def test_with_knows_what_goes_stale():
    device = Device.line(4)
    assert device.stale == ()
    moved = device.with_(qubit=1, frequency=5.1e9)
    assert moved.transmons[1].frequency == moved.qubit_freq_est[1] == 5.1e9
    assert set(moved.stale) == {("cx", p) for p in ((0, 1), (1, 0), (1, 2), (2, 1))}
    softer = device.with_(qubit=1, anharmonicity=-300e6)
    assert {("x", (1,)), ("sx", (1,)), ("x12", (1,)), ("measure_esp", (1,)), ("u3", (1,))} <= set(softer.stale)
    assert not {("rz", (1,)), ("id", (1,)), ("measure", (1,)), ("x", (0,))} & set(softer.stale)
    assert stale_names(device.with_(pair=(1, 2), strength=1e6)) == {"cx"}
    assert device.with_(pair=(2, 1), strength=1e6).couplings[1].strength == 1e6
    assert len(device.with_(pair=(1, 2), strength=0).couplings) == 2
    assert stale_names(device.with_(qubit=2, kappa=3e6)) == {"measure", "measure_esp"}
    assert device.with_(qubit=2, measure_frequency=7.3e9).resonators[2].frequency == 7.3e9
    assert ("x", (3,)) in device.with_(channel="d3", rabi_rate=1e8).stale
    assert device.with_(channel="u0", gain=0.9j).controls[0].gain == 0.9j
    for harmless in ({"t1": 1e-3}, {"t2": 5e-5}, {"p_th": 0.02}, {"reset_error": 0.1}, {"prob_meas0_prep1": 0.1}):
        assert device.with_(qubit=0, **harmless).stale == ()
    assert device.with_(name="other").name == "other"
    assert {"x", "cx", "measure"} <= stale_names(device.with_(dt=1e-9))
    twice = device.with_(qubit=0, anharmonicity=-3e8).with_(qubit=3, kappa=1e6)
    assert {"x", "measure"} <= stale_names(twice)
    assert "Stale" in twice.report()


def test_with_knows_it_of_whole_fields_too():
    device = Device.line(3)
    pulses = {("x", (1,)), ("sx", (1,)), ("u2", (1,)), ("u3", (1,)), ("x12", (1,)), ("measure_esp", (1,))}
    pairs = {("cx", p) for p in ((0, 1), (1, 0), (1, 2), (2, 1))}
    softer = device.with_(qubit=1, anharmonicity=-300e6)
    assert set(device.with_(transmons=softer.transmons).stale) == set(softer.stale) == pulses | pairs
    assert device.with_(couplings=device.couplings[:1]).stale == (("cx", (1, 2)), ("cx", (2, 1)))
    assert stale_names(device.with_(timing=Timing(dt=1e-9))) == stale_names(device.with_(dt=1e-9))
    off = device.with_(qubit_lo=(5e9, 5.071e9, 5.14e9))  # was 5.07 GHz: the pulses of qubit 1 are off resonance
    assert set(off.stale) == pulses | pairs
    assert set(device.with_(measure_lo=(7e9, 7.04e9, 7.081e9)).stale) == {
        ("measure", (2,)),
        ("measure", (0, 1, 2)),
        ("measure_esp", (2,)),
    }
    assert ("x", (0,)) in device.with_(crosstalk=(Crosstalk("d0", 1, 0.1),)).stale
    assert device.with_(meas_map=((0,), (1,), (2,))).stale == ()
    exchanged = softer.with_(calibrations=softer.calibrations.updated(replace(device.calibrations.get("x", (1,)))))
    assert set(exchanged.stale) == (pulses | pairs) - {("x", (1,))}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"qubit": 0},
        {"qubit": 9, "t1": 1e-6},
        {"qubit": 0, "pair": (0, 1), "strength": 1.0},
        {"qubit": 0, "colour": 1},
        {"pair": (0, 0), "strength": 1.0},
        {"pair": (0, 1), "t1": 1.0},
        {"channel": "m0", "rabi_rate": 1.0},
        {"channel": "d9", "rabi_rate": 1.0},
        {"colour": 1},
        {"qubit": 0, "t2": 1.0},
    ],
)
def test_with_refuses_nonsense(arguments):
    with pytest.raises(DeviceError):
        Device.pair().with_(**arguments)


def test_a_device_ages():
    device = Device.line(60)
    day = device.age(86400, seed=1)
    assert day.content_hash() == device.age(86400, seed=1).content_hash() != device.age(86400, seed=2).content_hash()
    shift = np.array([t.frequency - f for t, f in zip(day.transmons, day.qubit_freq_est)])
    assert day.qubit_freq_est == device.qubit_freq_est  # pulses and LOs are where they were
    assert 6e3 < shift.std() < 15e3
    rates = np.array([a.rabi_rate / b.rabi_rate - 1 for a, b in zip(day.drives, device.drives)])
    assert 0.0012 < rates.std() < 0.003
    t1 = np.log([a.t1 / b.t1 for a, b in zip(day.transmons, device.transmons)])
    assert 0.13 < t1.std() < 0.28
    for a, b in zip(day.transmons, device.transmons):
        assert 1 / a.t2 - 0.5 / a.t1 == pytest.approx(1 / b.t2 - 0.5 / b.t1)
    assert {"x", "sx", "cx", "x12"} <= stale_names(day) and "rz" not in stale_names(day)
    hour = device.age(3600, seed=1)
    assert np.std([t.frequency - f for t, f in zip(hour.transmons, hour.qubit_freq_est)]) < 0.4 * shift.std()
    assert device.age(0).stale == () and device.age(0).transmons == device.transmons
    calm = device.age(86400, seed=1, drift=Drift(t1=0, frequency=0, amplitude=0))
    assert calm.transmons == device.transmons and calm.stale == ()
    for bad in ({"seconds": -1}, {"seconds": math.nan}, {"seconds": 1, "seed": -1}, {"seconds": 1, "drift": 3}):
        with pytest.raises(DeviceError):
            device.age(**bad)


def test_lo_estimates_reach_the_lo_table():
    from pulsekit.compiler.passes.frequency_plan import default_los
    from pulsekit.simulator.model import Model

    device = Device.pair().age(86400, seed=5)
    drive, _ = default_los(device)
    assert tuple(drive) == device.qubit_freq_est != tuple(t.frequency for t in device.transmons)
    model = Model.from_device(device, (0, 1))
    assert model.w_frame == pytest.approx(2 * np.pi * np.array(device.qubit_freq_est), rel=1e-14)


def test_hash_sees_everything_that_matters():
    device = Device.pair()
    hashes = {device.content_hash()}
    for changed in (
        device.with_(qubit=0, t1=2e-4),
        device.with_(qubit=1, kappa=6e6),
        device.with_(channel="u1", rabi_rate=1e8),
        device.replace(
            calibrations=device.calibrations.updated(Device.pair(rabi_rate=1e8).calibrations.get("x", (0,)))
        ),
        device.replace(meas_map=((0,), (1,))),
        device.with_(dt=3e-10),
    ):
        hashes.add(changed.content_hash())
    assert len(hashes) == 7
    assert device.replace(vendor={"a": 1}).content_hash() == device.content_hash()


def test_t2_follows_t1_from_scratch() -> None:
    line = Device.line(3, t1=40e-6)
    assert [t.t2 for t in line.transmons] == [40e-6] * 3
    mixed = Device.line(3, t1={0: 40e-6}, t2={1: 30e-6})
    assert [t.t2 for t in mixed.transmons] == [40e-6, 30e-6, 100e-6]
    assert [t.t2 for t in Device.line(2, t1=None).transmons] == [100e-6] * 2
    assert [t.t2 for t in Device.line(2, t1=30e-6, t2=None).transmons] == [None] * 2
    with pytest.raises(DeviceError, match="`t2`"):
        Device.line(2, t2="t2")


def test_calibrations_are_checked_against_every_size() -> None:
    line = Device.line(3)
    with pytest.raises(DeviceError, match="calibration"):
        Device("less", line.transmons[:2], drives=line.drives[:2], calibrations=line.calibrations)
    with pytest.raises(DeviceError, match="kind 'u'"):
        line.replace(controls=())
    assert line.replace(name="other").calibrations is line.calibrations
