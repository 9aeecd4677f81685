"""Turn a workload into qiskit Schedules, as a user of ``run`` has them."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from qiskit import pulse

from . import instructions

__all__ = ["schedules_of"]

READOUT = 1600  # samples


def schedules_of(workload: Dict[str, Any], *, tone: bool = True) -> List[pulse.Schedule]:
    """Return one Schedule per schedule of a workload, all qubits acquired at its end.

    Args:
        workload: from :func:`~benchmarks.workloads.load`.
        tone: play the readout tones too.
    """
    qubits = range(len(workload["qubits"]))
    stimulus = pulse.GaussianSquare(READOUT, 0.2, 64, width=READOUT - 256)
    out = []
    for number, schedule in enumerate(workload["schedules"]):
        made = pulse.Schedule(name=f"{workload['name']} {number}")
        for channel, start, shape, amplitude, phase in instructions(schedule):
            on = pulse.ControlChannel if channel[0] == "u" else pulse.DriveChannel
            played = pulse.Play(_pulse(workload["shapes"][shape], amplitude, phase), on(int(channel[1:])))
            made.insert(start, played, inplace=True)
        for q in qubits:
            if tone:
                made.insert(schedule["duration"], pulse.Play(stimulus, pulse.MeasureChannel(q)), inplace=True)
            acquire = pulse.Acquire(READOUT, pulse.AcquireChannel(q), pulse.MemorySlot(q))
            made.insert(schedule["duration"], acquire, inplace=True)
        out.append(made)
    return out


def _pulse(shape: Dict[str, Any], amplitude: float, phase: float) -> Any:
    if amplitude < 0:
        amplitude, phase = -amplitude, phase + np.pi
    kind = {"gaussian": pulse.Gaussian, "drag": pulse.Drag, "gaussian_square": pulse.GaussianSquare}[shape["type"]]
    params = {k: v for k, v in shape.items() if k != "type"}
    return kind(amp=amplitude, angle=phase, **params)
