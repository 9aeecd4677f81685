"""Add the pulses of excited-state promoted readout: x12 and measure_esp.

x12 turns 1-2 by pi: ShiftFrequency(+alpha), the qubit's x pulse at 1/sqrt(2)
of its amplitude (the 1-2 matrix element is sqrt(2) times that of 0-1),
ShiftFrequency(-alpha), and the ShiftPhase that takes back what the carrier
gathered at alpha. ``tune`` solves its amplitude on the model. measure_esp is
x12, then the measure, whose stimulus starts where x12 ends.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Optional

from ..program import AcquireSpec, Channel, Op, Program
from .body import Body

__all__ = ["main_play", "measure_esp_program", "own_measure", "x12_program"]


def main_play(program: Program, channel: Channel) -> int:
    """Return the row of the first pulse on a channel, or -1."""
    index = program.channel_id(channel)
    rows = program.rows(Op.PLAY)
    return next((int(r) for r in rows if program.events.channel[r] == index), -1)


def x12_program(qubit: int, x: Program, anharmonicity: float, dt: float, *, scale: float = math.sqrt(0.5)) -> Program:
    """Return the pi pulse on 1-2, made of the qubit's x pulse.

    Args:
        qubit: index.
        x: the program of the qubit's x; its first pulse on the drive channel
            gives shape, amplitude and angle.
        anharmonicity: Hz, how far 1-2 lies above 0-1 (negative).
        dt: s.
        scale: amplitude relative to x.
    """
    channel = Channel("d", qubit)
    row = main_play(x, channel)
    event = list(x.events)[row]
    pulse = replace(x.pulses[event.ref], name=f"X12p_d{qubit}", origin=None)
    body = Body("x12")
    body.frame(Op.SHIFT_FREQUENCY, channel, 0, anharmonicity)
    body.play(channel, 0, pulse, event.value * scale, event.angle, f"X12p_d{qubit}")
    end = pulse.duration
    body.frame(Op.SHIFT_FREQUENCY, channel, end, -anharmonicity)
    body.frame(Op.SHIFT_PHASE, channel, end, carrier_phase(-anharmonicity, end, dt))
    return body.build()


def carrier_phase(frequency: float, duration: int, dt: float) -> float:
    """Return 2 pi frequency duration dt (rad), folded to [-pi, pi]."""
    return 2 * math.pi * math.remainder(frequency * duration * dt, 1.0)


def own_measure(qubit: int, measure: Program) -> Optional[Program]:
    """Return the part of a (group) measure that concerns one qubit, or None."""
    keep = [
        row
        for row, event in enumerate(measure.events)
        if measure.channels[event.channel].kind in ("m", "a") and measure.channels[event.channel].index == qubit
    ]
    if not any(measure.events.op[r] == int(Op.ACQUIRE) for r in keep):
        return None
    body = Body("measure")
    body.copy_from(measure, rows=keep)
    return body.build()


def measure_esp_program(qubit: int, measure: Program, x12: Program) -> Optional[Program]:
    """Return x12 and then the qubit's own part of its measure, or None.

    The acquire is marked ``esp``, so that its discriminator tells 0 from 2.
    """
    own = own_measure(qubit, measure)
    if own is None:
        return None
    start = min((e.t0 for e in own.events if e.op in (Op.PLAY, Op.ACQUIRE)), default=0)
    shift = max(0, x12.duration - start)
    body = Body("measure_esp")
    body.copy_from(x12, shift=start + shift - x12.duration)
    for row, event in enumerate(own.events):
        if event.op == Op.ACQUIRE:
            old = own.acquires[event.ref]
            spec = AcquireSpec(old.kernel, None, esp=True, register=old.register)
            body.copy_from(own, shift=shift, rows=[row], spec=spec)
        else:
            body.copy_from(own, shift=shift, rows=[row])
    return body.build()
