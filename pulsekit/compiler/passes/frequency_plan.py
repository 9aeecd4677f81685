"""Plan the LO frequency of every channel in every experiment.

Order, each overriding the one before: device default, job-level list,
``schedule_los`` entry, and in the program ``SET_FREQUENCY`` and
``SHIFT_FREQUENCY``. Control channels follow the drive LOs of the job and of
the experiment through the device's ``u_channel_lo``.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

import numpy as np

from ...device import Device
from ...errors import CompilerError
from ...program import Channel, LoTable

__all__ = ["channel_ranges", "default_los", "resolve_los"]

OUT_OF_RANGE = 8000  # "channel LO out of range"
NO_CHANNEL = 8004  # "the channel does not exist"
RANGE = 500e6  # Hz either side of the estimate, where the device gives no range

Range = Tuple[float, float]


def default_los(device: Device) -> Tuple[np.ndarray, np.ndarray]:
    """Return the device's default drive and measure LOs.

    Returns:
        float64[n_qubits] and float64[n_qubits], Hz. Qubits without a
        resonator get the vendor's ``meas_freq_est`` where there is one, 0
        else.
    """
    drive = np.array(device.qubit_freq_est, dtype=np.float64)
    measure = np.zeros(device.n_qubits)
    published = device.vendor.get("defaults") or {}
    estimates = published.get("meas_freq_est", ()) if isinstance(published, Mapping) else ()
    for q in range(device.n_qubits):
        if q < len(device.resonators):
            measure[q] = device.meas_freq_est[q]
        elif q < len(estimates):
            measure[q] = float(estimates[q]) * 1e9
    return drive, measure


def channel_ranges(device: Device) -> Dict[str, Tuple[Range, ...]]:
    """Return the LO ranges in Hz by channel kind ("d", "m", "u") and index.

    A control channel's range is what its drive LOs' ranges span.
    """
    drive, measure = default_los(device)
    ranges: Dict[str, Tuple[Range, ...]] = {}
    for kind, limits, center in (("d", device.limits.drive_lo, drive), ("m", device.limits.measure_lo, measure)):
        ranges[kind] = tuple(
            limits[q] if q < len(limits) else (float(f) - RANGE, float(f) + RANGE) for q, f in enumerate(center)
        )
    control = []
    for line in device.controls:
        ends = [[complex(scale).real * end for end in ranges["d"][q]] for q, scale in line.lo]
        control.append((sum(min(e) for e in ends), sum(max(e) for e in ends)))
    ranges["u"] = tuple(control)
    return ranges


def resolve_los(
    device: Device,
    experiments: int,
    *,
    qubit_lo_freq: Optional[Sequence[float]] = None,
    meas_lo_freq: Optional[Sequence[float]] = None,
    schedule_los: Any = (),
) -> Tuple[LoTable, np.ndarray]:
    """Combine LO settings into one row per experiment that will run.

    Args:
        device: gives defaults, ranges and the control channels' LOs.
        experiments: E, the number of experiments after binding parameters.
        qubit_lo_freq: job-level drive LOs in Hz, one per qubit; None or
            empty for the device's.
        meas_lo_freq: likewise for the measure channels.
        schedule_los: one entry or a list of L entries. An entry maps drive
            and measure channels to Hz (channels of any library that know
            their ``name``), or is an LoConfig; None is an empty entry.

    Returns:
        The LO table and ``int64[experiments]``, the input experiment of each
        of its rows. L = 0: the job level only; L = 1: that entry for all, at
        the job level too; E = 1 and L > 1: a sweep of the one experiment;
        E = L: pairwise.

    Raises:
        CompilerError: a list of the wrong length, a frequency that is not a
            finite number or not in range (8000), a channel that has no LO of
            its own or does not exist (8004), an impossible number of entries.
    """
    ranges = channel_ranges(device)
    drive, measure = default_los(device)
    drive = _job_list("qubit_lo_freq", qubit_lo_freq, drive, ranges["d"], "d")
    measure = _job_list("meas_lo_freq", meas_lo_freq, measure, ranges["m"], "m")
    entries = [_entry(e, i, ranges) for i, e in enumerate(_entries(schedule_los))]
    expansion = _expand(experiments, len(entries))
    if len(entries) == 1:
        drive, measure = _override(drive, entries[0], "d"), _override(measure, entries[0], "m")
        entries = []
    rows = np.arange(len(expansion)) if entries else np.zeros(len(expansion), dtype=np.int64)
    drives = np.array([_override(drive, e, "d") for e in entries] or [drive])[rows].reshape(len(rows), device.n_qubits)
    measures = np.array([_override(measure, e, "m") for e in entries] or [measure])[rows]
    weights = _control_weights(device)
    table = LoTable(
        drive_frame=drive,
        measure_frame=measure,
        control_frame=weights @ drive,
        drive=drives,
        measure=measures.reshape(len(rows), device.n_qubits),
        control=drives @ weights.T,
    )
    return table, expansion


def _control_weights(device: Device) -> np.ndarray:
    """Return float64[n_control, n_qubits]: control LOs = weights @ drive LOs."""
    weights = np.zeros((len(device.controls), device.n_qubits))
    for u, line in enumerate(device.controls):
        for q, scale in line.lo:
            weights[u, q] += complex(scale).real
    return weights


def _expand(experiments: int, entries: int) -> np.ndarray:
    if entries > 1 and experiments == 1:
        return np.zeros(entries, dtype=np.int64)
    if entries not in (0, 1, experiments):
        raise CompilerError(
            f"Argument `schedule_los` must have one entry, or one per experiment ({experiments}), but {entries} came. "
            "Parameter bindings count: m circuits with n bindings are m x n experiments; several entries for one "
            "experiment sweep it."
        )
    return np.arange(experiments, dtype=np.int64)


def _job_list(name: str, given: Any, default: np.ndarray, ranges: Tuple[Range, ...], kind: str) -> np.ndarray:
    if given is None:
        return default
    if not isinstance(given, (Sequence, np.ndarray)) or isinstance(given, (str, bytes)):
        raise CompilerError(
            f"Argument `{name}` must be a list of {len(default)} frequencies in Hz, one per qubit, but {given!r} came."
        )
    if len(given) == 0:
        return default
    if len(given) != len(default):
        raise CompilerError(
            f"Argument `{name}` must have one frequency per qubit ({len(default)}), but {len(given)} came."
        )
    return np.array([_frequency(name, f, Channel(kind, q), ranges[q]) for q, f in enumerate(given)], dtype=np.float64)


def _frequency(argument: str, f: Any, channel: Channel, allowed: Range) -> float:
    where = f"Argument `{argument}`, channel {channel}, qubit {channel.index}:"
    if isinstance(f, (bool, np.bool_)) or not isinstance(f, (Real, np.integer, np.floating)):
        raise CompilerError(f"{where} the frequency must be a number in Hz, but {f!r} came.", code=OUT_OF_RANGE)
    low, high = allowed
    try:
        value = float(f)
    except OverflowError:  # an int beyond all floats
        value = math.inf
    if math.isfinite(value) and low <= value <= high:
        return value
    hint = " It looks like GHz; multiply by 1e9." if low <= value * 1e9 <= high else ""
    raise CompilerError(
        f"{where} the frequency must be in {low / 1e9:.6f}..{high / 1e9:.6f} GHz, but {value!r} Hz came.{hint}",
        code=OUT_OF_RANGE,
    )


def _entries(given: Any) -> List[Any]:
    if given is None:
        return []
    if isinstance(given, (list, tuple)) and not isinstance(given, Channel):
        return list(given)
    if isinstance(given, Mapping) and not given:
        return []
    return [given]


def _entry(entry: Any, index: int, ranges: Mapping[str, Tuple[Range, ...]]) -> Dict[Channel, float]:
    """Return one entry as {Channel: Hz}, checked; an LoConfig is duck-typed."""
    argument = f"schedule_los[{index}]"
    if entry is None:
        return {}
    if hasattr(entry, "qubit_los") and hasattr(entry, "meas_los"):
        entry = {**entry.qubit_los, **entry.meas_los}
    if not isinstance(entry, Mapping):
        raise CompilerError(
            f"Argument `{argument}` must map drive and measure channels to Hz, or be an LoConfig, but {entry!r} came."
        )
    out: Dict[Channel, float] = {}
    for key, f in entry.items():
        channel = _channel(argument, key)
        if channel.kind not in "dm":
            raise CompilerError(
                f"Argument `{argument}` must name drive and measure channels only, but {channel} came. "
                "The LO of a control channel follows from its drive channels' LOs (`u_channel_lo`).",
                code=OUT_OF_RANGE,
            )
        if channel.index >= len(ranges[channel.kind]):
            raise CompilerError(
                f"Argument `{argument}` must name channels of the device, but {channel} came. "
                f"It has {channel.kind}0..{channel.kind}{len(ranges[channel.kind]) - 1}.",
                code=NO_CHANNEL,
            )
        out[channel] = _frequency(argument, f, channel, ranges[channel.kind][channel.index])
    return out


def _channel(argument: str, key: Any) -> Channel:
    name = getattr(key, "name", None)
    if isinstance(key, Channel):
        return key
    if not isinstance(name, str) or name[:1] not in "duma" or not name[1:].isdigit():
        _refuse_key(argument, key)
    return Channel.parse(name)


def _refuse_key(argument: str, key: Any) -> NoReturn:
    raise CompilerError(
        f"Argument `{argument}` must have channels as keys, but {key!r} came. "
        "Write DriveChannel(0) or MeasureChannel(0)."
    )


def _override(base: np.ndarray, entry: Mapping[Channel, float], kind: str) -> np.ndarray:
    out = base.copy()
    for channel, f in entry.items():
        if channel.kind == kind:
            out[channel.index] = f
    return out
