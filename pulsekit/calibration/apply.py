"""Write what tuning solved into a device's calibrations."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np

from ..device import Calibration, CalibrationMap, Device, Note, Provenance
from ..device.calibrations import make_calibration
from ..device.esp import measure_esp_program
from .collisions import nearest_collision, tone_directions
from .cross import CrossSolution, apply_solution
from .exchange import exchange_of, with_exchange
from .ladder import x12_of
from .pairs import TARGET, PairResult
from .single import Rotation
from .solution import TuneSolution
from .templates import Nominal, cross_template, nominals, with_rotations

__all__ = ["apply_tuning"]

SINGLE = 0.9999  # average gate fidelity that x and sx must reach


def apply_tuning(device: Device, solution: TuneSolution, *, version: str = "1") -> Device:
    """Return the device with tuned calibrations, couplings and notes.

    Args:
        device: the one that was solved.
        solution: what was solved.
        version: of the calibration map.
    """
    nominal = nominals(device)
    tuned: List[Calibration] = []
    notes: List[Note] = [Note(q, "failed", reason) for q, reason in solution.failures]
    for qubit, rotations in solution.rotations.items():
        tuned += _single_gates(device, qubit, solution, nominal)
        notes += _single_notes(qubit, rotations)
    after = device
    for pair in solution.pairs:
        if pair.derived:
            after = with_exchange(after, pair.pair, pair.exchange)
            notes.append(_exchange_note(device, pair))
        for (name, qubits), solved in zip(pair.gates, pair.solutions):
            notes.append(_gate_note(device, name, qubits, solved))
            if solved is not None:
                tuned.append(_cross_gate(device, name, qubits, solved, solution, nominal))
    stamped = [replace(c, date=solution.date) for c in tuned]
    entries = device.calibrations.updated(*stamped).entries
    failed = [n for n in notes if n.kind == "failed"]
    said = {n.quantity for n in notes}
    old = tuple(n for n in device.provenance.notes if n.quantity not in said)
    kept = Provenance(old + tuple(n for n in notes if n.kind != "failed") + tuple(failed))
    done = {(c.name, tuple(c.qubits)) for c in tuned}
    stale = tuple(s for s in device.stale if s not in done)
    return after.replace(calibrations=CalibrationMap(entries, version), provenance=kept, stale=stale)


def _single_gates(
    device: Device, qubit: int, solution: TuneSolution, nominal: Mapping[int, Nominal]
) -> List[Calibration]:
    rotations = solution.rotations[qubit]
    out: List[Calibration] = []
    for name in ("x", "sx", "u2", "u3"):
        shipped = device.calibrations.get(name, (qubit,))
        if shipped is None or qubit not in nominal:
            continue
        program = with_rotations(shipped.program, {qubit: rotations}, nominal)
        numbers = _rotation_numbers(rotations.get("sx" if name in ("u2", "u3") else name))
        out.append(make_calibration(name, (qubit,), program, source="tuned", parameters=numbers))
    ladder = solution.ladders.get(qubit)
    if ladder is not None:
        x12 = x12_of(device, qubit, rotations["x"], ladder.amplitude, ladder.beta)
        out.append(make_calibration("x12", (qubit,), x12, source="tuned", parameters=ladder._asdict()))
        measure = device.calibrations.get("measure", (qubit,))
        esp = None if measure is None else measure_esp_program(qubit, measure.program, x12)
        if esp is not None:
            out.append(make_calibration("measure_esp", (qubit,), esp, source="tuned", parameters=ladder._asdict()))
    return out


def _rotation_numbers(rotation: Optional[Rotation]) -> Dict[str, float]:
    if rotation is None:
        return {}
    return {k: float(v) for k, v in rotation._asdict().items() if k != "pulse"}


def _cross_gate(
    device: Device,
    name: str,
    qubits: Tuple[int, int],
    solved: CrossSolution,
    solution: TuneSolution,
    nominal: Mapping[int, Nominal],
) -> Calibration:
    shipped = device.calibrations.entries[(name, qubits)]
    template = cross_template(device, shipped.program, qubits, solution.rotations, nominal)
    assert template is not None
    control, before, after = solved.shifts
    numbers = {
        "tone": abs(solved.tone),
        "tone_angle": float(np.angle(solved.tone)),
        "cancel": abs(solved.cancel),
        "cancel_angle": float(np.angle(solved.cancel)),
        "shift_control": control,
        "shift_target_before": before,
        "shift_target_after": after,
        "fidelity": solved.fidelity,
        "leakage": solved.leakage,
    }
    program = apply_solution(device, template, solved)
    return make_calibration(name, qubits, program, source="tuned", parameters=numbers)


def _single_notes(qubit: int, rotations: Mapping[str, Rotation]) -> List[Note]:
    out = []
    for name, r in rotations.items():
        text = f"fidelity {r.fidelity:.6f}, leakage {r.leakage:.1e}: amplitude {r.amplitude:.5f}, beta {r.beta:.3f}"
        out.append(Note(f"calibrations[{name},{qubit}]", "tuned" if r.fidelity >= SINGLE else "failed", text))
    return out


def _gate_note(device: Device, name: str, qubits: Tuple[int, int], solved: Optional[CrossSolution]) -> Note:
    quantity = f"calibrations[{name},{qubits[0]},{qubits[1]}]"
    if solved is None:
        text = "no tone amplitude up to 1 turns ZX by pi/2; the shipped pulses stay"
    else:
        text = f"fidelity {solved.fidelity:.6f}, leakage {solved.leakage:.1e}"
    if solved is not None and solved.fidelity >= TARGET:
        return Note(quantity, "tuned", text)
    control, target = next((d for d in tone_directions(device) if set(d) == set(qubits)), qubits)
    near = nearest_collision(device, control, target)
    where = f"control {control}, target {target}: {near.kind}, {near.detuning / 1e6:+.1f} MHz away"
    return Note(quantity, "failed", f"{text}; nearest collision of {where}")


def _exchange_note(device: Device, pair: PairResult) -> Note:
    quantity = f"couplings[{pair.pair[0]},{pair.pair[1]}].strength"
    before = f"{exchange_of(device, pair.pair) / 1e6:.3f} MHz"
    old = [n for n in device.provenance.notes if n.quantity == quantity and n.kind != "published"]
    was = f"first: {old[-1].text}" if old else f"published: {before}, with which the gate is worse or cannot be made"
    made = f"{pair.exchange / 1e6:.3f} MHz, with which the published tones make the published gate best"
    return Note(quantity, "derived", f"{made}; {was}")
