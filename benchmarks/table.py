"""One row per benchmark, and how a table of them looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

__all__ = ["Row", "render"]


@dataclass(frozen=True)
class Row:
    """A measured benchmark."""

    name: str
    ours_s: float  # s, the minimum of several runs
    peer: str = ""  # who else did the same work on this machine
    peer_s: Optional[float] = None  # s; None: no peer was run
    survey: str = ""  # whose time on another machine is quoted
    survey_s: Optional[float] = None  # s; None: nothing is quoted
    error: Optional[float] = None  # largest deviation from the reference
    peer_error: Optional[float] = None  # that of the peer
    memory_mb: Optional[float] = None  # peak, of our process
    growth_mb: Optional[float] = None  # by how much the work raised it
    goal: str = ""  # what was promised

    @property
    def ratio(self) -> Optional[float]:
        """How many times faster we are than the peer on this machine."""
        return None if self.peer_s is None else self.peer_s / self.ours_s

    @property
    def survey_ratio(self) -> Optional[float]:
        """How many times faster we are than the quoted peer."""
        return None if self.survey_s is None else self.survey_s / self.ours_s


def _time(seconds: Optional[float]) -> str:
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _times(ratio: Optional[float]) -> str:
    if ratio is None:
        return "-"
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def _megabytes(size: Optional[float], digits: int = 0) -> str:
    return "-" if size is None else f"{size:.{digits}f} MB"


def _error(error: Optional[float]) -> str:
    return "-" if error is None else f"{error:.1e}"


def render(rows: Sequence[Row]) -> str:
    """Return the rows as an aligned text table; columns that nobody fills are left out."""
    columns = [
        ("benchmark", [r.name for r in rows]),
        ("pulsekit", [_time(r.ours_s) for r in rows]),
        ("peer, run here", [r.peer or "-" for r in rows]),
        ("its time", [_time(r.peer_s) for r in rows]),
        ("ratio", [_times(r.ratio) for r in rows]),
        ("peer, quoted", [r.survey or "-" for r in rows]),
        ("its time", [_time(r.survey_s) for r in rows]),
        ("ratio", [_times(r.survey_ratio) for r in rows]),
        ("promised", [r.goal or "-" for r in rows]),
        ("error", [_error(r.error) for r in rows]),
        ("its error", [_error(r.peer_error) for r in rows]),
        ("peak memory", [_megabytes(r.memory_mb) for r in rows]),
        ("of it, the work", [_megabytes(r.growth_mb, 1) for r in rows]),
    ]
    kept = [[head, *cells] for head, cells in columns if any(c != "-" for c in cells)]
    widths = [max(len(cell) for cell in column) for column in kept]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in zip(*kept)]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
