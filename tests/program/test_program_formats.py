"""Text and JSON forms: exact round trips, a schema, errors that name the line."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.errors import ProgramError
from pulsekit.program import SHAPES, AcquireSpec, Channel, EventTable, Op, ParameterTable, Program, Pulse, Source
from pulsekit.program.events import COLUMNS
from pulsekit.program.json_format import from_json, schema, to_json
from pulsekit.program.text import to_text
from pulsekit.program.text_parser import parse_text

try:
    from jsonschema import Draft202012Validator

    VALIDATOR = Draft202012Validator(schema())
except ImportError:  # a test extra
    VALIDATOR = None

numbers = st.floats() | st.sampled_from([0.0, -0.0, 0.1, 5.1e9])
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['"', "a b", "\n", "x=1 y"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | names | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(names | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
named = st.none() | st.tuples(names, st.lists(st.tuples(names, plain), max_size=2).map(tuple))


@st.composite
def pulses(draw):
    limit, name = draw(st.booleans()), draw(st.none() | names)
    if draw(st.booleans()):
        samples = draw(st.lists(st.complex_numbers(), min_size=1, max_size=4))
        return Pulse.from_samples(np.array(samples), limit_amplitude=limit, name=name)
    shape = draw(st.sampled_from(sorted(SHAPES)))
    params = {k: draw(numbers) for k in SHAPES[shape].parameters}
    return Pulse.from_shape(shape, draw(st.integers(1, 500)), params, limit_amplitude=limit, name=name)


@st.composite
def programs(draw):
    """Any tables at all, sensible or not: a format must not care."""
    table = {
        "channels": draw(
            st.lists(st.builds(Channel, st.sampled_from("duma"), st.integers(0, 99)), min_size=1, unique=True)
        ),
        "pulses": draw(st.lists(pulses(), max_size=3)),
        "acquires": draw(st.lists(st.builds(AcquireSpec, named, named, st.booleans(), st.integers(-1, 3)), max_size=2)),
        "sources": draw(
            st.lists(
                st.builds(Source, st.integers(0, 9), names, st.just((0, 1)), st.sampled_from([(), (3,)])), max_size=2
            )
        ),
        "calibrations": draw(st.lists(names, max_size=2)),
        "labels": draw(st.lists(names, max_size=2)),
    }
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        row = {
            "t0": draw(st.integers(0, 10**10)),
            "duration": draw(st.integers(0, 10**9)),
            "op": draw(st.sampled_from(Op)),
        }
        row["channel"] = draw(st.integers(0, len(table["channels"]) - 1))
        row["value"], row["angle"] = draw(numbers), draw(numbers)
        for name in ("ref", "slot", "source", "calibration", "label"):
            row[name] = draw(st.integers(-1, 5))
        rows.append(row)
    parameters = None
    if rows and draw(st.booleans()):
        k = draw(st.integers(0, 3))
        parameters = ParameterTable(
            tuple(draw(st.lists(names, max_size=2))),
            np.array([draw(st.integers(0, len(rows) - 1)) for _ in range(k)], dtype=np.int32),
            np.array([draw(st.integers(0, 3)) for _ in range(k)], dtype=np.uint8),
            np.array([draw(st.integers(0, 3)) for _ in range(k)], dtype=np.int32),
            np.array([draw(numbers) for _ in range(k)]),
            tuple(
                (0, draw(st.integers(0, 3)), ("sin", ("theta", 0), draw(numbers)))
                for _ in range(draw(st.integers(0, 2)))
            ),
        )
    return Program(
        EventTable.from_rows(rows),
        **{k: tuple(v) for k, v in table.items()},
        name=draw(names),
        duration=draw(st.integers(0, 10**12)),
        memory_slots=draw(st.integers(0, 9)),
        parameters=parameters,
        metadata=draw(st.dictionaries(names, plain, max_size=3)),
    )


def same(a, b):
    """Compare everything; by repr, so that NaN and -0.0 count."""
    for column in COLUMNS:
        x, y = getattr(a.events, column), getattr(b.events, column)
        assert x.dtype == y.dtype
        assert list(map(repr, x.tolist())) == list(map(repr, y.tolist())), column
    for name in ("channels", "acquires", "sources", "calibrations", "labels", "name", "duration", "memory_slots"):
        assert repr(getattr(a, name)) == repr(getattr(b, name)), name
    assert repr(dict(a.metadata)) == repr(dict(b.metadata))
    assert [(p.shape, p.duration, repr(p.params), p.limit_amplitude, p.name) for p in a.pulses] == [
        (p.shape, p.duration, repr(p.params), p.limit_amplitude, p.name) for p in b.pulses
    ]
    assert [p.data for p in a.pulses] == [p.data for p in b.pulses]
    assert (a.parameters is None) == (b.parameters is None)
    if a.parameters is not None:
        assert a.parameters.names == b.parameters.names
        order_a, order_b = (np.argsort(t.row, kind="stable") for t in (a.parameters, b.parameters))
        for column in ("row", "column", "parameter", "coefficient"):
            x, y = getattr(a.parameters, column)[order_a], getattr(b.parameters, column)[order_b]
            assert x.dtype == y.dtype and repr(x.tolist()) == repr(y.tolist())
        assert sorted(map(repr, a.parameters.expressions)) == sorted(map(repr, b.parameters.expressions))


@settings(max_examples=80, deadline=None)
@given(programs())
def test_text_round_trip_is_exact(program):
    text = to_text(program)
    back = parse_text(text)
    same(program, back)
    assert to_text(back) == text


@settings(max_examples=60, deadline=None)
@given(programs())
def test_json_round_trip_is_exact_and_follows_the_schema(program):
    data = json.loads(json.dumps(to_json(program), allow_nan=False))
    same(program, from_json(data))
    if VALIDATOR is not None:
        VALIDATOR.validate(data)


EXAMPLE = """\
program "bell" duration=1760 slots=1
metadata "run" = 3
channels d0 a0
pulse p0 = drag(duration=160, beta=-1.5, sigma=40.0) name="X"
pulse p1 = samples[0.5 0.0, 0.0 0.25]
acquire a0 = esp=false
source s0 = 0 "x" qubits=[0] clbits=[]
calibration c0 = "x:0:1f"
parameters ["theta"]
d0@0..160: play p0 amp=0.30000000000000004 source=s0 cal=c0 value+=0.5*theta0
d0@160: shift_phase 1.5707963267948966
a0@192..1760: acquire a0 slot=0
"""


def test_the_text_form_is_stable():
    program = parse_text(EXAMPLE)
    assert to_text(program) == EXAMPLE
    assert program.events.value[:2].tolist() == [0.1 + 0.2, math.pi / 2]
    assert program.pulses[1].samples.tolist() == [0.5, 0.25j]
    assert program.parameters.coefficient.tolist() == [0.5]


def test_comments_and_missing_channel_lines_are_fine():
    text = "# a comment\n\n" + EXAMPLE.replace("channels d0 a0\n", "")
    assert parse_text(text).same_as(parse_text(EXAMPLE))


@pytest.mark.parametrize(
    "line,word",
    [
        ("d0@0..160: jump p0", "jump"),
        ("q0@0..160: play p0 amp=1.0", "q0@0"),
        ("d0@0..160: play p0 amp=one", "one"),
        ("d0@0..160: play p0 amp=1.0 colour=3", "colour"),
        ("pulse p7 = constant(duration=10)", "number 2"),
        ("pulse p2 = blob(duration=10)", "blob"),
        ("acquire a1 = esp=false wrong=1", "wrong"),
        ("d0@0..160: play p0 amp=1.0 value+=__import__('os')", "__import__"),
    ],
)
def test_broken_lines_are_named(line, word):
    with pytest.raises(ProgramError, match="line 13") as caught:
        parse_text(EXAMPLE + line)
    assert word in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "hello"])
def test_a_text_must_start_with_its_program(text):
    with pytest.raises(ProgramError, match="program"):
        parse_text(text)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d.update(format="other"),
        lambda d: d.pop("events"),
        lambda d: d["events"].pop("t0"),
        lambda d: d["events"]["t0"].append(3),
        lambda d: d["events"]["t0"].__setitem__(0, 1.5),
        lambda d: d["pulses"][1].update(data="AAAA"),
        lambda d: d["channels"].__setitem__(0, "z1"),
    ],
)
def test_broken_json_is_refused(break_it):
    data = to_json(parse_text(EXAMPLE))
    break_it(data)
    with pytest.raises(ProgramError):
        from_json(data)


def test_objects_in_the_metadata_are_refused_by_name():
    program = parse_text(EXAMPLE).replace(metadata={"when": object()})
    with pytest.raises(ProgramError, match=r"metadata\['when'\]"):
        to_text(program)
    assert "metadata" not in to_text(program, metadata=False)
    with pytest.raises(ProgramError, match="metadata"):
        to_json(program)


@pytest.mark.parametrize(
    "pulse,message",
    [
        ("gaussian(duration=160)", r"parameters of 'gaussian', \['sigma'\], but \[\] came\.$"),
        ("gauss(duration=160)", r"`shape` must be one of .*but 'gauss' came\.$"),
    ],
)
def test_a_pulse_of_a_text_says_what_its_shape_wants(pulse, message):
    with pytest.raises(ProgramError, match=f"line 2: .*{message}"):
        parse_text(f'program "p" duration=160 slots=0\npulse p0 = {pulse}')
