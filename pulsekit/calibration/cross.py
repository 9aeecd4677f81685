"""Solve a cx or ecr on its pair: tone, cancellation and virtual Z."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..device import Device
from ..program import Channel, Program
from ..simulator import Model
from .fidelity import average_fidelity, block_of, leakage_of, phase_aligned
from .ideal import ideal_unitary
from .mirror import computational, logical
from .newton import least_squares
from .propagate import propagators
from .rates import computational_part, driven_hamiltonian, pauli_rates, tone_operator
from .segments import CrossPropagator
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
    shifts: Tuple[float, float, float]  # rad: control, target before, target after
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


class _Problem:
    """Residuals of one gate as a function of tone, cancellation and shifts."""

    def __init__(self, device: Device, model: Model, template: CrossTemplate, name: str, qubits: Sequence[int]) -> None:
        self.device, self.model, self.propagator = device, model, CrossPropagator(device, model, template)
        ideal = ideal_unitary(name)
        swap = [0, 2, 1, 3]  # the model's order is (control, target) of the tone
        self.target = ideal if template.control == qubits[0] else ideal[np.ix_(swap, swap)]

    def columns(self, points: np.ndarray) -> np.ndarray:
        """Return what becomes of computational states.

        Args:
            points: float64[points, 5], (Re, Im tone, Re, Im cancel, shift of
                the target before).

        Returns:
            complex128[points, dim, 4], logical, virtual Z of the template
            and of the shift included; the computational rows come first.
        """
        tone, cancel = points[:, 0] + 1j * points[:, 1], points[:, 2] + 1j * points[:, 3]
        full = logical(self.propagator(tone, cancel, points[:, 4]), self.model.levels)
        inside = computational(self.model.levels)
        outside = np.setdiff1d(np.arange(self.model.dim), inside)
        return full[:, np.concatenate([inside, outside])][:, :, inside]

    def shifted(self, blocks: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return blocks with phase shifts at the end, (control, target) in rad."""
        bits = np.array([[0, 1, 0, 1], [0, 0, 1, 1]])
        return np.exp(-1j * (np.asarray(after) @ bits))[..., :, None] * blocks

    def residuals(self, points: np.ndarray) -> np.ndarray:
        """Return the real residuals of points (tone, cancel, before; control, after).

        The distance of the isometry from the ideal one: leaked amplitudes
        count, so the sum of squares is about 5 (1 - F).
        """
        columns = self.columns(points[:, :5])
        blocks = self.shifted(columns[:, :4], points[:, 5:])
        error = phase_aligned(blocks, self.target)[0] - self.target
        return _real(error, columns[:, 4:])

    def best_shifts(self, block: np.ndarray) -> Tuple[np.ndarray, float]:
        """Return shifts (before, control, after) that bring a block closest to the target.

        The shift before is taken as a turn of the target alone, which is
        exact but for transitions of the control.
        """
        grid = np.arange(8) * (np.pi / 4)
        best, fidelity = np.zeros(3), np.zeros(1)
        for steps in (grid, *(np.pi / 8 / 3.0**k * np.linspace(-1, 1, 5) for k in range(6))):
            near = best + np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
            turned = block * np.exp(-1j * near[:, :1] * np.array([0, 0, 1, 1]))[:, None, :]
            fidelity = average_fidelity(self.shifted(turned, near[:, 1:]), self.target)
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
    problem = _Problem(device, model, template, name, qubits)
    starts = _starts(problem, template, amplitude, hint)
    best: Optional[CrossSolution] = None
    if hint is not None:
        best = _judge(problem, template, starts[0])
        if best is not None and best.fidelity > hint.fidelity - SAME:
            return best
    for start in starts:
        solved = least_squares(problem.residuals, start, _steps(start), batches=18, tolerance=1e-7)
        found = _judge(problem, template, solved.x)
        if found is None:
            continue
        before, best = best, found if best is None or found.fidelity > best.fidelity else best
        if best.fidelity > GOOD or (before is not None and 1 - best.fidelity > 0.9 * (1 - before.fidelity)):
            break
    return best


def _steps(start: np.ndarray) -> np.ndarray:
    size = float(np.hypot(start[0], start[1]))
    return np.array([1e-3 * size, 1e-3 * size, 1e-4, 1e-4, 1e-3, 1e-3, 1e-3])


def _starts(
    problem: _Problem, template: CrossTemplate, amplitude: float, hint: Optional[CrossSolution]
) -> List[np.ndarray]:
    """Return starting points, the most promising first."""
    cancel = abs(template.factor(template.cancels))
    rotary = (0.0, 0.6, 1.2) if cancel else (0.0,)
    tones = [sign * scale * amplitude for scale in (0.9, 1.0, 1.1) for sign in (1, -1)]
    points = [[tone, 0.0, r * cancel, 0.0, 0.0] for tone in tones for r in rotary]
    if hint is not None:
        points = [[hint.tone.real, hint.tone.imag, hint.cancel.real, hint.cancel.imag, 0.0]]
    table = np.array(points)
    tried = [problem.best_shifts(b) for b in problem.columns(table)[:, :4]]
    order = np.argsort([1e-3 * np.abs(_fold(shifts)).sum() - f for shifts, f in tried])
    return [np.concatenate([table[k, :4], tried[k][0]]) for k in order[:STARTS]]


def _judge(problem: _Problem, template: CrossTemplate, x: np.ndarray) -> Optional[CrossSolution]:
    """Return the solution of a point, judged on the whole program."""
    tone, cancel = complex(x[0], x[1]), complex(x[2], x[3])
    for factor, rows in ((tone, template.tones), (cancel, template.cancels)):
        if abs(factor) > template.limit(rows):
            return None
    before, control, after = (float(s) for s in _fold(x[4:]))
    solution = CrossSolution(tone, cancel, (control, before, after), 0.0, 1.0)
    program = apply_solution(problem.device, template, solution)
    block = block_of(propagators(problem.device, problem.model, [program])[0], problem.model.levels)
    fidelity = float(average_fidelity(block, problem.target))
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
    shifts: List[Tuple[int, Channel, float]] = []
    for channel in frame_channels(device, template.target):
        shifts += [(0, channel, before), (program.duration, channel, after)]
    shifts += [(program.duration, channel, control) for channel in frame_channels(device, template.control)]
    return with_shifts(program, shifts)


def _fold(angle: Any) -> Any:
    """Return angles in (-pi, pi]."""
    return np.angle(np.exp(1j * angle))
