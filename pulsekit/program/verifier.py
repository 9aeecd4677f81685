"""Check a program: what every row must be, alone and beside the others.

Codes are those of the IBM API's registry where it has one.
"""

from __future__ import annotations

import warnings
from typing import Any, List, Tuple

import numpy as np

from ..errors import ProgramError, PulsekitWarning
from .device_rules import check_channels, check_groups, check_timing
from .events import Op
from .findings import Report, Violation, row_origin, row_place
from .program import Program

__all__ = ["AMPLITUDE_TOLERANCE", "MAX_PHASE", "MAX_PULSE", "find_violations", "verify"]

MAX_PULSE = 10_000_000  # samples; a pulse or acquire beyond it is a slip (a delay may be as long as it likes)
MAX_PHASE = 1e9  # rad; beyond it a turn is not resolved to 1e-7 rad
AMPLITUDE_TOLERANCE = 1e-7  # as qiskit.pulse clips
_FRAME_OPS = (Op.SHIFT_PHASE, Op.SET_PHASE, Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY)


def verify(program: Program, device: Any = None, *, timing: bool = True) -> None:
    """Raise if a program breaks a rule; warn where it is legal but odd.

    Args:
        program: values that still depend on parameters are not judged.
        device: a :class:`pulsekit.device.Device`, for its channels, timing
            and ``meas_map``; None checks what holds on every device.
        timing: False leaves out the device's lengths, grids and groups.

    Raises:
        ProgramError: with the first broken rule, the number of others and
            the rule's code.
    """
    found = find_violations(program, device, timing=timing)
    for violation in found:
        if violation.warning:
            warnings.warn(violation.message, PulsekitWarning, stacklevel=2)
    errors = [v for v in found if not v.warning]
    if errors:
        more = f" ({len(errors) - 1} more broken rules in program {program.name!r}.)" if len(errors) > 1 else ""
        raise ProgramError(errors[0].message + more, code=errors[0].code)


def find_violations(program: Program, device: Any = None, *, timing: bool = True) -> List[Violation]:
    """Return every broken rule of a program, in row order.

    Args and rules as in :func:`verify`. Cost: a few sorts of the rows, and
    each different pulse is sampled once.
    """
    report = Report(program)
    if not _check_structure(report):
        return report.found
    free = _unbound(program)
    _check_values(report, free)
    _check_amplitudes(report, free)
    _check_overlap(report, free)
    _check_slots(report)
    _check_frames_balance(report)
    if device is not None:
        check_channels(report, device)
    if device is not None and timing:
        check_timing(report, device.timing, free)
        check_groups(report, device.meas_map)
    return sorted(report.found, key=lambda v: v.row)


def _unbound(program: Program) -> np.ndarray:
    """Return bool[4, rows]: value, angle, duration, t0 depend on parameters."""
    free = np.zeros((4, len(program.events)), dtype=bool)
    table = program.parameters
    if table is not None:
        free[table.column, table.row] = True
        for row, column, _ in table.expressions:
            free[column, row] = True
    return free


def _check_structure(report: Report) -> bool:
    """Check that rows point at things that exist; nothing else makes sense before."""
    p, e = report.program, report.events
    limits: Tuple[Tuple[str, np.ndarray, int, int], ...] = (
        ("op", np.ones(len(e), bool), 0, len(Op)),
        ("channel", np.ones(len(e), bool), 0, len(p.channels)),
        ("ref", e.op == Op.PLAY, 0, len(p.pulses)),
        ("ref", e.op == Op.ACQUIRE, 0, len(p.acquires)),
        ("source", np.ones(len(e), bool), -1, len(p.sources)),
        ("calibration", np.ones(len(e), bool), -1, len(p.calibrations)),
        ("label", np.ones(len(e), bool), -1, len(p.labels)),
        ("slot", np.ones(len(e), bool), -1, 2**31),
        ("t0", np.ones(len(e), bool), 0, 2**62),
        ("duration", np.ones(len(e), bool), 0, 2**62),
    )
    for name, where, low, high in limits:
        column = getattr(e, name)
        bad = where & ((column < low) | (column >= high))
        for row in np.flatnonzero(bad).tolist():
            fact = f"{int(column[row])} came"
            report.found.append(
                Violation(row, f"row {row}: column `{name}` must be in {low}..{high - 1}, but {fact}.", None)
            )
    if report.found:
        return False
    late = np.zeros(len(e), dtype=bool)
    late[1:] = e.t0[1:] < e.t0[:-1]
    report.each(late, "rows must be sorted by time", lambda r: f"the row before it starts at {int(e.t0[r - 1])}")
    end = int((e.t0 + e.duration).max()) if len(e) else 0
    if p.duration < end:
        report.found.append(
            Violation(-1, f"program {p.name!r}: the duration must cover every row, but {p.duration} < {end}.")
        )
    return not report.found


def _check_values(report: Report, free: np.ndarray) -> None:
    e = report.events
    kinds = np.array([c.kind for c in report.program.channels] or [""], dtype="U1")[e.channel]
    finite = np.isfinite(e.value) & np.isfinite(e.angle)
    is_frequency = np.isin(e.op, (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY))
    report.each(
        ~finite & ~is_frequency, "amplitude, angle and phase must be finite", lambda r: _values(report, r), 8042
    )
    report.each(
        np.isin(e.op, (Op.SHIFT_PHASE, Op.SET_PHASE)) & finite & (np.abs(e.value) > MAX_PHASE),
        f"a phase must be within {MAX_PHASE:g} rad",
        lambda r: f"{float(e.value[r])!r} came",
        8042,
    )
    report.each(
        ~finite & is_frequency, "the frequency must be finite", lambda r: f"{float(e.value[r])!r} Hz came", 8000
    )
    acquires = e.op == Op.ACQUIRE
    report.each(acquires != (kinds == "a"), "acquire channels acquire, and only they", lambda r: Op(e.op[r]).name, 8027)
    report.each((e.op == Op.RESET) & (kinds != "d"), "a reset is on a drive channel", lambda r: "it is not", 8027)
    timeless = np.isin(e.op, (*_FRAME_OPS, Op.SAVE_FRAME, Op.RESTORE_FRAME))
    report.each(timeless & (e.duration != 0), "a frame change takes no time", lambda r: f"{e.duration[r]} samples came")
    lasting = np.isin(e.op, (Op.PLAY, Op.ACQUIRE)) & ~free[2]
    report.each(lasting & (e.duration == 0), "a pulse or acquire must take time", lambda r: "0 samples came", 8016)


def _values(report: Report, row: int) -> str:
    e = report.events
    return f"value {float(e.value[row])!r} and angle {float(e.angle[row])!r} came"


def _check_amplitudes(report: Report, free: np.ndarray) -> None:
    p, e = report.program, report.events
    plays = e.op == Op.PLAY
    report.each(
        (plays | (e.op == Op.ACQUIRE)) & (e.duration > MAX_PULSE),
        f"a pulse or acquire must have at most {MAX_PULSE} samples",
        lambda r: f"{e.duration[r]} came",
        8022,
    )
    peaks, strongest = np.zeros(max(len(p.pulses), 1)), np.zeros(max(len(p.pulses), 1))
    with np.errstate(invalid="ignore"):  # NaN is found above
        np.maximum.at(strongest, e.ref[plays], np.abs(e.value[plays]))
    for ref in np.unique(e.ref[plays]).tolist():
        pulse = p.pulses[ref]
        if pulse.duration <= MAX_PULSE:
            ceiling = pulse.ceiling
            weak = strongest[ref] * ceiling <= 1 + AMPLITUDE_TOLERANCE
            peaks[ref] = ceiling if weak else pulse.peak  # sampled only where it matters
            if not pulse.limit_amplitude and np.isfinite(peaks[ref]):
                peaks[ref] = 0.0
    lengths = np.array([pulse.duration for pulse in p.pulses] or [0], dtype=np.int64)
    refs = np.where(plays, e.ref, 0)
    wrong = plays & ~free[2] & (lengths[refs] != e.duration)
    report.each(
        wrong,
        "a play takes as long as its pulse",
        lambda r: f"the pulse has {lengths[refs[r]]} samples",
    )
    report.each(plays & ~np.isfinite(peaks[refs]), "samples must be finite", lambda r: "NaN or infinity came", 8042)
    bound = plays & ~free[0] & np.isfinite(e.value)
    peak = np.abs(np.where(bound, e.value, 0.0)) * np.where(np.isfinite(peaks[refs]), peaks[refs], 0.0)
    report.each(
        bound & (peak > 1 + AMPLITUDE_TOLERANCE),
        "the amplitude must not exceed 1",
        lambda r: f"it reaches {peak[r]:.6g}",
        8041,
    )


def _check_overlap(report: Report, free: np.ndarray) -> None:
    """Check that what takes time on a channel comes one after the other."""
    e = report.events
    if free[2:].any():
        return
    stop = e.t0 + e.duration
    order = np.lexsort((np.arange(len(e)), e.t0, e.channel))
    busy = order[e.duration[order] > 0]
    same = e.channel[busy[1:]] == e.channel[busy[:-1]]
    for k in np.flatnonzero(same & (e.t0[busy[1:]] < stop[busy[:-1]])).tolist():
        row, other = int(busy[k + 1]), int(busy[k])
        fact = f"it overlaps {row_place(report.program, other)}{row_origin(report.program, other)}"
        report.at(row, "one thing at a time on a channel", fact, 8035)
    plays = order[e.op[order] == Op.PLAY]
    frames = np.flatnonzero(np.isin(e.op, _FRAME_OPS))
    moment = np.unique(e.t0, return_inverse=True)[1].reshape(-1)  # numbers of times: times themselves may be huge
    place = e.channel.astype(np.int64) * (len(e) + 1) + moment
    before = np.searchsorted(place[plays], place[frames], "left") - 1
    frames, before = frames[before >= 0], plays[before[before >= 0]]
    inside = (e.channel[before] == e.channel[frames]) & (stop[before] > e.t0[frames])
    for row, play in zip(frames[inside].tolist(), before[inside].tolist()):
        report.at(row, "a frame changes between pulses", f"it is inside {row_place(report.program, play)}", 8035)


def _check_slots(report: Report) -> None:
    p, e = report.program, report.events
    slots = (e.op == Op.ACQUIRE) & (e.slot >= 0)
    report.each(
        slots & (e.slot >= p.memory_slots),
        f"the memory slot must be below `memory_slots` ({p.memory_slots})",
        lambda r: f"{e.slot[r]} came",
        7003,
    )
    report.each(
        (e.op != Op.ACQUIRE) & (e.slot >= 0), "only an acquire has a memory slot", lambda r: f"slot {e.slot[r]} came"
    )
    rows = np.flatnonzero(slots)
    rows = rows[np.lexsort((e.t0[rows], e.slot[rows]))]
    for first, second in zip(rows[:-1].tolist(), rows[1:].tolist()):
        if e.slot[first] != e.slot[second]:
            continue
        place = row_place(p, first)
        if e.t0[second] < e.t0[first] + e.duration[first]:
            report.at(
                second, "a memory slot takes one result", f"slot {e.slot[second]} is being filled by {place}", 7003
            )
        else:
            fact = f"slot {e.slot[second]} was filled by {place}, whose result is lost"
            report.at(second, "a memory slot takes one result", fact, 7003, warning=True)
    unused = (e.op == Op.ACQUIRE) & (e.slot < 0)
    if unused.any():
        registers = np.array([a.register for a in p.acquires])[np.where(unused, e.ref, 0)]
        report.each(
            unused & (registers < 0), "an acquire needs a memory slot", lambda r: "none came", 8001, warning=True
        )


def _check_frames_balance(report: Report) -> None:
    e = report.events
    depth = (e.op == Op.SAVE_FRAME).astype(int) - (e.op == Op.RESTORE_FRAME)
    for channel in np.unique(e.channel[depth != 0]).tolist():
        rows = np.flatnonzero((e.channel == channel) & (depth != 0))
        level = np.cumsum(depth[rows])
        if (level < 0).any():
            report.at(int(rows[np.argmax(level < 0)]), "a restored frame was saved before", "it was not")
        elif level[-1]:
            report.at(int(rows[-1]), "a saved frame is restored", "the program ends before")
