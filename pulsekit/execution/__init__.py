"""Run programs: simulate to the next acquire, read out, go on."""

from .execute import execute
from .settings import Record, Settings

__all__ = ["Record", "Settings", "execute"]
