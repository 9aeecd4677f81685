"""Say where two programs differ: which rows, which calibrations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .channels import Channel
from .events import Op
from .findings import row_origin, row_place
from .matching import match
from .program import Program, Pulse
from .text import pulse_text

__all__ = ["ProgramDiff", "RowDiff", "diff"]

_Content = Tuple[Tuple[str, str], ...]  # column and text, without the time


@dataclass(frozen=True)
class RowDiff:
    """One row that differs; -1: the program has no such row."""

    kind: str  # "changed", "moved", "only in a" or "only in b"
    row_a: int
    row_b: int
    text: str


@dataclass(frozen=True)
class ProgramDiff:
    """What is different; false if nothing is."""

    facts: Tuple[str, ...]  # durations, memory slots, parameters
    rows: Tuple[RowDiff, ...]
    calibrations_a: Tuple[str, ...]  # used by a only
    calibrations_b: Tuple[str, ...]  # used by b only

    def __bool__(self) -> bool:
        return bool(self.facts or self.rows or self.calibrations_a or self.calibrations_b)

    def __str__(self) -> str:
        lines = list(self.facts)
        lines += [f"calibration only in a: {c}" for c in self.calibrations_a]
        lines += [f"calibration only in b: {c}" for c in self.calibrations_b]
        lines += [f"{d.kind}: {d.text}" for d in self.rows]
        return "\n".join(lines) or "no difference"


def diff(a: Program, b: Program) -> ProgramDiff:
    """Compare two programs, channel by channel.

    Pulses and acquire settings are compared by what they are, not by their
    numbers in tables. Rows that do the same at another time are "moved".
    Names, labels, metadata and sources are not compared.

    Args:
        a: the one.
        b: the other.

    Returns:
        Rows are sorted by their time in ``a`` (those of ``b`` only, by
        theirs).
    """
    sides = _Side(a), _Side(b)
    numbers: Dict[Any, int] = {}
    contents = [[numbers.setdefault(key, len(numbers)) for key in side.keys()] for side in sides]
    rows_a, rows_b = (_by_channel(side.program, known) for side, known in zip(sides, contents))
    found: List[Tuple[int, str, RowDiff]] = []
    for channel in sorted(set(rows_a) | set(rows_b)):
        for row in _channel_diff(*sides, rows_a.get(channel, _Rows()), rows_b.get(channel, _Rows())):
            time = int(a.events.t0[row.row_a]) if row.row_a >= 0 else int(b.events.t0[row.row_b])
            found.append((time, channel.name, row))
    found.sort(key=lambda item: (item[0], item[1], item[2].row_a, item[2].row_b))
    used_a, used_b = _calibrations(a), _calibrations(b)
    return ProgramDiff(
        facts=tuple(_facts(a, b)),
        rows=tuple(row for _, _, row in found),
        calibrations_a=tuple(sorted(used_a - used_b)),
        calibrations_b=tuple(sorted(used_b - used_a)),
    )


def _facts(a: Program, b: Program) -> Iterator[str]:
    for name in ("duration", "memory_slots"):
        x, y = getattr(a, name), getattr(b, name)
        if x != y:
            yield f"{name}: {x} in a, {y} in b"
    names = [() if p.parameters is None else p.parameters.names for p in (a, b)]
    if names[0] != names[1]:
        yield f"parameters: {list(names[0])} in a, {list(names[1])} in b"


def _calibrations(p: Program) -> set:
    return {p.calibrations[c] for c in set(p.events.calibration.tolist()) if c >= 0}


class _Rows(NamedTuple):
    """The rows of one channel, in order."""

    row: Sequence[int] = ()
    time: Sequence[int] = ()
    content: Sequence[int] = ()  # equal numbers: the same but for the time


def _by_channel(p: Program, contents: Sequence[int]) -> Dict[Channel, _Rows]:
    e, known = p.events, np.array(contents, dtype=np.int64)
    order = np.argsort(e.channel, kind="stable")
    bounds = np.searchsorted(e.channel[order], np.arange(len(p.channels) + 1)).tolist()
    out: Dict[Channel, _Rows] = {}
    for channel, lo, hi in zip(p.channels, bounds[:-1], bounds[1:]):
        rows = order[lo:hi]
        if rows.size:
            out[channel] = _Rows(rows.tolist(), e.t0[rows].tolist(), known[rows].tolist())
    return out


class _Side:
    """One of the two programs, and what its rows do."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.free: Dict[int, Tuple[Tuple[str, str], ...]] = {}
        table, free = program.parameters, {}  # type: ignore[var-annotated]
        if table is not None:
            columns = (table.row.tolist(), table.column.tolist(), table.parameter.tolist(), table.coefficient.tolist())
            for row, column, parameter, coefficient in zip(*columns):
                free.setdefault(row, []).append((f"theta {column}", f"{coefficient!r}*{table.names[parameter]}"))
            for row, column, tree in table.expressions:
                free.setdefault(row, []).append((f"theta {column}", repr(tree)))
        self.free = {row: tuple(sorted(texts)) for row, texts in free.items()}

    def keys(self) -> Iterator[Any]:
        """Yield what tells every row's content from others."""
        p, e = self.program, self.program.events
        refs: List[Any] = e.ref.tolist()
        columns = [e.op.tolist(), e.duration.tolist(), e.value.view(np.int64).tolist(), e.angle.view(np.int64).tolist()]
        tables = {int(Op.PLAY): p.pulses, int(Op.ACQUIRE): p.acquires}
        for row, (op, duration, value, angle, ref, slot) in enumerate(zip(*columns, refs, e.slot.tolist())):
            thing = tables[op][ref] if op in tables else None
            yield op, duration, value, angle, thing, slot if op == Op.ACQUIRE else -1, self.free.get(row)

    def content(self, row: int) -> _Content:
        """Return what a row does, as texts."""
        p, e = self.program, self.program.events
        op, ref = Op(int(e.op[row])), int(e.ref[row])
        out = [("op", op.name.lower()), ("duration", str(int(e.duration[row]))), ("value", repr(float(e.value[row])))]
        out.append(("angle", repr(float(e.angle[row]))))
        if op == Op.PLAY:
            out.append(("pulse", _pulse_text(p.pulses[ref])))
        elif op == Op.ACQUIRE:
            out += [("acquire", repr(p.acquires[ref])), ("slot", str(int(e.slot[row])))]
        return (*out, *self.free.get(row, ()))


def _pulse_text(pulse: Pulse) -> str:
    if pulse.shape != "samples":
        return pulse_text(pulse, name=False)
    digest = hashlib.sha256(pulse.data).hexdigest()[:12]
    return f"{pulse.duration} samples {digest}" + ("" if pulse.limit_amplitude else " unlimited")


def _channel_diff(a: _Side, b: _Side, left: _Rows, right: _Rows) -> Iterator[RowDiff]:
    if left.content == right.content and left.time == right.time:
        return
    pairs = match(left.content, right.content, left.time, right.time)
    i = j = 0
    for x, y in [*pairs, (len(left.row), len(right.row))]:
        yield from _unmatched(a, b, left, right, range(i, x), range(j, y))
        if x < len(left.row) and left.time[x] != right.time[y]:
            t_a, t_b = left.time[x], right.time[y]
            text = f"{_name(a.program, left.row[x])} is at {t_b} in b ({t_b - t_a:+d})"
            yield RowDiff("moved", left.row[x], right.row[y], text)
        i, j = x + 1, y + 1


def _unmatched(a: _Side, b: _Side, left: _Rows, right: _Rows, here: range, there: range) -> Iterator[RowDiff]:
    """Say what became of rows between two that match: the first of one is the first of the other, and so on."""
    for i, j in zip(here, there):
        row_a, row_b = left.row[i], right.row[j]
        if a.program.events.op[row_a] != b.program.events.op[row_b]:
            yield RowDiff("only in a", row_a, -1, _name(a.program, row_a))
            yield RowDiff("only in b", -1, row_b, _name(b.program, row_b))
        else:
            changes = _changes(a.content(row_a), b.content(row_b), left.time[i], right.time[j])
            yield RowDiff("changed", row_a, row_b, f"{_name(a.program, row_a)}: {changes}")
    common = min(len(here), len(there))
    for i in here[common:]:
        yield RowDiff("only in a", left.row[i], -1, _name(a.program, left.row[i]))
    for j in there[common:]:
        yield RowDiff("only in b", -1, right.row[j], _name(b.program, right.row[j]))


def _name(p: Program, row: int) -> str:
    return f"{row_place(p, row)} {Op(int(p.events.op[row])).name.lower()}{row_origin(p, row, program_too=False)}"


def _changes(was: _Content, now: _Content, t_a: int, t_b: int) -> str:
    old, new = dict(was), dict(now)
    parts = [f"t0 {t_a} -> {t_b}"] if t_a != t_b else []
    for column in dict.fromkeys([*old, *new]):
        x: Optional[str] = old.get(column)
        y: Optional[str] = new.get(column)
        if x != y:
            parts.append(f"{column} {x} -> {y}")
    return ", ".join(parts)
