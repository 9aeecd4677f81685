"""The command line: ``pulsekit demo``, ``pulsekit backends``, ``pulsekit device``."""

from .main import main

__all__ = ["main"]
