"""Say what a shot starts from: resets, thermal population, idle time."""

from __future__ import annotations

import math

from ..device import Device
from .settings import Settings

__all__ = ["excited_at_start", "rep_delay", "residual"]


def rep_delay(device: Device, settings: Settings, duration: int) -> float:
    """Return the idle time between two shots, s.

    Args:
        device: its limits say whether the delay or the period is fixed.
        settings: what was asked for.
        duration: of the program, samples.
    """
    limits = device.limits
    if limits.rep_delay_range is not None:
        given = settings.rep_delay_s
        return float(given if given is not None else limits.default_rep_delay or 0.0)
    period = settings.rep_time_s or (limits.rep_times[0] if limits.rep_times else 1e-3)
    return max(0.0, float(period) - duration * device.timing.dt)


def residual(device: Device, qubit: int) -> float:
    """Return the excited population that an immediate reset leaves."""
    error = device.reset_error[qubit] if device.reset_error else 0.0
    return min(1.0, device.transmons[qubit].p_th + error)


def excited_at_start(device: Device, qubit: int, delay_s: float) -> float:
    """Return the excited population of a shot that was reset.

    The residual error of the reset falls with the idle time before it, as the
    excitation that it has to remove does: p_th + error exp(-rep_delay / T1).
    """
    t1 = device.transmons[qubit].t1
    error = device.reset_error[qubit] if device.reset_error else 0.0
    fading = math.exp(-delay_s / t1) if t1 is not None else 1.0
    return min(1.0, device.transmons[qubit].p_th + error * fading)
