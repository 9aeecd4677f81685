"""Differentiate fidelities and expectations by the adjoint method.

The propagator is a product of exponentials (commutator-free Magnus, order 4,
``splits`` steps per sample), each linear in the samples inside. A forward and
a backward sweep give the exact gradient of that product with respect to every
sample; pulse parameters follow by the chain rule, their samples differentiated
by central differences (which cost no evolution). RWA, kets and propagators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import SimulationError
from ..program import Channel, LoTable, Program, resolve_frames
from .model import Model
from .timeline import tones_of

__all__ = ["Objective", "Signals", "average_fidelity", "expectation", "gradient", "sample_gradient", "signals_of"]

Objective = Callable[[np.ndarray], Tuple[float, np.ndarray]]
"""U -> (value, G) with d value = 2 Re Tr(G^dag dU); see :func:`average_fidelity`."""

_NODES = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)
_WEIGHTS = (0.25 + np.sqrt(3) / 6, 0.25 - np.sqrt(3) / 6)


@dataclass(frozen=True, eq=False)
class Signals:
    """What every line does in every sample, and the virtual Z at the end."""

    z: np.ndarray  # complex128[lines, samples], drive at phase of exp(i w t), gain included
    w: np.ndarray  # float64[lines, samples], rad/s, the carrier
    final: np.ndarray  # float64[n], rad, phase shifts


def signals_of(program: Program, model: Model, los: LoTable) -> Signals:
    """Return the signals of a bound program.

    Raises:
        SimulationError: a line whose delay is not a whole number of samples, a
            model with decoherence or extra terms.
    """
    if model.noisy or model.extra:
        what = "extra terms" if model.extra else "T1 and T2"
        raise SimulationError(f"Argument `model` must be closed for gradients, but it has {what}. Use `noise=False`.")
    plays = resolve_frames(program, los, model.dt)
    z = np.zeros((len(model.lines), program.duration), dtype=complex)
    w = np.zeros(z.shape)
    for index, line in enumerate(model.lines):
        w[index] = model.w_frame[line.local_qubit]
    for tone in tones_of(program, plays, model):
        first = tone.start_s / model.dt
        if abs(first - round(first)) > 1e-6:
            raise SimulationError("Delays of lines must be whole samples for gradients, but one is not.")
        part = slice(round(first), round(first) + len(tone.samples))
        length = z[tone.line, part].size
        z[tone.line, part] += tone.amplitude[0] * tone.samples[:length]
        w[tone.line, part] = tone.w[0]
    final = np.zeros(model.n)
    for local, qubit in enumerate(model.qubits):
        play = plays.get(Channel("d", qubit))
        final[local] = 0.0 if play is None else play.final_phase[0]
    return Signals(z, w, final)


def average_fidelity(model: Model, target: np.ndarray, levels: Optional[Sequence[int]] = None) -> Objective:
    """Return the objective "average gate fidelity on the computational states".

    F = (|Tr(W^dag A)|^2 + Tr(A^dag A)) / (k (k + 1)), A the k x k block of U
    (Pedersen et al., Phys. Lett. A 367, 47 (2007)); what leaks is lost.

    Args:
        model: the cluster.
        target: complex128[k, k], the physical target (mirror applied), Qiskit
            order of qubits.
        levels: how many levels count per qubit; None: 2 each.
    """
    counted = [2] * model.n if levels is None else list(levels)
    kept = np.flatnonzero((model.labels < np.array(counted)).all(axis=1))
    k = len(kept)
    if target.shape != (k, k):
        raise SimulationError(f"Argument `target` must have shape {(k, k)}, but {target.shape} came.")

    def objective(u: np.ndarray) -> Tuple[float, np.ndarray]:
        a = u[np.ix_(kept, kept)]
        overlap = np.trace(target.conj().T @ a)
        value = (abs(overlap) ** 2 + np.sum(np.abs(a) ** 2)) / (k * (k + 1))
        g = np.zeros_like(u)
        g[np.ix_(kept, kept)] = (overlap * target + a) / (k * (k + 1))
        return float(value), g

    return objective


def expectation(state: np.ndarray, observable: np.ndarray) -> Objective:
    """Return the objective <U psi| O |U psi>, dressed interaction frame.

    Args:
        state: complex128[dim].
        observable: Hermitian complex128[dim, dim].
    """

    def objective(u: np.ndarray) -> Tuple[float, np.ndarray]:
        out = u @ state
        seen = observable @ out
        return float(np.vdot(out, seen).real), np.outer(seen, state.conj())

    return objective


def sample_gradient(
    model: Model, signals: Signals, objective: Objective, *, splits: int = 2
) -> Tuple[float, np.ndarray, np.ndarray]:
    """Return an objective of the propagator and its gradient.

    Args:
        model: the cluster.
        signals: from :func:`signals_of`.
        objective: of the propagator in the dressed interaction frame, virtual
            Z included.
        splits: Magnus steps per sample.

    Returns:
        The value; gamma complex128[lines, samples] with
        d value = Re sum conj(gamma) dz; float64[n], its derivatives by the
        final phases.

    Raises:
        SimulationError: ``splits`` below 1, samples that are not finite.
    """
    if splits < 1:
        raise SimulationError(f"Argument `splits` must be 1 or more, but {splits} came.")
    system = _System(model, signals, splits)
    u = system.propagator
    value, g = objective(u)
    final = np.array([2 * np.real(np.trace(g.conj().T @ (1j * n[:, None] * u))) for n in model.labels.T])
    return value, system.adjoint(g), final


def gradient(
    build: Callable[[np.ndarray], Program],
    parameters: np.ndarray,
    model: Model,
    los: LoTable,
    objective: Objective,
    *,
    steps: Optional[np.ndarray] = None,
    splits: int = 2,
) -> Tuple[float, np.ndarray]:
    """Return an objective and its gradient by pulse parameters.

    Args:
        build: parameters -> program; all programs have one length.
        parameters: float64[p].
        model: the cluster.
        los: one row.
        objective: see :func:`sample_gradient`.
        steps: float64[p], of the central differences of the samples; None:
            1e-6 of each parameter or of 1.
        splits: Magnus steps per sample.

    Returns:
        The value and float64[p].
    """
    at = np.asarray(parameters, dtype=np.float64)
    h = 1e-6 * np.maximum(np.abs(at), 1.0) if steps is None else np.asarray(steps, dtype=np.float64)
    value, gamma, by_phase = sample_gradient(model, signals_of(build(at), model, los), objective, splits=splits)
    out = np.zeros(at.size)
    for k in range(at.size):
        shift = np.zeros(at.size)
        shift[k] = h[k]
        more, less = (signals_of(build(at + s), model, los) for s in (shift, -shift))
        if more.z.shape != gamma.shape or less.z.shape != gamma.shape:
            raise SimulationError("Argument `build` must return programs of one length, but they differ.")
        out[k] = np.sum(np.conj(gamma) * (more.z - less.z)).real / (2 * h[k])
        out[k] += by_phase @ (more.final - less.final) / (2 * h[k])
    return value, out


class _System:
    """The exponentials of a program, forward and backward."""

    def __init__(self, model: Model, signals: Signals, splits: int) -> None:
        self.model, self.signals, self.splits = model, signals, splits
        samples = signals.z.shape[1]
        self.h = model.dt / splits
        w_c = float(np.mean(model.w_frame))
        energies = model.energies(w_c)
        lower = model.lower_dressed
        self.operators = [(line.w_rate / 2) * lower[line.local_qubit] for line in model.lines]
        grid = (np.arange(samples)[:, None, None] + (np.arange(splits)[:, None] + np.array(_NODES)) / splits) * model.dt
        self.carrier = np.exp(1j * (signals.w - w_c)[:, :, None, None] * grid[None])  # lines, samples, splits, nodes
        mix = np.array([[_WEIGHTS[0], _WEIGHTS[1]], [_WEIGHTS[1], _WEIGHTS[0]]])
        self.factor = np.einsum("lksn,en->lkse", self.carrier, mix)  # d coefficient / d z
        drive = (self.factor * signals.z[:, :, None, None]).reshape(len(self.operators), -1)
        part = np.tensordot(drive.T, np.array(self.operators), axes=1)
        h = part + np.conj(np.swapaxes(part, 1, 2))
        index = np.arange(model.dim)
        h[:, index, index] += energies / 2
        self.values, self.vectors = np.linalg.eigh(h)
        phase = np.exp(-1j * self.values * self.h)
        self.steps = (self.vectors * phase[:, None, :]) @ np.conj(np.swapaxes(self.vectors, 1, 2))
        self.forward: List[np.ndarray] = [np.eye(model.dim, dtype=complex)]
        for step in self.steps:
            self.forward.append(step @ self.forward[-1])
        end = samples * model.dt
        turn = model.offsets(w_c) * end + model.labels @ signals.final
        self.exit = np.exp(1j * turn)
        self.propagator = self.exit[:, None] * self.forward[-1]

    def adjoint(self, g: np.ndarray) -> np.ndarray:
        """Return gamma for d value = 2 Re Tr(g^dag dU)."""
        back = g.conj().T * self.exit[None, :]  # U = exit F: Tr(g^dag exit dF)
        count, dim = len(self.steps), self.model.dim
        middle = np.empty((count, dim, dim), dtype=complex)
        for k in range(count - 1, -1, -1):
            middle[k] = self.forward[k] @ back
            back = back @ self.steps[k]
        inside = np.conj(np.swapaxes(self.vectors, 1, 2)) @ middle @ self.vectors
        inner = self.vectors @ (inside * self._divided()) @ np.conj(np.swapaxes(self.vectors, 1, 2))
        shape = self.factor.shape[1:]
        gamma = np.zeros(self.signals.z.shape, dtype=complex)
        for line, a in enumerate(self.operators):
            first = -2j * self.h * np.einsum("kij,ji->k", inner, a)
            second = -2j * self.h * np.einsum("kij,ji->k", inner, a.conj().T)
            slope = (first + second.conj()).reshape(shape) * self.factor[line]
            gamma[line] = np.conj(slope.sum(axis=(1, 2)))
        return gamma

    def _divided(self) -> np.ndarray:
        """Return divided differences of exp(x) at x = -i h values."""
        x = -1j * self.h * self.values
        difference = x[:, :, None] - x[:, None, :]
        mean = np.exp((x[:, :, None] + x[:, None, :]) / 2)
        half = (difference / 2).imag
        return mean * np.sinc(half / np.pi)
