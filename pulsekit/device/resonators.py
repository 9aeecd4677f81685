"""Fill in what snapshots lack: a readout resonator by documented rules.

1. Qubit-resonator coupling g = 100 MHz (assumed).
2. Dispersive shift of level s, transmon ladder (Koch et al., Phys. Rev. A 76,
   042319, eq. 3.10): chi_s = s g^2 / (D + (s-1) a) - (s+1) g^2 / (D + s a) with
   D = f_qubit - f_resonator and a the anharmonicity.
3. The measure LO sits half way between the resonances of |0> and |1>, which
   is the reference that the shifts are counted from.
4. kappa: the stimulus lasts ten amplitude lifetimes 1/(pi kappa) of the
   resonator, within 1 to 8 MHz.
5. Drive: the published stimulus holds five photons in the resonator at the
   LO, below the critical number D^2 / (4 g^2).

``tune`` fits efficiency, noise and thermal population to the published errors.
"""

from __future__ import annotations

import math
from typing import Optional, Tuple

import numpy as np

from ..program import Op, Program, Pulse
from .model import Resonator

__all__ = ["COUPLING", "PHOTONS", "default_resonator", "dispersive_shifts"]

COUPLING = 100e6  # Hz
PHOTONS = 5.0
KAPPA_RANGE = (1e6, 8e6)  # Hz
LIFETIMES = 10.0
_DEFAULT_AMPLITUDE = 0.25
_DEFAULT_STIMULUS_S = 330e-9


def dispersive_shifts(
    qubit_freq: float, resonator_freq: float, anharmonicity: float, levels: int, coupling: float = COUPLING
) -> Tuple[float, ...]:
    """Return the shift (Hz) of the resonance for each level, from half way between |0> and |1>."""
    detuning, g2 = qubit_freq - resonator_freq, coupling**2
    shifts = [
        (s * g2 / (detuning + (s - 1) * anharmonicity) if s else 0.0) - (s + 1) * g2 / (detuning + s * anharmonicity)
        for s in range(levels)
    ]
    middle = (shifts[0] + shifts[1]) / 2
    return tuple(shift - middle for shift in shifts)


def stimulus(measure: Optional[Program], qubit: int) -> Tuple[float, int]:
    """Return peak amplitude and length (samples) of the stimulus of a measure."""
    row = -1 if measure is None else measure.channel_id_of("m", qubit)
    if measure is None or row < 0:
        return 0.0, 0
    events = measure.events
    played = np.flatnonzero((events.channel == row) & (events.op == int(Op.PLAY)))
    if not played.size:
        return 0.0, 0
    peaks = [abs(events.value[r]) * _peak(measure.pulses[events.ref[r]]) for r in played]
    return max(peaks), int(events.duration[played].sum())


def _peak(pulse: Pulse) -> float:
    flat = pulse.shape in ("constant", "gaussian", "gaussian_square")  # long ones need not be sampled
    return 1.0 if flat else float(np.abs(pulse.samples).max())


def default_resonator(
    qubit: int,
    qubit_freq: float,
    anharmonicity: float,
    measure_lo: float,
    *,
    measure: Optional[Program] = None,
    dt: float = 2e-9 / 9,
    levels: int = 5,
) -> Resonator:
    """Return the resonator that the rules of this module give.

    Args:
        qubit: index, to find its stimulus in ``measure``.
        qubit_freq: Hz.
        anharmonicity: Hz.
        measure_lo: published measure frequency in Hz.
        measure: the qubit's measure command, if there is one.
        dt: s.
        levels: shifts are given for this many levels.
    """
    chi = dispersive_shifts(qubit_freq, measure_lo, anharmonicity, levels)
    amplitude, samples = stimulus(measure, qubit)
    length_s = samples * dt if samples else _DEFAULT_STIMULUS_S
    kappa = float(np.clip(LIFETIMES / (math.pi * length_s), *KAPPA_RANGE))
    # steady state at the LO: |alpha| = eps / sqrt((kappa/2)^2 + chi_1^2), the same for |0> and |1>
    size = math.hypot(kappa / 2, chi[1])
    rate = math.sqrt(PHOTONS) * size / (amplitude or _DEFAULT_AMPLITUDE)
    return Resonator(frequency=measure_lo, kappa=kappa, chi=chi, drive_rate=rate)
