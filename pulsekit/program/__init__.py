"""What a pulse program is: channels, envelopes, events, LOs. numpy only."""

from .batch import Batch
from .channels import Channel
from .diff import ProgramDiff, diff
from .envelopes import SHAPES
from .events import EventTable, Op
from .findings import Violation
from .frames import Plays, carrier_at, resolve_frames
from .json_format import from_json, to_json
from .lo import LoTable
from .program import AcquireSpec, Origin, ParameterTable, Program, Pulse, Source
from .stacks import Stack, stacked
from .text import to_text
from .text_parser import parse_text
from .verifier import find_violations, verify
from .verify_many import verify_all

__all__ = [
    "SHAPES",
    "AcquireSpec",
    "Batch",
    "Channel",
    "EventTable",
    "LoTable",
    "Op",
    "Origin",
    "ParameterTable",
    "Plays",
    "Program",
    "ProgramDiff",
    "Pulse",
    "Source",
    "Stack",
    "Violation",
    "diff",
    "find_violations",
    "from_json",
    "parse_text",
    "carrier_at",
    "resolve_frames",
    "stacked",
    "to_json",
    "to_text",
    "verify",
    "verify_all",
]
