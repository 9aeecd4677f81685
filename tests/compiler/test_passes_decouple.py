"""Decoupling fills idle windows with an identity that cancels what it should."""

from __future__ import annotations

import numpy as np
import pytest

from pulsekit.compiler.passes.dd_sequences import centers, parse_sequence, place
from pulsekit.compiler.passes.decouple import Decouple, color_qubits, idle_windows
from pulsekit.device import Calibration, CalibrationMap, Coupling, Device, Timing, Transmon
from pulsekit.errors import CompilerError
from pulsekit.program import find_violations, parse_text, to_text


def make_device(n=2, edges=((0, 1),), alignment=16):
    entries = {}
    for q in range(n):
        x = f'program "x" duration=160 slots=0\npulse p0 = constant(duration=160)\nd{q}@0..160: play p0 amp=0.5'
        x += " angle=0.1"
        entries["x", (q,)] = Calibration("x", (q,), parse_text(x), id=f"x:{q}")
    return Device(
        "dd",
        tuple(Transmon(5e9 + 1e8 * q) for q in range(n)),
        couplings=tuple(Coupling(e, 2e6) for e in edges),
        timing=Timing(pulse_alignment=alignment),
        calibrations=CalibrationMap(entries),
    )


RAMSEY = """\
program "ramsey" duration=4000 slots=0
channels d0 d1
pulse p0 = constant(duration=160)
source s0 = 0 "sx" qubits=[0] clbits=[]
source s1 = 1 "delay" qubits=[0] clbits=[]
source s2 = 2 "sx" qubits=[0] clbits=[]
source s3 = 3 "cx" qubits=[0, 1] clbits=[]
d0@0..160: play p0 amp=0.25 source=s0
d0@160..2720: delay source=s1
d0@2720..2880: play p0 amp=0.25 source=s2
d0@2880..3040: play p0 amp=0.125 source=s3
d0@3200..3360: play p0 amp=0.125 source=s3
"""


def test_xy4_in_text():
    decoupled = Decouple("XY4").apply(parse_text(RAMSEY), make_device())
    assert to_text(decoupled) == (
        'program "ramsey" duration=4000 slots=0\n'
        "channels d0 d1\n"
        "pulse p0 = constant(duration=160)\n"
        'source s0 = 0 "sx" qubits=[0] clbits=[]\n'
        'source s1 = 1 "delay" qubits=[0] clbits=[]\n'
        'source s2 = 2 "sx" qubits=[0] clbits=[]\n'
        'source s3 = 3 "cx" qubits=[0, 1] clbits=[]\n'
        'source s4 = -1 "dd XY4" qubits=[0] clbits=[]\n'
        'calibration c0 = "x:0"\n'
        "d0@0..160: play p0 amp=0.25 source=s0\n"
        "d0@400..560: play p0 amp=0.5 angle=0.1 source=s4 cal=c0\n"
        "d0@1040..1200: play p0 amp=0.5 angle=1.6707963267948966 source=s4 cal=c0\n"
        "d0@1680..1840: play p0 amp=0.5 angle=0.1 source=s4 cal=c0\n"
        "d0@2320..2480: play p0 amp=0.5 angle=1.6707963267948966 source=s4 cal=c0\n"
        "d0@2720..2880: play p0 amp=0.25 source=s2\n"
        "d0@2880..3040: play p0 amp=0.125 source=s3\n"
        "d0@3200..3360: play p0 amp=0.125 source=s3\n"
    )
    assert not find_violations(decoupled, make_device())


def test_windows_are_between_instructions_only():
    program = parse_text(RAMSEY)
    assert idle_windows(program) == {0: [(160, 2720)], 1: []}  # not inside cx, not before q1's first


def test_a_virtual_z_ends_a_window():
    """Between two X it would turn the other way."""
    text = RAMSEY.replace(
        "d0@160..2720: delay source=s1", "d0@160..1000: delay source=s1\nd0@1000: shift_phase 0.5 source=s4"
    )
    text = text.replace("source s3 =", 'source s4 = 4 "rz" qubits=[0] clbits=[]\nsource s3 =')
    text = text.replace("source s4 = 4", "source s3 = 4").replace("source s3 = 3", "source s4 = 3")
    text = text.replace("source=s3", "source=s9").replace("source=s4", "source=s3").replace("source=s9", "source=s4")
    assert idle_windows(parse_text(text))[0] == [(160, 1000), (1000, 2720)]
    leading = RAMSEY.replace("d0@0..160:", "d0@0: shift_phase 0.5 source=s1\nd0@40..200:").replace(
        "d0@160..2720", "d0@200..2720"
    )
    assert idle_windows(parse_text(leading))[0] == [(200, 2720)]


@pytest.mark.parametrize("name", ["X2", "XY4", "XY8", "UDD", "UDD4", "UDD6"])
@pytest.mark.parametrize("color", [0, 1, 2, 3])
def test_sequences_are_identities_that_cancel_a_static_shift(name, color):
    axes, at = centers(parse_sequence(name), color)
    pauli = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]])}
    total = np.eye(2)
    for axis in axes:
        total = pauli[axis] @ total
    assert abs(abs(np.trace(total)) - 2) < 1e-12
    signs, bounds = toggling(at)
    assert abs(np.sum(signs * np.diff(bounds))) < 1e-12


def toggling(at):
    bounds = np.concatenate([[0.0], at, [1.0]])
    return (-1.0) ** np.arange(len(bounds) - 1), bounds


@pytest.mark.parametrize("name", ["X2", "XY4", "XY8", "UDD4"])
@pytest.mark.parametrize("colors", [(0, 1), (0, 2), (1, 2), (0, 3)])
def test_neighbours_cancel_their_zz(name, colors):
    """The product of two colors' toggling functions has no mean."""
    t = np.linspace(0, 1, 160_001)[:-1] + 0.5 / 160_000
    product = np.ones_like(t)
    for color in colors:
        product *= (-1.0) ** np.searchsorted(centers(parse_sequence(name), color)[1], t)
    assert abs(product.mean()) < (1e-4 if name != "UDD4" else 0.3)
    unstaggered = np.mean((-1.0) ** (2 * np.searchsorted(centers(parse_sequence(name), 0)[1], t)))
    assert unstaggered == 1


def test_uhrig_times():
    _, at = centers(parse_sequence("UDD2"), 0)
    np.testing.assert_allclose(at, [0.25, 0.75])
    _, at = centers(parse_sequence("UDD4"), 0)
    np.testing.assert_allclose(at, np.sin(np.pi * np.arange(1, 5) / 10) ** 2)


@pytest.mark.parametrize("window,count,fits", [((7, 700), 4, True), ((7, 648), 4, False), ((0, 640), 4, True)])
def test_pulses_keep_to_grid_and_window(window, count, fits):
    starts = place((np.arange(count) + 1.0) / count, *window, 160, 16)
    assert (starts is not None) is fits
    if fits:
        assert all(s % 16 == 0 for s in starts)
        assert starts[0] >= window[0] and starts[-1] + 160 <= window[1]
        assert all(b - a >= 160 for a, b in zip(starts, starts[1:]))


def test_short_windows_stay_idle():
    program, device = parse_text(RAMSEY), make_device()
    assert Decouple("XY8").apply(program, device) is not program
    assert Decouple("UDD20").apply(program, device) is program
    assert Decouple("X2", min_window=3000).apply(program, device) is program
    assert Decouple("X2", qubits=(1,)).apply(program, device) is program


def test_neighbours_get_different_colors():
    line = color_qubits(make_device(4, ((0, 1), (1, 2), (2, 3))))
    assert line[0] == line[2] != line[1] == line[3]
    triangle = color_qubits(make_device(3, ((0, 1), (1, 2), (0, 2))))
    assert len(set(triangle.values())) == 3


@pytest.mark.parametrize("bad", ["XY5", "UDD3", "UDD0", 7, {"sequence": "X2", "colour": 1}, {"sequence": "Z"}])
def test_unknown_sequences_are_refused(bad):
    with pytest.raises(CompilerError, match="dd"):
        Decouple.of(bad)


def test_options_as_a_user_gives_them():
    assert Decouple.of("x2") == Decouple("x2")
    assert Decouple.of({"sequence": "UDD6", "qubits": [0, 2], "stagger": False}).qubits == (0, 2)
