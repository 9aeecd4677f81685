"""Make the workloads' references anew, with scipy alone.

    python -m benchmarks.workloads.regenerate                 # compare all with what is stored (an hour)
    python -m benchmarks.workloads.regenerate --write w1_rabi1q

The Schroedinger or Lindblad equation of the bare transmons, in the interaction
picture of their uncoupled energies, is integrated by ``scipy``'s DOP853 from
sample edge to sample edge, delays by ``expm``. Nothing of pulsekit but the
envelopes is used.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.sparse import csr_matrix, diags, identity, kron

from . import HERE, load, names, reference
from .hamiltonian import collapse, drift, envelope_of, frame_of, lowering_of

__all__ = ["populations"]

TOLERANCE = 1e-11  # of a step; the populations are good to about 1e-9


class _Equation:
    """dy/dt = -i exp(i E t) K(t) exp(-i E t) y for kets, or vectorised density matrices."""

    def __init__(self, workload: Dict[str, Any]) -> None:
        self.workload = workload
        self.density = workload["solver"] == "lindblad"
        self.frame = frame_of(workload)
        static = csr_matrix(drift(workload, self.frame))
        energies = static.diagonal().real
        rest = static - diags(static.diagonal())
        lower = [csr_matrix(a) for a in lowering_of(workload)]
        self.dim = len(energies)
        if self.density:
            energies = (energies[:, None] - energies[None, :]).ravel()
            rest = _commutator(rest) + 1j * sum(_dissipator(csr_matrix(c)) for c in collapse(workload))
            self.drives = [(_commutator(a), _commutator(a.conj().T.tocsr())) for a in lower]
        else:
            self.drives = [(a, a.conj().T.tocsr()) for a in lower]
        self.energies, self.rest = energies[:, None], csr_matrix(rest)

    def run(self, schedules: Sequence[Dict[str, Any]]) -> np.ndarray:
        """Return the final populations of schedules of one length, float64[schedules, dim]."""
        w, dt, duration = self.workload, self.workload["dt"], schedules[0]["duration"]
        held = {name: np.zeros((duration, len(schedules)), complex) for name in w["channels"]}
        lo = {name: np.full(len(schedules), channel["lo"]) for name, channel in w["channels"].items()}
        for lane, schedule in enumerate(schedules):
            for name, samples in envelope_of(w, schedule).items():
                held[name][:, lane] = samples
            for name, value in schedule.get("lo", {}).items():
                lo[name][lane] = value
        played = {name: samples for name, samples in held.items() if samples.any()}
        changes = np.zeros(duration, dtype=bool)
        changes[0] = True
        for samples in played.values():
            changes[1:] |= (samples[1:] != samples[:-1]).any(axis=1)
        edges = [*np.flatnonzero(changes).tolist(), duration]
        y = np.zeros((self.energies.size, len(schedules)), complex)
        y[0] = 1.0
        for a, b in zip(edges[:-1], edges[1:]):
            tones = [(name, samples[a], lo[name]) for name, samples in played.items() if samples[a].any()]
            y = self._segment(y, a * dt, b * dt, tones)
        if self.density:
            return y.reshape(self.dim, self.dim, -1).diagonal().real
        return (np.abs(y) ** 2).T

    def _segment(
        self, y: np.ndarray, start: float, stop: float, tones: List[Tuple[str, np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        w, shape = self.workload, y.shape
        if not tones:
            free = expm((stop - start) * -1j * (self.rest.toarray() + np.diag(self.energies[:, 0])))
            return np.exp(1j * self.energies * stop) * (free @ (np.exp(-1j * self.energies * start) * y))

        def slope(t: float, flat: np.ndarray) -> np.ndarray:
            turn = np.exp(-1j * self.energies * t)
            x = turn * flat.reshape(shape)
            out = self.rest @ x
            for name, samples, lo in tones:
                qubit = w["channels"][name]["qubit"]
                lower, upper = self.drives[qubit]
                signal = np.pi * w["qubits"][qubit]["drive_rate"] * samples * np.exp(2j * np.pi * lo * t)
                signal = (signal if w["rwa"] else 2 * signal.real) * np.exp(-2j * np.pi * self.frame * t)
                out = out + signal * (lower @ x) + np.conj(signal) * (upper @ x)
            return (-1j * np.conj(turn) * out).ravel()

        done = solve_ivp(slope, (start, stop), y.ravel(), "DOP853", [stop], rtol=TOLERANCE, atol=TOLERANCE / 10)
        if not done.success:
            raise RuntimeError(f"scipy gave up between {start} and {stop} ns: {done.message}")
        return done.y[:, -1].reshape(shape)


def _commutator(a: csr_matrix) -> csr_matrix:
    one = identity(a.shape[0])
    return csr_matrix(kron(a, one) - kron(one, a.T))


def _dissipator(c: csr_matrix) -> csr_matrix:
    one, square = identity(c.shape[0]), c.conj().T @ c
    return csr_matrix(kron(c, c.conj()) - (kron(square, one) + kron(one, square.T)) / 2)


def populations(name: str, chosen: Optional[Sequence[int]] = None) -> np.ndarray:
    """Return the final populations of (some) schedules of a workload, bare basis.

    Args:
        name: of the workload.
        chosen: indices of schedules; None: all.

    Returns:
        float64[schedules, levels ** qubits], qubit 0 least significant.
    """
    workload = load(name)
    schedules = workload["schedules"]
    rows = range(len(schedules)) if chosen is None else chosen
    by_length: Dict[int, List[int]] = {}
    for place, row in enumerate(rows):
        by_length.setdefault(schedules[row]["duration"], []).append(place)
    equation = _Equation(workload)
    out = np.empty((len(rows), equation.dim))
    for places in by_length.values():
        out[places] = equation.run([schedules[rows[p]] for p in places])
    return out


def main() -> None:
    """Compare the stored references with new ones, or replace them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workloads.regenerate", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--write", action="store_true", help="replace the stored files")
    arguments = parser.parse_args()
    for name in arguments.names or names():
        start = time.perf_counter()
        found = populations(name)
        difference = np.abs(found - reference(name)).max()
        print(f"{name}: largest difference {difference:.1e}, {time.perf_counter() - start:.0f} s", flush=True)
        if arguments.write:
            np.save(HERE / "reference" / f"{name}.npy", found, allow_pickle=False)


if __name__ == "__main__":
    main()
