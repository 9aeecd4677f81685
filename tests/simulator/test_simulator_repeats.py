"""Maps of gates that repeat against the same programs sample by sample, and against scipy."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
from oracle import final_states
from peers import qutip_states
from random_schedules import Case, LineSpec, build, random_case
from simulator_programs import device, gaussian, play, program

from pulsekit.device import Crosstalk, Device
from pulsekit.errors import CancelledError
from pulsekit.program import Batch, Op, Program, Pulse
from pulsekit.simulator import Model, default_los, evolve, simulate
from pulsekit.simulator.gatemaps import Gate, GateTone
from pulsekit.simulator.magnus import Signals
from pulsekit.simulator.mapped import _making, map_of
from pulsekit.simulator.space import space_of

SQUARE = Pulse.from_shape("gaussian_square", 120, {"sigma": 10.0, "width": 80.0})
DRAG = Pulse.from_shape("drag", 64, {"sigma": 16.0, "beta": 1.1})
WIDE = gaussian(80, 20.0)
TIGHT: Dict[str, Any] = {"tolerance": 1e-8, "outputs": ("populations", "states"), "spectator_bound": 1e-12}


def gates(rng: np.random.Generator, count: int, idle: int = 40) -> Program:
    """Return a random sequence of five gates on two qubits, virtual Zs and idle times between them."""
    rows: List[Dict[str, Any]] = []
    pulses: List[Pulse] = []
    t = 0
    for _ in range(count):
        q, kind = int(rng.integers(2)), int(rng.integers(5))
        for name in (f"d{q}", "u0") if q else (f"d{q}",):
            rows.append({"t0": t, "op": Op.SHIFT_PHASE, "channel": name, "value": angle_of(rng)})
        if kind == 0:  # a tone on the control line, one on the target at the same frequency, begun later
            rows.append(play("u0", t, pulses, SQUARE, 0.6, 0.3))
            rows.append(play("d1", t + 16, pulses, WIDE, 0.1, 1.2))
            t += 120
        elif kind == 1:  # both qubits at once
            rows += [play("d0", t, pulses, DRAG, 0.31), play("d1", t, pulses, DRAG, -0.25)]
            t += 64
        elif kind == 2:  # one begins while the other plays
            rows += [play("d1", t, pulses, WIDE, 0.2), play("d0", t + 48, pulses, DRAG, 0.31)]
            t += 112
        else:
            rows.append(play(f"d{q}", t, pulses, DRAG, 0.31))
            t += 64
        t += int(rng.integers(1, idle)) if idle and rng.integers(2) else 0
    return program(rows, pulses, t + 23)


def angle_of(rng: np.random.Generator) -> float:
    return float(rng.uniform(-3, 3)) if rng.integers(2) else float(rng.integers(-2, 3)) * np.pi / 2


def by(monkeypatch: pytest.MonkeyPatch, maps: bool, run: Any) -> Any:
    """Run with every lane that fits by maps, or with none."""
    with monkeypatch.context() as patch:
        patch.setattr("pulsekit.simulator.routes.worthwhile", lambda _, r: np.full(len(r.gate), maps))
        return run()


def perth_pair() -> Device:
    """Return qubits 0 and 1 of ibm_perth as a device of their own."""
    whole = Device.from_snapshot("ibm_perth")
    pair = device(2, 3)
    two = tuple(replace(whole.transmons[q], levels=3) for q in (0, 1))
    strength = next(c.strength for c in whole.couplings if set(c.qubits) == {0, 1})
    return pair.with_(transmons=two, couplings=(replace(pair.couplings[0], strength=strength),), timing=whole.timing)


DEVICES = {
    "line": lambda: device(2, 3),
    "perth": perth_pair,
    "crosstalk": lambda: device(2, 3, crosstalk=(Crosstalk("d0", 1, 0.04 + 0.02j), Crosstalk("d1", 0, 0.03))),
    "2 and 4 levels": lambda: _levels(2, 4),
    "2 and 2 levels": lambda: device(2, 2),
}


def _levels(*levels: int) -> Device:
    dev = device(2, 3)
    return dev.with_(transmons=tuple(replace(t, levels=d) for t, d in zip(dev.transmons, levels)))


NOISY = [pytest.param(n, True, marks=() if n in ("line", "2 and 2 levels") else pytest.mark.nightly) for n in DEVICES]


@pytest.mark.parametrize(("name", "noise"), [*((n, False) for n in DEVICES), *NOISY])
def test_maps_equal_samples(name: str, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = DEVICES[name]()
    batch = gates(np.random.default_rng(1), 10)
    run = lambda: simulate(batch, dev, noise=noise, **TIGHT)  # noqa: E731
    fast, slow = by(monkeypatch, True, run), by(monkeypatch, False, run)
    assert np.abs(fast.states - slow.states).max() < 1e-8
    assert not np.array_equal(fast.states, slow.states)  # they went another way


@pytest.mark.nightly
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("name", DEVICES)
def test_maps_equal_samples_on_long_sequences(name: str, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = DEVICES[name]()
    batch = [gates(np.random.default_rng(seed), 150, idle=4) for seed in range(10, 13)]
    run = lambda: simulate(batch, dev, noise=noise, **TIGHT)  # noqa: E731
    assert np.abs(by(monkeypatch, True, run).states - by(monkeypatch, False, run).states).max() < 1e-8


def test_propagators_go_by_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = gates(np.random.default_rng(5), 12)
    run = lambda: simulate(batch, device(2, 3), **{**TIGHT, "outputs": ("propagators",)})  # noqa: E731
    fast, slow = by(monkeypatch, True, run).propagators, by(monkeypatch, False, run).propagators
    assert np.abs(fast - slow).max() < 1e-8
    assert np.abs(fast[0] @ fast[0].conj().T - np.eye(9)).max() < 1e-9


def repeating_case(seed: int, noise: bool) -> Case:
    """Return three gates of two or three tones, each played twice, at random phases and starts."""
    case = random_case(seed, levels=[3, 3], rwa=True, noise=noise, tolerance=1e-8)
    case = replace(case, lo={s.channel: float(case.frame[target_of(case, s)]) for s in case.lines})
    rng = np.random.default_rng(seed)
    waves = [(("gaussian", 24, {"sigma": 6.0}), 0.5, 0.2), (("drag", 24, {"sigma": 6.0, "beta": 1.0}), 0.3, -1.0)]
    waves.append((("gaussian_square", 40, {"sigma": 4.0, "width": 24.0}), 0.4, 0.7))
    out: List[Tuple[int, str, str, Any]] = []
    t = 0
    for kind in (0, 1, 2, 0, 1, 2):
        for channel in ("d0", "d1", "u0"):
            out.append((t, "shift_phase", channel, float(rng.uniform(-3, 3)) if channel != "u0" else 0.5))
        plays = [[("d0", 0, 0), ("d1", 0, 1)], [("u0", 2, 0), ("d1", 1, 8), ("d0", 0, 4)], [("d1", 0, 0)]][kind]
        out += [(t + late, "play", c, (*waves[w][0], *waves[w][1:])) for c, w, late in plays]
        t += 40 + int(rng.integers(0, 20)) * (kind == 1)
    return replace(case, instructions=tuple(sorted(out, key=lambda i: i[0])), duration=t + 5)


def target_of(case: Case, line: LineSpec) -> int:
    """Return the qubit at whose frequency a line plays: its own, or the other one for control lines."""
    return line.qubit if line.channel[0] == "d" else 1 - line.qubit


@pytest.mark.parametrize(("seed", "noise"), [(4, False), (6, False), (9, False), (4, True)])
def test_maps_equal_scipy(seed: int, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    case = repeating_case(seed, noise)
    dev, batch, settings = build(case)
    found = by(monkeypatch, True, lambda: simulate(batch, dev, outputs=("states",), **settings)).states[0]
    assert np.abs(found - final_states(case)).max() < 1e-8


@pytest.mark.nightly
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_maps_equal_qutip(seed: int, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    case = repeating_case(seed, noise)
    dev, batch, settings = build(case)
    found = by(monkeypatch, True, lambda: simulate(batch, dev, outputs=("states",), **settings)).states[0]
    assert np.abs(found - qutip_states(case)).max() < 1e-8


@pytest.mark.parametrize("noise", [False, True])
def test_lanes_do_not_see_their_neighbours_nor_threads(noise: bool) -> None:
    """Long programs go by maps, short ones do not, whoever is beside them."""
    dev = device(2, 3)
    rng = np.random.default_rng(8)
    batch = [gates(rng, n, idle=0 if n % 2 else 30) for n in (1, 61, 2, 90)]
    batch += [batch[1].replace(events=batch[1].events.replace(angle=batch[1].events.angle + 0.1 * k)) for k in range(9)]
    settings = {"noise": noise, **TIGHT, "tolerance": 1e-5}
    whole = simulate(batch, dev, **settings).states
    for threads in (2, 4):
        assert np.array_equal(simulate(batch, dev, threads=threads, **settings).states, whole)
    fresh = device(2, 3).with_(name="the same, nothing known of it")
    for k, prog in enumerate(batch):
        assert np.array_equal(simulate(prog, fresh, **settings).states[0], whole[k])
    assert np.array_equal(simulate(batch[::-1], dev, **settings).states, whole[::-1])


@pytest.mark.parametrize("frozen", [(), (1,)])
@pytest.mark.parametrize("solver", ["schroedinger", "lindblad"])
def test_evolution_may_stop_inside_a_gate(solver: str, frozen: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    dev, prog = device(2, 3), gates(np.random.default_rng(7), 12)
    model = Model.from_device(dev, (0, 1), noise=solver == "lindblad")
    ket = np.zeros((1, model.dim), dtype=complex)
    ket[0, 0], ket[0, 1] = 0.6, 0.8j
    x = ket[:, :, None] * ket[:, None].conj() if solver == "lindblad" else ket
    cut = int(prog.events.t0[prog.events.op == Op.PLAY][-6]) + 21

    def run(maps: bool, states: np.ndarray, **interval: int) -> np.ndarray:
        batch = Batch((prog,), np.zeros(1, np.int32), default_los(dev, 1))  # routes are kept with a batch
        settings = {"solver": solver, "tolerance": 1e-8, "frozen": frozen, **interval}
        return by(monkeypatch, maps, lambda: evolve(model, batch, states, **settings))

    slow, fast = run(False, x), run(True, x)
    both = run(True, run(True, x, stop=cut), start=cut)
    assert np.abs(fast - slow).max() < 1e-8
    assert np.abs(both - slow).max() < 1e-8
    alone = bool(frozen) and solver == "schroedinger"  # pulses that play alone are not these maps' business
    assert np.array_equal(fast, slow) == alone


def parts_of(batch: Any, dev: Device, **settings: Any) -> Dict[str, Any]:
    (cluster,) = simulate(batch, dev, explain=True, spectator_bound=1e-9, **settings).info["plan"].clusters
    return {p.method: p for p in cluster.parts}


@pytest.mark.parametrize("noise", [False, True])
def test_what_repeats_often_goes_by_maps(noise: bool) -> None:
    dev = device(2, 3)
    rng = np.random.default_rng(3)
    once, often = gates(rng, 2, idle=0), gates(rng, 200, idle=0)
    assert "maps, computed once" not in parts_of(once, dev, noise=noise)
    before = parts_of(often, dev, noise=noise)
    assert before["maps, computed once"].samples > 0.9 * often.duration
    assert before["making maps, once"].seconds > 0
    simulate(often, dev, noise=noise, spectator_bound=1e-9)
    assert "making maps, once" not in parts_of(often, dev, noise=noise)


def test_sweeps_and_detuned_lines_go_sample_by_sample() -> None:
    dev = device(2, 3)
    often = gates(np.random.default_rng(3), 200, idle=0)
    los = default_los(dev, 1)
    moved = replace(los, drive=los.drive + 1e5)
    assert "maps, computed once" in parts_of(Batch((often,), np.zeros(1, np.int32), los), dev, noise=True)
    assert "maps, computed once" not in parts_of(Batch((often,), np.zeros(1, np.int32), moved), dev, noise=True)
    assert "maps, computed once" not in parts_of(often, dev, noise=True, rwa=False)


def test_maps_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """And programs that need more than half of what may be kept go sample by sample."""
    dev, often = device(2, 3), gates(np.random.default_rng(3), 200, idle=0)
    loose = {**TIGHT, "noise": True, "tolerance": 1e-5}
    whole = simulate(often, dev, **loose).states
    for kept, maps in ((2**23, True), (2**20, False)):
        for where in ("repeats", "mapped"):
            monkeypatch.setattr(f"pulsekit.simulator.{where}.KEPT", kept)
        fresh = dev.with_(name=f"nothing known of it, {kept}")
        assert ("maps, computed once" in parts_of(often, fresh, noise=True)) == maps
        assert np.array_equal(simulate(often, fresh, **loose).states, whole) == maps


def test_cancelling_stops_the_making_of_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    dev = device(2, 3).with_(name="nothing known of it")
    wave = Pulse.from_samples(np.random.default_rng(0).uniform(0.1, 0.5, 3000).astype(complex))
    rows: List[Dict[str, Any]] = []
    pulses: List[Pulse] = []
    for k in range(20):
        rows += [play(f"d{q}", 3000 * k, pulses, wave, 0.3 + 0.1 * q) for q in range(2)]
    model = Model.from_device(dev, (0, 1), noise=True)
    batch = Batch((program(rows, pulses),), np.zeros(1, np.int32), default_los(dev, 1))
    x = np.zeros((1, model.dim, model.dim), dtype=complex)
    x[:, 0, 0] = 1
    cancel, parts = threading.Event(), []

    class Noting(Signals):
        def __call__(self, a: int, b: int) -> np.ndarray:
            parts.append(b - a)  # samples
            if len(parts) == 2:
                cancel.set()
            return super().__call__(a, b)

    monkeypatch.setattr("pulsekit.simulator.gatemaps.Signals", Noting)
    with pytest.raises(CancelledError):
        evolve(model, batch, x, solver="lindblad", tolerance=1e-9, cancel=cancel)
    assert len(parts) == 2
    assert sum(parts) < 300


def test_cancelling_stops_who_waits_for_a_map() -> None:
    space = space_of(Model.from_device(device(2, 3).with_(name="nothing known"), (0, 1), noise=True), True)
    gate = Gate((GateTone(0, DRAG, 0, 1e7, float(space.model.w_frame[0]), 0.0, False),), 64, (0, 0))
    cancel = threading.Event()
    cancel.set()
    with _making.setdefault(space, threading.Lock()), pytest.raises(CancelledError):
        map_of(space, gate, 1e-10, cancel)
    assert map_of(space, gate, 1e-10) is map_of(space, gate, 1e-10, cancel)
