"""Devices and random programs for the simulator's tests."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from pulsekit.device import ControlLine, Coupling, Device, DriveLine, Transmon
from pulsekit.program import Channel, EventTable, Op, Program, Pulse


def device(n: int = 2, levels: int = 3, **changes: Any) -> Device:
    """Return a line of transmons, 110 MHz apart, J = 2 MHz, with cable phases."""
    return Device(
        name="line",
        transmons=tuple(Transmon(5e9 + 0.11e9 * i, -330e6, levels, 80e-6, 70e-6, 0.02) for i in range(n)),
        couplings=tuple(Coupling((i, i + 1), 2e6) for i in range(n - 1)),
        drives=tuple(DriveLine(i, 100e6, gain=np.exp(0.3j * i)) for i in range(n)),
        controls=tuple(ControlLine(i, ((i + 1, 1.0),), 100e6) for i in range(n - 1)),
        **changes,
    )


def program(rows: Sequence[Dict[str, Any]], pulses: Sequence[Pulse], duration: Optional[int] = None) -> Program:
    """Return a program from rows whose ``channel`` is a name."""
    names = sorted({str(r["channel"]) for r in rows})
    table = [{**r, "channel": names.index(str(r["channel"]))} for r in sorted(rows, key=lambda r: int(r["t0"]))]
    end = max(int(r["t0"]) + int(r.get("duration", 0)) for r in rows)
    return Program(
        EventTable.from_rows(table),
        tuple(Channel.parse(n) for n in names),
        tuple(pulses),
        duration=end if duration is None else duration,
    )


def play(channel: str, t0: int, pulses: List[Pulse], pulse: Pulse, amp: float, angle: float = 0.0) -> Dict[str, Any]:
    """Return the row that plays a pulse, which joins ``pulses``."""
    pulses.append(pulse)
    return {
        "t0": t0,
        "duration": pulse.duration,
        "op": Op.PLAY,
        "channel": channel,
        "ref": len(pulses) - 1,
        "value": amp,
        "angle": angle,
    }


def gaussian(duration: int = 160, sigma: float = 40.0) -> Pulse:
    """Return a lifted Gaussian."""
    return Pulse.from_shape("gaussian", duration, {"sigma": sigma})


def random_program(rng: np.random.Generator, n: int, plays: int = 6, overlap: bool = True) -> Program:
    """Return Gaussians, DRAGs, flats, phase and frequency shifts, on drive and control lines."""
    names = [f"d{i}" for i in range(n)] + [f"u{i}" for i in range(n - 1)]
    rows: List[Dict[str, Any]] = []
    pulses: List[Pulse] = []
    free = dict.fromkeys(names, 0)
    for _ in range(plays):
        name = names[rng.integers(len(names))]
        length = int(rng.integers(40, 120))
        pulse = [
            gaussian(length, length / 4),
            Pulse.from_shape("drag", length, {"sigma": length / 4, "beta": 1.3}),
            Pulse.from_shape("gaussian_square", length, {"sigma": 5.0, "width": length - 24.0}),
        ][rng.integers(3)]
        t0 = (free[name] if overlap else max(free.values())) + int(rng.integers(0, 30))
        change = rng.integers(4)
        if change == 0:
            rows.append({"t0": t0, "op": Op.SHIFT_PHASE, "channel": name, "value": rng.uniform(-3, 3)})
        if change == 1:
            rows.append({"t0": t0, "op": Op.SHIFT_FREQUENCY, "channel": name, "value": rng.uniform(-2e7, 2e7)})
        rows.append(play(name, t0, pulses, pulse, rng.uniform(0.05, 0.9), rng.uniform(-3, 3)))
        free[name] = t0 + length
    return program(rows, pulses, max(free.values()) + 17)
