"""Passes on programs, in the text of the programs: input, pass, expected text.

A ``.pulse`` file holds cases between lines "===": a line "# pass:
Name(option=value, ...)" with JSON values, the program before, a line "---",
and the program after.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.compiler.passes.merge_delays import MergeDelays
from pulsekit.compiler.passes.merge_phases import MergePhases
from pulsekit.compiler.passes.remove_no_ops import RemoveNoOps
from pulsekit.compiler.passes.share_pulses import SharePulses
from pulsekit.program import Channel, EventTable, LoTable, Op, Program, Pulse, parse_text, resolve_frames, to_text

PASSES = {cls.__name__: cls for cls in (MergeDelays, MergePhases, RemoveNoOps, SharePulses)}


def cases():
    for path in sorted(Path(__file__).parent.glob("*.pulse")):
        for text in path.read_text().split("===\n"):
            head, body = text.split("\n", 1)
            name, options = re.match(r"# pass: (\w+)\((.*)\)\Z", head).groups()
            fields = {k: json.loads(v) for k, v in (item.split("=") for item in options.split(", ") if item)}
            before, after = body.split("---\n")
            label = re.match(r'program "([^"]*)"', before).group(1)
            yield pytest.param(PASSES[name](**fields), before, after, id=f"{path.stem}: {name} {label}")


@pytest.mark.parametrize("step,before,after", list(cases()))
def test_golden(step, before, after):
    program = parse_text(before)
    assert to_text(program) == before, "the input is not in the form that is written"
    assert to_text(step.apply(program, None)) == after
    assert to_text(step.apply(step.apply(program, None), None)) == after, "twice is not once"
    assert to_text(program) == before, "the pass changed its input"


@st.composite
def frame_programs(draw):
    t, rows = 0, []
    for _ in range(draw(st.integers(1, 25))):
        t += draw(st.sampled_from([0, 0, 0, 40]))
        op = draw(
            st.sampled_from(
                [Op.PLAY, Op.SHIFT_PHASE, Op.SHIFT_PHASE, Op.SET_PHASE, Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY]
            )
        )
        value = draw(st.sampled_from([0.0, 0.5, -0.5, 1.25]))
        row = {"t0": t, "op": int(op), "channel": draw(st.integers(0, 1)), "value": value}
        if op == Op.PLAY:
            row.update(duration=8, ref=0)
            t += 8
        elif op == Op.SET_FREQUENCY:
            row["value"] = 5e9 + value * 1e7
        elif op == Op.SHIFT_FREQUENCY:
            row["value"] = value * 1e7
        rows.append(row)
    pulses = (Pulse.from_shape("constant", 8, {}),)
    return Program(EventTable.from_rows(rows), (Channel("d", 0), Channel("d", 1)), pulses, duration=t + 100)


LOS = LoTable(
    np.full(2, 5e9), np.full(2, 7e9), np.zeros(0), np.array([[5e9, 5.01e9]]), np.full((1, 2), 7e9), np.zeros((1, 0))
)


@settings(max_examples=100, deadline=None)
@given(frame_programs())
def test_merging_changes_no_pulse(program):
    merged = RemoveNoOps().apply(MergePhases().apply(program, None), None)
    assert len(merged.events) <= len(program.events)
    before, after = (resolve_frames(p, LOS, 1e-9) for p in (program, merged))
    for channel, plays in before.items():
        sounding = plays.scale[0] != 0
        if channel not in after:
            assert not sounding.any()
            continue
        np.testing.assert_array_equal(after[channel].t0, plays.t0[sounding])
        np.testing.assert_allclose(after[channel].scale[0], plays.scale[0][sounding], atol=1e-9)
        np.testing.assert_allclose(after[channel].freq[0], plays.freq[0][sounding], atol=1e-3)
        turns = (after[channel].final_phase - plays.final_phase) / (2 * np.pi)
        np.testing.assert_allclose(turns, np.round(turns), atol=1e-12)
