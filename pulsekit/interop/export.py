"""Show a program as a qiskit Schedule, made of qiskit's own pulses."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import numpy as np
from qiskit.pulse import (
    Acquire,
    Delay,
    Discriminator,
    Kernel,
    MemorySlot,
    Play,
    RegisterSlot,
    Schedule,
    SetFrequency,
    SetPhase,
    ShiftFrequency,
    ShiftPhase,
    library,
)

from ..errors import ProgramError
from ..program import Op, Program, Pulse
from ..program.findings import row_place
from .to_schedules import qiskit_channel

__all__ = ["program_to_schedule", "qiskit_pulse"]

_FRAMES = {
    Op.SHIFT_PHASE: ShiftPhase,
    Op.SET_PHASE: SetPhase,
    Op.SHIFT_FREQUENCY: ShiftFrequency,
    Op.SET_FREQUENCY: SetFrequency,
}
_CLASSES: Dict[str, Callable[..., Any]] = {
    "constant": library.Constant,
    "gaussian": library.Gaussian,
    "drag": library.Drag,
    "gaussian_square": library.GaussianSquare,
    "gaussian_square_drag": library.GaussianSquareDrag,
    "gaussian_deriv": library.GaussianDeriv,
    "sin": library.Sin,
    "cos": library.Cos,
    "sawtooth": library.Sawtooth,
    "triangle": library.Triangle,
    "square": library.Square,
    "sech": library.Sech,
    "sech_deriv": library.SechDeriv,
}


def qiskit_pulse(pulse: Pulse, amp: float, angle: float) -> Any:
    """Return qiskit's pulse of an envelope times ``amp * exp(i angle)``.

    Shapes that qiskit cannot scale, and samples, become a Waveform.
    """
    cls = _CLASSES.get(pulse.shape)
    if cls is None:
        samples = pulse.samples * (amp * np.exp(1j * angle) if angle else amp)
        return library.Waveform(samples, limit_amplitude=pulse.limit_amplitude, name=pulse.name)
    params: Dict[str, Any] = dict(pulse.params)
    if "zero_ends" in params:
        params["zero_ends"] = bool(params["zero_ends"])
    return cls(
        duration=pulse.duration,
        amp=amp,
        angle=angle,
        name=pulse.name,
        limit_amplitude=pulse.limit_amplitude,
        **params,
    )


def program_to_schedule(program: Program) -> Schedule:
    """Return a bound program as a Schedule.

    Terra's schedules have no reset and no gate-scoped frequency: those, and
    unbound parameters, are errors.

    Raises:
        ProgramError: naming the first row that has no counterpart.
    """
    if program.parameters is not None and program.parameters.names:
        raise ProgramError(
            f"Program {program.name!r} must be bound, but it depends on {list(program.parameters.names)}."
        )
    e = program.events
    children = []
    for row, event in enumerate(e):
        channel = qiskit_channel(program.channels[event.channel])
        label = program.labels[event.label] if event.label >= 0 else None
        if event.op == Op.PLAY:
            item: Any = Play(qiskit_pulse(program.pulses[event.ref], event.value, event.angle), channel, name=label)
        elif event.op == Op.DELAY:
            item = Delay(event.duration, channel, name=label)
        elif event.op in _FRAMES:
            item = _FRAMES[event.op](event.value, channel, name=label)
        elif event.op == Op.ACQUIRE:
            item = _acquire(program, row, channel, label)
        else:
            raise ProgramError(
                f"{row_place(program, row)}: a Schedule cannot say {event.op.name.lower()}. "
                "Compile with frequency_scope='program', and without reset."
            )
        children.append((event.t0, item))
    schedule = Schedule(*children, name=program.name or None, metadata=dict(program.metadata))
    rest = program.duration - schedule.duration
    if rest > 0 and program.channels:
        first = qiskit_channel(program.channels[0])
        schedule = schedule.insert(program.duration - rest, Delay(rest, first))
    return schedule


def _acquire(program: Program, row: int, channel: Any, label: Optional[str]) -> Any:
    e = program.events
    spec, slot = program.acquires[e.ref[row]], int(e.slot[row])
    return Acquire(
        int(e.duration[row]),
        channel,
        mem_slot=MemorySlot(slot) if slot >= 0 else None,
        reg_slot=RegisterSlot(spec.register) if spec.register >= 0 else None,
        kernel=None if spec.kernel is None else Kernel(spec.kernel[0], **dict(spec.kernel[1])),
        discriminator=None
        if spec.discriminator is None
        else Discriminator(spec.discriminator[0], **dict(spec.discriminator[1])),
        name=label,
    )
