"""Promote the excited state before terminal measures (ESP readout).

A pi pulse on 1-2 right before the readout stimulus moves |1> to |2>, which
must relax twice before it reads as 0. Only a measure that is the last thing
on its qubit is promoted: barriers and delays after it do not count, gates of
no length do. A measure with a calibration of the user's own is left alone.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Dict, FrozenSet, List, Mapping, Optional, Tuple

import numpy as np

from ...device import Device
from ...device.esp import measure_esp_program
from ...errors import CompilerError, PulsekitWarning
from ...program import Op
from ..base import Pass
from ..gates import BARRIER, DELAY, MEASURE
from ..memo import remember
from ..snippets import Snippet
from ..work import Note, Work
from .lookup import device_snippet

__all__ = ["PromoteMeasures", "expected_gain", "resolve_esp", "terminal_measures"]

NOT_ENABLED = 8037  # "ESP readout is not enabled"


def resolve_esp(device: Device, use_measure_esp: Optional[bool], *, init_qubits: bool = True) -> bool:
    """Return whether terminal measures of circuits use ESP.

    Args:
        device: says whether ESP is enabled.
        use_measure_esp: what the user asked for; None: what the device has,
            and off without reset between shots.
        init_qubits: False: no reset, so that a shot would start in |2>.

    Raises:
        CompilerError: asked for on a device without it, or without reset
            between shots (8037).
    """
    if use_measure_esp is None:
        return bool(device.measure_esp_enabled and init_qubits)
    if not isinstance(use_measure_esp, (bool, np.bool_)):
        raise CompilerError(f"Argument `use_measure_esp` must be True, False or None, but {use_measure_esp!r} came.")
    if use_measure_esp and not device.measure_esp_enabled:
        raise CompilerError(
            f"Argument `use_measure_esp` must be False or None on device {device.name!r}, but True came and "
            "the device has no ESP readout. Enable it with device.replace(measure_esp_enabled=True).",
            code=NOT_ENABLED,
        )
    if use_measure_esp and not init_qubits:
        raise CompilerError(
            "Argument `use_measure_esp` must be False or None with init_qubits=False, but True came: ESP leaves "
            "|2> behind, and nothing resets it before the next shot.",
            code=NOT_ENABLED,
        )
    return bool(use_measure_esp)


@dataclass(frozen=True)
class PromoteMeasures(Pass):
    """Exchange the snippet of every terminal measure for its ESP one."""

    use_measure_esp: Optional[bool] = None  # None: what the device has
    init_qubits: bool = True
    requires: ClassVar[FrozenSet[str]] = frozenset({"calibrated"})

    def run(self, work: Work) -> Work:
        """Return the work with promoted measures and a note per circuit."""
        if not resolve_esp(work.device, self.use_measure_esp, init_qubits=self.init_qubits):
            return work
        gates = work.gates
        assert work.snippet is not None and work.duration is not None
        rows = terminal_measures(work)
        rows = rows[gates.override[rows] < 0]
        made: Dict[int, Tuple[int, Optional[str]]] = {}  # snippet -> its ESP snippet, or why there is none
        snippets, snippet, duration = list(work.snippets), work.snippet.copy(), work.duration.copy()
        for old in np.unique(snippet[rows]).tolist():
            measure = work.snippets[old]
            promoted, why = remember(measure, ("esp", work.device), partial(_promote, work.device, measure))
            if promoted is None:
                made[old] = (old, why)
                continue
            made[old] = (len(snippets), None)
            snippets.append(promoted)
        if not made:
            return work
        new = np.array([made[s][0] for s in snippet[rows].tolist()], dtype=np.int32)
        refusals = _refusals(work, rows, {old: why for old, (_, why) in made.items() if why})
        changed = rows[new != snippet[rows]]
        snippet[rows] = new
        duration[rows] = np.array([s.duration for s in snippets], dtype=np.int64)[new]
        work = work.replace(snippets=tuple(snippets), snippet=snippet, duration=duration)
        if self.use_measure_esp:
            for note in refusals:
                warnings.warn(note.text, PulsekitWarning, stacklevel=2)
        return work.noted(*_notes(work, changed), *refusals)


def terminal_measures(work: Work) -> np.ndarray:
    """Return the rows of measures that are the last thing on their qubit, int64[k]."""
    gates = work.gates
    measures = np.flatnonzero(gates.kind == MEASURE)
    since = np.full(len(gates.circuits) or 1, len(gates), dtype=np.int64)  # the first measure of each circuit
    since[gates.circuit[measures[::-1]]] = measures[::-1]
    later = np.arange(len(gates)) >= since[gates.circuit]
    counted = np.flatnonzero(later & (gates.kind != BARRIER) & (gates.kind != DELAY))
    widths = np.array([len(s) for s in gates.qubit_sets] or [0], dtype=np.int64)
    flat = np.array([q for s in gates.qubit_sets for q in s] or [0], dtype=np.int64)
    first = np.cumsum(widths) - widths
    sets = gates.qubits[counted]
    row = np.repeat(counted, widths[sets])
    within = np.arange(row.size) - np.repeat(np.cumsum(widths[sets]) - widths[sets], widths[sets])
    qubit = flat[np.repeat(first[sets], widths[sets]) + within]
    wire = gates.circuit[row].astype(np.int64) * (int(flat.max()) + 1) + qubit
    last_of_wire = np.full(int(wire.max()) + 1 if wire.size else 0, -1, dtype=np.int64)
    last_of_wire[wire] = row  # rows ascend, so the last one stays
    ends = np.unique(last_of_wire[last_of_wire >= 0])
    single = np.array([len(s) == 1 for s in gates.qubit_sets] or [False])[gates.qubits[ends]]
    plain = np.array([name == "measure" for name in gates.names] or [False])[gates.name[ends]]
    return ends[(gates.kind[ends] == MEASURE) & single & plain]


def _promote(device: Device, snippet: Snippet) -> Tuple[Optional[Snippet], Optional[str]]:
    """Return the ESP snippet, or None and the reason (None: the user's own measure)."""
    own = device_snippet(device, "measure", snippet.qubits)
    if own is None or not own.program.same_as(snippet.program):
        return None, None
    qubit = snippet.qubits[0]
    x12 = device.calibrations.get("x12", (qubit,))
    if x12 is None:
        return None, "the device has no x12 there"
    program = measure_esp_program(qubit, snippet.program, x12.program)
    if program is None:
        return None, "its measure does not acquire it"
    calibration = f"{snippet.calibration}+{x12.id}" if snippet.calibration else x12.id
    return Snippet(program, "measure_esp", snippet.qubits, calibration), None


def _notes(work: Work, rows: np.ndarray) -> List[Note]:
    """Say per circuit what ESP costs and what it is expected to gain."""
    gates, out = work.gates, []
    assert work.snippet is not None
    by_circuit: Dict[int, List[int]] = {}
    for circuit, chosen in zip(gates.circuit[rows].tolist(), work.snippet[rows].tolist()):
        by_circuit.setdefault(circuit, []).append(chosen)
    alike: Dict[Tuple[int, ...], List[int]] = {}  # snippets -> circuits
    for circuit, snippets in by_circuit.items():
        alike.setdefault(tuple(snippets), []).append(circuit)
    facts = {k: expected_gain(work.device, work.snippets[k]) for k in dict.fromkeys(work.snippet[rows].tolist())}
    for snippets_of, circuits in alike.items():
        data = {work.snippets[k].qubits[0]: facts[k] for k in snippets_of}
        added = max(f["added_samples"] for f in data.values())
        text = f"ESP readout of qubits {sorted(data)}: {added} samples more before the acquires."
        out.append(Note("esp", text, tuple(circuits), {"qubits": data}))
    return out


def _refusals(work: Work, rows: np.ndarray, refused: Mapping[int, str]) -> List[Note]:
    gates, out = work.gates, []
    assert work.snippet is not None
    for k, why in refused.items():
        circuits = dict.fromkeys(gates.circuit[rows[work.snippet[rows] == k]].tolist())
        text = f"Qubit {work.snippets[k].qubits[0]} is read without ESP: {why}."
        out.append(Note("warning", text, tuple(circuits)))
    return out


def expected_gain(device: Device, snippet: Snippet) -> Mapping[str, Any]:
    """Return what ESP adds and gains on a qubit, as plain numbers.

    The decay figures are the chance that a prepared 1 has reached 0 half way
    through the acquire: 1 - exp(-x) without and (1 - exp(-x))^2 with ESP, x =
    t / T1 (physics.md; levels 2 and 1 decay at 2/T1 and 1/T1).

    Returns:
        ``added_samples``, ``added_s``, ``decay_without``, ``decay_with``,
        ``gain`` (their difference), ``x12_error`` (what the calibrated pulse
        leaves behind, and the relaxation during it at the mean of the rates of
        1 and 2, 1.5/T1) and ``pays`` (gain exceeds the error).
    """
    qubit, events = snippet.qubits[0], snippet.program.events
    drive = snippet.program.channel_id(snippet.program.channels[events.channel[snippet.program.rows(Op.PLAY)[0]]])
    plays = snippet.program.rows(Op.PLAY)
    added = int(events.duration[plays[events.channel[plays] == drive]].sum())
    acquire = snippet.program.rows(Op.ACQUIRE)[0]
    dt, t1 = device.timing.dt, device.transmons[qubit].t1
    half = float(events.duration[acquire]) * dt / 2
    lost = 0.0 if t1 is None else -math.expm1(-half / t1)
    x12 = device.calibrations.get("x12", (qubit,))
    transfer = 1.0 if x12 is None else float(x12.parameters.get("transfer", 1.0))
    error = 1.0 - transfer + (0.0 if t1 is None else 1.5 * added * dt / t1)
    return {
        "added_samples": added,
        "added_s": added * dt,
        "decay_without": lost,
        "decay_with": lost**2,
        "gain": lost - lost**2,
        "x12_error": error,
        "pays": bool(lost - lost**2 > error),
    }
