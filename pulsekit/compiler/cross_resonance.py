"""Make rx, rzx and ecr programs of angles that a device has no entry for.

As Qiskit's RXCalibrationBuilder and RZXCalibrationBuilder (Earnest et al.,
PRR 3, 043088 (2021)) do: the angle of a cross-resonance tone is its area,
the angle of a single-qubit pulse is its amplitude.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from ..device import Device
from ..device.body import Body
from ..program import Channel, Op, ParameterTable, Program, Pulse

__all__ = ["Echo", "Tone", "ecr_program", "find_tones", "rx_program", "rzx_program"]


LEAST = 0.25  # of the calibrated tones' area, below which the target's tone only cancels


class Tone(NamedTuple):
    """One play of half a cross-resonance echo."""

    channel: Channel
    pulse: Pulse
    amp: float
    angle: float  # rad


class Echo(NamedTuple):
    """The tones of a pair's echo, and the small phase shifts that go with them."""

    first: List[Tone]
    second: List[Tone]
    before: float  # rad, on the target's frame where the first tone starts
    after: float  # rad, on the target's frame where the second tone ends
    control: float  # rad, on the control's frame there
    duration: int  # samples, of the gate that holds them


def rx_program(device: Device, qubit: int) -> Optional[Program]:
    """Return rx(P0): the qubit's sx, its amplitude in proportion to the angle.

    None if the device has no sx there.
    """
    found = device.calibrations.get("sx", (qubit,))
    if found is None:
        return None
    program = found.program
    rows = program.rows(Op.PLAY)
    value = program.events.value.copy()
    slope = value[rows] / (math.pi / 2)
    value[rows] = 0.0
    table = ParameterTable(
        ("P0",), rows.astype(np.int32), np.zeros(rows.size, np.uint8), np.zeros(rows.size, np.int32), slope
    )
    return program.replace(events=program.events.replace(value=value), parameters=table, name="rx")


def find_tones(device: Device, control: int, target: int) -> Optional[Echo]:
    """Return the tones of the two halves of a pair's echo, or None.

    They are in its cx or ecr, either way round: the pulses of the control
    channel that drives ``control`` at ``target``'s LO, and those on
    ``target``'s drive channel at the same time. Phase shifts right before the
    first and right after the second, less what is a multiple of a quarter
    turn, are the local phases that ``tune`` has solved.
    """
    lines = {
        u for u, line in enumerate(device.controls) if line.qubit == control and [q for q, _ in line.lo] == [target]
    }
    for name in ("ecr", "cx"):
        for qubits in ((control, target), (target, control)):
            found = device.calibrations.get(name, qubits)
            echo = None if found is None else _echo_of(found.program, lines, control, target)
            if echo is not None:
                return echo
    return None


def _echo_of(program: Program, lines: set, control: int, target: int) -> Optional[Echo]:
    e = program.events
    plays = program.rows(Op.PLAY)
    channels = [program.channels[c] for c in e.channel.tolist()]
    main = [r for r in plays.tolist() if channels[r].kind == "u" and channels[r].index in lines]
    if len(main) != 2:
        return None
    halves = []
    for row in main:
        both = [
            r
            for r in plays.tolist()
            if e.t0[r] == e.t0[row]
            and e.duration[r] == e.duration[row]
            and channels[r] in (channels[row], Channel("d", target))
        ]
        halves.append([Tone(channels[r], program.pulses[e.ref[r]], float(e.value[r]), float(e.angle[r])) for r in both])

    def local(qubit: int, time: int) -> float:
        index = program.channel_id(Channel("d", qubit))
        shifts = (e.op == Op.SHIFT_PHASE) & (e.channel == index) & (e.t0 == time)
        return math.remainder(float(e.value[shifts].sum()), math.pi / 2)

    start, stop = int(e.t0[main[0]]), int(e.t0[main[1]] + e.duration[main[1]])
    return Echo(halves[0], halves[1], local(target, start), local(target, stop), local(control, stop), program.duration)


def scaled(tone: Tone, factor: float, granularity: int) -> Tone:
    """Return a tone of ``factor`` times the area.

    The flat top gets shorter or longer, the edges stay; the duration is a
    multiple of ``granularity``, and the amplitude makes up for the rounding.
    A tone without a flat top, or with too little area, changes its amplitude.
    """
    if factor < 0:
        return scaled(tone._replace(angle=tone.angle + math.pi), -factor, granularity)
    params = dict(tone.pulse.params)
    if tone.pulse.shape != "gaussian_square":
        return tone._replace(amp=tone.amp * factor)
    edges = tone.pulse.duration - params["width"]
    area = float(tone.pulse.samples.real.sum())
    width = max(0.0, factor * area - (area - params["width"]))
    duration = int(-(-(width + edges) // granularity)) * granularity
    pulse = Pulse.from_shape("gaussian_square", duration, {"sigma": params["sigma"], "width": duration - edges})
    amp = tone.amp * factor * area / float(pulse.samples.real.sum())
    return tone._replace(pulse=replace(pulse, name=tone.pulse.name), amp=amp)


def rzx_program(device: Device, control: int, target: int, theta: float) -> Optional[Program]:
    """Return rzx(theta) as an echo: tone, x, opposite tone, x; up to a global phase.

    Beyond a quarter turn, rzx(theta - pi), an x of the target and a rz(pi) of
    the control, which is shorter. Where the device drives the pair the other
    way round, Hadamards (rz, sx, rz) on both qubits turn it. None if it has no
    echo for the pair at all.
    """
    body, at = Body("rzx"), 0
    theta, flip = math.remainder(theta, 2 * math.pi), device.calibrations.get("x", (target,))
    turned = abs(theta) > math.pi / 2 and flip is not None
    factor = (theta - math.copysign(math.pi, theta) if turned else theta) / (math.pi / 2)
    if find_tones(device, control, target) is not None:
        at = _echo(device, body, at, control, target, factor, closing=True)
    elif find_tones(device, target, control) is not None:
        at = _hadamards(device, body, at, (control, target))
        at = _echo(device, body, at, target, control, factor, closing=True) if at >= 0 else -1
        at = _hadamards(device, body, at, (control, target)) if at >= 0 else -1
    else:
        return None
    if turned and flip is not None and at >= 0:
        body.copy_from(flip.program, shift=at)
        _shift(device, body, control, at, -math.pi)
    return body.build() if at >= 0 else None


def ecr_program(device: Device, control: int, target: int) -> Optional[Program]:
    """Return ecr, rzx(pi/4) x rzx(-pi/4), out of the pair's cx; None without one."""
    if find_tones(device, control, target) is None:
        return None
    body = Body("ecr")
    _echo(device, body, 0, control, target, 1.0, closing=False)
    return body.build()


def _echo(device: Device, body: Body, at: int, control: int, target: int, factor: float, *, closing: bool) -> int:
    """Append the echo; return its end in samples, or -1 without an x."""
    echo, flip = find_tones(device, control, target), device.calibrations.get("x", (control,))
    if echo is None or flip is None:
        return -1
    grain = max(device.timing.granularity, 1)
    halves = [
        [scaled(tone, factor, grain) for tone in _balanced(device, half, control, target, abs(factor))]
        for half in (echo.first, echo.second)
    ]
    length = sum(max(t.pulse.duration for t in half) for half in halves) + (1 + closing) * flip.program.duration
    # the difference of the shifts turns the tones' axis; their sum grows with the tones, but for what static ZZ does
    static = math.pi * _static_zz(device, control, target) * device.timing.dt
    whole = echo.before + echo.after - static * echo.duration
    axis, grown = (echo.before - echo.after) / 2, (whole * abs(factor) + static * length) / 2
    _shift(device, body, target, at, grown + axis)
    for half, parts in zip((echo.first, echo.second), halves):
        for tone in parts:
            body.play(tone.channel, at, tone.pulse, tone.amp, tone.angle)
        at += max(tone.pulse.duration for tone in parts)
        if half is echo.second:
            _shift(device, body, target, at, grown - axis)
            _shift(device, body, control, at, (-echo.control if closing else echo.control) * abs(factor))
        if half is echo.first or closing:
            body.copy_from(flip.program, shift=at)
            at += flip.program.duration
    return at


def _balanced(device: Device, half: List[Tone], control: int, target: int, factor: float) -> List[Tone]:
    """Return the tones of half an echo with the target's tone as tones of ``factor`` times the area want it.

    Both tones together turn the target by an angle that does not depend on
    the control. It adds up to about a whole turn per half, or none, and so
    undoes what else happens to the target. The angle is kept where the
    factor is large, and is zero where it is small; to first order in J, the
    cross-resonance tone's part of it is -J R / (D + a).
    """
    cross = [tone for tone in half if tone.channel.kind == "u"]
    own = [tone for tone in half if tone.channel.kind == "d"]
    if len(cross) != 1 or len(own) != 1 or not factor:
        return half
    main, drive = cross[0], device.drives[target]
    first, second = device.transmons[control], device.transmons[target]
    line = device.controls[main.channel.index]
    exchange = sum(c.strength for c in device.couplings if set(c.qubits) == {control, target})
    pole = first.frequency - second.frequency + first.anharmonicity
    phase = np.exp(1j * main.angle)
    share = own[0].pulse.samples.sum() / main.pulse.samples.sum()
    played = own[0].amp * np.exp(1j * own[0].angle) * share
    crossed = -exchange / pole * line.rabi_rate * line.gain * main.amp * phase / (drive.rabi_rate * drive.gain)
    wanted = (played + crossed) * max(round(factor), 1) / factor - crossed
    if factor < LEAST or abs(wanted) * float(np.abs(main.pulse.samples).max()) > 1:
        wanted = -crossed
    return [main, Tone(own[0].channel, main.pulse, abs(wanted), float(np.angle(wanted)))]


def _static_zz(device: Device, control: int, target: int) -> float:
    """Return the static ZZ in Hz, to second order in J."""
    first, second = device.transmons[control], device.transmons[target]
    gap = first.frequency - second.frequency
    squared = sum(c.strength for c in device.couplings if set(c.qubits) == {control, target}) ** 2
    return 2 * squared * (1 / (gap - second.anharmonicity) - 1 / (gap + first.anharmonicity))


def _shift(device: Device, body: Body, qubit: int, at: int, phase: float) -> None:
    """Shift the phase of every channel of a qubit's frame, as its rz does."""
    rz = device.calibrations.get("rz", (qubit,))
    if rz is not None and phase:
        body.copy_from(_bound(rz.program, -phase), shift=at)


def _hadamards(device: Device, body: Body, at: int, qubits: Sequence[int]) -> int:
    """Append rz(pi/2) sx rz(pi/2) on each qubit; return the end, or -1."""
    end = at
    for qubit in qubits:
        rz, sx = (device.calibrations.get(name, (qubit,)) for name in ("rz", "sx"))
        if rz is None or sx is None:
            return -1
        turn = _bound(rz.program, math.pi / 2)
        body.copy_from(turn, shift=at)
        body.copy_from(sx.program, shift=at)
        body.copy_from(turn, shift=at + sx.program.duration)
        end = max(end, at + sx.program.duration)
    return end


def _bound(program: Program, angle: float) -> Program:
    table, value = program.parameters, program.events.value.copy()
    if table is not None:
        np.add.at(value, table.row[table.column == 0], table.coefficient[table.column == 0] * angle)
    return program.replace(events=program.events.replace(value=value), parameters=None)
