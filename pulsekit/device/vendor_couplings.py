"""Find exchange couplings; derive those with which no gate would work."""

from __future__ import annotations

import math
from typing import Dict, Optional, Tuple

from ..program import Program
from .cross_resonance import cr_area, exchange_for_cnot
from .model import Coupling
from .vendor_work import Import

__all__ = ["couplings"]

_MAX_EXCHANGE = 6e6  # Hz; a J that is derived beyond this would mean a static ZZ that no machine has


def couplings(work: Import) -> Tuple[Coupling, ...]:
    """Return exchange couplings; where the published J cannot make the published gate, from its CR tones."""
    strengths: Dict[Tuple[int, int], float] = {
        (min(p), max(p)): abs(j) * work.unit for p, j in work.terms.exchange.items()
    }
    out = []
    for pair, needed in _needed_exchange(work).items():
        strengths.setdefault(pair, 0.0)
        published, derived, amplitude = strengths[pair], needed[0], needed[1]
        quantity = f"couplings[{pair[0]},{pair[1]}].strength"
        if derived is None or (published > 0 and amplitude * derived <= published):
            continue
        if published > 0 and derived > _MAX_EXCHANGE:
            work.notes.add(
                quantity,
                "published",
                f"{published / 1e6:.3f} MHz; kept, although the published gate would need {derived / 1e6:.1f} MHz: "
                f"a detuning of {(work.freqs[pair[0]] - work.freqs[pair[1]]) / 1e6:.0f} MHz leaves no CR effect",
            )
            continue
        strengths[pair] = derived
        shown = f"{published / 1e6:.3f} MHz" if published else "none"
        work.notes.add(
            quantity,
            "derived",
            f"{derived / 1e6:.3f} MHz from the CR tones of the published gate; published: {shown}, "
            "with which the gate would need an amplitude above 1",
        )
    noted = {n.quantity for n in work.notes.items}
    for pair in sorted(strengths):
        quantity = f"couplings[{pair[0]},{pair[1]}].strength"
        if strengths[pair] <= 0:
            work.notes.add(quantity, "assumed", "none published, and no gate to derive it from: no coupling")
            continue
        if quantity not in noted:
            work.notes.add(quantity, "published", f"{strengths[pair] / 1e6:.3f} MHz")
        out.append(Coupling((pair[0], pair[1]), strengths[pair]))
    return tuple(out)


def _needed_exchange(work: Import) -> Dict[Tuple[int, int], Tuple[Optional[float], float]]:
    """Return per pair the J (Hz) that its CR tones need, and their amplitude."""
    out: Dict[Tuple[int, int], Tuple[Optional[float], float]] = {}
    for calibration in work.calibrations:
        if calibration.name not in ("cx", "ecr"):
            continue
        a, b = calibration.qubits
        pair = (min(a, b), max(a, b))
        for index, line in enumerate(work.controls):
            target = line.lo[0][0]
            if {line.qubit, target} != set(pair) or pair in out:
                continue
            area = cr_area(calibration.program, index, work.dt)
            detuning = work.freqs[line.qubit] - work.freqs[target]
            needed = exchange_for_cnot(area, line.rabi_rate, detuning, work.anharmonicities[line.qubit])
            if needed is not None and math.isfinite(needed):
                out[pair] = (needed, _peak(calibration.program, index))
    return out


def _peak(program: Program, index: int) -> float:
    row, events = program.channel_id_of("u", index), program.events
    return max(
        (abs(v) for v, c, r in zip(events.value, events.channel, events.ref) if c == row and r >= 0), default=0.0
    )
