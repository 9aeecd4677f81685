"""Fit the curves that calibration experiments measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Tuple

import numpy as np
from scipy.optimize import curve_fit

from ..errors import CalibrationError

__all__ = ["Fit", "fit_rabi", "fit_resonance", "project_iq"]


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted value with its standard error, and the curve behind it."""

    value: float  # in the unit of the swept quantity
    stderr: float
    x: np.ndarray  # float64[points], as given
    y: np.ndarray  # float64[points], as given
    curve: Callable[[np.ndarray], np.ndarray]  # the fitted function


def _finite(name: str, values: Any, kinds: str, rule: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in kinds or not np.isfinite(array).all():
        raise CalibrationError(
            f"Argument `{name}` must be a 1-d array of finite {rule}, "
            f"but {np.array2string(array, threshold=8, edgeitems=2)} ({array.dtype}) came."
        )
    return array


def project_iq(iq: np.ndarray) -> np.ndarray:
    """Project IQ points on the line along which they spread the most.

    Args:
        iq: complex128[points].

    Returns:
        float64[points] in [0, 1], 0 at the first point's end of the line.

    Raises:
        CalibrationError: no points, points that are not finite, or all equal.
    """
    iq = _finite("iq", iq, "fiuc", "points")
    if not iq.size:
        raise CalibrationError("Argument `iq` must hold points, but none came.")
    points = np.stack([iq.real, iq.imag], axis=1)
    centred = points - points.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    signal = centred @ axis
    span = np.ptp(signal)
    if span == 0:
        raise CalibrationError("Argument `iq` must hold points that differ, but all are equal.")
    signal = (signal - signal.min()) / span
    return 1 - signal if signal[0] > 0.5 else signal


def _swept(name: str, x: Any, y: Any, least: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return a sweep's values and its signal, float64[points] each.

    Raises:
        CalibrationError: complex or not finite numbers, arrays of different
            lengths, fewer than ``least`` different values.
    """
    x, y = _finite(name, x, "fiu", "real numbers"), _finite("signal", y, "fiu", "real numbers")
    if x.size != y.size:
        raise CalibrationError(f"Argument `signal` must have {x.size} values, as `{name}` has, but {y.size} came.")
    different = np.unique(x).size
    if different < least:
        raise CalibrationError(f"Argument `{name}` must have {least} different values or more, but {different} came.")
    return x.astype(float), y.astype(float)


def _solve(
    function: Callable[..., np.ndarray], x: np.ndarray, y: np.ndarray, start: Tuple[float, ...], index: int, what: str
) -> Fit:
    try:
        found, covariance = curve_fit(function, x, y, p0=start, maxfev=20_000)
    except RuntimeError as error:
        raise CalibrationError(f"The {what} fit did not converge on {x.size} points.") from error
    stderr = float(np.sqrt(abs(covariance[index, index])))
    return Fit(float(found[index]), stderr, x, y, lambda points: function(points, *found))


def fit_rabi(amplitudes: np.ndarray, signal: np.ndarray) -> Fit:
    """Fit offset - contrast cos(pi amplitude / a_pi); the value is a_pi.

    Args:
        amplitudes: float64[points], dimensionless, at least half a period.
        signal: float64[points], linear in the excited population.

    Raises:
        CalibrationError: the fit does not converge; fewer than 3 amplitudes,
            arrays of different lengths, complex or not finite numbers.
    """
    x, y = _swept("amplitudes", amplitudes, signal, 3)

    def model(a: np.ndarray, offset: float, contrast: float, pi_amplitude: float) -> np.ndarray:
        return offset - contrast * np.cos(np.pi * a / pi_amplitude)

    trials = np.ptp(x) / np.arange(0.5, max(1.0, 0.8 * x.size), 0.25)  # to near the Nyquist limit
    residuals = []
    for trial in trials:
        basis = np.stack([np.ones_like(x), -np.cos(np.pi * x / trial)], axis=1)
        solution, *_ = np.linalg.lstsq(basis, y, rcond=None)
        residuals.append((float(np.sum((basis @ solution - y) ** 2)), *solution, trial))
    _, offset, contrast, trial = min(residuals)
    return _solve(model, x, y, (offset, contrast, trial), 2, "Rabi")


def _lorentzian(u: np.ndarray, offset: float, height: float, centre: float, width: float) -> np.ndarray:
    return offset + height / (1 + ((u - centre) / width) ** 2)


def _gaussian(u: np.ndarray, offset: float, height: float, centre: float, width: float) -> np.ndarray:
    return offset + height * np.exp(-(((u - centre) / width) ** 2) / 2)


def fit_resonance(frequencies: np.ndarray, signal: np.ndarray) -> Fit:
    """Fit a line, Lorentzian or Gaussian; the value is its centre, in Hz.

    A long saturating tone makes a Lorentzian, a Gaussian probe pulse a line
    that is nearly Gaussian; the one that leaves the smaller residual is taken.

    Args:
        frequencies: float64[points], Hz.
        signal: float64[points], linear in the excited population.

    Raises:
        CalibrationError: neither fit converges; fewer than 4 frequencies,
            arrays of different lengths, complex or not finite numbers.
    """
    x, y = _swept("frequencies", frequencies, signal, 4)
    first, span = float(x.min()), float(np.ptp(x))
    u = (x - first) / span + 1  # 1 to 2: no parameter is near 0, where difference quotients fail
    floor = float(np.median(y))
    peak = int(np.argmax(np.abs(y - floor)))
    start = (floor, float(y[peak]) - floor, float(u[peak]), 0.1)
    fits: List[Fit] = []
    for line in (_lorentzian, _gaussian):
        try:
            fits.append(_solve(line, u, y, start, 2, "resonance"))
        except CalibrationError:
            if line is _gaussian and not fits:
                raise
    fit = min(fits, key=lambda f: float(np.sum((f.curve(u) - y) ** 2)))
    return Fit(
        (fit.value - 1) * span + first, fit.stderr * span, x, y, lambda points: fit.curve((points - first) / span + 1)
    )
