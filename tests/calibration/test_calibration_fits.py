"""Fits recover what their data were made of, within their own errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pulsekit.calibration import fit_rabi, fit_resonance, project_iq
from pulsekit.errors import CalibrationError


@pytest.mark.parametrize("a_pi", [0.05, 0.161, 0.43, 0.9])
def test_rabi_finds_the_pi_amplitude(a_pi: float) -> None:
    rng = np.random.default_rng(3)
    amplitudes = np.linspace(0, 1, 51)
    signal = 0.48 - 0.45 * np.cos(np.pi * amplitudes / a_pi) + 0.01 * rng.normal(size=51)
    fit = fit_rabi(amplitudes, signal)
    assert 0 < fit.stderr < 0.01
    assert abs(fit.value - a_pi) < 5 * fit.stderr
    assert np.max(np.abs(fit.curve(amplitudes) - signal)) < 0.06


@pytest.mark.parametrize("line", ["gaussian", "lorentzian"])
@pytest.mark.parametrize("offset", [0.0, -1.1e6, 2.3e6])
def test_resonance_finds_the_centre(line: str, offset: float) -> None:
    """Also where the line sits exactly in the middle of the scan."""
    rng = np.random.default_rng(4)
    frequencies = 5.1e9 + np.linspace(-4e6, 4e6, 61)
    u = (frequencies - 5.1e9 - offset) / 0.5e6
    shape = np.exp(-(u**2) / 2) if line == "gaussian" else 1 / (1 + u**2)
    fit = fit_resonance(frequencies, 0.1 + 0.8 * shape + 0.01 * rng.normal(size=61))
    assert 100 < fit.stderr < 20e3
    assert abs(fit.value - 5.1e9 - offset) < 5 * fit.stderr


def test_iq_points_are_projected_on_their_longest_axis() -> None:
    population = np.array([0.0, 0.2, 1.0, 0.6])
    iq = 3e6 + 1e6j + population * 2e6 * np.exp(0.7j)
    assert project_iq(iq) == pytest.approx(population, abs=1e-9)
    with pytest.raises(CalibrationError, match="all are equal"):
        project_iq(np.ones(5, complex))


def test_iq_points_must_be_finite_numbers_in_a_row() -> None:
    assert project_iq([1, 2j, 3]).shape == (3,)  # type: ignore[arg-type]
    for wrong in ([], [[1, 2j]], [1, np.nan], ["a", "b"]):
        with pytest.raises(CalibrationError, match="`iq`"):
            project_iq(np.array(wrong))


@pytest.mark.parametrize("fit, name, least", [(fit_rabi, "amplitudes", 3), (fit_resonance, "frequencies", 4)])
def test_fits_say_which_of_their_arrays_is_wrong(fit: Any, name: str, least: int) -> None:
    x = np.linspace(1.0, 2.0, 21)
    y = np.cos(x)
    spoilt = np.where(x < 1.5, y, np.nan)
    for wrong, message in (
        ((x, spoilt), "`signal` must be .*nan"),
        ((spoilt, y), f"`{name}` must be .*nan"),
        ((x, y + 0j), "`signal` must be .*complex128"),
        ((x, y[:5]), "`signal` must have 21 values"),
        ((x[: least - 1], y[: least - 1]), f"`{name}` must have {least} different values"),
        ((np.ones(21), y), f"`{name}` must have {least} different values"),
    ):
        with pytest.raises(CalibrationError, match=f"(?s){message}"):
            fit(*wrong)


def test_one_line_that_does_not_converge_leaves_the_other() -> None:
    """The flank of a line whose centre is out of the scan: no Lorentzian is found, or no Gaussian."""
    frequencies = 5e9 + np.linspace(-4e6, 4e6, 61)
    signal = 1 / (1 + ((frequencies - 5.005e9) / 0.3e6) ** 2)
    fit = fit_resonance(frequencies, signal)
    assert abs(fit.value - 5.005e9) < 0.1e6
