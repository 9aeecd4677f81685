"""Write a program as OpenQASM 3 with OpenPulse ``cal`` blocks.

Shapes are Qiskit's (Gaussian edges are lifted), in the argument order of the
OpenPulse specification where that has the shape. Every channel is a port with
one frame; gaps are delays, so that each frame's clock is the program's. What
OpenPulse has no word for is an extern: ``capture_esp``, ``reset_qubit``,
``save_frame`` and ``restore_frame``.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..errors import ProgramError
from ..program import SHAPES, Channel, LoTable, Op, Program, Pulse
from ..program.findings import row_place

__all__ = ["WAVEFORMS", "to_openpulse"]

NOT_SUPPORTED = 8011
# parameters in the order of the specification, after amplitude and duration; "t": a duration, "f": a number
WAVEFORMS: Dict[str, Tuple[Tuple[str, str], ...]] = {
    "constant": (),
    "gaussian": (("sigma", "t"),),
    "drag": (("sigma", "t"), ("beta", "f")),
    "gaussian_square": (("width", "t"), ("sigma", "t")),
    "sech": (("sigma", "t"), ("zero_ends", "f")),
}
_EXTERN = {
    "capture_v2": "frame, duration) -> bit",
    "capture_esp": "frame, duration) -> bit",
    "reset_qubit": "frame, duration)",
    "save_frame": "frame)",
    "restore_frame": "frame)",
    "scale": "waveform, float[64]) -> waveform",
    "phase_shift": "waveform, float[64]) -> waveform",
}
_FRAMES = {
    Op.SHIFT_PHASE: "shift_phase",
    Op.SET_PHASE: "set_phase",
    Op.SHIFT_FREQUENCY: "shift_frequency",
    Op.SET_FREQUENCY: "set_frequency",
}


def waveform_arguments(shape: str) -> Tuple[Tuple[str, str], ...]:
    """Return a shape's arguments after amplitude and duration, with their kinds."""
    return WAVEFORMS.get(shape) or tuple((name, "f") for name in SHAPES[shape].parameters)


def to_openpulse(program: Program, device: Optional[Device] = None, *, los: Optional[LoTable] = None) -> str:
    """Return a bound program as OpenPulse text.

    Args:
        program: what to write.
        device: gives the frames' frequencies; None writes 0, which on reading
            means the device's own.
        los: gives them instead, its first row.

    Returns:
        Text that ``openpulse.parse`` accepts and ``read_openpulse_program``
        reads back (``read_openpulse``, where it has no externs).

    Raises:
        ProgramError: unbound parameters; acquires with a register, a kernel
            or a discriminator, for which OpenPulse has no word (8011).
    """
    if program.parameters is not None and program.parameters.names:
        raise ProgramError(
            f"Program {program.name!r} must be bound, but it depends on {list(program.parameters.names)}."
        )
    for row in program.rows(Op.ACQUIRE).tolist():
        spec = program.acquires[int(program.events.ref[row])]
        if spec.kernel is not None or spec.discriminator is not None or spec.register >= 0:
            raise ProgramError(
                f"{row_place(program, row)}: an acquire must use the device's kernel and discriminator and no register "
                f"to be written as OpenPulse, but it has {spec}.",
                code=NOT_SUPPORTED,
            )
    lines = ["OPENQASM 3.0;", 'defcalgrammar "openpulse";']
    if program.memory_slots:
        lines.append(f"bit[{program.memory_slots}] c;")
    body = list(_declarations(program, device, los)) + list(_events(program))
    return "\n".join([*lines, "cal {", *(f"  {line}" for line in body), "}"]) + "\n"


def _used(program: Program) -> List[Channel]:
    return [program.channels[k] for k in np.unique(program.events.channel).tolist()]


def _declarations(program: Program, device: Optional[Device], los: Optional[LoTable]) -> Iterator[str]:
    e = program.events
    channels = sorted(_used(program))
    for channel in channels:
        yield f"port {channel};"
    used = [program.pulses[k] for k in np.unique(e.ref[e.op == Op.PLAY]).tolist()]
    for shape in sorted({p.shape for p in used} - {"samples"}):
        kinds = ["complex[float[64]]"] if SHAPES[shape].scalable else []
        kinds += ["duration", *({"t": "duration", "f": "float[64]"}[k] for _, k in waveform_arguments(shape))]
        yield f"extern {shape}({', '.join(kinds)}) -> waveform;"
    for name in sorted(_externs(program)):
        yield f"extern {name}({_EXTERN[name]};"
    for channel in channels:
        yield f"frame {channel}_frame = newframe({channel}, {_frequency(channel, device, los)!r}, 0.0);"
    for k in np.unique(e.ref[e.op == Op.PLAY]).tolist():
        yield f"waveform p{k} = {_waveform(program.pulses[k])};"


def _externs(program: Program) -> Iterator[str]:
    e = program.events
    plays = e.op == Op.PLAY
    if (plays & (e.value != 1)).any():
        yield "scale"
    if (plays & (e.angle != 0)).any():
        yield "phase_shift"
    for row in np.flatnonzero(np.isin(e.op, (Op.ACQUIRE, Op.RESET, Op.SAVE_FRAME, Op.RESTORE_FRAME))).tolist():
        yield _name_of(program, row)


def _name_of(program: Program, row: int) -> str:
    e = program.events
    op = Op(int(e.op[row]))
    if op == Op.ACQUIRE:
        return "capture_esp" if program.acquires[int(e.ref[row])].esp else "capture_v2"
    return "reset_qubit" if op == Op.RESET else op.name.lower()


def _frequency(channel: Channel, device: Optional[Device], los: Optional[LoTable]) -> float:
    if los is not None:
        return float(los.of(channel)[1][0])
    if device is None:
        return 0.0
    if channel.kind == "u":
        return sum(complex(scale).real * device.qubit_freq_est[q] for q, scale in device.controls[channel.index].lo)
    estimates: Sequence[float] = device.qubit_freq_est if channel.kind == "d" else device.meas_freq_est
    return float(estimates[channel.index]) if channel.index < len(estimates) else 0.0


def _waveform(pulse: Pulse) -> str:
    if pulse.shape == "samples":
        return "{" + ", ".join(_complex(z) for z in pulse.samples.tolist()) + "}"
    params = dict(pulse.params)
    parts = ["1.0"] if SHAPES[pulse.shape].scalable else []
    parts.append(f"{pulse.duration}dt")
    parts += [f"{params[name]!r}{'dt' if kind == 't' else ''}" for name, kind in waveform_arguments(pulse.shape)]
    return f"{pulse.shape}({', '.join(parts)})"


def _complex(value: complex) -> str:
    sign = "-" if value.imag < 0 else "+"
    return f"{value.real!r} {sign} {abs(value.imag)!r}im"


def _events(program: Program) -> Iterator[str]:
    e, clock = program.events, {}  # type: ignore[var-annotated]
    for row, event in enumerate(e):
        frame = f"{program.channels[event.channel]}_frame"
        now = clock.get(frame, 0)
        if event.t0 > now:
            yield f"delay[{event.t0 - now}dt] {frame};"
        clock[frame] = event.t0 + event.duration
        if event.op == Op.PLAY:
            wave = f"p{event.ref}"
            wave = wave if event.angle == 0 else f"phase_shift({wave}, {event.angle!r})"
            yield f"play({frame}, {wave if event.value == 1 else f'scale({wave}, {event.value!r})'});"
        elif event.op == Op.DELAY:
            yield f"delay[{event.duration}dt] {frame};"
        elif event.op in _FRAMES:
            yield f"{_FRAMES[event.op]}({frame}, {event.value!r});"
        elif event.op in (Op.ACQUIRE, Op.RESET):
            target = f"c[{event.slot}] = " if event.op == Op.ACQUIRE and event.slot >= 0 else ""
            yield f"{target}{_name_of(program, row)}({frame}, {event.duration}dt);"
        else:
            yield f"{_name_of(program, row)}({frame});"
    rest = program.duration - max(clock.values(), default=0)
    if rest > 0 and clock:
        last = max(clock, key=lambda f: clock[f])
        yield f"delay[{rest}dt] {last};"
