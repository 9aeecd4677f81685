"""Tune every two-qubit gate of one pair, deriving J where it must be."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Calibration, Device
from ..simulator import Model
from .cross import CrossSolution, amplitude_for_cnot, solve_cross
from .exchange import derive_exchange, exchange_of, with_exchange
from .single import Rotation
from .templates import CrossTemplate, Nominal, cross_template

__all__ = ["PairResult", "tune_pair"]

TARGET = 0.995  # average gate fidelity that a two-qubit gate must reach
SCALES = (1.0, 0.7, 0.5, 1.4, 0.35)  # of the shipped amplitude, for which J is derived in turn


class PairResult(NamedTuple):
    """The gates of one pair."""

    pair: Tuple[int, int]
    gates: Tuple[Tuple[str, Tuple[int, int]], ...]  # (name, qubits)
    solutions: Tuple[Optional[CrossSolution], ...]  # None: no amplitude makes the gate
    exchange: float  # Hz, of the device afterwards
    derived: bool  # whether J is not the device's


def tune_pair(
    device: Device,
    gates: Sequence[Calibration],
    rotations: Mapping[int, Mapping[str, Rotation]],
    nominal: Mapping[int, Nominal],
    *,
    derive: bool,
) -> PairResult:
    """Solve the two-qubit gates of one pair.

    With the device's J first; where the tone's amplitude would exceed 1 or
    the gate stays below 0.995, with the J that makes the shipped amplitude
    (then :data:`SCALES` of it) work, if that is better.

    Args:
        device: whose gates.
        gates: "cx" or "ecr" calibrations on the same two qubits.
        rotations: by qubit, the tuned "x" and "sx".
        nominal: by qubit, the shipped x and sx.
        derive: whether J may be derived.
    """
    templates: List[Tuple[Calibration, CrossTemplate]] = []
    for gate in sorted(gates, key=lambda g: len(g.program.events)):
        template = cross_template(device, gate.program, gate.qubits, rotations, nominal)
        if template is not None:
            templates.append((gate, template))
    pair = (min(gates[0].qubits), max(gates[0].qubits))
    published = exchange_of(device, pair)
    found = _solve_all(device, templates) if published else {}
    strength, derived = published, False
    for scale in SCALES if derive and templates else ():
        if _worst(found, len(templates)) >= TARGET:
            break
        first = templates[0][1]
        amplitude = min(scale * abs(first.factor(first.tones)), 0.95 * first.limit(first.tones))
        candidate = derive_exchange(device, first, amplitude)
        if candidate is None:
            continue
        other = _solve_all(with_exchange(device, pair, candidate), templates)
        if _worst(other, len(templates)) > _worst(found, len(templates)):
            found, strength, derived = other, candidate, True
    names = tuple((gate.name, (gate.qubits[0], gate.qubits[1])) for gate, _ in templates)
    return PairResult(pair, names, tuple(found.get(n) for n in names), strength, derived)


def _worst(found: Mapping[object, CrossSolution], wanted: int) -> float:
    return min((s.fidelity for s in found.values()), default=0.0) if len(found) == wanted else 0.0


def _solve_all(device: Device, templates: Sequence[Tuple[Calibration, CrossTemplate]]) -> Dict[object, CrossSolution]:
    """Solve the gates of a pair, each starting from the tones of the one before."""
    out: Dict[object, CrossSolution] = {}
    hint: Optional[CrossSolution] = None
    for gate, template in templates:
        model = Model.from_device(device, (template.control, template.target), noise=False)
        amplitude = amplitude_for_cnot(model, template)
        if not np.isfinite(amplitude):
            continue
        solution = solve_cross(device, model, template, gate.name, gate.qubits, amplitude, hint)
        if solution is None:
            continue
        hint = solution
        out[(gate.name, (gate.qubits[0], gate.qubits[1]))] = solution
    return out
