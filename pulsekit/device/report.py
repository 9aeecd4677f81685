"""Say in plain text what of a device was published, derived or assumed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

if TYPE_CHECKING:
    from .model import Device
    from .provenance import Note

__all__ = ["device_report"]

_HEADINGS = {
    "failed": "Failed",
    "clipped": "Clipped (the published value is impossible)",
    "assumed": "Assumed (nothing published)",
    "derived": "Derived",
    "tuned": "Tuned",
    "published": "Published",
}
_ORDER = ("failed", "clipped", "assumed", "derived", "tuned", "published")
_EXAMPLES = 3
_INDEX = re.compile(r"(\d+(?:,\d+)*)\]")


def device_report(device: "Device", *, full: bool = False) -> str:
    """Return the report as text.

    Args:
        device: any device.
        full: every note on a line of its own; else similar ones are merged.
    """
    lines = [_headline(device), "", *_table(device)]
    groups: Dict[str, List["Note"]] = {}
    for note in device.provenance.notes:
        groups.setdefault(note.kind, []).append(note)
    for kind in sorted(groups, key=lambda k: (_ORDER.index(k) if k in _ORDER else len(_ORDER), k)):
        lines += ["", _HEADINGS.get(kind, kind.capitalize())]
        lines += [f"  {line}" for line in (_all(groups[kind]) if full else _merged(groups[kind]))]
    if device.stale:
        names = ", ".join(f"{name}{list(qubits)}" for name, qubits in device.stale)
        lines += ["", f"Stale calibrations (tune them again): {names}"]
    return "\n".join(lines) + "\n"


def _headline(device: "Device") -> str:
    return (
        f"{device.name}: {device.n_qubits} qubits, {len(device.couplings)} couplings, "
        f"{len(device.coupling_map)} directed gates, {len(device.calibrations)} calibrations, "
        f"dt = {device.timing.dt * 1e9:.4g} ns, version {device.version}"
    )


def _table(device: "Device") -> List[str]:
    lines = ["qubit  frequency/GHz  anharm./MHz  T1/us    T2/us    p(0|1)   p(1|0)"]
    for q, t in enumerate(device.transmons):
        errors: Tuple[Optional[float], Optional[float]] = (None, None)
        if q < len(device.readout):
            errors = (device.readout[q].prob_meas0_prep1, device.readout[q].prob_meas1_prep0)
        lines.append(
            f"{q:5d}  {t.frequency / 1e9:13.6f}  {t.anharmonicity / 1e6:11.1f}"
            f"  {_cell(t.t1, 1e6, '7.1f')}  {_cell(t.t2, 1e6, '7.1f')}"
            f"  {_cell(errors[0], 1, '7.4f')}  {_cell(errors[1], 1, '7.4f')}"
        )
    return lines


def _cell(value: Optional[float], factor: float, form: str) -> str:
    return format("-", ">7") if value is None else format(value * factor, form)


def _all(notes: List["Note"]) -> List[str]:
    return [f"{note.quantity}: {note.text}" for note in notes]


def _merged(notes: List["Note"]) -> List[str]:
    """Merge notes whose quantities differ only in their indices."""
    groups: Dict[str, List["Note"]] = {}
    for note in notes:
        groups.setdefault(_INDEX.sub("..]", note.quantity), []).append(note)
    out: List[str] = []
    for quantity, items in groups.items():
        if len(items) <= _EXAMPLES or items[0].kind in ("failed", "clipped"):
            out += _all(items)
            continue
        indices = [_INDEX.search(note.quantity) for note in items[:_EXAMPLES]]
        first = ", ".join(match.group(1) for match in indices if match)
        which = f" ({first}, ...)" if first else ""
        out.append(f"{quantity}: {len(items)} values{which}, such as: {items[0].text}")
    return out
