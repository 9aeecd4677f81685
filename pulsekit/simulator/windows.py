"""Cut stacked plays into windows: stretches in which some line plays.

Inside a window the relative timing is the same in every lane; the gaps
between windows may differ from lane to lane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Pulse
from ..units import TWO_PI
from .decay import rough_of
from .model import Model
from .stack import Stack, runs_of

Run = Tuple[int, int, bool]
KEPT = 64  # models (clusters) whose tracks a stack keeps
W_REACH = TWO_PI * 25e6  # rad/s, the narrowest class of detuning

__all__ = ["LineTone", "Piece", "Track", "Window", "select_lanes", "together", "tracks_of"]


@dataclass(frozen=True, eq=False)
class LineTone:
    """One play of one line, for every lane."""

    line: int
    t0: np.ndarray  # int64[lanes], samples, whole samples of delay included
    duration: int
    pulse: np.ndarray  # int32[lanes], index into Stack.pulses
    magnitude: np.ndarray  # float64[lanes], rad/s: half the line's rate times the amplitude
    phase: np.ndarray  # float64[lanes], rad, of exp(i w t)
    w: np.ndarray  # float64[lanes], rad/s
    w_ref: float  # rad/s, the line's job-level LO
    fixed: np.ndarray  # bool[lanes]
    skip: int = 0  # samples of the envelope that lie before t0
    strength: float = 0.0  # rad/s, class of |z|: the same for all lanes of a track
    reach: float = 0.0  # rad/s, class of |w - w_ref|: likewise; 0: none
    rough: float = 0.0  # by how much the envelope changes in all, in units of its peak, a class: likewise


@dataclass(frozen=True)
class Piece:
    """Samples ``start`` to ``stop`` of a window with one set of tones."""

    start: int
    stop: int
    flat: bool
    tones: Tuple[Tuple[int, int], ...]  # (tone, where its envelope's sample 0 is in the window)


@dataclass(frozen=True)
class Window:
    """Tones that overlap or touch: ``pieces`` cover it without gaps."""

    first: int  # tone whose start is the window's
    length: int
    pieces: Tuple[Piece, ...]
    tones: Tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Track:
    """Lanes that share windows."""

    lanes: np.ndarray  # int64, indices into the stack's lanes
    tones: Tuple[LineTone, ...]
    windows: Tuple[Window, ...]


def tracks_of(stack: Stack, model: Model, start: np.ndarray, stop: np.ndarray) -> List[Track]:
    """Return the lanes of a stack, split where windows differ.

    Args:
        stack: plays.
        model: the cluster.
        start, stop: int64[lanes], samples; what lies outside is not played.

    Those of whole programs are kept with the stack.
    """
    if start.any() or not np.array_equal(stop, stack.end):
        return _all_tracks(stack, model, start, stop)
    known: Dict[int, Tuple[Model, List[Track]]] = stack.__dict__.setdefault("_tracks", {})  # holds models: ids stay
    found = known.get(id(model))
    if found is None:
        if len(known) >= KEPT:
            known.clear()
        found = known[id(model)] = (model, _all_tracks(stack, model, start, stop))
    return found[1]


def _all_tracks(stack: Stack, model: Model, start: np.ndarray, stop: np.ndarray) -> List[Track]:
    every = _tones(stack, model)
    if not every:
        return [Track(np.arange(len(stack.experiments)), (), ())]
    out: List[Track] = []
    for lanes, tones in _classes(every, stack, model):
        for track in _timed(stack, tones, start[lanes], stop[lanes]):
            out.append(track if len(lanes) == len(start) else replace(track, lanes=lanes[track.lanes]))
    return out


def _classes(tones: List[LineTone], stack: Stack, model: Model) -> List[Tuple[np.ndarray, List[LineTone]]]:
    """Split lanes by their classes of strength and detuning.

    A class depends on its lane alone, and everything that is chosen from it
    (degrees, orders, steps) too: no lane's bits depend on its neighbours.
    """
    peak = np.array([_peak(p) for p in stack.pulses])
    unit = np.array([model.lines[t.line].w_rate / 2 * abs(model.lines[t.line].gain) for t in tones])
    size = np.stack([np.abs(t.magnitude) * peak[t.pulse] for t in tones], axis=1) / unit
    strength = np.where(size > 1 + 1e-12, np.ceil(np.log2(np.maximum(size, 1.0))), 0.0)
    detuning = np.stack([np.abs(t.w - t.w_ref) for t in tones], axis=1)
    steps = np.ceil(np.log2(np.maximum(detuning / W_REACH, 1.0)))
    reach = np.where(detuning == 0, -1.0, steps)
    rough = np.zeros_like(reach)
    if model.noisy:  # steps of decay depend on it
        rough = np.array([rough_of(p) for p in stack.pulses])[np.stack([t.pulse for t in tones], axis=1)]
    keys = np.concatenate([strength, reach, rough], axis=1)
    count = len(tones)
    if (keys == keys[0]).all():
        first, members = keys[:1], [np.arange(len(keys))]
    else:
        first, which = np.unique(keys, axis=0, return_inverse=True)
        members = [np.flatnonzero(np.reshape(which, -1) == k) for k in range(len(first))]
    out = []
    for key, lanes in zip(first, members):
        out.append(
            (
                lanes,
                [
                    replace(
                        _take(t, lanes),
                        strength=float(unit[k] * 2.0 ** key[k]),
                        reach=0.0 if key[count + k] < 0 else float(W_REACH * 2.0 ** key[count + k]),
                        rough=float(key[2 * count + k]),
                    )
                    for k, t in enumerate(tones)
                ],
            )
        )
    return out


def _peak(pulse: Pulse) -> float:
    known = pulse.__dict__.get("_peak")
    if known is None:
        known = pulse.__dict__["_peak"] = float(np.abs(pulse.samples).max(initial=0.0))
    return float(known)


def _timed(stack: Stack, tones: List[LineTone], start: np.ndarray, stop: np.ndarray) -> List[Track]:
    lanes = np.arange(len(start))
    t0 = np.stack([t.t0 for t in tones], axis=1)
    ends = t0 + np.array([t.duration for t in tones])
    if (t0 >= start[:, None]).all() and (ends <= stop[:, None]).all():
        return _split(stack, tones, t0, lanes)
    out: List[Track] = []
    keys = np.concatenate([t0, start[:, None], stop[:, None]], axis=1)
    first, which = np.unique(keys, axis=0, return_inverse=True)
    for k in range(len(first)):
        mine = lanes[np.reshape(which, -1) == k]
        kept = [c for c in (_clip(_take(t, mine), int(first[k, -2]), int(first[k, -1])) for t in tones) if c]
        if not kept:
            out.append(Track(mine, (), ()))
            continue
        own = np.arange(len(mine))
        for track in _split(stack, kept, np.stack([t.t0 for t in kept], axis=1), own):
            out.append(Track(mine[track.lanes], track.tones, track.windows))
    return out


def _clip(tone: LineTone, start: int, stop: int) -> Optional[LineTone]:
    """Return the part of a tone (all lanes start together) in an interval."""
    t0 = int(tone.t0[0])
    a, b = max(t0, start), min(t0 + tone.duration, stop)
    if a >= b:
        return None
    return replace(tone, t0=tone.t0 + (a - t0), duration=b - a, skip=a - t0, rough=tone.rough + 2.0)


def _tones(stack: Stack, model: Model) -> List[LineTone]:
    out: List[LineTone] = []
    for index, line in enumerate(model.lines):
        play = stack.plays.get(line.channel)
        if play is None or not play.duration.size or line.gain == 0 or line.w_rate == 0:
            continue
        if line.local_qubit in model.held:
            continue
        late = round(line.delay_s / model.dt)
        rate = line.w_rate / 2 * abs(line.gain)
        turn = float(np.angle(line.gain))
        w = TWO_PI * play.freq
        magnitude = play.magnitude * rate
        phase = play.phase + turn
        if line.delay_s:
            phase = phase - w * line.delay_s
        if not (np.isfinite(magnitude).all() and np.isfinite(phase).all() and np.isfinite(w).all()):
            raise SimulationError(
                f"{line.channel}: amplitudes, phases and frequencies must be finite, but some are not."
            )
        for p in range(play.duration.size):
            out.append(
                LineTone(
                    index,
                    play.t0[:, p] + late,
                    int(play.duration[p]),
                    play.pulse[:, p],
                    magnitude[:, p],
                    phase[:, p],
                    w[:, p],
                    TWO_PI * play.f_ref,
                    play.fixed[:, p],
                )
            )
    return out


def select_lanes(track: Track, lanes: "np.ndarray | slice") -> Track:
    """Return some lanes of a track (bool, indices into its lanes, or a slice: views)."""
    index = np.flatnonzero(lanes) if isinstance(lanes, np.ndarray) and lanes.dtype == bool else lanes
    return Track(track.lanes[index], tuple(_take(t, index) for t in track.tones), track.windows)


def _split(stack: Stack, tones: List[LineTone], start: np.ndarray, lanes: np.ndarray) -> List[Track]:
    order = np.argsort(start[lanes[0]], kind="stable")
    ordered = start[np.ix_(lanes, order)]
    length = np.array([tones[k].duration for k in order])
    end = np.maximum.accumulate(ordered + length, axis=1)
    opens = np.ones(ordered.shape, dtype=bool)
    opens[:, 1:] = ordered[:, 1:] >= end[:, :-1]
    anchor = np.maximum.accumulate(np.where(opens, np.arange(len(order)), 0), axis=1)
    relative = ordered - np.take_along_axis(ordered, anchor, axis=1)
    same = (opens == opens[0]).all(axis=1) & (relative == relative[0]).all(axis=1)
    same &= (np.diff(ordered, axis=1) >= 0).all(axis=1)
    mine = lanes[same]
    chosen = tuple(_take(tones[k], mine) for k in order)
    windows = _windows(stack, chosen, opens[0], relative[0])
    out = [Track(mine, chosen, windows)]
    rest = lanes[~same]
    return out + (_split(stack, tones, start, rest) if rest.size else [])


def _take(t: LineTone, lanes: "np.ndarray | slice") -> LineTone:
    if isinstance(lanes, np.ndarray) and len(lanes) == len(t.t0):
        return t
    arrays = ("t0", "pulse", "magnitude", "phase", "w", "fixed")
    return replace(t, **{name: getattr(t, name)[lanes] for name in arrays})


def _windows(stack: Stack, tones: Sequence[LineTone], opens: np.ndarray, relative: np.ndarray) -> Tuple[Window, ...]:
    starts = np.flatnonzero(opens).tolist() + [len(tones)]
    out = []
    for a, b in zip(starts[:-1], starts[1:]):
        members = tuple(range(a, b))
        offsets = relative[a:b].tolist()
        runs = [_runs(stack, tones[k]) for k in members]
        if len(members) == 1:
            pieces = tuple(Piece(x, y, flat, ((a, -tones[a].skip),)) for x, y, flat in runs[0])
        else:
            pieces = _pieces(members, offsets, runs, [tones[k].skip for k in members])
        length = max(o + tones[k].duration for k, o in zip(members, offsets))
        out.append(Window(a, int(length), pieces, members))
    return tuple(out)


def together(stack: Stack, tones: Sequence[LineTone]) -> Window:
    """Return the window of tones that begin at once, the same in every lane."""
    count = len(tones)
    (window,) = _windows(stack, tones, np.arange(count) == 0, np.zeros(count, dtype=np.int64))
    return window


def _runs(stack: Stack, tone: LineTone) -> Sequence[Run]:
    """Return the runs of a tone's envelope, counted from where it starts."""
    runs = runs_of(stack.pulses[int(tone.pulse[0])])
    skip, length = tone.skip, tone.duration
    if skip == 0 and runs and runs[-1][1] == length:
        return runs
    cut = [(max(x - skip, 0), min(y - skip, length), flat) for x, y, flat in runs]
    return [(x, y, flat) for x, y, flat in cut if x < y]


def _pieces(
    members: Sequence[int], offsets: Sequence[int], runs: Sequence[Sequence[Run]], skips: Sequence[int]
) -> Tuple[Piece, ...]:
    shifted = [[(o + x, o + y, flat) for x, y, flat in run] for o, run in zip(offsets, runs)]
    edges = sorted({e for run in shifted for x, y, _ in run for e in (x, y)})
    out = []
    for a, b in zip(edges[:-1], edges[1:]):
        on, flat = [], True
        for k, o, run, skip in zip(members, offsets, shifted, skips):
            for x, y, constant in run:
                if x <= a < y:
                    on.append((k, int(o) - skip))
                    flat = flat and constant
        out.append(Piece(int(a), int(b), flat, tuple(on)))
    return tuple(out)
