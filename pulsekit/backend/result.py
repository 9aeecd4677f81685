"""Read a Result by everything that run() takes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from qiskit.pulse import ScheduleBlock
from qiskit.pulse.instructions import Instruction
from qiskit.result import Result
from qiskit.result.models import ExperimentResult

__all__ = ["JobResult"]


class JobResult(Result):
    """A Result whose accessors also take ScheduleBlocks, pulse instructions and numpy integers.

    terra's own looks for a name only where a circuit, a Schedule or a str
    comes, and for a number only where an int does.
    """

    def _get_experiment(self, key: Any = None) -> ExperimentResult:
        if isinstance(key, (ScheduleBlock, Instruction)):
            key = key.name
        elif isinstance(key, Integral):
            key = int(key)
        return super()._get_experiment(key)
