"""Let a device age: T1, frequencies and amplitudes drift, calibrations do not.

* T1: its logarithm is an Ornstein-Uhlenbeck process about the present value
  (two-level systems come and go): standard deviation 0.2, correlation time
  10 h. The pure dephasing rate 1/T2 - 1/(2 T1) stays.
* Frequency and line strength: random walks, 10 kHz and 0.2 % after a day.

The LO estimates and all pulses stay as they were, which is what
recalibration then finds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DeviceError
from . import checks
from .model import Device, Transmon
from .stale import stale_between

__all__ = ["Drift", "aged"]

DAY_S = 86400.0


@dataclass(frozen=True)
class Drift:
    """How much a device drifts."""

    t1: float = 0.2  # standard deviation of log T1 in the long run
    t1_time_s: float = 36000.0  # s, correlation time of T1
    frequency: float = 10e3  # Hz after a day
    amplitude: float = 0.002  # relative, after a day

    def __post_init__(self) -> None:
        checks.finite("t1", self.t1, least=0)
        checks.finite("t1_time_s", self.t1_time_s, above=0, unit="s")
        checks.finite("frequency", self.frequency, least=0, unit="Hz")
        checks.finite("amplitude", self.amplitude, least=0)


def aged(device: Device, seconds: float, seed: int, drift: Drift) -> Device:
    """Return the device ``seconds`` later; see :meth:`Device.age`."""
    checks.finite("seconds", seconds, least=0, unit="s")
    checks.integer("seed", seed)
    if not isinstance(drift, Drift):
        raise DeviceError(f"Argument `drift` must be a Drift, but {drift!r} came.")
    rng = np.random.Generator(np.random.Philox(seed))
    n, walk = device.n_qubits, math.sqrt(seconds / DAY_S)
    log_t1 = drift.t1 * math.sqrt(1 - math.exp(-2 * seconds / drift.t1_time_s)) * rng.standard_normal(n)
    shift = drift.frequency * walk * rng.standard_normal(n)
    drives = np.exp(drift.amplitude * walk * rng.standard_normal(len(device.drives)))
    controls = np.exp(drift.amplitude * walk * rng.standard_normal(len(device.controls)))
    provenance = device.provenance.add("*", "derived", f"aged by {seconds:g} s, seed {seed}: {drift}")
    out = device.replace(
        transmons=tuple(_older(t, float(shift[q]), float(log_t1[q])) for q, t in enumerate(device.transmons)),
        drives=tuple(replace(x, rabi_rate=float(x.rabi_rate * f)) for x, f in zip(device.drives, drives)),
        controls=tuple(replace(x, rabi_rate=float(x.rabi_rate * f)) for x, f in zip(device.controls, controls)),
        qubit_lo=device.qubit_freq_est,
        provenance=provenance if seconds else device.provenance,
    )
    return out.replace(stale=stale_between(device, out))


def _older(transmon: Transmon, shift: float, log_t1: float) -> Transmon:
    t1 = None if transmon.t1 is None else transmon.t1 * math.exp(log_t1)
    t2 = transmon.t2
    if t1 is not None and transmon.t1 is not None and t2 is not None:
        dephasing = max(1 / t2 - 0.5 / transmon.t1, 0.0)
        t2 = 1 / (0.5 / t1 + dephasing)
    return replace(transmon, frequency=transmon.frequency + shift, t1=t1, t2=t2)
