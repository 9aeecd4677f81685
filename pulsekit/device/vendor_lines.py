"""Find drive and control lines: what they drive, how strongly, at which LO."""

from __future__ import annotations

from statistics import median
from typing import Any, List, Optional, Tuple

from ..errors import DeviceError
from .model import ControlLine, Crosstalk, DriveLine
from .vendor import VendorFiles
from .vendor_work import Import, command_of

__all__ = ["control_lines", "drive_lines"]

OMEGAD_EXCESS = 1.1558  # published omegad over the drive strength that the x pulses need, on every snapshot


def drive_lines(work: Import) -> Tuple[Tuple[DriveLine, ...], Tuple[Crosstalk, ...]]:
    """Return drive strengths with which the vendor's x turns by pi."""
    lines: List[DriveLine] = []
    crosstalk: List[Crosstalk] = []
    for q in range(work.n):
        found = dict(work.terms.lines.get(f"d{q}", ()))
        coefficient = found.pop(q, 0j)
        published = abs(coefficient) * work.unit
        rate = _rate_from_pulse(work, q)
        quantity = f"drives[{q}].rabi_rate"
        shown = f"published omegad: {published / 1e6:.2f} MHz" if published else "no omegad published"
        if rate is not None:
            work.notes.add(quantity, "derived", f"{rate / 1e6:.2f} MHz from the area of the x pulse; {shown}")
        elif published:
            rate = published / OMEGAD_EXCESS
            work.notes.add(quantity, "derived", f"{rate / 1e6:.2f} MHz = omegad / {OMEGAD_EXCESS}; {shown}")
        else:
            raise DeviceError(
                f"Qubit {q} of {work.files.name!r} must have an x or sx command or a drive strength, but has neither."
            )
        gain = coefficient / abs(coefficient) if coefficient else 1.0
        lines.append(DriveLine(q, rate, gain=complex(gain)))
        crosstalk += [Crosstalk(f"d{q}", other, c / coefficient) for other, c in found.items() if c and coefficient]
    return tuple(lines), tuple(crosstalk)


def _rate_from_pulse(work: Import, qubit: int) -> Optional[float]:
    """Return the rate (Hz) with which x turns by pi: 1 / (2 dt |sum of samples|)."""
    for name, turns in (("x", 0.5), ("sx", 0.25)):
        program = command_of(work, name, qubit)
        row = -1 if program is None else program.channel_id_of("d", qubit)
        if program is None or row < 0:
            continue
        events = program.events
        area = sum(
            events.value[r] * abs(program.pulses[events.ref[r]].samples.sum())
            for r in range(len(events))
            if events.channel[r] == row and events.ref[r] >= 0
        )
        if area > 0:
            return float(turns / (area * work.dt))
    return None


def control_lines(work: Import) -> Tuple[Tuple[ControlLine, ...], Tuple[Crosstalk, ...]]:
    """Return the control lines: physical qubit from the Hamiltonian, LO from u_channel_lo."""
    unit = work.unit
    ratios = []
    for q, line in enumerate(work.drives):
        published = abs(dict(work.terms.lines.get(f"d{q}", ())).get(q, 0.0)) * unit
        ratios += [line.rabi_rate / published] if published else []
    correction = median(ratios) if ratios else 1.0
    lines: List[ControlLine] = []
    crosstalk: List[Crosstalk] = []
    for index, entries in enumerate(work.files.configuration.get("u_channel_lo") or ()):
        lo = tuple((int(e["q"]), _scale(e.get("scale", 1.0))) for e in entries)
        found = dict(work.terms.lines.get(f"u{index}", ()))
        qubit = max(found, key=lambda q: abs(found[q])) if found else _operated(work.files, index)
        if qubit is None or not lo:
            raise DeviceError(
                f"Control channel u{index} of {work.files.name!r} must drive a qubit that the Hamiltonian or "
                "`channels` names, at a LO that `u_channel_lo` gives, but it does not."
            )
        coefficient = found.pop(qubit, 0j)
        rate = abs(coefficient) * unit * correction or work.drives[lo[0][0]].rabi_rate
        gain = coefficient / abs(coefficient) if coefficient else 1.0
        lines.append(ControlLine(qubit, lo, rate, gain=complex(gain)))
        crosstalk += [Crosstalk(f"u{index}", other, c / coefficient) for other, c in found.items() if c and coefficient]
    if lines:
        work.notes.add(
            "controls[*].rabi_rate",
            "derived",
            f"published omegad times {correction:.5f}, the drive lines' median correction"
            if ratios
            else "as drive lines",
        )
    return tuple(lines), tuple(crosstalk)


def _scale(value: Any) -> complex:
    return complex(*value) if isinstance(value, (list, tuple)) else complex(value)


def _operated(files: VendorFiles, index: int) -> Optional[int]:
    channel = (files.configuration.get("channels") or {}).get(f"u{index}") or {}
    qubits = (channel.get("operates") or {}).get("qubits") or ()
    return int(qubits[0]) if qubits else None
