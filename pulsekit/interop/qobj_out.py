"""Assemble Schedules into a PulseQobj equal to terra's, many times faster."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.assembler.assemble_schedules import _assemble_config, _validate_meas_map
from qiskit.compiler.assembler import _parse_common_args, _parse_pulse_args
from qiskit.pulse import Acquire, AcquireChannel, Delay, Play
from qiskit.pulse.library import SymbolicPulse, Waveform
from qiskit.qobj import (
    PulseLibraryItem,
    PulseQobj,
    PulseQobjExperiment,
    PulseQobjExperimentConfig,
    PulseQobjInstruction,
    QobjExperimentHeader,
)
from qiskit.qobj.converters import InstructionToQobjConverter, LoConfigConverter
from qiskit.qobj.converters.pulse_instruction import ParametricPulseShapes

from ..errors import CompilerError
from .collection import no_collection
from .flatten import flatten, name_of

__all__ = ["assemble_pulse_qobj"]

ACQUIRE, NOTHING = "acquire", "nothing"


def assemble_pulse_qobj(schedules: Any, backend: Any, **options: Any) -> PulseQobj:
    """Return the PulseQobj that terra's ``assemble`` makes of the same input.

    Args:
        schedules: Schedule, ScheduleBlock or pulse Instruction, or a list.
        backend: whose configuration and defaults apply.
        options: of terra's ``assemble``: shots, memory, meas_level,
            meas_return, qubit_lo_freq, meas_lo_freq, schedule_los,
            memory_slot_size, rep_time, rep_delay, parametric_pulses,
            init_qubits, qobj_id, qobj_header, meas_map, ...

    Raises:
        CompilerError: ``schedule_los`` of a wrong length.
        QiskitError: settings that terra refuses.
    """
    listed = schedules if isinstance(schedules, list) else [schedules]
    qobj_id, header, config = _settings(backend, options)
    los = LoConfigConverter(PulseQobjExperimentConfig, **config.to_dict())
    frequencies = [los(entry) for entry in getattr(config, "schedule_los", [])]
    if len(listed) > 1 and len(frequencies) not in (0, 1, len(listed)):
        raise CompilerError(
            f"Argument `schedule_los` must have 1 or {len(listed)} entries, one per schedule, "
            f"but {len(frequencies)} came."
        )
    writer = _Writer(config)
    with no_collection():
        experiments = writer.experiments(listed)
    experiments = _with_frequencies(experiments, frequencies)
    extra = {
        "pulse_library": [PulseLibraryItem(name=n, samples=s) for n, s in writer.library.items()],
        "memory_slots": max(e.header.memory_slots for e in experiments),
    }
    return PulseQobj(
        experiments=experiments, qobj_id=qobj_id, header=header, config=_assemble_config(los, extra, config)
    )


_COMMON: Dict[str, Any] = {
    "qobj_id": None,
    "qobj_header": None,
    "shots": None,
    "memory": False,
    "seed_simulator": None,
    "init_qubits": True,
    "rep_delay": None,
    "qubit_lo_freq": None,
    "meas_lo_freq": None,
    "qubit_lo_range": None,
    "meas_lo_range": None,
    "schedule_los": None,
}
_PULSE: Dict[str, Any] = {
    "meas_level": 2,
    "meas_return": "avg",
    "meas_map": None,
    "memory_slot_size": 100,
    "rep_time": None,
    "parametric_pulses": None,
}


def _settings(backend: Any, options: Mapping[str, Any]) -> Tuple[Any, Any, Any]:
    """Return (id, header, run config), resolved by terra's own rules."""
    rest = {k: v for k, v in options.items() if k not in _COMMON and k not in _PULSE}
    common = {k: options.get(k, default) for k, default in _COMMON.items()}
    pulse = {k: options.get(k, default) for k, default in _PULSE.items()}
    qobj_id, header, shared = _parse_common_args(backend, **common, pulse_qobj=True, **rest)
    return qobj_id, header, _parse_pulse_args(backend, **pulse, **shared)


def _with_frequencies(experiments: List[Any], frequencies: List[Any]) -> List[Any]:
    if not frequencies:
        return experiments
    if len(experiments) > 1:
        for k, experiment in enumerate(experiments):
            experiment.config = frequencies[k if len(frequencies) > 1 else 0]
        return experiments
    (one,) = experiments
    return [PulseQobjExperiment(header=one.header, instructions=one.instructions, config=f) for f in frequencies]


class _Writer:
    """Turns instructions into Qobj instructions; equal objects are converted once."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.convert = InstructionToQobjConverter(PulseQobjInstruction, **config.to_dict())
        self.shapes = set(getattr(config, "parametric_pulses", None) or ())
        self.library: Dict[str, Any] = {}
        self.number: Dict[int, int] = {}  # id of an instruction -> its number
        self.kept: List[Any] = []  # the instructions, by number
        self.models: List[Any] = []  # what each becomes, without t0

    def experiments(self, schedules: Sequence[Any]) -> List[PulseQobjExperiment]:
        """Return one experiment per schedule."""
        number, kept = self.number, self.kept
        times: List[List[int]] = []
        codes: List[List[int]] = []
        for schedule in schedules:
            own: List[int] = []
            timed, _ = flatten(schedule)
            for _, instruction in timed:
                code = number.get(id(instruction))
                if code is None:
                    code = number[id(instruction)] = len(kept)
                    kept.append(instruction)
                own.append(code)
            times.append([t0 for t0, _ in timed])
            codes.append(own)
        self.models = [self._model(i) for i in kept]
        rank = self._ranks()
        return [self._experiment(k, s, times[k], codes[k], rank) for k, s in enumerate(schedules)]

    def _ranks(self) -> np.ndarray:
        """Return each instruction's place in terra's order at one time."""
        keys = [(i.duration, sorted(c.name for c in i.channels)) for i in self.kept]
        ranks = np.zeros(len(keys), np.int64)
        place, last = -1, None
        for k in sorted(range(len(keys)), key=keys.__getitem__):
            place += keys[k] != last
            last, ranks[k] = keys[k], place
        return ranks

    def _model(self, instruction: Any) -> Any:
        if isinstance(instruction, Acquire):
            return ACQUIRE
        if isinstance(instruction, Delay) and isinstance(instruction.channel, AcquireChannel):
            return NOTHING
        if isinstance(instruction, Play):
            instruction = self._supported(instruction)
        model = dict(self.convert(0, instruction).__dict__)
        return model

    def _supported(self, play: Any) -> Any:
        pulse = play.pulse
        if isinstance(pulse, SymbolicPulse):
            try:
                if ParametricPulseShapes.from_instance(pulse).name in self.shapes:
                    return play
            except ValueError:
                pass
            pulse = pulse.get_waveform()
        elif not isinstance(pulse, Waveform):
            return play
        name = hashlib.sha256(pulse.samples).hexdigest()
        self.library[name] = pulse.samples
        return Play(Waveform(name=name, samples=pulse.samples), channel=play.channel, name=name)

    def _experiment(
        self, k: int, schedule: Any, times: List[int], codes: List[int], rank: np.ndarray
    ) -> PulseQobjExperiment:
        t0, code = np.array(times, dtype=np.int64), np.array(codes, dtype=np.int64)
        order = np.argsort(t0 * (int(rank.max(initial=0)) + 1) + rank[code], kind="stable")
        models, make, kind = self.models, PulseQobjInstruction.__new__, PulseQobjInstruction
        instructions: List[Any] = []
        acquires: Dict[Tuple[int, int], List[Any]] = {}
        for time, number in zip(t0[order].tolist(), code[order].tolist()):
            model = models[number]
            if model.__class__ is dict:
                out = make(kind)
                out.__dict__ = {**model, "t0": time}
                instructions.append(out)
            elif model is ACQUIRE:
                acquire = self.kept[number]
                acquires.setdefault((time, acquire.duration), []).append(acquire)
        if acquires and hasattr(self.config, "meas_map"):
            _validate_meas_map(acquires, self.config.meas_map)
        instructions += [self.convert(time, bundle) for (time, _), bundle in acquires.items()]
        slots = [a.mem_slot.index for bundle in acquires.values() for a in bundle if a.mem_slot]
        header = QobjExperimentHeader(
            memory_slots=max(slots, default=0) + 1,
            name=name_of(schedule) or f"Experiment-{k}",
            metadata=getattr(schedule, "metadata", None) or {},
        )
        return PulseQobjExperiment(header=header, instructions=instructions)
