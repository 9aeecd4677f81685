"""Turn a vendor's commands into a calibration map, and add what is missing."""

from __future__ import annotations

from math import gcd
from typing import Dict, List, Mapping, Tuple

from ..program import Channel, Op, Program
from .calibrations import Calibration, CalibrationMap, make_calibration
from .commands import CommandReader
from .esp import main_play, measure_esp_program, own_measure, x12_program
from .notes import Notes
from .vendor import VendorFiles, require

__all__ = ["add_derived", "command_granularity", "read_commands"]


def read_commands(files: VendorFiles) -> CalibrationMap:
    """Return every command of ``cmd_def`` as a calibration.

    Raises:
        DeviceError: a command that cannot be understood.
    """
    reader = CommandReader(files.defaults.get("pulse_library") or (), files.frequency_unit)
    entries: Dict[Tuple[str, Tuple[int, ...]], Calibration] = {}
    for command in require(files.defaults, "cmd_def", "defaults"):
        name, qubits = str(command["name"]), tuple(int(q) for q in command.get("qubits") or ())
        program = reader.read(name, command.get("sequence") or ())
        entries[(name, qubits)] = make_calibration(
            name,
            qubits,
            program,
            source="vendor",
            date=files.gate_date(name, qubits),
            parameters=pulse_parameters(program),
        )
    return CalibrationMap(entries, files.date or "1")


def pulse_parameters(program: Program) -> Mapping[str, float]:
    """Return the numbers behind the pulses: those of each channel's first pulse.

    A program of one channel has plain keys ("amp", "beta"), others have the
    channel in front ("u0.amp").
    """
    events = program.events
    first: Dict[Channel, int] = {}
    for row in program.rows(Op.PLAY):
        first.setdefault(program.channels[events.channel[row]], int(row))
    out: Dict[str, float] = {}
    for channel, row in first.items():
        pulse = program.pulses[events.ref[row]]
        prefix = "" if len(first) == 1 else f"{channel}."
        out[f"{prefix}amp"] = float(events.value[row])
        out[f"{prefix}angle"] = float(events.angle[row])
        out[f"{prefix}duration"] = float(pulse.duration)
        out.update({f"{prefix}{k}": v for k, v in pulse.params})
    return out


def add_derived(
    calibrations: CalibrationMap, anharmonicities: List[float], dt: float, files: VendorFiles, notes: Notes
) -> CalibrationMap:
    """Return the map with single-qubit measures, x12 and measure_esp added."""
    added: List[Calibration] = []
    group = max((c for c in calibrations if c.name == "measure"), key=lambda c: len(c.qubits), default=None)
    for q in range(files.n_qubits):
        measure = calibrations.get("measure", (q,))
        if measure is None and group is not None:
            own = own_measure(q, group.program)
            if own is not None:
                measure = make_calibration("measure", (q,), own, source="derived", date=group.date)
                added.append(measure)
        x = calibrations.get("x", (q,))
        if x is None or main_play(x.program, Channel("d", q)) < 0:
            notes.add(f"calibrations[x12,{q}]", "failed", "no x pulse to make x12 and measure_esp from")
            continue
        x12 = x12_program(q, x.program, anharmonicities[q], dt)
        added.append(
            make_calibration("x12", (q,), x12, source="derived", date=x.date, parameters=pulse_parameters(x12))
        )
        esp = None if measure is None else measure_esp_program(q, measure.program, x12)
        if esp is not None and measure is not None:
            added.append(make_calibration("measure_esp", (q,), esp, source="derived", date=measure.date))
    notes.add("calibrations[x12,*]", "derived", "x pulse at 1/sqrt(2) of its amplitude, at 1-2; tune solves it")
    notes.add("calibrations[measure_esp,*]", "derived", "x12, then the published measure")
    return calibrations.updated(*added)


def command_granularity(calibrations: CalibrationMap) -> int:
    """Return the greatest common divisor of all pulse and acquire lengths."""
    out = 0
    for calibration in calibrations:
        events = calibration.program.events
        for row in calibration.program.rows(Op.PLAY, Op.ACQUIRE):
            out = gcd(out, int(events.duration[row]))
    return out or 1
