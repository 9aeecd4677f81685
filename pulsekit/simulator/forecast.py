"""Foresee what a run will do: which method takes which part, and how long.

The pieces are those that will run, asked of the code that runs them; only
their speed is a constant, measured on one core of the machine of
docs/simulator.md, tables warm. Where an estimate of the error makes splitting
take finer steps than it began with, it takes longer than is said here.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from ..program import Batch
from .blocks import LANES, by_envelope
from .cached import CHAIN, CHAINED
from .dressing import LARGEST
from .engine import Engine, engine_of, precision_of
from .evolve import fits_fast
from .floquet import LEAST
from .jumpkinds import jump_rates
from .ket import KetLayout
from .lanes import lane_groups
from .localdrive import stretches
from .magnus import Step
from .many import IDLE, gap_of, steps_of, turn_of
from .mapped import mapping_seconds, unknown_gates
from .methods import choose
from .model import Model
from .reference import SMALL, Reference
from .remembered import remembers
from .repeats import Repeats, work_of
from .rho import RhoEngine
from .routes import routes_of
from .sections import Sections
from .space import Space, space_of
from .stack import Stack, stacks_of
from .steps import unit
from .timeline import Tone, tones_of
from .trajectories import CROSSED
from .trajectories import IDLE as LONG_IDLE
from .trajectories import STEP as LONG_STEP
from .windows import Piece, Track, tracks_of

__all__ = ["Part", "forecast"]

CALL = 1.2e-4  # s, of any call
STACKED = 3e-5  # s, of a program that has not run in this batch
TRACK = 1.2e-5  # s, of lanes of one structure
PIECE = 3e-5  # s, of a piece between edges
MAP_KET = 2.1e-9  # s per entry of a map, sample and block of eight lanes
MAP_LAB = 8.5e-9
MAP_SUPER = 2.8e-9
RHO_PIECE = 6e-5  # s, more where decay acts in steps
RHO = 5e-9  # s per dim^3, step and block
EXPONENT = 4e-9  # s per entry, order, exponential and block
SIGNAL = 2e-7  # s per tone, exponential and block
STEP = 5e-7  # s per coupling layer, whatever the size
NUMBER = 4e-10  # s per number of the layout and pass
LOCAL = 6e-9  # s per entry of a local propagator
LOCAL_LAB = 150  # times as much without the RWA at a tolerance of 1e-6, as its fourth root
DRAWN = 3e-8  # s, of any trajectory
JUMPS = 1.55  # what trajectories cost beside a ket, which they only step
OWN = 2.5  # what maps of a lane's own cost, beside shared ones


class Part(NamedTuple):
    """What one method does in a cluster."""

    what: str
    method: str
    samples: int  # of all experiments
    seconds: float  # predicted, one thread, tables warm


class _Sum:
    """Parts by what they are."""

    def __init__(self) -> None:
        self.found: Dict[Tuple[str, str], List[float]] = {}

    def add(self, what: str, method: str, samples: float, seconds: float) -> None:
        entry = self.found.setdefault((what, method), [0.0, 0.0])
        entry[0] += samples
        entry[1] += seconds

    def parts(self) -> Tuple[Part, ...]:
        return tuple(Part(*key, round(n), s) for key, (n, s) in self.found.items())


def forecast(
    model: Model, batch: Batch, *, solver: str, method: str, rwa: bool, tolerance: float, trajectories: int
) -> Tuple[Part, ...]:
    """Return what a run of a cluster is made of, nothing run.

    Args:
        model: the cluster.
        batch: its experiments, bound.
        solver: "schroedinger", "lindblad" or "trajectories".
        method: "auto" or a name.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        trajectories: how many per experiment.
    """
    out = _Sum()
    new = 0 if remembers(batch, ("stacks", model.dt)) else len(batch.programs)
    density = solver == "lindblad"
    if solver != "trajectories" and method in ("auto", "polynomial") and fits_fast(model, density):
        space = space_of(model, density)
        for stack in stacks_of(batch, model.dt):
            for track in tracks_of(stack, model, np.zeros_like(stack.end), stack.end):
                _track(out, space, stack, track, rwa, tolerance)
    else:
        _groups(out, model, batch, solver, method, rwa, tolerance, trajectories)
    return (*out.parts(), Part("start", "once per call", 0, CALL + STACKED * new))


def _track(out: _Sum, space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> None:
    lanes = len(track.lanes)
    busy = sum(w.length for w in track.windows)
    ends = stack.end[track.lanes]
    gaps = max(float(ends.sum()) - busy * lanes, 0.0)
    out.add("delays", "closed form", gaps, TRACK)
    routes = routes_of(space, stack, track, rwa, tolerance)
    if routes.chained is not None:
        count = len(routes.chained.lanes)
        seconds = count * len(track.windows) * (CHAIN * space.size**2 + CHAINED)
        out.add("pulses that repeat", "propagators, computed once", count * busy, seconds)
    if routes.mapped is not None:
        _gates(out, space, routes.mapped.repeats, len(routes.mapped.track.lanes) * busy)
    for part in routes.sampled:
        _sampled(out, space, stack, part, rwa, tolerance)


def _sampled(out: _Sum, space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> None:
    lanes = len(track.lanes)
    keys = np.stack([t.pulse for t in track.tones], axis=1) if track.tones else np.zeros((lanes, 0), dtype=np.int32)
    lane_at, _ = by_envelope(keys)
    blocks = len(lane_at) // LANES
    waits = (len(track.windows) + 1) * blocks
    out.add("delays", "closed form", 0, waits * (1.3e-8 * space.size**2 if space.density else 1e-6))
    precision = precision_of(track, tolerance, rwa)
    one = np.zeros((1, space.size, 2, LANES))
    kind = engine_of(space, track, rwa, precision)
    engine = kind(space, stack, track, one, lane_at[:LANES], rwa, precision, tolerance / 2)
    for window in track.windows:
        for piece in window.pieces:
            what, how, seconds = _piece(engine, track, piece, blocks)
            out.add(
                what,
                how,
                (piece.stop - piece.start) * len(track.lanes),
                PIECE + seconds + (RHO_PIECE if isinstance(engine, RhoEngine) else 0.0),
            )


def _gates(out: _Sum, space: Space, repeats: Repeats, samples: int) -> None:
    """Add gates that repeat, and their maps where none is known."""
    out.add("gates that repeat", "maps, computed once", samples, mapping_seconds(space, repeats))
    rate = 2 * RHO * space.model.dim**3 if space.density else MAP_KET * space.size**2
    work = sum(work_of(space, g)[1] for g in unknown_gates(space, repeats))
    if work:
        out.add("gates that repeat", "making maps, once", 0, rate * work)


def _piece(engine: Engine, track: Track, piece: Piece, blocks: int) -> Tuple[str, str, float]:
    """Return what a piece is, its method and the time that its kernels take, s."""
    space, model, rwa = engine.space, engine.space.model, engine.rwa
    tones = [track.tones[k] for k, _ in piece.tones]
    samples = piece.stop - piece.start
    shared = all(np.array_equal(t.w, tones[0].w) for t in tones[1:])
    rho = isinstance(engine, RhoEngine)
    cube = 3e-8 * (model.dim if rho else space.size) ** 3 * blocks
    step = RHO * model.dim**3 * blocks if rho else 0.0
    if rwa and shared and piece.flat:
        count = engine.flat_steps(tones, samples * engine.dt) if isinstance(engine, RhoEngine) else 0
        return "flats", "closed form" + (", decay in steps" if rho else ""), cube + count * step
    if len(tones) == 1:
        if not rwa and piece.flat and samples >= LEAST and engine.crosses_flats:
            return "flats", "powers of a carrier's period", 1.5e-4 + (3e-5 + 4e-8 * space.size**3) * blocks
        if rho:
            return "samples of one carrier", "polynomial, decay in steps", engine.cuts * samples * step
        rate = MAP_SUPER if space.density else MAP_KET if rwa else MAP_LAB
        rate *= OWN if tones[0].reach else 1.0
        return "samples of one carrier", "polynomial", samples * blocks * (1e-8 + rate * space.size**2)
    constant = rwa and shared
    steps = Step(engine, tones, constant, engine.parts)
    columns = model.dim if rho else 1
    work = steps.order * (len(steps.entries.values) + model.dim) * columns * EXPONENT + SIGNAL * (len(tones) + 1)
    seconds = samples * (steps.per_sample * work * blocks + engine.parts * step)
    what = "samples of one carrier, several lines" if constant else "samples of several carriers"
    return what, "exponentials" if constant else "magnus", seconds


def _groups(
    out: _Sum, model: Model, batch: Batch, solver: str, method: str, rwa: bool, tolerance: float, trajectories: int
) -> None:
    density = solver == "lindblad"
    name = "splitting" if solver == "trajectories" else choose(model, method, solver, rwa, tolerance)
    for group in lane_groups(batch):
        tones = tones_of(group.program, group.plays(model.dt), model)
        stop, lanes = int(group.program.duration), len(group.experiments)
        if solver == "trajectories":
            cuts = stretches(tones, model.dt, 0, stop, LONG_IDLE)
            busy = sum(b - a for a, b, idle in cuts if not idle)
            seconds = lanes * _trajectory_seconds(model, tones, stop, busy, rwa, trajectories)
            out.add("everything", "splitting, quantum jumps", stop * lanes, seconds)
        elif name == "splitting":
            busy = _busy(model, tones, stop, density)
            out.add("delays", "closed form", (stop - busy) * lanes, 1e-4 * lanes)
            seconds = lanes * _splitting_seconds(model, tones, busy, density, rwa, tolerance)
            out.add("driven", "splitting", busy * lanes, seconds)
        elif name == "magnus":
            _sections(out, model, tones, stop, lanes, density, rwa, tolerance)
        else:
            seconds = _reference_seconds(model, tones, stop, lanes, density, rwa, tolerance)
            out.add("everything", "reference", stop * lanes, seconds)


def _busy(model: Model, tones: Sequence[Tone], stop: int, density: bool) -> int:
    """Return the samples that splitting steps through."""
    if density or model.held or model.dim > LARGEST:
        return stop
    return sum(b - a for a, b, idle in stretches(tones, model.dt, 0, stop, IDLE) if not idle)


def _layout_seconds(model: Model, density: bool) -> float:
    """Return the time of one outer step, s."""
    copies = 2 if density else 1
    levels = tuple(model.levels) * copies
    passes = 1 + 0.6 * len(levels) + 1.3 * copies * len(model.couplings) + (2.0 * model.n if density else 0.0)
    return STEP + NUMBER * KetLayout(levels).total * passes


def _splitting_seconds(
    model: Model, tones: Sequence[Tone], samples: int, density: bool, rwa: bool, tolerance: float
) -> float:
    steps = steps_of(model, rwa, tolerance, samples)
    layers = sum(1 / s for s in steps)
    return (
        5e-4
        + samples * layers * _layout_seconds(model, density)
        + _local_seconds(model, tones, steps[-1], rwa, tolerance)
    )


def _local_seconds(model: Model, tones: Sequence[Tone], step: float, rwa: bool, tolerance: float) -> float:
    """Return the time of the driven transmons' propagators, s."""
    size = [t.samples.size * model.levels[model.lines[t.line].local_qubit] ** 2 for t in tones]
    return LOCAL * sum(size) / min(step, 1.0) * (1.0 if rwa else LOCAL_LAB * (1e-6 / tolerance) ** 0.25)


def _trajectory_seconds(model: Model, tones: Sequence[Tone], stop: int, busy: int, rwa: bool, count: int) -> float:
    step = LONG_STEP * unit(turn_of(model, rwa), gap_of(model))
    driven = {model.lines[t.line].local_qubit for t in tones}
    rate = sum(r * (0.4 if q in driven else 0.01) for q, r in jump_rates(model))
    jumps = count * rate * busy * model.dt
    places = 3 * model.n * busy / step
    reruns = places * (1 - np.exp(-jumps / places)) if places else 0.0
    idle = min(count, count * rate * (stop - busy) * model.dt)  # go on from there, once
    each = JUMPS * busy / step * (_layout_seconds(model, False) - 0.9 * STEP)  # many in one call
    paths = 1 + (reruns + idle) / 2
    return 5e-4 + float(each * paths + idle * CROSSED + count * DRAWN + _local_seconds(model, tones, step, rwa, 1e-6))


def _sections(
    out: _Sum, model: Model, tones: Sequence[Tone], stop: int, lanes: int, density: bool, rwa: bool, tolerance: float
) -> None:
    space = space_of(model, density)
    one = np.zeros((1, space.size, model.dim if density else 1), dtype=complex)[:, :, :1]
    run = Sections(space, [_first(t) for t in tones], one, 0.0, stop * model.dt, rwa=rwa, tolerance=tolerance)
    blocks = -(-lanes // LANES)
    for stretch in run.stretches():
        spans = np.diff(stretch.edges)
        samples = round(float(spans.sum()) / model.dt) * lanes
        if not stretch.tones:
            out.add("delays", "closed form", samples, 2e-5)
            continue
        each, parts, order = run.plan(stretch)
        columns = model.dim if density else 1
        work = order * (len(run.entries.values) + model.dim) * columns * EXPONENT + SIGNAL * len(stretch.tones)
        seconds = len(spans) * blocks * (each * work + (parts * RHO * model.dim**3 + 1e-5 if density else 0.0))
        out.add("sections", "magnus", samples, PIECE + seconds)


def _first(tone: Tone) -> Tone:
    return Tone(tone.line, tone.start_s, tone.samples, tone.amplitude[:1], tone.w[:1], tone.t0, tone.pulse)


def _reference_seconds(
    model: Model, tones: Sequence[Tone], stop: int, lanes: int, density: bool, rwa: bool, tolerance: float
) -> float:
    """Return the time of the reference, s: numpy calls on all lanes at once."""
    run = Reference(model, 1, "lindblad" if density else "schroedinger", rwa)
    allowed = tolerance / max(1, sum(t.samples.size for t in tones))
    each = 2e-4 + 3e-9 * lanes * model.dim**3 * (3 if density else 1) * 12
    seconds = 0.0
    for t in tones:
        plain = rwa and t.line < len(model.lines)
        peak = complex(np.abs(t.samples).max(initial=0.0))
        steps = 1 if plain else 2 * run.substeps([(_first(t), peak)], model.dt, allowed)
        if not plain and not density and model.dim <= SMALL:
            seconds += t.samples.size * (3e-4 + lanes * steps * (2.4e-6 + 6e-9 * model.dim**3))
        else:
            seconds += t.samples.size * steps * each
    return seconds
