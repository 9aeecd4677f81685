"""Take a shipped gate apart: tones, cancellation, single-qubit pulses.

The vendor's structure stays (channels, times, durations, shapes); what is
exchanged are the single-qubit pulses inside, by the tuned x and sx at the
nearest quarter turn of phase, and what stays free are the complex factors of
the tones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Channel, EventTable, Op, ParameterTable, Program, Pulse
from .shapes import area, peak
from .single import Rotation

__all__ = ["CrossTemplate", "Nominal", "cross_template", "frame_channels", "nominals", "with_rotations", "with_shifts"]

_SLACK = 0.3  # a pulse within 30 % of the shipped x or sx is one


class Nominal(NamedTuple):
    """The area (samples, complex) of a qubit's shipped x and sx."""

    x: complex
    sx: complex


def nominals(device: Device) -> Dict[int, Nominal]:
    """Return, by qubit, what the shipped x and sx look like; half of x where there is no sx."""
    out: Dict[int, Nominal] = {}
    for qubit in range(device.n_qubits):
        x, sx = (_first_area(device, name, qubit) for name in ("x", "sx"))
        if x:
            out[qubit] = Nominal(x, sx or x / 2)
    return out


def _first_area(device: Device, name: str, qubit: int) -> complex:
    calibration = device.calibrations.get(name, (qubit,))
    rows = [] if calibration is None else calibration.program.rows(Op.PLAY).tolist()
    return _integral(calibration.program, rows[0]) if calibration is not None and rows else 0j


def _integral(program: Program, row: int) -> complex:
    events = program.events
    samples = program.pulses[events.ref[row]].samples
    return complex(events.value[row] * np.exp(1j * events.angle[row]) * samples.sum())


def with_rotations(
    program: Program,
    rotations: Mapping[int, Mapping[str, Rotation]],
    nominal: Mapping[int, Nominal],
    skip: Sequence[int] = (),
) -> Program:
    """Return a program whose single-qubit pulses are the tuned ones.

    Args:
        program: a shipped gate.
        rotations: by qubit, the tuned "x" and "sx".
        nominal: by qubit, the shipped x and sx.
        skip: rows to leave alone (tones).
    """
    events = program.events
    pulses: List[Pulse] = list(program.pulses)
    ref, value, angle = np.array(events.ref), np.array(events.value), np.array(events.angle)
    for row in program.rows(Op.PLAY):
        channel = program.channels[events.channel[row]]
        if channel.kind != "d" or row in skip or channel.index not in rotations or channel.index not in nominal:
            continue
        name, turn = _classify(_integral(program, int(row)), nominal[channel.index])
        tuned = rotations[channel.index].get(name)
        old = program.pulses[events.ref[row]]
        if tuned is None or tuned.pulse.duration != old.duration:
            continue
        pulse = replace(tuned.pulse, name=old.name, origin=None)
        names = [k for k, p in enumerate(pulses) if p == pulse and p.name == pulse.name]
        if not names:
            pulses.append(pulse)
        ref[row] = names[0] if names else len(pulses) - 1
        value[row], angle[row] = tuned.amplitude, tuned.angle + turn
    return _compact(program.replace(events=events.replace(ref=ref, value=value, angle=angle), pulses=tuple(pulses)))


def _classify(integral: complex, nominal: Nominal) -> Tuple[str, float]:
    """Return which of x and sx a pulse is, "" for neither, and its quarter turns (rad) against it."""
    sizes = {name: abs(integral / own) for name, own in nominal._asdict().items()}
    name = min(sizes, key=lambda n: abs(np.log(sizes[n] or np.inf)))
    if abs(sizes[name] - 1) > _SLACK:
        return "", 0.0
    quarter = np.rint(np.angle(integral / nominal._asdict()[name]) / (np.pi / 2))
    return name, float((quarter % 4) * np.pi / 2) if quarter % 4 != 3 else -np.pi / 2


def _compact(program: Program) -> Program:
    """Drop pulses that no row plays any more."""
    used = sorted({int(r) for r in program.events.ref[program.rows(Op.PLAY)]})
    place = {old: new for new, old in enumerate(used)}
    ref = np.array(program.events.ref)
    for row in program.rows(Op.PLAY):
        ref[row] = place[int(ref[row])]
    return program.replace(events=program.events.replace(ref=ref), pulses=tuple(program.pulses[k] for k in used))


@dataclass(frozen=True, eq=False)
class CrossTemplate:
    """A cx or ecr, its tones' complex factors left free."""

    program: Program  # single-qubit pulses are the tuned ones
    channel: Channel  # of the cross-resonance tone
    control: int  # the qubit that the tone drives
    target: int  # the qubit at whose LO it plays
    tones: Tuple[int, ...]  # rows on ``channel``
    cancels: Tuple[int, ...]  # rows on the target's drive channel under a tone

    @property
    def span(self) -> Tuple[int, int]:
        """The samples from the first tone's start to the last one's end."""
        events, rows = self.program.events, [*self.tones, *self.cancels]
        return int(events.t0[rows].min()), int((events.t0[rows] + events.duration[rows]).max())

    def factor(self, rows: Sequence[int]) -> complex:
        """Return the shipped complex amplitude of the first of some rows."""
        if not rows:
            return 0.0
        events = self.program.events
        return complex(events.value[rows[0]] * np.exp(1j * events.angle[rows[0]]))

    def limit(self, rows: Sequence[int]) -> float:
        """Return the largest factor whose samples all stay within 1."""
        events = self.program.events
        base = abs(self.factor(rows))
        shares = [float(events.value[r] / base) if base else 1.0 for r in rows]
        peaks = [peak(self.program.pulses[events.ref[r]]) * share for r, share in zip(rows, shares)]
        return 1.0 / max(peaks) if peaks else np.inf

    def area(self) -> float:
        """Return the summed area of the tones at factor 1, samples."""
        events, base = self.program.events, abs(self.factor(self.tones))
        return float(sum(area(self.program.pulses[events.ref[r]]) * events.value[r] / base for r in self.tones))

    def envelope(self) -> np.ndarray:
        """Return |samples| of every tone at factor 1, one after the other."""
        events, base = self.program.events, abs(self.factor(self.tones))
        parts = [np.abs(self.program.pulses[events.ref[r]].samples) * events.value[r] / base for r in self.tones]
        return np.concatenate(parts)

    def with_shifts(self, shifts: Sequence[Tuple[int, Channel, float]]) -> "CrossTemplate":
        """Return the gate with more phase shifts (see :func:`with_shifts`)."""
        old, program = self.program, with_shifts(self.program, shifts)
        plays = dict(zip(old.rows(Op.PLAY).tolist(), program.rows(Op.PLAY).tolist()))
        return replace(
            self,
            program=program,
            tones=tuple(plays[r] for r in self.tones),
            cancels=tuple(plays[r] for r in self.cancels),
        )

    def free(self) -> Program:
        """Return the program with parameters |tone|, arg tone, |cancel|, arg cancel."""
        events = self.program.events
        value, angle = np.array(events.value), np.array(events.angle)
        entries: List[Tuple[int, int, int, float]] = []
        for column, rows in ((0, self.tones), (2, self.cancels)):
            base = self.factor(rows)
            for row in rows:
                entries += [(row, 0, column, float(value[row] / abs(base)) if base else 1.0), (row, 1, column + 1, 1.0)]
                angle[row] -= np.angle(base)
                value[row] = 0.0
        rows, columns, parameters, coefficients = zip(*entries)
        table = ParameterTable(
            names=("tone", "tone_angle", "cancel", "cancel_angle"),
            row=np.array(rows, np.int32),
            column=np.array(columns, np.uint8),
            parameter=np.array(parameters, np.int32),
            coefficient=np.array(coefficients, np.float64),
        )
        return self.program.replace(events=events.replace(value=value, angle=angle), parameters=table)


def cross_template(
    device: Device,
    program: Program,
    qubits: Sequence[int],
    rotations: Mapping[int, Mapping[str, Rotation]],
    nominal: Mapping[int, Nominal],
) -> Optional[CrossTemplate]:
    """Take a two-qubit gate apart; None: it has no tone on a control channel."""
    events = program.events
    plays = program.rows(Op.PLAY)
    channels = [program.channels[events.channel[r]] for r in plays]
    tones = [int(r) for r, c in zip(plays, channels) if c.kind == "u" and device.controls[c.index].qubit in qubits]
    if not tones:
        return None
    channel = program.channels[events.channel[tones[0]]]
    tones = [r for r in tones if program.channels[events.channel[r]] == channel]
    control = device.controls[channel.index].qubit
    target = qubits[1] if control == qubits[0] else qubits[0]
    spans = [(events.t0[r], events.t0[r] + events.duration[r]) for r in tones]
    cancels = [
        int(r)
        for r, c in zip(plays, channels)
        if c == Channel("d", target)
        and any(events.t0[r] < stop and events.t0[r] + events.duration[r] > start for start, stop in spans)
    ]
    tuned = with_rotations(program, rotations, nominal, skip=cancels)
    return CrossTemplate(tuned, channel, control, target, tuple(tones), tuple(cancels))


def frame_channels(device: Device, qubit: int) -> Tuple[Channel, ...]:
    """Return the channels that follow a qubit's frame: its rz's, else by LO."""
    for name in ("rz", "u1"):
        calibration = device.calibrations.get(name, (qubit,))
        if calibration is not None:
            shifted = {calibration.program.channels[c] for c in calibration.program.events.channel}
            return tuple(sorted(shifted))
    follow = [Channel("u", k) for k, line in enumerate(device.controls) if any(q == qubit and s for q, s in line.lo)]
    return (Channel("d", qubit), *follow)


def with_shifts(program: Program, shifts: Sequence[Tuple[int, Channel, float]]) -> Program:
    """Return a program with more phase shifts, each before any play at its time.

    A shift joins a shift of the same channel at the same time, if there is one.

    Args:
        program: any.
        shifts: (sample, channel, rad); zeros are left out.
    """
    events = program.events
    value = np.array(events.value)
    channels: Dict[Channel, int] = {c: k for k, c in enumerate(program.channels)}
    present: Dict[Tuple[int, int], int] = {}
    for row in program.rows(Op.SHIFT_PHASE):
        present.setdefault((int(events.t0[row]), int(events.channel[row])), int(row))
    new: List[Tuple[int, int, float]] = []
    for t0, channel, phase in shifts:
        index = channels.setdefault(channel, len(channels))
        if (t0, index) in present:
            value[present[t0, index]] += phase
        elif phase:
            new.append((t0, index, phase))
    merged = events.replace(value=value)
    if new:
        extra = EventTable(
            t0=np.array([t for t, _, _ in new]),
            op=np.full(len(new), int(Op.SHIFT_PHASE)),
            channel=np.array([c for _, c, _ in new]),
            value=np.array([v for _, _, v in new]),
        )
        merged = EventTable.concatenate([extra, merged])
        merged = merged.take(np.lexsort((np.minimum(merged.duration, 1), merged.t0)))
    return program.replace(events=merged, channels=tuple(channels))
