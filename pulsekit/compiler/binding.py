"""Put numbers in place of parameters: many points of one template at once."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np

from ..errors import CompilerError
from ..program import Op, Program
from ..program.expressions import evaluate
from ..program.verifier import AMPLITUDE_TOLERANCE
from .gates import DELAY, CircuitInfo, GateTable, no_symbols
from .snippets import Family

__all__ = ["bind_table", "bound_params", "can_share", "check_bound", "slots_of"]


def bound_params(gates: GateTable, circuit: int, theta: np.ndarray) -> np.ndarray:
    """Return the parameters of one circuit's gates at every point.

    Args:
        gates: the template.
        circuit: which circuit.
        theta: float64[points, parameters of the circuit].

    Returns:
        float64[points, parameter slots of the circuit], in the order of its
        gates.
    """
    own = slots_of(gates, circuit)
    out = np.tile(gates.params[own], (len(theta), 1))
    place = np.full(len(gates.params) + 1, -1, np.int64)
    place[own] = np.arange(len(own))
    target = place[gates.symbols.slot]
    mine = target >= 0
    if mine.any():
        weights = np.zeros((theta.shape[1], len(own)))
        np.add.at(weights, (gates.symbols.parameter[mine], target[mine]), gates.symbols.coefficient[mine])
        out += theta @ weights
    for slot, tree in gates.symbols.expressions:
        if place[slot] >= 0:
            out[:, place[slot]] += evaluate(tree, theta)
    return out


def slots_of(gates: GateTable, circuit: int) -> np.ndarray:
    """Return the parameter slots of a circuit's gates, gate after gate."""
    rows = slice(*gates.circuit_ptr[circuit : circuit + 2].tolist())
    count, at = gates.param_count[rows].astype(np.int64), gates.param_at[rows]
    first = np.cumsum(count) - count
    return np.arange(int(count.sum())) + np.repeat(at - first, count)


def bind_table(gates: GateTable, theta: Sequence[np.ndarray]) -> GateTable:
    """Return a table with one bound copy of each circuit per point.

    Args:
        gates: the template.
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
        values = bound_params(gates, c, theta[c])
        count = gates.param_count[own].astype(np.int64)
        rows.append(np.tile(own, points))
        at.append((used + np.cumsum(count) - count + values.shape[1] * np.arange(points)[:, None]).ravel())
        params.append(values.ravel())
        used += values.size
        for k in range(points):
            name = f"{info.name}-{k}"
            header = {**info.header, "name": name}
            circuits.append(CircuitInfo(name, info.n_qubits, info.n_clbits, info.metadata, header))
        lengths.extend([len(own)] * points)
    out = gates.take(np.concatenate([np.zeros(0, np.int64), *rows]))
    return out.replace(
        circuit=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        param_at=np.concatenate([np.zeros(0, np.int64), *at]),
        params=np.concatenate([np.zeros(0), *params]),
        circuits=tuple(circuits),
        symbols=no_symbols(),
        originals={},
        points=(),
    )


def can_share(gates: GateTable) -> bool:
    """Tell whether all points of a template can share one program.

    They can where every dependence is affine and no delay and no calibration's
    length depends on a parameter: then no time does.
    """
    if gates.symbols.expressions or any(isinstance(body, Family) for body in gates.overrides):
        return False
    delays = np.flatnonzero(gates.kind == DELAY)
    return not np.isin(gates.param_at[delays], gates.symbols.slot).any()


def check_bound(program: Program, theta: np.ndarray) -> None:
    """Refuse points at which a pulse would be too strong.

    Args:
        program: a template.
        theta: float64[points, parameters].

    Raises:
        CompilerError: channel, time, point and amplitude (8041).
    """
    table = program.parameters
    if table is None:
        return
    events = program.events
    plays = (events.op[table.row] == Op.PLAY) & (table.column == 0)
    for row in np.unique(table.row[plays]).tolist():
        mine = plays & (table.row == row)
        amps = events.value[row] + theta[:, table.parameter[mine]] @ table.coefficient[mine]
        pulse = program.pulses[events.ref[row]]
        peak = pulse.peak
        bad = np.flatnonzero(~(np.abs(amps) * peak <= 1 + AMPLITUDE_TOLERANCE))
        if pulse.limit_amplitude and bad.size:
            t0, stop = int(events.t0[row]), int(events.t0[row] + events.duration[row])
            raise CompilerError(
                f"{program.channels[events.channel[row]]}@{t0}..{stop}: amplitudes must be at most 1, but point "
                f"{int(bad[0])} gives {abs(float(amps[bad[0]])) * peak:.6g}.",
                code=8041,
            )
