"""Remember where each number of a device came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

__all__ = ["Note", "Provenance"]


@dataclass(frozen=True)
class Note:
    """One fact about one quantity."""

    quantity: str  # "transmons[3].anharmonicity"
    kind: str  # "published", "derived", "assumed", "clipped", "tuned" or "failed"
    text: str


@dataclass(frozen=True)
class Provenance:
    """What was published, derived, assumed."""

    notes: Tuple[Note, ...] = ()

    def add(self, quantity: str, kind: str, text: str) -> "Provenance":
        """Return a provenance with one note more."""
        return Provenance(self.notes + (Note(quantity, kind, text),))
