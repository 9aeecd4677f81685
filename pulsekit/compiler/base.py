"""Run passes: each declares what it needs and gives, and can be traced."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, ClassVar, FrozenSet, List, Optional, Sequence, Tuple

from ..errors import CompilerError
from .work import Work

__all__ = ["Pass", "PassManager", "TraceEntry"]


@dataclass(frozen=True)
class Pass:
    """One step of the compiler; its fields are its options.

    A subclass implements :meth:`run`, which returns a new :class:`Work` and
    never changes the one that it gets. ``requires`` and ``ensures`` are facts
    about the work, such as "calibrated" (every gate has a snippet),
    "grouped" (measures that start together form blocks), "sequenced" (every
    gate has a start time) and "lowered" (programs exist).
    """

    requires: ClassVar[FrozenSet[str]] = frozenset()
    ensures: ClassVar[FrozenSet[str]] = frozenset()

    @property
    def name(self) -> str:
        """The name in a trace."""
        return type(self).__name__

    def run(self, work: Work) -> Work:
        """Return the work with this step done."""
        raise NotImplementedError


@dataclass(frozen=True)
class TraceEntry:
    """What one pass did."""

    name: str
    seconds: float  # CPU time
    changed: Tuple[str, ...]  # the fields of Work that the pass exchanged
    rows_before: int  # event rows of all programs, 0 while there are none
    rows_after: int


@dataclass(frozen=True)
class PassManager:
    """Run passes in order.

    Args:
        passes: the steps.
        check: called with the work after every pass; raises when it is
            broken (the verifier), None: no check in between.
        trace: a list that gets one :class:`TraceEntry` per pass.
    """

    passes: Tuple[Pass, ...]
    check: Optional[Callable[[Work], None]] = None
    trace: Optional[List[TraceEntry]] = field(default=None, compare=False)

    def __post_init__(self) -> None:
        facts: set = set()
        for step in self.passes:
            missing = step.requires - facts
            if missing:
                raise CompilerError(
                    f"Pass {step.name} must come after passes that ensure {sorted(step.requires)}, "
                    f"but {sorted(missing)} is not ensured by {[p.name for p in self.passes]}."
                )
            facts |= step.ensures

    def run(self, work: Work) -> Work:
        """Return the work after every pass."""
        for step in self.passes:
            before, started = work, 0.0 if self.trace is None else time.process_time()
            work = step.run(work)
            if self.trace is not None:
                self.trace.append(_entry(step, before, work, time.process_time() - started))
            if self.check is not None:
                self.check(work)
        return work


def _rows(work: Work) -> int:
    return sum(len(p.events) for p in work.programs)


def _entry(step: Pass, before: Work, after: Work, seconds: float) -> TraceEntry:
    names: Sequence[str] = [n for n in Work.__dataclass_fields__ if getattr(before, n) is not getattr(after, n)]
    return TraceEntry(step.name, seconds, tuple(names), _rows(before), _rows(after))
