"""Draw the shots of an acquisition: levels 0, 1 and 2 of the same shots."""

from __future__ import annotations

from typing import Optional

import numpy as np

from .._ext import kernel
from .acquisition import Acquisition
from .streams import Purpose, Stream

__all__ = ["free_decay", "pick_levels", "read_shots", "trace_shots", "uniforms"]

_k = kernel("shots")
_NO_IQ = np.zeros(0, np.complex128)
_NO_BITS = np.zeros(0, np.uint8)


def uniforms(stream: Stream, first: int, count: int) -> np.ndarray:
    """Return one uniform in [0, 1) per shot, float64[count]."""
    out = np.empty(count)
    _k.uniforms(stream.seed, stream.experiment, stream.number, stream.purpose, first, out)
    return out


def pick_levels(probabilities: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the basis state of each shot, int32[shots].

    Args:
        probabilities: float64[states], not negative; need not sum to 1.
        u: float64[shots], uniforms.
    """
    out = np.empty(u.size, np.int32)
    cumulative = np.cumsum(np.maximum(probabilities, 0.0))
    _k.choose(np.ascontiguousarray(cumulative), np.ascontiguousarray(u), out)
    return out


def read_shots(
    acquisition: Acquisition,
    stream: Stream,
    first: int,
    start: np.ndarray,
    *,
    iq: Optional[np.ndarray] = None,
    bits: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Read shots out and return the levels they are left in.

    Args:
        acquisition: what is measured, and how.
        stream: random numbers of this acquire.
        first: index of the first shot.
        start: uint8[shots], levels at the acquire's start.
        iq: complex128[shots] (any stride), filled with level 1.
        bits: uint8[shots] (any stride), filled with level 2.

    Returns:
        uint8[shots]. Cost: about 60 ns per shot.
    """
    end = np.empty(start.size, np.uint8)
    a = acquisition
    _k.read(
        stream.seed,
        stream.experiment,
        stream.number,
        stream.purpose,
        first,
        np.ascontiguousarray(start),
        a.rates,
        a.target,
        a.edges,
        a.tail,
        a.memory,
        a.w_lambda,
        a.sigma,
        a.form,
        _NO_IQ if iq is None else iq,
        _NO_BITS if bits is None else bits,
        end,
    )
    return end


def trace_shots(acquisition: Acquisition, stream: Stream, first: int, start: np.ndarray, out: np.ndarray) -> None:
    """Write the records of the shots that :func:`read_shots` reads.

    Args:
        acquisition, stream, first, start: as in :func:`read_shots`.
        out: complex128[shots, samples]; longer than the record: padded with
            0; shorter: the record's first samples.
    """
    a = acquisition
    _k.trace(
        stream.seed,
        stream.experiment,
        stream.number,
        stream.purpose,
        Purpose.TRACE,
        first,
        np.ascontiguousarray(start),
        a.rates,
        a.target,
        a.edges,
        a.mean,
        a.gain,
        a.w_lambda,
        a.weights,
        a.group,
        a.sigma_sample,
        a.sigma,
        out,
    )


def free_decay(
    rates: np.ndarray, target: np.ndarray, stream: Stream, first: int, level: np.ndarray, time: float
) -> None:
    """Let levels jump freely for ``time``, in place.

    Args:
        rates, target: of :func:`~pulsekit.readout.jumps.jump_tables`, 1/s.
        stream, first: random numbers.
        level: uint8[shots], contiguous.
        time: s.
    """
    _k.decay(stream.seed, stream.experiment, stream.number, stream.purpose, first, rates, target, time, level)
