"""Resolve the arguments of one ``run``: defaults, checks, precedence.

Everything here is decided before anything is compiled, in the order of the
reference: the arguments about the job, ESP, what is to run, then the options.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from qiskit.providers.options import Options

from ..device import Device
from ..errors import PulsekitWarning
from ..program import Batch
from . import checks
from .compiled import SETTLED, has_esp, refuse_settled
from .exceptions import IBMQBackendError, IBMQBackendValueError, provider_errors
from .inputs import FromQobj, experiments_of, is_circuit
from .limits import check_los, check_parametric_pulses, check_quotas, check_repetition, device_for, wire_rep_time
from .parameters import BY_NAME, OWN_OPTIONS, default_options
from .parts import bound_schedules
from .plain import plain

__all__ = ["Request", "resolve"]

JOB_ARGUMENTS = ("job_name", "job_share_level", "job_tags", "experiment_id", "live_data_enabled")
OWN = tuple(p.name for p in OWN_OPTIONS)
ESP_DISABLED = 8037


@dataclass
class Request:
    """A checked run."""

    experiments: List[Any]  # circuits, schedules, blocks
    device: Device  # with overridden ranges and measurement groups, where given
    options: Dict[str, Any]  # every known option, resolved
    header: Dict[str, Any]
    binds: Optional[Sequence[Mapping[Any, Any]]]
    job: Dict[str, Any] = field(default_factory=dict)  # name, tags, share level, experiment id
    forwarded: Dict[str, Any] = field(default_factory=dict)  # unknown keywords
    rep_delay_s: Optional[float] = None
    rep_time_s: Optional[float] = None
    batch: Optional[Batch] = None  # instead of experiments: compiled before


def resolve(
    device: Device,
    configuration: Any,
    options: Options,
    arguments: Mapping[str, Any],
    *,
    on_qobj: Any = None,
) -> Request:
    """Check a call of ``run``.

    Args:
        device: what it will run on.
        configuration: the device's configuration model.
        options: the backend's options.
        arguments: what run() was called with, by name; None is not given.
        on_qobj: called when the input is a Qobj (to warn once).

    Raises:
        IBMQBackendError: whatever can be decided now; see
            :mod:`pulsekit.backend.exceptions`.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    job = {name: _checked(name, given.pop(name)) for name in JOB_ARGUMENTS if name in given}
    _refuse_reserved(arguments)
    if given.get("use_measure_esp") is not None:
        _check_esp(given["use_measure_esp"], configuration)
    circuits = arguments.get("circuits")
    given.pop("circuits", None)
    experiments = experiments_of(circuits)
    if isinstance(experiments, FromQobj):
        on_qobj()
        own = {name: value for name, value in given.items() if name in OWN}
        given = {**{name: value for name, value in experiments.options.items() if value is not None}, **own}
        given["rep_time"] = wire_rep_time(experiments.rep_time_us, configuration)
        given = {name: value for name, value in given.items() if value is not None}
        options = Options(**{**default_options(), **{name: options.get(name) for name in OWN}})
        experiments = experiments.experiments
    batch = None
    if isinstance(experiments, Batch):
        refuse_settled(given)
        options = Options(**{**options, **dict.fromkeys(SETTLED)})
        batch, experiments = experiments, []
    header = _header(given)
    binds = _checked("parameter_binds", given.pop("parameter_binds", [])) or None
    _refuse_unbound(experiments, binds)
    with provider_errors():
        experiments, binds = bound_schedules(experiments, binds)  # type: ignore[assignment]
    forwarded = _unknown(given, options)
    check_parametric_pulses(forwarded.get("parametric_pulses"), configuration)
    merged = _merge(given, options)
    if "live_data_enabled" in job:
        merged["live_data_enabled"] = job["live_data_enabled"]
    request = Request(experiments, device_for(device, forwarded), merged, header, binds, job, forwarded, batch=batch)
    return _finish(request, configuration)


def _checked(name: str, value: Any) -> Any:
    check = BY_NAME[name].check
    return value if check is None else check(name, value)


def _refuse_reserved(arguments: Mapping[str, Any]) -> None:
    if arguments.get("dynamic") is not None:
        raise checks.refuse("dynamic", "not be given", arguments["dynamic"], fix="Dynamic circuits are not supported.")
    if "backend" in arguments:
        raise checks.refuse("backend", "not be given to run(), which knows its backend", arguments["backend"],
                            error=checks.BackendTypeError)  # fmt: skip


def _check_esp(flag: Any, configuration: Any) -> None:
    if _checked("use_measure_esp", flag) and not getattr(configuration, "measure_esp_enabled", False):
        raise IBMQBackendValueError(
            "Argument `use_measure_esp` must be False or None on this backend, but True came. "
            "configuration().measure_esp_enabled is False.",
            code=ESP_DISABLED,
        )


def _refuse_unbound(experiments: List[Any], binds: Optional[Sequence[Mapping[Any, Any]]]) -> None:
    """Refuse circuits whose parameters nothing binds; schedules are checked when they are compiled."""
    if binds is not None and any(binds):
        return
    for position, experiment in enumerate(experiments):
        if is_circuit(experiment) and experiment.num_parameters:
            names = ", ".join(p.name for p in experiment.parameters)
            raise IBMQBackendError(
                f"Argument `parameter_binds` must bind every parameter, but circuits[{position}] "
                f"({experiment.name!r}) has {names} and nothing binds them."
            )


def _header(given: Dict[str, Any]) -> Dict[str, Any]:
    legacy = given.pop("qobj_header", None)
    header = given.pop("header", None) or legacy or {}
    return plain(_checked("header", header))  # type: ignore[no-any-return]


def _unknown(given: Dict[str, Any], options: Options) -> Dict[str, Any]:
    """Take out keywords that are no option, with a warning each."""
    out = {}
    for name in [n for n in given if n not in BY_NAME and n not in options]:
        out[name] = given.pop(name)
        warnings.warn(
            f"{name} is not a recognized runtime option and may be ignored by the backend; "
            "it is kept in job.backend_options().",
            UserWarning,
            stacklevel=5,
        )
    return out


def _merge(given: Mapping[str, Any], options: Options) -> Dict[str, Any]:
    """Return keyword > option > default, each checked."""
    merged: Dict[str, Any] = dict(default_options())
    merged.update({name: value for name, value in options.items() if value is not None})
    merged.update(given)
    for name, value in merged.items():
        if value is not None and name in BY_NAME:
            merged[name] = _checked(name, value)
    return merged


def _finish(request: Request, configuration: Any) -> Request:
    """Resolve what depends on the device."""
    options = request.options
    _resolve_esp(request, configuration)
    if options["memory"] and not configuration.memory:
        raise checks.refuse("memory", "be False: this backend has none", True, code=1104)
    inputs = len(request.experiments) if request.batch is None else len(request.batch)
    check_quotas(options, inputs * (len(request.binds) if request.binds else 1), configuration)
    request.rep_delay_s, request.rep_time_s = check_repetition(options, configuration)
    check_los(options, request.device)
    if options["use_measure_esp"] and options["meas_level"] != 2:
        warnings.warn(
            "ESP readout at measurement level 0 or 1: the signal of a 1 is that of level 2. "
            "Use use_measure_esp=False for IQ data of level 1.",
            PulsekitWarning,
            stacklevel=5,
        )
    return request


def _resolve_esp(request: Request, configuration: Any) -> None:
    options = request.options
    flag = options["use_measure_esp"]
    if request.batch is not None:
        flag = has_esp(request.batch)
    circuits = request.batch is not None or any(is_circuit(e) for e in request.experiments)
    if flag is None:
        flag = bool(getattr(configuration, "measure_esp_enabled", False)) and options["init_qubits"] and circuits
    elif flag:
        if request.batch is None:
            _check_esp(flag, configuration)
        if not options["init_qubits"]:
            raise IBMQBackendValueError(
                "Argument `use_measure_esp` must be False or None with init_qubits=False, but True came. "
                "ESP leaves level 2 behind, from which the next shot would start."
            )
        if not circuits:
            flag = False
            warnings.warn(
                "ESP readout does not apply to schedules, which say themselves how they measure: it is off. "
                "Call or play the device's `measure_esp` instead.",
                PulsekitWarning,
                stacklevel=5,
            )
    options["use_measure_esp"] = flag
