"""Turn a pulse shape and its parameters into samples.

Shapes follow qiskit-terra's symbolic pulse library: sample ``k`` is the
envelope at ``t = k + 1/2`` (in samples), and Gaussian edges are lifted, that
is shifted and scaled so that they are 0 one sample outside of the pulse and
1 at their centre. Every shape is computed at amplitude 1 and angle 0, except
the ones marked not scalable, whose amplitudes are parameters of the shape.
"""

from __future__ import annotations

import math
from typing import Callable, Dict, Mapping, NamedTuple, Tuple

import numpy as np

from ..errors import ProgramError

__all__ = ["SHAPES", "Shape", "sample"]

Array = np.ndarray


class Shape(NamedTuple):
    """An entry of the shape library."""

    parameters: Tuple[str, ...]  # beside duration, amp and angle
    function: Callable[..., Array]  # (t float64[n], duration, **parameters) -> complex128[n]
    scalable: bool = True  # amp and angle multiply the whole envelope
    ceiling: Callable[..., float] = lambda **parameters: math.inf  # no sample is larger, for parameters that make sense


_STEEPEST = 0.6065306597126335  # the largest x exp(-x^2/2), exp(-1/2)


def _one(**parameters: float) -> float:
    return 1.0


def _with_beta(sigma: float, beta: float, **parameters: float) -> float:
    return math.hypot(1.0, _STEEPEST * beta / sigma)


def _lifted(t: Array, center: float, zero: float, sigma: float) -> Array:
    gauss = np.exp(-(((t - center) / sigma) ** 2) / 2)
    offset = np.exp(-(((zero - center) / sigma) ** 2) / 2)
    return (gauss - offset) / (1 - offset)


def _constant(t: Array, duration: float) -> Array:
    return np.ones(t.size, complex)


def _gaussian(t: Array, duration: float, sigma: float) -> Array:
    return _lifted(t, duration / 2, duration + 1, sigma).astype(complex)


def _drag(t: Array, duration: float, sigma: float, beta: float) -> Array:
    gauss = _lifted(t, duration / 2, duration + 1, sigma)
    return gauss + 1j * beta * (-(t - duration / 2) / sigma**2 * gauss)


def _gaussian_square(t: Array, duration: float, sigma: float, width: float) -> Array:
    start = duration / 2 - width / 2
    stop = duration / 2 + width / 2
    left = _lifted(t, start, -1, sigma)
    right = _lifted(t, stop, duration + 1, sigma)
    return np.where(t <= start, left, np.where(t >= stop, right, 1.0)).astype(complex)


def _gaussian_square_drag(t: Array, duration: float, sigma: float, width: float, beta: float) -> Array:
    start = duration / 2 - width / 2
    stop = duration / 2 + width / 2
    left = _lifted(t, start, -1, sigma)
    right = _lifted(t, stop, duration + 1, sigma)
    left = left + 1j * beta * (-(t - start) / sigma**2 * left)
    right = right + 1j * beta * (-(t - stop) / sigma**2 * right)
    return np.where(t <= start, left, np.where(t >= stop, right, 1.0 + 0j))


def _gaussian_square_echo(
    t: Array,
    duration: float,
    amp: float,
    angle: float,
    sigma: float,
    width: float,
    active_amp: float,
    active_angle: float,
) -> Array:
    half = duration / 2
    echo_width = width - half
    start, stop = duration / 4 - echo_width / 2, duration / 4 + echo_width / 2
    left = _lifted(t, start, -1, sigma)
    right = _lifted(t, stop, half + 1, sigma)
    plus = np.where(t <= start, left, np.where(t >= stop, right, 1.0))
    start, stop = start + half, stop + half
    left = _lifted(t, start, half - 1, sigma)
    right = _lifted(t, stop, duration + 1, sigma)
    minus = -np.where(t <= start, left, np.where(t >= stop, right, 1.0))
    echo = amp * np.exp(1j * angle) * np.where(t <= half, plus, minus)
    active = _gaussian_square(t, duration, sigma, width)
    return echo + active_amp * np.exp(1j * active_angle) * active


def _gaussian_deriv(t: Array, duration: float, sigma: float) -> Array:
    x = t - duration / 2
    return (-(x / sigma**2) * np.exp(-0.5 * (x / sigma) ** 2)).astype(complex)


def _sin(t: Array, duration: float, freq: float, phase: float) -> Array:
    return np.sin(2 * np.pi * freq * t + phase).astype(complex)


def _cos(t: Array, duration: float, freq: float, phase: float) -> Array:
    return np.cos(2 * np.pi * freq * t + phase).astype(complex)


def _sawtooth(t: Array, duration: float, freq: float, phase: float) -> Array:
    x = t * freq + phase / (2 * np.pi)
    return (2 * (x - np.floor(x + 0.5))).astype(complex)


def _triangle(t: Array, duration: float, freq: float, phase: float) -> Array:
    x = t * freq + phase / (2 * np.pi) - 0.25
    saw = 2 * (x - np.floor(x + 0.5))
    return (1 - 2 * np.abs(saw)).astype(complex)


def _square(t: Array, duration: float, freq: float, phase: float) -> Array:
    x = freq * t + phase / (2 * np.pi)
    return (2 * (2 * np.floor(x) - np.floor(2 * x)) + 1).astype(complex)


def _sech(t: Array, duration: float, sigma: float, zero_ends: float) -> Array:
    sech = 1 / np.cosh((t - duration / 2) / sigma)
    floor = 1 / np.cosh((-1 - duration / 2) / sigma) if zero_ends else 0.0
    return ((sech - floor) / (1 - floor)).astype(complex)


def _sech_deriv(t: Array, duration: float, sigma: float) -> Array:
    x = (t - duration / 2) / sigma
    return (-np.tanh(x) / np.cosh(x) / sigma).astype(complex)


# lifted Gaussians are below plain ones, and those below 1
SHAPES: Dict[str, Shape] = {
    "constant": Shape((), _constant, ceiling=_one),
    "gaussian": Shape(("sigma",), _gaussian, ceiling=_one),
    "drag": Shape(("sigma", "beta"), _drag, ceiling=_with_beta),
    "gaussian_square": Shape(("sigma", "width"), _gaussian_square, ceiling=_one),
    "gaussian_square_drag": Shape(("sigma", "width", "beta"), _gaussian_square_drag, ceiling=_with_beta),
    "gaussian_square_echo": Shape(
        ("amp", "angle", "sigma", "width", "active_amp", "active_angle"), _gaussian_square_echo, scalable=False
    ),
    "gaussian_deriv": Shape(("sigma",), _gaussian_deriv, ceiling=lambda sigma: _STEEPEST / sigma),
    "sin": Shape(("freq", "phase"), _sin, ceiling=_one),
    "cos": Shape(("freq", "phase"), _cos, ceiling=_one),
    "sawtooth": Shape(("freq", "phase"), _sawtooth, ceiling=_one),
    "triangle": Shape(("freq", "phase"), _triangle, ceiling=_one),
    "square": Shape(("freq", "phase"), _square, ceiling=_one),
    "sech": Shape(("sigma", "zero_ends"), _sech, ceiling=_one),
    "sech_deriv": Shape(("sigma",), _sech_deriv, ceiling=lambda sigma: 0.5 / sigma),
}


def sample(shape: str, duration: int, parameters: Mapping[str, float]) -> Array:
    """Return the samples of a shape at amplitude 1 and angle 0.

    Args:
        shape: a key of :data:`SHAPES`.
        duration: length in samples.
        parameters: the shape's parameters; lengths in samples, frequencies
            in cycles per sample, angles in rad.

    Returns:
        complex128[duration].

    Raises:
        ProgramError: unknown shape, or parameters that are not the shape's.
    """
    entry = SHAPES.get(shape)
    if entry is None:
        raise ProgramError(f"Argument `shape` must be one of {sorted(SHAPES)}, but {shape!r} came.")
    if set(parameters) != set(entry.parameters):
        raise ProgramError(
            f"Argument `parameters` of shape {shape!r} must be exactly {sorted(entry.parameters)}, "
            f"but {sorted(parameters)} came."
        )
    t = np.arange(duration) + 0.5
    return entry.function(t, float(duration), **{k: float(v) for k, v in parameters.items()})
