"""Check every frequency that a program ever reaches against its range."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ...device import Device
from ...errors import CompilerError
from ...program import Batch, LoTable, Op, Program
from ...program.expressions import evaluate
from ...program.findings import row_origin, row_place
from ...program.frames import FREQUENCY_TOLERANCE
from .frequency_plan import OUT_OF_RANGE, Range, channel_ranges

__all__ = ["check_frequencies"]

_FRAME_OPS = (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY, Op.SAVE_FRAME, Op.RESTORE_FRAME)
_IS_FRAME_OP = np.array([op in _FRAME_OPS for op in Op])
_JUDGED = ("channel", "op", "value")


def check_frequencies(batch: Batch, device: Device) -> None:
    """Raise if a program leaves a channel's LO range, in any experiment.

    Judged is what SET_FREQUENCY and SHIFT_FREQUENCY lead to, from each
    experiment's own LO and parameters, and back at the end of gate-scoped
    changes. Rows that still depend on parameters are not judged. Programs
    without such rows cost one look at their ops.

    Raises:
        CompilerError: with channel, time, origin and experiment (8000).
    """
    op = np.concatenate([np.zeros(0, np.uint8), *(p.events.op for p in batch.programs)])
    marked = np.flatnonzero(_IS_FRAME_OP[op])
    if not marked.size:
        return
    first = np.cumsum([0, *(len(p.events) for p in batch.programs)])
    bounds = np.searchsorted(marked, first).tolist()
    judged = [np.concatenate([getattr(p.events, name) for p in batch.programs])[marked] for name in _JUDGED]
    ranges, one_lo = channel_ranges(device), _one_lo(batch.los)
    if one_lo and _all_alike(batch.programs, bounds, judged):
        bounds = bounds[:2]  # the first stands for all
    seen: set = set()
    for k, (program, lo, hi) in enumerate(zip(batch.programs, bounds[:-1], bounds[1:])):
        if lo == hi:
            continue
        if one_lo and program.parameters is None:
            key = (id(program.channels), *(column[lo:hi].tobytes() for column in judged))
            if key in seen:
                continue
            seen.add(key)
        _check_program(program, marked[lo:hi] - first[k], batch, np.flatnonzero(batch.program_of == k), ranges)


def _all_alike(programs: Sequence[Program], bounds: Sequence[int], judged: Sequence[np.ndarray]) -> bool:
    """Tell whether all programs, none with parameters, have the same rows to be judged."""
    n, width = len(programs), bounds[1]
    if list(bounds) != [k * width for k in range(n + 1)]:
        return False
    if any(p.channels is not programs[0].channels or p.parameters is not None for p in programs):
        return False
    return all((column.reshape(n, width) == column[:width]).all() for column in judged)


def _one_lo(los: LoTable) -> bool:
    return all(len(table) < 2 or bool((table == table[0]).all()) for table in (los.drive, los.measure, los.control))


def _check_program(
    program: Program, rows: np.ndarray, batch: Batch, experiments: np.ndarray, ranges: Mapping[str, Tuple[Range, ...]]
) -> None:
    events = program.events
    values = dict(zip(rows.tolist(), _values(program, rows, batch.theta, experiments)))
    for index in np.unique(events.channel[rows]).tolist():
        channel = program.channels[index]
        if channel.kind == "a" or channel.index >= len(ranges[channel.kind]):
            continue  # the verifier says which channels there are
        low, high = ranges[channel.kind][channel.index]
        freq = batch.los.of(channel)[1][experiments].astype(np.float64)
        saved: List[np.ndarray] = []
        for row in rows[events.channel[rows] == index].tolist():
            op, value = events.op[row], values[row]
            if op == Op.SAVE_FRAME:
                saved.append(freq)
            elif op == Op.RESTORE_FRAME:
                freq = saved.pop() if saved else freq
            elif value is None:
                break
            else:
                freq = freq + value if op == Op.SHIFT_FREQUENCY else np.broadcast_to(value, freq.shape)
                bad = ~((freq >= low - FREQUENCY_TOLERANCE) & (freq <= high + FREQUENCY_TOLERANCE))
                if bad.any():
                    _refuse(program, row, freq[bad][0], (low, high), int(experiments[bad][0]))


def _refuse(program: Program, row: int, freq: float, allowed: Range, experiment: int) -> None:
    raise CompilerError(
        f"{row_place(program, row)}: the frequency must be in {allowed[0] / 1e9:.6f}..{allowed[1] / 1e9:.6f} GHz, but "
        f"it becomes {freq / 1e9:.6f} GHz in experiment {experiment}.{row_origin(program, row)}",
        code=OUT_OF_RANGE,
    )


def _values(
    program: Program, rows: np.ndarray, theta: Optional[np.ndarray], experiments: np.ndarray
) -> Sequence[Optional[np.ndarray]]:
    """Return the values of rows, each float64 or float64[experiments]; None: not bound."""
    values: List[Optional[np.ndarray]] = list(program.events.value[rows])
    table = program.parameters
    if table is None:
        return values
    place = {row: k for k, row in enumerate(rows.tolist())}
    points = None if theta is None else np.asarray(theta)[experiments]
    entries = zip(table.row.tolist(), table.column.tolist(), table.parameter.tolist(), table.coefficient.tolist())
    trees: List[Tuple[int, int, Any]] = [(row, c, ("mul", ("number", w), ("parameter", p))) for row, c, p, w in entries]
    for row, column, tree in [*trees, *table.expressions]:
        k = place.get(row, -1)
        if column == 0 and k >= 0:
            known = values[k]
            values[k] = None if points is None or known is None else known + evaluate(tree, points)
    return values
