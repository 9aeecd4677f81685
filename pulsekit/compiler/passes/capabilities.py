"""Refuse what the device cannot do, before anything is built."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, FrozenSet, Tuple

import numpy as np

from ...errors import CompilerError, PulsekitWarning
from ..base import Pass
from ..gates import DELAY, MEASURE
from ..work import Work

__all__ = ["CheckCapabilities"]

TOO_MANY_QUBITS, UNEQUAL_SLOTS, NOT_IN_BASIS = 1109, 7003, 7000
MAX_DELAY = 2**53  # samples: beyond it, times are not exact


@dataclass(frozen=True)
class CheckCapabilities(Pass):
    """Check qubits, clbits and delays of every circuit."""

    ensures: ClassVar[FrozenSet[str]] = frozenset({"checked"})

    def run(self, work: Work) -> Work:
        """Return the work as it is.

        Raises:
            CompilerError: qubits that the device has not (1109), measures of
                different qubits into one clbit (7003), impossible delays.
        """
        _check_qubits(work)
        _check_delays(work)
        _check_clbits(work)
        return work


def _check_qubits(work: Work) -> None:
    gates, n = work.gates, work.device.n_qubits
    outside = np.array([any(q >= n for q in s) for s in gates.qubit_sets] or [False])
    rows = np.flatnonzero(outside[gates.qubits]) if len(gates) else np.zeros(0, np.int64)
    if rows.size:
        raise CompilerError(
            f"{gates.where(int(rows[0]))}: qubits must be among the {n} of device {work.device.name!r}, but they are "
            "not. Transpile the circuit to the device.",
            code=TOO_MANY_QUBITS,
        )


def _check_delays(work: Work) -> None:
    gates = work.gates
    rows = np.flatnonzero((gates.kind == DELAY) & (gates.param_count > 0))
    if not rows.size:
        return
    lengths = gates.params[gates.param_at[rows]]
    symbolic = np.isin(gates.param_at[rows], gates.symbols.slot)
    bad = ~symbolic & ~((lengths >= 0) & (lengths < MAX_DELAY))
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise CompilerError(
            f"{gates.where(int(rows[k]))}: a delay must be in 0..{MAX_DELAY - 1} samples, but {lengths[k]:.17g} came."
        )


def _check_clbits(work: Work) -> None:
    """Refuse two qubits in one clbit; warn where a qubit's first result is lost."""
    gates = work.gates
    rows = np.flatnonzero((gates.kind == MEASURE) & (gates.clbits >= 0))
    key = gates.circuit[rows].astype(np.int64) * max(len(gates.clbit_sets), 1) + gates.clbits[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    for k in np.flatnonzero(key[1:] == key[:-1]).tolist():
        first, second = int(rows[k]), int(rows[k + 1])
        clbits: Tuple[int, ...] = gates.clbit_sets[gates.clbits[second]]
        if not clbits:
            continue
        if gates.qubits[first] != gates.qubits[second]:
            raise CompilerError(
                f"{gates.where(second)}: a clbit must take one result, but clbit {list(clbits)} is also that of "
                f"instruction {int(gates.index[first])} on qubits {list(gates.qubit_sets[gates.qubits[first]])}. "
                "Measure into different clbits.",
                code=UNEQUAL_SLOTS,
            )
        warnings.warn(
            f"{gates.where(second)}: a clbit should take one result, but the one of instruction "
            f"{int(gates.index[first])} in clbit {list(clbits)} is lost.",
            PulsekitWarning,
            stacklevel=2,
        )
