"""Take a batch that was compiled before as the input of ``run``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Mapping

import numpy as np

from ..compiler.passes.check_frequencies import check_frequencies
from ..compiler.passes.frequency_plan import channel_ranges
from ..device import Device
from ..errors import CompilerError
from ..program import Batch, LoTable, parse_text, to_text, verify_all
from . import checks
from .plain import plain

__all__ = ["SETTLED", "fitted", "has_esp", "read_batch", "refuse_settled", "write_batch"]

SETTLED = (  # by compile()
    "qubit_lo_freq",
    "meas_lo_freq",
    "schedule_los",
    "parameter_binds",
    "memory_slots",
    "use_measure_esp",
    "frequency_scope",
)
LO_TABLES = ("drive_frame", "measure_frame", "control_frame", "drive", "measure", "control")
OUT_OF_RANGE = 8000


def refuse_settled(given: Mapping[str, Any]) -> None:
    """Refuse arguments that a compiled batch has settled.

    Raises:
        IBMQBackendValueError: one of them is given.
    """
    for name in SETTLED:
        if name in given:
            fix = "Give it to compile(), where it was decided."
            raise checks.refuse(name, "not be given with a compiled batch", given[name], fix=fix)


def fitted(batch: Batch, device: Device) -> Batch:
    """Return the batch with a header for each experiment, if the device can run it.

    Raises:
        CompilerError: an empty batch, or LO frequencies that are not this device's (8000).
        ProgramError: a program that breaks one of its rules.
    """
    if not len(batch):
        raise CompilerError("Argument `circuits` must have at least one experiment, but an empty batch came.")
    ranges = channel_ranges(device)
    for kind, table in (("d", batch.los.drive), ("m", batch.los.measure)):
        low, high = np.array(ranges[kind]).T
        if table.shape[1] != len(low) or batch.los.control.shape[1] != len(device.controls):
            raise CompilerError(
                f"Argument `circuits` must be compiled for device {device.name!r}, but the batch has LO frequencies "
                f"of {table.shape[1]} qubits and {batch.los.control.shape[1]} control channels."
            )
        wrong = ~((table >= low) & (table <= high))
        if wrong.any():
            k, q = np.argwhere(wrong)[0].tolist()
            raise CompilerError(
                f"Argument `circuits`, experiment {k}, channel {kind}{q}: the frequency must be in "
                f"{low[q] / 1e9:.6f}..{high[q] / 1e9:.6f} GHz, but {float(table[k, q])!r} Hz came.",
                code=OUT_OF_RANGE,
            )
    verify_all(batch.programs, device)
    check_frequencies(batch, device)
    return batch if batch.headers else replace(batch, headers=tuple(_header(batch, k) for k in range(len(batch))))


def _header(batch: Batch, k: int) -> Dict[str, Any]:
    program = batch.programs[int(batch.program_of[k])]
    return {
        "memory_slots": program.memory_slots,
        "name": program.name or f"Experiment-{k}",
        "metadata": dict(program.metadata),
        "kind": "schedule",
    }


def has_esp(batch: Batch) -> bool:
    """Tell whether any qubit is read with ESP."""
    return any(spec.esp for program in batch.programs for spec in program.acquires)


def write_batch(batch: Batch) -> Dict[str, Any]:
    """Return a batch as JSON: programs as text, LOs in Hz."""
    return {
        "programs": [to_text(program) for program in batch.programs],
        "program_of": np.asarray(batch.program_of).tolist(),
        "los": {name: getattr(batch.los, name).tolist() for name in LO_TABLES},
        "theta": None if batch.theta is None else np.asarray(batch.theta).tolist(),
        "headers": plain(batch.headers),
    }


def read_batch(data: Mapping[str, Any]) -> Batch:
    """Return the batch that :func:`write_batch` wrote."""
    count = len(data["program_of"])
    tables = {name: np.array(table, dtype=np.float64) for name, table in data["los"].items()}
    for name in ("drive", "measure", "control"):
        tables[name] = tables[name].reshape(count, -1)
    return Batch(
        programs=tuple(parse_text(text) for text in data["programs"]),
        program_of=np.array(data["program_of"], dtype=np.int32),
        los=LoTable(**tables),
        theta=None if data["theta"] is None else np.array(data["theta"], dtype=np.float64),
        headers=tuple(data["headers"]),
    )
