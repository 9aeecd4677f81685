"""What tests of pulse code need: systems with known answers."""

from .systems import SYSTEMS, System

__all__ = ["SYSTEMS", "System"]
