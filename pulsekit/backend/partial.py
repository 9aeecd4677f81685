"""Find out which experiments of a failed job fail, and save the others."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple, Union

import numpy as np

from ..device import Device
from ..errors import CancelledError, PulsekitError
from ..execution import Record, Settings, execute
from ..program import Batch

__all__ = ["one_by_one", "report"]

Outcome = Union[Record, PulsekitError]


def one_by_one(batch: Batch, device: Device, settings: Settings, cancel: Any) -> List[Outcome]:
    """Return each experiment's record, or the error that it fails with.

    Experiments that go on from each other's qubits (``init_qubits=False``)
    fail together.

    Raises:
        CancelledError: ``cancel`` was set.
    """
    outcomes: List[Outcome] = []
    for i in range(len(batch)):
        try:
            outcomes += execute(batch.take(np.array([i])), device, settings, cancel=cancel)
        except CancelledError:
            raise
        except PulsekitError as error:
            outcomes.append(error)
    return outcomes


def report(outcomes: List[Outcome]) -> Tuple[Optional[str], Optional[int]]:
    """Return the message of a failed job, a line per failed experiment, and its code."""
    failed = {i: o for i, o in enumerate(outcomes) if isinstance(o, PulsekitError)}
    if not failed:
        return None, None
    codes = {error.code for error in failed.values()}
    lines = [f"Experiment {i}: {error}" for i, error in failed.items()]
    return "\n".join(lines), codes.pop() if len(codes) == 1 else None
