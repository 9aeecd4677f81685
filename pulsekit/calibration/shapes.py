"""Change the DRAG coefficient of a pulse and keep everything else."""

from __future__ import annotations

import numpy as np

from ..program import Pulse

__all__ = ["area", "peak", "with_beta"]


def with_beta(pulse: Pulse, beta: float) -> Pulse:
    """Return the pulse with DRAG coefficient ``beta`` (samples).

    A pulse of the shape library that has a beta gets another one, a Gaussian
    becomes a Drag, and sampled pulses get their in-phase part plus
    i beta times its derivative.
    """
    parameters = dict(pulse.params)
    if "beta" in parameters:
        parameters["beta"] = beta
        return Pulse.from_shape(
            pulse.shape, pulse.duration, parameters, limit_amplitude=pulse.limit_amplitude, name=pulse.name
        )
    if pulse.shape == "gaussian":
        parameters["beta"] = beta
        return Pulse.from_shape(
            "drag", pulse.duration, parameters, limit_amplitude=pulse.limit_amplitude, name=pulse.name
        )
    in_phase = pulse.samples * np.exp(-1j * np.angle(pulse.samples.sum()))
    slope = np.gradient(in_phase.real)
    return Pulse.from_samples(in_phase.real + 1j * beta * slope, limit_amplitude=pulse.limit_amplitude, name=pulse.name)


def area(pulse: Pulse) -> float:
    """Return the modulus of the sum of a pulse's samples, in samples."""
    return float(abs(pulse.samples.sum()))


def peak(pulse: Pulse) -> float:
    """Return the largest modulus of a pulse's samples."""
    return float(np.abs(pulse.samples).max())
