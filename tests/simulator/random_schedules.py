"""Random devices and schedules as plain numbers, for solvers that share no code with ours.

A :class:`Case` holds a device and a list of instructions in the units of the
user (Hz, samples). ``build`` makes pulsekit's objects of it; oracles read the
numbers. Nothing here resolves a phase or a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np

from pulsekit.device import ControlLine, Coupling, Crosstalk, Device, DriveLine, Timing, Transmon
from pulsekit.program import Batch, Channel, EventTable, LoTable, Op, Program, Pulse
from pulsekit.simulator import default_los
from pulsekit.simulator.clusters import Cluster

__all__ = ["Case", "LineSpec", "build", "random_case"]

SAMPLE_TIMES = (2e-9 / 9, 2e-9 / 9, 2e-9 / 9, 0.5e-9, 1e-9)  # s


@dataclass(frozen=True)
class LineSpec:
    """A channel's signal at one transmon."""

    channel: str
    qubit: int
    rabi_rate: float  # Hz
    gain: complex
    delay_s: float  # s


@dataclass(frozen=True)
class Case:
    """One device, one schedule, one initial state."""

    seed: int
    levels: Tuple[int, ...]
    frequency: np.ndarray  # Hz, dressed
    anharmonicity: np.ndarray  # Hz
    couplings: Dict[Tuple[int, int], float]  # Hz
    lines: Tuple[LineSpec, ...]
    leaks: Tuple[Tuple[str, int, complex], ...]  # channel, qubit that it reaches, gain relative to the line's
    t1: np.ndarray  # s
    t2: np.ndarray  # s
    p_th: np.ndarray
    dt: float  # s
    frame: np.ndarray  # Hz, job-level LO per drive channel
    lo: Dict[str, float]  # Hz, this experiment's LO per channel
    instructions: Tuple[Tuple[int, str, str, Any], ...]  # (t0, what, channel, value)
    duration: int  # samples
    start: np.ndarray  # complex128[dim], amplitudes in the dressed basis
    rwa: bool
    noise: bool
    tolerance: float

    @property
    def dim(self) -> int:
        """The dimension of the Hilbert space."""
        return int(np.prod(self.levels))


def _levels(rng: np.random.Generator, n: int) -> Tuple[int, ...]:
    largest = {1: 5, 2: 20, 3: 18}[n]
    while True:
        found = tuple(int(d) for d in rng.integers(2, 6, size=n))
        if np.prod(found) <= largest:
            return found


def _envelope(rng: np.random.Generator) -> Tuple[str, int, Dict[str, Any]]:
    length = int(rng.integers(16, 60))
    kind = ["gaussian", "drag", "gaussian_square", "constant", "samples"][rng.integers(5)]
    if kind == "gaussian":
        return kind, length, {"sigma": length / rng.uniform(3, 6)}
    if kind == "drag":
        return kind, length, {"sigma": length / rng.uniform(3, 6), "beta": rng.uniform(-2, 2)}
    if kind == "gaussian_square":
        return kind, length, {"sigma": 4.0, "width": float(length - 14)}
    if kind == "constant":
        return kind, length, {}
    z = rng.normal(size=length) + 1j * rng.normal(size=length)
    return kind, length, {"samples": z / np.abs(z).max()}


def random_case(seed: int, **fixed: Any) -> Case:
    """Return a case; ``fixed`` overrides n, levels, rwa, noise, tolerance, dt, delay or strong."""
    rng = np.random.default_rng([seed, 20])
    n = int(rng.integers(1, 4))
    n = len(fixed["levels"]) if "levels" in fixed else fixed.get("n", n)
    levels = _levels(rng, n)
    levels = tuple(fixed.get("levels", levels))
    rwa = bool(fixed.get("rwa", rng.random() < 0.75))
    noise = bool(fixed.get("noise", rng.random() < 0.4))
    tolerance = float(10.0 ** -rng.uniform(4, 10))
    tolerance = float(fixed.get("tolerance", tolerance))
    dt = SAMPLE_TIMES[rng.integers(len(SAMPLE_TIMES))]
    dt = float(fixed.get("dt", dt))
    frequency = 4.8e9 + np.cumsum(rng.uniform(50e6, 170e6, size=n)) * rng.choice([-1, 1])
    rate = rng.uniform(30e6, 150e6) * min(1.0, 0.7e-9 / dt) * fixed.get("strong", 1.0)
    late = str(fixed.get("delay", rng.choice(["none", "none", "none", "whole", "part"])))

    def delay() -> float:
        if late == "none":
            return 0.0
        return float(rng.integers(0, 4) if late == "whole" else rng.uniform(0, 3)) * dt

    def gain() -> complex:
        return complex(rng.uniform(0.6, 1.1) * np.exp(2j * np.pi * rng.random()))

    lines = [LineSpec(f"d{q}", q, rate, gain(), delay()) for q in range(n)]
    pairs = [(q, q + 1) for q in range(n - 1)] + ([(0, 2)] if n == 3 and rng.random() < 0.3 else [])
    couplings = {pair: float(rng.uniform(1e6, 4e6)) for pair in pairs}
    targets = [pair[:: rng.choice([-1, 1])] for pair in couplings]
    lines += [LineSpec(f"u{k}", a, rate, gain(), delay()) for k, (a, _) in enumerate(targets)]
    leaks = []
    if n > 1 and rng.random() < 0.3:
        source, where = (int(q) for q in rng.permutation(n)[:2])
        leaks.append((f"d{source}", where, complex(rng.uniform(0.02, 0.2) * np.exp(2j * np.pi * rng.random()))))
    t1 = 10.0 ** rng.uniform(-5.7, -4, size=n)
    t2 = t1 * rng.uniform(0.3, 2.0, size=n)
    frame = frequency + rng.uniform(-3e6, 3e6, size=n) * (rng.random() < 0.5)
    offset = rng.uniform(-25e6, 25e6, size=n) * (rng.random() < 0.4)
    lo = {f"d{q}": float(frame[q] + offset[q]) for q in range(n)}
    lo.update({f"u{k}": lo[f"d{b}"] for k, (_, b) in enumerate(targets)})
    instructions, duration = _schedule(rng, [s.channel for s in lines], frequency)
    start = rng.normal(size=int(np.prod(levels))) + 1j * rng.normal(size=int(np.prod(levels)))
    if rng.random() < 0.5:
        start[1:] = 0
    return Case(
        seed=seed,
        levels=levels,
        frequency=frequency,
        anharmonicity=rng.uniform(-350e6, -200e6, size=n),
        couplings=couplings,
        lines=tuple(lines),
        leaks=tuple(leaks),
        t1=t1,
        t2=t2,
        p_th=rng.uniform(0, 0.05, size=n),
        dt=dt,
        frame=frame,
        lo=lo,
        instructions=instructions,
        duration=duration,
        start=start / np.linalg.norm(start),
        rwa=rwa,
        noise=noise,
        tolerance=tolerance,
    )


def _schedule(
    rng: np.random.Generator, channels: List[str], frequency: np.ndarray
) -> Tuple[Tuple[Tuple[int, str, str, Any], ...], int]:
    out: List[Tuple[int, str, str, Any]] = []
    free = dict.fromkeys(channels, 0)
    overlap = rng.random() < 0.6
    for _ in range(int(rng.integers(2, 7))):
        channel = channels[rng.integers(len(channels))]
        t0 = (free[channel] if overlap else max(free.values())) + int(rng.choice([0, rng.integers(0, 40)]))
        what = rng.integers(6)
        if what == 0:
            out.append((t0, "shift_phase", channel, float(rng.uniform(-3, 3))))
        elif what == 1:
            out.append((t0, "shift_frequency", channel, float(rng.choice([rng.uniform(-20e6, 20e6), -300e6]))))
        elif what == 2:
            out.append((t0, "set_frequency", channel, float(rng.choice(frequency) + rng.uniform(-5e6, 5e6))))
        elif what == 3:
            out.append((t0, "set_phase", channel, float(rng.uniform(-3, 3))))
        kind, length, values = _envelope(rng)
        play = (kind, length, values, float(rng.uniform(0.05, 0.9)), float(rng.uniform(-3, 3)))
        out.append((t0, "play", channel, play))
        free[channel] = t0 + length
    return tuple(sorted(out, key=lambda i: i[0])), max(free.values()) + int(rng.integers(0, 30))


_OPS = {
    "shift_phase": Op.SHIFT_PHASE,
    "set_phase": Op.SET_PHASE,
    "shift_frequency": Op.SHIFT_FREQUENCY,
    "set_frequency": Op.SET_FREQUENCY,
}


def build(case: Case) -> Tuple[Device, Batch, Dict[str, Any]]:
    """Return a case's device and batch, and the arguments that ``simulate`` needs for it."""
    n = len(case.levels)
    drives = [s for s in case.lines if s.channel[0] == "d"]
    controls = [s for s in case.lines if s.channel[0] == "u"]
    frequencies = {q: case.lo[f"d{q}"] for q in range(n)}
    target = {s.channel: next(q for q in range(n) if frequencies[q] == case.lo[s.channel]) for s in controls}
    device = Device(
        name="random",
        transmons=tuple(
            Transmon(*(float(v) for v in row[:2]), row[2], *(float(v) for v in row[3:]))
            for row in zip(case.frequency, case.anharmonicity, case.levels, case.t1, case.t2, case.p_th)
        ),
        couplings=tuple(Coupling(pair, j) for pair, j in case.couplings.items()),
        drives=tuple(DriveLine(s.qubit, s.rabi_rate, s.gain, s.delay_s) for s in drives),
        controls=tuple(
            ControlLine(s.qubit, ((target[s.channel], 1.0),), s.rabi_rate, s.gain, s.delay_s) for s in controls
        ),
        crosstalk=tuple(Crosstalk(*leak) for leak in case.leaks),
        timing=Timing(dt=case.dt),
    )
    names = sorted({i[2] for i in case.instructions})
    rows, pulses = [], []
    for t0, what, channel, value in case.instructions:
        row = {"t0": t0, "channel": names.index(channel)}
        if what == "play":
            kind, length, values, amp, angle = value
            pulses.append(
                Pulse.from_samples(values["samples"]) if kind == "samples" else Pulse.from_shape(kind, length, values)
            )
            row.update(op=Op.PLAY, duration=length, ref=len(pulses) - 1, value=amp, angle=angle)
        else:
            row.update(op=_OPS[what], value=value)
        rows.append(row)
    program = Program(
        EventTable.from_rows(rows),
        tuple(Channel.parse(c) for c in names),
        tuple(pulses),
        duration=case.duration,
    )
    plain = default_los(device, 1)
    los = LoTable(
        case.frame,
        plain.measure_frame,
        np.array([case.frame[target[s.channel]] for s in controls]),
        np.array([[case.lo[s.channel] for s in drives]]),
        plain.measure,
        np.array([[case.lo[s.channel] for s in controls]]).reshape(1, len(controls)),
    )
    settings = {
        "rwa": case.rwa,
        "noise": case.noise,
        "initial": case.start,
        "clusters": [Cluster(np.arange(1), tuple(range(n)), case.levels, tuple(case.couplings))],
        "tolerance": case.tolerance,
    }
    return device, Batch((program,), np.zeros(1, np.int32), los), settings


def samples_of(case: Case, play: Tuple[str, int, Dict[str, Any], float, float]) -> np.ndarray:
    """Return a play's samples, complex128[duration], amplitude and angle included."""
    kind, length, values, amp, angle = play
    made = values["samples"] if kind == "samples" else Pulse.from_shape(kind, length, values).samples
    return np.asarray(made) * amp * np.exp(1j * angle)
