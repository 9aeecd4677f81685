"""Define the batch: experiments that share programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ..errors import ProgramError
from .lo import LoTable
from .program import Program

__all__ = ["Batch"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Experiments: for each, its program, its LOs and its parameters.

    A sweep over LOs or bindings has one program and many experiments.
    """

    programs: Tuple[Program, ...]
    program_of: np.ndarray  # int32[experiments], index into programs
    los: LoTable  # one row per experiment
    theta: Optional[np.ndarray] = None  # float64[experiments, parameters]; None: nothing to bind
    headers: Tuple[Mapping[str, Any], ...] = ()  # per experiment, what the frontend wants back

    def __post_init__(self) -> None:
        if len(self.los) != len(self.program_of):
            raise ProgramError(
                f"Argument `los` must have one row per experiment ({len(self.program_of)}), but {len(self.los)} came."
            )

    def __len__(self) -> int:
        return len(self.program_of)

    def take(self, experiments: np.ndarray) -> "Batch":
        """Return a batch of some of the experiments, in the order given, with the programs that they use."""
        if np.array_equal(experiments, np.arange(len(self))):
            return self
        used, program_of = np.unique(np.asarray(self.program_of)[experiments], return_inverse=True)
        return Batch(
            tuple(self.programs[i] for i in used.tolist()),
            program_of.reshape(-1).astype(np.int32),
            self.los.take(experiments),
            None if self.theta is None else np.asarray(self.theta)[experiments],
            tuple(self.headers[i] for i in np.asarray(experiments).tolist()) if self.headers else (),
        )

    def bound(self) -> "Batch":
        """Return a batch without parameters: one program per point where there were some."""
        if self.theta is None:
            return self
        programs: List[Program] = []
        numbers: Dict[Any, int] = {}
        program_of = np.empty(len(self), dtype=np.int32)
        for k, index in enumerate(np.asarray(self.program_of).tolist()):
            program = self.programs[index]
            key = index if program.parameters is None else (index, k)
            if key not in numbers:
                numbers[key] = len(programs)
                programs.append(program if program.parameters is None else program.bind(self._point(program, k)))
            program_of[k] = numbers[key]
        return Batch(tuple(programs), program_of, self.los, None, self.headers)

    def _point(self, program: Program, k: int) -> np.ndarray:
        assert self.theta is not None and program.parameters is not None
        return self.theta[k, : len(program.parameters.names)]
