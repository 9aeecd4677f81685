"""Collect provenance notes while a device is made."""

from __future__ import annotations

import warnings
from typing import List

from ..errors import PulsekitWarning
from .provenance import Note, Provenance

__all__ = ["Notes"]


class Notes:
    """A growing list of notes."""

    def __init__(self) -> None:
        self.items: List[Note] = []

    def add(self, quantity: str, kind: str, text: str) -> None:
        """Add a note."""
        self.items.append(Note(quantity, kind, text))

    def warn(self, quantity: str, kind: str, text: str, device: str) -> None:
        """Add a note, and warn the user."""
        self.add(quantity, kind, text)
        warnings.warn(f"{device}: {text}.", PulsekitWarning, stacklevel=2)

    def provenance(self) -> Provenance:
        """Return what was collected."""
        return Provenance(tuple(self.items))
