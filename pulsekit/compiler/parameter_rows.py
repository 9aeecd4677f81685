"""Say how the rows of programs depend on their circuits' parameters."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ..program import ParameterTable
from ..program.expressions import depends, evaluate, substituted
from ..program.text import COLUMN_NAMES
from .gates import GateTable
from .pool import Pool

__all__ = ["parameter_tables", "write_trees"]

Slow = Dict[int, List[Tuple[int, int, Any]]]  # circuit -> (row of all circuits, column, tree)


def write_trees(
    gates: GateTable,
    pool: Pool,
    gate: np.ndarray,
    pool_row: np.ndarray,
    columns: Mapping[str, np.ndarray],
    touched: np.ndarray,
) -> Slow:
    """Put numbers into what depends on gates' parameters in other ways than affinely.

    Returns:
        What depends on unbound parameters of the circuits.
    """
    slow: Slow = {}
    symbols: Dict[int, List[Any]] = {}
    for slot, parameter, factor in zip(*(column.tolist() for column in gates.symbols[:3])):
        symbols.setdefault(slot, []).append(("mul", ("number", factor), ("parameter", parameter)))
    for slot, tree in gates.symbols.expressions:
        symbols.setdefault(slot, []).append(tree)
    for row in np.flatnonzero(np.isin(pool_row, list(pool.trees))).tolist():
        g = int(gate[row])
        at = int(gates.param_at[g])
        parts = [("add", ("number", v), *symbols.get(at + k, ())) for k, v in enumerate(gates.arguments(g))]
        touched[row] = 1
        for column, model in pool.trees[int(pool_row[row])]:
            tree = substituted(model, parts)
            if depends(tree):
                slow.setdefault(int(gates.circuit[g]), []).append((row, column, tree))
            else:
                columns[COLUMN_NAMES[column]][row] += evaluate(tree, np.zeros((1, 0)))[0]
    return slow


def parameter_tables(
    gates: GateTable,
    pool: Pool,
    snippet: np.ndarray,
    gate: np.ndarray,
    pool_row: np.ndarray,
    ptr: np.ndarray,
    own: Slow,
) -> Tuple[Optional[ParameterTable], ...]:
    """Return each circuit's table of rows that depend on unbound parameters."""
    symbols = gates.symbols
    tables: List[Optional[ParameterTable]] = [None] * len(gates.circuits)
    if not any(info.parameters for info in gates.circuits):
        return tuple(tables)
    used = np.flatnonzero(snippet >= 0)
    which = snippet[used]
    counts = np.diff(pool.ptr)[which]
    first = np.cumsum(counts) - counts
    place_of = np.lexsort((pool_row, gate))  # where each row went, gate after gate
    at, entry = _expand(pool.entry_ptr, which)
    slot = gates.param_at[used[at]] + pool.entry_parameter[entry]
    row = place_of[first[at] + pool.entry_row[entry]]
    circuit = gates.circuit[used[at]]
    by_slot = np.argsort(symbols.slot, kind="stable")
    sorted_slots = symbols.slot[by_slot]
    lo, hi = np.searchsorted(sorted_slots, slot, "left"), np.searchsorted(sorted_slots, slot, "right")
    source = np.repeat(np.arange(len(slot)), hi - lo)
    symbol = by_slot[np.arange(len(source)) + np.repeat(lo - (np.cumsum(hi - lo) - (hi - lo)), hi - lo)]
    coefficient = symbols.coefficient[symbol] * pool.entry_coefficient[entry[source]]
    trees = dict(symbols.expressions)
    for c, info in enumerate(gates.circuits):
        if not info.parameters:
            continue
        mine = circuit[source] == c
        slow = (
            tuple(
                (
                    int(row[k] - ptr[c]),
                    int(pool.entry_column[entry[k]]),
                    _scaled(trees[s], pool.entry_coefficient[entry[k]]),
                )
                for k, s in enumerate(slot.tolist())
                if s in trees and circuit[k] == c
            )
            if trees
            else ()
        )
        tables[c] = ParameterTable(
            names=info.parameters,
            row=(row[source][mine] - ptr[c]).astype(np.int32),
            column=pool.entry_column[entry[source]][mine],
            parameter=symbols.parameter[symbol][mine],
            coefficient=coefficient[mine],
            expressions=(*slow, *((row - int(ptr[c]), column, tree) for row, column, tree in own.get(c, ()))),
        )
    return tuple(tables)


def _scaled(tree: object, factor: float) -> object:
    return tree if factor == 1 else ("mul", ("number", float(factor)), tree)


def _expand(ptr: np.ndarray, which: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return, for ranges ptr[w]..ptr[w + 1], (position in ``which``, item)."""
    counts = np.diff(ptr)[which]
    at = np.repeat(np.arange(len(which)), counts)
    item = np.arange(len(at)) + np.repeat(ptr[which] - (np.cumsum(counts) - counts), counts)
    return at, item
