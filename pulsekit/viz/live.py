"""Follow live data while a job runs: as text in a terminal, as a figure in a notebook."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ..calibration import project_iq
from ..errors import ReadoutError

__all__ = ["LivePlot", "live_signal", "live_text"]

Packet = Dict[str, Any]


def live_signal(packet: Packet, channel: str = "a0") -> np.ndarray:
    """Return one number per circuit, to plot.

    Args:
        packet: of ``job.live_data()`` or ``job.on_live_data``.
        channel: acquire channel.

    Returns:
        float64[circuits]: where each average lies on the line along which they
        spread, 0 to 1, the first at the end where it is 0; of less than three
        circuits, or equal ones, the modulus.

    Raises:
        ReadoutError: a channel that the packet does not have.
    """
    if not isinstance(packet.get(channel), dict):
        there = sorted(k for k in packet if k != "total_rounds")
        raise ReadoutError(f"Argument `channel` must be one of {there}, but {channel!r} came.")
    pairs = np.asarray(packet[channel]["avgLevel1"], dtype=np.float64)
    iq = pairs[:, 0] + 1j * pairs[:, 1]
    return project_iq(iq) if iq.size > 2 and np.ptp(np.abs(iq - iq[0])) > 0 else np.abs(iq)


def live_text(packet: Packet, channel: str = "a0", *, height: int = 12, width: int = 72) -> str:
    """Draw a packet's averages with characters, circuits from left to right.

    Args:
        packet, channel: as of :func:`live_signal`.
        height: rows of the plot.
        width: columns at most; more circuits share columns.

    Returns:
        ``height + 1`` lines; the first says how many rounds are done.
    """
    signal = live_signal(packet, channel)
    low, span = signal.min(), np.ptp(signal) or 1.0
    columns = np.arange(signal.size) * min(width, signal.size) // signal.size
    rows = np.rint((signal - low) / span * (height - 1)).astype(int)
    canvas = np.full((height, int(columns[-1]) + 1), " ")
    canvas[height - 1 - rows, columns] = "*"
    head = f"{channel}  round {packet[channel]['rounds']} of {packet['total_rounds']}"
    return "\n".join([head, *("".join(line) for line in canvas)])


class LivePlot:
    """A matplotlib figure of the averages so far; call it with every packet."""

    def __init__(self, x: Optional[Sequence[float]] = None, channel: str = "a0", *, xlabel: str = "circuit") -> None:
        """Make the figure.

        Args:
            x: one value per circuit; None: their numbers.
            channel: acquire channel.
            xlabel: of the axis.
        """
        from matplotlib.figure import Figure

        self.x, self.channel = x, channel
        self.figure: Any = Figure(figsize=(7, 3.5), layout="constrained")
        self.axes: Any = self.figure.add_subplot()
        self.axes.set(xlabel=xlabel, ylabel=f"{channel}, level 1")
        self._lines: List[Any] = []

    def __call__(self, packet: Packet) -> Any:
        """Draw a packet and return the figure."""
        signal = live_signal(packet, self.channel)
        x = np.arange(signal.size) if self.x is None else np.asarray(self.x)
        if not self._lines:
            self._lines = self.axes.plot(x, signal, "o-", ms=3, color="#2a6f97")
        self._lines[0].set_data(x, signal)
        self.axes.relim()
        self.axes.autoscale_view()
        self.axes.set_title(f"round {packet[self.channel]['rounds']} of {packet['total_rounds']}")
        return self.figure
