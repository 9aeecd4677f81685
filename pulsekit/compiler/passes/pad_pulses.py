"""Bring the lengths of pulses to the device's granularity and minimum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, FrozenSet, List, Tuple

import numpy as np

from ...device import Timing
from ...errors import CompilerError
from ...program import Op, Program, Pulse, Stack
from ...program.findings import row_place
from ..base import Pass
from ..memo import remember
from ..sheets import by_sheet
from ..snippets import Snippet
from ..work import Note, Work

__all__ = ["MODES", "PadPulses", "check_mode", "pad_program", "wrong_lengths"]

MODES = ("pad", "strict", "off")
TOO_SHORT, NOT_MULTIPLE = 8016, 8017


def check_mode(align: str) -> str:
    """Return ``align`` if it is a mode.

    Raises:
        CompilerError: it is none.
    """
    if align not in MODES:
        raise CompilerError(f"Argument `align` must be one of {list(MODES)}, but {align!r} came.")
    return align


@dataclass(frozen=True)
class PadPulses(Pass):
    """Pad (or refuse) the pulses of calibrations that do not fit the device."""

    mode: str = "pad"  # "strict": raise instead; "off": leave as it is
    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work with snippets whose pulses have lengths that the device plays."""
        if check_mode(self.mode) == "off":
            return work
        assert work.snippet is not None and work.duration is not None
        snippets, changed = list(work.snippets), {}  # type: ignore[var-annotated]
        alone, sheets = by_sheet(snippets)
        for sheet, positions, bodies in sheets:
            wrong = remember(sheet, ("lengths", work.device.timing), partial(wrong_lengths, sheet, work.device.timing))
            alone += positions[wrong[bodies]].tolist()
        for k in alone:
            snippet = snippets[k]
            make = partial(_padded_snippet, snippet, work.device.timing, self.mode)
            padded, texts = remember(snippet, ("padded", work.device.timing, self.mode), make)
            if texts:
                snippets[k] = padded
                changed[k] = texts
        if not changed:
            return work
        lengths = np.array([s.duration for s in snippets] + [0], dtype=np.int64)
        rows = np.flatnonzero(np.isin(work.snippet, list(changed)))
        duration = work.duration.copy()
        duration[rows] = lengths[work.snippet[rows]]
        told = dict.fromkeys(zip(work.gates.circuit[rows].tolist(), work.snippet[rows].tolist()))
        notes = [Note("padded", text, (circuit,)) for circuit, k in told for text in changed[k]]
        return work.replace(snippets=tuple(snippets), duration=duration).noted(*notes)


def _padded_snippet(snippet: Snippet, timing: Timing, mode: str) -> Tuple[Snippet, List[str]]:
    where = f"Calibration {snippet.name!r} on qubits {list(snippet.qubits)}, "
    program, texts = pad_program(snippet.program, timing, mode, where=where)
    if not texts:
        return snippet, texts
    return snippet.alone(program), texts  # without objects: they show the pulse as it was


def wrong_lengths(stack: Stack, timing: Timing) -> np.ndarray:
    """Return which programs have pulses that must be padded, bool[programs]."""
    plays = np.flatnonzero(stack.events.op == Op.PLAY)
    lengths = stack.events.duration[plays]
    wrong = np.zeros(len(stack), dtype=bool)
    wrong[stack.owner[plays[_wanted(lengths, timing) != lengths]]] = True
    return wrong


def pad_program(program: Program, timing: Timing, mode: str, *, where: str = "") -> Tuple[Program, List[str]]:
    """Return a program whose pulses are as long as the device demands.

    A pulse is filled up with zeros at its end, at the cost of the delay or the
    gap that follows it.

    Args:
        program: its pulses' lengths may be anything.
        timing: gives granularity and minimum length in samples.
        mode: "pad" or "strict".
        where: the beginning of messages.

    Returns:
        The program, and a text per row that was padded.

    Raises:
        CompilerError: in mode "strict", a pulse of a wrong length (8016,
            8017); in mode "pad", no room for its padding.
    """
    e = program.events
    plays = np.flatnonzero(e.op == Op.PLAY)
    wanted = _wanted(e.duration[plays], timing)
    wrong = plays[wanted != e.duration[plays]]
    if not wrong.size:
        return program, []
    targets = dict(zip(plays.tolist(), wanted.tolist()))
    if mode == "strict":
        row = int(wrong[0])
        raise CompilerError(*_refusal(program, row, targets[row], timing, where), code=_code(program, row, timing))
    t0, duration, ref = e.t0.copy(), e.duration.copy(), e.ref.copy()
    pulses, texts = list(program.pulses), []
    made: dict = {}
    for row in wrong.tolist():
        old, length = program.pulses[int(ref[row])], targets[row]
        stop = int(t0[row]) + length
        _make_room(program, row, stop, t0, duration, where)
        if (old, length) not in made:
            made[old, length] = len(pulses)
            pulses.append(_padded(old, length))
        ref[row], duration[row] = made[old, length], length
        texts.append(f"{where}{row_place(program, row)}: padded with zeros to {length} samples.")
    table = e.replace(t0=t0, duration=duration, ref=ref).take(np.lexsort((duration > 0, t0)))
    if program.parameters is not None and (t0 != e.t0).any():
        raise CompilerError(
            f"{where}a parametric program's delays cannot give way to padding. Pad its pulses yourself."
        )
    longest = int((t0 + duration).max())
    return program.replace(events=table, pulses=tuple(pulses), duration=max(program.duration, longest)), texts


def _wanted(lengths: np.ndarray, timing: Timing) -> np.ndarray:
    grain = max(timing.granularity, 1)
    least = -(-timing.min_length // grain) * grain
    return np.maximum(-(-lengths // grain) * grain, least)


def _code(program: Program, row: int, timing: Timing) -> int:
    length = int(program.events.duration[row])
    return NOT_MULTIPLE if length % max(timing.granularity, 1) else TOO_SHORT


def _refusal(program: Program, row: int, target: int, timing: Timing, where: str) -> Tuple[str]:
    length = int(program.events.duration[row])
    rule = f"a multiple of {timing.granularity} samples and at least {timing.min_length}"
    return (
        f"{where}{row_place(program, row)}: a pulse's length must be {rule}, but {length} came. "
        f"Make it {target}, or compile with align='pad'.",
    )


def _make_room(program: Program, row: int, stop: int, t0: np.ndarray, duration: np.ndarray, where: str) -> None:
    """Start delays later that are in the way; refuse what else is."""
    e = program.events
    later = np.flatnonzero((e.channel == e.channel[row]) & (t0 < stop) & (t0 >= t0[row] + e.duration[row]))
    for other in later.tolist():
        end = int(t0[other] + duration[other])
        if e.op[other] == Op.DELAY:
            t0[other] = min(stop, end)
            duration[other] = end - t0[other]
        elif duration[other] or t0[other] > t0[row] + e.duration[row]:
            raise CompilerError(
                f"{where}{row_place(program, row)}: a pulse needs room for its padding up to {stop}, but "
                f"{row_place(program, other)} follows. Make the pulse {stop - int(t0[row])} samples long.",
                code=NOT_MULTIPLE,
            )
        else:
            t0[other] = stop  # a frame change right after the pulse


def _padded(pulse: Pulse, length: int) -> Pulse:
    samples = np.zeros(length, dtype=np.complex128)
    samples[: pulse.duration] = pulse.samples
    return Pulse.from_samples(samples, limit_amplitude=pulse.limit_amplitude, name=pulse.name)
