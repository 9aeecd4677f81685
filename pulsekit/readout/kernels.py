"""Integrate a record into one complex number: kernels by name.

A kernel is one complex weight per record sample; level 1 is the sum of
weight times record. Names and parameters:

``boxcar``
    ``start_window``, ``stop_window`` (record samples, default all): weight 1
    inside, 0 outside.
``exponential``
    ``decay_s`` (s): weight exp(-t / decay_s).
``weights``
    ``real`` and optionally ``imag``: one number per record sample (padded
    with 0, never cut).
``matched_filter``, ``hw_qmfk``
    the conjugate difference of the model's mean records of 0 and 1 (0 and 2
    for an ESP acquire), fading with the relaxation of the upper level; scaled
    so that its noise is the boxcar's.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ..errors import ReadoutError
from .parameters import number, numbers, whole

__all__ = ["KERNELS", "check_kernel", "kernel_weights"]

Spec = Tuple[str, Tuple[Tuple[str, Any], ...]]

KERNELS: Dict[str, Tuple[str, ...]] = {
    "boxcar": ("start_window", "stop_window"),
    "exponential": ("decay_s",),
    "weights": ("real", "imag"),
    "matched_filter": (),
    "hw_qmfk": (),
}
"""Names of kernels and of their parameters."""


def check_kernel(spec: Optional[Spec]) -> None:
    """Refuse a kernel that does not exist or has other parameters.

    Raises:
        ReadoutError: with what is accepted.
    """
    if spec is None:
        return
    name, items = spec
    if name not in KERNELS:
        raise ReadoutError(f"Argument `kernel` must be one of {sorted(KERNELS)}, but {name!r} came.")
    unknown = sorted({k for k, _ in items} - set(KERNELS[name]))
    if unknown:
        raise ReadoutError(
            f"Parameters of kernel {name!r} must be among {list(KERNELS[name])}, but {unknown} came. Leave them out."
        )


def kernel_weights(
    spec: Optional[Spec], samples: int, dtm: float, *, decay_s: Optional[float], difference: np.ndarray, rate: float
) -> np.ndarray:
    """Return a kernel's weights.

    Args:
        spec: (name, parameter items), or None for the device's default.
        samples: record samples of the acquisition.
        dtm: time of a record sample, s.
        decay_s: of the device's default kernel; None: boxcar.
        difference: complex128[samples], mean record of the upper level minus
            that of 0, for the matched filter.
        rate: relaxation rate of the upper level, 1/s.

    Returns:
        complex128[samples].

    Raises:
        ReadoutError: bad parameters, or weights that are all 0.
    """
    check_kernel(spec)
    if spec is None:
        spec = ("boxcar", ()) if decay_s is None else ("exponential", (("decay_s", decay_s),))
    name, parameters = spec[0], dict(spec[1])
    t = (np.arange(samples) + 0.5) * dtm
    if name == "boxcar":
        weights = _boxcar(parameters, samples)
    elif name == "exponential":
        weights = np.exp(-t / _positive(parameters, "decay_s")).astype(complex)
    elif name == "weights":
        weights = _given(parameters, samples)
    else:
        weights = np.conj(difference) * np.exp(-rate * t)
        norm = np.sqrt((np.abs(weights) ** 2).mean()) if samples else 0.0
        weights = weights / norm if norm > 0 else np.ones(samples, complex)
    if not np.any(weights):
        raise ReadoutError(f"Kernel {name!r} must have a weight that is not 0, but all {samples} are 0.")
    return np.ascontiguousarray(weights, dtype=np.complex128)


def _boxcar(parameters: Mapping[str, Any], samples: int) -> np.ndarray:
    start = whole("Kernel parameter `start_window`", parameters.get("start_window", 0))
    stop = min(whole("Kernel parameter `stop_window`", parameters.get("stop_window", samples)), samples)
    if not 0 <= start < stop:
        raise ReadoutError(
            f"Kernel 'boxcar' must have 0 <= start_window < stop_window within the {samples} record samples, "
            f"but {start} and {stop} came."
        )
    weights = np.zeros(samples, complex)
    weights[start:stop] = 1.0
    return weights


def _given(parameters: Mapping[str, Any], samples: int) -> np.ndarray:
    real = numbers("Kernel parameter `real`", parameters.get("real", ()))
    imag = numbers("Kernel parameter `imag`", parameters.get("imag", np.zeros(real.size)))
    if real.size != imag.size or not 0 < real.size <= samples:
        raise ReadoutError(
            f"Kernel 'weights' must have as many `real` as `imag` numbers, 1 to {samples} (the record samples), "
            f"but {real.size} and {imag.size} came."
        )
    weights = np.zeros(samples, complex)
    weights[: real.size] = real + 1j * imag
    return weights


def _positive(parameters: Mapping[str, Any], name: str) -> float:
    value = number(f"Kernel parameter `{name}`", parameters.get(name, 0.0))
    if not value > 0:
        raise ReadoutError(f"Kernel parameter `{name}` must be positive, but {value} came.")
    return value
