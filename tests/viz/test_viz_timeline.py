"""The drawings show every event of the channels asked for, and where it came from."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from qiskit.pulse import Schedule

from pulsekit.errors import ProgramError
from pulsekit.program import parse_text
from pulsekit.viz import draw_program, timeline_html

TEXT = """\
program "<bell> & co" duration=4000 slots=1
pulse p0 = drag(duration=160, beta=-1.5, sigma=40.0)
pulse p1 = samples[0.5 0.0, 0.0 0.25]
acquire a0 = esp=true
source s0 = 7 "sx</script>" qubits=[0] clbits=[]
calibration c0 = "sx:0:1f"
d0@0..160: play p0 amp=0.25 source=s0 cal=c0
d0@160: shift_phase 1.5
d0@160: set_frequency 4.9e9
d0@200..300: delay
m0@320..322: play p1 amp=0.5
a0@320..1888: acquire a0 slot=0
d0@2000..3000: reset
u3@3000: save_frame
"""


@pytest.fixture(scope="module")
def program():
    return parse_text(TEXT)


class Marks(HTMLParser):
    def __init__(self):
        super().__init__()
        self.marks, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        if attributes.get("class") == "e":
            self.marks.append((tag, int(attributes["data-i"])))


def parsed(page):
    parser = Marks()
    parser.feed(page)
    return parser, json.loads(re.search(r"const tips = (\[.*?\]), full", page).group(1))


def test_html_shows_every_event_with_its_origin(program):
    page = timeline_html(program, dt=2e-9 / 9)
    parser, tips = parsed(page)
    assert sorted(tag for tag, _ in parser.marks) == ["line", "line", "line", "path", "path", "rect", "rect"]
    assert [i for _, i in parser.marks] == list(range(7))
    assert tips[0].splitlines() == [
        "d0 play",
        "0..160 dt (160), 0.0 ns for 35.6 ns",
        "drag(duration=160, beta=-1.5, sigma=40.0)",
        "amplitude 0.25, angle 0 rad",
        "instruction 7: sx</script> on [0]",
        "calibration sx:0:1f",
    ]
    assert "4.9e+09 Hz" in tips[2] and "slot 0, tells 0 from 2 (ESP)" in "".join(tips)
    assert re.findall(r"<div>(\w+)</div>", page) == ["d0", "u3", "m0", "a0"]


def test_html_escapes_and_loads_nothing(program):
    page = timeline_html(program)
    assert page.count("</script>") == 1 and "&lt;bell&gt; &amp; co" in page
    assert "http" not in page and "src=" not in page


def test_html_of_some_channels_and_of_nothing(program):
    parser, tips = parsed(timeline_html(program, ["a0"]))
    assert len(parser.marks) == len(tips) == 1
    assert parsed(timeline_html(parse_text('program "" duration=0 slots=0')))[1] == []


def test_matplotlib_lanes(program):
    ax = draw_program(program)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["d0", "u3", "m0", "a0"]
    assert ax.get_xlim() == (0, 4000)
    assert len(ax.patches) == 2  # acquire, reset
    fills = ax.collections
    assert len(fills) == 2  # two pulses
    markers = [line.get_marker() for line in ax.lines if line.get_marker() != "None"]
    assert sorted(markers) == ["o", "v", "|"]


def test_matplotlib_draws_what_is_played(program):
    ax = draw_program(program, channels=["m0"], dt=1e-9, full_scale=1.0)
    real, imag = [line.get_ydata() for line in ax.lines[1:]]
    assert real.tolist() == pytest.approx([0.42 * 0.25, 0.0])
    assert imag.tolist() == pytest.approx([0.0, 0.42 * 0.125])
    assert ax.get_xlabel() == "time (ns)" and ax.get_xlim() == (0, 4000)


def test_drawing_on_given_axes_and_channel_objects(program):
    from matplotlib import pyplot
    from qiskit.pulse import DriveChannel

    figure, axes = pyplot.subplots()
    assert draw_program(program, axes, [DriveChannel(0), "d5"]) is axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["d0", "d5"]
    pyplot.close(figure)


@pytest.mark.parametrize("draw", [draw_program, timeline_html])
def test_what_is_no_program_is_named(draw):
    with pytest.raises(ProgramError, match=r"`program` must be a Program, but Schedule came. pulsekit\.compile"):
        draw(Schedule())


@pytest.mark.parametrize("channels", [["x0"], ["d0", "d0"]])
def test_wrong_channels_are_refused(program, channels):
    with pytest.raises(ProgramError):
        draw_program(program, channels=channels)
