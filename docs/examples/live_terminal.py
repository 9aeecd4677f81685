"""Watch a Rabi sweep while it runs: python docs/examples/live_terminal.py [shots]."""

from __future__ import annotations

import sys
from typing import Any, Dict

import numpy as np
from qiskit import pulse

import pulsekit
from pulsekit.viz import live_text

POINTS = 61
HEIGHT = 14


def rabi(backend: Any) -> "list[Any]":
    """Return schedules: a Gaussian pulse of rising amplitude, then the measurement."""
    schedules = []
    for amplitude in np.linspace(0, 0.5, POINTS):
        with pulse.build(backend, default_alignment="sequential") as schedule:
            pulse.play(pulse.Gaussian(320, amplitude, 80), pulse.drive_channel(0))
            pulse.measure(0)
        schedules.append(schedule)
    return schedules


def show(packet: Dict[str, Any]) -> None:
    """Draw a packet over the one before (one below the other where output is not a terminal)."""
    again = sys.stdout.isatty() and packet["a0"]["rounds"] > 1
    print((f"\x1b[{HEIGHT + 1}A" if again else "") + live_text(packet, height=HEIGHT), flush=True)


def main(shots: int) -> None:
    """Run the sweep and call back with every packet."""
    backend = pulsekit.get_backend("transmon")
    job = backend.run(rabi(backend), meas_level=1, shots=shots, live_data_enabled=True, seed_simulator=1)
    job.on_live_data(show)
    job.result()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
