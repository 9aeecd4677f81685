"""Hold the pulse body of one calibrated instruction, ready to be copied."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Callable, Optional, Sequence, Tuple

import numpy as np

from ..program import AcquireSpec, Channel, Op, Program, Pulse

__all__ = ["Family", "Snippet"]


@dataclass(frozen=True, eq=False)
class Snippet:
    """A program body: what an instruction plays, from its start.

    ``program.parameters`` (names in the instruction's parameter order) says
    how rows depend on the instruction's parameters. Acquire rows of a measure
    get their memory slot from the instruction's clbits, except when ``fixed``
    (a user's own calibration that names its slots).
    """

    program: Program
    name: str = ""
    qubits: Tuple[int, ...] = ()
    calibration: str = ""  # id of the calibration
    fixed: bool = False
    stretch: bool = False  # its rows last as long as the gate (delays)
    objects: Optional[Sequence[Any]] = field(default=None, repr=False)  # a frontend's own objects, one per row
    signature: Tuple[str, ...] = ()  # names of the instruction's parameters, in order

    @property
    def duration(self) -> int:
        """Samples."""
        return self.program.duration

    @cached_property
    def anchor(self) -> int:
        """Start of the first acquire in samples from the snippet's start, or -1."""
        rows = self.program.rows(Op.ACQUIRE)
        return int(self.program.events.t0[rows].min()) if rows.size else -1

    def channel(self, row: int) -> Channel:
        """Return the channel of a row."""
        return self.program.channels[self.program.events.channel[row]]

    def pulses(self) -> Tuple[Pulse, ...]:
        """Return the table of pulses."""
        return self.program.pulses

    def acquires(self) -> Tuple[AcquireSpec, ...]:
        """Return the table of acquire settings."""
        return self.program.acquires

    def alone(self, program: Program, objects: Optional[Sequence[Any]] = None) -> "Snippet":
        """Return the snippet with another program."""
        return Snippet(
            program,
            self.name,
            self.qubits,
            self.calibration,
            self.fixed,
            self.stretch,
            objects=objects,
            signature=self.signature,
        )

    def restrict(self, qubits: Sequence[int], kinds: str = "dma") -> "Snippet":
        """Return the rows on channels of some kinds with the index of one of ``qubits``.

        This is how a measure of a whole group is cut down to the qubits that
        a circuit measures.
        """
        events, channels = self.program.events, self.program.channels
        mine = np.array([c.kind in kinds and c.index in qubits for c in channels], dtype=bool)
        rows = np.flatnonzero(mine[events.channel]) if len(events) else np.zeros(0, np.int64)
        taken = events.take(rows)
        stop = int((taken.t0 + taken.duration).max()) if len(taken) else 0
        objects = None if self.objects is None else tuple(self.objects[r] for r in rows.tolist())
        program = _compact(self.program.replace(events=taken, duration=stop, parameters=None))
        return replace(self.alone(program, objects), qubits=tuple(qubits))


@dataclass(frozen=True, eq=False)
class Family:
    """A calibration whose shapes or times depend on its parameters: one snippet per set of numbers."""

    make: Callable[[np.ndarray], Sequence[Snippet]]  # called with float64[sets, arity]
    arity: int  # how many parameters the instruction has


def _compact(program: Program) -> Program:
    """Return the program with only the table entries that its rows use."""
    events = program.events
    channel, channels = _used(events.channel, program.channels)
    label, labels = _used(events.label, program.labels)
    plays, acquires = events.op == Op.PLAY, events.op == Op.ACQUIRE
    ref = np.full(len(events), -1, np.int32)
    ref[plays], pulses = _used(events.ref[plays], program.pulses)
    ref[acquires], specs = _used(events.ref[acquires], program.acquires)
    events = events.replace(
        channel=channel,
        label=label,
        ref=ref,
        source=np.full(len(events), -1, np.int32),
        calibration=np.full(len(events), -1, np.int32),
    )
    return program.replace(
        events=events, channels=channels, labels=labels, pulses=pulses, acquires=specs, sources=(), calibrations=()
    )


def _used(column: np.ndarray, table: Tuple[Any, ...]) -> Tuple[np.ndarray, Tuple[Any, ...]]:
    kept = np.unique(column[column >= 0])
    number = np.full(len(table) + 1, -1, np.int32)
    number[kept] = np.arange(len(kept))
    return number[column], tuple(table[k] for k in kept.tolist())
