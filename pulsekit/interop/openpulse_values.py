"""Evaluate the expressions of OpenPulse text: numbers, durations, waveforms."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from ..errors import CompilerError
from ..program import SHAPES, Pulse
from ..program.verifier import MAX_PULSE
from .openpulse_out import waveform_arguments

__all__ = ["Frame", "Samples", "Wave", "evaluate", "refuse", "wave_of", "whole"]

TOO_LONG = 8022  # "pulse too long"
MOST_BITS = 128  # of an integer: those of OpenPulse are of a machine
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_CONSTANTS = {"pi": math.pi, "π": math.pi, "tau": 2 * math.pi, "τ": 2 * math.pi, "euler": math.e, "ℇ": math.e}
_FUNCTIONS: Dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}


class Samples(float):
    """A duration, in samples."""


@dataclass(frozen=True)
class Frame:
    """A frame on a port, as first declared."""

    port: str
    frequency: float  # Hz; 0: the device's
    phase: float  # rad


@dataclass(frozen=True)
class Wave:
    """An envelope times amp * exp(i angle)."""

    pulse: Pulse
    amp: float = 1.0
    angle: float = 0.0

    def samples(self) -> np.ndarray:
        """Return complex128[duration]."""
        return self.pulse.samples * (self.amp * cmath.exp(1j * self.angle))


def refuse(node: Any, rule: str, fact: str, code: Optional[int] = None) -> CompilerError:
    """Return the error for a statement or expression that cannot be read."""
    span = getattr(node, "span", None)
    where = f"line {span.start_line}: " if span is not None else ""
    return CompilerError(f"Argument `text`, {where}{rule}, but {fact} came.", code=code)


def evaluate(node: Any, names: Mapping[str, Any], dt: float) -> Any:
    """Return the value of an expression.

    Args:
        node: of ``openpulse.ast``.
        names: what is declared.
        dt: sample time in s.

    Returns:
        A number, a bool, :class:`Samples`, :class:`Wave`, :class:`Frame`, a
        port's name, or a list.

    Raises:
        CompilerError: what cannot be evaluated before the program runs.
    """
    handler = _NODES.get(type(node).__name__)
    if handler is None:
        raise refuse(node, "expressions must be constant", type(node).__name__)
    try:
        return handler(node, names, dt)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise refuse(node, "expressions must have a value", str(error)) from error


def _identifier(node: Any, names: Mapping[str, Any], dt: float) -> Any:
    if node.name in names:
        return names[node.name]
    if node.name in _CONSTANTS:
        return _CONSTANTS[node.name]
    raise refuse(node, "names must be declared before they are used", repr(node.name))


def _duration(node: Any, names: Mapping[str, Any], dt: float) -> Samples:
    unit = node.unit.name
    if unit == "dt":
        return Samples(node.value)
    return Samples(node.value * _SECONDS[unit] / dt)


def _unary(node: Any, names: Mapping[str, Any], dt: float) -> Any:
    value = evaluate(node.expression, names, dt)
    if node.op.name == "-":
        return Samples(-value) if isinstance(value, Samples) else -value
    raise refuse(node, "operators must be arithmetic", node.op.name)


def _binary(node: Any, names: Mapping[str, Any], dt: float) -> Any:
    a, b = evaluate(node.lhs, names, dt), evaluate(node.rhs, names, dt)
    if not all(isinstance(v, (int, float, complex)) for v in (a, b)):
        raise refuse(node, "operands must be numbers or durations", f"{a!r} {node.op.name} {b!r}")
    operations: Dict[str, Callable[[], Any]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "**": lambda: _power(a, b),
        "%": lambda: a % b,
    }
    if node.op.name not in operations:
        raise refuse(node, "operators must be arithmetic", node.op.name)
    value = operations[node.op.name]()
    lengths = isinstance(a, Samples) + isinstance(b, Samples)
    ratio = node.op.name == "/" and isinstance(b, Samples)
    return Samples(value) if lengths and not ratio else value


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and b * a.bit_length() > MOST_BITS:
        raise OverflowError(f"{a} ** {b} is too large")
    return a**b


def _array(node: Any, names: Mapping[str, Any], dt: float) -> List[Any]:
    return [evaluate(v, names, dt) for v in node.values]


def _call(node: Any, names: Mapping[str, Any], dt: float) -> Any:
    name = node.name.name
    if name == "newframe":
        port, frequency, phase = (evaluate(a, names, dt) for a in _arity(node, 3))
        return Frame(str(port), float(frequency), float(phase))
    arguments = [evaluate(a, names, dt) for a in node.arguments]
    if name in ("scale", "phase_shift"):
        wave, factor = wave_of(node, _arity(node, 2) and arguments[0]), arguments[1]
        return _turned(wave, factor) if name == "scale" else replace(wave, angle=wave.angle + float(factor))
    if name in ("mix", "sum"):
        a, b = (wave_of(node, w).samples() for w in arguments)
        if a.size != b.size:
            raise refuse(node, f"waveforms of {name} must be as long", f"{a.size} and {b.size} samples")
        return Wave(Pulse.from_samples(a * b if name == "mix" else a + b))
    if name in SHAPES:
        return _shape(node, name, arguments)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](float(_arity(node, 1) and arguments[0]))
    raise refuse(node, "functions must be known", repr(name))


def _arity(node: Any, count: int) -> Any:
    if len(node.arguments) != count:
        raise refuse(node, f"`{node.name.name}` must have {count} arguments", str(len(node.arguments)))
    return node.arguments


def _turned(wave: Wave, factor: Any) -> Wave:
    if isinstance(factor, complex):
        return replace(wave, amp=wave.amp * abs(factor), angle=wave.angle + cmath.phase(factor))
    return replace(wave, amp=wave.amp * float(factor))


def _shape(node: Any, name: str, arguments: List[Any]) -> Wave:
    expected = waveform_arguments(name)
    first = 1 if SHAPES[name].scalable else 0
    if len(arguments) != first + 1 + len(expected):
        if name == "sech" and len(arguments) == 3:
            arguments = [*arguments, 1.0]
        else:
            raise refuse(node, f"`{name}` must have {first + 1 + len(expected)} arguments", str(len(arguments)))
    params = {key: float(v) for (key, _), v in zip(expected, arguments[first + 1 :])}
    duration = whole(node, arguments[first])
    if duration > MAX_PULSE:
        raise refuse(node, f"a pulse must have at most {MAX_PULSE} samples", f"{duration}", TOO_LONG)
    pulse = Pulse.from_shape(name, duration, params)
    return _turned(Wave(pulse), arguments[0]) if first else Wave(pulse)


def whole(node: Any, duration: Any) -> int:
    """Return a duration as whole samples.

    Raises:
        CompilerError: it is none, or not whole within 1e-6 of a sample.
    """
    if not isinstance(duration, (int, float)) or isinstance(duration, bool):
        raise refuse(node, "durations must be durations", repr(duration))
    samples = round(float(duration)) if math.isfinite(duration) else -1
    if abs(samples - float(duration)) > 1e-6 or samples < 0:
        raise refuse(node, "durations must be whole samples (dt)", f"{float(duration):g} dt")
    return samples


def wave_of(node: Any, value: Any) -> Wave:
    """Return a waveform; a list is its samples.

    Raises:
        CompilerError: it is none.
    """
    if isinstance(value, Wave):
        return value
    if isinstance(value, list) and value and all(isinstance(v, (int, float, complex)) for v in value):
        return Wave(Pulse.from_samples(np.array(value, dtype=complex)))
    raise refuse(node, "waveforms must be waveforms or lists of numbers", repr(value)[:60])


_NODES: Dict[str, Callable[[Any, Mapping[str, Any], float], Any]] = {
    "Identifier": _identifier,
    "IntegerLiteral": lambda node, names, dt: int(node.value),
    "FloatLiteral": lambda node, names, dt: float(node.value),
    "BooleanLiteral": lambda node, names, dt: bool(node.value),
    "ImaginaryLiteral": lambda node, names, dt: complex(0, node.value),
    "DurationLiteral": _duration,
    "UnaryExpression": _unary,
    "BinaryExpression": _binary,
    "ArrayLiteral": _array,
    "FunctionCall": _call,
}
