"""Arrange a program's events in lanes, one per channel, for drawing."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import ProgramError
from ..program import Channel, Op, Program
from ..program.text import pulse_text

__all__ = ["COLORS", "FRAME_OPS", "describe_row", "envelope", "lanes_of", "thin"]

COLORS = {"d": "#2a6f97", "u": "#bc6c25", "m": "#7b2d8b", "a": "#4d7c0f"}
FRAME_OPS = {
    Op.SHIFT_PHASE: "phase",
    Op.SET_PHASE: "phase",
    Op.SHIFT_FREQUENCY: "frequency",
    Op.SET_FREQUENCY: "frequency",
    Op.SAVE_FRAME: "scope",
    Op.RESTORE_FRAME: "scope",
}
_ORDER = {kind: k for k, kind in enumerate("duma")}
_UNITS = {Op.SHIFT_PHASE: "rad", Op.SET_PHASE: "rad", Op.SHIFT_FREQUENCY: "Hz", Op.SET_FREQUENCY: "Hz"}


def lanes_of(program: Program, channels: Optional[Sequence[Any]] = None) -> Dict[Channel, np.ndarray]:
    """Return the event rows of every channel that is drawn, top to bottom.

    Args:
        program: any program.
        channels: names such as "d0", or channels of ours or of Qiskit; None
            for all that have an event, by kind and index.

    Returns:
        {channel: int64[events of the channel]}.

    Raises:
        ProgramError: not a program, not a channel, or one that is named twice.
    """
    if not isinstance(program, Program):
        raise ProgramError(
            f"Argument `program` must be a Program, but {type(program).__name__} came. "
            "pulsekit.compile(...).programs has those of circuits and schedules."
        )
    used = {program.channels[c]: c for c in np.unique(program.events.channel).tolist()}
    if channels is None:
        wanted = sorted(used, key=lambda c: (_ORDER[c.kind], c.index))
    else:
        wanted = [Channel.parse(re.sub(r"\s", "", str(getattr(c, "name", c)))) for c in channels]
    if len(set(wanted)) != len(wanted):
        raise ProgramError(f"Argument `channels` must name each channel once, but {[c.name for c in wanted]} came.")
    none = np.zeros(0, dtype=np.int64)
    return {c: np.flatnonzero(program.events.channel == used[c]) if c in used else none for c in wanted}


def envelope(program: Program, row: int, points: int = 200) -> Tuple[np.ndarray, np.ndarray]:
    """Return what a play row plays, at no more than ``points`` samples.

    Returns:
        Times in samples from the row's start float64[k], and values
        complex128[k].
    """
    e = program.events
    samples = program.pulses[int(e.ref[row])].samples
    t, values = thin(samples, points)
    return t, values * (float(e.value[row]) * np.exp(1j * float(e.angle[row])))


def thin(samples: np.ndarray, points: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return at most ``points`` of the samples, with the middles of their times."""
    keep = np.unique(np.linspace(0, len(samples) - 1, min(points, len(samples))).round().astype(np.int64))
    return keep + 0.5, samples[keep]


def describe_row(program: Program, row: int, dt: Optional[float] = None) -> List[str]:
    """Return what there is to know of an event, a line each."""
    e = program.events
    op, t0, duration = Op(int(e.op[row])), int(e.t0[row]), int(e.duration[row])
    time = f"{t0}..{t0 + duration} dt ({duration})" if duration else f"{t0} dt"
    if dt is not None:
        time += f", {t0 * dt * 1e9:.1f} ns" + (f" for {duration * dt * 1e9:.1f} ns" if duration else "")
    lines = [f"{program.channels[e.channel[row]]} {op.name.lower().replace('_', ' ')}", time]
    if op == Op.PLAY:
        pulse = program.pulses[int(e.ref[row])]
        shape = pulse_text(pulse, name=False) if pulse.shape != "samples" else f"{pulse.duration} samples"
        lines += [shape, f"amplitude {float(e.value[row]):.6g}, angle {float(e.angle[row]):.6g} rad"]
    elif op == Op.ACQUIRE:
        spec = program.acquires[int(e.ref[row])]
        lines.append(f"slot {int(e.slot[row])}" + (", tells 0 from 2 (ESP)" if spec.esp else ""))
    elif op in _UNITS:
        lines.append(f"{float(e.value[row]):.9g} {_UNITS[op]}")
    if e.label[row] >= 0:
        lines.append(f"label {program.labels[int(e.label[row])]}")
    if e.source[row] >= 0:
        source = program.sources[int(e.source[row])]
        lines.append(f"instruction {source.index}: {source.name} on {list(source.qubits)}")
    if e.calibration[row] >= 0:
        lines.append(f"calibration {program.calibrations[int(e.calibration[row])]}")
    return lines
