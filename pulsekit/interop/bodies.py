"""Read the pulse gates of circuits: one body each, or a template."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union

import numpy as np

from ..compiler.gate_table import Family, Head, Sheet, Snippet
from .collection import no_collection
from .flatten import flatten
from .schedules import ScheduleReader, UnboundShape, snippet_from_schedule
from .templates import family_of_template

__all__ = ["OwnBody", "read_bodies"]


class OwnBody(NamedTuple):
    """A circuit's own calibration of an instruction."""

    schedule: Any  # Schedule or ScheduleBlock
    name: str
    qubits: Tuple[int, ...]
    order: Mapping[Any, int]  # the circuit's parameters, numbered

    @property
    def head(self) -> Head:
        """What its snippet is called; it keeps the memory slots of a measure."""
        return Head(self.name, self.qubits, f"user:{self.name}:{list(self.qubits)}", self.name == "measure")


def read_bodies(bodies: Sequence[OwnBody]) -> List[Union[Snippet, Family]]:
    """Return a snippet per body, or a family where shapes or lengths depend on parameters.

    Raises:
        UnboundShape: qiskit must bind the circuits first.
        ProgramError: parameters that are not the circuit's, or channels and
            instructions that no device has.
    """
    out: Dict[int, Union[Snippet, Family]] = {}
    bound = [k for k, body in enumerate(bodies) if not body.schedule.is_parameterized()]
    if len(bound) > 1:
        out.update(zip(bound, _sheet([bodies[k] for k in bound]).snippets()))
    for k, body in enumerate(bodies):
        if k not in out:
            out[k] = _one(body)
    return [out[k] for k in range(len(bodies))]


def _one(body: OwnBody) -> Union[Snippet, Family]:
    head, arity = body.head, len(body.order)
    try:
        return snippet_from_schedule(
            body.schedule,
            body.name,
            body.qubits,
            arguments=body.order,
            arity=arity,
            fixed=head.fixed,
            id=head.calibration,
        )
    except UnboundShape:
        return family_of_template(body.schedule, head, body.order, arity)


def _sheet(bodies: Sequence[OwnBody]) -> Sheet:
    reader, spans = ScheduleReader(), []
    with no_collection():
        for body in bodies:
            timed, span = flatten(body.schedule)
            reader.add(timed)
            spans.append(span)
        events = reader.table()
    ptr = np.array(reader.bounds, dtype=np.int64)
    duration = np.array(spans, dtype=np.int64)
    np.maximum.at(duration, np.repeat(np.arange(len(spans)), np.diff(ptr)), events.t0 + events.duration)
    return Sheet(events, ptr, duration, reader.tables(), [body.head for body in bodies])
