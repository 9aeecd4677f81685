"""Find frequency collisions over the coupling graph."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

import networkx as nx

from ..device import Device
from ..program import Op

__all__ = ["Collision", "collisions", "coupling_graph", "nearest_collision", "pair_collisions"]


class Collision(NamedTuple):
    """One near-degeneracy that spoils a gate."""

    kind: str  # a key of BOUNDS
    qubits: Tuple[int, ...]  # (control, target) or (control, target, spectator)
    detuning: float  # Hz, distance from the exact degeneracy
    bound: float  # Hz, the collision's half width


# Hertzberg et al., npj Quantum Information 7, 129 (2021), table 1; bounds in Hz.
BOUNDS = {
    "0-1 = 0-1": 17e6,
    "control 0-2 / 2 = target": 4e6,
    "1-2 = 0-1": 30e6,
    "slow gate": 0.0,
    "target = spectator": 17e6,
    "target 0-1 = spectator 1-2": 25e6,
    "control 0-2 = target + spectator": 17e6,
}


def coupling_graph(device: Device) -> nx.Graph:
    """Return the coupling graph; edges carry ``strength`` (Hz)."""
    graph = nx.Graph()
    graph.add_nodes_from(range(device.n_qubits))
    for coupling in device.couplings:
        graph.add_edge(*coupling.qubits, strength=coupling.strength)
    return graph


def _pair_candidates(device: Device, control: int, target: int) -> List[Tuple[str, float]]:
    fc, ft = device.transmons[control].frequency, device.transmons[target].frequency
    ac, at = device.transmons[control].anharmonicity, device.transmons[target].anharmonicity
    return [
        ("0-1 = 0-1", fc - ft),
        ("control 0-2 / 2 = target", fc + ac / 2 - ft),
        ("1-2 = 0-1", fc + ac - ft),
        ("1-2 = 0-1", ft + at - fc),
    ]


def _outside(device: Device, control: int, target: int) -> float:
    """Return how far (Hz) the target lies outside of the control's straddling regime, negative inside."""
    fc, ft = device.transmons[control].frequency, device.transmons[target].frequency
    return max(ft - fc, fc + device.transmons[control].anharmonicity - ft)


def pair_collisions(device: Device, control: int, target: int) -> Tuple[Collision, ...]:
    """Return the collisions between a control and its target."""
    found = _within(_pair_candidates(device, control, target), (control, target))
    outside = _outside(device, control, target)
    if outside > 0:
        found.append(Collision("slow gate", (control, target), outside, BOUNDS["slow gate"]))
    return tuple(found)


def nearest_collision(device: Device, control: int, target: int) -> Collision:
    """Return the degeneracy nearest to a tone, or "slow gate" far outside of the straddling regime.

    One within its bound comes first, wherever the tone lies. A strong tone
    shifts the levels by tens of MHz, so that a degeneracy can spoil a gate
    from beyond its bound.
    """
    candidates = _pair_candidates(device, control, target)
    within = _within(candidates, (control, target))
    if within:
        return min(within, key=lambda c: abs(c.detuning) / c.bound)
    outside = _outside(device, control, target)
    if outside > 2 * BOUNDS["1-2 = 0-1"]:
        return Collision("slow gate", (control, target), outside, BOUNDS["slow gate"])
    kind, detuning = min(candidates, key=lambda c: abs(c[1]))
    return Collision(kind, (control, target), detuning, BOUNDS[kind])


def collisions(device: Device, directions: Optional[Sequence[Tuple[int, int]]] = None) -> Tuple[Collision, ...]:
    """Return every collision of a device, the closest first.

    Args:
        device: frequencies, anharmonicities, couplings.
        directions: (control, target) of the cross-resonance tones; None:
            those of the device's cx and ecr.

    Returns:
        Collisions of pairs, and of a control, its target and another
        neighbour of the control (a spectator of the tone).
    """
    graph = coupling_graph(device)
    found: List[Collision] = []
    for control, target in tone_directions(device) if directions is None else directions:
        found += pair_collisions(device, control, target)
        for spectator in graph.neighbors(control):
            if spectator != target:
                found += _spectator(device, control, target, spectator)
    return tuple(sorted(found, key=lambda c: abs(c.detuning) / max(c.bound, 1.0)))


def _spectator(device: Device, control: int, target: int, spectator: int) -> List[Collision]:
    fc, ac = device.transmons[control].frequency, device.transmons[control].anharmonicity
    ft, fs = device.transmons[target].frequency, device.transmons[spectator].frequency
    a_s = device.transmons[spectator].anharmonicity
    candidates = [
        ("target = spectator", ft - fs),
        ("target 0-1 = spectator 1-2", fs + a_s - ft),
        ("control 0-2 = target + spectator", 2 * fc + ac - ft - fs),
    ]
    return _within(candidates, (control, target, spectator))


def _within(candidates: Sequence[Tuple[str, float]], qubits: Tuple[int, ...]) -> List[Collision]:
    return [Collision(k, qubits, d, BOUNDS[k]) for k, d in candidates if abs(d) < BOUNDS[k]]


def tone_directions(device: Device) -> Tuple[Tuple[int, int], ...]:
    """Return (control, target) of every tone that the device's cx and ecr play."""
    found = set()
    for calibration in device.calibrations:
        if calibration.name not in ("cx", "ecr"):
            continue
        program = calibration.program
        for row in program.rows(Op.PLAY):
            channel = program.channels[program.events.channel[row]]
            line = device.controls[channel.index] if channel.kind == "u" else None
            if line is not None and {line.qubit, line.lo[0][0]} == set(calibration.qubits):
                found.add((line.qubit, line.lo[0][0]))
    return tuple(sorted(found))
