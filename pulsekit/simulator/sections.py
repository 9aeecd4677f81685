"""Method "magnus": go from edge to edge of any line's samples, by exponentials.

Between two neighbouring edges every envelope is constant, wherever the edges
lie: this is how lines late by parts of a sample are evolved. Where all that
play share a carrier under the RWA, one exponential in its frame is exact; else
a section is cut into steps of the commutator-free Magnus method of order 4, as
in :mod:`~pulsekit.simulator.magnus`. Density matrices take decay between the
unitary steps (:mod:`~pulsekit.simulator.rho`).
"""

from __future__ import annotations

import threading
from functools import cached_property, partial
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from .._ext import kernel
from .blocks import LANES, aligned, apply, by_envelope, pack, phases, unpack
from .decay import Drive, decay_cut, decays
from .magnus import LARGEST, NODES, WEIGHTS, Entries, magnus_error, packed, rwa_error, taylor_order
from .model import Model
from .space import Space, space_of
from .threads import look, run_all
from .timeline import Tone

__all__ = ["MAX_DENSITY", "MAX_KET", "Sections", "evolve_sections"]

_lanes = kernel("lanes")
MAX_KET = 81  # amplitudes that "auto" gives to this method
MAX_DENSITY = 16  # levels in all, of density matrices
_CHUNK = 2**16  # doubles of amplitudes, or of unitaries, of a block at a time


class _Stretch(NamedTuple):
    """Neighbouring sections that are stepped alike."""

    edges: np.ndarray  # float64[sections + 1], s
    tones: Tuple[int, ...]  # what plays in any of them
    constant: bool  # one carrier, RWA


def evolve_sections(
    model: Model,
    tones: Sequence[Tone],
    states: np.ndarray,
    *,
    start: int,
    stop: int,
    solver: str,
    rwa: bool,
    tolerance: float,
    threads: int = 1,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve dressed interaction-frame states from ``start`` to ``stop``.

    Args:
        model: the cluster, without extra terms.
        tones: from :func:`~pulsekit.simulator.timeline.tones_of`.
        states: complex128[lanes, dim, columns]; "lindblad": columns = dim.
        start, stop: samples.
        solver: "schroedinger" or "lindblad".
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
        threads: plain threads over kinds of lanes; the result is the same.
        cancel: looked at between pieces of work.

    Returns:
        complex128[lanes, dim, columns].

    Raises:
        CancelledError: ``cancel`` was set.
    """
    space = space_of(model, solver == "lindblad")
    out = np.empty_like(states)
    used = [
        t for t in tones if t.start_s < stop * model.dt and t.start_s + t.samples.size * model.dt > start * model.dt
    ]
    jobs = []
    for lanes in _kinds(used, len(states)):
        mine = [_of_lanes(t, lanes) for t in used]
        jobs.append(partial(_run, space, mine, states, lanes, start, stop, rwa, tolerance, cancel, out))
    run_all(jobs, threads)
    return out


def _kinds(tones: Sequence[Tone], lanes: int) -> List[np.ndarray]:
    """Return lanes that may be stepped side by side: what is chosen depends on no neighbour."""
    if not tones:
        return [np.arange(lanes)]
    size = np.stack([np.abs(t.amplitude) for t in tones], axis=1)
    keys = np.concatenate([_class(size), np.stack([t.w for t in tones], axis=1)], axis=1)
    _, which = np.unique(keys, axis=0, return_inverse=True)
    which = np.reshape(which, -1)
    return [np.flatnonzero(which == k) for k in range(int(which.max()) + 1)]


def _class(size: np.ndarray) -> np.ndarray:
    """Return sizes rounded up to powers of two."""
    return np.where(size > 0, 2.0 ** np.ceil(np.log2(np.where(size > 0, size, 1.0))), 0.0)


def _of_lanes(tone: Tone, lanes: np.ndarray) -> Tone:
    return Tone(tone.line, tone.start_s, tone.samples, tone.amplitude[lanes], tone.w[lanes], tone.t0, tone.pulse)


def _run(
    space: Space,
    tones: Sequence[Tone],
    states: np.ndarray,
    lanes: np.ndarray,
    start: int,
    stop: int,
    rwa: bool,
    tolerance: float,
    cancel: Optional[threading.Event],
    out: np.ndarray,
) -> None:
    dt = space.model.dt
    x = states[lanes].reshape(len(lanes), space.size, -1)
    offset = space.offsets[None, :, None]
    x = x * np.exp(-1j * offset * (start * dt))
    run = Sections(space, tones, x, start * dt, stop * dt, rwa=rwa, tolerance=tolerance)
    for stretch in run.stretches():
        look(cancel)
        run.cross(stretch, cancel)
    x = run.result() * np.exp(-1j * -offset * (stop * dt))
    out[lanes] = x.reshape(states[lanes].shape)


class Sections:
    """Lanes of one kind under way, in the common frame.

    Args:
        space: the linear system.
        tones: whatever plays between ``begin`` and ``end``.
        x: complex128[lanes, size, columns], the states at ``begin``.
        begin, end: s.
        rwa: drop counter-rotating terms.
        tolerance: error allowed in an amplitude, or an entry of a density matrix.
    """

    def __init__(
        self,
        space: Space,
        tones: Sequence[Tone],
        x: np.ndarray,
        begin: float,
        end: float,
        *,
        rwa: bool,
        tolerance: float,
    ) -> None:
        self.space, self.model, self.tones, self.rwa = space, space.model, tones, rwa
        self.ket = space_of(space.model, False)
        self.columns = x.shape[2]
        lane_at, self.place = by_envelope(np.zeros((len(x), 0), dtype=np.int32))
        self.x = pack(x.reshape(len(x), -1), lane_at)
        w_rate = [self.model.lines[t.line].w_rate / 2 for t in tones]
        self.f = [(half * t.amplitude)[lane_at] for t, half in zip(tones, w_rate)]
        self.w = [float(t.w[0]) for t in tones]
        peaks = [float(np.abs(t.samples).max(initial=0.0)) for t in tones]
        sizes = [float(_class(np.abs(t.amplitude))[0]) if len(t.amplitude) else 0.0 for t in tones]
        self.strength = [half * size * peak for half, size, peak in zip(w_rate, sizes, peaks)]
        self.allowed = tolerance / 4
        self.begin, self.end, self.span = begin, end, end - begin
        self.entries = _entries(self.ket)
        energies = self.ket.energies
        self.centre = float(energies.max() + energies.min()) / 2
        scratch = (2 * max(self.x.shape[1], self.model.dim**2) + len(self.entries.values) + 8) * 2 * LANES
        self.work = aligned(max(scratch, 6 * space.size * 2 * LANES))

    def result(self) -> np.ndarray:
        """Return complex128[lanes, size, columns]."""
        x = unpack(self.x, self.place)
        return x.reshape(len(x), self.space.size, self.columns)

    @cached_property
    def _edges(self) -> np.ndarray:
        """Where any envelope may change, and both ends, s, ascending."""
        dt = self.model.dt
        marks = [t.start_s + np.arange(t.samples.size + 1) * dt for t in self.tones]
        edges = np.unique(np.concatenate([[self.begin, self.end], *marks]))
        edges = edges[(edges >= self.begin) & (edges <= self.end)]
        edges = edges[np.concatenate([[True], np.diff(edges) > 1e-6 * dt])]
        edges[-1] = self.end
        return edges

    def stretches(self) -> List[_Stretch]:
        """Return the interval as stretches of sections."""
        dt, edges = self.model.dt, self._edges
        middle = (edges[:-1] + edges[1:]) / 2
        starts = np.array([t.start_s for t in self.tones])
        stops = starts + np.array([t.samples.size * dt for t in self.tones])
        first, last = np.searchsorted(middle, starts, "right").tolist(), np.searchsorted(middle, stops).tolist()
        turned: Dict[int, Set[int]] = {0: set()}  # tones that begin or end
        for k, span in enumerate(zip(first, last)):
            if span[0] < span[1]:
                for at in span:
                    turned.setdefault(at, set()).add(k)
        cuts = [*sorted(turned), len(middle)]
        out: List[_Stretch] = []
        live: Set[int] = set()
        for a, b in zip(cuts[:-1], cuts[1:]):
            live ^= turned[a]
            if a < b:
                playing = tuple(sorted(live))
                constant = self.rwa and len({self.w[k] for k in playing}) == 1
                out.append(_Stretch(edges[a : b + 1], playing, constant))
        return out

    def cross(self, stretch: _Stretch, cancel: Optional[threading.Event]) -> None:
        """Evolve through a stretch."""
        if not stretch.tones:
            self._wait(float(stretch.edges[-1] - stretch.edges[0]))
            return
        w = self.w[stretch.tones[0]] if stretch.constant else self.space.w_c
        self._turn((w - self.space.w_c) * float(stretch.edges[0]))
        tau = np.diff(stretch.edges)
        each, parts, order = self.plan(stretch)
        steps = each // (1 if stretch.constant else 2)
        numbers = (self.model.n + 2) * 2 * LANES * each  # of a block: chunks are the same for any lanes
        if self.space.density:
            numbers += parts * 2 * self.model.dim**2 * LANES
        work = 5e-9 * each * order * len(self.entries.values) * (self.model.dim if self.space.density else self.columns)
        chunk = max(1, min(_CHUNK // numbers, int(0.05 / work)))
        for a in range(0, len(tau), chunk):
            look(cancel)
            b = min(a + chunk, len(tau))
            amps = self._amplitudes(stretch, stretch.edges[a : b + 1], steps, w)
            if self.space.density:
                self._decaying(amps, tau[a:b], parts, order)
            else:
                _lanes.taylor(self.x, np.zeros(self.model.dim), amps, *self.entries, order, self.work)
        if not self.space.density:
            span = float(stretch.edges[-1] - stretch.edges[0])
            _lanes.scale(self.x, phases(np.full((len(self.x), self.space.size, LANES), -self.centre * span)))
        self._turn(-(w - self.space.w_c) * float(stretch.edges[-1]))

    def _turn(self, angle: float) -> None:
        if angle:
            turn = np.broadcast_to(angle * self.space.number[None, :, None], (len(self.x), self.space.size, LANES))
            _lanes.scale(self.x, phases(turn))

    def _wait(self, span: float) -> None:
        if not self.space.density:
            angle = np.broadcast_to(-span * self.space.energies[None, :, None], (len(self.x), self.space.size, LANES))
            _lanes.scale(self.x, phases(angle))
            return
        values, columns, inverse, _ = self.space.modes
        apply(self.x, (columns * np.exp(values * span)) @ inverse)

    def plan(self, stretch: _Stretch) -> Tuple[int, int, int]:
        """Return exponentials per section, how many unitaries they make, and terms of their series."""
        tau = float(np.diff(stretch.edges).max())
        drive = sum(self.strength[k] for k in stretch.tones)
        if stretch.constant:
            steps = int(np.ceil(self._norm(stretch, tau) / LARGEST))
        else:
            share = self.allowed * tau / self.span
            if self.rwa:
                offset = max(abs(self.w[k] - self.space.w_c) for k in stretch.tones)
                error = rwa_error(offset * tau, float(np.ptp(self.ket.energies)) / 2 * tau, drive * tau)
            else:
                error = magnus_error(2 * max(self.w[k] for k in stretch.tones) * tau, drive * tau)
            steps = int(np.ceil((error / share) ** 0.25))
        steps, parts = max(1, steps), 1
        if self.space.density:
            carrier = 0.0 if self.rwa else min(self.w[k] for k in stretch.tones)
            some = [[self._drives[k] for k in stretch.tones]]
            parts = decay_cut(self.space, tau, self._lines, some, carrier, self.span, self.allowed).steps
            steps = parts * -(-steps // parts)
        each = steps * (1 if stretch.constant else 2)
        h = tau / each
        return each, parts, taylor_order(self._norm(stretch, h), max(self.allowed * h / self.span, 1e-16))

    @cached_property
    def _drives(self) -> List[Drive]:
        """What every tone does to decay."""
        near = [float(self.model.w_frame[self.model.lines[t.line].local_qubit]) for t in self.tones]
        every = zip(self.tones, self.strength, self.w, near)
        return [Drive(t.line, strength, self._rough(t), abs(w - a)) for t, strength, w, a in every]

    def _rough(self, tone: Tone) -> float:
        """Return by how much an envelope changes in all, peak 1; where steps get others it ends and begins anew."""
        first, last = self._places(tone)
        peak = float(np.abs(tone.samples).max(initial=0.0))
        if last <= first or not peak:
            return 0.0
        middle = (self._edges[first:last] + self._edges[first + 1 : last + 1]) / 2
        z = tone.samples[np.floor((middle - tone.start_s) / self.model.dt).astype(np.int64)]
        size = np.abs(z)
        change = np.where(self._anew[first + 1 : last], size[1:] + size[:-1], np.abs(np.diff(z)))
        return float(change.sum() + size[0] + size[-1]) / peak

    def _places(self, tone: Tone) -> Tuple[int, int]:
        """Return at which edges a tone begins and ends, as far as it is between both ends."""
        near, size = 1e-6 * self.model.dt, tone.samples.size * self.model.dt
        first, last = np.searchsorted(self._edges, [tone.start_s - near, tone.start_s + size - near])
        return int(first), min(int(last), self._edges.size - 1)

    @cached_property
    def _anew(self) -> np.ndarray:
        """Where steps may get others: sections of another length, or other tones, begin; bool[edges]."""
        out = np.zeros(self._edges.size, dtype=bool)
        out[1:-1] = np.abs(np.diff(self._edges, 2)) > 1e-6 * self.model.dt
        out[[at for tone in self.tones for at in self._places(tone) if at < out.size]] = True
        return out

    @cached_property
    def _lines(self) -> List[Drive]:
        """What all tones of every line do together: long programs have few lines."""
        out: Dict[int, Drive] = {}
        for d in self._drives:
            known = out.get(d.line, d._replace(rough=0.0))
            strength = max(d.strength, known.strength)
            rough = (d.strength * d.rough + known.strength * known.rough) / strength if strength else 0.0
            out[d.line] = known._replace(strength=strength, rough=rough)
        return list(out.values())

    def _norm(self, stretch: _Stretch, span: float) -> float:
        drive = sum(self.strength[k] for k in stretch.tones)
        norm = float(np.ptp(self.ket.energies)) / 2 + 4 * drive * np.sqrt(max(self.model.levels) - 1)
        if stretch.constant:
            norm += abs(self.w[stretch.tones[0]] - self.space.w_c) * float(np.abs(self.ket.number).max())
        return norm * span

    def _amplitudes(self, stretch: _Stretch, edges: np.ndarray, steps: int, w: float) -> np.ndarray:
        """Return float64[blocks, exponentials, qubits + 2, 2, 8]: drives, energies, number.

        Block by block, as in :mod:`~pulsekit.simulator.magnus`.
        """
        tau = np.diff(edges)
        h = np.repeat(tau / steps, steps)
        begin = np.repeat(edges[:-1], steps) + h * np.tile(np.arange(steps), len(tau))
        middle = np.repeat((edges[:-1] + edges[1:]) / 2, steps)
        count = len(h) * (1 if stretch.constant else 2)
        per = h if stretch.constant else np.repeat(h / 2, 2)
        out = aligned(len(self.x), count, self.model.n + 2, 2, LANES)
        for block in range(len(out)):
            amps = np.zeros((LANES, count, self.model.n + 2), dtype=complex)
            amps[:, :, -2] = per
            amps[:, :, -1] = -(w - self.space.w_c) * per
            for k in stretch.tones:
                t = self.tones[k]
                index = np.floor((middle - t.start_s) / self.model.dt).astype(np.int64)
                z = self.f[k][block * LANES : (block + 1) * LANES, None] * t.samples[index][None, :]
                q = self.model.lines[t.line].local_qubit
                if stretch.constant:
                    amps[:, :, q] += z * h
                    continue
                f, g = (self._signal(z, self.w[k], begin + node * h) for node in NODES)
                amps[:, 0::2, q] += (WEIGHTS[0] * f + WEIGHTS[1] * g) * h
                amps[:, 1::2, q] += (WEIGHTS[1] * f + WEIGHTS[0] * g) * h
            out[block] = packed(amps)[0]
        return out

    def _signal(self, z: np.ndarray, w: float, t: np.ndarray) -> np.ndarray:
        f = z * np.exp(1j * ((w - self.space.w_c) * t))[None, :]
        return f if self.rwa else f + np.conj(f) * np.exp(-2j * self.space.w_c * t)[None, :]

    def _decaying(self, amps: np.ndarray, tau: np.ndarray, parts: int, order: int) -> None:
        """Apply the unitaries of sections' parts, decay between them."""
        dim, blocks, count = self.model.dim, len(self.x), len(tau) * parts
        each = amps.shape[1] // count
        apart = amps.reshape((blocks, count, each) + (amps.shape[2], 2, LANES)).swapaxes(0, 1)
        u = aligned(count * blocks, dim * dim, 2, LANES)
        u[:] = 0
        u[:, :: dim + 1, 0] = 1
        flat = np.ascontiguousarray(apart).reshape(-1, each, amps.shape[2], 2, LANES)
        _lanes.taylor(u, np.zeros(dim), flat, *self.entries, order, self.work)
        every = u.reshape(len(tau), parts, blocks, dim * dim, 2, LANES)
        for section, span in enumerate(tau.tolist()):
            decay = decays(self.space, span / parts, parts > 1, self.allowed * span / self.span)
            _lanes.rho_steps(self.x, every[section], dim, parts, self.work, *decay)


def _entries(space: Space) -> Entries:
    """Return the entries of the generator: drives, energies, number."""
    kept = space.__dict__.get("_entries")
    if kept is None:
        energies = space.energies
        middle = (energies.max() + energies.min()) / 2
        diagonal = [np.diag((energies - middle) / 2).astype(complex), np.diag(space.number / 2).astype(complex)]
        kept = space.__dict__["_entries"] = Entries.of([*space.model.lower_dressed, *diagonal])
    return kept
