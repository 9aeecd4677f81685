"""What a pulse program is: channels, envelopes, events, LOs. numpy only."""

from .batch import Batch
from .channels import Channel
from .envelopes import SHAPES
from .events import EventTable, Op
from .frames import Plays, resolve_frames
from .lo import LoTable
from .program import AcquireSpec, ParameterTable, Program, Pulse, Source

__all__ = [
    "SHAPES",
    "AcquireSpec",
    "Batch",
    "Channel",
    "EventTable",
    "LoTable",
    "Op",
    "ParameterTable",
    "Plays",
    "Program",
    "Pulse",
    "Source",
    "resolve_frames",
]
