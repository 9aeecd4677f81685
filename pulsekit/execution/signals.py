"""Find what drives each resonator around an acquire, and tabulate it once."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from ..device import Device
from ..program import Channel, Op, Plays, Program, carrier_at, resolve_frames
from ..readout import Acquisition, Tone, build_acquisition
from ..simulator.lanes import LaneGroup
from ..units import TWO_PI
from .steps import Acquire

__all__ = ["Signals", "measure_plays", "tones_at"]

TABLE_BYTES = 1 << 28  # of a job's tables of acquisitions, kept for who asks again
FORGET = 30.0  # amplitude lifetimes (2 / kappa) after which a field is gone: exp(-30) = 1e-13
_FREQUENCY = (Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY)

Key = Tuple[object, ...]


def measure_plays(group: LaneGroup, dt: float) -> Dict[Channel, Plays]:
    """Return what the measure channels of a group play."""
    program = group.program
    kinds = np.array([c.kind == "m" for c in program.channels] or [False])
    rows = np.flatnonzero(kinds[program.events.channel])
    only = program.replace(events=program.events.take(rows))
    value = None if group.value is None else group.value[:, rows]
    angle = None if group.angle is None else group.angle[:, rows]
    return resolve_frames(only, group.los, dt, value=value, angle=angle)


def tones_at(
    device: Device,
    program: Program,
    plays: Dict[Channel, Plays],
    lane: int,
    qubit: int,
    lo_freq: float,
    t0: int,
    stop: int,
) -> Tuple[List[Tone], Key]:
    """Return the tones at a qubit's resonator, relative to ``t0``, and a key of them.

    Args:
        device: its ``readout_crosstalk`` brings in other measure lines.
        program, plays, lane: what plays.
        qubit: whose resonator.
        lo_freq: its measure LO, Hz.
        t0, stop: samples; tones that end long before t0 are left out.
    """
    tones: List[Tone] = []
    key: List[object] = []
    dt = device.timing.dt
    lines = [(qubit, 1.0 + 0j)] + [(a, complex(g)) for a, b, g in device.readout_crosstalk if b == qubit and a != qubit]
    oldest = t0 - warmup_of(device, qubit)
    for line, gain in lines:
        play = plays.get(Channel("m", line))
        if play is None:
            continue
        for k in np.flatnonzero((play.t0 < stop) & (play.t0 + play.duration > oldest)).tolist():
            begin, freq = int(play.t0[k]), float(play.freq[lane, k])
            amplitude = complex(play.scale[lane, k]) * gain
            if play.f_ref != lo_freq:
                amplitude *= np.exp(1j * TWO_PI * (play.f_ref - lo_freq) * (begin * dt))
            pulse = program.pulses[play.pulse[k]]
            tones.append(Tone(begin - t0, amplitude * pulse.samples, freq - lo_freq))
            key.append((begin - t0, pulse, amplitude, freq - lo_freq))
    return tones, tuple(key)


def warmup_of(device: Device, qubit: int) -> int:
    """Return how many samples a resonator remembers."""
    return int(FORGET / (np.pi * device.resonators[qubit].kappa) / device.timing.dt) + 1


class Signals:
    """The acquisitions of a job; equal ones are tabulated once, while there is room for them.

    Whoever needs tables later asks again: those of a sweep of long readouts
    are larger than a machine's memory.
    """

    def __init__(self, device: Device, noise: bool) -> None:
        self.device = device
        self.noise = noise
        self._known: Dict[Key, Acquisition] = {}  # the latest used last
        self._bytes = 0
        self._rows: Dict[int, Tuple[Program, np.ndarray]] = {}
        self._near: Dict[Key, Key] = {}  # by the raw numbers of a lane, cheap to compare

    def of(
        self, group: LaneGroup, plays: Dict[Channel, Plays], lane: int, acquire: Acquire, levels: int
    ) -> Acquisition:
        """Return the tables of one acquire of one lane."""
        near = self._lane_key(group, plays, lane, acquire, levels)
        key = self._near.get(near)
        if key is None or key not in self._known:
            self._near[near] = key = self._tabulate(group, plays, lane, acquire, levels)
        found = self._known[key] = self._known.pop(key)
        return found

    def _keep(self, key: Key, made: Acquisition) -> None:
        """Keep tables, and forget what was not used for longest where they are too many."""
        self._bytes += made.nbytes
        while self._known and self._bytes > TABLE_BYTES:
            self._bytes -= self._known.pop(next(iter(self._known))).nbytes
        self._known[key] = made

    def _lane_key(self, group: LaneGroup, plays: Dict[Channel, Plays], lane: int, acquire: Acquire, levels: int) -> Key:
        lines = [acquire.qubit, *(a for a, b, _ in self.device.readout_crosstalk if b == acquire.qubit)]
        played = [plays.get(Channel("m", line)) for line in lines]
        numbers = [b"" if p is None else p.scale[lane].tobytes() + p.freq[lane].tobytes() for p in played]
        moving = b"" if group.value is None else group.value[lane, self._frequency_rows(group.program)].tobytes()
        self._frequency_rows(group.program)  # keeps the program, and so its id
        return (id(group.program), acquire, levels, float(group.los.measure[lane, acquire.qubit]), moving, *numbers)

    def _frequency_rows(self, program: Program) -> np.ndarray:
        """Return the rows that change a measure channel's frequency."""
        known = self._rows.get(id(program))
        if known is None:
            kinds = np.array([c.kind == "m" for c in program.channels] or [False])
            rows = np.flatnonzero(np.isin(program.events.op, _FREQUENCY) & kinds[program.events.channel])
            known = self._rows[id(program)] = (program, rows)  # the program is kept: its id stays its own
        return known[1]

    def _tabulate(self, group: LaneGroup, plays: Dict[Channel, Plays], lane: int, acquire: Acquire, levels: int) -> Key:
        """Make the tables of one acquire of one lane, unless they are there; return their key."""
        device, q = self.device, acquire.qubit
        lo_freq = float(group.los.measure[lane, q])
        stop = acquire.t0 + acquire.duration
        tones, played = tones_at(device, group.program, plays, lane, q, lo_freq, acquire.t0, stop)
        carrier = self._carrier(group, lane, acquire, lo_freq)
        key: Key = (q, levels, acquire.duration, acquire.spec, lo_freq, carrier, played)
        if key not in self._known:
            first = min([t.start for t in tones], default=0)
            made = build_acquisition(
                device,
                q,
                tones=tones,
                lo_freq=lo_freq,
                duration=acquire.duration,
                spec=acquire.spec,
                levels=levels,
                noise=self.noise,
                carrier=carrier,
                warmup=min(max(0, -first), warmup_of(device, q)),
            )
            self._keep(key, made)
        return key

    def _carrier(self, group: LaneGroup, lane: int, acquire: Acquire, lo_freq: float) -> Tuple[float, float]:
        program, channel = group.program, Channel("m", acquire.qubit)
        rows = self._frequency_rows(program)
        if not (program.events.channel[rows] == program.channel_id(channel)).any():
            return 0.0, 0.0
        dt = self.device.timing.dt
        one = group.los.take(np.array([lane]))
        value = None if group.value is None else group.value[lane : lane + 1]
        freq, phase = carrier_at(program, channel, one, dt, acquire.t0, value=value)
        reference = one.of(channel)[0]
        shift = TWO_PI * (reference - lo_freq) * (acquire.t0 * dt)
        return float(freq[0]) - lo_freq, float(phase[0] + shift)
