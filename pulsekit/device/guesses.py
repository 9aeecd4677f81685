"""Guess calibrations of a device from scratch; ``tune`` solves them later.

Shapes and structure are those of IBM's published command definitions: DRAG
pulses of 4 sigma, virtual rz on every channel in the qubit's frame, echoed
cross resonance, Gaussian-square readout. Amplitudes follow from closed forms
(see the functions), good to a few percent.
"""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Optional, Tuple

from ..errors import DeviceError
from ..program import Channel, Op, Program, Pulse
from ..units import TWO_PI
from .body import Body
from .calibrations import Calibration, CalibrationMap, make_calibration
from .cross_resonance import CNOT_TURNS, zx_rate
from .esp import measure_esp_program, x12_program
from .model import Device, Timing
from .vendor_commands import pulse_parameters

__all__ = ["SOURCE", "frame_channels", "guess_calibrations", "two_qubit_calibrations"]

SOURCE = "guess"
GATE_S = 320e-9 / 9  # s, length of x and sx: 160 samples at 2/9 ns
CR_SIGMA_S = 128e-9 / 9  # s: 64 samples at 2/9 ns
STIMULUS_S = 2944e-9 / 9  # s: 1472 samples at 2/9 ns
RING_DOWN_S = 3136e-9 / 9  # s: 1568 samples at 2/9 ns
STIMULUS_AMPLITUDE = 0.25
CR_RABI_RATIO = 0.25  # Rabi rate of the CR tone over the distance to the nearer pole of the CR rate
MAX_AMPLITUDE = 0.9
_NO_CR = 5e6  # Hz; closer to a pole of the CR rate than this, no gate is guessed


def samples(seconds: float, timing: Timing) -> int:
    """Return a pulse length (samples) that the device can play, at least ``seconds``."""
    grain = max(timing.granularity, timing.pulse_alignment, 1)
    return max(math.ceil(seconds / timing.dt / grain - 1e-9), math.ceil(timing.min_length / grain), 1) * grain


def frame_channels(device: Device, qubit: int) -> List[Channel]:
    """Return the channels in a qubit's frame: its drive, and controls with its LO."""
    controls = [Channel("u", i) for i, line in enumerate(device.controls) if any(q == qubit for q, _ in line.lo)]
    return [Channel("d", qubit), *controls]


def guess_calibrations(
    device: Device, controls_of: Mapping[Tuple[int, int], int], *, gate: str = "cx"
) -> CalibrationMap:
    """Return a full set of calibrations.

    Args:
        device: without calibrations.
        controls_of: (control, target) -> index of the control channel whose
            tone makes the pair's gate.
        gate: "cx" or "ecr".
    """
    entries: List[Calibration] = []
    for q in range(device.n_qubits):
        entries += _single(device, q)
    entries.append(_measure_all(device))
    base = CalibrationMap({(c.name, c.qubits): c for c in entries})
    for (control, target), channel in controls_of.items():
        entries += two_qubit_calibrations(device, base, control, target, channel, gate=gate)
    return CalibrationMap({(c.name, c.qubits): c for c in entries}, "guess")


def _single(device: Device, q: int) -> List[Calibration]:
    timing, transmon = device.timing, device.transmons[q]
    x, sx = _rotation(device, q, "x", 0.5), _rotation(device, q, "sx", 0.25)
    duration = x.duration
    idle = Body("id")
    idle.delay(Channel("d", q), 0, duration)
    measure = _measure(device, [q], "measure")
    x12 = x12_program(q, x, transmon.anharmonicity, timing.dt)
    programs: Dict[str, Optional[Program]] = {
        "x": x,
        "sx": sx,
        "id": idle.build(),
        "rz": _phases(device, q, "rz", [(0, "P0")]),
        "u1": _phases(device, q, "u1", [(0, "P0")]),
        "u2": _phases(device, q, "u2", [(0, "P1"), (duration, "P0")], [(sx, 0, math.pi / 2)]),
        "u3": _phases(
            device,
            q,
            "u3",
            [(0, "P2"), (duration, "P0"), (2 * duration, "P1")],
            [(sx, 0, 0.0), (sx, duration, math.pi)],
        ),
        "measure": measure,
        "x12": x12,
        "measure_esp": measure_esp_program(q, measure, x12),
    }
    return [_guess(name, (q,), program) for name, program in programs.items() if program is not None]


def _guess(name: str, qubits: Tuple[int, ...], program: Program) -> Calibration:
    return make_calibration(name, qubits, program, source=SOURCE, parameters=pulse_parameters(program))


def _rotation(device: Device, q: int, name: str, turns: float) -> Program:
    """Return a DRAG pulse that turns 0-1 by ``turns`` full turns.

    The area rule: turns = rabi_rate dt amp |sum of samples|. beta is half of
    the first-order value 1/|alpha| (Motzoi et al., Phys. Rev. Lett. 103,
    110501), which cancels the phase error where the detuning is not corrected.
    """
    timing = device.timing
    rate, w_alpha = device.drives[q].rabi_rate, TWO_PI * device.transmons[q].anharmonicity
    seconds = GATE_S
    for _ in range(40):
        duration = samples(seconds, timing)
        beta = 0.5 / (w_alpha * timing.dt) if w_alpha else 0.0
        pulse = Pulse.from_shape("drag", duration, {"sigma": duration / 4, "beta": beta}, name=f"{_LABEL[name]}_d{q}")
        area = abs(pulse.samples.sum()) * rate * timing.dt
        if 0.5 <= MAX_AMPLITUDE * area:  # x and sx share their length
            body = Body(name)
            body.play(Channel("d", q), 0, pulse, turns / area, 0.0, pulse.name)
            return body.build()
        seconds *= 1.25
    raise DeviceError(
        f"Qubit {q} must have a `rabi_rate` that turns it by pi within {seconds * 1e6:.0f} us, but it is {rate:g} Hz."
    )


_LABEL = {"x": "Xp", "sx": "X90p"}


def _phases(
    device: Device,
    q: int,
    name: str,
    shifts: List[Tuple[int, str]],
    plays: Optional[List[Tuple[Program, int, float]]] = None,
) -> Program:
    """Return virtual rotations (a ShiftPhase by minus the parameter) around pulses."""
    body = Body(name)
    for t0, parameter in shifts:
        for channel in frame_channels(device, q):
            body.frame(Op.SHIFT_PHASE, channel, t0, 0.0, {parameter: -1.0})
    for program, t0, angle in plays or ():
        _turned(body, program, Channel("d", q), t0, angle)
    return body.build()


def _turned(body: Body, program: Program, channel: Channel, t0: int, angle: float, label: Optional[str] = None) -> None:
    """Play a one-pulse program with its angle changed."""
    event = next(e for e in program.events if e.op == Op.PLAY)
    body.play(channel, t0, program.pulses[event.ref], event.value, event.angle + angle, label)


def _measure(device: Device, qubits: List[int], name: str) -> Program:
    timing = device.timing
    grain = max(timing.granularity, timing.acquire_alignment, 1)
    length = math.ceil(samples(STIMULUS_S, timing) / grain) * grain
    sigma = min(length / 8, 2 * CR_SIGMA_S / timing.dt / 2)
    body = Body(name)
    for q in qubits:
        pulse = Pulse.from_shape(
            "gaussian_square", length, {"sigma": sigma, "width": max(length - 4 * sigma, 0.0)}, name=f"M_m{q}"
        )
        body.play(Channel("m", q), 0, pulse, STIMULUS_AMPLITUDE, 0.0, pulse.name)
        body.delay(Channel("m", q), length, samples(RING_DOWN_S, timing))
        body.acquire(q, 0, length, q)
    return body.build()


def _measure_all(device: Device) -> Calibration:
    qubits = tuple(range(device.n_qubits))
    return make_calibration("measure", qubits, _measure(device, list(qubits), "measure"), source=SOURCE)


def two_qubit_calibrations(
    device: Device, base: CalibrationMap, control: int, target: int, channel: int, *, gate: str = "cx"
) -> List[Calibration]:
    """Return the echoed-CR gates of a pair; none where first order has a pole.

    Args:
        device: with transmons, couplings and lines.
        base: holds x and sx of both qubits.
        control: the qubit that the control channel drives.
        target: the qubit whose LO it has.
        channel: index of the control channel.
        gate: "ecr" for the bare echo, "cx" for both directions of a CNOT.

    The sign is chosen so that the first tone turns ZX forward by pi/4 (half of
    ``CNOT_TURNS`` in each half of the echo).
    """
    tone = _cr_tone(device, control, target, channel)
    if tone is None:
        return []
    if gate == "ecr":
        return [_guess("ecr", (control, target), _ecr(device, base, control, target, channel, tone))]
    if gate != "cx":
        raise DeviceError(f"Argument `gate` must be 'cx' or 'ecr', but {gate!r} came.")
    return [
        _guess("cx", (control, target), _forward_cx(device, base, control, target, channel, tone)),
        _guess("cx", (target, control), _reverse_cx(device, base, control, target, channel, tone)),
    ]


_Tone = Tuple[Pulse, float, float]  # pulse, amplitude, angle


def _cr_tone(device: Device, control: int, target: int, channel: int) -> Optional[_Tone]:
    timing, line = device.timing, device.controls[channel]
    alpha = device.transmons[control].anharmonicity
    detuning = device.transmons[control].frequency - device.transmons[target].frequency
    exchange = sum(c.strength for c in device.couplings if set(c.qubits) == {control, target})
    if not exchange or abs(detuning) < _NO_CR or abs(alpha + detuning) < _NO_CR:
        return None
    unit = zx_rate(exchange, line.rabi_rate, detuning, alpha)  # Hz at amplitude 1
    sigma = CR_SIGMA_S / timing.dt
    amplitude = min(CR_RABI_RATIO * min(abs(detuning), abs(alpha + detuning)) / line.rabi_rate, MAX_AMPLITUDE)
    flat = CNOT_TURNS / 2 / (abs(unit) * amplitude * timing.dt)  # samples of a square tone
    edges = 2.0 * sigma  # samples: what the two edges of 2 sigma each add, roughly
    duration = samples((max(flat - edges, 0.0) + 4 * sigma) * timing.dt, timing)
    pulse = Pulse.from_shape(
        "gaussian_square", duration, {"sigma": sigma, "width": max(duration - 4 * sigma, 0.0)}, name=f"CR90p_u{channel}"
    )
    area = float(abs(pulse.samples.sum())) * timing.dt
    return pulse, CNOT_TURNS / 2 / (abs(unit) * area), math.pi if unit < 0 else 0.0


def _echo(
    body: Body, base: CalibrationMap, control: int, target: int, channel: int, tone: _Tone, start: int
) -> Tuple[int, int]:
    """Play tone, x on the control, negative tone; return when x and the end are."""
    pulse, amplitude, angle = tone
    x = _need(base, "x", control)
    u, cancel = Channel("u", channel), Channel("d", target)
    middle = start + pulse.duration
    second = middle + x.duration
    for t0, turn, sign in ((start, 0.0, "p"), (second, math.pi, "m")):
        body.play(u, t0, pulse, amplitude, angle + turn, f"CR90{sign}_u{channel}")
        body.play(cancel, t0, pulse, 0.0, turn, f"CR90{sign}_d{target}_u{channel}")
    _turned(body, x, Channel("d", control), middle, 0.0, f"Xp_d{control}")
    return middle, second + pulse.duration


def _need(base: CalibrationMap, name: str, qubit: int) -> Program:
    calibration = base.get(name, (qubit,))
    if calibration is None:
        raise DeviceError(f"Qubit {qubit} must have a calibration {name!r} before its pair gates are made.")
    return calibration.program


def _shift(body: Body, device: Device, qubit: int, t0: int, phase: float) -> None:
    for channel in frame_channels(device, qubit):
        body.frame(Op.SHIFT_PHASE, channel, t0, phase)


def _ecr(device: Device, base: CalibrationMap, control: int, target: int, channel: int, tone: _Tone) -> Program:
    body = Body("ecr")
    _echo(body, base, control, target, channel, tone, 0)
    return body.build()


def _forward_cx(device: Device, base: CalibrationMap, control: int, target: int, channel: int, tone: _Tone) -> Program:
    """CX = Rz(pi/2) Rx(pi/2) ZX(-pi/2): the echo gives ZX(-pi/2) X, Ym and a phase shift the rest."""
    body, half = Body("cx"), math.pi / 2
    x, sx = _need(base, "x", control), _need(base, "sx", target)
    _shift(body, device, control, 0, half)
    _turned(body, x, Channel("d", control), 0, -half, f"Ym_d{control}")
    _turned(body, sx, Channel("d", target), 0, 0.0, f"X90p_d{target}")
    _echo(body, base, control, target, channel, tone, max(x.duration, sx.duration))
    return body.build()


def _reverse_cx(device: Device, base: CalibrationMap, control: int, target: int, channel: int, tone: _Tone) -> Program:
    """The CNOT whose control is the CR target: Hadamards on both sides, merged."""
    body, half = Body("cx"), math.pi / 2
    sx_c, sx_t = _need(base, "sx", control), _need(base, "sx", target)
    _shift(body, device, control, 0, -half)
    _turned(body, sx_c, Channel("d", control), 0, 0.0, f"X90p_d{control}")
    _shift(body, device, target, 0, -math.pi)
    _turned(body, sx_t, Channel("d", target), 0, half, f"Y90p_d{target}")
    _, end = _echo(body, base, control, target, channel, tone, max(sx_c.duration, sx_t.duration))
    _turned(body, sx_c, Channel("d", control), end, -half, f"Y90m_d{control}")
    _shift(body, device, target, end, -half)
    _turned(body, sx_t, Channel("d", target), end, 0.0, f"X90p_d{target}")
    return body.build()
