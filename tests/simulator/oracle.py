"""Integrate a random case with scipy alone, straight from the equations of the model.

H0 = sum w n + alpha/2 n (n - 1) + sum J (a^dag b + a b^dag), bare frequencies
such that the dressed 0-1 transitions are the case's; every line adds
W s(t) (a + a^dag), s(t) = Re[f(t) exp(i int 2 pi v dt)], late by its delay; with
the RWA only its slow half in the frame of one common frequency. Decay:
sqrt((1 - p)/T1) a, sqrt(p/T1) |1><0|, sqrt(2 g) n with g = 1/T2 - 1/(2 T1).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
from random_schedules import Case, samples_of
from scipy.integrate import solve_ivp
from scipy.optimize import linear_sum_assignment, root

__all__ = [
    "Terms",
    "Wave",
    "edges_of",
    "final_states",
    "finished",
    "held",
    "start_of",
    "terms_of",
    "w_common",
    "waves_of",
]

TWO_PI = 2 * np.pi


class Wave(NamedTuple):
    """What one play does at one transmon: rate Re[z_k exp(i (w t + phase))] (a + a^dag)."""

    qubit: int
    rate: complex  # rad/s, gain included
    start_s: float
    samples: np.ndarray
    w: float  # rad/s
    phase: float  # rad, at t = 0


class Terms(NamedTuple):
    """The static parts of a case, bare basis (qubit 0 least significant), rad/s."""

    lower: List[np.ndarray]
    number: np.ndarray  # float64[dim], excitations
    static: np.ndarray  # laboratory frame
    turned: np.ndarray  # the same in the common frame, where 5 GHz round nothing
    dressed: np.ndarray  # columns
    collapse: List[np.ndarray]


def _embed(local: np.ndarray, q: int, levels: Tuple[int, ...]) -> np.ndarray:
    out = np.eye(1)
    for k, d in enumerate(levels):
        out = np.kron(local if k == q else np.eye(d), out)
    return out


def terms_of(case: Case) -> Terms:
    """Return the operators of a case."""
    n = len(case.levels)
    ladder = [np.diag(np.sqrt(np.arange(1.0, d)), 1) for d in case.levels]
    lower = [_embed(a, q, case.levels) for q, a in enumerate(ladder)]
    count = [a.T @ a for a in lower]
    number = sum(np.diag(m) for m in count).round()
    hop = np.zeros((n, n))
    for (i, j), strength in case.couplings.items():
        hop[i, j] = hop[j, i] = strength

    def transitions(bare: np.ndarray) -> np.ndarray:
        energies, vectors = np.linalg.eigh(np.diag(bare) + hop)
        row, column = linear_sum_assignment(-(vectors**2))
        return energies[column[np.argsort(row)]]

    reference = case.frequency.mean()
    target = case.frequency - reference
    bare = root(lambda x: (transitions(x * 1e6) - target) / 1e6, target / 1e6, tol=1e-14).x * 1e6 + reference
    common = w_common(case) / TWO_PI
    static, turned = np.zeros((2, case.dim, case.dim))
    for q in range(n):
        square = count[q] @ (count[q] - np.eye(case.dim))
        static += TWO_PI * (bare[q] * count[q] + case.anharmonicity[q] / 2 * square)
        turned += TWO_PI * ((bare[q] - common) * count[q] + case.anharmonicity[q] / 2 * square)
    for (i, j), strength in case.couplings.items():
        for h in (static, turned):
            h += TWO_PI * strength * (lower[i].T @ lower[j] + lower[j].T @ lower[i])
    dressed = np.zeros_like(static)
    for k in np.unique(number):
        at = np.ix_(number == k, number == k)
        _, vectors = np.linalg.eigh(turned[at])
        row, column = linear_sum_assignment(-(vectors**2))
        vectors = vectors[:, column[np.argsort(row)]]
        dressed[at] = vectors * np.sign(np.diag(vectors))
    collapse = []
    if case.noise:
        for q in range(n):
            up = np.zeros((case.levels[q],) * 2)
            up[1, 0] = 1
            rate, g = 1 / case.t1[q], 1 / case.t2[q] - 0.5 / case.t1[q]
            collapse.append(np.sqrt((1 - case.p_th[q]) * rate) * lower[q])
            collapse.append(np.sqrt(case.p_th[q] * rate) * _embed(up, q, case.levels))
            collapse.append(np.sqrt(2 * max(g, 0.0)) * count[q])
    return Terms(lower, number, static, turned, dressed, collapse)


def waves_of(case: Case) -> List[Wave]:
    """Follow every channel's frequency and phase; the carrier's phase is the integral of its frequency."""
    own = {s.channel: s for s in case.lines}
    out: List[Wave] = []
    state: Dict[str, List[float]] = {c: [f, 0.0, 0.0, 0.0] for c, f in case.lo.items()}  # v, carrier, at, shift
    for t0, what, channel, value in case.instructions:
        now = state[channel]
        t = t0 * case.dt
        now[1] += TWO_PI * now[0] * (t - now[2])
        now[2] = t
        if what == "shift_phase":
            now[3] += value
        elif what == "set_phase":
            now[3] = value
        elif what == "shift_frequency":
            now[0] += value
        elif what == "set_frequency":
            now[0] = value
        else:
            line, w = own[channel], TWO_PI * now[0]
            samples = samples_of(case, value)
            phase = now[1] + now[3] - w * t - w * line.delay_s
            reached = [(line.qubit, 1.0)] + [(q, g) for c, q, g in case.leaks if c == channel]
            for q, g in reached:
                rate = TWO_PI * line.rabi_rate * line.gain * g
                out.append(Wave(q, rate, t + line.delay_s, samples, w, phase))
    return out


def virtual_phases(case: Case) -> np.ndarray:
    """Return the phase of every qubit's drive channel at the end, shifts and settings only."""
    out = np.zeros(len(case.levels))
    for _, what, channel, value in case.instructions:
        if channel[0] == "d" and what in ("shift_phase", "set_phase"):
            q = int(channel[1:])
            out[q] = value + (out[q] if what == "shift_phase" else 0.0)
    return out


def edges_of(case: Case, waves: Sequence[Wave]) -> np.ndarray:
    """Return the times (s) between which every envelope is constant."""
    end = case.duration * case.dt
    marks = [np.array([0.0, end])] + [w.start_s + np.arange(w.samples.size + 1) * case.dt for w in waves]
    edges = np.unique(np.concatenate(marks))
    edges = edges[(edges >= 0) & (edges <= end)]
    edges = edges[np.concatenate([[True], np.diff(edges) > 1e-7 * case.dt])]
    edges[-1] = end
    return edges


def held(case: Case, wave: Wave, middle: float) -> complex:
    """Return the sample that a wave holds at a time inside a section, 0 where it does not play."""
    k = int(np.floor((middle - wave.start_s) / case.dt))
    return complex(wave.samples[k]) if 0 <= k < wave.samples.size else 0j


def w_common(case: Case) -> float:
    """Return the frequency (rad/s) of the frame in which equations are solved."""
    return TWO_PI * float(case.frequency.mean())


def start_of(case: Case, terms: Terms) -> np.ndarray:
    """Return the initial ket in the bare basis."""
    return (terms.dressed @ case.start).astype(complex)


def finished(case: Case, terms: Terms, y: np.ndarray) -> np.ndarray:
    """Return a final ket or density matrix (bare, common frame) in the dressed interaction frame."""
    end = case.duration * case.dt
    labels = np.stack(np.unravel_index(np.arange(case.dim), case.levels[::-1])[::-1], axis=1)
    phases = labels @ (TWO_PI * case.frame - w_common(case)) * end + labels @ virtual_phases(case)
    turn = np.exp(1j * phases)
    if y.ndim == 1:
        return turn * (terms.dressed.T @ y)
    return turn[:, None] * (terms.dressed.T @ y @ terms.dressed) * turn.conj()[None, :]


def final_states(case: Case, rtol: float = 1e-13) -> np.ndarray:
    """Return the final ket, or density matrix with noise, in the dressed interaction frame, by DOP853."""
    terms, waves = terms_of(case), waves_of(case)
    w_c = w_common(case)
    energies = terms.turned
    ket = start_of(case, terms)
    y = np.outer(ket, ket.conj()).reshape(-1) if case.noise else ket
    edges = edges_of(case, waves)
    for a, b in zip(edges[:-1], edges[1:]):
        rhs = _equation(case, terms, waves, energies, w_c, (a + b) / 2)
        done = solve_ivp(rhs, (a, b), y, method="DOP853", rtol=rtol, atol=rtol / 10, first_step=(b - a) / 4)
        y = done.y[:, -1]
    return finished(case, terms, y.reshape(case.dim, case.dim) if case.noise else y)


def _equation(
    case: Case, terms: Terms, waves: List[Wave], energies: np.ndarray, w_c: float, middle: float
) -> Callable[[float, np.ndarray], np.ndarray]:
    active: List[Tuple[Any, ...]] = []
    for w in waves:
        z = held(case, w, middle)
        if z != 0:
            active.append((w.rate * z, w.w, w.phase, terms.lower[w.qubit]))
    decay = sum((c.T @ c for c in terms.collapse), np.zeros_like(energies)) / 2
    jumps = np.array(terms.collapse) if terms.collapse else np.zeros((0, *energies.shape))

    def rhs(t: float, y: np.ndarray) -> np.ndarray:
        h = energies.astype(complex)
        for z, w, phase, a in active:
            slow = z / 2 * np.exp(1j * ((w - w_c) * t + phase))
            if not case.rwa:
                slow = slow + np.conj(z) / 2 * np.exp(-1j * ((w + w_c) * t + phase))
            h += slow * a + np.conj(slow) * a.T
        if not case.noise:
            return -1j * (h @ y)
        rho = y.reshape(energies.shape)
        left = (-1j * h - decay) @ rho
        out = left + left.conj().T
        out += np.einsum("kij,kjl->il", jumps @ rho, jumps.transpose(0, 2, 1)) if len(jumps) else 0
        return out.reshape(-1)

    return rhs
