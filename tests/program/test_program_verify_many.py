"""Judge programs together as each would be judged alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pulsekit.device import Device
from pulsekit.errors import ProgramError, PulsekitWarning
from pulsekit.program import AcquireSpec, Channel, EventTable, Op, Program, Pulse, verify, verify_all, verify_many

DEVICE = Device.transmon()


def program(amp=0.1, t0=0, slot=0, slots=1, name="p"):
    pulse = Pulse.from_shape("gaussian", 160, {"sigma": 40.0})
    rows = [
        {"t0": t0, "duration": 160, "op": int(Op.PLAY), "channel": 0, "ref": 0, "value": amp},
        {"t0": 160, "duration": 1600, "op": int(Op.ACQUIRE), "channel": 1, "ref": 0, "slot": slot},
    ]
    channels = (Channel("d", 0), Channel("a", 0))
    return Program(
        EventTable.from_rows(rows), channels, (pulse,), (AcquireSpec(),), name=name, duration=1760, memory_slots=slots
    )


def verdict(function, *arguments):
    try:
        function(*arguments)
    except ProgramError as error:
        return str(error)
    return "fine"


def test_good_programs_are_judged_once(monkeypatch):
    calls = []
    monkeypatch.setattr(verify_many, "verify", lambda *a, **k: calls.append(a))
    verify_all([program(amp) for amp in np.linspace(0, 1, 50)], DEVICE)
    assert calls == []


@pytest.mark.parametrize(
    "bad",
    [
        {"amp": 1.5},
        {"amp": float("nan")},
        {"slot": 3},
    ],
)
def test_a_bad_program_among_good_ones_is_found(bad):
    alone = verdict(verify, program(**bad, name="bad"), DEVICE)
    assert alone != "fine"
    many = [program(0.01 * k) for k in range(20)] + [program(**bad, name="bad")] + [program()]
    assert verdict(verify_all, many, DEVICE) == alone


def test_warnings_are_those_of_each_program():
    with pytest.warns(PulsekitWarning) as caught:
        verify_all([program(slot=-1, slots=0), program()], DEVICE)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verify_all([program()] * 3, DEVICE)


def test_unusual_programs_are_judged_alone():
    late = program()
    late = late.replace(duration=100)
    assert "duration" in verdict(verify_all, [program(), late], DEVICE)
    empty = Program(EventTable())
    verify_all([program(), empty], DEVICE)
