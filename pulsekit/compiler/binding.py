"""Put numbers in place of parameters: many points of one template at once."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

import numpy as np

from ..program.expressions import evaluate
from .gates import CircuitInfo, GateTable, no_symbols

__all__ = ["bind_table", "bound_params"]


def bound_params(gates: GateTable, circuit: int, theta: np.ndarray) -> np.ndarray:
    """Return the parameters of one circuit's gates at every point.

    Args:
        gates: the template.
        circuit: which circuit.
        theta: float64[points, parameters of the circuit].

    Returns:
        float64[points, parameter slots of the circuit], slots in the order of
        ``gates.params``.
    """
    lo, hi = _slot_range(gates, circuit)
    out = np.tile(gates.params[lo:hi], (len(theta), 1))
    slots = gates.symbols.slot
    mine = np.flatnonzero((slots >= lo) & (slots < hi))
    if mine.size:
        weights = np.zeros((theta.shape[1], hi - lo))
        np.add.at(weights, (gates.symbols.parameter[mine], slots[mine] - lo), gates.symbols.coefficient[mine])
        out += theta @ weights
    for slot, tree in gates.symbols.expressions:
        if lo <= slot < hi:
            out[:, slot - lo] += evaluate(tree, theta)
    return out


def _slot_range(gates: GateTable, circuit: int) -> tuple:
    ptr = gates.circuit_ptr
    rows = np.arange(ptr[circuit], ptr[circuit + 1])
    rows = rows[gates.param_count[rows] > 0]
    if not rows.size:
        return 0, 0
    return int(gates.param_at[rows].min()), int((gates.param_at[rows] + gates.param_count[rows]).max())


def bind_table(gates: GateTable, theta: Sequence[np.ndarray]) -> GateTable:
    """Return a table with one bound copy of each circuit per point.

    Args:
        gates: the template; the parameters of each circuit's gates are
            neighbours in ``gates.params``.
        theta: per circuit, float64[points, parameters]; the same number of
            points for all.

    Returns:
        GateTable: circuit-major, point-minor. Copies are named
        "name-point".
    """
    ptr = gates.circuit_ptr
    rows: List[np.ndarray] = []
    at: List[np.ndarray] = []
    params: List[np.ndarray] = []
    circuits: List[CircuitInfo] = []
    lengths: List[int] = []
    used = 0
    for c, info in enumerate(gates.circuits):
        points = len(theta[c])
        own = np.arange(ptr[c], ptr[c + 1])
        lo, hi = _slot_range(gates, c)
        values = bound_params(gates, c, theta[c])
        rows.append(np.tile(own, points))
        at.append((gates.param_at[own][None, :] - lo + used + (hi - lo) * np.arange(points)[:, None]).ravel())
        params.append(values.ravel())
        used += values.size
        for k in range(points):
            name = f"{info.name}-{k}"
            circuits.append(replace(info, name=name, parameters=(), header={**info.header, "name": name}))
        lengths.extend([len(own)] * points)
    out = gates.take(np.concatenate([np.zeros(0, np.int64), *rows]))
    return out.replace(
        circuit=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        param_at=np.concatenate([np.zeros(0, np.int64), *at]),
        params=np.concatenate([np.zeros(0), *params]),
        circuits=tuple(circuits),
        symbols=no_symbols(),
        originals={},
    )
