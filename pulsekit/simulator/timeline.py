"""Lay out what every line of a model does, play by play.

In the frame that rotates at ``w_c`` on every transmon, a play contributes in
its sample ``k`` the drive coefficient

    f(t) = amplitude * envelope[k] * exp(i (w - w_c) t)

to (w_rate / 2) (f a + conj(f) a^dag), with ``t`` from the program's start and
``amplitude`` holding the line's gain, the delay's phase and the carrier's
phase. Sample edges lie at t0 dt + k dt + delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Set, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Channel, Plays, Program
from ..units import TWO_PI
from .model import Line, Model

__all__ = ["Tone", "tones_of"]


@dataclass(frozen=True, eq=False)
class Tone:
    """One play of one line, for every lane."""

    line: int  # index into Model.lines; len(lines) + k: driven extra term k
    start_s: float  # s, first sample edge, delay included
    samples: np.ndarray  # complex128[duration], the envelope
    amplitude: np.ndarray  # complex128[lanes], at phase of exp(i w t)
    w: np.ndarray  # float64[lanes], rad/s, the carrier
    t0: int  # samples, before the delay
    pulse: int  # index into Program.pulses


def tones_of(program: Program, plays: Mapping[Channel, Plays], model: Model) -> List[Tone]:
    """Return every play that reaches the model, in order of start.

    Raises:
        SimulationError: samples that are not finite, or a play on a held
            qubit's line.
    """
    dt = model.dt
    out: List[Tone] = []
    finite: Set[int] = set()
    sources: List[Tuple[int, Line]] = list(enumerate(model.lines))
    for k, term in enumerate(model.driven):
        assert term.channel is not None  # what "driven" means
        sources.append((len(model.lines) + k, Line(term.channel, -1, 1.0, 1.0, term.delay_s)))
    for index, line in sources:
        play = plays.get(line.channel)
        if play is None or not play.t0.size or line.gain == 0 or line.w_rate == 0:
            continue
        if line.local_qubit in model.held:
            continue
        w = TWO_PI * play.freq
        offset = (play.freq - play.f_ref) * TWO_PI
        amplitude = line.gain * play.scale * np.exp(-1j * (offset * (play.t0 * dt)[None, :] + w * line.delay_s))
        if not np.isfinite(amplitude.sum() + w.sum()):
            raise SimulationError(f"{line.channel}: amplitudes and frequencies must be finite, but some are not.")
        for p, (t0, pulse) in enumerate(zip(play.t0.tolist(), play.pulse.tolist())):
            samples = program.pulses[pulse].samples
            if pulse not in finite and not np.isfinite(samples).all():
                raise SimulationError(
                    f"{line.channel}@{t0}..{t0 + play.duration[p]}: samples must be finite, "
                    "but some are NaN or infinite."
                )
            finite.add(pulse)
            out.append(Tone(index, t0 * dt + line.delay_s, samples, amplitude[:, p], w[:, p], t0, pulse))
    return sorted(out, key=lambda tone: (tone.t0, tone.line))
