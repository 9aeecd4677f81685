"""First-order cross resonance: what a CR tone does, and which J it needs.

Driving the control at the target's frequency with Rabi rate R (Hz) turns the
target about X with the sign of the control: H = 2 pi mu ZX / 2 with

    mu = -(J R / D) a / (a + D),   D = f_control - f_target, a the control's anharmonicity

(Magesan and Gambetta, Phys. Rev. A 101, 052308, eq. 4.27 to first order in R).
A CNOT is a ZX turn by pi/2, so mu times the tones' total time is 1/4.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..program import Op, Program

__all__ = ["CNOT_TURNS", "cr_area", "exchange_for_cnot", "zx_rate"]

CNOT_TURNS = 0.25  # of a full turn


def zx_rate(exchange: float, rabi: float, detuning: float, anharmonicity: float) -> float:
    """Return mu, the signed ZX rate in Hz (all arguments in Hz)."""
    return -exchange * rabi / detuning * anharmonicity / (anharmonicity + detuning)


def cr_area(program: Program, channel_index: int, dt: float) -> float:
    """Return the time integral (s) of the tones' size on a control channel."""
    row = program.channel_id_of("u", channel_index)
    if row < 0:
        return 0.0
    events = program.events
    played = np.flatnonzero((events.channel == row) & (events.op == int(Op.PLAY)))
    return float(sum(abs(events.value[r]) * abs(program.pulses[events.ref[r]].samples.sum()) for r in played) * dt)


def exchange_for_cnot(area_s: float, rabi_rate: float, detuning: float, anharmonicity: float) -> Optional[float]:
    """Return the J (Hz) with which tones of this area make a CNOT, or None."""
    unit = zx_rate(1.0, rabi_rate, detuning, anharmonicity) if detuning and anharmonicity + detuning else 0.0
    return None if unit * area_s == 0.0 else abs(CNOT_TURNS / (unit * area_s))
