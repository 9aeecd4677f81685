"""Phases and frequencies of every pulse, against a sample-by-sample integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.program import Channel, EventTable, LoTable, Op, Program, Pulse, resolve_frames

DT = 2e-9 / 9
F0 = 5.0e9
D0 = Channel("d", 0)


def los_of(drive, frame=F0):
    drive = np.atleast_1d(np.asarray(drive, float))[:, None]
    n = len(drive)
    return LoTable(np.array([frame]), np.array([7e9]), np.zeros(0), drive, np.full((n, 1), 7e9), np.zeros((n, 0)))


def program_of(*rows):
    """Rows (t0, op, value), a play being (t0, Op.PLAY, amplitude) of 160 samples."""
    table = EventTable.from_rows(
        [
            {
                "t0": t0,
                "op": int(op),
                "value": value,
                "duration": 160 if op == Op.PLAY else 0,
                "ref": 0 if op == Op.PLAY else -1,
            }
            for t0, op, value in rows
        ]
    )
    stop = int((table.t0 + table.duration).max()) if rows else 0
    return Program(table, channels=(D0,), pulses=(Pulse.from_shape("constant", 160, {}),), duration=stop)


def by_samples(rows, lo):
    """Walk time sample by sample: the carrier is the integral of the frequency."""
    events = {}
    for row in rows:
        events.setdefault(row[0], []).append(row[1:])
    freq, carrier, shift, saved = lo, 0.0, 0.0, []
    scales, freqs = [], []
    ghost = []  # what every saved frame's carrier would be, had nothing changed
    for t in range(max(events, default=0) + 1):
        for op, value in events.get(t, ()):
            if op == Op.PLAY:
                scales.append(value * np.exp(1j * (shift + carrier)))
                freqs.append(freq)
            elif op == Op.SHIFT_PHASE:
                shift += value
            elif op == Op.SET_PHASE:
                shift = value
            elif op == Op.SHIFT_FREQUENCY:
                freq += value
            elif op == Op.SET_FREQUENCY:
                freq = value
            elif op == Op.SAVE_FRAME:
                saved.append(freq)
                ghost.append(carrier)
            elif op == Op.RESTORE_FRAME and saved:
                was, unchanged = saved.pop(), ghost.pop()
                if abs(freq - was) > 1:
                    freq, carrier = was, unchanged
        carrier += 2 * np.pi * (freq - F0) * DT
        ghost = [g + 2 * np.pi * (f - F0) * DT for g, f in zip(ghost, saved)]
    return np.array(scales), np.array(freqs), shift


@st.composite
def row_lists(draw):
    t, rows, depth = 0, [], 0
    for _ in range(draw(st.integers(1, 14))):
        t += draw(st.sampled_from([0, 0, 1, 160, 333]))
        op = draw(st.sampled_from([o for o in Op if o not in (Op.DELAY, Op.ACQUIRE, Op.RESET)]))
        if op == Op.RESTORE_FRAME and not depth:
            op = Op.SAVE_FRAME
        depth += {Op.SAVE_FRAME: 1, Op.RESTORE_FRAME: -1}.get(op, 0)
        value = {
            Op.SHIFT_FREQUENCY: st.sampled_from([1e6, -1e6, 3.4e8, -3.4e8]),
            Op.SET_FREQUENCY: st.sampled_from([F0, F0 + 1e7, F0 - 3.3e8]),
        }.get(op, st.floats(-3, 3))
        rows.append((t, op, draw(value)))
    return rows


@settings(max_examples=60, deadline=None)
@given(row_lists())
def test_frames_agree_with_integrating_the_frequency(rows):
    drives = [F0, F0 + 2.5e6, F0 - 4e7]
    plays = resolve_frames(program_of(*rows), los_of(drives), DT)[D0]
    assert plays.f_ref == F0
    for e, lo in enumerate(drives):
        scales, freqs, shift = by_samples(rows, lo)
        np.testing.assert_allclose(plays.scale[e], scales, atol=1e-7)
        np.testing.assert_allclose(plays.freq[e], freqs, rtol=0, atol=1e-3)
        np.testing.assert_allclose(plays.final_phase[e], shift, atol=1e-12)


def test_program_scope_keeps_the_phase_of_a_detuned_delay():
    """Ramsey: a frame detuned for 1000 samples turns the next pulse by 2 pi df t."""
    df = 1e6
    rows = [(0, Op.PLAY, 0.5), (160, Op.SHIFT_FREQUENCY, df), (1160, Op.SHIFT_FREQUENCY, -df), (1160, Op.PLAY, 0.5)]
    plays = resolve_frames(program_of(*rows), los_of(F0), DT)[D0]
    turned = np.angle(plays.scale[0, 1] / plays.scale[0, 0])
    assert turned == pytest.approx(2 * np.pi * df * 1000 * DT, abs=1e-9)


def test_gate_scope_restores_frequency_and_carrier_of_a_gate_that_left():
    rows = [
        (0, Op.SAVE_FRAME, 0),
        (0, Op.SHIFT_FREQUENCY, 5e6),
        (0, Op.PLAY, 0.5),
        (160, Op.SHIFT_PHASE, 0.25),
        (160, Op.RESTORE_FRAME, 0),
        (320, Op.PLAY, 0.5),
    ]
    drives = [F0, F0 + 1e6]  # resolved per LO entry, not one stored phase
    plays = resolve_frames(program_of(*rows), los_of(drives), DT)[D0]
    np.testing.assert_array_equal(plays.freq[:, 1], drives)
    expected = 0.25 + 2 * np.pi * (np.array(drives) - F0) * 320 * DT
    np.testing.assert_allclose(np.angle(plays.scale[:, 1] * np.exp(-1j * expected)), 0, atol=1e-9)


def test_gate_scope_keeps_the_phase_of_a_gate_that_came_back():
    """f + a - a misses f by rounding; that is not "another frequency"."""
    a = 3.31234567e8
    lo = 4.1e9 + 4.8e-7
    assert lo + a - a != lo
    rows = [
        (0, Op.SAVE_FRAME, 0),
        (0, Op.SHIFT_FREQUENCY, a),
        (0, Op.PLAY, 0.5),
        (160, Op.SHIFT_FREQUENCY, -a),
        (160, Op.RESTORE_FRAME, 0),
        (160, Op.PLAY, 0.5),
    ]
    plays = resolve_frames(program_of(*rows), los_of(lo, frame=lo), DT)[D0]
    assert plays.freq[0, 1] == lo
    turned = np.exp(1j * 2 * np.pi * a * 160 * DT)
    assert plays.scale[0, 1] / plays.scale[0, 0] == pytest.approx(turned, abs=1e-6)


def test_bound_values_replace_the_programs():
    program = program_of((0, Op.SHIFT_PHASE, 0.0), (0, Op.PLAY, 0.0))
    value = np.array([[0.1, 0.5], [0.2, 0.25]])
    angle = np.array([[0.0, 0.3], [0.0, 0.4]])
    plays = resolve_frames(program, los_of([F0, F0]), DT, value=value, angle=angle)[D0]
    np.testing.assert_allclose(plays.scale[:, 0], [0.5 * np.exp(0.4j), 0.25 * np.exp(0.6j)])


def test_shapes_without_plays():
    plays = resolve_frames(program_of((0, Op.SHIFT_PHASE, 0.7)), los_of([F0] * 3), DT)[D0]
    assert plays.scale.shape == plays.freq.shape == (3, 0)
    np.testing.assert_allclose(plays.final_phase, [0.7] * 3)
