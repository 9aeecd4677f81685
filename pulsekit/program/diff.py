"""Say where two programs differ: which rows, which calibrations."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Tuple

from .channels import Channel
from .events import Op
from .findings import row_origin, row_place
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
    rows_a, rows_b = _by_channel(a), _by_channel(b)
    found: List[Tuple[int, str, RowDiff]] = []
    for channel in sorted(set(rows_a) | set(rows_b)):
        for row in _channel_diff(a, b, rows_a.get(channel, []), rows_b.get(channel, [])):
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


def _by_channel(p: Program) -> Dict[Channel, List[Tuple[int, int, _Content]]]:
    """Return (row, time, content) of every row, per channel."""
    out: Dict[Channel, List[Tuple[int, int, _Content]]] = {}
    pulses = [_pulse_text(pulse) for pulse in p.pulses]
    free: Dict[int, List[Tuple[str, str]]] = {}
    table = p.parameters
    if table is not None:
        columns = (table.row.tolist(), table.column.tolist(), table.parameter.tolist(), table.coefficient.tolist())
        for row, column, parameter, coefficient in zip(*columns):
            free.setdefault(row, []).append((f"theta {column}", f"{coefficient!r}*{table.names[parameter]}"))
        for row, column, tree in table.expressions:
            free.setdefault(row, []).append((f"theta {column}", repr(tree)))
    for row, e in enumerate(p.events):
        content = [("op", e.op.name.lower()), ("duration", str(e.duration)), ("value", repr(e.value))]
        content.append(("angle", repr(e.angle)))
        if e.op == Op.PLAY:
            content.append(("pulse", pulses[e.ref]))
        elif e.op == Op.ACQUIRE:
            content += [("acquire", repr(p.acquires[e.ref])), ("slot", str(e.slot))]
        content += sorted(free.get(row, ()))
        out.setdefault(p.channels[e.channel], []).append((row, e.t0, tuple(content)))
    return out


def _pulse_text(pulse: Pulse) -> str:
    if pulse.shape != "samples":
        return pulse_text(pulse, name=False)
    digest = hashlib.sha256(pulse.data).hexdigest()[:12]
    return f"{pulse.duration} samples {digest}" + ("" if pulse.limit_amplitude else " unlimited")


def _channel_diff(
    a: Program, b: Program, left: List[Tuple[int, int, _Content]], right: List[Tuple[int, int, _Content]]
) -> Iterator[RowDiff]:
    if [r[1:] for r in left] == [r[1:] for r in right]:
        return
    matcher = difflib.SequenceMatcher(None, [r[2] for r in left], [r[2] for r in right], autojunk=False)
    for tag, i0, i1, j0, j1 in matcher.get_opcodes():
        pairs = min(i1 - i0, j1 - j0)
        for (row_a, t_a, was), (row_b, t_b, now) in zip(left[i0 : i0 + pairs], right[j0 : j0 + pairs]):
            if tag == "equal" and t_a != t_b:
                yield RowDiff("moved", row_a, row_b, f"{_name(a, row_a)} is at {t_b} in b ({t_b - t_a:+d})")
            elif tag != "equal" and was[0] != now[0]:
                yield RowDiff("only in a", row_a, -1, _name(a, row_a))
                yield RowDiff("only in b", -1, row_b, _name(b, row_b))
            elif tag != "equal":
                yield RowDiff("changed", row_a, row_b, f"{_name(a, row_a)}: {_changes(was, now, t_a, t_b)}")
        for row, _, _ in left[i0 + pairs : i1]:
            yield RowDiff("only in a", row, -1, _name(a, row))
        for row, _, _ in right[j0 + pairs : j1]:
            yield RowDiff("only in b", -1, row, _name(b, row))


def _name(p: Program, row: int) -> str:
    return f"{row_place(p, row)} {Op(int(p.events.op[row])).name.lower()}{row_origin(p.replace(name=''), row)}"


def _changes(was: _Content, now: _Content, t_a: int, t_b: int) -> str:
    old, new = dict(was), dict(now)
    parts = [f"t0 {t_a} -> {t_b}"] if t_a != t_b else []
    for column in dict.fromkeys([*old, *new]):
        x: Optional[str] = old.get(column)
        y: Optional[str] = new.get(column)
        if x != y:
            parts.append(f"{column} {x} -> {y}")
    return ", ".join(parts)
