"""The verifier: one broken rule at a time, named in the drawn grammar."""

from __future__ import annotations

import warnings

import pytest

from pulsekit.device import ControlLine, Device, Timing, Transmon
from pulsekit.errors import ProgramError, PulsekitWarning
from pulsekit.program import Pulse, find_violations, parse_text, verify
from pulsekit.program.verifier import MAX_PULSE

HEAD = """\
program "p" duration=100000 slots=2
pulse p0 = constant(duration=160)
pulse p1 = samples[0.5 0.0, 2.0 0.0]
pulse p2 = samples[0.5 0.0, 2.0 0.0] unlimited
pulse p3 = samples[nan 0.0]
pulse p4 = constant(duration=100)
pulse p5 = constant(duration=48)
acquire a0 = esp=false
source s0 = 3 "x" qubits=[0] clbits=[]
calibration c0 = "x:0:1f"
"""

DEVICE = Device(
    "dev",
    (Transmon(5e9), Transmon(5.1e9)),
    controls=(ControlLine(0, ((1, 1.0),), 1e6),),
    timing=Timing(granularity=16, min_length=64, pulse_alignment=8, acquire_alignment=16),
    meas_map=((0, 1),),
)

GOOD = """\
d0@0: save_frame
d0@0: set_frequency 5.0e9
d0@0..160: play p0 amp=1.0 angle=0.3
d0@160: restore_frame
d0@160: shift_phase -1.5
d0@160..320: play p0 amp=-0.5 source=s0 cal=c0
u0@160..320: play p0 amp=0.1
d1@200..210: delay
d1@205: shift_phase 1.0
m0@320..480: play p0 amp=0.2
a0@320..1920: acquire a0 slot=0
a1@320..1920: acquire a0 slot=1
d0@1920..3000: reset
"""


def test_a_good_program_passes_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verify(parse_text(HEAD + GOOD), DEVICE)


@pytest.mark.parametrize("late", [10**9, 2**31, 2**61])
def test_frame_changes_inside_of_pulses_are_seen_at_any_time_on_any_channel(late):
    names = ("d0", "d1", "d2", "d3")
    head = f'program "long" duration={late + 160} slots=1\npulse p0 = constant(duration=160)'
    plays = [f"{name}@{late}..{late + 160}: play p0 amp=1.0" for name in names]
    before = [f"{name}@0: shift_phase 0.5" for name in names]
    inside = [f"{name}@{late + 80}: shift_phase 0.5" for name in names]
    assert find_violations(parse_text("\n".join([head, *before, *plays]))) == []
    found = find_violations(parse_text("\n".join([head, *plays, *inside])))
    assert [(v.code, v.row) for v in found] == [(8035, 4), (8035, 5), (8035, 6), (8035, 7)]


@pytest.mark.parametrize(
    "rows,code,message",
    [
        ("d0@0..160: play p0 amp=1.0\nd0@159..319: play p0 amp=1.0", 8035, "d0@159..319: .* overlaps d0@0..160"),
        ("d0@0..100: delay\nd0@99..259: play p0 amp=1.0", 8035, "d0@99..259"),
        ("d0@0..160: play p0 amp=1.0\nd0@80: shift_phase 1.0", 8035, "d0@80: a frame changes between pulses"),
        ("d0@0..160: play p0 amp=1.1", 8041, "d0@0..160: the amplitude must not exceed 1, but it reaches 1.1"),
        ("d0@0..2: play p1 amp=1.0", 8041, "it reaches 2"),
        ("d0@0..160: play p0 amp=nan", 8042, "must be finite"),
        ("d0@0..160: play p0 amp=1.0 angle=inf", 8042, "angle inf"),
        ("d0@0..1: play p3 amp=0.5", 8042, "samples must be finite"),
        ("d0@0: shift_phase nan", 8042, "d0@0: .*must be finite"),
        ("d0@0: set_frequency nan", 8000, "d0@0: the frequency must be finite"),
        ("d0@0: shift_frequency -inf", 8000, "the frequency must be finite"),
        ("d0@0..159: play p0 amp=1.0", None, "as long as its pulse, but the pulse has 160"),
        ("d0@0: shift_phase 0.5 ref=-1\nd0@0: play p0 amp=1.0", 8016, "must take time"),
        ("d0@0..5: shift_phase 0.5", None, "takes no time"),
        ("a0@0..160: acquire a0 slot=2", 7003, r"below `memory_slots` \(2\), but 2"),
        ("a0@0..160: acquire a0 slot=1\na1@0..160: acquire a0 slot=1", 7003, "slot 1 is being filled by a0@0..160"),
        ("d0@0..160: play p0 amp=1.0 slot=1", None, "only an acquire has a memory slot"),
        ("a0@0..160: play p0 amp=1.0", 8027, "acquire channels acquire"),
        ("d0@0..160: acquire a0 slot=0", 8027, "acquire channels acquire"),
        ("m0@0..160: reset", 8027, "reset is on a drive channel"),
        ("d0@0: restore_frame", None, "was saved before"),
        ("d0@0: save_frame", None, "is restored"),
        ("d0@160..320: play p0 amp=1.0\nd0@0..160: play p0 amp=1.0", None, "sorted by time"),
        ("d0@0..160: play p9 amp=1.0", None, "row 0: column `ref` must be in 0..5, but 9"),
        ("d0@0..160: play p0 amp=1.0 source=s4", None, "column `source`"),
        ("d0@99999..100159: play p0 amp=1.0", None, "the duration must cover"),
    ],
)
def test_rules_of_every_device(rows, code, message):
    with pytest.raises(ProgramError, match=message) as caught:
        verify(parse_text(HEAD + rows))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "rows,code,message",
    [
        ("d2@0..160: play p0 amp=1.0", 8004, r"d2@0..160: the channel must be one of device 'dev' \(d0\.\.d1\)"),
        ("u1@0: shift_phase 0.1", 8004, "u0"),
        ("d0@0..100: play p4 amp=1.0", 8017, "multiple of 16 samples, but 100"),
        ("d0@0..48: play p5 amp=1.0", 8016, "at least 64 samples, but 48"),
        ("d0@4..164: play p0 amp=1.0", 8036, "grid of 8 samples, but 4 is 4 off"),
        ("m0@8..168: play p0 amp=1.0", 8036, "grid of 16 samples, but 8 is 8 off"),
        ("a0@24..168: acquire a0 slot=0", 8036, "grid of 16"),
        ("a0@0..160: acquire a0 slot=0\na1@16..160: acquire a0 slot=1", 8036, "start together, but a0@0..160 is under"),
        ("a0@0..160: acquire a0 slot=0\na1@0..176: acquire a0 slot=1", 8021, "last as long"),
    ],
)
def test_rules_of_the_device(rows, code, message):
    program = parse_text(HEAD + rows)
    verify(program)
    with pytest.raises(ProgramError, match=message) as caught:
        verify(program, DEVICE)
    assert caught.value.code == code


def test_the_message_says_where_the_row_came_from():
    with pytest.raises(ProgramError) as caught:
        verify(parse_text(HEAD + "d0@0..160: play p0 amp=3.0 source=s0 cal=c0\nd0@200: shift_phase nan"))
    assert str(caught.value) == (
        "d0@0..160: the amplitude must not exceed 1, but it reaches 3. (instruction 3 `x` on qubits 0, "
        "calibration 'x:0:1f', program 'p') (1 more broken rules in program 'p'.) Error code: 8041."
    )


def test_lost_results_and_missing_slots_are_warnings():
    twice = parse_text(HEAD + "a0@0..160: acquire a0 slot=0\na0@320..480: acquire a0 slot=0")
    with pytest.warns(PulsekitWarning, match=r"slot 0 was filled by a0@0..160, whose result is lost"):
        verify(twice)
    with pytest.warns(PulsekitWarning, match="an acquire needs a memory slot"):
        verify(parse_text(HEAD + "a0@0..160: acquire a0"))


def test_unlimited_pulses_may_exceed_one():
    assert not find_violations(parse_text(HEAD + "d0@0..2: play p2 amp=1.0"))


def test_a_billion_samples_are_refused_before_they_are_made():
    program = parse_text(HEAD + "d0@0..160: play p0 amp=1.0")
    giant = program.replace(
        pulses=(Pulse.from_shape("gaussian", 10**9, {"sigma": 1e8}),),
        events=program.events.replace(duration=program.events.duration * 0 + 10**9),
        duration=10**9,
    )
    with pytest.raises(ProgramError, match=f"at most {MAX_PULSE} samples, but 1000000000") as caught:
        verify(giant)
    assert caught.value.code == 8022


def test_a_delay_of_a_billion_samples_is_fine():
    program = parse_text(HEAD.replace("100000", "1000000000") + "d0@0..1000000000: delay")
    assert not find_violations(program, DEVICE)


def test_unbound_values_are_not_judged():
    text = HEAD + 'parameters ["a"]\nd0@0..160: play p0 amp=7.0 value+=1.0*theta0\nd0@160..320: play p0 amp=7.0'
    found = find_violations(parse_text(text))
    assert [v.row for v in found] == [1]


def test_every_broken_rule_is_found_in_row_order():
    rows = "d0@0..160: play p0 amp=2.0\nd0@100..260: play p0 amp=nan\nd0@300: shift_phase inf"
    found = find_violations(parse_text(HEAD + rows))
    assert [(v.row, v.code) for v in found] == [(0, 8041), (1, 8042), (1, 8035), (2, 8042)]
