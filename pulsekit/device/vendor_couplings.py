"""Find exchange couplings; derive those with which no gate would work."""

from __future__ import annotations

import math
from typing import Dict, FrozenSet, List, Tuple

from ..program import Program
from .cross_resonance import cr_area, exchange_for_cnot
from .model import Coupling
from .vendor_work import Import

__all__ = ["couplings"]

_MAX_EXCHANGE = 6e6  # Hz; a J that is derived beyond this would mean a static ZZ that no machine has


def couplings(work: Import) -> Tuple[Coupling, ...]:
    """Return exchange couplings; where the published J cannot make the published gates, from their CR tones."""
    strengths: Dict[Tuple[int, int], float] = {
        (min(p), max(p)): abs(j) * work.unit for p, j in work.terms.exchange.items()
    }
    for pair, tones in _needed_exchange(work).items():
        strengths[pair] = _chosen(work, pair, strengths.get(pair, 0.0), tones)
    noted = {n.quantity for n in work.notes.items}
    out = []
    for pair in sorted(strengths):
        quantity = _quantity(pair)
        if strengths[pair] <= 0:
            work.notes.add(quantity, "assumed", "none published, and no gate to derive it from: no coupling")
            continue
        if quantity not in noted:
            work.notes.add(quantity, "published", _mhz(strengths[pair]))
        out.append(Coupling(pair, strengths[pair]))
    return tuple(out)


def _quantity(pair: Tuple[int, int]) -> str:
    return f"couplings[{pair[0]},{pair[1]}].strength"


def _mhz(value: float) -> str:
    return f"{value / 1e6:.3f} MHz"


def _chosen(work: Import, pair: Tuple[int, int], published: float, tones: List[Tuple[float, float]]) -> float:
    """Return the published J, or the one that the most demanding of the pair's gates needs."""
    derived = max(needed for needed, _ in tones)
    if published > 0 and all(amplitude * needed <= published for needed, amplitude in tones):
        return published
    if derived > _MAX_EXCHANGE:
        detuning = (work.freqs[pair[0]] - work.freqs[pair[1]]) / 1e6
        reason = f"the published gate would need {_mhz(derived)}: {detuning:.0f} MHz apart there is no CR effect"
        if published > 0:
            work.notes.add(_quantity(pair), "published", f"{_mhz(published)}; kept, although {reason}")
            return published
        work.notes.add(
            _quantity(pair), "assumed", f"{_mhz(_MAX_EXCHANGE)}, the largest: none is published, and {reason}"
        )
        return _MAX_EXCHANGE
    shown = f"{_mhz(published)}, with which the gate would need an amplitude above 1" if published else "none"
    work.notes.add(
        _quantity(pair), "derived", f"{_mhz(derived)} from the CR tones of the published gate; published: {shown}"
    )
    return derived


def _needed_exchange(work: Import) -> Dict[Tuple[int, int], List[Tuple[float, float]]]:
    """Return per pair, for every gate, the J (Hz) that its CR tones need, and their amplitude."""
    out: Dict[Tuple[int, int], List[Tuple[float, float]]] = {}
    lines: Dict[FrozenSet[int], List[int]] = {}
    for index, line in enumerate(work.controls):
        lines.setdefault(frozenset((line.qubit, line.lo[0][0])), []).append(index)
    for calibration in work.calibrations:
        if calibration.name not in ("cx", "ecr"):
            continue
        a, b = calibration.qubits
        for index in lines.get(frozenset((a, b)), ()):
            line = work.controls[index]
            area = cr_area(calibration.program, index, work.dt)
            detuning = work.freqs[line.qubit] - work.freqs[line.lo[0][0]]
            needed = exchange_for_cnot(area, line.rabi_rate, detuning, work.anharmonicities[line.qubit])
            if needed is not None and math.isfinite(needed):
                out.setdefault((min(a, b), max(a, b)), []).append((needed, _peak(calibration.program, index)))
    return out


def _peak(program: Program, index: int) -> float:
    row, events = program.channel_id_of("u", index), program.events
    return max(
        (abs(v) for v, c, r in zip(events.value, events.channel, events.ref) if c == row and r >= 0), default=0.0
    )
