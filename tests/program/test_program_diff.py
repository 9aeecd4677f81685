"""The difference of two programs names rows and calibrations, and nothing else."""

from __future__ import annotations

from pulsekit.program import diff, parse_text

A = """\
program "a" duration=1000 slots=1
pulse p0 = constant(duration=160)
pulse p1 = gaussian(duration=160, sigma=40.0)
acquire a0 = esp=false
source s0 = 3 "x" qubits=[0] clbits=[]
calibration c0 = "x:0:old"
calibration c1 = "never used"
d0@0..160: play p0 amp=0.25 source=s0 cal=c0
d0@160: shift_phase 1.5
d0@160..320: play p1 amp=0.5
d1@160..320: play p1 amp=0.5
a0@320..640: acquire a0 slot=0
"""


def test_equal_programs_do_not_differ():
    found = diff(parse_text(A), parse_text(A))
    assert not found and str(found) == "no difference"


def test_numbers_of_tables_do_not_matter():
    swapped = A.replace(
        "pulse p0 = constant(duration=160)\npulse p1 = gaussian(duration=160, sigma=40.0)",
        'pulse p0 = gaussian(duration=160, sigma=40.0)\npulse p1 = constant(duration=160) name="n"',
    )
    swapped = swapped.replace("play p0", "play X").replace("play p1", "play p0").replace("play X", "play p1")
    assert not diff(parse_text(A), parse_text(swapped.replace('"a"', '"b"')))


def test_every_kind_of_difference_is_named():
    b = (
        A.replace("duration=1000 slots=1", "duration=1200 slots=1")
        .replace("x:0:old", "x:0:new")
        .replace("amp=0.25", "amp=0.3")
        .replace("d0@160: shift_phase 1.5\n", "")
        .replace("d1@160..320", "d1@176..336")
        .replace("acquire a0 slot=0", "acquire a0 slot=0\nu0@700: shift_frequency 1000000.0")
    )
    found = diff(parse_text(A), parse_text(b))
    assert str(found) == (
        "duration: 1000 in a, 1200 in b\n"
        "calibration only in a: x:0:old\n"
        "calibration only in b: x:0:new\n"
        "changed: d0@0..160 play (instruction 3 `x` on qubits 0, calibration 'x:0:old'): value 0.25 -> 0.3\n"
        "only in a: d0@160 shift_phase\n"
        "moved: d1@160..320 play is at 176 in b (+16)\n"
        "only in b: u0@700 shift_frequency"
    )
    assert [(d.kind, d.row_a, d.row_b) for d in found.rows] == [
        ("changed", 0, 0),
        ("only in a", 1, -1),
        ("moved", 3, 2),
        ("only in b", -1, 4),
    ]


def test_a_swapped_slot_another_pulse_and_another_parameter_show():
    slot = diff(parse_text(A), parse_text(A.replace("slots=1", "slots=2").replace("slot=0", "slot=1")))
    assert "slot 0 -> 1" in str(slot)
    pulse = diff(parse_text(A), parse_text(A.replace("sigma=40.0", "sigma=41.0")))
    assert str(pulse).count("sigma=40.0) -> gaussian(duration=160, sigma=41.0)") == 2
    esp = diff(parse_text(A), parse_text(A.replace("esp=false", "esp=true")))
    assert "esp=True" in str(esp)
    head = 'program "a" duration=0 slots=0\nparameters ["t"]\n'
    one = parse_text(head + "d0@0: shift_phase 0.0 value+=1.0*theta0")
    two = parse_text(head + "d0@0: shift_phase 0.0 value+=-1.0*theta0")
    assert "1.0*t -> -1.0*t" in str(diff(one, two))
