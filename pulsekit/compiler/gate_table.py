"""What other packages know of the compiler: its data, none of its passes."""

from __future__ import annotations

from .gates import BARRIER, DELAY, GATE, MEASURE, RESET, CircuitInfo, GateTable, Symbols
from .lowered import Lowered
from .scanning import scanner
from .snippets import Snippet

__all__ = [
    "BARRIER",
    "DELAY",
    "GATE",
    "MEASURE",
    "RESET",
    "CircuitInfo",
    "GateTable",
    "Lowered",
    "Snippet",
    "Symbols",
    "scanner",
]
