"""Name the content of a program."""

from __future__ import annotations

from ..cache import content_hash
from ..program import Program

__all__ = ["program_hash"]


def program_hash(program: Program) -> str:
    """Return the SHA-256 (hex) of what a program does.

    Names, labels, sources and metadata do not enter. Computed once per
    program (40 us).
    """
    known = program.__dict__.get("_content_hash")
    if known is None:
        known = program.__dict__["_content_hash"] = _hash(program)
    return str(known)


def _hash(program: Program) -> str:
    events, table = program.events, program.parameters
    parts = [
        [c.name for c in program.channels],
        [[p.shape, p.duration, list(p.params), p.data.hex(), p.limit_amplitude] for p in program.pulses],
        [[a.kernel, a.discriminator, a.esp, a.register] for a in program.acquires],
        [program.duration, program.memory_slots],
        *[getattr(events, c) for c in ("t0", "duration", "op", "channel", "ref", "value", "angle", "slot")],
    ]
    if table is not None:
        parts += [
            list(table.names),
            table.row,
            table.column,
            table.parameter,
            table.coefficient,
            [list(e) for e in table.expressions],
        ]
    return content_hash(*parts)
