"""Refuse what the device cannot do, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet, Tuple

import numpy as np

from ...errors import CompilerError
from ..base import Pass
from ..gates import BARRIER, DELAY, MEASURE
from ..work import Work

__all__ = ["CheckCapabilities"]

TOO_MANY_QUBITS, MEASURED_TWICE, AFTER_MEASURE = 1109, 7004, 7006
MAX_DELAY = 2**53  # samples: beyond it, times are not exact


@dataclass(frozen=True)
class CheckCapabilities(Pass):
    """Check qubits and delays of every circuit."""

    ensures: ClassVar[FrozenSet[str]] = frozenset({"checked"})

    def run(self, work: Work) -> Work:
        """Return the work as it is.

        Raises:
            CompilerError: qubits that the device has not (1109), impossible
                delays; on a device that says that it has no mid-circuit
                measurement, what follows a measure (7004, 7006). (Clbits are
                judged where the results' times are known.)
        """
        _check_qubits(work)
        _check_delays(work)
        if (work.device.vendor.get("configuration") or {}).get("multi_meas_enabled") is False:
            _check_measures_end(work)
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


def _check_measures_end(work: Work) -> None:
    gates = work.gates
    measured: Dict[Tuple[int, int], int] = {}
    for row in np.flatnonzero((gates.kind != BARRIER) & (gates.kind != DELAY)).tolist():
        for qubit in gates.qubit_sets[gates.qubits[row]]:
            first = measured.get((int(gates.circuit[row]), qubit))
            if first is not None:
                raise CompilerError(
                    f"{gates.where(row)}: device {work.device.name!r} must measure a qubit last, but instruction "
                    f"{int(gates.index[first])} has measured qubit {qubit} before.",
                    code=MEASURED_TWICE if gates.kind[row] == MEASURE else AFTER_MEASURE,
                )
            if gates.kind[row] == MEASURE:
                measured[int(gates.circuit[row]), qubit] = row
