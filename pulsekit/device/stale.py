"""Tell which calibrations a change of the device has made wrong."""

from __future__ import annotations

from itertools import zip_longest
from typing import Set, Tuple

from ..program import Op, Program
from .model import Device

__all__ = ["Stale", "stale_between"]

Stale = Tuple[Tuple[str, Tuple[int, ...]], ...]


def stale_between(before: Device, after: Device) -> Stale:
    """Return the calibrations of ``after`` that do not fit it any more.

    Those that were stale before and have not been exchanged, and those that
    play on a channel whose pulses a difference between the devices concerns.
    """
    kept = {key for key in before.stale if before.calibrations.get(*key) is after.calibrations.get(*key)}
    touched = _touched(before, after)
    for calibration in after.calibrations:
        same = calibration is before.calibrations.get(calibration.name, calibration.qubits)
        if same and touched & _played(calibration.program):
            kept.add((calibration.name, tuple(calibration.qubits)))
    return tuple(sorted(kept))


def _touched(before: Device, after: Device) -> Set[str]:
    """Return the names of the channels whose pulses act differently."""
    if before.timing.dt != after.timing.dt:
        return {channel.name for calibration in after.calibrations for channel in calibration.program.channels}
    found = _lines(before, after)
    for q in range(min(before.n_qubits, after.n_qubits)):
        old, new = before.transmons[q], after.transmons[q]
        detuned = (old.frequency, before.qubit_freq_est[q]) != (new.frequency, after.qubit_freq_est[q])
        ladder = (old.anharmonicity, old.levels) != (new.anharmonicity, new.levels)
        moved = old.frequency - before.qubit_freq_est[q] != new.frequency - after.qubit_freq_est[q]
        if ladder or moved:
            found.add(f"d{q}")
        if ladder or detuned:
            found |= _cross_channels(after, q)
    strengths = [{frozenset(c.qubits): c.strength for c in device.couplings} for device in (before, after)]
    for pair in {*strengths[0], *strengths[1]}:
        if strengths[0].get(pair) != strengths[1].get(pair):
            a, b = sorted(pair)
            found |= _cross_channels(after, a) & _cross_channels(after, b)
    return found


def _lines(before: Device, after: Device) -> Set[str]:
    """Return the channels whose line, crosstalk or resonator differs."""
    found = {item.channel for item in set(before.crosstalk) ^ set(after.crosstalk)}
    found |= {f"m{line}" for line, _, _ in set(before.readout_crosstalk) ^ set(after.readout_crosstalk)}
    for kind, name in (("d", "drives"), ("u", "controls"), ("m", "resonators"), ("m", "meas_freq_est")):
        both = zip_longest(getattr(before, name), getattr(after, name))
        found |= {f"{kind}{index}" for index, (old, new) in enumerate(both) if old != new}
    return found


def _cross_channels(device: Device, qubit: int) -> Set[str]:
    """Return the control channels that drive a qubit or have its LO."""
    return {
        f"u{u}" for u, line in enumerate(device.controls) if line.qubit == qubit or any(q == qubit for q, _ in line.lo)
    }


def _played(program: Program) -> Set[str]:
    """Return the channels that a program plays on; id's pulse of zeros is no play."""
    events = program.events
    return {
        program.channels[events.channel[row]].name
        for row in program.rows(Op.PLAY)
        if program.pulses[events.ref[row]].samples.any()
    }
