"""Decay between unitary steps: what its rules miss is taken back, and steps are as many as the tolerance needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List

import numpy as np
import pytest
from simulator_programs import device, gaussian, play, program

from pulsekit.device import Device, Timing
from pulsekit.program import Program, Pulse
from pulsekit.simulator import Model, rho, simulate
from pulsekit.simulator.decay import Cut, Drive, decay_cut, decays, edges_of, rough_of
from pulsekit.simulator.lanes import lane_groups
from pulsekit.simulator.sections import Sections
from pulsekit.simulator.simulate import as_batch
from pulsekit.simulator.space import space_of
from pulsekit.simulator.timeline import tones_of

SETTINGS: Any = {"noise": True, "outputs": ("states",), "spectator_bound": 1e-12}


def decaying(n: int, levels: int, t1: float, dt: float = 2e-9 / 9) -> Device:
    """Return a device whose T2 is 3/4 of T1, s."""
    dev = device(n, levels, timing=Timing(dt=dt))
    return replace(dev, transmons=tuple(replace(t, t1=t1, t2=0.75 * t1) for t in dev.transmons))


def bump(length: int, amp: float, times: int = 1) -> Program:
    """Return gaussian pulses on d0, one right after the other."""
    pulses: List[Pulse] = []
    shape = gaussian(length, length / 5)
    return program([play("d0", k * length, pulses, shape, amp) for k in range(times)], pulses, times * length)


def error(dev: Device, prog: Program) -> float:
    """Return the error of entries at a loose tolerance, against a tight one."""
    loose, tight = (simulate(prog, dev, tolerance=t, **SETTINGS).states[0] for t in (1e-10, 1e-12))
    return float(np.abs(loose - tight).max())


@pytest.mark.parametrize(("cut", "order"), [(Cut(1, False), 2), (Cut(1, True), 4), (Cut(2, False), 4)])
def test_orders_of_the_rules(monkeypatch: pytest.MonkeyPatch, cut: Cut, order: int) -> None:
    """The same drive at half the sample time: errors fall by 4 or 16."""
    choose = rho.decay_cut

    def chosen(*arguments: Any, **more: Any) -> Cut:
        tight = arguments[-1] < 1e-12
        return choose(*arguments, **more) if tight else cut

    monkeypatch.setattr(rho, "decay_cut", chosen)
    coarse, fine = (error(decaying(1, 5, 40e-6, dt), bump(round(9.6e-9 / dt), 0.5)) for dt in (4e-10, 2e-10))
    assert abs(np.log2(coarse / fine) - order) < 0.3


def test_a_pulse_of_amplitude_zero_is_a_delay() -> None:
    """What turns by itself is exact: ends of runs take back what steps miss."""
    dev = decaying(2, 4, 5e-6)
    pulses: List[Pulse] = []
    kick = gaussian(40, 8.0)
    rows = [play("d0", 0, pulses, kick, 0.3), play("d1", 0, pulses, kick, 0.3)]
    idle = program(rows, list(pulses), 240)
    rows.append(play("d0", 40, pulses, gaussian(200, 40.0), 0.0))
    driven = program(rows, pulses, 240)
    a, b = (simulate(p, dev, tolerance=1e-6, **SETTINGS).states[0] for p in (idle, driven))
    assert np.abs(a - b).max() < 1e-9


@pytest.mark.parametrize("simpson", [False, True])
def test_decay_keeps_the_trace(simpson: bool) -> None:
    space = space_of(Model.from_device(decaying(2, 3, 5e-6), (0, 1)), True)
    decay = decays(space, 2e-10, simpson, 1e-9)
    i, j = np.triu_indices(space.model.dim)
    to = np.repeat(np.arange(len(i)), np.diff(decay.rows))
    kept = (i == j)[to]
    populations = np.isin(decay.sources, np.arange(space.model.dim) * (space.model.dim + 1))
    for values in decay.values:
        out = np.bincount(decay.sources[kept], values[kept], minlength=space.size)
        assert np.abs(out[decay.sources[populations]] - 1).max() < 1e-15
        others = np.delete(out, np.arange(space.model.dim) * (space.model.dim + 1))
        assert np.abs(others).max() < 1e-15


def test_what_edges_add_is_a_commutator() -> None:
    space = space_of(Model.from_device(decaying(1, 5, 5e-6), (0,)), True)
    z, h = 0.3 + 0.2j, 2e-10
    edges = edges_of(space, 0, h)
    i, j = np.triu_indices(5)
    out = np.zeros((len(i), space.size), dtype=complex)
    row = np.repeat(np.arange(2 * len(i)), np.diff(edges.rows))
    for at, source, value in zip(row, edges.sources, edges.values):
        out[at // 2, source] += -1j * value * (z if at % 2 == 0 else np.conj(z))
    d, g = space.dissipator, z * space.drive(0) + np.conj(z) * space.drive_conj(0)
    want = (h**2 / 12 * (d @ g - g @ d))[i * 5 + j]
    kept = out != 0
    assert np.allclose(out[kept], want[kept], rtol=1e-9, atol=0)
    assert np.abs(want[~kept]).max() < 0.01 * np.abs(want).max() < np.abs(want[kept]).min()


def test_long_flats_do_not_cut_samples_and_many_pulses_do() -> None:
    space = space_of(Model.from_device(device(2, 3), (0, 1)), True)
    strength = space.model.lines[0].w_rate / 2

    def cut(pulses: int, whole: float, tolerance: float) -> Cut:
        drives = [Drive(0, strength, 2.25)] * pulses
        return decay_cut(space, 2e-9 / 9, drives, [[d] for d in drives], 0.0, whole, tolerance, edges=True)

    assert cut(2, 1e-7, 1e-6) == cut(2, 1e-6, 1e-6) == Cut(1, False)
    assert cut(40, 1e-6, 1e-6) == Cut(1, True)
    assert cut(40, 1e-6, 1e-10).steps > 1


def test_rough_counts_changes_and_ends_of_flats() -> None:
    assert rough_of(gaussian(64, 16.0)) == 2.25
    assert rough_of(Pulse.from_shape("gaussian_square", 120, {"sigma": 10.0, "width": 80.0})) == 4.5
    alternating = Pulse.from_samples(np.resize([1.0, -1.0], 64).astype(complex))
    assert 128 <= rough_of(alternating) <= 128 * np.sqrt(2)
    assert rough_of(Pulse.from_samples(np.zeros(4, dtype=complex))) == 2.25


def test_trains_of_pulses_keep_the_tolerance_in_entries() -> None:
    dev = decaying(1, 5, 20e-6)
    prog = bump(40, 0.4, 12)
    want = simulate(prog, dev, tolerance=1e-12, **SETTINGS).states[0]
    for tolerance in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9):
        got = simulate(prog, dev, tolerance=tolerance, **SETTINGS).states[0]
        assert np.abs(got - want).max() < tolerance / 2


def late(dev: Device, *parts: float) -> Device:
    """Return a device whose drive lines are late by parts of a sample."""
    lines = [replace(d, delay_s=p * dev.timing.dt) for d, p in zip(dev.drives, parts)]
    return replace(dev, drives=(*lines, *dev.drives[len(parts) :]))


def under_way(dev: Device, prog: Program, tolerance: float) -> Sections:
    """Return density matrices about to go from edge to edge."""
    model = Model.from_device(dev, range(dev.n_qubits))
    space = space_of(model, True)
    plays = lane_groups(as_batch(prog, dev, None))[0].plays(model.dt)
    x = np.zeros((1, space.size, 1), dtype=complex)
    tones = tones_of(prog, plays, model)
    return Sections(space, tones, x, 0.0, prog.duration * model.dt, rwa=True, tolerance=tolerance)


def test_steps_of_late_lines_grow_as_the_fourth_root_of_the_plays() -> None:
    """Every play counted the edges of all: steps grew as the root, their sum as the power 3/2."""
    dev = late(decaying(1, 3, 50e-6), 0.4)
    steps = [
        max(run.plan(stretch)[1] for stretch in run.stretches() if stretch.tones)
        for run in (under_way(dev, bump(40, 0.4, times), 1e-8) for times in (4, 64))
    ]
    assert steps[0] < steps[1] <= 2 * steps[0] + 2


def test_changes_of_late_lines_are_counted_where_steps_get_others() -> None:
    """Alone on its edges a smooth pulse changes by twice its peak; beside another line's, at every edge."""
    flat, two = Pulse.from_shape("constant", 50, {}), late(decaying(2, 2, 50e-6), 0.4, 0.7)
    pulses: List[Pulse] = []
    rows = [play("d0", 0, pulses, gaussian(100, 25.0), 0.4), play("d1", 20, pulses, flat, 0.4)]
    (alone,) = under_way(two, program(rows[:1], pulses[:1], 130), 1e-8)._drives
    assert alone.rough == pytest.approx(2.0, abs=0.05)
    one, other = under_way(two, program(rows, pulses, 130), 1e-8)._drives
    size = np.abs(pulses[0].samples)
    among = 4 * float(size[20:71].sum())  # samples of two sections each, at both ends of each
    peak = float(size.max())
    assert one.rough == pytest.approx((among + 2 * size[19] + 2 * size[71]) / peak, rel=1e-9)
    assert other.rough == pytest.approx(2 * 100, abs=4)


def test_a_late_line_ends_and_begins_where_another_does() -> None:
    """On the same edges too: from there on, steps may be others."""
    dev, pulses = late(decaying(2, 2, 50e-6), 0.4, 0.4), []  # type: ignore[var-annotated]
    flat = Pulse.from_shape("constant", 100, {})
    rows = [play("d0", 0, pulses, flat, 0.4), play("d1", 30, pulses, Pulse.from_shape("constant", 40, {}), 0.4)]
    one, other = under_way(dev, program(rows, pulses, 130), 1e-8)._drives
    assert (one.rough, other.rough) == (6.0, 2.0)


@pytest.mark.parametrize(("levels", "parts"), [((3,), (0.4,)), ((3, 2), (0.4, 0.4)), ((2, 3), (0.3, 0.8))])
def test_trains_on_late_lines_keep_the_tolerance_in_entries(levels: Any, parts: Any) -> None:
    dev = late(decaying(len(levels), 3, 20e-6), *parts)
    dev = replace(dev, transmons=tuple(replace(t, levels=d) for t, d in zip(dev.transmons, levels)))
    pulses: List[Pulse] = []
    rows = [
        play(f"d{q}", 45 * k + 7 * q, pulses, gaussian(40, 10.0), 0.4 - 0.02 * k, 0.3 * k)
        for k in range(8)
        for q in range(len(levels))
    ]
    prog = program(rows, pulses, 380)
    want = simulate(prog, dev, tolerance=1e-12, **SETTINGS).states[0]
    for tolerance in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9):
        got = simulate(prog, dev, tolerance=tolerance, **SETTINGS).states[0]
        assert np.abs(got - want).max() < tolerance / 2
