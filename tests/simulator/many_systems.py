"""Chains of transmons and schedules for the tests of many-qubit methods."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

import numpy as np

from pulsekit.device import ControlLine, Coupling, Device, DriveLine, Timing, Transmon
from pulsekit.program import Channel, EventTable, Op, Program, Pulse
from pulsekit.simulator import Model
from pulsekit.simulator.timeline import Tone

TWO_PI = 2 * np.pi
X = Pulse.from_shape("drag", 160, {"sigma": 40, "beta": -1.5})
CR = Pulse.from_shape("gaussian_square", 1040, {"sigma": 64, "width": 784})
X_AMP = 0.2610
FREQUENCIES = (5.0e9, 5.11e9, 4.946e9, 5.05e9)
Play = Tuple[str, int, Pulse, float, float]


def device(
    frequencies: Sequence[float], couplings: Dict[Tuple[int, int], float], levels: int = 3, **transmon: float
) -> Device:
    """Transmons with one drive line each and a control line per direction of a coupling."""
    values = {"t1": None, "t2": None, **transmon}
    transmons = tuple(Transmon(f, -330e6, levels, **values) for f in frequencies)
    controls: List[ControlLine] = []
    for i, j in couplings:
        controls += [ControlLine(i, ((j, 1.0),), 100e6), ControlLine(j, ((i, 1.0),), 100e6)]
    return Device(
        name="chain",
        transmons=transmons,
        couplings=tuple(Coupling(pair, j) for pair, j in couplings.items()),
        drives=tuple(DriveLine(i, 100e6) for i in range(len(transmons))),
        controls=tuple(controls),
        timing=Timing(),
    )


def chain(n: int, levels: int = 3, strength: float = 2e6, **transmon: float) -> Device:
    """A chain whose neighbours are 50 to 170 MHz apart."""
    frequencies = [FREQUENCIES[i % 4] + 1e6 * i for i in range(n)]
    return device(frequencies, {(i, i + 1): strength for i in range(n - 1)}, levels, **transmon)


def program(plays: Sequence[Play], duration: int, acquires: Sequence[int] = ()) -> Program:
    """A program of (channel, t0, pulse, amplitude, angle)."""
    names = sorted({p[0] for p in plays} | {f"a{q}" for q in acquires})
    pulses: List[Pulse] = []
    rows = []
    for name, t0, pulse, amplitude, angle in sorted(plays, key=lambda p: p[1]):
        if pulse not in pulses:
            pulses.append(pulse)
        row = {"t0": t0, "duration": pulse.duration, "op": Op.PLAY, "channel": names.index(name)}
        rows.append({**row, "ref": pulses.index(pulse), "value": amplitude, "angle": angle})
    for q in acquires:
        rows.append(
            {"t0": duration, "duration": 160, "op": Op.ACQUIRE, "channel": names.index(f"a{q}"), "ref": 0, "slot": q}
        )
    from pulsekit.program import AcquireSpec

    return Program(
        EventTable.from_rows(rows),
        tuple(Channel.parse(n) for n in names),
        tuple(pulses),
        acquires=(AcquireSpec(),) if acquires else (),
        duration=duration + (160 if acquires else 0),
        memory_slots=max(acquires, default=-1) + 1,
    )


def model(levels: Sequence[int], *, noise: bool = False, strength: float = 2e6) -> Model:
    """A chain as a model, one drive and one control line per transmon."""
    base = Model.from_device(chain(len(levels), 3, strength), range(len(levels)), levels=levels)
    if not noise:
        return base
    n = len(levels)
    return replace(base, t1=np.full(n, 1e-6), t2=np.full(n, 0.8e-6), p_th=np.full(n, 0.05))


def random_tones(m: Model, duration: int, seed: int, count: int = 8, shift: float = 0.0) -> List[Tone]:
    """Pulses at random times, some at a neighbour's frequency; ``shift`` in samples is a line's delay."""
    rng = np.random.default_rng(seed)
    drives = {line.local_qubit: k for k, line in enumerate(m.lines) if line.channel.kind == "d"}
    short = Pulse.from_shape("gaussian_square", 120, {"sigma": 16, "width": 60}).samples
    out = []
    for _ in range(count):
        q = int(rng.integers(m.n))
        at = q if rng.random() < 0.6 else (q + 1) % m.n
        samples = short if rng.random() < 0.5 else X.samples
        t0 = int(rng.integers(0, max(1, duration - samples.size - 1)))
        amplitude = rng.uniform(0.05, 0.3) * np.exp(2j * np.pi * rng.random())
        w = m.w_frame[at] + TWO_PI * rng.uniform(-2e6, 2e6)
        out.append(Tone(drives[q], (t0 + shift) * m.dt, samples, np.array([amplitude]), np.array([w]), t0, 0))
    return sorted(out, key=lambda t: t.t0)


def random_ket(dim: int, seed: int) -> np.ndarray:
    """A random normalised ket."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=dim) + 1j * rng.normal(size=dim)
    return x / np.linalg.norm(x)
