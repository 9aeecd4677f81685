"""Tune a device: readout, x, sx, x12 and every cx or ecr on its model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Callable, Dict, List, Optional, Tuple

from .. import cache as disk
from ..device import Calibration, Device
from ..errors import CalibrationError
from ..program import Pulse
from ..simulator import Model
from .apply import apply_tuning
from .ladder import Ladder, solve_x12
from .lengthen import lengthened
from .pairs import PairResult, tune_pair
from .readout_cache import fitted_readout
from .single import Rotation, solve_rotation, template_pulse
from .solution import TuneSolution, device_key, pack, unpack
from .templates import nominals

__all__ = ["solve_device", "tune"]

Progress = Callable[[int, int], None]
KINDS = ("tuned", "vendor")


def tune(
    device: Device,
    *,
    calibrations: str = "tuned",
    progress: Optional[Progress] = None,
    cache: bool = True,
    threads: int = 2,
) -> Device:
    """Solve a device's pulses and readout on its own model.

    Channels, shapes and durations of the device's calibrations stay; what is
    solved are amplitude and DRAG coefficient of x and sx (and with them u2,
    u3 and the single-qubit pulses inside of two-qubit gates), x12, and tone,
    cancellation and virtual Z of every cx and ecr. The default drive LOs
    become the qubits' own frequencies (a drifted device is off them). Where a
    published J cannot make the published gate, J is derived from the gate's
    pulse; on a device from scratch, whose J is a choice, tones that would
    need an amplitude above 1 get longer. What failed is a note of kind "failed" in ``device.provenance``.

    Args:
        device: any, with guess or vendor calibrations.
        calibrations: "tuned", or "vendor" to keep the pulses as they are and
            fit only the readout.
        progress: called with (done, total) qubits and pairs.
        cache: keep solutions on disk, keyed by what they depend on.
        threads: plain threads; the result does not depend on them.

    Returns:
        The device with calibrations of source "tuned".

    Raises:
        CalibrationError: ``calibrations`` is neither, or ``device`` is none.

    Cost: about 0.1 s per pair; milliseconds from the cache.
    """
    if calibrations not in KINDS:
        raise CalibrationError(f"Argument `calibrations` must be one of {list(KINDS)}, but {calibrations!r} came.")
    if not isinstance(device, Device):
        raise CalibrationError(f"Argument `device` must be a Device, but {type(device).__name__} came.")
    device = fitted_readout(device, cache=cache)
    if calibrations == "vendor":
        return device
    device = lengthened(device.replace(qubit_lo=()))
    key = device_key(device)
    arrays = disk.load("tune", key) if cache else None
    if arrays is None:
        solution = solve_device(device, progress=progress, threads=threads)
        if cache:
            disk.store("tune", key, pack(solution))
    else:
        solution = unpack(arrays, shipped_pulses(device))
    return apply_tuning(device, solution, version=key[:12])


def shipped_pulses(device: Device) -> Dict[Tuple[int, str], Pulse]:
    """Return the pulse behind every x and sx; where there is no sx, that of u2."""
    out: Dict[Tuple[int, str], Pulse] = {}
    for qubit in range(device.n_qubits):
        for name, other in (("x", "x"), ("sx", "u2")):
            pulse = template_pulse(device, name, qubit) or template_pulse(device, other, qubit)
            if pulse is not None:
                out[qubit, name] = pulse
    return out


def solve_device(device: Device, *, progress: Optional[Progress] = None, threads: int = 2) -> TuneSolution:
    """Solve everything that tuning solves, without applying it."""
    pulses, groups = shipped_pulses(device), _pairs_of(device)
    total, done = device.n_qubits + len(groups), 0
    failures: List[Tuple[str, str]] = []
    rotations: Dict[int, Dict[str, Rotation]] = {}
    ladders: Dict[int, Ladder] = {}
    pairs: List[PairResult] = []
    nominal = nominals(device)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        singles = pool.map(lambda q: _tune_qubit(device, pulses, q), range(device.n_qubits))
        for qubit, (solved, ladder, failed) in enumerate(singles):
            rotations[qubit], done = solved, done + 1
            failures += failed
            if ladder is not None:
                ladders[qubit] = ladder
            if progress is not None:
                progress(done, total)

        def solve(gates: List[Calibration]) -> PairResult:
            derive = bool(device.vendor) and all(g.source == "vendor" for g in gates)  # tuned ones have their J
            return tune_pair(device, gates, rotations, nominal, derive=derive)

        for result in pool.map(solve, groups):
            pairs.append(result)
            done += 1
            if progress is not None:
                progress(done, total)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return TuneSolution(rotations, ladders, tuple(pairs), tuple(failures), date)


def _pairs_of(device: Device) -> List[List[Calibration]]:
    """Return the cx and ecr of every pair."""
    groups: Dict[Tuple[int, int], List[Calibration]] = {}
    for calibration in device.calibrations:
        if calibration.name in ("cx", "ecr") and len(calibration.qubits) == 2:
            groups.setdefault((min(calibration.qubits), max(calibration.qubits)), []).append(calibration)
    return list(groups.values())


def _tune_qubit(
    device: Device, pulses: Dict[Tuple[int, str], Pulse], qubit: int
) -> Tuple[Dict[str, Rotation], Optional[Ladder], List[Tuple[str, str]]]:
    model = Model.from_device(device, (qubit,), noise=False)
    solved: Dict[str, Rotation] = {}
    failed: List[Tuple[str, str]] = []
    for name in ("x", "sx"):
        if (qubit, name) not in pulses:
            continue
        try:
            solved[name] = solve_rotation(device, model, name, pulses[qubit, name])
        except CalibrationError as error:
            failed.append((f"calibrations[{name},{qubit}]", str(error)))
    ladder = None
    if "x" in solved and model.dim >= 3:
        try:
            ladder = solve_x12(device, model, solved["x"])
        except CalibrationError as error:
            failed.append((f"calibrations[x12,{qubit}]", str(error)))
    return solved, ladder, failed
