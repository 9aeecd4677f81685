"""Draw a program with matplotlib: one lane per channel, time to the right."""

from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np

from ..program import Op, Program
from .lanes import COLORS, FRAME_OPS, envelope, lanes_of

__all__ = ["draw_program"]

HALF = 0.42  # of a lane: the height of amplitude 1
MARKERS = {"phase": "o", "frequency": "v", "scope": "|"}


def draw_program(
    program: Program,
    ax: Any = None,
    channels: Optional[Sequence[Any]] = None,
    *,
    dt: Optional[float] = None,
    full_scale: Optional[float] = None,
) -> Any:
    """Draw a program and return the matplotlib axes.

    Pulses show their magnitude (filled), real part (line) and imaginary part
    (dashed); acquires and resets are boxes; a circle marks a change of phase,
    a triangle one of frequency, a bar the bounds of a gate's frequency scope.

    Args:
        program: what to draw.
        ax: axes to draw on; None makes a figure as high as the lanes need.
        channels: which, top to bottom ("d0", or channel objects); None: all.
        dt: sample time in s, for an axis in ns; None: samples.
        full_scale: amplitude that fills a lane; None: per lane, the largest.
    """
    lanes = lanes_of(program, channels)
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(10, 1 + 0.6 * max(len(lanes), 1)), layout="constrained")
    scale = 1.0 if dt is None else dt * 1e9
    for lane, (channel, rows) in enumerate(lanes.items()):
        ax.axhline(-lane, color="0.85", linewidth=0.8, zorder=0)
        _draw_lane(ax, program, rows, -lane, COLORS[channel.kind], scale, full_scale)
    ax.set_yticks([-k for k in range(len(lanes))], [c.name for c in lanes])
    ax.set_ylim(-len(lanes) + 0.4, 0.6)
    ax.set_xlim(0, max(program.duration, 1) * scale)
    ax.set_xlabel("time (samples)" if dt is None else "time (ns)")
    if program.name:
        ax.set_title(program.name)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _draw_lane(
    ax: Any, program: Program, rows: np.ndarray, y: float, color: str, scale: float, full_scale: Optional[float]
) -> None:
    e = program.events
    plays = {int(r): envelope(program, int(r)) for r in rows if e.op[r] == Op.PLAY}
    peak = max((float(np.abs(v).max()) for _, v in plays.values() if v.size), default=0.0)
    height = HALF / (full_scale or peak or 1.0)
    for row, (t, values) in plays.items():
        _draw_play(ax, (t + e.t0[row]) * scale, values * height, y, color)
    for row in rows.tolist():
        op, t0, duration = Op(int(e.op[row])), e.t0[row] * scale, e.duration[row] * scale
        if op in (Op.ACQUIRE, Op.RESET):
            hatch = "///" if op == Op.ACQUIRE else "xxx"
            ax.add_patch(_box(t0, y, duration, color, hatch))
            text = f"slot {e.slot[row]}" if op == Op.ACQUIRE else "reset"
            ax.text(t0 + duration / 2, y, text, ha="center", va="center", fontsize=7, color="0.2")
    for kind, marker in MARKERS.items():
        times = [e.t0[r] * scale for r in rows if FRAME_OPS.get(Op(int(e.op[r]))) == kind]
        if times:
            ax.plot(times, [y] * len(times), marker, color=color, markersize=4, markerfacecolor="white", zorder=3)


def _draw_play(ax: Any, t: np.ndarray, values: np.ndarray, y: float, color: str) -> None:
    ax.fill_between(t, y, y + np.abs(values), color=color, alpha=0.25, linewidth=0)
    ax.plot(t, y + values.real, color=color, linewidth=1)
    if np.abs(values.imag).max(initial=0.0) > 1e-9:
        ax.plot(t, y + values.imag, color=color, linewidth=0.8, linestyle="--")


def _box(t0: float, y: float, duration: float, color: str, hatch: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (t0, y - HALF), duration, 2 * HALF, facecolor="white", edgecolor=color, hatch=hatch, linewidth=0.8, alpha=0.5
    )
