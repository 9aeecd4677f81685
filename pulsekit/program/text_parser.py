"""Read a program from its text form."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from ..errors import ProgramError
from .channels import Channel
from .encoding import loads
from .events import EventTable, Op
from .program import AcquireSpec, ParameterTable, Program, Pulse, Source
from .text import COLUMN_NAMES, VALUED

__all__ = ["parse_text"]

_STRING = r'"(?:[^"\\]|\\.)*"'
_HEAD = re.compile(rf"program ({_STRING}) duration=(\d+) slots=(\d+)\Z")
_TABLE = re.compile(r"(pulse p|acquire a|source s|calibration c|label l)(\d+) = (.*)\Z")
_SHAPE = re.compile(rf"(\w+)([(\[])(.*?)[)\]]( unlimited)?(?: name=({_STRING}))?\Z")
_SOURCE = re.compile(rf"(-?\d+) ({_STRING}) qubits=(\[[^\]]*\]) clbits=(\[[^\]]*\])\Z")
_ROW = re.compile(r"([duma]\d+)@(-?\d+)(?:\.\.(-?\d+))?: (\w+)(.*)\Z")
_AFFINE = re.compile(r" (value|angle|duration|t0)(\+=|:=)(.*)\Z")
_OPS = {op.name.lower(): op for op in Op}
_PREFIX = {"source": "s", "cal": "c", "label": "l"}


class _Reader:
    """Collect the tables of one program, line by line."""

    def __init__(self) -> None:
        self.head: Optional[Tuple[str, int, int]] = None
        self.metadata: Dict[str, Any] = {}
        self.channels: List[Channel] = []
        self.tables: Dict[str, List[Any]] = {k: [] for k in ("pulse", "acquire", "source", "calibration", "label")}
        self.rows: List[Dict[str, Any]] = []
        self.names: Optional[List[str]] = None
        self.affine: List[Tuple[int, int, int, float]] = []
        self.expressions: List[Tuple[int, int, Any]] = []

    def line(self, text: str) -> None:
        """Take one line."""
        word = text.split(" ", 1)[0]
        if self.head is None:
            match = _need(_HEAD.match(text), 'program "name" duration=<samples> slots=<slots>')
            self.head = (json.loads(match.group(1)), int(match.group(2)), int(match.group(3)))
        elif word == "metadata":
            key, item = _split_json(text[len("metadata ") :])
            self.metadata[key] = loads(_need(re.match(r" = (.*)\Z", item), "metadata <key> = <value>").group(1))
        elif word == "channels":
            self.channels = [Channel.parse(name) for name in text.split()[1:]]
        elif word == "parameters":
            self.names = list(json.loads(text[len("parameters ") :]))
        elif _TABLE.match(text):
            self._table(_need(_TABLE.match(text), ""))
        else:
            self._row(_need(_ROW.match(text), "<channel>@<start>[..<stop>]: <op> ..."))

    def _table(self, match: "re.Match[str]") -> None:
        kind = match.group(1).split(" ")[0]
        table = self.tables[kind]
        if int(match.group(2)) != len(table):
            raise ValueError(f"the next {kind} must be number {len(table)}")
        readers: Dict[str, Callable[[str], Any]] = {"pulse": _pulse, "acquire": _acquire, "source": _source}
        table.append(readers.get(kind, json.loads)(match.group(3)))

    def _row(self, match: "re.Match[str]") -> None:
        name, start, stop, op_name, rest = match.groups()
        if op_name not in _OPS:
            raise ValueError(f"the op must be one of {sorted(_OPS)}")
        op, channel, t0 = _OPS[op_name], Channel.parse(name), int(start)
        if channel not in self.channels:
            self.channels.append(channel)
        row: Dict[str, Any] = {
            "t0": t0,
            "duration": 0 if stop is None else int(stop) - t0,
            "op": int(op),
            "channel": self.channels.index(channel),
        }
        rest = self._take_affine(rest)
        words = rest.split()
        if op in (Op.PLAY, Op.ACQUIRE):
            row["ref"] = _number(words.pop(0), "p" if op == Op.PLAY else "a")
        elif op in VALUED:
            row["value"] = float(words.pop(0))
        for word in words:
            self._column(row, word)
        self.rows.append(row)

    def _column(self, row: Dict[str, Any], word: str) -> None:
        key, _, value = word.partition("=")
        if key in _PREFIX:
            row["calibration" if key == "cal" else key] = _number(value, _PREFIX[key])
        elif key in ("ref", "slot"):
            row[key] = int(value)
        elif key in ("amp", "value", "angle"):
            row["value" if key == "amp" else key] = float(value)
        else:
            raise ValueError(f"unknown column {key!r}")

    def _take_affine(self, rest: str) -> str:
        """Strip and keep what follows the parameters; return the rest."""
        at = re.search(r" (?:value|angle|duration|t0)(?:\+=|:=)", rest)
        if at is None:
            return rest
        found, row = rest[at.start() :], len(self.rows)
        while found:
            match = _need(_AFFINE.match(found), "value+=<coefficient>*theta<parameter>")
            column, kind, tail = COLUMN_NAMES.index(match.group(1)), match.group(2), match.group(3)
            if kind == ":=":
                tree, found = _split_json(tail)
                self.expressions.append((row, column, tree))
            else:
                term, space, found = tail.partition(" ")
                found = space + found
                coefficient, _, parameter = term.partition("*")
                self.affine.append((row, column, _number(parameter, "theta"), float(coefficient)))
        return rest[: at.start()]

    def program(self) -> Program:
        """Return what was read."""
        if self.head is None:
            raise ProgramError('Argument `text` must start with a line `program "name" ...`, but it is empty.')
        name, duration, slots = self.head
        return Program(
            EventTable.from_rows(self.rows),
            tuple(self.channels),
            tuple(self.tables["pulse"]),
            tuple(self.tables["acquire"]),
            tuple(self.tables["source"]),
            tuple(self.tables["calibration"]),
            tuple(self.tables["label"]),
            name=name,
            duration=duration,
            memory_slots=slots,
            parameters=self._parameters(),
            metadata=self.metadata,
        )

    def _parameters(self) -> Optional[ParameterTable]:
        if self.names is None:
            return None
        row, column, parameter, coefficient = zip(*self.affine) if self.affine else ((), (), (), ())
        return ParameterTable(
            tuple(self.names),
            np.array(row, dtype=np.int32),
            np.array(column, dtype=np.uint8),
            np.array(parameter, dtype=np.int32),
            np.array(coefficient, dtype=np.float64),
            tuple(self.expressions),
        )


def parse_text(text: str) -> Program:
    """Return the program that a text describes.

    Args:
        text: lines as :func:`pulsekit.program.to_text` writes them; empty
            lines and lines that start with "#" do not count.

    Raises:
        ProgramError: naming the line and what it should look like.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            reader.line(line.rstrip("\r"))
        except (ValueError, IndexError, KeyError, TypeError, ProgramError) as error:
            raise ProgramError(
                f"Argument `text`, line {number}: {line[:100]!r} is no line of a program: {str(error).rstrip('.')}."
            ) from error
    return reader.program()


def _need(match: "Optional[re.Match[str]]", form: str) -> "re.Match[str]":
    if match is None:
        raise ValueError(f"it must look like: {form}")
    return match


def _number(word: str, prefix: str) -> int:
    if not word.startswith(prefix):
        raise ValueError(f"{word!r} must start with {prefix!r}")
    return int(word[len(prefix) :])


def _split_json(text: str) -> Tuple[Any, str]:
    """Return the JSON value at the start of a text, decoded, and what follows."""
    _, stop = json.JSONDecoder().raw_decode(text)
    return loads(text[:stop]), text[stop:]


def _pulse(text: str) -> Pulse:
    match = _need(_SHAPE.match(text), "shape(duration=<samples>, <parameter>=<number>, ...)")
    shape, bracket, inner, unlimited, quoted = match.groups()
    limit, name = unlimited is None, None if quoted is None else json.loads(quoted)
    if bracket == "[":
        if shape == "bytes":
            return Pulse.from_samples(np.frombuffer(bytes.fromhex(inner), "<c16"), limit_amplitude=limit, name=name)
        numbers = np.array([float(x) for x in inner.replace(",", " ").split()], dtype="<f8")
        return Pulse.from_samples(numbers.view("<c16"), limit_amplitude=limit, name=name)
    items = dict(item.split("=") for item in inner.split(", "))
    duration = int(items.pop("duration"))
    return Pulse.from_shape(shape, duration, {k: float(v) for k, v in items.items()}, limit_amplitude=limit, name=name)


def _acquire(text: str) -> AcquireSpec:
    fields: Dict[str, Any] = {}
    while text:
        key, _, text = text.partition("=")
        fields[key.strip()], text = _split_json(text)
    return AcquireSpec(**fields)


def _source(text: str) -> Source:
    match = _need(_SOURCE.match(text), '<index> "name" qubits=[...] clbits=[...]')
    index, name, qubits, clbits = match.groups()
    return Source(int(index), json.loads(name), tuple(json.loads(qubits)), tuple(json.loads(clbits)))
