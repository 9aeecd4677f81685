"""Refuse what the device cannot do, before anything is built."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar, Dict, FrozenSet, Tuple

import numpy as np

from ...errors import CompilerError, PulsekitWarning
from ..base import Pass
from ..gates import BARRIER, DELAY, LONGEST_DELAY, MEASURE
from ..work import Work

__all__ = ["CheckCapabilities"]

TOO_MANY_QUBITS, MEASURED_TWICE, AFTER_MEASURE, TOO_LONG = 1109, 7004, 7006, 8022
WHOLE = 1e-5  # samples; a delay in seconds may be off by as much in float arithmetic


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
    bad = np.flatnonzero(~symbolic & ~((lengths >= 0) & (lengths <= LONGEST_DELAY)))
    if bad.size:
        raise CompilerError(
            f"{gates.where(int(rows[bad[0]]))}: a delay must be in 0..{LONGEST_DELAY} samples, but "
            f"{lengths[bad[0]]:.17g} came.",
            code=TOO_LONG,
        )
    rounded = np.flatnonzero(~symbolic & (np.abs(lengths - np.rint(lengths)) > WHOLE))
    if rounded.size:
        more = f" ({rounded.size - 1} more delays.)" if rounded.size > 1 else ""
        where, length = gates.where(int(rows[rounded[0]])), float(lengths[rounded[0]])
        warnings.warn(
            f"{where}: delays must be whole samples, but {length:.9g} dt came; rounded to {round(length)} dt.{more}",
            PulsekitWarning,
            stacklevel=2,
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
