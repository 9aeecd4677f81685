"""Solve a readout resonator's field for every level of its qubit.

All quantities are conjugated: ``beta = conj(alpha)`` in the frame of the
measure LO, so that the record is proportional to ``beta`` and

    d(beta_s)/dt = lambda_s beta_s + i eps u(t),
    lambda_s = -kappa/2 + i (w_r + chi_s - w_m)          (rad/s),

with ``u`` the measure tones in that frame. Tones are held over a sample and
turn at their detuning, so that one sample is a closed form (no step error;
tested against ``scipy.integrate.solve_ivp``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.signal import lfilter

from ..device import Resonator
from ..units import TWO_PI

__all__ = ["Field", "Tone", "chi_of", "solve_field"]

_CHI = (0.5, -0.5, -1.3, -1.9, -2.3)  # in kappa; the default shift per level


class Tone(NamedTuple):
    """One pulse at a resonator, in the frame of that resonator's measure LO."""

    start: int  # samples, from the field's first sample; may be negative
    samples: np.ndarray  # complex128[duration], envelope times complex scale and line gain
    detuning: float  # Hz, carrier minus the frame


@dataclass(frozen=True, eq=False)
class Field:
    """The field for each constant level, dimensionless (|beta|^2: photons)."""

    w_lambda: np.ndarray  # complex128[levels], per sample
    edges: np.ndarray  # complex128[levels, samples + 1], beta at sample boundaries
    mean: np.ndarray  # complex128[levels, samples], beta averaged over each sample
    drive: np.ndarray  # complex128[samples], u averaged over each sample
    gain: np.ndarray  # complex128[levels], mean over a sample of an excess of 1 at its start


def chi_of(resonator: Resonator, levels: int) -> np.ndarray:
    """Return the shift per level, float64[levels], Hz.

    Missing shifts are those of the default pattern; beyond its end the last
    step repeats.
    """
    default = [resonator.kappa * c for c in _CHI]
    chi = list(resonator.chi) if resonator.chi else default[:levels]
    while len(chi) < levels:
        step = chi[-1] - chi[-2] if len(chi) > 1 else -resonator.kappa
        chi.append(chi[-1] + step)
    return np.array(chi[:levels], dtype=np.float64)


def exponents(resonator: Resonator, lo_freq: float, levels: int) -> np.ndarray:
    """Return lambda_s, complex128[levels], rad/s."""
    shift = resonator.frequency + chi_of(resonator, levels) - lo_freq
    return TWO_PI * (-resonator.kappa / 2 + 1j * shift)


def solve_field(
    resonator: Resonator, lo_freq: float, tones: Sequence[Tone], samples: int, dt: float, levels: int, warmup: int = 0
) -> Field:
    """Solve the field over ``samples`` samples, for every level.

    Args:
        resonator: whose field.
        lo_freq: measure LO, Hz: the frame.
        tones: what reaches the resonator.
        samples: length of the window.
        dt: sample time, s.
        levels: number of levels of the qubit.
        warmup: samples before the window in which tones act already; the
            field is 0 before.

    Cost: one linear recursion per level, about 10 ns per sample.
    """
    lam = exponents(resonator, lo_freq, levels)
    step = np.exp(lam * dt)
    gain = (step - 1) / (lam * dt)
    total = warmup + samples
    forcing = np.zeros((levels, total), complex)
    average = np.zeros((levels, total), complex)
    drive = np.zeros(total, complex)
    w_eps = TWO_PI * resonator.drive_rate
    for tone, (lo, hi, skip) in _inside(tones, warmup, total):
        w_det = TWO_PI * tone.detuning
        u = tone.samples[skip : skip + hi - lo]
        hold: complex = 1.0
        if w_det != 0.0:
            u = u * np.exp(1j * w_det * dt * np.arange(skip, skip + hi - lo))
            hold = (np.exp(1j * w_det * dt) - 1) / (1j * w_det * dt)
        turn = np.exp(1j * w_det * dt)
        pole = 1j * w_det - lam
        drive[lo:hi] += u * hold
        forcing[:, lo:hi] += (1j * w_eps * (turn - step) / pole)[:, None] * u
        average[:, lo:hi] += (1j * w_eps * (hold - gain) / pole)[:, None] * u
    edges = np.zeros((levels, total + 1), complex)
    for s in range(levels):
        edges[s, 1:] = lfilter([1.0], [1.0, -step[s]], forcing[s])
    mean = edges[:, :-1] * gain[:, None] + average
    return Field(
        w_lambda=lam * dt,
        edges=np.ascontiguousarray(edges[:, warmup:]),
        mean=np.ascontiguousarray(mean[:, warmup:]),
        drive=drive[warmup:],
        gain=gain,
    )


def _inside(tones: Sequence[Tone], warmup: int, total: int) -> List[Tuple[Tone, Tuple[int, int, int]]]:
    """Clip every tone to the solved window: (first, last + 1, samples skipped)."""
    out = []
    for tone in tones:
        first = tone.start + warmup
        lo, hi = max(first, 0), min(first + tone.samples.size, total)
        if hi > lo:
            out.append((tone, (lo, hi, lo - first)))
    return out
