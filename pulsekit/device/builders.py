"""Build devices from scratch: from a graph, with settable, physical defaults.

Frequencies default to a pattern that keeps the cross-resonance gates of a
qubit apart: qubits at distance one or two get different ones of up to five
steps of 70 MHz above 5 GHz (a colouring of the square of the graph). Those of
one step are 2 MHz apart from one to the next, up to five of them: equal ones
would share their excitations through the qubits between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Hashable, List, Mapping, Optional, Sequence, Tuple, Union

import networkx as nx
import numpy as np

from ..errors import DeviceError
from .checks import named
from .guesses import guess_calibrations
from .model import ControlLine, Coupling, Device, DriveLine, Limits, ReadoutSpec, Timing, Transmon
from .notes import Notes
from .resonators import default_resonator

__all__ = ["Disorder", "device_from_graph", "heavy_hex_graph", "line_graph", "ring_graph"]

FREQUENCY = 5e9  # Hz
STEP = 70e6  # Hz between the steps of the frequency pattern
STEPS = 5
SHIFT, SHIFTS = 2e6, 5  # Hz, between the qubits of one step, before the first value comes again
COUPLING = 2e6  # Hz
DECAY = 100e-6  # s
MEASURE_FREQUENCY = 7e9  # Hz
MEASURE_STEP = 40e6  # Hz, between eight readout frequencies
_LO_SPAN = 500e6  # Hz

PerQubit = Union[None, float, Sequence[float], Mapping[int, float]]


@dataclass(frozen=True)
class Disorder:
    """Standard deviations of the random part of a device's parameters."""

    frequency: float = 5e6  # Hz
    anharmonicity: float = 2e6  # Hz
    coupling: float = 0.05  # relative
    rabi_rate: float = 0.1  # relative
    t1: float = 0.2  # relative (log-normal)
    t2: float = 0.2  # relative (log-normal)
    measure_frequency: float = 2e6  # Hz

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise DeviceError(f"Disorder `{name}` must be finite and not negative, but {value!r} came.")


def line_graph(n: int) -> "nx.Graph[int]":
    """Return n qubits in a line."""
    return nx.path_graph(_count(n, 1))


def ring_graph(n: int) -> "nx.Graph[int]":
    """Return n qubits in a ring."""
    return nx.cycle_graph(_count(n, 3))


def heavy_hex_graph(rows: int, columns: int) -> "nx.Graph[int]":
    """Return a lattice of hexagons with a qubit on each corner and edge."""
    hexagons = nx.hexagonal_lattice_graph(_count(rows, 1), _count(columns, 1))
    position = nx.get_node_attributes(hexagons, "pos")
    heavy: "nx.Graph[Hashable]" = nx.Graph()
    place: Dict[Hashable, Tuple[float, float]] = {node: (-y, x) for node, (x, y) in position.items()}
    for a, b in hexagons.edges:
        middle = ("edge", a, b)
        place[middle] = ((place[a][0] + place[b][0]) / 2, (place[a][1] + place[b][1]) / 2)
        heavy.add_edge(a, middle)
        heavy.add_edge(middle, b)
    order = sorted(heavy.nodes, key=lambda node: (round(place[node][0], 6), round(place[node][1], 6)))
    return nx.relabel_nodes(heavy, {node: i for i, node in enumerate(order)})


def _count(n: int, least: int) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < least:
        raise DeviceError(f"A number of qubits or cells must be an integer of at least {least}, but {n!r} came.")
    return int(n)


def frequency_pattern(graph: "nx.Graph[int]") -> List[float]:
    """Return default frequencies (Hz), different up to distance two and more."""
    square = nx.power(graph, 2) if graph.number_of_edges() else graph
    colours = nx.greedy_color(square, strategy="largest_first")
    seen = [0] * STEPS
    out = []
    for q in range(len(graph)):
        step = colours[q] % STEPS
        out.append(FREQUENCY + STEP * step + SHIFT * (seen[step] % SHIFTS))
        seen[step] += 1
    return out


def device_from_graph(
    graph: "nx.Graph[Any]",
    *,
    name: str = "device",
    frequency: PerQubit = None,
    anharmonicity: PerQubit = -330e6,
    coupling: Union[float, Mapping[Tuple[int, int], float]] = COUPLING,
    rabi_rate: PerQubit = 130e6,
    t1: PerQubit = 100e-6,
    t2: Union[PerQubit, str] = "t1",
    p_th: PerQubit = 0.0,
    levels: int = 3,
    measure_frequency: PerQubit = None,
    prob_meas0_prep1: PerQubit = None,
    prob_meas1_prep0: PerQubit = None,
    reset_error: PerQubit = 0.0,
    timing: Optional[Timing] = None,
    gate: str = "cx",
    measure_esp_enabled: bool = False,
    disorder: Union[bool, Disorder, None] = None,
    seed: Optional[int] = None,
) -> Device:
    """Return a device with one transmon per node and one coupling per edge.

    Args:
        graph: any undirected networkx graph. Nodes become qubits 0, 1, ... in
            sorted order (insertion order if they cannot be sorted); node
            attributes named like the arguments below, and the edge attribute
            ``coupling``, override them.
        name: the device's name.
        frequency: Hz; None: the pattern of this module. One number, one per
            qubit, or a mapping for some of the qubits; so for the others.
        anharmonicity: Hz, negative.
        coupling: exchange J in Hz; or a mapping from some of the pairs.
        rabi_rate: Hz at amplitude 1, of drive and control lines.
        t1, t2: s; None: no such decay. "t1" (the default): as long as the
            qubit's T1, 100 us where it has none.
        p_th: equilibrium excited population.
        levels: levels per transmon, 2 to 5.
        measure_frequency: Hz; None: eight steps of 40 MHz from 7 GHz.
        prob_meas0_prep1, prob_meas1_prep0: readout errors that ``tune``
            shall fit; None: none wanted.
        reset_error: excited population that a reset leaves.
        timing: sample times and alignment; None: 2/9 ns, multiples of 16.
        gate: "cx" or "ecr".
        measure_esp_enabled: whether run() uses ESP readout by default.
        disorder: True or a :class:`Disorder` to randomise the parameters.
        seed: of the disorder; the same seed gives the same device.

    Raises:
        DeviceError: an argument out of range, or of the wrong length.
    """
    if not isinstance(graph, nx.Graph):
        raise DeviceError(f"Argument `graph` must be a networkx graph, but {type(graph).__name__} came.")
    if graph.is_directed() or graph.is_multigraph() or any(a == b for a, b in graph.edges):
        raise DeviceError("Argument `graph` must be an undirected simple graph without loops. Convert it.")
    if not len(graph):
        raise DeviceError("Argument `graph` must have at least one node, but it is empty.")
    nodes = _ordered(graph)
    plain: "nx.Graph[int]" = nx.relabel_nodes(graph, {node: i for i, node in enumerate(nodes)})
    n, notes = len(nodes), Notes()
    t1s = _column(plain, "t1", math.inf if t1 is None else t1, [DECAY] * n)
    columns = {
        "frequency": _column(plain, "frequency", frequency, frequency_pattern(plain)),
        "anharmonicity": _column(plain, "anharmonicity", anharmonicity, [-330e6] * n),
        "rabi_rate": _column(plain, "rabi_rate", rabi_rate, [130e6] * n),
        "t1": t1s,
        "t2": _column(plain, "t2", *_dephasing(t2, t1s)),
        "p_th": _column(plain, "p_th", p_th, [0.0] * n),
        "measure_frequency": _column(
            plain,
            "measure_frequency",
            measure_frequency,
            [MEASURE_FREQUENCY + MEASURE_STEP * (q % 8) for q in range(n)],
        ),
        "reset_error": _column(plain, "reset_error", reset_error, [0.0] * n),
    }
    exchange = _exchange(plain, coupling)
    if disorder:
        if disorder is not True and not isinstance(disorder, Disorder):
            raise DeviceError(f"Argument `disorder` must be True or a Disorder, but {disorder!r} came.")
        _randomise(columns, exchange, Disorder() if disorder is True else disorder, seed, notes)
    device = _assemble(name, columns, exchange, levels, timing or Timing(), (prob_meas0_prep1, prob_meas1_prep0), plain)
    device = device.replace(
        measure_esp_enabled=bool(measure_esp_enabled), basis_gates=("id", "rz", "sx", "x", gate, "reset")
    )
    return _calibrated(device, exchange, gate, notes)


def _dephasing(t2: Union[PerQubit, str], t1s: List[float]) -> Tuple[PerQubit, List[float]]:
    """Return what was asked of T2, and its default (s) per qubit."""
    default = [DECAY if math.isinf(t1) else t1 for t1 in t1s]
    if isinstance(t2, str):
        if t2 != "t1":
            raise DeviceError(f"Argument `t2` must be numbers, None or 't1', but {t2!r} came.")
        return None, default
    return (math.inf if t2 is None else t2), default


def _ordered(graph: "nx.Graph[Any]") -> List[Any]:
    try:
        return sorted(graph.nodes)
    except TypeError:
        return list(graph.nodes)


def _column(graph: "nx.Graph[int]", name: str, value: PerQubit, default: List[float]) -> List[float]:
    """Return one number per qubit from an argument, a default and node attributes."""
    n = len(graph)
    if value is None:
        out = list(default)
    elif isinstance(value, Mapping):
        unknown = [q for q in value if q not in range(n)]
        if unknown:
            raise DeviceError(f"Argument `{name}` must name qubits 0 to {n - 1}, but {unknown} came.")
        out = [_number(name, value.get(q, default[q])) for q in range(n)]
    elif isinstance(value, (int, float, np.number)):
        out = [float(value)] * n
    else:
        out = [_number(name, v) for v in value]
        if len(out) != n:
            raise DeviceError(f"Argument `{name}` must have one value per qubit ({n}), but {len(out)} came.")
    for q, attributes in graph.nodes(data=True):
        out[q] = _number(name, attributes.get(name, out[q]))
    return out


def _number(name: str, value: Any) -> float:
    """Return a number; None, no limit, as infinity."""
    if value is None:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise DeviceError(f"Argument `{name}` must be made of numbers, but {value!r} came.")
    return float(value)


def _exchange(
    graph: "nx.Graph[int]", coupling: Union[float, Mapping[Tuple[int, int], float]]
) -> Dict[Tuple[int, int], float]:
    """Return J (Hz) of every edge from an argument and edge attributes."""
    out = {(min(e), max(e)): COUPLING for e in graph.edges}
    if isinstance(coupling, Mapping):
        given = {(min(pair), max(pair)): value for pair, value in coupling.items()}
        unknown = [pair for pair in given if pair not in out]
        if unknown:
            raise DeviceError(f"Argument `coupling` must name edges of the graph, but {unknown} came.")
        out.update(given)
    else:
        out = dict.fromkeys(out, coupling)
    return {pair: _number("coupling", graph.edges[pair].get("coupling", value)) for pair, value in out.items()}


def _randomise(
    columns: Dict[str, List[float]],
    exchange: Dict[Tuple[int, int], float],
    disorder: Disorder,
    seed: Optional[int],
    notes: Notes,
) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    n = len(columns["frequency"])
    for name in ("frequency", "anharmonicity", "measure_frequency"):
        columns[name] = [v + getattr(disorder, name) * d for v, d in zip(columns[name], rng.standard_normal(n))]
    for name in ("rabi_rate", "t1", "t2"):
        columns[name] = [
            v * math.exp(getattr(disorder, name) * d) for v, d in zip(columns[name], rng.standard_normal(n))
        ]
    columns["t2"] = [min(t2, 2 * t1) for t1, t2 in zip(columns["t1"], columns["t2"])]
    for pair, d in zip(sorted(exchange), rng.standard_normal(len(exchange))):
        exchange[pair] *= math.exp(disorder.coupling * d)
    notes.add("*", "assumed", f"random disorder, seed {seed}: {disorder}")


def _assemble(
    name: str,
    columns: Mapping[str, List[float]],
    exchange: Mapping[Tuple[int, int], float],
    levels: int,
    timing: Timing,
    errors: Tuple[PerQubit, PerQubit],
    graph: "nx.Graph[int]",
) -> Device:
    n = len(columns["frequency"])
    finite = {k: [None if math.isinf(v) else v for v in columns[k]] for k in ("t1", "t2")}
    transmons = []
    for q in range(n):
        with named(f"qubit {q} of {name!r}"):
            freq, anharmonicity, p_th = (columns[k][q] for k in ("frequency", "anharmonicity", "p_th"))
            transmons.append(Transmon(freq, anharmonicity, levels, finite["t1"][q], finite["t2"][q], p_th))
    missing = [math.nan] * n
    e0 = _column(graph, "prob_meas0_prep1", errors[0], missing)
    e1 = _column(graph, "prob_meas1_prep0", errors[1], missing)
    directed = sorted(pair for a, b in exchange for pair in ((a, b), (b, a)))
    rates = columns["rabi_rate"]
    return Device(
        name=name,
        transmons=tuple(transmons),
        couplings=tuple(Coupling(pair, exchange[pair]) for pair in sorted(exchange)),
        drives=tuple(DriveLine(q, rates[q]) for q in range(n)),
        controls=tuple(ControlLine(a, ((b, 1.0 + 0j),), rates[a]) for a, b in directed),
        resonators=tuple(
            default_resonator(q, columns["frequency"][q], columns["anharmonicity"][q], columns["measure_frequency"][q])
            for q in range(n)
        ),
        readout=tuple(ReadoutSpec(*(None if math.isnan(v) else v for v in pair)) for pair in zip(e0, e1)),
        reset_error=tuple(columns["reset_error"]),
        timing=timing,
        limits=Limits(
            tuple((f - _LO_SPAN, f + _LO_SPAN) for f in columns["frequency"]),
            tuple((f - _LO_SPAN, f + _LO_SPAN) for f in columns["measure_frequency"]),
        ),
        meas_map=(tuple(range(n)),),
    )


def _calibrated(device: Device, exchange: Mapping[Tuple[int, int], float], gate: str, notes: Notes) -> Device:
    """Add guess calibrations; the qubit of higher frequency is the control."""
    channels = {(line.qubit, line.lo[0][0]): i for i, line in enumerate(device.controls)}
    controls_of = {}
    for a, b in sorted(exchange):
        control, target = (a, b) if device.transmons[a].frequency >= device.transmons[b].frequency else (b, a)
        controls_of[(control, target)] = channels[(control, target)]
    calibrations = guess_calibrations(device, controls_of, gate=gate)
    pairs = []
    for control, target in controls_of:
        if calibrations.get(gate, (control, target)) is None:
            notes.add(
                f"calibrations[{gate},{control},{target}]",
                "failed",
                f"no cross-resonance gate between qubits {control} and {target}: frequencies collide, or J is 0",
            )
            continue
        pairs += [(control, target)] if gate == "ecr" else [(control, target), (target, control)]
    notes.add("calibrations[*]", "assumed", "first-order guesses; tune solves them")
    notes.add("resonators[*]", "assumed", "the rules of docs/devices.md")
    return device.replace(calibrations=calibrations, coupling_map=tuple(sorted(pairs)), provenance=notes.provenance())
