"""Many programs in one table, and what is known of a pulse without sampling it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.device import Device
from pulsekit.errors import ProgramError
from pulsekit.program import SHAPES, AcquireSpec, Channel, EventTable, Op, Program, Pulse, stacked, verify, verify_all

DEVICE = Device.line(2)


def program(qubit=0, amp=0.1, sigma=40.0, duration=1760, **changes):
    rows = [
        {"t0": 0, "duration": 160, "op": int(Op.PLAY), "channel": 1, "ref": 0, "value": amp},
        {"t0": 160, "duration": 1600, "op": int(Op.ACQUIRE), "channel": 0, "ref": 0, "slot": 0},
    ]
    made = Program(
        EventTable.from_rows(rows),
        (Channel("a", qubit), Channel("d", qubit)),
        (Pulse.from_shape("gaussian", 160, {"sigma": sigma}),),
        (AcquireSpec(),),
        duration=duration,
        memory_slots=1,
    )
    return made.replace(**changes)


def test_stacked_rows_refer_to_joint_tables():
    programs = [program(0), program(1, sigma=30.0), program(0, sigma=30.0)]
    stack = stacked(programs)
    assert stack.ptr.tolist() == [0, 2, 4, 6] and len(stack.tables.pulses) == 2 and len(stack.tables.channels) == 4
    line = stack.lined_up()
    for k, alone in enumerate(programs):
        for row in range(2):
            a, b = next(iter(alone.events.take([row]))), next(iter(line.events.take([2 * k + row])))
            assert line.channels[b.channel] == alone.channels[a.channel]
            assert b.op != Op.PLAY or line.pulses[b.ref] == alone.pulses[a.ref]
            assert (b.t0 - a.t0) % 4096 == 0 and b.slot == (-1 if a.slot < 0 else k)
    verify(line, DEVICE)
    assert list(stack.kinds) == ["d", "a"] * 3


def test_what_cannot_be_stacked():
    lost = program().events
    assert stacked([program(), program(events=lost.replace(channel=lost.channel + 1))]) is None
    assert stacked([program(), program(events=lost.replace(ref=lost.ref + 1))]) is None
    assert stacked([program(duration=100)]).lined_up() is None


def test_parts_of_a_table_are_cut_on_demand_and_joined_without_copies():
    whole = EventTable.concatenate([program(amp=x).events for x in (0.1, 0.2, 0.3)])
    parts = whole.split([0, 2, 4, 6])
    assert np.shares_memory(EventTable.concatenate(parts).value, whole.value)
    assert np.shares_memory(EventTable.concatenate(parts[1:]).value, whole.value)
    assert EventTable.concatenate(parts[1:]).value.tolist() == whole.value[2:].tolist()
    assert EventTable.concatenate(parts[::-1]).value.tolist() == whole.value[[4, 5, 2, 3, 0, 1]].tolist()
    assert parts[1] == whole.take(np.array([2, 3])) and not parts[1].value.flags.writeable
    with pytest.raises(AttributeError, match="no 'nothing'"):
        parts[0].nothing  # noqa: B018


PARAMETERS = {
    "sigma": st.floats(0.05, 1e9),
    "width": st.floats(-50, 500),
    "beta": st.floats(-1e4, 1e4),
    "freq": st.floats(0, 0.5),
    "phase": st.floats(-10, 10),
    "zero_ends": st.sampled_from([0.0, 1.0]),
}


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_sample_is_above_the_ceiling(data):
    shape = data.draw(st.sampled_from(sorted(SHAPES)))
    params = {n: data.draw(PARAMETERS.get(n, st.floats(-1, 1))) for n in SHAPES[shape].parameters}
    pulse = Pulse.from_shape(shape, data.draw(st.integers(1, 300)), params)
    with np.errstate(all="ignore"):
        assert not pulse.peak > pulse.ceiling * (1 + 1e-12)
        assert pulse.ceiling == math.inf or math.isfinite(pulse.peak)


def test_ceilings_are_close():
    for shape, params in (("gaussian", {"sigma": 40.0}), ("drag", {"sigma": 40.0, "beta": 300.0})):
        pulse = Pulse.from_shape(shape, 321, params)
        assert pulse.peak == pytest.approx(pulse.ceiling, rel=0.02)


def test_only_pulses_that_may_be_too_strong_are_sampled(monkeypatch):
    sampled = []
    monkeypatch.setattr(Pulse, "samples", property(lambda self: sampled.append(self) or np.ones(self.duration)))
    verify_all([program(amp=0.5, sigma=float(s)) for s in range(30, 60)], DEVICE)
    assert sampled == []
    with pytest.raises(ProgramError, match="must not exceed 1"):
        verify(program(amp=1.2), DEVICE)
    assert len(sampled) == 1
