"""Read a vendor's command definitions (``cmd_def``) into calibrations."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import DeviceError, ProgramError
from ..program import AcquireSpec, Channel, Op, Program, Pulse
from .body import Body

__all__ = ["CommandReader", "affine"]

_SPACE = re.compile(r"\s+")
_TERM = re.compile(r"([+-]?)(?:(\d+\.?\d*(?:[eE][+-]?\d+)?)\*?)?(?:(P\d+)|\((P\d+)\))?(?:/(\d+\.?\d*))?")
_AMPLITUDE_TOLERANCE = 1e-7  # |sample| above 1 by less than this is rounding, as in terra's Waveform


def affine(text: str) -> Tuple[float, Dict[str, float]]:
    """Return the constant and the coefficients of an affine expression such as "-(P0)".

    Raises:
        DeviceError: not a sum of numbers and multiples of P0, P1, ...
    """
    rest = _SPACE.sub("", text)
    constant = 0.0
    coefficients: Dict[str, float] = {}
    if not rest:
        raise DeviceError(f"A command's parameter must be an affine expression such as '-(P0)', but {text!r} came.")
    while rest:
        match = _TERM.match(rest)
        name = match and (match.group(3) or match.group(4))
        if match is None or not (match.group(2) or name):
            raise DeviceError(f"A command's parameter must be an affine expression such as '-(P0)', but {text!r} came.")
        value = float(match.group(2) or 1.0) / float(match.group(5) or 1.0)
        value = -value if match.group(1) == "-" else value
        if name:
            coefficients[name] = coefficients.get(name, 0.0) + value
        else:
            constant += value
        rest = rest[match.end() :]
        if rest and rest[0] not in "+-":
            raise DeviceError(f"A command's parameter must be an affine expression such as '-(P0)', but {text!r} came.")
    return constant, coefficients


def _complex(value: Any) -> complex:
    """Return a number that JSON holds as [re, im], as a number, or that terra has already decoded."""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return complex(float(value[0]), float(value[1]))
    return complex(value)


def _option(value: Any) -> Optional[Tuple[str, Tuple[Tuple[str, Any], ...]]]:
    """Return the first kernel or discriminator of an acquire command."""
    item = value[0] if isinstance(value, (list, tuple)) and value else value
    if not item:
        return None
    return str(item["name"]), tuple(sorted((item.get("params") or {}).items()))


class CommandReader:
    """Turns commands into programs; pulses of the library are shared."""

    def __init__(self, library: Sequence[Mapping[str, Any]], frequency_unit: float) -> None:
        """Take the ``pulse_library`` and the unit (Hz) of setf and shiftf."""
        self._frequency_unit = frequency_unit
        self._library = {str(item["name"]): item["samples"] for item in library}
        self._waveforms: Dict[str, Pulse] = {}

    def read(self, name: str, sequence: Sequence[Mapping[str, Any]]) -> Program:
        """Return the program of one command.

        Raises:
            DeviceError: an instruction that is neither known nor in the
                pulse library, or malformed.
        """
        body = Body(name)
        for instruction in sequence:
            try:
                self._append(body, instruction)
            except (KeyError, TypeError, ValueError, IndexError, ProgramError) as error:
                raise DeviceError(
                    f"Command {name!r} must be made of instructions that OpenPulse defines, but "
                    f"{instruction.get('name')!r} at t0 = {instruction.get('t0')} is malformed: {error}."
                ) from error
        return body.build()

    def _append(self, body: Body, instruction: Mapping[str, Any]) -> None:
        kind, t0 = str(instruction["name"]), int(instruction["t0"])
        if kind == "acquire":
            self._acquire(body, instruction, t0)
            return
        channel = Channel.parse(str(instruction["ch"]))
        if kind == "parametric_pulse":
            self._parametric(body, instruction, channel, t0)
        elif kind == "delay":
            body.delay(channel, t0, int(instruction["duration"]))
        elif kind in ("fc", "setp"):
            op = Op.SHIFT_PHASE if kind == "fc" else Op.SET_PHASE
            value, coefficients = self._value(instruction["phase"])
            body.frame(op, channel, t0, value, coefficients)
        elif kind in ("setf", "shiftf"):
            op = Op.SET_FREQUENCY if kind == "setf" else Op.SHIFT_FREQUENCY
            value, coefficients = self._value(instruction["frequency"])
            unit = self._frequency_unit
            body.frame(op, channel, t0, value * unit, {k: v * unit for k, v in coefficients.items()})
        elif kind in self._library:
            body.play(channel, t0, self._waveform(kind), label=kind)
        elif kind != "snapshot":
            raise DeviceError(
                f"Instruction {kind!r} on {channel} must be an OpenPulse instruction or a pulse of the pulse library, "
                "but it is neither. Add it to `pulse_library`."
            )

    @staticmethod
    def _value(value: Any) -> Tuple[float, Dict[str, float]]:
        return affine(value) if isinstance(value, str) else (float(value), {})

    @staticmethod
    def _parametric(body: Body, instruction: Mapping[str, Any], channel: Channel, t0: int) -> None:
        parameters = dict(instruction["parameters"])
        duration = int(parameters.pop("duration"))
        if parameters.get("risefall_sigma_ratio") is not None:
            parameters["width"] = duration - 2.0 * parameters["risefall_sigma_ratio"] * parameters["sigma"]
        parameters.pop("risefall_sigma_ratio", None)
        amp = _complex(parameters.pop("amp"))
        angle = float(parameters.pop("angle", 0.0)) + float(np.angle(amp))
        label = instruction.get("label")
        pulse = Pulse.from_shape(str(instruction["pulse_shape"]), duration, parameters, name=label)
        body.play(channel, t0, pulse, float(np.abs(amp)), angle, label)

    @staticmethod
    def _acquire(body: Body, instruction: Mapping[str, Any], t0: int) -> None:
        qubits: List[int] = [int(q) for q in instruction["qubits"]]
        slots = instruction.get("memory_slot") or qubits
        registers = instruction.get("register_slot") or [-1] * len(qubits)
        kernel, discriminator = _option(instruction.get("kernels")), _option(instruction.get("discriminators"))
        for qubit, slot, register in zip(qubits, slots, registers):
            spec = AcquireSpec(kernel, discriminator, register=int(register))
            body.acquire(qubit, t0, int(instruction["duration"]), int(slot), spec)

    def _waveform(self, name: str) -> Pulse:
        if name not in self._waveforms:
            raw = self._library[name]
            samples = np.array([_complex(s) for s in raw] if not isinstance(raw, np.ndarray) else raw, dtype=complex)
            size = np.abs(samples)
            over = (size > 1) & (size <= 1 + _AMPLITUDE_TOLERANCE)
            samples[over] /= size[over] * (1 + 1e-15)
            self._waveforms[name] = Pulse.from_samples(samples, name=name)
        return self._waveforms[name]
