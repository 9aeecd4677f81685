"""Systems whose answer is a closed form, to hold every solver to.

Each :class:`System` is a device, a program, an initial level and the exact
final populations (float64[dim], dressed basis). They are exact under the
rotating-wave approximation, with two levels per transmon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Tuple

import numpy as np

from ..device import Device, DriveLine, Resonator, Timing, Transmon
from ..program import Channel, EventTable, Op, Program, Pulse

__all__ = ["SYSTEMS", "System"]

DT = 2e-9 / 9  # s
RABI_RATE = 20e6  # Hz at amplitude 1
FREQUENCY = 5e9  # Hz


@dataclass(frozen=True, eq=False)
class System:
    """A problem and its exact answer."""

    name: str
    device: Device
    program: Program
    lo_offset: float  # Hz, drive LO minus qubit frequency
    initial_level: int  # the transmon's level at the start
    noise: bool  # T1 and T2 act
    exact: np.ndarray  # float64[2], populations of |0> and |1> at the end
    source: str  # the formula


def _device(**transmon: float) -> Device:
    values: Dict[str, float] = {"t1": math.inf, "t2": math.inf, **transmon}
    times = {k: (None if math.isinf(v) else v) for k, v in values.items() if k in ("t1", "t2")}
    qubit = Transmon(FREQUENCY, levels=2, t1=times["t1"], t2=times["t2"], p_th=values.get("p_th", 0.0))
    return Device(
        name="analytic",
        transmons=(qubit,),
        drives=(DriveLine(0, RABI_RATE),),
        resonators=(Resonator(7e9),),
        timing=Timing(dt=DT, dtm=DT),
        meas_map=((0,),),
    )


def _program(steps: List[Tuple[Op, int, float, float]]) -> Program:
    """Return a program on d0 of (op, duration, value, angle) in sequence."""
    rows: List[Mapping[str, object]] = []
    pulses: Dict[Pulse, int] = {}
    now = 0
    for op, duration, value, angle in steps:
        ref = -1
        if op == Op.PLAY:
            ref = pulses.setdefault(Pulse.from_shape("constant", duration, {}), len(pulses))
        rows.append(
            {"t0": now, "duration": duration, "op": op, "channel": 0, "ref": ref, "value": value, "angle": angle}
        )
        now += duration
    events = EventTable.from_rows(rows)
    return Program(events, channels=(Channel("d", 0),), pulses=tuple(pulses), name="analytic", duration=now)


def _rotation(amplitude: float, angle: float, detuning: float, duration_s: float) -> np.ndarray:
    """Return the propagator of a constant tone in the frame of its carrier.

    ``H = 2 pi [-detuning n + (RABI_RATE amplitude / 2)(e^{i angle} a + h.c.)]``
    with detuning = LO - qubit; the generalised Rabi formula (Cohen-Tannoudji,
    Quantum Mechanics, complement F_IV).
    """
    rabi = RABI_RATE * amplitude
    total = math.hypot(rabi, detuning)
    half = math.pi * total * duration_s
    cos, sin = math.cos(half), math.sin(half)
    nz = detuning / total if total else 0.0
    nx = rabi / total if total else 0.0
    off = -1j * sin * nx * np.array([[0, np.exp(1j * angle)], [np.exp(-1j * angle), 0]])
    diagonal = np.diag([cos - 1j * sin * nz, cos + 1j * sin * nz])
    return np.exp(1j * math.pi * detuning * duration_s) * (diagonal + off)


def _unitary_system(name: str, steps: List[Tuple[Op, int, float, float]], offset: float, source: str) -> System:
    state = np.array([1.0, 0.0], complex)
    for op, duration, value, angle in steps:
        state = _rotation(value if op == Op.PLAY else 0.0, angle, offset, duration * DT) @ state
    return System(name, _device(), _program(steps), offset, 0, False, np.abs(state) ** 2, source)


def _resonant_rabi() -> System:
    amplitude, duration = 0.37, 160
    excited = math.sin(math.pi * RABI_RATE * amplitude * duration * DT) ** 2
    program = _program([(Op.PLAY, duration, amplitude, 0.3)])
    return System(
        "resonant Rabi",
        _device(),
        program,
        0.0,
        0,
        False,
        np.array([1 - excited, excited]),
        "P1 = sin^2(pi r A t)",
    )


def _detuned_rabi() -> System:
    amplitude, duration, offset = 0.37, 320, 6e6
    rabi = RABI_RATE * amplitude
    total = math.hypot(rabi, offset)
    excited = (rabi / total) ** 2 * math.sin(math.pi * total * duration * DT) ** 2
    program = _program([(Op.PLAY, duration, amplitude, 0.0)])
    return System(
        "detuned Rabi",
        _device(),
        program,
        offset,
        0,
        False,
        np.array([1 - excited, excited]),
        "P1 = (r A / R)^2 sin^2(pi R t), R^2 = (r A)^2 + detuning^2",
    )


def _ramsey() -> System:
    half_pi = 1 / (4 * RABI_RATE * DT * 112.5)  # amplitude of pi/2 in 112.5 samples
    steps = [(Op.PLAY, 112, half_pi, 0.0), (Op.DELAY, 1000, 0.0, 0.0), (Op.PLAY, 112, half_pi, 0.7)]
    return _unitary_system("Ramsey", steps, 1.3e6, "product of generalised Rabi rotations")


def _t1() -> System:
    t1, p_th, duration = 30e-6, 0.02, 90_000
    excited = p_th + (1 - p_th) * math.exp(-duration * DT / t1)
    program = _program([(Op.DELAY, duration, 0.0, 0.0)])
    device = _device(t1=t1, t2=40e-6, p_th=p_th)
    source = "P1 = p_th + (1 - p_th) exp(-t / T1)"
    return System("T1", device, program, 0.0, 1, True, np.array([1 - excited, excited]), source)


SYSTEMS: Dict[str, Callable[[], System]] = {
    "resonant_rabi": _resonant_rabi,
    "detuned_rabi": _detuned_rabi,
    "ramsey": _ramsey,
    "t1": _t1,
}
