"""What other packages know of the compiler: its data, none of its passes."""

from __future__ import annotations

from .gates import BARRIER, DELAY, GATE, LONGEST_DELAY, MEASURE, RESET, CircuitInfo, GateTable, Symbols
from .lowered import Lowered
from .scanning import ScanKind, scanner
from .sheets import Head, Sheet, SheetSnippet
from .snippets import Family, Snippet

__all__ = [
    "BARRIER",
    "DELAY",
    "GATE",
    "LONGEST_DELAY",
    "MEASURE",
    "RESET",
    "CircuitInfo",
    "Family",
    "GateTable",
    "Head",
    "Lowered",
    "ScanKind",
    "Sheet",
    "SheetSnippet",
    "Snippet",
    "Symbols",
    "scanner",
]
