"""Keep what a job was given: circuits and schedules as Qobj-like JSON.

terra's own assemble and disassemble lose circuit metadata, schedule names,
measurement level 0 and memory_slot_size; this form keeps them. Nothing in it
is ever evaluated as code.
"""

from .document import capture, decode, encode

__all__ = ["capture", "decode", "encode"]
