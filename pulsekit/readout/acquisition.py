"""Tabulate one acquisition, so that a shot costs a few look-ups.

The record of a shot is V = c (beta + direct) + white noise. With the level
jumping at n_1 < n_2 < ..., the field is that of the current level plus an
excess that decays with the level's own exponent, so that the integrated
signal is a sum of table entries: ``tail[s, n]`` (what the record of a
constant level s gives from sample n on) and ``memory[s, n]`` (what an excess
of 1 gives from n on).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np
from scipy.signal import lfilter

from ..device import Device, Resonator, Transmon
from ..errors import ReadoutError
from ..program import AcquireSpec
from ..units import TWO_PI
from .discriminators import given_form, linear_form, quadratic_form
from .field import Field, Tone, solve_field
from .jumps import jump_rates, jump_tables
from .kernels import kernel_weights
from .moments import cloud_moments

__all__ = ["Acquisition", "build_acquisition", "record_group"]

_DEFAULT = AcquireSpec()


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Everything that decides the shots of one acquire of one qubit.

    Arrays are in units of the IQ plane; ``n`` counts dt from the acquire's
    start, record samples are ``group`` dt long.
    """

    rates: np.ndarray  # float64[levels], jumps per dt
    target: np.ndarray  # float64[levels, levels], cumulative
    edges: np.ndarray  # complex128[levels, samples + 1], the field at sample boundaries
    mean: np.ndarray  # complex128[levels, samples], the record of a constant level, per dt
    tail: np.ndarray  # complex128[levels, samples + 1]
    memory: np.ndarray  # complex128[levels, samples + 1]
    gain: np.ndarray  # complex128[levels]
    w_lambda: np.ndarray  # complex128[levels], per dt
    weights: np.ndarray  # complex128[record samples], the kernel
    group: int  # dt per record sample
    sigma_sample: float  # noise of a record sample, per quadrature
    sigma: float  # noise of the integrated signal, per quadrature
    form: np.ndarray  # float64[6], the discriminator

    @property
    def levels(self) -> int:
        """The number of levels."""
        return len(self.rates)

    @property
    def samples(self) -> int:
        """The length in dt."""
        return self.mean.shape[1]

    @property
    def nbytes(self) -> int:
        """The size of the tables in bytes."""
        return sum(array.nbytes for array in (self.edges, self.mean, self.tail, self.memory, self.weights))

    @property
    def centers(self) -> np.ndarray:
        """Centre of each level's cloud without jumps, complex128[levels]."""
        return self.tail[:, 0]


def record_group(dt: float, dtm: float) -> int:
    """Return how many dt make one record sample.

    Raises:
        ReadoutError: dtm is not a multiple of dt.
    """
    group = round(dtm / dt)
    if group < 1 or abs(dtm / dt - group) > 1e-6:
        raise ReadoutError(f"Timing `dtm` must be a multiple of dt ({dt} s), but {dtm} s came.")
    return group


def build_acquisition(
    device: Device,
    qubit: int,
    *,
    tones: Sequence[Tone],
    lo_freq: float,
    duration: int,
    spec: AcquireSpec = _DEFAULT,
    levels: Optional[int] = None,
    noise: bool = True,
    carrier: Tuple[float, float] = (0.0, 0.0),
    warmup: int = 0,
    resonator: Optional[Resonator] = None,
    transmon: Optional[Transmon] = None,
    field: Optional[Field] = None,
) -> Acquisition:
    """Tabulate an acquisition.

    Args:
        device: whose resonator, relaxation and timing.
        qubit: device index.
        tones: measure pulses that reach the resonator, relative to the
            acquire's start.
        lo_freq: measure LO of the experiment, Hz; records are in its frame.
        duration: of the acquire, samples of dt.
        spec: kernel, discriminator, ESP.
        levels: levels of the qubit; None: the device's.
        noise: whether T1, thermal and induced jumps happen. Amplifier noise
            is part of the signal and always there.
        carrier: (Hz, rad) offset of the measure channel's carrier from
            ``lo_freq`` and its phase at the acquire's start; the kernel mixes
            it away.
        warmup: samples before the acquire in which tones act.
        resonator, transmon: instead of the device's.
        field: known already, instead of solving for it.

    Raises:
        ReadoutError: no resonator, no sample, bad kernel or discriminator.
    """
    if qubit >= len(device.resonators):
        raise ReadoutError(f"a{qubit}: an acquire needs a resonator, but device {device.name!r} has none there.")
    resonator = device.resonators[qubit] if resonator is None else resonator
    transmon = device.transmons[qubit] if transmon is None else transmon
    dt = device.timing.dt
    d = transmon.levels if levels is None else levels
    group = record_group(dt, device.timing.dtm)
    count = duration // group
    if count < 1:
        raise ReadoutError(
            f"a{qubit}: an acquire must last at least one record sample ({group} dt), but {duration} dt came."
        )
    if field is None:
        field = solve_field(resonator, lo_freq, tones, count * group, dt, d, warmup)
    edges, mean = _signal(resonator, field, device.timing.dtm)
    rates = jump_rates(transmon, resonator, d, noise)
    upper = 2 if spec.esp and d > 2 else 1
    records = mean.reshape(d, count, group).mean(axis=2)
    weights = kernel_weights(
        spec.kernel,
        count,
        device.timing.dtm,
        decay_s=resonator.kernel_decay_s,
        difference=records[upper] - records[0],
        rate=float(rates[upper].sum()),
    )
    if carrier[0] != 0.0 or carrier[1] != 0.0:
        times = (np.arange(count) + 0.5) * device.timing.dtm
        weights = weights * np.exp(-1j * (carrier[1] + TWO_PI * carrier[0] * times))
    total, target = jump_tables(rates * dt)
    fine = np.repeat(weights, group) / group
    tail, memory = _tables(field, mean, fine)
    sigma_sample = resonator.scale / 100 * np.sqrt((1 + resonator.noise) / 2)
    sigma = float(sigma_sample * np.sqrt((np.abs(weights) ** 2).sum()))
    acquisition = Acquisition(
        rates=total,
        target=target,
        edges=edges,
        mean=mean,
        tail=tail,
        memory=memory,
        gain=field.gain,
        w_lambda=field.w_lambda,
        weights=weights,
        group=group,
        sigma_sample=float(sigma_sample),
        sigma=sigma,
        form=np.zeros(6),
    )
    form = _form(acquisition, spec, upper, resonator.threshold)
    object.__setattr__(acquisition, "form", np.ascontiguousarray(form, dtype=np.float64))
    return acquisition


def _signal(resonator: Resonator, field: Field, dtm: float) -> Tuple[np.ndarray, np.ndarray]:
    """Return the scaled field at the edges and the scaled record, per dt."""
    w_kappa = TWO_PI * resonator.kappa
    amplitude = resonator.scale / 100 * np.sqrt(resonator.efficiency * w_kappa * dtm)
    c = amplitude * np.exp(1j * resonator.rotation)
    mean = field.mean
    if resonator.mode == "reflection":
        # alpha on resonance is -2i eps conj(m) / kappa; the direct term dips it to 1 - notch_depth
        direct = -2j * TWO_PI * resonator.drive_rate / (w_kappa * resonator.notch_depth)
        mean = mean + direct * field.drive
    elif resonator.mode != "transmission":
        raise ReadoutError(f"Resonator `mode` must be 'transmission' or 'reflection', but {resonator.mode!r} came.")
    return np.ascontiguousarray(c * field.edges), np.ascontiguousarray(c * mean)


def _tables(field: Field, mean: np.ndarray, fine: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    d, n = mean.shape
    tail = np.zeros((d, n + 1), complex)
    memory = np.zeros((d, n + 1), complex)
    tail[:, :-1] = np.cumsum((fine * mean)[:, ::-1], axis=1)[:, ::-1]
    for s in range(d):
        step = np.exp(field.w_lambda[s])
        memory[s, :-1] = lfilter([1.0], [1.0, -step], fine[::-1] * field.gain[s])[::-1]
    return tail, memory


def _form(acquisition: Acquisition, spec: AcquireSpec, upper: int, threshold: float) -> np.ndarray:
    given = given_form(spec.discriminator)
    if given is not None:
        return given
    centers = acquisition.centers
    if spec.discriminator is not None and spec.discriminator[0] == "quadratic_discriminator":
        moments = [cloud_moments(acquisition, s) for s in (0, upper)]
        return quadratic_form(np.array([m for m, _ in moments]), np.array([c for _, c in moments]))
    return linear_form(complex(centers[0]), complex(centers[upper]), 0.0 if upper == 2 else threshold)
