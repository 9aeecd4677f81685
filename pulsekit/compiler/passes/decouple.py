"""Decouple idle qubits dynamically, on the finished program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

import networkx as nx
import numpy as np

from ...device import Device
from ...errors import CompilerError
from ...program import Channel, Op, Program, Source
from ...program.rows import insert_rows, select_rows
from ..work import Note, Work
from .dd_sequences import centers, parse_sequence, place
from .program_pass import ProgramPass

__all__ = ["Decouple", "color_qubits", "idle_windows"]

Window = Tuple[int, int]


@dataclass(frozen=True)
class Decouple(ProgramPass):
    """Fill idle windows with a decoupling sequence.

    A window lies between two instructions of a qubit (never before its first
    or after its last, and never where a gate of the qubit only waits). The
    pulses are the device's x; a Y is the same at phase +pi/2. Neighbours on
    the coupling graph get orthogonal sequences. Windows too short stay idle.
    """

    sequence: str = "XY4"  # "X2", "XY4", "XY8" or "UDD<even number>"
    min_window: int = 0  # samples; windows shorter than that stay idle
    stagger: bool = True
    qubits: Optional[Tuple[int, ...]] = None  # None: all that have an x
    requires: ClassVar[FrozenSet[str]] = frozenset({"lowered"})
    ensures: ClassVar[FrozenSet[str]] = frozenset({"decoupled"})

    @staticmethod
    def of(dd: Any) -> "Decouple":
        """Return the pass that a user's ``dd`` means: a name, options, or a pass.

        Raises:
            CompilerError: none of these.
        """
        if isinstance(dd, Decouple):
            return dd
        if isinstance(dd, str):
            parse_sequence(dd)
            return Decouple(dd)
        if isinstance(dd, Mapping) and set(dd) <= {"sequence", "min_window", "stagger", "qubits"}:
            parse_sequence(dd.get("sequence", "XY4"))
            options = dict(dd)
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
            notes.append(Note("dd", f"{self.sequence}: {added} pulses in idle windows.", k, {"pulses": added}))
        return done.noted(*notes)

    def apply(self, program: Program, device: Device) -> Program:
        """Return the program with its idle windows filled."""
        wanted = parse_sequence(self.sequence)
        bodies = {q: body for q in range(device.n_qubits) if (body := _x_body(device, q)) is not None}
        chosen = set(bodies) if self.qubits is None else set(self.qubits) & set(bodies)
        colors = color_qubits(device) if self.stagger else {}
        adder = _Adder(program, device)
        for qubit, windows in idle_windows(program).items():
            if qubit not in chosen:
                continue
            axes, at = centers(wanted, colors.get(qubit, 0))
            body = bodies[qubit]
            for start, stop in windows:
                if stop - start < self.min_window:
                    continue
                grid = max(device.timing.pulse_alignment, 1)
                starts = place(at, start, stop, body.duration, grid)
                if starts is not None:
                    adder.add(qubit, body, axes, starts)
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


def idle_windows(program: Program) -> Dict[int, List[Window]]:
    """Return each qubit's idle times between two of its instructions, samples.

    An instruction (a source of the program) takes all of its qubits from its
    first row to the end of its last; delays take none. A virtual Z ends a
    window: between two X it would turn the other way.
    """
    e = program.events
    stop = e.t0 + e.duration
    busy = np.flatnonzero((e.op != Op.DELAY) & (e.source >= 0))
    spans: Dict[int, List[int]] = {}
    for s, t0, t1 in zip(e.source[busy].tolist(), e.t0[busy].tolist(), stop[busy].tolist()):
        span = spans.setdefault(s, [t0, t1])
        span[0], span[1] = min(span[0], t0), max(span[1], t1)
    of_qubit: Dict[int, List[Window]] = {}
    for s, (t0, t1) in spans.items():
        for qubit in program.sources[s].qubits:
            of_qubit.setdefault(qubit, []).append((t0, t1))
    return {q: _gaps(sorted(taken)) for q, taken in sorted(of_qubit.items())}


def _gaps(taken: Sequence[Window]) -> List[Window]:
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
