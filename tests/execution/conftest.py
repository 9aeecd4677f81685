"""A small laboratory: two or three transmons, square pulses, exact pi pulses."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pytest

from pulsekit.device import Device, DriveLine, Limits, Resonator, Transmon
from pulsekit.execution import Record, Settings, execute
from pulsekit.program import AcquireSpec, Batch, Channel, EventTable, Op, Program, Pulse
from pulsekit.simulator import default_los

GATE = 160
RABI = 50e6


class Lab:
    """Builds devices and programs; times in samples."""

    measure = 1472

    def __init__(self) -> None:
        self.gate = Pulse.from_shape("gaussian", GATE, {"sigma": 40})
        self.stimulus = Pulse.from_shape("gaussian_square", self.measure, {"sigma": 64, "width": 1216})
        self.rows: List[Dict[str, Any]] = []

    def device(self, qubits: int = 2, **options: Any) -> Device:
        """Return uncoupled three-level transmons with a good readout."""
        noise = {"t1": None, "t2": None, "p_th": 0.0}
        resonator: Dict[str, Any] = {"drive_rate": 70e6}
        reset = options.pop("reset_error", ())
        limits = options.pop("limits", Limits())
        couplings = options.pop("couplings", ())
        for key, value in options.items():
            (noise if key in ("t1", "t2", "p_th", "levels") else resonator)[key] = value
        return Device(
            "lab",
            tuple(Transmon(5e9 + 0.13e9 * q, levels=noise.get("levels", 3), **_only(noise)) for q in range(qubits)),
            couplings=couplings,
            drives=tuple(DriveLine(q, RABI) for q in range(qubits)),
            resonators=tuple(Resonator(7e9 + 0.1e9 * q, **resonator) for q in range(qubits)),
            reset_error=reset,
            limits=limits,
        )

    @property
    def pi(self) -> float:
        """The amplitude of a pi pulse."""
        return float(0.5 / (RABI * self.gate.samples.real.sum() * (2e-9 / 9)))

    def program(
        self, *items: Tuple[Any, ...], qubits: int = 3, slots: int = 0, spec: Optional[AcquireSpec] = None, end: int = 0
    ) -> Program:
        """Return a program of ("x", qubit, t0, angle), ("m", qubit, t0, slot), ("reset", qubit, t0), ("tone", ...)."""
        channels = tuple(Channel(k, q) for q in range(qubits) for k in "dma")
        rows: List[Dict[str, Any]] = []
        for kind, q, t0, *rest in items:
            if kind == "x":
                amp = self.pi * (rest[0] if rest else 1.0)
                rows.append({"t0": t0, "duration": GATE, "op": Op.PLAY, "channel": 3 * q, "ref": 0, "value": amp})
            elif kind == "reset":
                rows.append({"t0": t0, "duration": 0, "op": Op.RESET, "channel": 3 * q})
            elif kind in ("m", "tone"):
                amp = rest[1] if len(rest) > 1 else 0.24
                rows.append(
                    {"t0": t0, "duration": self.measure, "op": Op.PLAY, "channel": 3 * q + 1, "ref": 1, "value": amp}
                )
                if kind == "m":
                    rows.append(
                        {
                            "t0": t0,
                            "duration": self.measure,
                            "op": Op.ACQUIRE,
                            "channel": 3 * q + 2,
                            "ref": 0,
                            "slot": rest[0],
                        }
                    )
            elif kind == "freq":
                rows.append({"t0": t0, "duration": 0, "op": Op.SET_FREQUENCY, "channel": 3 * q + 1, "value": rest[0]})
        rows.sort(key=lambda r: r["t0"])
        stop = max([end] + [r["t0"] + r["duration"] for r in rows])
        last = max([slots - 1] + [r.get("slot", -1) for r in rows])
        return Program(
            EventTable.from_rows(rows),
            channels[: 3 * qubits],
            (self.gate, self.stimulus),
            (spec or AcquireSpec(),),
            duration=stop,
            memory_slots=last + 1,
        )

    def batch(self, device: Device, programs: Sequence[Program]) -> Batch:
        """Return a batch at the device's LOs."""
        return Batch(tuple(programs), np.arange(len(programs), dtype=np.int32), default_los(device, len(programs)))

    def run(self, device: Device, programs: Sequence[Program], **settings: Any) -> List[Record]:
        """Run programs."""
        extra = {k: settings.pop(k) for k in ("progress", "cancel", "live") if k in settings}
        return execute(self.batch(device, programs), device, Settings(**{"seed": 5, **settings}), **extra)


def _only(noise: Dict[str, Any]) -> Dict[str, Any]:
    return {k: noise[k] for k in ("t1", "t2", "p_th")}


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The laboratory."""
    return Lab()
