"""Run programs: simulate to the next acquire, read out, go on."""

from .execute import check_batch, execute
from .live import LiveStream
from .settings import Record, Settings

__all__ = ["LiveStream", "Record", "Settings", "check_batch", "execute"]
