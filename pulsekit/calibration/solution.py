"""Hold what tuning solved as plain arrays, so that it can be cached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ..cache import content_hash
from ..device import Device
from ..device.program_hash import program_hash
from .cross import CrossSolution
from .exchange import is_published
from .ladder import Ladder
from .pairs import PairResult
from .shapes import with_beta
from .single import Rotation

__all__ = ["TuneSolution", "device_key", "pack", "unpack"]

SCHEMA = 8  # raise when a solver changes, so that older entries are not used


@dataclass(frozen=True, eq=False)
class TuneSolution:
    """Everything that tuning solved."""

    rotations: Mapping[int, Mapping[str, Rotation]] = field(default_factory=dict)  # by qubit, "x" and "sx"
    ladders: Mapping[int, Ladder] = field(default_factory=dict)  # by qubit
    pairs: Tuple[PairResult, ...] = ()
    failures: Tuple[Tuple[str, str], ...] = ()  # (quantity, reason)
    date: str = ""  # ISO 8601


def device_key(device: Device) -> str:
    """Return the hash of everything that tuning depends on."""
    return content_hash(
        SCHEMA,
        [[t.frequency, t.anharmonicity, t.levels] for t in device.transmons],
        [[list(c.qubits), c.strength, is_published(device, c.qubits)] for c in device.couplings],
        [[d.qubit, d.rabi_rate, complex(d.gain), d.delay_s] for d in device.drives],
        [
            [u.qubit, [[q, complex(s)] for q, s in u.lo], u.rabi_rate, complex(u.gain), u.delay_s]
            for u in device.controls
        ],
        [[x.channel, x.qubit, complex(x.gain)] for x in device.crosstalk],
        [device.timing.dt, bool(device.vendor)],
        [[c.name, list(c.qubits), program_hash(c.program), c.source] for c in device.calibrations],
    )


def pack(solution: TuneSolution) -> Dict[str, np.ndarray]:
    """Return a solution as arrays (numbers and strings)."""
    rotations = [
        [q, ("x", "sx").index(name), r.amplitude, r.angle, r.beta, r.fidelity, r.leakage]
        for q, by_name in solution.rotations.items()
        for name, r in by_name.items()
    ]
    gates, names = [], []
    for k, pair in enumerate(solution.pairs):
        for (name, qubits), s in zip(pair.gates, pair.solutions):
            names.append(name)
            row = [np.nan] * 9 if s is None else [*_parts(s.tone), *_parts(s.cancel), *s.shifts, s.fidelity, s.leakage]
            gates.append([k, *qubits, *row])
    return {
        "rotations": np.array(rotations, dtype=float).reshape(-1, 7),
        "ladders": np.array([[q, *v] for q, v in solution.ladders.items()], dtype=float).reshape(-1, 4),
        "pairs": np.array([[*p.pair, p.exchange, p.derived] for p in solution.pairs], dtype=float).reshape(-1, 4),
        "gates": np.array(gates, dtype=float).reshape(-1, 12),
        "names": np.array(names, dtype="U"),
        "failures": np.array(solution.failures, dtype="U").reshape(-1, 2),
        "date": np.array([solution.date], dtype="U"),
    }


def _parts(value: complex) -> Tuple[float, float]:
    return value.real, value.imag


def unpack(arrays: Mapping[str, Any], pulses: Mapping[Tuple[int, str], Any]) -> TuneSolution:
    """Return the solution that arrays hold.

    Args:
        arrays: from :func:`pack`.
        pulses: the shipped pulse of every (qubit, "x" or "sx").
    """
    rotations: Dict[int, Dict[str, Rotation]] = {}
    for q, which, amplitude, angle, beta, fidelity, leakage in arrays["rotations"].tolist():
        name = ("x", "sx")[int(which)]
        pulse = with_beta(pulses[int(q), name], beta)
        rotations.setdefault(int(q), {})[name] = Rotation(pulse, amplitude, angle, beta, fidelity, leakage)
    members: Dict[int, list] = {}
    for name, row in zip(arrays["names"].tolist(), arrays["gates"].tolist()):
        solved: Optional[CrossSolution] = None
        if not np.isnan(row[3]):
            solved = CrossSolution(
                complex(row[3], row[4]), complex(row[5], row[6]), (row[7], row[8], row[9]), row[10], row[11]
            )
        members.setdefault(int(row[0]), []).append(((name, (int(row[1]), int(row[2]))), solved))
    pairs = []
    for k, (a, b, exchange, derived) in enumerate(arrays["pairs"].tolist()):
        own = members.get(k, [])
        gates, solutions = tuple(g for g, _ in own), tuple(s for _, s in own)
        pairs.append(PairResult((int(a), int(b)), gates, solutions, exchange, bool(derived)))
    return TuneSolution(
        rotations,
        {int(q): Ladder(a, b, t) for q, a, b, t in arrays["ladders"].tolist()},
        tuple(pairs),
        tuple((str(a), str(b)) for a, b in arrays["failures"].tolist()),
        str(arrays["date"][0]),
    )
