"""Solve a cx or ecr on its pair: tone, cancellation and virtual Z."""

from __future__ import annotations

from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Channel, Program
from ..simulator import Model
from .fidelity import average_fidelity, block_of, leakage_of, phase_aligned
from .ideal import ideal_unitary
from .mirror import computational, logical
from .newton import least_squares
from .rates import computational_part, driven_hamiltonian, pauli_rates, tone_operator
from .segments import CrossPropagator, Known
from .templates import CrossTemplate, frame_channels, with_shifts

__all__ = ["CrossSolution", "apply_solution", "solve_cross", "zx_turn"]

_GRID = 49  # amplitudes at which the ZX rate is tabulated
GOOD = 0.9995  # stop trying further starts at this fidelity
SAME = 2e-4  # the other direction may lose so much fidelity and keep its tones
STARTS = 3


class CrossSolution(NamedTuple):
    """What a two-qubit gate needs on its pair."""

    tone: complex  # factor of the cross-resonance tone
    cancel: complex  # factor of the target's tone
    shifts: Tuple[float, float, float]  # rad: control after, target before, target after the tones
    fidelity: float  # average gate fidelity, closed system
    leakage: float


def zx_turn(model: Model, template: CrossTemplate, amplitudes: np.ndarray) -> np.ndarray:
    """Return by how much tones of given factors turn ZX, rad.

    The instantaneous rate of the tone's envelope, integrated over all tones
    (adiabatic edges); pi/2 makes a CNOT.

    Args:
        model: (control, target).
        template: the gate.
        amplitudes: float64[k], factors.
    """
    envelope = template.envelope()
    top = float(np.max(amplitudes)) * float(envelope.max())
    grid = np.linspace(0.0, top, _GRID)
    drive = grid[:, None, None] * tone_operator(model, template.channel)
    parts = computational_part(model, driven_hamiltonian(model, model.w_frame[1], drive))
    rate = np.array([pauli_rates(h)["ZX"] for h in parts])
    turns = np.interp(amplitudes[:, None] * envelope[None, :], grid, rate).sum(axis=1)
    return 2 * np.pi * turns * model.dt


def amplitude_for_cnot(model: Model, template: CrossTemplate) -> float:
    """Return the smallest factor with a ZX turn of pi/2, inf where none will do."""
    grid = np.linspace(0.0, template.limit(template.tones), 201)[1:]
    turns = np.abs(zx_turn(model, template, grid))
    reached = np.flatnonzero(turns >= np.pi / 2)
    if not reached.size:
        return np.inf
    k = reached[0]
    low = (grid[k - 1], turns[k - 1]) if k else (0.0, 0.0)
    return float(np.interp(np.pi / 2, [low[1], turns[k]], [low[0], grid[k]]))


class _Gate(NamedTuple):
    """What is to be solved."""

    device: Device
    model: Model
    template: CrossTemplate
    name: str
    qubits: Tuple[int, ...]
    known: Known  # propagators of its fixed parts

    @property
    def target(self) -> np.ndarray:
        """The ideal unitary in the model's order, (control, target) of the tone."""
        ideal = ideal_unitary(self.name)
        swap = [0, 2, 1, 3]
        return ideal if self.template.control == self.qubits[0] else ideal[np.ix_(swap, swap)]


class _Problem:
    """Residuals of one gate as a function of tone, cancellation and shifts."""

    def __init__(self, gate: _Gate) -> None:
        self.model, self.target = gate.model, gate.target
        self.propagator = CrossPropagator(gate.device, gate.model, gate.template, exact=False, known=gate.known)

    def columns(self, points: np.ndarray) -> np.ndarray:
        """Return what becomes of computational states.

        Args:
            points: float64[points, 7], (Re, Im tone, Re, Im cancel; shifts of
                the target before, of control and target after the tones).

        Returns:
            complex128[points, dim, 4], logical, virtual Z included; the
            computational rows come first.
        """
        tone, cancel = points[:, 0] + 1j * points[:, 1], points[:, 2] + 1j * points[:, 3]
        full = logical(self.propagator(tone, cancel, points[:, 4:]), self.model.levels)
        inside = computational(self.model.levels)
        outside = np.setdiff1d(np.arange(self.model.dim), inside)
        return full[:, np.concatenate([inside, outside])][:, :, inside]

    def residuals(self, points: np.ndarray) -> np.ndarray:
        """Return the real residuals of points.

        The distance of the isometry from the ideal one: leaked amplitudes
        count, so the sum of squares is about 5 (1 - F).
        """
        columns = self.columns(points)
        error = phase_aligned(columns[:, :4], self.target)[0] - self.target
        return _real(error, columns[:, 4:])

    def best_shifts(self, core: np.ndarray) -> Tuple[np.ndarray, float]:
        """Return the shifts (before, control, after) that bring a gate closest to the target, and its fidelity.

        The shift before is taken as a turn of the target alone, and leakage
        is left out: a start, not a solution.

        Args:
            core: complex128[dim, dim], from ``CrossPropagator.core``.
        """
        prop, levels = self.propagator, self.model.levels
        left = block_of(prop.phases[:, None] * prop.last, levels)
        middle, right = block_of(core, levels), block_of(prop.first, levels)
        one, two = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
        grid = np.arange(8) * (np.pi / 4)
        best, fidelity = np.zeros(3), np.zeros(1)
        for steps in (grid, *(np.pi / 8 / 3.0**k * np.linspace(-1, 1, 5) for k in range(6))):
            near = best + np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
            after = np.exp(-1j * (near[:, 1:2] * one + near[:, 2:] * two))
            before = np.exp(-1j * near[:, :1] * two)
            turned = left @ (after[:, :, None] * middle * before[:, None, :]) @ right
            fidelity = average_fidelity(turned, self.target)
            best = near[int(np.argmax(fidelity))]
        return best, float(fidelity.max())


def _real(*parts: np.ndarray) -> np.ndarray:
    flat = np.concatenate([p.reshape(len(p), -1) for p in parts], axis=1)
    return np.concatenate([flat.real, flat.imag], axis=1)


def solve_cross(
    device: Device,
    model: Model,
    template: CrossTemplate,
    name: str,
    qubits: Sequence[int],
    amplitude: float,
    hint: Optional[CrossSolution] = None,
) -> Optional[CrossSolution]:
    """Solve tone, cancellation and virtual Z of a two-qubit gate.

    Args:
        device: gives the LO frequencies.
        model: (control, target) of the tone.
        template: the gate.
        name: "cx" or "ecr".
        qubits: as the gate names them.
        amplitude: where to start, from :func:`amplitude_for_cnot`.
        hint: the solution of the other direction; its tones are kept where
            they make this gate as well, and are the start where not.

    Returns:
        The best solution of several starts, None where all need amplitudes
        above 1.
    """
    gate = _Gate(device, model, template, name, tuple(qubits), {})
    starts = _starts(gate, amplitude, hint)
    if hint is not None:
        kept = _judge(gate, starts[0])
        if kept is not None and kept.fidelity > hint.fidelity - SAME:
            return kept
    best: Optional[_Found] = None
    for start in starts:
        found = _polished(gate, start)
        if found is None:
            continue
        before, best = best, found if best is None or found.fidelity > best.fidelity else best
        if best.fidelity > GOOD or (before is not None and 1 - best.fidelity > 0.9 * (1 - before.fidelity)):
            break
    return None if best is None else _judge(gate, best.x)


class _Found(NamedTuple):
    """Where a minimisation ended."""

    x: np.ndarray  # float64[7]
    fidelity: float  # but for what CrossPropagator neglects


def _polished(gate: _Gate, start: np.ndarray) -> Optional[_Found]:
    """Minimise from a start whose shifts are put into the program first; None: beyond amplitude 1.

    What is left of them is small then, and with it what
    :class:`CrossPropagator` neglects.
    """
    shifts = _shift_rows(gate.device, gate.template, start[4:])
    moved = _Problem(gate._replace(template=gate.template.with_shifts(shifts)))
    free = np.concatenate([start[:4], np.zeros(3)])
    if not _playable(gate.template, free):
        return None

    def playable(x: np.ndarray) -> bool:
        return _playable(gate.template, x)

    solved = least_squares(moved.residuals, free, _steps(free), batches=18, tolerance=1e-7, inside=playable)
    if moved.propagator.coarse:
        moved.propagator.exact = True
        near = solved.x
        solved = least_squares(moved.residuals, near, _steps(near), batches=5, tolerance=1e-7, inside=playable)
    fidelity = float(average_fidelity(moved.columns(solved.x[None])[0, :4], gate.target))
    return _Found(solved.x + np.concatenate([np.zeros(4), start[4:]]), fidelity)


def _playable(template: CrossTemplate, x: np.ndarray) -> bool:
    """Tell whether all samples of a point stay within 1."""
    sizes = np.hypot(x[0:4:2], x[1:4:2])
    return bool(sizes[0] <= template.limit(template.tones) and sizes[1] <= template.limit(template.cancels))


def _shift_rows(device: Device, template: CrossTemplate, shifts: Iterable[float]) -> List[Tuple[int, Channel, float]]:
    """Return phase shifts (before, control, after) as (sample, channel, rad)."""
    before, control, after = (float(s) for s in shifts)
    start, stop = template.span
    rows: List[Tuple[int, Channel, float]] = []
    for channel in frame_channels(device, template.target):
        rows += [(start, channel, before), (stop, channel, after)]
    return rows + [(stop, channel, control) for channel in frame_channels(device, template.control)]


def _steps(start: np.ndarray) -> np.ndarray:
    size = float(np.hypot(start[0], start[1]))
    return np.array([1e-3 * size, 1e-3 * size, 1e-4, 1e-4, 1e-3, 1e-3, 1e-3])


def _starts(gate: _Gate, amplitude: float, hint: Optional[CrossSolution]) -> List[np.ndarray]:
    """Return starting points, the most promising first."""
    problem = _Problem(gate)
    cancel = abs(gate.template.factor(gate.template.cancels))
    rotary = (0.0, 0.6, 1.2) if cancel else (0.0,)
    tones = [sign * scale * amplitude for scale in (0.9, 1.0, 1.1) for sign in (1, -1)]
    points = [[tone, 0.0, r * cancel, 0.0] for tone in tones for r in rotary]
    if hint is not None:
        points = [[hint.tone.real, hint.tone.imag, hint.cancel.real, hint.cancel.imag]]
    table = np.array(points)
    cores = problem.propagator.core(
        table[:, 0] + 1j * table[:, 1], table[:, 2] + 1j * table[:, 3], np.zeros(len(table))
    )
    tried = [problem.best_shifts(core) for core in cores]
    order = np.argsort([1e-3 * np.abs(_fold(shifts)).sum() - f for shifts, f in tried])
    return [np.concatenate([table[k], _fold(tried[k][0])]) for k in order[:STARTS]]


def _judge(gate: _Gate, x: np.ndarray) -> Optional[CrossSolution]:
    """Return the solution of a point, judged with its shifts in the program, every sample; None: beyond amplitude 1."""
    if not _playable(gate.template, x):
        return None
    tone, cancel = complex(x[0], x[1]), complex(x[2], x[3])
    before, control, after = (float(s) for s in _fold(x[4:]))
    solution = CrossSolution(tone, cancel, (control, before, after), 0.0, 1.0)
    rows = _shift_rows(gate.device, gate.template, (before, control, after))
    whole = CrossPropagator(gate.device, gate.model, gate.template.with_shifts(rows), known=gate.known)
    full = whole(np.array([tone]), np.array([cancel]), np.zeros((1, 3)))[0]
    block = block_of(full, gate.model.levels)
    fidelity = float(average_fidelity(block, gate.target))
    return solution._replace(fidelity=fidelity, leakage=float(leakage_of(block)))


def apply_solution(device: Device, template: CrossTemplate, solution: CrossSolution) -> Program:
    """Return the gate's program with a solution's factors and shifts."""
    events = template.program.events
    value, angle = np.array(events.value), np.array(events.angle)
    for factor, rows in ((solution.tone, template.tones), (solution.cancel, template.cancels)):
        base = template.factor(rows)
        for row in rows:
            value[row] = value[row] * abs(factor) / abs(base) if base else abs(factor)
            angle[row] = _fold(angle[row] + np.angle(factor) - np.angle(base))
    program = template.program.replace(events=events.replace(value=value, angle=angle))
    control, before, after = solution.shifts
    return with_shifts(program, _shift_rows(device, template, (before, control, after)))


def _fold(angle: Any) -> Any:
    """Return angles in (-pi, pi]."""
    return np.angle(np.exp(1j * angle))
