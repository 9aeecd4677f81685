"""Assemble the program of a calibration row by row."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..program import AcquireSpec, Channel, EventTable, Op, ParameterTable, Program, Pulse

__all__ = ["Body"]

_Row = Tuple[int, int, int, int, int, float, float, int, int]
_FIELDS = ("t0", "duration", "op", "channel", "ref", "value", "angle", "slot", "label")


class Body:
    """Rows of a program under construction; times and durations in samples."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._rows: List[_Row] = []
        self._channels: Dict[Channel, int] = {}
        self._pulses: Dict[Pulse, int] = {}
        self._acquires: Dict[AcquireSpec, int] = {}
        self._labels: Dict[str, int] = {}
        self._affine: List[Tuple[int, str, float]] = []  # (row, parameter, coefficient), on column "value"
        self._slots = 0
        self._duration = 0

    def _add(
        self,
        op: Op,
        channel: Channel,
        t0: int,
        duration: int = 0,
        *,
        ref: int = -1,
        value: float = 0.0,
        angle: float = 0.0,
        slot: int = -1,
        label: Optional[str] = None,
    ) -> None:
        index = self._channels.setdefault(channel, len(self._channels))
        tag = -1 if label is None else self._labels.setdefault(label, len(self._labels))
        self._rows.append((int(t0), int(duration), int(op), index, ref, value, angle, slot, tag))
        self._duration = max(self._duration, int(t0) + int(duration))

    def play(
        self, channel: Channel, t0: int, pulse: Pulse, amp: float = 1.0, angle: float = 0.0, label: Optional[str] = None
    ) -> None:
        """Play ``amp * exp(i angle)`` times a pulse."""
        ref = self._pulses.setdefault(pulse, len(self._pulses))
        self._add(Op.PLAY, channel, t0, pulse.duration, ref=ref, value=float(amp), angle=float(angle), label=label)

    def delay(self, channel: Channel, t0: int, duration: int) -> None:
        """Take a channel, and play nothing."""
        self._add(Op.DELAY, channel, t0, duration)

    def frame(
        self, op: Op, channel: Channel, t0: int, value: float = 0.0, affine: Optional[Mapping[str, float]] = None
    ) -> None:
        """Set or shift a phase (rad) or a frequency (Hz); ``affine`` adds coefficient * parameter."""
        for parameter, coefficient in (affine or {}).items():
            self._affine.append((len(self._rows), parameter, coefficient))
        self._add(op, channel, t0, value=float(value))

    def acquire(self, qubit: int, t0: int, duration: int, slot: int, spec: Optional[AcquireSpec] = None) -> None:
        """Acquire a qubit into a memory slot."""
        ref = self._acquires.setdefault(spec or AcquireSpec(), len(self._acquires))
        self._slots = max(self._slots, slot + 1)
        self._add(Op.ACQUIRE, Channel("a", qubit), t0, duration, ref=ref, slot=slot)

    def copy_from(
        self, program: Program, *, shift: int = 0, rows: Optional[Sequence[int]] = None, **changes: Any
    ) -> None:
        """Append rows of a program, later by ``shift``; ``changes`` may give ``spec`` of acquires."""
        events = list(program.events)
        for row in range(len(events)) if rows is None else rows:
            event = events[row]
            channel = program.channels[event.channel]
            label = program.labels[event.label] if event.label >= 0 else None
            if event.op == Op.PLAY:
                self.play(channel, event.t0 + shift, program.pulses[event.ref], event.value, event.angle, label)
            elif event.op == Op.ACQUIRE:
                spec = changes.get("spec", program.acquires[event.ref])
                self.acquire(channel.index, event.t0 + shift, event.duration, event.slot, spec)
            elif event.op == Op.DELAY:
                self.delay(channel, event.t0 + shift, event.duration)
            else:
                self._add(event.op, channel, event.t0 + shift, value=event.value)

    def build(self) -> Program:
        """Return the program, rows sorted by time, instantaneous ones first."""
        columns = dict(zip(_FIELDS, (np.array(c) for c in zip(*self._rows)))) if self._rows else {}
        order = np.zeros(0, np.int64)
        if self._rows:
            order = np.lexsort((np.minimum(columns["duration"], 1), columns["t0"]))
        table = EventTable(**{k: v[order] for k, v in columns.items()})
        return Program(
            events=table,
            channels=tuple(self._channels),
            pulses=tuple(self._pulses),
            acquires=tuple(self._acquires),
            labels=tuple(self._labels),
            name=self.name,
            duration=self._duration,
            memory_slots=self._slots,
            parameters=self._parameters(order),
        )

    def _parameters(self, order: np.ndarray) -> Optional[ParameterTable]:
        if not self._affine:
            return None
        names = tuple(sorted({p for _, p, _ in self._affine}))
        position = np.empty(len(order), np.int32)
        position[order] = np.arange(len(order), dtype=np.int32)
        entries = sorted((int(position[r]), names.index(p), c) for r, p, c in self._affine)
        return ParameterTable(
            names=names,
            row=np.array([e[0] for e in entries], np.int32),
            column=np.zeros(len(entries), np.uint8),
            parameter=np.array([e[1] for e in entries], np.int32),
            coefficient=np.array([e[2] for e in entries], np.float64),
        )
