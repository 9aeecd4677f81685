"""Turn an integrated signal into a bit: discriminators by name.

Every discriminator is a quadratic form c . (II, QQ, IQ, I, Q, 1); the bit is
1 where it is positive. Names and parameters:

``linear_discriminator``, ``hw_qmfk``
    trained on the model: a straight boundary between the centres of 0 and 1
    (0 and 2 for an ESP acquire), where the device's ``threshold`` puts it; or
    ``weights`` (two numbers) and ``threshold``: 1 where
    weights[0] I + weights[1] Q > threshold.
``quadratic_discriminator``
    trained on the model: equal likelihood of the Gaussians that have the
    clouds' means and covariances, relaxation included; or ``coefficients``
    (the six numbers).

Every level above 0 reads as 1.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import numpy as np

from ..errors import ReadoutError
from .parameters import number, numbers

__all__ = ["DISCRIMINATORS", "check_discriminator", "given_form", "linear_form", "quadratic_form"]

Spec = Tuple[str, Tuple[Tuple[str, Any], ...]]

DISCRIMINATORS: Dict[str, Tuple[str, ...]] = {
    "linear_discriminator": ("weights", "threshold"),
    "hw_qmfk": ("weights", "threshold"),
    "quadratic_discriminator": ("coefficients",),
}
"""Names of discriminators and of their parameters."""


def check_discriminator(spec: Optional[Spec]) -> None:
    """Refuse a discriminator that does not exist or has other parameters.

    Raises:
        ReadoutError: with what is accepted.
    """
    if spec is None:
        return
    name, items = spec
    if name not in DISCRIMINATORS:
        raise ReadoutError(f"Argument `discriminator` must be one of {sorted(DISCRIMINATORS)}, but {name!r} came.")
    unknown = sorted({k for k, _ in items} - set(DISCRIMINATORS[name]))
    if unknown:
        raise ReadoutError(
            f"Parameters of discriminator {name!r} must be among {list(DISCRIMINATORS[name])}, but {unknown} came. "
            "Leave them out."
        )


def given_form(spec: Optional[Spec]) -> Optional[np.ndarray]:
    """Return the form that the user's parameters fix, or None (train it).

    Raises:
        ReadoutError: parameters of a wrong shape, or not finite real numbers.
    """
    check_discriminator(spec)
    if spec is None or not spec[1]:
        return None
    parameters = dict(spec[1])
    if "coefficients" in parameters:
        return numbers("Discriminator parameter `coefficients`", parameters["coefficients"], 6)
    weights = numbers("Discriminator parameter `weights`", parameters.get("weights", ()), 2)
    threshold = number("Discriminator parameter `threshold`", parameters.get("threshold", 0.0))
    return np.array([0, 0, 0, weights[0], weights[1], -threshold])


def linear_form(lower: complex, upper: complex, threshold: float) -> np.ndarray:
    """Return the straight boundary between two centres.

    ``threshold`` -1 puts it at ``lower``, 0 midway, 1 at ``upper``.
    """
    axis = upper - lower
    middle = (lower + upper) / 2 + threshold * axis / 2
    return np.array([0, 0, 0, axis.real, axis.imag, -(axis.real * middle.real + axis.imag * middle.imag)])


def quadratic_form(means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Return where the second of two Gaussians is likelier.

    Args:
        means: float64[2, 2], (I, Q) of the lower and the upper cloud.
        covariances: float64[2, 2, 2].
    """
    out = np.zeros(6)
    for sign, mean, cov in zip((-1.0, 1.0), means, covariances):
        inverse = np.linalg.inv(cov)
        linear = inverse @ mean
        constant = -0.5 * (mean @ linear) - 0.5 * np.log(np.linalg.det(cov))
        quadratic = (-0.5 * inverse[0, 0], -0.5 * inverse[1, 1], -inverse[0, 1])
        out += sign * np.array([*quadratic, linear[0], linear[1], constant])
    return out
