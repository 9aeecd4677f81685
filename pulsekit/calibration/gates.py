"""Judge a device's calibrations: fidelity and leakage of every gate."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Calibration, Device
from ..errors import CalibrationError
from ..simulator import Model, default_los
from .fidelity import average_fidelity, block_of, leakage_of
from .ideal import GATES, ideal_unitary
from .mirror import logical
from .propagate import bind, propagators

__all__ = ["GateReport", "gate_fidelity", "gate_propagator", "gate_table", "spectator_fidelity"]


class GateReport(NamedTuple):
    """How well one calibration does what its name says, closed system."""

    name: str
    qubits: Tuple[int, ...]
    duration: int  # samples
    fidelity: float  # average gate fidelity, leakage included
    leakage: float  # mean population that leaves the computational space
    source: str


def gate_propagator(
    device: Device,
    name: str,
    qubits: Sequence[int],
    parameters: Sequence[float] = (),
    *,
    spectators: Sequence[int] = (),
    levels: Optional[Sequence[int]] = None,
) -> Tuple[np.ndarray, Model]:
    """Return the propagator of a calibration and the model behind it.

    Args:
        device: whose calibration and model.
        name, qubits: of the calibration.
        parameters: the gate's own (rad).
        spectators: further qubits of the model.
        levels: per qubit (spectators last), 2 to 5; None: the device's.

    Returns:
        complex128[dim, dim], closed system, dressed interaction frame at the
        qubits' LOs, virtual Z included, physical (see :mod:`.mirror`), and
        the model; ``qubits[0]`` is least significant.

    Raises:
        CalibrationError: no such calibration, wrong parameters.
    """
    calibration = device.calibrations.get(name, tuple(qubits))
    if calibration is None:
        raise CalibrationError(
            f"Argument `name` must be a calibrated gate of qubits {list(qubits)}, "
            f"but {device.name} has no {name!r} there."
        )
    members = (*qubits, *spectators)
    model = Model.from_device(device, members, los=default_los(device, 1), levels=levels, noise=False)
    program = bind(calibration.program, parameters)
    return propagators(device, model, [program])[0], model


def gate_fidelity(
    device: Device,
    name: str,
    qubits: Sequence[int],
    parameters: Sequence[float] = (),
    *,
    target: Optional[np.ndarray] = None,
    levels: Optional[Sequence[int]] = None,
) -> float:
    """Return the average gate fidelity of a calibration, closed system.

    The propagator is mirrored first (see :mod:`.mirror`), leakage counts as
    error, virtual Z is included, and no local correction is allowed.

    Args:
        device: whose calibration and model.
        name, qubits: of the calibration.
        parameters: the gate's own (rad).
        target: complex128[2^n, 2^n]; None: the gate's ideal unitary.
        levels: per qubit; None: the device's.

    Raises:
        CalibrationError: no such calibration, wrong parameters.

    Example:
        >>> from pulsekit import Device, tune
        >>> device = tune(Device.from_snapshot("ibm_perth"))
        >>> gate_fidelity(device, "x", (0,)) > 0.9999
        True
    """
    propagator, model = gate_propagator(device, name, qubits, parameters, levels=levels)
    ideal = ideal_unitary(name, parameters) if target is None else np.asarray(target)
    return float(average_fidelity(block_of(propagator, model.levels), ideal))


def gate_table(device: Device, *, names: Sequence[str] = ("x", "sx", "cx", "ecr")) -> Tuple[GateReport, ...]:
    """Return fidelity and leakage of every calibration with some names.

    Args:
        device: whose calibrations.
        names: gates without parameters, keys of ``ideal.GATES``.

    Cost: one propagator per calibration.

    Raises:
        CalibrationError: a name that has no ideal unitary without parameters.
    """
    for name in names:
        if name not in GATES:
            raise CalibrationError(f"Argument `names` must be among {sorted(GATES)}, but {name!r} came.")
    rows: List[GateReport] = []
    for calibration in device.calibrations:
        if calibration.name in names:
            rows.append(_judge(device, calibration))
    return tuple(sorted(rows, key=lambda r: (len(r.qubits), r.name, r.qubits)))


def _judge(device: Device, calibration: Calibration) -> GateReport:
    propagator, model = gate_propagator(device, calibration.name, calibration.qubits)
    block = block_of(propagator, model.levels)
    return GateReport(
        calibration.name,
        tuple(calibration.qubits),
        calibration.program.duration,
        float(average_fidelity(block, ideal_unitary(calibration.name))),
        float(leakage_of(block)),
        calibration.source,
    )


def spectator_fidelity(
    device: Device, name: str, qubits: Sequence[int], spectators: Sequence[int], parameters: Sequence[float] = ()
) -> float:
    """Return the average fidelity of a gate while neighbours idle in their ground state.

    What leaves the spectators' ground state is traced out: with K_s the
    computational block that ends with the spectators in state s, the channel
    has F = (sum_s |Tr(V^dag K_s)|^2 + sum_s Tr(K_s K_s^dag)) / (d (d + 1)).

    Args:
        device: whose calibration and model.
        name, qubits: of the calibration.
        spectators: qubits that start in |0>, are not looked at, and whose
            couplings act.
        parameters: the gate's own (rad).

    Raises:
        CalibrationError: no such calibration, wrong parameters.
    """
    propagator, model = gate_propagator(device, name, qubits, parameters, spectators=spectators)
    labels, n = model.labels, len(qubits)
    inside = (labels[:, :n] <= 1).all(axis=1)
    start = np.flatnonzero(inside & (labels[:, n:] == 0).all(axis=1))
    image = logical(propagator, model.levels)
    ideal = ideal_unitary(name, parameters)
    total = 0.0
    for state in np.unique(labels[:, n:], axis=0):
        stop = np.flatnonzero(inside & (labels[:, n:] == state).all(axis=1))
        total += float(average_fidelity(image[np.ix_(stop, start)], ideal))
    return total
