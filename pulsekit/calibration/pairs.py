"""Tune every two-qubit gate of one pair, deriving J where it must be."""

from __future__ import annotations

from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Calibration, Device
from ..simulator import Model
from .cross import CrossSolution, amplitude_for_cnot, solve_cross
from .exchange import derive_exchange, exchange_of, is_published, with_exchange
from .single import Rotation
from .templates import CrossTemplate, Nominal, cross_template

__all__ = ["PairResult", "tune_pair"]

TARGET = 0.995  # average gate fidelity that a two-qubit gate must reach
WELL = 0.9991  # average gate fidelity at which no better J is looked for
STEP = 2**0.5  # between the amplitudes, from the shipped one on, for which J is derived in turn
STEPS = 6  # that way and this way, at most


Solutions = Dict[Tuple[str, Tuple[int, int]], CrossSolution]  # by (name, qubits)


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

    With the device's J first. Where the tone's amplitude would exceed 1, the
    gate stays below 0.995 or no J was published and the gate stays below
    0.9991, with the J that makes the shipped amplitude work, then a larger
    or a smaller one, as long as the gate gets better.

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
    wanted = TARGET if is_published(device, pair) else WELL
    strength, derived = published, False
    if derive and templates and _worst(found, len(templates)) < wanted:
        for candidate, other in _searched(device, pair, templates):
            if _worst(other, len(templates)) > _worst(found, len(templates)):
                found, strength, derived = other, candidate, True
    names = tuple((gate.name, (gate.qubits[0], gate.qubits[1])) for gate, _ in templates)
    return PairResult(pair, names, tuple(found.get(n) for n in names), strength, derived)


def _searched(
    device: Device, pair: Tuple[int, int], templates: Sequence[Tuple[Calibration, CrossTemplate]]
) -> Iterator[Tuple[float, Solutions]]:
    """Yield couplings (Hz) and what they make of the gates, from the shipped amplitude's on.

    Amplitudes go down and up until two in a row are no better than the best
    so far, none is left to try, or the gate is good.
    """
    first = templates[0][1]
    shipped, limit = abs(first.factor(first.tones)), 0.95 * first.limit(first.tones)
    best = 0.0
    for steps in (range(STEPS + 1), range(-1, -STEPS - 1, -1)):
        worse = 0
        for k in steps:
            amplitude = shipped * STEP**-k
            candidate = derive_exchange(device, first, min(amplitude, limit))
            if candidate is None or worse == 2 or best >= WELL or amplitude > STEP * limit:
                break
            found = _solve_all(with_exchange(device, pair, candidate), templates)
            yield candidate, found
            fidelity = _worst(found, len(templates))
            worse = 0 if fidelity > best else worse + 1
            best = max(best, fidelity)


def _worst(found: Solutions, wanted: int) -> float:
    return min((s.fidelity for s in found.values()), default=0.0) if len(found) == wanted else 0.0


def _solve_all(device: Device, templates: Sequence[Tuple[Calibration, CrossTemplate]]) -> Solutions:
    """Solve the gates of a pair, each starting from the tones of the one before."""
    out: Solutions = {}
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
