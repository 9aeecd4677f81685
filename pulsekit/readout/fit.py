"""Fit the readout model to the published assignment errors.

Free are the signal-to-noise ratio (``efficiency``, beyond that
``drive_rate``), the discriminator's ``threshold``, the equilibrium population
``p_th`` and, only where a boxcar cannot reach the published numbers, the
kernel (``kernel_decay_s``). The errors are those of a shot after the default
rep_delay, an x pulse for a prepared 1, the default measure, no ESP.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..device import Device, Resonator, Transmon
from ..program import AcquireSpec, Channel, Op
from .acquisition import Acquisition, build_acquisition, record_group
from .assignment import Paths, chance_of_one, project
from .field import Field, Tone, solve_field
from .jumps import jump_rates, jump_tables

__all__ = ["ReadoutFit", "default_acquisition", "fit_readout", "predict_errors"]

SEPARATION = 6.0  # standard deviations, where nothing is published
MAX_SEPARATION = 14.0
MAX_EFFICIENCY = 0.8  # beyond it, the drive grows
THERMAL_SHARES = (0.6, 0.4, 0.2, 0.0)  # of the smaller published error
MAX_THERMAL = 0.05
KERNELS = (None, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015)  # kernel decay in acquisition lengths; None: boxcar
TOLERANCE = 0.1  # relative, of a published error


@dataclass(frozen=True)
class ReadoutFit:
    """What the fit of one qubit came to."""

    qubit: int
    published: Tuple[Optional[float], Optional[float]]  # prob_meas1_prep0, prob_meas0_prep1
    errors: Tuple[float, float]  # the model's
    separation: float  # of the clouds, standard deviations
    reason: str = ""  # why the published numbers are not met; "": they are


class _Solution(NamedTuple):
    separation: float
    boundary: float
    excited: float
    errors: Tuple[float, float]
    decay_s: Optional[float]
    d0: float


class Measure(NamedTuple):
    """What a qubit's calibrated measure plays and acquires."""

    tones: List[Tone]
    duration: int  # of the acquire, samples
    spec: AcquireSpec


def measure_of(device: Device, qubit: int, name: str = "measure") -> Optional[Measure]:
    """Return a qubit's calibrated measure, or None without one."""
    calibration = device.calibrations.get(name, (qubit,))
    if calibration is None or qubit >= len(device.resonators):
        return None
    program = calibration.program
    events = program.events
    rows = np.flatnonzero((events.op == Op.ACQUIRE) & (events.channel == program.channel_id(Channel("a", qubit))))
    if not rows.size:
        return None
    row = int(rows[0])
    t0 = int(events.t0[row])
    spec = program.acquires[events.ref[row]] if events.ref[row] >= 0 else AcquireSpec()
    stimulus = program.channel_id(Channel("m", qubit))
    tones = [
        Tone(
            int(events.t0[k]) - t0,
            events.value[k] * np.exp(1j * events.angle[k]) * program.pulses[events.ref[k]].samples,
            0.0,
        )
        for k in np.flatnonzero((events.op == Op.PLAY) & (events.channel == stimulus)).tolist()
    ]
    return Measure(tones, int(events.duration[row]), spec)


def default_acquisition(
    device: Device,
    qubit: int,
    *,
    name: str = "measure",
    spec: Optional[AcquireSpec] = None,
    resonator: Optional[Resonator] = None,
    transmon: Optional[Transmon] = None,
    field: Optional[Field] = None,
) -> Optional[Acquisition]:
    """Return the acquisition of a qubit's calibrated measure, or None without one.

    Args:
        device, qubit: whose.
        name: of the calibration.
        spec, resonator, transmon, field: instead of the calibration's and the
            device's.
    """
    measure = measure_of(device, qubit, name)
    if measure is None:
        return None
    return build_acquisition(
        device,
        qubit,
        tones=measure.tones,
        lo_freq=device.meas_freq_est[qubit],
        duration=measure.duration,
        spec=measure.spec if spec is None else spec,
        levels=max(3, device.transmons[qubit].levels),
        warmup=max([0] + [-t.start for t in measure.tones]),
        resonator=resonator,
        transmon=transmon,
        field=field,
    )


def predict_errors(device: Device, qubit: int) -> Optional[Tuple[float, float]]:
    """Return the model's (prob_meas1_prep0, prob_meas0_prep1), or None without a measure."""
    acquisition = default_acquisition(device, qubit)
    if acquisition is None:
        return None
    paths = project(acquisition)
    resonator, d = device.resonators[qubit], paths.separation
    errors = _errors(paths, _excited(device, qubit), _x_error(device, qubit), d, (1 + resonator.threshold) / 2)
    return float(errors[0]), float(errors[1])


def fit_readout(device: Device) -> Device:
    """Fit every qubit's readout to its published errors.

    Returns:
        The device with new resonators, ``p_th`` and ``reset_error``, and one
        note per qubit: "tuned", or "failed" with the reason.
    """
    fitted, _ = fit_all(device)
    return fitted


def fit_all(device: Device) -> Tuple[Device, List[ReadoutFit]]:
    """Fit every qubit and say what came out; see :func:`fit_readout`."""
    resonators = list(device.resonators)
    transmons = list(device.transmons)
    resets = list(device.reset_error) or [0.0] * device.n_qubits
    fits: List[ReadoutFit] = []
    notes = device.provenance
    for qubit in range(min(device.n_qubits, len(resonators))):
        found = _fit_qubit(device, qubit)
        if found is None:
            notes = notes.add(f"readout[{qubit}]", "failed", "the device has no measure calibration for it")
            continue
        fit, resonators[qubit], transmons[qubit], resets[qubit] = found
        fits.append(fit)
        notes = notes.add(f"readout[{qubit}]", "failed" if fit.reason else "tuned", _text(fit))
    out = device.replace(
        resonators=tuple(resonators), transmons=tuple(transmons), reset_error=tuple(resets), provenance=notes
    )
    return out, fits


def _text(fit: ReadoutFit) -> str:
    p10, p01 = fit.errors
    said = f"prob_meas1_prep0 {p10:.4g}, prob_meas0_prep1 {p01:.4g}, clouds {fit.separation:.3g} sigma apart"
    if fit.published[0] is not None and fit.published[1] is not None:
        said += f"; published {fit.published[0]:.4g}, {fit.published[1]:.4g}"
    return said + (f"; {fit.reason}" if fit.reason else "")


Fitted = Tuple[ReadoutFit, Resonator, Transmon, float]


def _fit_qubit(device: Device, qubit: int) -> Optional[Fitted]:
    spec = device.readout[qubit] if qubit < len(device.readout) else None
    p10 = None if spec is None else spec.prob_meas1_prep0
    p01 = None if spec is None else spec.prob_meas0_prep1
    measure = measure_of(device, qubit)
    if measure is None:
        return None
    if p10 is None or p01 is None:
        paths = project(_plain(device, qubit, None, None))
        excited = _excited(device, qubit)
        errors = _errors(paths, excited, _x_error(device, qubit), SEPARATION, 0.5)
        solution = _Solution(SEPARATION, 0.5, excited, (float(errors[0]), float(errors[1])), None, paths.separation)
        return _apply(device, qubit, solution, (p10, p01), "", keep_thermal=True)
    solution, reason = _solve(device, qubit, float(p10), float(p01))
    return _apply(device, qubit, solution, (p10, p01), reason)


def _plain(device: Device, qubit: int, decay_s: Optional[float], field: Optional[Field]) -> Acquisition:
    """Return the acquisition with a threshold half way, a given kernel and nothing thermal."""
    resonator = replace(device.resonators[qubit], threshold=0.0, kernel_decay_s=decay_s)
    cold = replace(device.transmons[qubit], p_th=0.0)
    acquisition = default_acquisition(device, qubit, resonator=resonator, transmon=cold, field=field)
    assert acquisition is not None
    return acquisition


def _warm(device: Device, qubit: int, acquisition: Acquisition, p_th: float) -> Acquisition:
    """Return an acquisition with other jump rates: those at a thermal population."""
    transmon = replace(device.transmons[qubit], p_th=p_th)
    rates = jump_rates(transmon, device.resonators[qubit], acquisition.levels)
    total, target = jump_tables(rates * device.timing.dt)
    return replace(acquisition, rates=total, target=target)


def _left(device: Device, qubit: int, excited: float) -> float:
    """Return how much of an excited population the reset's error makes."""
    error = device.reset_error[qubit] if device.reset_error else 0.0
    return min(error * _fading(device, qubit), excited)


def _field(device: Device, qubit: int) -> Field:
    measure, resonator = measure_of(device, qubit), device.resonators[qubit]
    assert measure is not None
    group = record_group(device.timing.dt, device.timing.dtm)
    return solve_field(
        resonator,
        device.meas_freq_est[qubit],
        measure.tones,
        measure.duration // group * group,
        device.timing.dt,
        max(3, device.transmons[qubit].levels),
        max([0] + [-t.start for t in measure.tones]),
    )


def _solve(device: Device, qubit: int, p10: float, p01: float) -> Tuple[_Solution, str]:
    """Try kernels and thermal populations, plain ones first."""
    x_error = _x_error(device, qubit)
    best: Optional[_Solution] = None
    field = _field(device, qubit)
    length_s = field.mean.shape[1] * device.timing.dt
    for fraction in KERNELS:
        decay_s = None if fraction is None else fraction * length_s
        plain = _plain(device, qubit, decay_s, field)
        if project(plain).separation <= 0:
            continue
        for share in THERMAL_SHARES:
            excited = min(share * min(p10, p01), MAX_THERMAL)
            paths = project(_warm(device, qubit, plain, excited - _left(device, qubit, excited)))
            if not _reachable(paths, excited, x_error, p10, p01) and share > 0:
                continue
            d, h, errors = _match(paths, excited, x_error, p10, p01)
            solution = _Solution(d, h, excited, errors, decay_s, paths.separation)
            if _near(errors[0], p10) and _near(errors[1], p01):
                return solution, ""
            if best is None or _miss(solution, p10, p01) < _miss(best, p10, p01):
                best = solution
    if best is None:
        return _Solution(0.0, 0.5, 0.0, (0.5, 0.5), None, 0.0), "the stimulus does not tell 0 from 1"
    return best, _reason(device, qubit, p10, p01)


def _reachable(paths: Paths, excited: float, x_error: float, p10: float, p01: float) -> bool:
    d = np.array([MAX_SEPARATION])
    return bool(_errors(paths, excited, x_error, d, _boundary(paths, excited, d, p10))[1][0] <= p01)


def _near(value: float, target: float) -> bool:
    return abs(value - target) <= 0.02 * target + 1e-9


def _miss(solution: _Solution, p10: float, p01: float) -> float:
    return abs(solution.errors[0] - p10) / max(p10, 1e-6) + abs(solution.errors[1] - p01) / max(p01, 1e-6)


def _reason(device: Device, qubit: int, p10: float, p01: float) -> str:
    if p10 <= 0 or p01 <= 0:
        return "a published error of 0 cannot be reproduced"
    if p10 + p01 >= 1:
        return "the published errors are those of a readout that tells nothing"
    measure = measure_of(device, qubit)
    t1 = device.transmons[qubit].t1
    if measure is not None and t1 is not None:
        decay = -math.expm1(-measure.duration * device.timing.dt / (2 * t1))
        if decay > p01:
            return f"T1 alone gives {decay:.3g} in half of the acquisition, more than the published error"
    return "no signal-to-noise ratio, threshold and thermal population give both errors"


def _match(
    paths: Paths, excited: float, x_error: float, p10: float, p01: float
) -> Tuple[float, float, Tuple[float, float]]:
    """Find separation and boundary: p10 exactly, p01 as near as it goes."""
    low, high = math.log(0.02), math.log(MAX_SEPARATION)
    for _ in range(4):
        d = np.exp(np.linspace(low, high, 10))
        h = _boundary(paths, excited, d, p10)
        errors = _errors(paths, excited, x_error, d, h)
        good = np.flatnonzero(errors[1] <= p01)
        k = int(good[0]) if good.size else d.size - 1
        if k == 0 or not good.size:
            break
        low, high = math.log(d[k - 1]), math.log(d[k])
    return float(d[k]), float(h[k]), (float(errors[0][k]), float(errors[1][k]))


def _boundary(paths: Paths, excited: float, d: np.ndarray, p10: float) -> np.ndarray:
    """Find the boundary that gives prob_meas1_prep0, per separation (bisection)."""
    low, high = -8.0 / d, 1 + 8.0 / d
    for _ in range(30):
        h = (low + high) / 2
        over = _p10(paths, excited, d, h) > p10
        low, high = np.where(over, h, low), np.where(over, high, h)
    return np.asarray((low + high) / 2)


def _p10(paths: Paths, excited: float, d: np.ndarray, h: np.ndarray) -> np.ndarray:
    one = chance_of_one(paths, 1, d, h)
    return np.asarray((1 - excited) * chance_of_one(paths, 0, d, h) + excited * one)


def _errors(
    paths: Paths, excited: float, x_error: float, d: "float | np.ndarray", h: "float | np.ndarray"
) -> Tuple[np.ndarray, np.ndarray]:
    d, h = np.asarray(d, dtype=np.float64), np.asarray(h, dtype=np.float64)
    zero, one = chance_of_one(paths, 0, d, h), chance_of_one(paths, 1, d, h)
    flipped = (1 - excited) * (1 - x_error) + excited * x_error  # in 1 after the x pulse
    return (1 - excited) * zero + excited * one, flipped * (1 - one) + (1 - flipped) * (1 - zero)


def _x_error(device: Device, qubit: int) -> float:
    """Return the chance that relaxation spoils an x pulse: half a pulse in 1."""
    calibration = device.calibrations.get("x", (qubit,))
    t1 = device.transmons[qubit].t1
    if calibration is None or t1 is None:
        return 0.0
    return -math.expm1(-calibration.program.duration * device.timing.dt / (2 * t1))


def _fading(device: Device, qubit: int) -> float:
    """Return what is left of a reset's error after the default rep_delay."""
    t1, limits = device.transmons[qubit].t1, device.limits
    delay = limits.default_rep_delay if limits.rep_delay_range is not None else (limits.rep_times or (1e-3,))[0]
    return math.exp(-(delay or 0.0) / t1) if t1 is not None else 1.0


def _excited(device: Device, qubit: int) -> float:
    error = device.reset_error[qubit] if device.reset_error else 0.0
    return device.transmons[qubit].p_th + error * _fading(device, qubit)


def _apply(
    device: Device,
    qubit: int,
    solution: _Solution,
    published: Tuple[Optional[float], Optional[float]],
    reason: str,
    keep_thermal: bool = False,
) -> Fitted:
    resonator, transmon = device.resonators[qubit], device.transmons[qubit]
    reset = device.reset_error[qubit] if device.reset_error else 0.0
    if not keep_thermal:
        whole, left = reset * _fading(device, qubit), _left(device, qubit, solution.excited)
        if whole > left:  # the reset alone would leave more than the fit allows
            reset *= left / whole
        transmon = replace(transmon, p_th=solution.excited - left)
    change = solution.separation / solution.d0 if solution.d0 > 0 else 1.0
    wanted = resonator.efficiency * change**2
    efficiency = min(wanted, max(MAX_EFFICIENCY, resonator.efficiency))
    resonator = replace(
        resonator,
        efficiency=float(efficiency),
        drive_rate=float(resonator.drive_rate * math.sqrt(wanted / efficiency)),
        kernel_decay_s=solution.decay_s,
        threshold=float(2 * solution.boundary - 1),
    )
    fit = ReadoutFit(qubit, published, solution.errors, solution.separation, reason)
    return fit, resonator, transmon, float(reset)


def summary(fits: List[ReadoutFit]) -> Dict[str, float]:
    """Return the share of qubits within TOLERANCE, per error and for both."""
    known = [f for f in fits if None not in f.published]
    ratio = np.array([[e / max(p or 0.0, 1e-12) for e, p in zip(f.errors, f.published)] for f in known]).reshape(-1, 2)
    good = np.abs(ratio - 1) <= TOLERANCE
    return {
        "qubits": float(len(known)),
        "prob_meas1_prep0": float(good[:, 0].mean()) if known else 1.0,
        "prob_meas0_prep1": float(good[:, 1].mean()) if known else 1.0,
        "both": float(good.all(axis=1).mean()) if known else 1.0,
    }
