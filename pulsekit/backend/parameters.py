"""Define every argument of ``run`` once, in one table.

The signature of :meth:`Backend.run <pulsekit.backend.Backend.run>`, the
backend's options and their defaults, the checks and the documentation are
made from :data:`RUN_PARAMETERS` and :data:`OWN_OPTIONS`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from . import checks

__all__ = ["MAX_SHOTS", "OWN_OPTIONS", "RUN_PARAMETERS", "Parameter", "default_options", "documentation", "signature"]

MAX_SHOTS = 10**8  # hard cap of one job
MIN_TOLERANCE = 1e-12  # of a population; sums of doubles are not better
SHARE_LEVELS = ("global", "hub", "group", "project", "none")


@dataclass(frozen=True)
class Parameter:
    """One argument of ``run``."""

    name: str
    hint: str  # type, as documented
    doc: str
    check: Optional[checks.Check] = None  # None: checked where it is used
    default: Any = None  # the option's default
    option: bool = True  # can also be set in backend.options


RUN_PARAMETERS: Tuple[Parameter, ...] = (
    Parameter(
        "circuits",
        "Union[QasmQobj, PulseQobj, QuantumCircuit, Schedule, ScheduleBlock, Instruction, List[...], Batch]",
        "What to run: one circuit or schedule, or a list that may mix them; or a batch of pulsekit.compile(). "
        "Qobj are supported but deprecated.",
        option=False,
    ),
    Parameter(
        "job_name",
        "Optional[str]",
        "A name for the job, a filter of jobs(). It need not be unique.",
        checks.text,
        option=False,
    ),
    Parameter(
        "job_share_level",
        "Optional[str]",
        "Who else finds the job in the store: 'global' (everybody), 'hub', 'group' or 'project' (users with the same "
        "one), 'none' (nobody). Default: 'none'.",
        checks.choice(*SHARE_LEVELS, code=3255),
        option=False,
    ),
    Parameter(
        "job_tags",
        "Optional[List[str]]",
        "Tags of the job, a filter of jobs().",
        checks.tags,
        option=False,
    ),
    Parameter(
        "experiment_id",
        "Optional[str]",
        "The experiment that the job belongs to, a filter of jobs().",
        checks.text,
        option=False,
    ),
    Parameter(
        "header",
        "Optional[Dict]",
        "Copied to the header of the result, and to job.header(). Does not affect the run.",
        checks.header,
        option=False,
    ),
    Parameter(
        "shots",
        "Optional[int]",
        "Number of repetitions of each experiment. Default: 4000, or the device's max_shots if that is smaller.",
        checks.integer(1, MAX_SHOTS, too_low=6001, too_high=1103),
        default=4000,
    ),
    Parameter(
        "memory",
        "Optional[bool]",
        "Return the bits of every shot, too (at measurement level 2).",
        checks.boolean,
        default=False,
    ),
    Parameter(
        "qubit_lo_freq",
        "Optional[List[float]]",
        "LO frequencies of the drive channels in Hz, one per qubit. schedule_los goes before it. "
        "Default: the device's estimates.",
    ),
    Parameter(
        "meas_lo_freq",
        "Optional[List[float]]",
        "LO frequencies of the measure channels in Hz, one per qubit. schedule_los goes before it. "
        "Default: the device's estimates.",
    ),
    Parameter(
        "schedule_los",
        "Union[List[Union[Dict[PulseChannel, float], LoConfig]], Dict[PulseChannel, float], LoConfig, None]",
        "LO frequencies in Hz of single channels: one entry for all experiments, one entry per experiment, or several "
        "entries for one experiment, which is then repeated for each (a sweep).",
    ),
    Parameter(
        "meas_level",
        "Union[int, MeasLevel, None]",
        "0: the signal over time; 1: IQ points (kerneled); 2: bits (classified).",
        checks.choice(0, 1, 2, code=8009, kind=int),
        default=2,
    ),
    Parameter(
        "meas_return",
        "Union[str, MeasReturnType, None]",
        "At levels 0 and 1: 'single' for every shot, 'avg' for the average over shots.",
        checks.choice("single", "avg"),
        default="avg",
    ),
    Parameter(
        "memory_slots",
        "Optional[int]",
        "Number of classical memory slots. Default: as many as the experiment uses; more pad the result, fewer are "
        "an error.",
        checks.integer(1, 10**6),
    ),
    Parameter(
        "memory_slot_size",
        "Optional[int]",
        "Samples kept of each memory slot at level 0.",
        checks.integer(1, 10**7),
        default=100,
    ),
    Parameter(
        "rep_time",
        "Optional[float]",
        "Time per repetition of an experiment in seconds, one of configuration().rep_times. Default: the first of "
        "them. Ignored, with a warning, on devices with dynamic repetition rate. 0 means not given.",
        checks.number(0.0, code=8029),
    ),
    Parameter(
        "rep_delay",
        "Optional[float]",
        "Time from the end of an experiment to the next in seconds, in configuration().rep_delay_range. Default: "
        "configuration().default_rep_delay. Only on devices with dynamic repetition rate.",
        checks.number(0.0, code=8030),
    ),
    Parameter(
        "init_qubits",
        "Optional[bool]",
        "Reset the qubits before each shot. If False, a shot starts from what the shot before left.",
        checks.boolean,
        default=True,
    ),
    Parameter(
        "parameter_binds",
        "Optional[List[Dict[Parameter, float]]]",
        "Values for the parameters: m experiments and n dicts run m x n experiments, all binds of the first "
        "experiment first.",
        checks.parameter_binds,
        option=False,
    ),
    Parameter(
        "use_measure_esp",
        "Optional[bool]",
        "Excited state promoted readout: before a measurement that ends its qubit's program, move level 1 to level "
        "2. Default: what configuration().measure_esp_enabled says; off with init_qubits=False.",
        checks.boolean,
    ),
    Parameter(
        "live_data_enabled",
        "Optional[bool]",
        "Publish running averages while the job runs, see job.live_data().",
        checks.boolean,
    ),
)

OWN_OPTIONS: Tuple[Parameter, ...] = (
    Parameter(
        "seed_simulator",
        "Optional[int]",
        "Seed of all random numbers; the result records the one used.",
        checks.integer(0, 2**63 - 1),
    ),
    Parameter(
        "frequency_scope",
        "Optional[str]",
        "How long Set- and ShiftFrequency last: 'gate', to the end of the pulse gate (default for circuits); "
        "'program', to the end of the program (default for schedules).",
        checks.choice("program", "gate"),
    ),
    Parameter(
        "limits",
        "Optional[str]",
        "'device' enforces the service quotas of the device (max_shots, max_experiments); None lifts them. Physical "
        "limits always hold.",
        checks.choice("device"),
    ),
    Parameter(
        "spectator_bound",
        "float",
        "Leave out spectator qubits whose effect on the populations is estimated below this.",
        checks.number(0.0, 1.0, open_low=True),
        default=1e-4,
    ),
    Parameter(
        "tolerance",
        "float",
        "Largest error of a final population, for deterministic methods.",
        checks.number(MIN_TOLERANCE, 0.1),
        default=1e-6,
    ),
    Parameter("method", "str", "Simulation method; 'auto' chooses.", checks.simulation_method, default="auto"),
    Parameter("noise", "bool", "Simulate T1 and T2.", checks.boolean, default=True),
    Parameter(
        "memory_cap",
        "Optional[int]",
        "Bytes that a simulation may use; more is refused.",
        checks.integer(1),
    ),
    Parameter(
        "executor",
        "Optional[Executor]",
        "Where to run the work: anything with `submit`, such as a dask.distributed client. None: threads.",
        checks.own_executor,
    ),
)

BY_NAME: Mapping[str, Parameter] = {p.name: p for p in RUN_PARAMETERS + OWN_OPTIONS}


def default_options() -> Dict[str, Any]:
    """Return the options of a backend and their defaults."""
    return {p.name: p.default for p in RUN_PARAMETERS + OWN_OPTIONS if p.option}


def signature() -> inspect.Signature:
    """Return the signature of ``run``: the reference's, positional order and all."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    items = [inspect.Parameter("self", kind), inspect.Parameter("circuits", kind, annotation=RUN_PARAMETERS[0].hint)]
    items += [inspect.Parameter(p.name, kind, default=None, annotation=p.hint) for p in RUN_PARAMETERS[1:]]
    items.append(inspect.Parameter("run_config", inspect.Parameter.VAR_KEYWORD, annotation="Any"))
    return inspect.Signature(items, return_annotation="Job")


def documentation() -> str:
    """Return the docstring of ``run``."""
    lines = ["Run experiments, and return their job at once.", ""]
    lines += ["A keyword goes before backend.options, these before the device's own values. None means not given.", ""]
    lines += ["Args:"]
    lines += [f"    {p.name} ({p.hint}): {p.doc}" for p in RUN_PARAMETERS]
    lines += ["    run_config: the options below; any other keyword warns and is kept in job.backend_options()."]
    lines += [f"        {p.name} ({p.hint}): {p.doc}" for p in OWN_OPTIONS]
    lines += ["", "Returns:", "    Job: the job, queued; its ``result()`` waits."]
    lines += ["", "Raises:", "    IBMQBackendValueError: an argument that breaks a rule, with its four-digit code."]
    lines += [
        "    BackendPulseError: an invalid pulse program or LO setting.",
        "    IBMQBackendError: any other refusal.",
    ]
    return "\n".join(lines)
