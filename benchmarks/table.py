"""One row per benchmark, and how a table of them looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

__all__ = ["Row", "render"]


@dataclass(frozen=True)
class Row:
    """A measured benchmark."""

    name: str
    ours_s: float  # s, the minimum of several runs
    peer: str = ""  # who else did the same work
    peer_s: Optional[float] = None  # s; None: no peer was run
    quoted: bool = False  # the peer's time was measured elsewhere, not in this run
    error: Optional[float] = None  # largest deviation from the reference
    memory_mb: Optional[float] = None  # peak, of our process
    goal: str = ""  # what was promised

    @property
    def ratio(self) -> Optional[float]:
        """How many times faster we are."""
        return None if self.peer_s is None else self.peer_s / self.ours_s


def _time(seconds: Optional[float]) -> str:
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def render(rows: Sequence[Row]) -> str:
    """Return the rows as an aligned text table."""
    head = ["benchmark", "pulsekit", "peer", "peer's time", "ratio", "goal", "error", "memory"]
    cells: List[List[str]] = [head]
    for row in rows:
        ratio = row.ratio
        cells.append(
            [
                row.name,
                _time(row.ours_s),
                row.peer + (" (quoted)" if row.quoted else ""),
                _time(row.peer_s),
                "-" if ratio is None else f"{ratio:.3g}x",
                row.goal,
                "-" if row.error is None else f"{row.error:.1e}",
                "-" if row.memory_mb is None else f"{row.memory_mb:.0f} MB",
            ]
        )
    widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
