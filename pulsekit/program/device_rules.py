"""Check what a device demands of a program: channels, timing, measure groups.

A device is anything with the fields of :class:`pulsekit.device.Device`.
"""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from .events import Op
from .findings import Report, row_place

__all__ = ["check_channels", "check_groups", "check_timing"]


def check_channels(report: Report, device: Any) -> None:
    """Check that the device has every channel that the program uses (8004)."""
    counts = {"d": device.n_qubits, "m": device.n_qubits, "a": device.n_qubits, "u": len(device.controls)}
    for index, channel in enumerate(report.program.channels):
        rows = np.flatnonzero(report.events.channel == index)
        if rows.size and channel.index >= counts[channel.kind]:
            known = f"{channel.kind}0..{channel.kind}{counts[channel.kind] - 1}" if counts[channel.kind] else "none"
            report.at(int(rows[0]), f"the channel must be one of device {device.name!r} ({known})", "it is not", 8004)


def check_timing(report: Report, timing: Any, free: np.ndarray) -> None:
    """Check lengths and starts of pulses and acquires (8016, 8017, 8036)."""
    e = report.events
    kinds = np.array([c.kind for c in report.program.channels] or [""], dtype="U1")[e.channel]
    plays = (e.op == Op.PLAY) & ~free[2]
    report.each(
        plays & (e.duration % timing.granularity != 0),
        f"a pulse's length must be a multiple of {timing.granularity} samples",
        lambda r: f"{e.duration[r]} came",
        8017,
    )
    report.each(
        plays & (e.duration < timing.min_length) & (e.duration > 0),
        f"a pulse must have at least {timing.min_length} samples",
        lambda r: f"{e.duration[r]} came",
        8016,
    )
    starts = ~free[3]
    reads = ((e.op == Op.ACQUIRE) | ((e.op == Op.PLAY) & (kinds == "m"))) & starts
    report.each(
        reads & (e.t0 % timing.acquire_alignment != 0),
        f"readout must start on the grid of {timing.acquire_alignment} samples",
        lambda r: f"{e.t0[r]} is {e.t0[r] % timing.acquire_alignment} off",
        8036,
    )
    report.each(
        (e.op == Op.PLAY) & starts & ~reads & (e.t0 % timing.pulse_alignment != 0),
        f"a pulse must start on the grid of {timing.pulse_alignment} samples",
        lambda r: f"{e.t0[r]} is {e.t0[r] % timing.pulse_alignment} off",
        8036,
    )


def check_groups(report: Report, meas_map: Tuple[Tuple[int, ...], ...]) -> None:
    """Check that overlapping acquires of a group start together and last as long."""
    p, e = report.program, report.events
    rows = np.flatnonzero(e.op == Op.ACQUIRE)
    qubits = [p.channels[c].index for c in e.channel[rows].tolist()]
    for group in meas_map:
        members = sorted((int(e.t0[r]), int(r)) for r, q in zip(rows.tolist(), qubits) if q in group)
        for (_, first), (_, second) in zip(members[:-1], members[1:]):
            if e.t0[second] >= e.t0[first] + e.duration[first]:
                continue
            place = row_place(p, first)
            if e.t0[second] != e.t0[first]:
                report.at(second, f"acquires of group {group} start together", f"{place} is under way", 8036)
            elif e.duration[second] != e.duration[first]:
                report.at(second, f"acquires of group {group} last as long", f"{place} does not", 8021)
