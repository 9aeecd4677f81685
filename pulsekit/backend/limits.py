"""Check a run against the limits of its device."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from ..compiler.passes.frequency_plan import resolve_los
from ..device import Device
from ..errors import CompilerError
from ..program import Batch, find_violations
from . import checks
from .exceptions import BackendIndexError, BackendPulseError, IBMQBackendError, IBMQBackendValueError, provider_errors

__all__ = [
    "check_amplitudes",
    "check_durations",
    "check_los",
    "check_parametric_pulses",
    "check_quotas",
    "check_repetition",
    "device_for",
    "lo_errors",
    "wire_rep_time",
]

NO_CHANNEL = 8004
NOT_SUPPORTED = 8011
TOO_STRONG = 8041


def device_for(device: Device, keywords: Mapping[str, Any]) -> Device:
    """Return the device with the LO ranges and measurement groups of the call.

    ``qubit_lo_range``, ``meas_lo_range`` and ``meas_map`` are keywords of
    terra's assemble that old scripts pass through run().
    """
    changes: Dict[str, Any] = {}
    for name, own in (("qubit_lo_range", "drive_lo"), ("meas_lo_range", "measure_lo")):
        if keywords.get(name):
            changes[own] = _ranges(name, keywords[name], device.n_qubits)
    with provider_errors():
        if changes:
            device = device.replace(limits=replace(device.limits, **changes))
        if keywords.get("meas_map"):
            device = device.replace(meas_map=_groups(keywords["meas_map"]))
    return device


def check_parametric_pulses(names: Any, configuration: Any) -> None:
    """Check the keyword of terra's assemble that lists shapes which stay parametric; all of them do here.

    Raises:
        IBMQBackendValueError: not a list of names, or one that the device
            does not know (8011).
    """
    if names is None:
        return
    known = list(getattr(configuration, "parametric_pulses", ()))
    if not isinstance(names, (list, tuple)) or any(name not in known for name in names):
        raise checks.refuse("parametric_pulses", f"be a list of names among {known}", names, code=NOT_SUPPORTED)


def _groups(value: Any) -> Any:
    try:
        return tuple(tuple(int(q) for q in group) for group in value)
    except (TypeError, ValueError):
        raise checks.refuse("meas_map", "be a list of lists of qubits", value) from None


def _ranges(name: str, value: Any, n_qubits: int) -> Any:
    rule = f"be a list of {n_qubits} pairs [low, high] in Hz"
    if not isinstance(value, (list, tuple)) or len(value) != n_qubits:
        raise checks.refuse(name, rule, value)
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(f, Real) for f in pair):
            raise checks.refuse(name, rule, value)
        if not -math.inf < pair[0] <= pair[1] < math.inf:
            raise checks.refuse(name, f"{rule}, finite and low <= high", pair)
    return tuple((float(low), float(high)) for low, high in value)


def check_quotas(options: Mapping[str, Any], inputs: int, configuration: Any) -> None:
    """Apply the service's quotas, if they are wanted.

    Args:
        options: the resolved options of the run.
        inputs: experiments, bindings counted and LO sweeps not.
        configuration: the device's configuration model.

    Raises:
        IBMQBackendValueError: more than max_shots (1103) or max_experiments
            (1102), with limits="device".
    """
    if options.get("limits") != "device":
        return
    max_shots, shots = getattr(configuration, "max_shots", None), options["shots"]
    if max_shots and shots > max_shots:
        raise IBMQBackendValueError(
            f"Argument `shots` must be at most max_shots = {max_shots} with limits='device', but {shots} came.",
            code=1103,
        )
    most = getattr(configuration, "max_experiments", None)
    los = options.get("schedule_los")
    count = max(1, len(los)) if inputs == 1 and isinstance(los, (list, tuple)) else inputs
    if most and count > most:
        raise IBMQBackendValueError(
            f"Argument `circuits` must have at most max_experiments = {most} experiments with limits='device', but "
            f"{count} came, bindings and LO sweeps counted. Split them into several jobs.",
            code=1102,
        )


def check_amplitudes(batch: Batch) -> None:
    """Refuse pulses above full scale, also those whose ``limit_amplitude`` is False.

    That flag lets qiskit make the pulse, and ``compile`` and ``simulate`` take
    it; a device cannot play it.

    Raises:
        CompilerError: 8041.
    """
    tables = {id(program.pulses): program.pulses for program in batch.programs}
    if all(pulse.limit_amplitude for table in tables.values() for pulse in table):
        return
    for program in batch.bound().programs:
        limited = tuple(replace(pulse, limit_amplitude=True) for pulse in program.pulses)
        for violation in find_violations(program.replace(pulses=limited), timing=False):
            if violation.code == TOO_STRONG:
                raise CompilerError(violation.message, code=TOO_STRONG)


def check_repetition(options: Dict[str, Any], configuration: Any) -> Tuple[Optional[float], Optional[float]]:
    """Resolve rep_delay and rep_time; take out of the options what the device does not use.

    Returns:
        rep_delay and rep_time in s, one of them None.

    Raises:
        IBMQBackendValueError: rep_delay out of range (8030), rep_time not
            among the device's (8029).
    """
    if getattr(configuration, "dynamic_reprate_enabled", False):
        if options["rep_time"]:
            warnings.warn(
                "Dynamic rep rates are supported on this backend: rep_delay is used instead of rep_time.",
                RuntimeWarning,
                stacklevel=6,
            )
        options["rep_time"] = None
        return _rep_delay(options["rep_delay"], configuration), None
    if options["rep_delay"] is not None:
        warnings.warn("Dynamic rep rates are not supported on this backend: rep_delay is not used.", RuntimeWarning,
                      stacklevel=6)  # fmt: skip
        options["rep_delay"] = None
    return None, _rep_time(options["rep_time"], configuration)


def _rep_delay(value: Any, configuration: Any) -> float:
    low, high = getattr(configuration, "rep_delay_range", (0.0, math.inf))
    if value is None:
        return float(getattr(configuration, "default_rep_delay", low) or 0.0)
    slack = 1e-12  # s; ranges went through microseconds
    if not low - slack <= value <= high + slack:
        raise IBMQBackendValueError(
            f"Argument `rep_delay` must be in configuration().rep_delay_range, {low:g}..{high:g} s, but {value!r} came."
            + (" It looks like microseconds." if low <= value * 1e-6 <= high and value >= 1 else ""),
            code=8030,
        )
    return float(value)


def _rep_time(value: Any, configuration: Any) -> Any:
    times = list(getattr(configuration, "rep_times", ()) or ())
    if not value:
        return times[0] if times else None
    for time in times:
        if math.isclose(time, value, rel_tol=1e-6):
            return time
    raise IBMQBackendValueError(
        f"Argument `rep_time` must be one of {times} s (configuration().rep_times), but {value!r} came.", code=8029
    )


def wire_rep_time(us: Any, configuration: Any) -> Any:
    """Return the rep_time of a Qobj in s; None where it does not count.

    terra writes the first of the device's times where its user gave none,
    and cuts it to whole microseconds (249 us become 248).
    """
    if us is None or getattr(configuration, "dynamic_reprate_enabled", False):
        return None
    for time in getattr(configuration, "rep_times", ()) or ():
        if us in (int(time * 1e6), round(time * 1e6)):
            return time
    return us * 1e-6


def check_los(options: Dict[str, Any], device: Device) -> None:
    """Check the job's LO lists; its LO entries are checked when they are combined.

    Afterwards ``schedule_los`` is a list or None.

    Raises:
        IBMQBackendError: a list of a wrong length, or a frequency out of
            range (8000).
    """
    lists = {"qubit_lo_freq": options["qubit_lo_freq"], "meas_lo_freq": options["meas_lo_freq"]}
    try:
        resolve_los(device, 1, **lists)
    except CompilerError as error:
        raise _coded(IBMQBackendError, error) from error
    entries = options["schedule_los"]
    if not _any(entries):
        options["schedule_los"] = None
        return
    options["schedule_los"] = list(entries) if isinstance(entries, (list, tuple)) else [entries]


@contextmanager
def lo_errors() -> Iterator[None]:
    """Give errors about LO entries the classes that terra's LoConfig raises.

    An entry out of range or on a channel that has no LO of its own is a
    BackendPulseError, one on a channel that does not exist a
    BackendIndexError.
    """
    try:
        yield
    except CompilerError as error:
        if "`schedule_los[" not in str(error):
            raise
        raise _coded(BackendIndexError if error.code == NO_CHANNEL else BackendPulseError, error) from error


def _any(entries: Any) -> bool:
    try:
        return bool(entries) or hasattr(entries, "qubit_los")
    except ValueError:
        return True


def _coded(kind: Any, error: CompilerError) -> Any:
    out = kind(str(error))
    out.code = error.code
    return out


def check_durations(durations_s: Iterable[Tuple[str, float]], rep_time_s: Any) -> None:
    """Refuse experiments that last longer than their repetition time (8020).

    Args:
        durations_s: name and seconds of each experiment; names may repeat.
        rep_time_s: seconds, or None with dynamic repetition.
    """
    if rep_time_s is None:
        return
    for name, duration in durations_s:
        if duration > rep_time_s:
            raise IBMQBackendValueError(
                f"Experiment {name!r} must last at most rep_time = {rep_time_s:g} s, but it lasts {duration:g} s.",
                code=8020,
            )
