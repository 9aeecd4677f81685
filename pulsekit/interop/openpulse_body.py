"""Run the statements of ``cal`` and ``defcal`` bodies into a Schedule."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from qiskit.pulse import (
    Acquire,
    AcquireChannel,
    Delay,
    MemorySlot,
    Play,
    Schedule,
    SetFrequency,
    SetPhase,
    ShiftFrequency,
    ShiftPhase,
)

from ..errors import CompilerError
from ..program import Channel, Op
from .export import qiskit_pulse
from .openpulse_values import Frame, Samples, evaluate, refuse, wave_of, whole
from .to_schedules import qiskit_channel

__all__ = ["CalBody", "Extern", "is_action"]

NOT_SUPPORTED = 8011

_FRAME_CALLS = {
    "shift_phase": ShiftPhase,
    "set_phase": SetPhase,
    "shift_frequency": ShiftFrequency,
    "set_frequency": SetFrequency,
}
_CAPTURE = re.compile(r"capture_(v[0-9]+|esp)\Z")
_EXTERNS = {"reset_qubit": Op.RESET, "save_frame": Op.SAVE_FRAME, "restore_frame": Op.RESTORE_FRAME}
_ACTIONS = ("DelayInstruction", "QuantumBarrier", "ExpressionStatement", "ClassicalAssignment", "ReturnStatement")


class Extern(NamedTuple):
    """What OpenPulse and Schedules have no word for: an ESP acquire, a reset, a frame saved or restored."""

    op: Op
    channel: Channel
    duration: int = 0  # samples
    slot: int = -1


def is_action(statement: Any) -> bool:
    """Tell what takes place in time from what declares."""
    return type(statement).__name__ in _ACTIONS


class CalBody:
    """One body under way: a clock per frame, and what was played.

    Args:
        names: declared outside; the body's own are kept apart.
        ports: channel of each port that is not called like one.
        defaults: Hz per channel, frames at that frequency set none.
        dt: s.
        slot: memory slot of a returned capture.
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        ports: Mapping[str, Channel],
        defaults: Mapping[Channel, float],
        dt: float,
        slot: Optional[int] = None,
    ) -> None:
        self.names: Dict[str, Any] = dict(names)
        self.ports, self.defaults, self.dt, self.slot = ports, defaults, dt, slot
        self.clock: Dict[str, int] = {}
        self.frame_of: Dict[Channel, str] = {}
        self.items: List[Tuple[int, Any]] = []

    def run(self, statements: Any) -> None:
        """Run statements in order."""
        for statement in statements:
            handler = _STATEMENTS.get(type(statement).__name__)
            if handler is None:
                raise refuse(statement, "statements must be OpenPulse's without control flow", _kind(statement), 8013)
            handler(self, statement)

    def schedule(self, name: str) -> Schedule:
        """Return what was played, as long as the latest clock.

        Raises:
            CompilerError: a Schedule cannot say it (8011).
        """
        for _, item in self.items:
            if isinstance(item, Extern):
                what = "an ESP readout" if item.op == Op.ACQUIRE else item.op.name.lower().replace("_", " ")
                raise CompilerError(
                    f"Schedules must do without resets, ESP and saved frames, but {item.channel} has {what}. "
                    "Use read_openpulse_program.",
                    code=NOT_SUPPORTED,
                )
        schedule, end = Schedule(*self.items, name=name), self.duration
        if end > schedule.duration and self.frame_of:
            channel = next(iter(self.frame_of))
            busy = schedule.ch_stop_time(qiskit_channel(channel))
            schedule = schedule.insert(busy, Delay(end - busy, qiskit_channel(channel)))
        return schedule

    @property
    def duration(self) -> int:
        """The latest clock, samples."""
        return max(self.clock.values(), default=0)

    def declare(self, statement: Any) -> None:
        """Take a declaration."""
        kind, name = type(statement.type).__name__, statement.identifier.name
        given = statement.init_expression
        if kind == "PortType":
            self.names[name] = name
        elif kind == "BitType":
            self.names.setdefault(name, 0)
        elif given is None:
            raise refuse(statement, "declarations must have a value", f"{name!r} without one")
        else:
            value = evaluate(given, self.names, self.dt)
            self.names[name] = wave_of(given, value) if kind == "WaveformType" else value
            if kind == "DurationType":
                self.names[name] = Samples(value)

    def channel(self, node: Any, frame: Frame) -> Channel:
        """Return the channel of a frame's port."""
        found = self.ports.get(frame.port)
        if found is None and re.match(r"[duma](0|[1-9][0-9]*)\Z", frame.port):
            found = Channel.parse(frame.port)
        if found is None:
            raise refuse(node, "ports must be called like channels ('d0') or be in `ports`", repr(frame.port), 8004)
        return found

    def use(self, node: Any) -> Tuple[str, Channel]:
        """Return a frame's name and channel; its first use sets what it declares."""
        name = getattr(node, "name", "")
        frame = self.names.get(name) if isinstance(name, str) else None
        if not isinstance(frame, Frame):
            raise refuse(node, "the argument must be a frame", repr(name))
        channel = self.channel(node, frame)
        if self.frame_of.setdefault(channel, name) != name:
            raise refuse(node, "a port must have one frame in a body", f"{name!r} beside {self.frame_of[channel]!r}")
        if name not in self.clock:
            self.clock[name] = 0
            default = self.defaults.get(channel, 0.0)
            if channel.kind != "a" and frame.frequency and abs(frame.frequency - default) > 1e-3:
                self.items.append((0, SetFrequency(frame.frequency, qiskit_channel(channel))))
            if channel.kind != "a" and frame.phase:
                self.items.append((0, SetPhase(frame.phase, qiskit_channel(channel))))
        return name, channel

    def delay(self, statement: Any) -> None:
        """Advance the clocks of some frames, or of all."""
        samples = whole(statement, evaluate(statement.duration, self.names, self.dt))
        for name in [self.use(q)[0] for q in statement.qubits] or list(self.clock):
            self.clock[name] += samples

    def barrier(self, statement: Any) -> None:
        """Bring the clocks of some frames, or of all, to the latest of them."""
        frames = [self.use(q)[0] for q in statement.qubits] or list(self.clock)
        latest = max((self.clock[f] for f in frames), default=0)
        self.clock.update(dict.fromkeys(frames, latest))

    def expression(self, statement: Any) -> None:
        """Run a call whose result is not kept."""
        self.call(statement.expression, None)

    def assign(self, statement: Any) -> None:
        """Run a capture into a classical bit, or exchange a value."""
        target, value = statement.lvalue, statement.rvalue
        if type(value).__name__ == "FunctionCall" and _CAPTURE.match(value.name.name):
            self.call(value, self._slot_of(target))
        elif type(target).__name__ == "Identifier" and statement.op.name == "=":
            self.names[target.name] = evaluate(value, self.names, self.dt)
        else:
            raise refuse(statement, "assignments must be of captures to bits, or plain", _kind(statement))

    def give(self, statement: Any) -> None:
        """Return a capture."""
        if statement.expression is not None:
            self.call(statement.expression, self.slot)

    def _slot_of(self, target: Any) -> int:
        if type(target).__name__ == "Identifier":
            name, index = target.name, 0
        else:
            name, index = target.name.name, int(evaluate(target.indices[0][0], self.names, self.dt))
        start = self.names.get(name)
        if not isinstance(start, int):
            raise refuse(target, "captures must go to declared bits", repr(name))
        return start + index

    def call(self, node: Any, slot: Optional[int]) -> None:
        """Run one call."""
        if type(node).__name__ != "FunctionCall":
            raise refuse(node, "statements must be calls", _kind(node))
        name = node.name.name
        frame, channel = self.use(node.arguments[0]) if node.arguments else ("", Channel("d", 0))
        now = self.clock.get(frame, 0)
        if name == "play" and len(node.arguments) == 2:
            wave = wave_of(node.arguments[1], evaluate(node.arguments[1], self.names, self.dt))
            pulse = qiskit_pulse(wave.pulse, wave.amp, wave.angle)
            self.items.append((now, Play(pulse, qiskit_channel(channel))))
            self.clock[frame] = now + wave.pulse.duration
        elif name in _FRAME_CALLS and len(node.arguments) == 2:
            value = float(evaluate(node.arguments[1], self.names, self.dt))
            self.items.append((now, _FRAME_CALLS[name](value, qiskit_channel(channel))))
        elif _CAPTURE.match(name) and len(node.arguments) == 2:
            length = evaluate(node.arguments[1], self.names, self.dt)
            if not isinstance(length, (int, float)):
                raise refuse(node, "captures must have a duration (their kernel is the device's)", "a waveform")
            samples = whole(node, length)
            target = None if slot is None else MemorySlot(slot)
            acquire: Any = Acquire(samples, AcquireChannel(channel.index), mem_slot=target)
            if name == "capture_esp":
                acquire = Extern(Op.ACQUIRE, channel, samples, -1 if slot is None else slot)
            self.items.append((now, acquire))
            self.clock[frame] = now + samples
        elif name in _EXTERNS and len(node.arguments) == 1 + (name == "reset_qubit"):
            samples = whole(node, evaluate(node.arguments[1], self.names, self.dt)) if name == "reset_qubit" else 0
            self.items.append((now, Extern(_EXTERNS[name], channel, samples)))
            self.clock[frame] = now + samples
        else:
            raise refuse(node, "calls must be play, a frame's, or capture_v* with a duration", f"{name!r}")


def _kind(node: Any) -> str:
    return type(node).__name__


def _nothing(body: CalBody, statement: Any) -> None:
    """Take a statement that says nothing to a simulator (an extern)."""


_STATEMENTS: Dict[str, Callable[[CalBody, Any], None]] = {
    "ClassicalDeclaration": CalBody.declare,
    "ConstantDeclaration": CalBody.declare,
    "ExternDeclaration": _nothing,
    "DelayInstruction": CalBody.delay,
    "QuantumBarrier": CalBody.barrier,
    "ExpressionStatement": CalBody.expression,
    "ClassicalAssignment": CalBody.assign,
    "ReturnStatement": CalBody.give,
}
