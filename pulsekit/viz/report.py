"""Draw the demo's findings on one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from .timeline import draw_program

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_report"]

_COLOURS = ("#1f5fa8", "#c8442c", "#3d8f5f")


def write_report(found: Any, output: Path) -> None:
    """Write a PNG with the schedule, counts, fits, IQ clouds and raw trace.

    Args:
        found: the demo's findings (``pulsekit.cli.demo.Findings``).
        output: path of the PNG.
    """
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(14, 10), layout="constrained")
        grid = figure.add_gridspec(3, 6)
        device = found.backend.device
        figure.suptitle(f"pulsekit demo: {found.backend.name}, {device.n_qubits} qubits", fontsize=13)
        draw_program(found.program, ax=figure.add_subplot(grid[0, :4]))
        _counts(figure.add_subplot(grid[0, 4:]), found)
        _fit(figure.add_subplot(grid[1, :3]), found.rabi, 1.0, "drive amplitude", f"Rabi: pi at {found.rabi.value:.4f}")
        centre = found.resonance.value
        _fit(
            figure.add_subplot(grid[1, 3:]),
            found.resonance,
            1e9,
            "drive LO (GHz)",
            f"spectroscopy: {centre / 1e9:.6f} GHz",
        )
        _clouds(figure.add_subplot(grid[2, :2]), found)
        _trace(figure.add_subplot(grid[2, 2:]), found)
        figure.savefig(output, dpi=110)


def _counts(axes: Axes, found: Any) -> None:
    offset = 0
    ticks, labels = [], []
    for colour, (name, counts) in zip(_COLOURS, found.counts.items()):
        width = len(next(iter(counts)))
        keys = [format(k, f"0{width}b") for k in range(2**width)]
        total = sum(counts.values())
        positions = offset + np.arange(len(keys))
        label = f"{name}, fidelity {found.fidelities[name]:.3f}"
        axes.bar(positions, [counts.get(k, 0) / total for k in keys], color=colour, label=label)
        ticks += positions.tolist()
        labels += keys
        offset += len(keys) + 1
    axes.set_xticks(ticks, labels, rotation=90)
    axes.set_ylabel("share of shots")
    axes.set_ylim(0, 0.75)
    axes.legend(frameon=False, loc="upper right")
    axes.set_title("counts (level 2)")


def _fit(axes: Axes, fit: Any, unit: float, label: str, title: str) -> None:
    fine = np.linspace(fit.x.min(), fit.x.max(), 400)
    axes.plot(fit.x / unit, fit.y, "o", ms=3.5, color=_COLOURS[0], label="measured, level 1")
    axes.plot(fine / unit, fit.curve(fine), "-", lw=1.2, color=_COLOURS[1], label="fit")
    axes.axvline(fit.value / unit, ls=":", lw=1, color="0.4")
    axes.set_xlabel(label)
    axes.set_ylabel("IQ signal, scaled")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.legend(frameon=False)
    axes.set_title(title)


def _clouds(axes: Axes, found: Any) -> None:
    for colour, (level, points) in zip(_COLOURS, found.clouds.items()):
        shown = points[:1500]
        axes.plot(shown.real, shown.imag, ".", ms=2, alpha=0.35, color=colour)
        centre = points.mean()
        axes.plot(centre.real, centre.imag, "o", ms=8, mec="white", color=colour, label=level)
    axes.set_xlabel("I (arb. units)")
    axes.set_ylabel("Q (arb. units)")
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(frameon=False)
    axes.set_title("single shots (level 1)")


def _trace(axes: Axes, found: Any) -> None:
    time = np.arange(found.trace.size) * found.backend.device.timing.dtm * 1e9
    axes.plot(time, found.trace.real, lw=0.5, alpha=0.45, color=_COLOURS[0])
    axes.plot(time, found.trace.imag, lw=0.5, alpha=0.45, color=_COLOURS[1])
    width = max(1, found.trace.size // 40)
    smooth = np.convolve(found.trace, np.ones(width) / width, mode="valid")
    middle = time[width // 2 : width // 2 + smooth.size]
    axes.plot(middle, smooth.real, lw=1.5, color=_COLOURS[0], label="I")
    axes.plot(middle, smooth.imag, lw=1.5, color=_COLOURS[1], label="Q")
    axes.set_xlabel("time (ns)")
    axes.set_ylabel("V (arb. units)")
    axes.legend(frameon=False, title=f"thick: mean over {width} samples")
    axes.set_title("raw record of one shot of |1> (level 0)")
