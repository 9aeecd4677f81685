"""Decouple idle qubits dynamically, on the finished program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

import networkx as nx
import numpy as np

from ...device import Device
from ...errors import CompilerError
from ...program import Channel, Op, Program, Source
from ...program.rows import insert_rows, select_rows
from ..spans import Span, node_spans, outside, playing, qubit_spans, source_spans
from ..work import Note, Work
from .constraints import Constraint, NeighboursIdle, neighbours
from .dd_sequences import centers, parse_sequence, place
from .program_pass import ProgramPass

__all__ = ["Decouple", "color_qubits", "idle_windows"]


@dataclass(frozen=True)
class Decouple(ProgramPass):
    """Fill idle windows with a decoupling sequence.

    A window lies between two instructions of a qubit (never before its first
    or after its last, and never where a gate of the qubit only waits). The
    pulses are the device's x; a Y is the same at phase +pi/2. Neighbours on
    the coupling graph get orthogonal sequences. Windows too short stay idle, and
    so does a qubit while a constraint demands it.
    """

    sequence: str = "XY4"  # "X2", "XY4", "XY8" or "UDD<even number>"
    min_window: int = 0  # samples; windows shorter than that stay idle
    stagger: bool = True
    qubits: Optional[Tuple[int, ...]] = None  # None: all that have an x
    constraints: Tuple[Constraint, ...] = ()  # of these, NeighboursIdle counts
    conflicts: Optional[nx.Graph] = None  # qubit tuples; what is on two adjacent ones never plays at one time
    requires: ClassVar[FrozenSet[str]] = frozenset({"lowered"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"decoupled"})

    @staticmethod
    def of(dd: Any, constraints: Tuple[Constraint, ...] = (), conflicts: Optional[nx.Graph] = None) -> "Decouple":
        """Return the pass that a user's ``dd`` means: a name, options, or a pass.

        Raises:
            CompilerError: none of these.
        """
        if isinstance(dd, Decouple):
            return replace(dd, constraints=dd.constraints or constraints, conflicts=dd.conflicts or conflicts)
        options: Any = {"sequence": dd} if isinstance(dd, str) else dd
        if isinstance(options, Mapping) and set(options) <= {"sequence", "min_window", "stagger", "qubits"}:
            parse_sequence(options.get("sequence", "XY4"))
            options = dict(options, constraints=constraints, conflicts=conflicts)
            if options.get("qubits") is not None:
                options["qubits"] = tuple(options["qubits"])
            return Decouple(**options)
        raise CompilerError(
            "Argument `dd` must be 'X2', 'XY4', 'XY8', 'UDD<n>' or a dict with keys among 'sequence', 'min_window', "
            f"'stagger' and 'qubits', but {dd!r} came."
        )

    def run(self, work: Work) -> Work:
        """Return the work with decoupled programs and a note for each."""
        done = super().run(work)
        notes = []
        for k, (before, after) in enumerate(zip(work.programs, done.programs)):
            added = len(after.rows(Op.PLAY)) - len(before.rows(Op.PLAY))
            notes.append(Note("dd", f"{self.sequence}: {added} pulses in idle windows.", (k,), {"pulses": added}))
        return done.noted(*notes)

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program with its idle windows filled."""
        wanted = parse_sequence(self.sequence)
        bodies = {q: body for q in range(device.n_qubits) if (body := _x_body(device, q)) is not None}
        chosen = set(bodies) if self.qubits is None else set(self.qubits) & set(bodies)
        colors = color_qubits(device) if self.stagger else {}
        adder = _Adder(program, device)
        quiet = _quiet_times(program, device, self.constraints, self.conflicts)
        for qubit, windows in idle_windows(program).items():
            if qubit not in chosen:
                continue
            axes, at = centers(wanted, colors.get(qubit, 0))
            body = bodies[qubit]
            for start, stop in [free for window in windows for free in outside(window, quiet.get(qubit, ()))]:
                if stop - start < self.min_window:
                    continue
                grid = max(device.timing.pulse_alignment, 1)
                starts = place(at, start, stop, body.duration, grid)
                if starts is not None:
                    adder.add(qubit, body, axes, starts)
                    for other in _rivals(qubit, self.conflicts):
                        quiet.setdefault(other, []).extend((t, t + body.duration) for t in starts)
        return adder.program(wanted.name)


def color_qubits(device: Device) -> Dict[int, int]:
    """Return a color per qubit, different for coupled ones (few, by greedy choice)."""
    graph = nx.Graph()
    graph.add_nodes_from(range(device.n_qubits))
    graph.add_edges_from(device.coupling_map)
    graph.add_edges_from(c.qubits for c in device.couplings)
    if nx.is_bipartite(graph):
        return {q: 1 - int(c) for q, c in nx.bipartite.color(graph).items()}  # the first of each part is 1 there
    return {q: int(c) for q, c in nx.greedy_color(graph, strategy="DSATUR").items()}


def idle_windows(program: Program) -> Dict[int, List[Span]]:
    """Return each qubit's idle times between two of its instructions, samples.

    An instruction (a source of the program) takes all of its qubits from its
    first row to the end of its last; delays take none. A virtual Z ends a
    window: between two X it would turn the other way.
    """
    taken = qubit_spans(program, source_spans(program).items())
    return {qubit: _gaps(spans) for qubit, spans in taken.items()}


def _quiet_times(
    program: Program, device: Device, constraints: Sequence[Constraint], conflicts: Optional[nx.Graph]
) -> Dict[int, List[Span]]:
    """Return when no pulse may be added to a qubit, samples."""
    idle = [c for c in constraints if isinstance(c, NeighboursIdle)]
    quiet: Dict[int, List[Span]] = {}
    if not idle and conflicts is None:
        return quiet
    near, spans = neighbours(device), playing(program)
    for source, span in spans:
        gate = program.sources[source]
        if any(c.concerns(gate.name, gate.qubits) for c in idle):
            for qubit in {n for q in gate.qubits for n in near.get(q, ())} - set(gate.qubits):
                quiet.setdefault(qubit, []).append(span)
    nodes = node_spans(program, spans)
    for edge in conflicts.edges if conflicts is not None else ():
        for a, b in (edge, edge[::-1]):
            if len(set(a)) == 1:
                quiet.setdefault(a[0], []).extend(nodes.get(frozenset(b), ()))
    return quiet


def _rivals(qubit: int, conflicts: Optional[nx.Graph]) -> List[int]:
    """Return the qubits whose own pulses must not meet those of ``qubit``."""
    if conflicts is None or (qubit,) not in conflicts:
        return []
    return [node[0] for node in conflicts[(qubit,)] if len(node) == 1]


def _gaps(taken: Sequence[Span]) -> List[Span]:
    """Return the gaps between spans, from the first to the last that takes time."""
    lasting = [k for k, (t0, t1) in enumerate(taken) if t1 > t0]
    if not lasting:
        return []
    out, until = [], taken[lasting[0]][1]
    for t0, t1 in taken[lasting[0] + 1 : lasting[-1] + 1]:
        if t0 > until:
            out.append((until, t0))
        until = max(until, t1)
    return out


def _x_body(device: Device, qubit: int) -> Optional[Program]:
    found = device.calibrations.get("x", (qubit,))
    return None if found is None else found.program


class _Adder:
    """Collect the rows of the inserted pulses and their table entries."""

    def __init__(self, program: Program, device: Device) -> None:
        self.before, self.device = program, device
        self.pulses = {p: k for k, p in reversed(list(enumerate(program.pulses)))}
        self.channels = {c: k for k, c in enumerate(program.channels)}
        self.calibrations = {c: k for k, c in reversed(list(enumerate(program.calibrations)))}
        self.sources: List[Source] = []
        self.rows: List[Dict[str, Any]] = []

    def add(self, qubit: int, body: Program, axes: str, starts: List[int]) -> None:
        """Play ``body`` at each start, turned by its axis."""
        calibration = self.device.calibrations.get("x", (qubit,))
        name = calibration.id if calibration is not None and calibration.id else "x"
        number = self.calibrations.setdefault(name, len(self.calibrations))
        source = len(self.before.sources) + len(self.sources)
        self.sources.append(Source(-1, "dd", (qubit,)))
        for axis, start in zip(axes, starts):
            for e in body.events:
                row = {"t0": start + e.t0, "duration": e.duration, "op": int(e.op), "value": e.value}
                row.update(source=source, calibration=number)
                row["channel"] = self._channel(body.channels[e.channel])
                if e.op == Op.PLAY:
                    pulse = body.pulses[e.ref]
                    row["ref"] = self.pulses.setdefault(pulse, len(self.pulses))
                    row["angle"] = e.angle + (np.pi / 2 if axis == "Y" else 0.0)
                self.rows.append(row)

    def _channel(self, channel: Channel) -> int:
        return self.channels.setdefault(channel, len(self.channels))

    def program(self, name: str) -> Program:
        """Return the program with the pulses in, and the delays under them out."""
        if not self.rows:
            return self.before
        before = self.before
        pulses = list(before.pulses) + [p for p in self.pulses if self.pulses[p] >= len(before.pulses)]
        names = list(before.calibrations)
        names += [c for c in self.calibrations if self.calibrations[c] >= len(before.calibrations)]
        e = before.events
        taken = {row["channel"] for row in self.rows}
        delays = (e.op == Op.DELAY) & np.isin(e.channel, sorted(taken))
        wider = before.replace(
            channels=tuple(sorted(self.channels, key=lambda c: self.channels[c])),
            pulses=tuple(pulses),
            calibrations=tuple(names),
            sources=(*before.sources, *(Source(s.index, f"dd {name}", s.qubits) for s in self.sources)),
        )
        return insert_rows(select_rows(wider, ~delays), self.rows)
