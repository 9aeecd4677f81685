"""Integrate sample by sample with nothing clever: the yardstick.

Between two neighbouring sample edges (of any line) the envelopes are
constant. Where all active tones of a lane share one carrier, the Hamiltonian
in the frame of that carrier is constant and one exponential is exact; else
the piece is cut into equal steps of the commutator-free Magnus method of
order 4 (Alvermann and Fehske, J. Comput. Phys. 230, 5930 (2011)).
Exponentials act by their Taylor series, in the dressed basis.
"""

from __future__ import annotations

import threading
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
from scipy.linalg import expm

from .model import Model
from .threads import look
from .timeline import Tone

__all__ = ["SMALL", "Reference", "evolve_reference"]

Generator = Callable[[np.ndarray], np.ndarray]
_GAUSS = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)
SMALL = 32  # states, of which steps are taken many at once
AT_ONCE = 64  # of these
_CFM = (0.25 + np.sqrt(3) / 6, 0.25 - np.sqrt(3) / 6)


def evolve_reference(
    model: Model,
    tones: Sequence[Tone],
    states: np.ndarray,
    *,
    start: int,
    stop: int,
    solver: str,
    rwa: bool,
    tolerance: float,
    cancel: Optional[threading.Event] = None,
) -> np.ndarray:
    """Evolve dressed interaction-frame states from ``start`` to ``stop``.

    Args:
        model: the cluster.
        tones: from :func:`~pulsekit.simulator.timeline.tones_of`.
        states: complex128[lanes, dim, columns]; "lindblad": columns = dim.
        start, stop: samples.
        solver: "schroedinger" or "lindblad".
        rwa: drop counter-rotating terms.
        tolerance: error allowed over the whole interval.
        cancel: looked at before every step, or some of them.

    Returns:
        complex128[lanes, dim, columns].

    Raises:
        CancelledError: ``cancel`` was set.
    """
    run = Reference(model, states.shape[0], solver, rwa, cancel)
    begin, end = start * model.dt, stop * model.dt
    x = run.enter(states, begin)
    edges = _edges(tones, begin, end, model.dt)
    pieces = max(1, len(edges) - 1)
    for a, b in zip(edges[:-1], edges[1:]):
        active = [(t, _sample(t, (a + b) / 2, model.dt)) for t in tones]
        x = run.step([(t, z) for t, z in active if z != 0], x, a, b, tolerance / pieces)
    return run.leave(x, end)


def _edges(tones: Sequence[Tone], begin: float, end: float, dt: float) -> List[float]:
    marks = [np.array([begin, end])]
    for t in tones:
        marks.append(t.start_s + np.arange(t.samples.size + 1) * dt)
    every = np.unique(np.concatenate(marks))
    every = every[(every >= begin) & (every <= end)]
    keep = np.concatenate([[True], np.diff(every) > 1e-6 * dt])
    every = every[keep]
    if every.size > 1 or end > begin:
        every[-1] = end
    return [float(e) for e in every]


def _sample(tone: Tone, t: float, dt: float) -> complex:
    k = int(np.floor((t - tone.start_s) / dt))
    return complex(tone.samples[k]) if 0 <= k < tone.samples.size else 0j


class Reference:
    """States in the common frame: exp(i w_c N t) on dressed laboratory ones."""

    def __init__(
        self, model: Model, lanes: int, solver: str, rwa: bool, cancel: Optional[threading.Event] = None
    ) -> None:
        self.model, self.lanes, self.rwa, self.cancel = model, lanes, rwa, cancel
        self.density = solver == "lindblad"
        self.number = model.excitations
        self.w_c = float(model.w_frame[0])
        self.diagonal = model.energies(self.w_c)
        self.collapse = model.collapse_dressed if self.density else ()
        self.decay = sum((c.conj().T @ c for c in self.collapse), np.zeros((model.dim, model.dim))) / 2
        lower = model.lower_dressed
        self.operators = [(line.w_rate / 2) * lower[line.local_qubit] for line in model.lines]
        self.rest: List[Optional[np.ndarray]] = [None] * len(self.operators)
        self.change = change = self.number[:, None] - self.number[None, :]
        for term in model.driven:
            self.operators.append(model.to_dressed(np.where(change == -1, term.operator, 0)) / 2)
            rest = np.where(np.abs(change) == 1, 0, term.operator)
            self.rest.append(model.to_dressed(rest) if rest.any() else None)
        # static terms that do not keep excitations mix them: lowering operators have elements of other changes
        self.mixed = any(np.any(m[change != -1]) for m in self.operators)
        self.most = [0.0 if m is None else float(np.abs(change[np.abs(m) > 0]).max(initial=0)) for m in self.rest]

    def _turn(self, x: np.ndarray, phase: np.ndarray) -> np.ndarray:
        factor = np.exp(1j * phase)
        factor = factor[None, :] if factor.ndim == 1 else factor
        x = x * factor[:, :, None]
        return x * factor.conj()[:, None, :] if self.density else x

    def enter(self, states: np.ndarray, t: float) -> np.ndarray:
        return self._turn(states.astype(complex), -self.model.offsets(self.w_c) * t)

    def leave(self, x: np.ndarray, t: float) -> np.ndarray:
        return self._turn(x, self.model.offsets(self.w_c) * t)

    def step(
        self, active: List[Tuple[Tone, complex]], x: np.ndarray, a: float, b: float, tolerance: float
    ) -> np.ndarray:
        look(self.cancel)
        if not active and (not self.density or not self.collapse):
            return self._turn(x, -self.diagonal * (b - a))
        if not active:
            return self._idle(x, b - a)
        plain = not self.mixed and all(self.rest[t.line] is None for t, _ in active)
        w = active[0][0].w
        if self.rwa and plain and all(np.array_equal(t.w, w) for t, _ in active):
            turn = (w - self.w_c)[:, None] * self.number[None, :]
            x = self._turn(x, turn * a)
            f = [t.amplitude * z for t, z in active]
            drive = sum(c[:, None, None] * self.operators[t.line] for c, (t, _) in zip(f, active))
            h = drive + np.conj(np.swapaxes(drive, 1, 2))
            index = np.arange(self.model.dim)
            h[:, index, index] += self.diagonal - turn
            return self._turn(self._exponential(h, x, b - a), -turn * b)
        steps = self.substeps(active, b - a, tolerance)
        h = (b - a) / steps
        if not self.density and self.model.dim <= SMALL:
            return self._product(active, a, h, steps) @ x
        for k in range(steps):
            look(self.cancel)
            t = a + k * h
            h1, h2 = self._hamiltonians(active, t + np.array(_GAUSS) * h)
            x = self._exponential(_CFM[0] * h1 + _CFM[1] * h2, x, h, 0.5)
            x = self._exponential(_CFM[1] * h1 + _CFM[0] * h2, x, h, 0.5)
        return x

    def _product(self, active: List[Tuple[Tone, complex]], a: float, h: float, steps: int) -> np.ndarray:
        """Return the propagator of so many steps of ``h`` (s) from ``a`` on, complex128[lanes, dim, dim]."""
        total = np.broadcast_to(np.eye(self.model.dim, dtype=complex), (self.lanes, self.model.dim, self.model.dim))
        for first in range(0, steps, AT_ONCE):
            look(self.cancel)
            t = a + np.arange(first, min(first + AT_ONCE, steps)) * h
            h1, h2 = (self._hamiltonians(active, t + g * h) for g in _GAUSS)
            values, vectors = np.linalg.eigh(np.stack([_CFM[0] * h1 + _CFM[1] * h2, _CFM[1] * h1 + _CFM[0] * h2], 1))
            u = (vectors * np.exp(-1j * h * values)[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))
            u = u.reshape(-1, *total.shape)
            while len(u) > 1:
                even = u[1::2] @ u[: len(u) // 2 * 2 : 2]
                u = np.concatenate([even, u[-1:]]) if len(u) % 2 else even
            total = u[0] @ total
        return total

    def _idle(self, x: np.ndarray, span: float) -> np.ndarray:
        """Return the free decay of density matrices, by one dense exponential."""
        eye = np.eye(self.model.dim)
        left = -1j * np.diag(self.diagonal) - self.decay
        generator = np.kron(left, eye) + np.kron(eye, left.conj())
        for c in self.collapse:
            generator = generator + np.kron(c, c.conj())
        flat = x.reshape(x.shape[0], -1) @ expm(generator * span).T
        return flat.reshape(x.shape)

    def substeps(self, active: List[Tuple[Tone, complex]], span: float, tolerance: float) -> int:
        """Return into how many Magnus steps a piece is cut."""
        fast = max(float(np.max(np.abs(t.w - self.w_c))) for t, _ in active)
        if not self.rwa or self.mixed:
            fast = max(float(np.max(t.w)) + self.w_c for t, _ in active)
        others = [float(np.max(t.w)) + self.most[t.line] * self.w_c for t, _ in active if self.rest[t.line] is not None]
        fast = max([fast, *others])
        strong = sum(float(np.max(np.abs(t.amplitude * z))) * np.abs(self.operators[t.line]).max() for t, z in active)
        spread = float(np.ptp(self.diagonal))
        error = (max(fast, 1e-3 * spread) * span) ** 4 * strong * span / 2000 * (1 + spread * span)
        return int(np.clip(np.ceil((error / max(tolerance, 1e-14)) ** 0.25), 1, 4000))

    def _hamiltonians(self, active: List[Tuple[Tone, complex]], times: np.ndarray) -> np.ndarray:
        """Return the Hamiltonian at some times (s), complex128[times, lanes, dim, dim]."""
        t = times[:, None]
        h = np.zeros((times.size, self.lanes, self.model.dim, self.model.dim), dtype=complex)
        for tone, z in active:
            f = tone.amplitude * z * np.exp(1j * (tone.w - self.w_c) * t)
            fast = 0 if self.rwa else np.conj(f) * np.exp(-2j * self.w_c * t)
            part = (f + fast)[..., None, None] * self.operators[tone.line]
            if self.mixed:
                part = part * np.exp(1j * (self.change + 1) * self.w_c * t[..., None, None])
            h += part + np.conj(np.swapaxes(part, -1, -2))
            rest = self.rest[tone.line]
            if rest is not None:
                signal = (f * np.exp(1j * self.w_c * t)).real
                turn = np.exp(1j * self.change * self.w_c * t[..., None, None])
                h += signal[..., None, None] * rest * turn
        index = np.arange(self.model.dim)
        h[..., index, index] += self.diagonal
        return h

    def _exponential(self, h: np.ndarray, x: np.ndarray, span: float, weight: float = 1.0) -> np.ndarray:
        """Return exp(span G) x, G = -i [h, .] + weight * dissipator."""
        index = np.arange(self.model.dim)
        centre = np.trace(h, axis1=1, axis2=2).real / self.model.dim
        h = h.copy()
        h[:, index, index] -= centre[:, None]
        size = float(np.max(np.abs(h).sum(axis=2))) * span * (2 if self.density else 1)
        steps = max(1, int(np.ceil(size / 3)))
        for _ in range(steps):
            term = x
            for order in range(1, 60):
                term = self._apply(h, term, weight) * (span / steps / order)
                x = x + term
                if np.max(np.abs(term)) < 1e-17 * max(1.0, float(np.max(np.abs(x)))):
                    break
        return x if self.density else x * np.exp(-1j * centre * span)[:, None, None]

    def _apply(self, h: np.ndarray, x: np.ndarray, weight: float) -> np.ndarray:
        if not self.density:
            return -1j * (h @ x)
        left = (-1j * h - weight * self.decay) @ x
        right = x @ (1j * h - weight * self.decay)
        for c in self.collapse:
            left = left + weight * (c @ x @ c.conj().T)
        return left + right
