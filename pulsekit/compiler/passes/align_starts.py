"""Start pulses and acquires on the device's grids."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import gcd
from typing import ClassVar, FrozenSet, List, Tuple

import numpy as np

from ...device import Timing
from ...errors import CompilerError
from ...program import EventTable, Op, Program, Stack
from ...program.findings import row_place
from ..base import Pass
from ..memo import remember
from ..sheets import Sheet, SheetSnippet, by_sheet
from ..snippets import Snippet
from ..work import Note, Work
from .pad_pulses import check_mode
from .sequencing import Sequence as SequencePass

__all__ = ["AlignStarts", "align_program", "grid_of", "off_grid"]

OFF_GRID = 8036  # "measure or acquire not on the grid"


@dataclass(frozen=True)
class AlignStarts(Pass):
    """Move (or refuse) gates whose pulses or acquires start off the grid.

    Circuits that are aligned as they were sequenced stay untouched; the
    others are sequenced again with the grids as constraints.
    """

    mode: str = "pad"  # "strict": raise instead; "off": leave as it is
    sequence: Pass = field(default_factory=SequencePass)  # the pass that placed the gates
    requires: ClassVar[FrozenSet[str]] = frozenset({"sequenced"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"aligned"})

    def run(self, work: Work) -> Work:
        """Return the work with aligned starts, and a note per circuit that changed."""
        if check_mode(self.mode) == "off":
            return work
        assert work.snippet is not None and work.start is not None
        timing = work.device.timing
        places = np.tile(np.array([1, 0], dtype=np.int64), (len(work.snippets) + 1, 1))
        alone, sheets = by_sheet(work.snippets)
        for k in alone:
            snippet = work.snippets[k]
            places[k] = remember(snippet, ("grid", timing), partial(grid_of, snippet, timing))
        for sheet, positions, bodies in sheets:
            places[positions] = remember(sheet, ("grid", timing), partial(_grids_of, sheet, timing))[bodies]
        grid, anchor = places[work.snippet].T
        off = (work.start + anchor) % grid != 0
        if not off.any():
            return work
        if self.mode == "strict":
            raise CompilerError(_refusal(work, int(np.flatnonzero(off)[0]), grid, anchor), code=OFF_GRID)
        circuits = np.zeros(len(work.gates.circuits), dtype=bool)
        circuits[work.gates.circuit[off]] = True
        aligned = self.sequence.run(work.replace(grid=np.where(circuits[work.gates.circuit], grid, 1), anchor=anchor))
        return aligned.noted(*_moves(work, aligned, np.flatnonzero(circuits)))


def grid_of(snippet: Snippet, timing: Timing) -> Tuple[int, int]:
    """Return (grid, anchor) in samples: starts with (start + anchor) % grid == 0 are aligned.

    Raises:
        CompilerError: no start suits all rows of the snippet (8036).
    """
    grid, start = 1, 0
    for offsets, step in _offsets(snippet.program.events, _kinds(snippet.program), timing):
        for offset in np.unique(offsets[offsets >= 0]).tolist():
            grid, start = _meet(snippet, grid, start, step, -offset % step)
    return grid, -start % grid


def _kinds(program: Program) -> np.ndarray:
    return np.array([c.kind for c in program.channels] or [""], dtype="U1")[program.events.channel]


def _offsets(e: EventTable, kinds: np.ndarray, timing: Timing) -> List[Tuple[np.ndarray, int]]:
    """Return (how far each row is off a grid, -1 where it need not be on it; the grid), in samples."""
    plays = e.op == Op.PLAY
    reads = (e.op == Op.ACQUIRE) | (plays & (kinds == "m"))
    grids = ((reads, timing.acquire_alignment), (plays, timing.pulse_alignment))
    return [(np.where(rows, e.t0 % step, -1), step) for rows, step in grids if step > 1]


def _grids_of(sheet: Sheet, timing: Timing) -> np.ndarray:
    """Return :func:`grid_of` every body, int64[bodies, 2]; asked once per set of offsets."""
    offsets = np.zeros((len(sheet), 0), dtype=np.int64)
    for off, step in _offsets(sheet.events, sheet.kinds, timing):
        met = np.zeros((len(sheet), step), dtype=bool)
        met[sheet.owner[off >= 0], off[off >= 0]] = True
        offsets = np.concatenate([offsets, met], axis=1)
    _, first, which = np.unique(np.packbits(offsets, axis=1), axis=0, return_index=True, return_inverse=True)
    found = [grid_of(SheetSnippet(sheet, body), timing) for body in first.tolist()]
    return np.array(found, dtype=np.int64)[which.reshape(-1)]


def _meet(snippet: Snippet, grid: int, start: int, step: int, wanted: int) -> Tuple[int, int]:
    """Return the grid and start that satisfy start (mod grid) and wanted (mod step)."""
    common = grid // gcd(grid, step) * step
    for candidate in range(start, common, grid):
        if candidate % step == wanted:
            return common, candidate
    raise CompilerError(
        f"Calibration {snippet.name!r} on qubits {list(snippet.qubits)}: its pulses and acquires must fit the device's "
        f"grids together, but no start does: one of them is {-wanted % step} samples off the grid of {step}.",
        code=OFF_GRID,
    )


def _refusal(work: Work, row: int, grid: np.ndarray, anchor: np.ndarray) -> str:
    assert work.start is not None
    at = int(work.start[row] + anchor[row])
    missing = int(-at % grid[row])
    return (
        f"{work.gates.where(row)}: pulses and acquires must start on the grid of {int(grid[row])} samples, but one "
        f"starts at {at}. Delay it by {missing} samples, or compile with align='pad'."
    )


def _moves(before: Work, after: Work, circuits: np.ndarray) -> List[Note]:
    gates, out = before.gates, []
    assert before.start is not None and after.start is not None
    ptr = gates.circuit_ptr
    for c in circuits.tolist():
        rows = np.arange(ptr[c], ptr[c + 1])
        rows = rows[before.start[rows] != after.start[rows]]
        moved = {
            "instruction": gates.index[rows].tolist(),
            "from": before.start[rows].tolist(),
            "to": after.start[rows].tolist(),
        }
        first = (
            f", first {gates.names[gates.name[rows[0]]]!r} (instruction {moved['instruction'][0]})" if rows.size else ""
        )
        text = f"{rows.size} instructions moved onto the device's grids{first}."
        out.append(Note("moved", text, (c,), moved))
    return out


def align_program(program: Program, timing: Timing) -> Tuple[Program, List[str]]:
    """Return a program (of a user's schedule) that starts on the grids.

    Nothing is moved against anything else: where one delay at the beginning
    puts everything on its grid, that is done.

    Returns:
        The program, and what was done.

    Raises:
        CompilerError: no single delay helps (8036).
    """
    first = _first_off_grid(program, timing)
    if first < 0:
        return program, []
    try:
        grid, anchor = grid_of(Snippet(program, program.name), timing)
    except CompilerError as error:
        raise CompilerError(_program_refusal(program, first, timing), code=OFF_GRID) from error
    delay = -anchor % grid
    moved = program.replace(
        events=program.events.replace(t0=program.events.t0 + delay), duration=program.duration + delay
    )
    return moved, [f"program {program.name!r}: everything starts {delay} samples later, on the device's grids."]


def _first_off_grid(program: Program, timing: Timing) -> int:
    off = np.zeros(len(program.events), dtype=bool)
    for offsets, _ in _offsets(program.events, _kinds(program), timing):
        off |= offsets > 0
    return int(np.flatnonzero(off)[0]) if off.any() else -1


def off_grid(stack: Stack, timing: Timing) -> np.ndarray:
    """Return which programs have rows off their grids, bool[programs]."""
    off = np.zeros(len(stack), dtype=bool)
    for offsets, _ in _offsets(stack.events, stack.kinds, timing):
        off[stack.owner[offsets > 0]] = True
    return off


def _program_refusal(program: Program, row: int, timing: Timing) -> str:
    e = program.events
    readout = e.op[row] == Op.ACQUIRE or program.channels[e.channel[row]].kind == "m"
    step = timing.acquire_alignment if readout else timing.pulse_alignment
    return (
        f"{row_place(program, row)}: it must start on the grid of {step} samples, but {int(e.t0[row])} is "
        f"{int(e.t0[row]) % step} off (program {program.name!r}). Move it by {int(-e.t0[row] % step)} samples."
    )
