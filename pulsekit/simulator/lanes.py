"""Split a batch into groups of lanes that share every event time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Batch, Channel, LoTable, Plays, Program, resolve_frames
from .remembered import remembered

__all__ = ["LaneGroup", "lane_groups"]


@dataclass(frozen=True, eq=False)
class LaneGroup:
    """Experiments with one program and one set of event times."""

    program: Program
    experiments: np.ndarray  # int64[lanes], indices into the batch
    los: LoTable  # one row per lane
    value: Optional[np.ndarray]  # float64[lanes, rows], where bound
    angle: Optional[np.ndarray]

    def plays(self, dt: float) -> Dict[Channel, Plays]:
        """Return what every channel plays (worked out once)."""
        known: Dict[float, Dict[Channel, Plays]] = self.__dict__.setdefault("_plays", {})
        if dt not in known:
            known[dt] = resolve_frames(self.program, self.los, dt, value=self.value, angle=self.angle)
        return known[dt]

    def take(self, lanes: np.ndarray) -> "LaneGroup":
        """Return some of the lanes."""
        return LaneGroup(
            self.program,
            self.experiments[lanes],
            self.los.take(lanes),
            None if self.value is None else self.value[lanes],
            None if self.angle is None else self.angle[lanes],
        )


def lane_groups(batch: Batch) -> List[LaneGroup]:
    """Return the groups of a batch, parameters bound.

    They are kept with the batch; one whose arrays were changed is grouped anew.

    Raises:
        SimulationError: parameters without values.
    """
    return list(remembered(batch, "lane groups", lambda: _groups(batch)))


def _groups(batch: Batch) -> List[LaneGroup]:
    out: List[LaneGroup] = []
    for index, program in enumerate(batch.programs):
        members = np.flatnonzero(np.asarray(batch.program_of) == index)
        if not members.size:
            continue
        if program.parameters is None or not program.parameters.names:
            out.append(LaneGroup(program, members, batch.los.take(members), None, None))
            continue
        if batch.theta is None:
            raise SimulationError(
                f"Argument `batch` must have every parameter bound, but {list(program.parameters.names)} of program "
                f"{program.name!r} have no values. Bind them."
            )
        out += _bound(program, members, batch.los, np.asarray(batch.theta, dtype=np.float64)[members])
    return out


def _bound(program: Program, members: np.ndarray, los: LoTable, theta: np.ndarray) -> List[LaneGroup]:
    table = program.parameters
    assert table is not None
    if table.expressions:
        raise SimulationError(
            f"Parameters of program {program.name!r} must be affine here, but it has expressions. Bind it first."
        )
    events = program.events
    base = (events.value, events.angle, events.duration, events.t0)
    columns = [np.broadcast_to(c.astype(np.float64), (len(members), len(events))).copy() for c in base]
    for column in range(4):
        chosen = table.column == column
        if chosen.any():
            for k in np.flatnonzero(chosen).tolist():
                columns[column][:, table.row[k]] += table.coefficient[k] * theta[:, table.parameter[k]]
    value, angle, duration, t0 = columns
    times = np.rint(np.concatenate([duration, t0], axis=1)).astype(np.int64)
    groups: Dict[Tuple[int, ...], List[int]] = {}
    for lane, key in enumerate(map(tuple, times.tolist())):
        groups.setdefault(key, []).append(lane)
    out = []
    for key, lanes in groups.items():
        pick = np.array(lanes)
        rows = len(events)
        moved = events.replace(duration=np.array(key[:rows]), t0=np.array(key[rows:]))
        length = max(program.duration, int((moved.t0 + moved.duration).max(initial=0)))
        fixed = program.replace(events=moved, parameters=None, duration=length)
        out.append(LaneGroup(fixed, members[pick], los.take(members[pick]), value[pick], angle[pick]))
    return out
