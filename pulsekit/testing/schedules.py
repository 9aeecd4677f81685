"""Compare qiskit Schedules more strictly than ``==`` does."""

from __future__ import annotations

from typing import Any

from qiskit.pulse import Schedule

__all__ = ["same_schedules"]


def same_schedules(expected: Any, actual: Any) -> None:
    """Assert that two Schedules are the same.

    ``==`` looks at channels and instructions only, and takes an empty
    schedule for equal to another empty one whatever their durations. Here the
    type, name, metadata, duration, per-channel end times, parameters and the
    whole list of (start, instruction) with the instructions' names are
    compared, each apart.

    Raises:
        AssertionError: the first difference.
    """
    assert type(actual) is Schedule and type(expected) is Schedule, (type(expected), type(actual))
    assert actual == expected and expected == actual
    assert actual.name == expected.name, (expected.name, actual.name)
    assert actual.metadata == expected.metadata, (expected.metadata, actual.metadata)
    assert actual.duration == expected.duration, (expected.duration, actual.duration)
    assert len(actual.instructions) == len(expected.instructions)
    for one, two in zip(expected.instructions, actual.instructions):
        assert one == two, (one, two)
        assert one[1].name == two[1].name, (one, two)
    assert set(actual.channels) == set(expected.channels)
    for channel in expected.channels:
        assert actual.ch_start_time(channel) == expected.ch_start_time(channel), channel
        assert actual.ch_stop_time(channel) == expected.ch_stop_time(channel), channel
        assert actual.timeslots[channel] == expected.timeslots[channel], channel
    assert actual.parameters == expected.parameters
