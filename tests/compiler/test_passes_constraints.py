"""Sequencing under constraints, and around crosstalk."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest
from qiskit import QuantumCircuit

from pulsekit.backend.frontend import compile
from pulsekit.compiler.base import PassManager
from pulsekit.compiler.passes import group_starts
from pulsekit.compiler.passes.check_constraints import CheckConstraints
from pulsekit.compiler.passes.constraints import (
    MinimumDistance,
    NeighboursIdle,
    NotOverlapping,
    SequenceConstrained,
    StartTogether,
)
from pulsekit.compiler.passes.crosstalk import OrderForCrosstalk, conflict_graph
from pulsekit.compiler.passes.decouple import Decouple
from pulsekit.compiler.passes.group_starts import JoinMeasureGroups
from pulsekit.compiler.passes.lookup import LookUpCalibrations
from pulsekit.compiler.passes.lowering import Lower
from pulsekit.compiler.spans import first_overlap, source_spans
from pulsekit.compiler.work import Work
from pulsekit.device import Calibration, CalibrationMap, Device, Transmon
from pulsekit.errors import CompilerError
from pulsekit.interop.circuits import read_circuits
from pulsekit.program import Op, find_violations, parse_text

LINE = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))


@pytest.fixture(scope="module")
def device():
    entries = {}
    for q in range(6):
        x = f'program "x" duration=160 slots=0\npulse p0 = constant(duration=160)\nd{q}@0..160: play p0 amp=0.5'
        entries["x", (q,)] = Calibration("x", (q,), parse_text(x))
        m = f'program "m" duration=320 slots=1\nacquire a0 = esp=false\na{q}@0..320: acquire a0 slot=0'
        entries["measure", (q,)] = Calibration("measure", (q,), parse_text(m))
    for a, b in LINE:
        cz = f'program "cz" duration=400 slots=0\npulse p0 = constant(duration=400)\nd{a}@0..400: play p0 amp=0.1'
        entries["cz", (a, b)] = Calibration("cz", (a, b), parse_text(cz))
    return Device(
        "line",
        tuple(Transmon(5e9 + 1e7 * q) for q in range(6)),
        coupling_map=LINE,
        meas_map=((0, 1, 2, 3, 4, 5),),
        calibrations=CalibrationMap(entries),
    )


def placed(circuit, device, *passes, method="asap"):
    """{instruction: (start, stop)} of what plays."""
    gates = read_circuits([circuit], device.timing.dt, None).gates
    work = PassManager((LookUpCalibrations(), *passes, Lower())).run(Work(gates, device, "device", method))
    assert not [v for v in find_violations(work.programs[0], device, timing=False) if not v.warning]
    rows = zip(work.gates.index.tolist(), work.start.tolist(), work.duration.tolist())
    return {index: (start, start + length) for index, start, length in rows}


def overlap(a, b):
    return a[0] < b[1] and b[0] < a[1]


def two_chains():
    circuit = QuantumCircuit(6, 6)
    circuit.x(0)  # 0
    circuit.x(0)  # 1
    circuit.x(3)  # 2
    circuit.x(3)  # 3
    return circuit


@pytest.mark.parametrize("method", ["asap", "alap"])
def test_gates_start_together(device, method):
    when = placed(two_chains(), device, SequenceConstrained((StartTogether((1, 2)),)), method=method)
    assert when[1][0] == when[2][0]
    assert when[0][1] <= when[1][0] and when[2][1] <= when[3][0]


def test_gates_that_depend_on_each_other_cannot_start_together(device):
    with pytest.raises(CompilerError, match=r"must not depend on one another, but some of \[\(0, 1\)\]"):
        placed(two_chains(), device, SequenceConstrained((StartTogether((0, 1)),)))
    crossed = (StartTogether((0, 3)), StartTogether((1, 2)))
    with pytest.raises(CompilerError, match="must not depend"):
        placed(two_chains(), device, SequenceConstrained(crossed))


@pytest.mark.parametrize("method", ["asap", "alap"])
def test_gates_do_not_overlap(device, method):
    free = placed(two_chains(), device, SequenceConstrained(), method=method)
    assert overlap(free[0], free[2])
    when = placed(two_chains(), device, SequenceConstrained((NotOverlapping((0, 2)),)), method=method)
    assert when[0][1] <= when[2][0]


@pytest.mark.parametrize("method", ["asap", "alap"])
@pytest.mark.parametrize("samples", [0, 16, 1000])
def test_a_minimum_distance_holds(device, method, samples):
    when = placed(two_chains(), device, SequenceConstrained((MinimumDistance(1, 2, samples),)), method=method)
    assert when[2][0] - when[1][1] >= samples
    assert when[2][0] - when[1][1] == samples  # and no more than that


@pytest.mark.parametrize("method", ["asap", "alap"])
def test_neighbours_idle_during_a_gate(device, method):
    circuit = QuantumCircuit(6, 6)
    circuit.cz(1, 2)
    circuit.x(3)
    circuit.x(5)
    circuit.x(0)
    assert overlap(*(placed(circuit, device, SequenceConstrained(), method=method)[k] for k in (0, 1)))
    when = placed(circuit, device, SequenceConstrained((NeighboursIdle(),)), method=method)
    assert not overlap(when[0], when[1]) and not overlap(when[0], when[3])
    assert overlap(when[0], when[2]) or method == "alap"  # there, 5 plays at the end anyway
    other = placed(circuit, device, SequenceConstrained((NeighboursIdle(("cx",)),)), method=method)
    assert overlap(other[0], other[1])


def test_constraints_and_measure_groups_together(device):
    circuit = two_chains()
    circuit.measure([0, 3], [0, 3])
    when = placed(circuit, device, JoinMeasureGroups(), SequenceConstrained((StartTogether((1, 2)),)))
    assert when[4][0] == when[5][0] and when[1][0] == when[2][0]


@pytest.mark.parametrize(
    "bad", [NotOverlapping((0, 9)), MinimumDistance(2, 1, 10), MinimumDistance(1, 2, -1), "together"]
)
def test_impossible_constraints_are_refused(device, bad):
    with pytest.raises(CompilerError, match=r"constraint|distance"):
        placed(two_chains(), device, SequenceConstrained((bad,)))


def test_the_conflict_graph_of_a_line(device):
    graph = conflict_graph(device)
    assert sorted(graph.nodes) == sorted(LINE)
    assert {frozenset(e) for e in graph.edges} == {
        frozenset(e) for e in [((0, 1), (2, 3)), ((1, 2), (3, 4)), ((2, 3), (4, 5))]
    }
    assert len(conflict_graph(device, hops=2).edges) > len(graph.edges)


@pytest.mark.parametrize("method", ["asap", "alap"])
def test_conflicting_gates_never_meet(device, method):
    circuit = QuantumCircuit(6, 6)
    for a, b in [(0, 1), (2, 3), (4, 5), (1, 2), (3, 4)]:
        circuit.cz(a, b)
    graph = conflict_graph(device)
    free = placed(circuit, device, SequenceConstrained(), method=method)
    assert overlap(free[0], free[1])
    when = placed(circuit, device, OrderForCrosstalk(graph), SequenceConstrained((), graph), method=method)
    pairs = {k: tuple(sorted(p)) for k, p in enumerate([(0, 1), (2, 3), (4, 5), (1, 2), (3, 4)])}
    for j in when:
        for k in when:
            if graph.has_edge(pairs[j], pairs[k]):
                assert not overlap(when[j], when[k])


def test_ordering_costs_less_than_the_order_of_the_circuit(device):
    """The gate with the long rest behind it goes first, though it comes later."""
    circuit = QuantumCircuit(6, 6)
    circuit.cz(0, 1)
    circuit.cz(2, 3)
    for _ in range(5):
        circuit.cz(3, 4)
    graph = nx.Graph([((0, 1), (2, 3))])
    late = max(stop for _, stop in placed(circuit, device, SequenceConstrained((), graph)).values())
    soon = max(
        stop for _, stop in placed(circuit, device, OrderForCrosstalk(graph), SequenceConstrained((), graph)).values()
    )
    assert (soon, late) == (2400, 2800)


@pytest.mark.parametrize("seed", range(5))
def test_ordering_keeps_every_dependency(device, seed):
    rng = np.random.default_rng(seed)
    circuit, touched = QuantumCircuit(6, 6), []
    for _ in range(40):
        if rng.random() < 0.5:
            pair = LINE[int(rng.integers(5))]
            circuit.cz(*pair)
            touched.append(set(pair))
        else:
            q = int(rng.integers(6))
            circuit.x(q)
            touched.append({q})
    graph = conflict_graph(device)
    when = placed(circuit, device, OrderForCrosstalk(graph), SequenceConstrained((), graph))
    for j in range(40):
        for k in range(j + 1, 40):
            if touched[j] & touched[k]:
                assert when[j][1] <= when[k][0]


# --- what came out is judged, decoupling pulses included ------------------------------------


def idle_neighbour(device):
    """Qubit 2 idles between two x while its neighbour 1 plays cz, then alone."""
    circuit = QuantumCircuit(6, 6)
    circuit.x([1, 2])
    circuit.barrier(0, 1, 2)
    for _ in range(6):
        circuit.cz(0, 1)
    circuit.delay(4000, 1)
    circuit.barrier(0, 1, 2)
    circuit.x(2)
    return circuit


def pulses_of(program, qubit):
    """The inserted pulses of a qubit."""
    e = program.events
    return [
        (int(e.t0[r]), int(e.t0[r] + e.duration[r]))
        for r in program.rows(Op.PLAY)
        if program.sources[e.source[r]].index < 0 and program.sources[e.source[r]].qubits == (qubit,)
    ]


@pytest.mark.parametrize("dd", ["XY4", Decouple("XY4")])
@pytest.mark.parametrize("options", [{"constraints": [NeighboursIdle()]}, {"crosstalk": nx.Graph([((0, 1), (2,))])}])
def test_decoupling_keeps_constraints(device, options, dd):
    circuit = idle_neighbour(device)
    free = compile(circuit, device, method="asap", dd="XY4", verify=True).programs[0]
    gates = (160, 160 + 6 * 400)
    assert any(t < gates[1] for t, _ in pulses_of(free, 2))
    kept = compile(circuit, device, method="asap", dd=dd, verify=True, **options).programs[0]
    added = pulses_of(kept, 2)
    assert len(added) == 4 and all(t >= gates[1] for t, _ in added)


def test_decoupled_qubits_that_conflict_take_turns(device):
    circuit = QuantumCircuit(6, 6)
    circuit.x([3, 5])
    circuit.delay(8000, [3, 5])
    circuit.x([3, 5])
    graph = nx.Graph([((3,), (5,))])
    program = compile(circuit, device, dd={"sequence": "X2", "stagger": False}, crosstalk=graph).programs[0]
    first, second = pulses_of(program, 3), pulses_of(program, 5)
    assert first and second and first_overlap(first, second) is None


@dataclass(frozen=True)
class Blind(Decouple):
    """A decoupling that does not care for constraints."""

    def apply(self, program, device):
        return Decouple(self.sequence).apply(program, device)


BROKEN = [
    (NotOverlapping((0, 2)), "starts at 0, 0 samples after"),
    (MinimumDistance(0, 2, 16), "starts at 0, 0 samples after"),
    (StartTogether((1, 2)), "starts at 0, -160 samples after"),
]


@pytest.mark.parametrize("constraint,message", BROKEN)
def test_a_broken_constraint_is_found(device, constraint, message):
    gates = read_circuits([two_chains()], device.timing.dt, None).gates
    work = PassManager((LookUpCalibrations(), SequenceConstrained(), Lower())).run(
        Work(gates, device, "device", "asap")
    )
    with pytest.raises(CompilerError, match=rf"Constraint {type(constraint).__name__}\(.*must hold, but .*{message}"):
        CheckConstraints((constraint,)).run(work)
    assert CheckConstraints((NotOverlapping((0, 1)), MinimumDistance(0, 1, 0), StartTogether((0, 2)))).run(work) is work


@pytest.mark.parametrize(
    "options,message",
    [
        ({"constraints": [NeighboursIdle()]}, "qubit 2 plays at"),
        ({"crosstalk": nx.Graph([((0, 1), (2,))])}, r"gates on \(0, 1\) and \(2,\) must not play at the same time"),
    ],
)
def test_pulses_that_break_a_constraint_are_found(device, options, message):
    with pytest.raises(CompilerError, match=message):
        compile(idle_neighbour(device), device, method="asap", dd=Blind("XY4"), **options)


@pytest.mark.parametrize("seed", range(4))
def test_random_circuits_keep_their_constraints(device, seed):
    """Judged apart from the compiler, by looking at every pair of instructions."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(6, 6)
    for _ in range(30):
        q = int(rng.integers(6))
        kind = rng.choice(["x", "cz", "delay"])
        if kind == "cz":
            circuit.cz(*LINE[int(rng.integers(5))])
        elif kind == "x":
            circuit.x(q)
        else:
            circuit.delay(int(rng.integers(1, 4000)), q)
    for method in ("asap", "alap"):
        options = {"constraints": [NeighboursIdle()], "crosstalk": True, "dd": "X2"}
        program = compile(circuit, device, method=method, verify=True, **options).programs[0]
        played = [(program.sources[s].qubits, *span) for s, span in source_spans(program).items()]
        played = [g for g, s in zip(played, source_spans(program)) if program.sources[s].index >= 0]
        e = program.events
        pulses = [
            (program.sources[e.source[r]].qubits, int(e.t0[r]), int(e.t0[r] + e.duration[r]))
            for r in program.rows(Op.PLAY)
            if program.sources[e.source[r]].index < 0
        ]
        gates = [g for g in played if len(g[0]) == 2]
        for pair, start, stop in gates:
            near = {q + d for q in pair for d in (-1, 1)} - set(pair)
            for qubits, t0, t1 in played + pulses:
                if set(qubits) & near and not set(qubits) & set(pair):
                    assert t1 <= start or t0 >= stop


@pytest.mark.parametrize("groups", [1, 3])
def test_joining_measures_is_linear_work(monkeypatch, groups):
    """Comparisons are counted: 16,000 mid-circuit measures once took time with their square."""
    counted = []
    monkeypatch.setattr(group_starts, "gt", lambda a, b: counted.append(1) or a > b)
    monkeypatch.setattr(group_starts, "max", lambda a, b: counted.append(1) or (a if a > b else b), raising=False)

    def work(n):
        counted.clear()
        rng = np.random.default_rng(1)
        qubits = rng.integers(0, 6, n)
        measured = rng.random(n) < 0.5
        wires = [(int(q),) if m else (int(q), int(q + 1) % 6) for q, m in zip(qubits, measured)]
        leader = group_starts._assign(wires, np.where(measured, qubits % groups, -1).tolist())
        assert group_starts.topological_order(wires, leader) is not None
        assert sum(head != row for row, head in enumerate(leader)) > n / 10
        return len(counted)

    small, large = work(4000), work(8000)
    assert large < 2.5 * small and large < 40 * groups * 8000
