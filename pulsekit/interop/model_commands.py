"""Write calibrations as OpenPulse commands, the form of a vendor's cmd_def."""

from __future__ import annotations

import cmath
from typing import Any, Dict, List, Tuple, Union

from ..device import Calibration
from ..errors import ProgramError
from ..program import Channel, Op, Program
from ..program.events import Event
from ..units import GHZ

__all__ = ["CommandWriter"]

_FRAME = {
    Op.SHIFT_PHASE: ("fc", "phase", 1.0),
    Op.SET_PHASE: ("setp", "phase", 1.0),
    Op.SHIFT_FREQUENCY: ("shiftf", "frequency", GHZ),
    Op.SET_FREQUENCY: ("setf", "frequency", GHZ),
}


class CommandWriter:
    """Turns calibrations into commands, and collects their pulse library."""

    def __init__(self) -> None:
        self.library: Dict[str, List[complex]] = {}

    def write(self, calibration: Calibration) -> Dict[str, Any]:
        """Return the command of one calibration, as a cmd_def entry.

        Raises:
            ProgramError: a row that OpenPulse has no instruction for.
        """
        return {
            "name": calibration.name,
            "qubits": list(calibration.qubits),
            "sequence": self._sequence(calibration.program, f"{calibration.name}_{calibration.qubits}"),
        }

    def _sequence(self, program: Program, where: str) -> List[Dict[str, Any]]:
        sequence: List[Dict[str, Any]] = []
        acquires: Dict[Tuple[int, int], Dict[str, Any]] = {}
        expressions = _expressions(program)
        for row, event in enumerate(program.events):
            channel = program.channels[event.channel]
            if event.op == Op.PLAY:
                label = program.labels[event.label] if event.label >= 0 else None
                sequence.append(self._play(program, event, channel, label, where))
            elif event.op == Op.DELAY:
                sequence.append({"name": "delay", "t0": event.t0, "ch": channel.name, "duration": event.duration})
            elif event.op == Op.ACQUIRE:
                key = (event.t0, event.duration)
                if key not in acquires:
                    acquires[key] = {"name": "acquire", "t0": event.t0, "duration": event.duration, "qubits": []}
                    acquires[key]["memory_slot"] = []
                    sequence.append(acquires[key])
                acquires[key]["qubits"].append(channel.index)
                acquires[key]["memory_slot"].append(max(event.slot, 0))
            elif event.op in _FRAME:
                name, field, unit = _FRAME[event.op]
                value = expressions.get(row, event.value / unit)
                sequence.append({"name": name, "t0": event.t0, "ch": channel.name, field: value})
            else:
                raise ProgramError(
                    f"{channel}@{event.t0}: a calibration must use instructions of OpenPulse, but it has {event.op!r}."
                )
        return sequence

    def _play(self, program: Program, event: Event, channel: Channel, label: Any, where: str) -> Dict[str, Any]:
        pulse = program.pulses[event.ref]
        if pulse.shape == "samples":
            name = pulse.name or label or f"{where}_{channel}_{event.t0}"
            samples = pulse.samples * cmath.rect(event.value, event.angle)
            while name in self.library and self.library[name] != list(samples):
                name += "_"
            self.library[name] = list(samples)
            return {"name": name, "t0": event.t0, "ch": channel.name}
        amp = cmath.rect(event.value, event.angle)
        parameters: Dict[str, Any] = {"duration": pulse.duration, "amp": amp}
        parameters.update(pulse.params)
        out = {"name": "parametric_pulse", "t0": event.t0, "ch": channel.name, "pulse_shape": pulse.shape}
        out["parameters"] = parameters
        out["label"] = label or pulse.name or f"{pulse.shape}_{channel}"
        return out


def _expressions(program: Program) -> Dict[int, Union[str, float]]:
    """Return the rows whose value depends on parameters, as expressions."""
    table = program.parameters
    if table is None:
        return {}
    out: Dict[int, str] = {}
    for row, column, parameter, coefficient in zip(table.row, table.column, table.parameter, table.coefficient):
        if column != 0:
            raise ProgramError("A calibration's parameters must be phases or frequencies to be written as a command.")
        event = program.events
        unit = _FRAME[Op(int(event.op[row]))][2]
        name = table.names[parameter]
        scale = float(coefficient) / unit
        term = f"-({name})" if scale == -1 else f"({name})" if scale == 1 else f"({scale!r}*{name})"
        constant = float(event.value[row]) / unit
        before = out.get(int(row), "" if constant == 0 else repr(constant))
        out[int(row)] = before + (term if term.startswith("-") or not before else "+" + term)
    return dict(out)
