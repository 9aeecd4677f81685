"""Write a program as exponentials that are linear in its samples.

In the frame of their carrier, lines that share one have a constant
Hamiltonian within a sample: one exponential, repeated where samples repeat.
Where carriers differ, or counter-rotating terms act, samples are cut into
steps of the commutator-free Magnus method of order 4, two exponentials each
(see :mod:`.magnus`). All are differentiated in closed form, in the basis
of their eigenvectors.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import numpy as np

from .magnus import NODES, WEIGHTS, magnus_error, rwa_error
from .model import Model

__all__ = ["Exponents", "Signals", "Solved", "exponents_of"]


class Signals(NamedTuple):
    """What every line does in every sample, and the virtual Z at the end."""

    z: np.ndarray  # complex128[lines, samples], drive at phase of exp(i w t), gain included
    w: np.ndarray  # float64[lines, samples], rad/s, the carrier
    plays: np.ndarray  # bool[lines, samples], whether there is one
    final: np.ndarray  # float64[n], rad, phase shifts


class Solved(NamedTuple):
    """Some exponentials, solved."""

    values: np.ndarray  # float64[m, dim], rad/s
    vectors: np.ndarray  # complex128[m, dim, dim]
    steps: np.ndarray  # complex128[m, dim, dim], all repetitions


class Exponents(NamedTuple):
    """exp(-i h (share E + sum_l c_l A_l + h.c.)), repeated, in a frame at ``w``; E in that frame, too."""

    model: Model
    signals: Signals
    lines: np.ndarray  # int64[lines], which of the model's play at all
    operators: np.ndarray  # complex128[lines, dim, dim], rad/s, A at amplitude 1
    sample: np.ndarray  # int64[m], the first sample
    repeats: np.ndarray  # int64[m], samples
    playing: np.ndarray  # bool[m]
    mixed: np.ndarray  # bool[m], Magnus
    h: np.ndarray  # float64[m], s
    at: np.ndarray  # float64[m], s, where the first begins
    w: np.ndarray  # float64[m], rad/s, of the frame
    decay: np.ndarray  # float64[m, 2], s of decoherence before and after
    p: np.ndarray  # complex128[lines, m], d c / d z
    q: np.ndarray  # complex128[lines, m], d c / d conj z
    p_late: np.ndarray  # complex128[lines, m], s, d c / d w at z = 1, where mixed
    q_late: np.ndarray  # complex128[lines, m], s, the same at conj z = 1

    def __len__(self) -> int:
        return len(self.h)

    def turns(self) -> np.ndarray:
        """Return the change of frame before every exponential, and at the end, float64[m + 1], rad per excitation."""
        common = float(np.mean(self.model.w_frame))
        end = self.signals.z.shape[1] * self.model.dt
        return np.diff(np.concatenate([[common], self.w, [common]])) * np.append(self.at, end)

    def solve(self, part: slice) -> Solved:
        """Return the exponentials of a part."""
        number = self.model.excitations
        z = self.signals.z[self.lines][:, self.sample[part]]
        c = self.p[:, part] * z + self.q[:, part] * np.conj(z)
        drive = np.tensordot(c.T, self.operators, axes=1)
        h = drive + np.conj(np.swapaxes(drive, 1, 2))
        common = float(np.mean(self.model.w_frame))
        diagonal = self.model.energies(common) - (self.w[part, None] - common) * number
        index = np.arange(self.model.dim)
        h[:, index, index] += np.where(self.mixed[part], 0.5, 1.0)[:, None] * diagonal
        values, vectors = np.linalg.eigh(h)
        phase = np.exp(-1j * values * (self.h[part] * self.repeats[part])[:, None])
        return Solved(values, vectors, (vectors * phase[:, None, :]) @ np.conj(np.swapaxes(vectors, 1, 2)))

    def slopes(self, part: slice, solved: Solved, middle: np.ndarray, gamma: np.ndarray, late: np.ndarray) -> None:
        """Add the derivatives by the samples and carriers of a part.

        Args:
            part: of the exponentials.
            solved: they.
            middle: complex128[m, dim, dim], M of d value = 2 Re Tr(M dU).
            gamma: complex128[lines, samples], of d value = Re sum conj(gamma) dz.
            late: float64[lines, samples], s, d value / d w.
        """
        inside = np.conj(np.swapaxes(solved.vectors, 1, 2)) @ middle @ solved.vectors
        repeated, playing = self.repeats[part] > 1, self.playing[part]
        for k in np.flatnonzero(repeated & playing).tolist():
            which = np.full(int(self.repeats[part][k]), part.start + k)
            traces = self._repeated(solved.values[k], solved.vectors[k], inside[k], which)
            self._add(which, self.sample[which] + np.arange(len(which)), traces, gamma, late)
        single = np.flatnonzero(~repeated & playing)
        if single.size:
            which = part.start + single
            traces = self._single(solved.values[single], solved.vectors[single], inside[single], which)
            self._add(which, self.sample[which], traces, gamma, late)

    def _sides(self) -> List[np.ndarray]:
        """Return A and A^dag of every line."""
        return [side for a in self.operators for side in (a, a.conj().T)]

    def _single(self, values: np.ndarray, v: np.ndarray, inside: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Return Tr(M dU) by weight and side, complex128[2, 2 lines, m], but for factors."""
        back = np.conj(np.swapaxes(v, 1, 2))
        inner = [v @ (inside * weight) @ back for weight in _weights(self.h[which], values)]
        return np.array([[np.einsum("kij,ji->k", x, a) for a in self._sides()] for x in inner])

    def _repeated(self, values: np.ndarray, v: np.ndarray, inside: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Return the same for every repetition of one exponential.

        Those before turn M by powers of eigenvalues from the left, those after from the right.
        """
        turns = np.exp(-1j * np.outer(self.h[which] * np.arange(len(which)), values))
        weights = _weights(self.h[which[:1]], values[None])
        sides = [(v.conj().T @ a @ v).T for a in self._sides()]
        return np.array(
            [[((turns @ (inside * weight[0] * a)) * turns[::-1]).sum(axis=1) for a in sides] for weight in weights]
        )

    def _add(
        self, which: np.ndarray, sample: np.ndarray, traces: np.ndarray, gamma: np.ndarray, late: np.ndarray
    ) -> None:
        """Add what the traces of exponentials ``which`` mean for their samples."""
        traces = traces.reshape(2, len(self.lines), 2, len(which))
        h, dt, mixed = self.h[which], self.model.dt, self.mixed[which]
        slope = -2j * h * traces[0, :, 0] + np.conj(-2j * h * traces[0, :, 1])  # d value = Re slope dc
        p, q = self.p[:, which], self.q[:, which]
        z = self.signals.z[self.lines][:, sample]
        ramp = np.real(1j * h**2 * (z * traces[1, :, 0] - np.conj(z) * traces[1, :, 1]))
        within = self.at[which] - self.sample[which] * dt + h / 2
        held = np.real(slope * 1j * (sample * dt + within) * z) + ramp
        turned = np.real(slope * (self.p_late[:, which] * z + self.q_late[:, which] * np.conj(z)))
        for line, (by_z, by_w) in zip(
            self.lines.tolist(), zip(np.conj(slope * p) + slope * q, np.where(mixed, turned, held))
        ):
            np.add.at(gamma[line], sample, by_z)
            np.add.at(late[line], sample, by_w)


def _weights(h: np.ndarray, values: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the integrals of exp(-i H (h - t)) dH exp(-i H t) between eigenstates.

    For a constant dH, over h (sinc), and for one that grows as t - h/2, over
    i h^2 / 2 (the spherical Bessel function j1); transposed.
    """
    x = h[:, None] * values
    mean = np.exp(-0.5j * (x[:, :, None] + x[:, None, :]))
    half = (x[:, None, :] - x[:, :, None]) / 2
    return mean * np.sinc(half / np.pi), mean * _bessel(half)


def _bessel(x: np.ndarray) -> np.ndarray:
    """Return j1(x) = (sin x - x cos x) / x^2, by its series where digits would be lost."""
    small = np.abs(x) < 0.1
    safe = np.where(small, 1.0, x)
    series = x / 3 * (1 - x**2 / 10 * (1 - x**2 / 28 * (1 - x**2 / 54)))
    return np.where(small, series, (np.sin(safe) - safe * np.cos(safe)) / safe**2)


def exponents_of(model: Model, signals: Signals, *, rwa: bool, tolerance: float) -> Exponents:
    """Return the exponentials of a program.

    Args:
        model: the cluster; with decoherence, samples are cut in halves, and no
            exponential is repeated but where nothing plays.
        signals: of the program.
        rwa: drop counter-rotating terms.
        tolerance: error of all Magnus steps together.
    """
    dt, w_all = model.dt, signals.w
    samples = w_all.shape[1]
    common = float(np.mean(model.w_frame))
    plays = signals.plays
    some = np.asarray(plays.any(axis=0))
    top = np.where(plays, w_all, -np.inf).max(axis=0, initial=-np.inf)
    mixed = some & ((top != np.where(plays, w_all, np.inf).min(axis=0, initial=np.inf)) | (not rwa))
    lines = np.flatnonzero(plays.any(axis=1))
    operators = np.array([model.lines[k].w_rate / 2 * model.lower_dressed[model.lines[k].local_qubit] for k in lines])
    operators = operators.reshape(len(lines), model.dim, model.dim)
    splits = _splits(model, signals, mixed, rwa=rwa, tolerance=tolerance)

    w_all = np.where(plays, w_all, 0.0)
    same = ~mixed[1:]
    for signal in (plays, w_all, signals.z):
        same &= (signal[:, 1:] == signal[:, :-1]).all(axis=0)
    if model.noisy:
        same &= ~some[1:]
    first = np.flatnonzero(np.concatenate([[True], ~same])) if samples else np.zeros(0, dtype=np.int64)
    length = np.diff(np.append(first, samples))
    each = np.where(mixed[first], 2 * splits, np.where(some[first] & model.noisy, 2, 1))
    run = np.repeat(np.arange(len(first)), each)
    number = np.arange(len(run)) - np.repeat(np.cumsum(each) - each, each)
    sample, steps = first[run], each[run]
    mix = mixed[sample]
    h = np.where(mix, 2 * dt, dt) / steps
    at = (sample + number / steps) * dt
    w = np.where(some & ~mixed, top, common)[sample]
    factors = np.zeros((4, len(lines), len(run)), dtype=complex)
    factors[0][:, ~mix] = plays[lines][:, sample[~mix]]
    factors[:, :, mix] = _magnus_factors(signals, lines, sample[mix], number[mix], 2 * dt / steps[mix], common, rwa, dt)
    decay = np.zeros((len(run), 2))
    if model.noisy:  # Simpson's rule over the sample
        decay[number == 0, 0] = decay[number == steps - 1, 1] = dt / 6
        decay[number == steps // 2 - 1, 1] = dt * 2 / 3
        decay[~some[sample]] = 0.0
        joined = np.flatnonzero((number == 0) & some[sample] & (decay[:, 0] > 0))[1:]
        joined = joined[some[sample[joined] - 1]]  # one after the other: both at once
        decay[joined - 1, 1] += decay[joined, 0]
        decay[joined, 0] = 0.0
    return Exponents(
        model, signals, lines, operators, sample, length[run], some[sample], mix, h, at, w, decay, *factors
    )


def _magnus_factors(
    signals: Signals,
    lines: np.ndarray,
    sample: np.ndarray,
    number: np.ndarray,
    h: np.ndarray,
    common: float,
    rwa: bool,
    dt: float,
) -> np.ndarray:
    """Return p, q, p_late and q_late of the exponentials ``number`` of samples, complex128[4, lines, m]."""
    out = np.zeros((4, len(lines), len(sample)), dtype=complex)
    plays, w = signals.plays[lines][:, sample], signals.w[lines][:, sample]
    for node, weights in zip(NODES, (WEIGHTS, WEIGHTS[::-1])):
        t = sample * dt + (number // 2 + node) * h
        share = np.array(weights)[number % 2] * plays
        slow = share * np.exp(1j * (w - common) * t)
        out[0] += slow
        out[2] += 1j * t * slow
        if not rwa:
            fast = share * np.exp(-1j * (w + common) * t)
            out[1] += fast
            out[3] -= 1j * t * fast
    return out


def _splits(model: Model, signals: Signals, mixed: np.ndarray, *, rwa: bool, tolerance: float) -> int:
    """Return into how many Magnus steps samples are cut, all alike."""
    count = int(np.count_nonzero(mixed))
    if not count:
        return 1
    dt, common = model.dt, float(np.mean(model.w_frame))
    rates = np.array([line.w_rate / 2 for line in model.lines])
    drive = float((rates @ np.abs(signals.z[:, mixed])).max()) * dt
    w = signals.w[signals.plays & mixed]
    if rwa:
        error = rwa_error(float(np.abs(w - common).max()) * dt, float(np.ptp(model.energies(common))) / 2 * dt, drive)
    else:
        error = magnus_error(2 * float(w.max()) * dt, drive)
    return max(1, int(np.ceil((error * count / (0.4 * tolerance)) ** 0.25)))
