"""Rows are matched as well as can be, in linear time."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.program import Channel, EventTable, Op, Program, Pulse, diff
from pulsekit.program.matching import EDITS, match

SMALL = st.lists(st.integers(0, 3), max_size=14)


def most_pairs(a, b):
    """Return the length of the longest common subsequence, by the table."""
    best = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            best[i + 1, j + 1] = best[i, j] + 1 if x == y else max(best[i, j + 1], best[i + 1, j])
    return int(best[-1, -1])


@given(SMALL, SMALL)
@settings(max_examples=300, deadline=None)
def test_the_most_pairs(a, b):
    pairs = match(a, b, list(range(len(a))), list(range(len(b))))
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(p < q and x < y for (p, x), (q, y) in zip(pairs, pairs[1:]))
    assert len(pairs) == most_pairs(a, b)


class Counted(int):
    """A content that counts how often it is compared."""

    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return int(self) == int(other)

    __hash__ = int.__hash__


def sequences(n, kind):
    rng = random.Random(3)
    a = [rng.randrange(4) for _ in range(n)]
    if kind == "inserted twice":
        b = [*a[: n // 3], 9, *a[n // 3 : n // 2], 9, 9, *a[n // 2 :]]
    elif kind == "changed often":  # more often than the shortest way is looked for
        b = [9 if k % 5 == 0 else x for k, x in enumerate(a)]
    else:
        b = [x + 10 for x in a]
    return [Counted(x) for x in a], [Counted(x) for x in b]


@pytest.mark.parametrize("kind,matched", [("inserted twice", 1.0), ("changed often", 0.8), ("all different", 0.0)])
def test_twice_the_rows_are_twice_the_work(kind, matched):
    work = []
    for n in (20_000, 40_000):
        a, b = sequences(n, kind)
        Counted.compared = 0
        pairs = match(a, b, list(range(len(a))), list(range(len(b))))
        work.append(Counted.compared)
        assert len(pairs) == pytest.approx(matched * n, rel=0.01)
    assert work[1] < 2.3 * work[0] + EDITS**2
    assert work[1] < 60 * 40_000 + EDITS**2


def test_only_rows_that_differ_are_put_into_words(monkeypatch):
    module = sys.modules["pulsekit.program.diff"]
    said = []
    monkeypatch.setattr(module, "row_place", lambda p, row: said.append(row) or "here")
    n = 5000
    shape = Pulse.from_shape("gaussian", 160, {"sigma": 40.0})
    value = np.full(n, 0.1)
    columns = {"duration": np.full(n, 160), "op": np.full(n, Op.PLAY), "ref": np.zeros(n), "value": value.copy()}
    events = EventTable(t0=160 * np.arange(n), **columns)
    a = Program(events, (Channel("d", 0),), (shape,), duration=160 * n)
    value[[7, 4000]] = 0.2
    found = diff(a, a.replace(events=events.replace(value=value)))
    assert [(d.kind, d.row_a, d.row_b) for d in found.rows] == [("changed", 7, 7), ("changed", 4000, 4000)]
    assert set(said) == {7, 4000} and len(said) < 10
