"""Evolve two transmons by maps of gates that repeat, computed once.

A track is cut into stretches of the same tones. Stretches that are equal but
for the phases of their carriers and for where they begin are one gate
(:mod:`~pulsekit.simulator.gatemaps`): a virtual Z and a start are diagonal.
What :mod:`~pulsekit.simulator.cached` is for pulses that play alone, this is
for gates of several tones at once, and for density matrices of two qutrits.

Whether a lane goes this way depends on that lane alone.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..units import TWO_PI
from .blocks import LANES
from .coordinates import coordinates_of
from .gatemaps import Gate, GateTone, angles_of
from .space import Space
from .stack import Stack, runs_of
from .windows import Track, Window, select_lanes

__all__ = ["KEPT", "Repeats", "repeats_of", "work_of", "worthwhile"]

MAX_DENSITY = 81  # entries of a density matrix
KEPT = 2**26  # bytes of maps per space
TONES = 4  # that play at once
STEPS = {False: (1.0, 10.0, 60.0), True: (1.0, 5.0, 10.0)}  # work of a sample of one tone, carrier, of two carriers
MAKING_KETS = 0.5  # of each column at each angle, beside one state
MAKING = (1.5, 1.5, 2.0)  # the same of density matrices: maps of their own, to finer tolerances
FLAT = 0.25  # of a flat's samples, where decay acts in steps
SQUARINGS = 40  # of the map of a flat
MARGIN = 2.0  # how much more than it gains a lane may spend on maps, which other programs use too
LEAST = {False: 5, True: 3}  # stretches, for fewer never pay


class Repeats(NamedTuple):
    """The stretches of a track and which gate each is, for every lane that fits."""

    fits: np.ndarray  # bool[lanes of the track]
    fixed: np.ndarray  # bool[lanes]: no sweep touches its amplitudes
    begin: np.ndarray  # int64[lanes, stretches], samples
    length: np.ndarray  # int64[stretches], samples
    gate: np.ndarray  # int32[lanes, stretches]
    phase: np.ndarray  # float64[lanes, stretches, 2], rad, of the carriers, exp(i w t)
    offset: np.ndarray  # float64[lanes, stretches, 2], rad/s, of the carriers from the common frame
    gates: Tuple[Gate, ...]

    def take(self, lanes: np.ndarray) -> "Repeats":
        """Return some of these lanes, bool[lanes], with the gates that they play."""
        used, ids = np.unique(self.gate[lanes], return_inverse=True)
        ids = np.reshape(ids, (-1, self.gate.shape[1])).astype(np.int32)
        gates = tuple(self.gates[k] for k in used.tolist())
        fits = self.fits.copy()
        fits[fits] = lanes
        begin, phase, offset = self.begin[lanes], self.phase[lanes], self.offset[lanes]
        return Repeats(fits, self.fixed[lanes], begin, self.length, ids, phase, offset, gates)


class _Stretch(NamedTuple):
    window: Window
    start: int  # in the window, samples
    stop: int
    tones: Tuple[Tuple[int, int], ...]  # (tone, sample of its pulse at which the stretch begins)


def repeats_of(space: Space, stack: Stack, track: Track, rwa: bool, tolerance: float) -> Optional[Repeats]:
    """Return the stretches of a track, remembered on it; None where its lanes cannot go by maps."""
    if not rwa or space.model.n != 2:
        return None
    known = track.__dict__.setdefault("_repeats", {})
    key = (space.density, tolerance)
    if key not in known:
        known[key] = _repeats(space, stack, track, tolerance) if _may_repeat(space, track) else None
    return known[key]


def _may_repeat(space: Space, track: Track) -> bool:
    if not track.windows or (space.density and space.size > MAX_DENSITY):
        return False
    alone = all(len(w.tones) == 1 for w in track.windows)
    return not (alone and (not space.density or space.size <= 16))  # pulses of their own: simulator.cached


def _repeats(space: Space, stack: Stack, track: Track, tolerance: float) -> Optional[Repeats]:
    stretches = [s for w in track.windows for s in _stretches(w)]
    if len(stretches) < LEAST[space.density] or any(len(s.tones) > TONES for s in stretches):
        return None
    fixed = np.ones(len(track.lanes), dtype=bool)
    for t in track.tones:
        fixed &= t.fixed
    fits = _fitting(track, stretches)
    if len(stretches) < LANES * LEAST[space.density]:
        fits &= fixed
    if not fits.any():
        return None
    track, fixed = track if fits.all() else select_lanes(track, fits), fixed[fits]
    lanes = len(track.lanes)
    pulse, size, turn, angles = (
        np.stack([getattr(t, name) for t in track.tones], axis=1).astype(np.float64)
        for name in ("pulse", "magnitude", "w", "phase")
    )
    angles = angles + np.where(size < 0, np.pi, 0.0)
    line = np.array([t.line for t in track.tones])
    t0 = np.stack([track.tones[s.window.first].t0 + s.start for s in stretches], axis=1)
    length = np.array([s.stop - s.start for s in stretches])
    gate = np.zeros((lanes, len(stretches)), dtype=np.int32)
    phase, w = (np.zeros((lanes, len(stretches), 2)) for _ in range(2))
    gates: Dict[Gate, int] = {}
    grid = _grid(len(stretches), tolerance)
    for count in {len(s.tones) for s in stretches}:
        mine = np.array([k for k, s in enumerate(stretches) if len(s.tones) == count])
        tone = np.array([[k for k, _ in stretches[m].tones] for m in mine])
        skip = np.array([[o for _, o in stretches[m].tones] for m in mine])
        shape = (lanes, len(mine), count)
        carrier = turn[:, tone]
        first = (carrier[:, :, :, None] == carrier[:, :, None, :]).argmax(axis=3)  # the first tone of its carrier
        angle = angles[:, tone]
        apart = np.rint((angle - np.take_along_axis(angle, first, axis=2)) / (TWO_PI * grid))
        columns = [
            np.broadcast_to(line[tone], shape),
            pulse[:, tone],
            np.broadcast_to(skip, shape),
            np.abs(size)[:, tone],
            carrier,
            np.mod(apart, round(1 / grid)),
            first > 0,
        ]
        rows = np.stack([np.asarray(c, dtype=np.float64) for c in columns], axis=3).reshape(lanes * len(mine), -1)
        rows = np.concatenate([rows, np.tile(length[mine], lanes)[:, None]], axis=1)
        unique, which = np.unique(rows, axis=0, return_inverse=True)
        made = [_gate(space, stack, row, grid) for row in unique]
        ids = np.array([gates.setdefault(g, len(gates)) for g in made], dtype=np.int32)
        gate[:, mine] = ids[np.reshape(which, -1)].reshape(lanes, len(mine))
        second = first.max(axis=2, keepdims=True)
        for j, at in enumerate((0 * second, second)):
            phase[:, mine, j] = np.take_along_axis(angle, at, axis=2)[:, :, 0]
            w[:, mine, j] = np.take_along_axis(carrier, at, axis=2)[:, :, 0]
    return Repeats(fits, fixed, t0, length, gate, phase, w - space.w_c, tuple(gates))


def _fitting(track: Track, stretches: List[_Stretch]) -> np.ndarray:
    """Tell which lanes play at their LOs, on two of them at a time."""
    fits = np.ones(len(track.lanes), dtype=bool)
    for tone in track.tones:
        fits &= tone.w == tone.w_ref
    for together in {tuple(k for k, _ in s.tones) for s in stretches if len(s.tones) > 2}:
        w = np.sort(np.stack([track.tones[k].w for k in together], axis=1), axis=1)
        fits &= (w[:, 1:] != w[:, :-1]).sum(axis=1) < 2
    return fits


def _stretches(window: Window) -> List[_Stretch]:
    """Return the parts of a window between which tones begin or end."""
    out: List[_Stretch] = []
    for piece in window.pieces:
        tones = piece.tones
        if out and out[-1].tones == tones:
            out[-1] = out[-1]._replace(stop=piece.stop)
        else:
            out.append(_Stretch(window, piece.start, piece.stop, tones))
    return [s._replace(tones=tuple((k, s.start - offset) for k, offset in s.tones)) for s in out]


def _grid(stretches: int, tolerance: float) -> float:
    """Return to which part of a turn phases between tones of one carrier are rounded, a power of two."""
    return float(2.0 ** np.floor(np.log2(tolerance / (16 * 16.0 ** np.ceil(np.log2(max(stretches, 16)) / 4)))))


def _gate(space: Space, stack: Stack, row: np.ndarray, grid: float) -> Gate:
    """Return the gate of a row of numbers."""
    tones = tuple(
        GateTone(
            int(line),
            stack.pulses[int(pulse)],
            int(skip),
            float(strength),
            float(w),
            float(TWO_PI * grid * apart),
            bool(second),
        )
        for line, pulse, skip, strength, w, apart, second in row[:-1].reshape(-1, 7)
    )
    near = [int(np.argmin(np.abs(space.model.w_frame - t.w))) for t in tones if t.second or t is tones[0]]
    return Gate(tones, int(row[-1]), (near[0], 1 - near[0] if len(near) > 1 else near[0]))


def worthwhile(space: Space, repeats: Repeats) -> np.ndarray:
    """Tell which lanes repeat their gates so often that it pays for the maps, bool[lanes].

    Maps of what no sweep touches are every program's, and may cost more than
    a lane by itself gains; others must pay beside lanes that share a block.
    """
    work = np.array([work_of(space, g) for g in repeats.gates])
    size = 8 * coordinates_of(space).size ** 2 * np.array([angles_of(g) for g in repeats.gates])  # bytes of maps
    out = np.zeros(len(repeats.gate), dtype=bool)
    for lane, ids in enumerate(repeats.gate):
        counts = np.bincount(ids, minlength=len(work))
        used = counts > 0
        gain = (work[:, 0] * counts).sum() * (MARGIN if repeats.fixed[lane] else 1 / LANES)
        out[lane] = work[used, 1].sum() <= gain and size[used].sum() <= KEPT / 2
    return out


def work_of(space: Space, gate: Gate) -> Tuple[float, float]:
    """Return the work of a gate sample by sample, and of making its map.

    In samples of one tone, for a block of eight states.
    """
    edges, flats = _samples(gate)
    angles = angles_of(gate)
    kind = 0 if len(gate.tones) == 1 else 1 if angles == 1 else 2
    step = STEPS[space.density][kind]
    if not space.density:
        return step * edges, MAKING_KETS * space.size * angles * step * edges
    blocks = -(-space.size // LANES)
    made = angles * blocks * (MAKING[kind] * edges + (SQUARINGS if flats else 0))
    return step * edges + FLAT * flats, made + (step - 1) * edges


def _samples(gate: Gate) -> Tuple[int, int]:
    """Return how many samples of a gate are edges, and how many are flat: tones of two carriers never are."""
    if angles_of(gate) > 1:
        return gate.length, 0
    flat = np.ones(gate.length, dtype=bool)
    for tone in gate.tones:
        for a, b, constant in runs_of(tone.pulse):
            if not constant:
                flat[max(a - tone.skip, 0) : max(b - tone.skip, 0)] = False
    flats = int(flat.sum())
    return gate.length - flats, flats
