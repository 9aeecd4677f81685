"""Describe one cluster of transmons as the solver sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Dict, FrozenSet, List, MutableMapping, NamedTuple, Optional, Sequence, Set, Tuple
from weakref import WeakKeyDictionary

import numpy as np

from ..device import Device
from ..errors import SimulationError
from ..program import Channel
from ..units import TWO_PI
from .operators import embed, lowering, number_labels
from .shrink import drive_shrink
from .spectrum import bare_frequencies, dressed_basis

__all__ = ["ExtraTerm", "Line", "Model"]

_KEPT = 256  # models per device
_made: "MutableMapping[Device, Dict[Any, Model]]" = WeakKeyDictionary()


class Line(NamedTuple):
    """One channel's signal at one transmon; crosstalk is more of them."""

    channel: Channel
    local_qubit: int
    w_rate: float  # rad/s at amplitude 1: H = w_rate s(t) (a + a^dag)
    gain: complex  # dimensionless
    delay_s: float  # s, the signal is late by this


@dataclass(frozen=True, eq=False)
class ExtraTerm:
    """A term that the user adds to the Hamiltonian.

    ``operator`` is in the bare number basis, rad/s. With ``channel`` None it
    is static; else it is driven, as operator * s(t) of that channel. Under the
    RWA, elements that change the number of excitations by one keep only
    their slow term; all others see s(t) as it is.
    """

    operator: np.ndarray  # complex128[dim, dim], rad/s
    channel: Optional[Channel] = None
    delay_s: float = 0.0  # s


@dataclass(frozen=True, eq=False)
class Model:
    """A cluster: Duffing transmons, exchange couplings, lines, decoherence.

    Basis order is Qiskit's: local qubit 0 is the least significant digit.
    """

    qubits: Tuple[int, ...]  # device indices
    levels: Tuple[int, ...]
    w_bare: np.ndarray  # float64[n], rad/s
    w_alpha: np.ndarray  # float64[n], rad/s
    w_frame: np.ndarray  # float64[n], rad/s: the interaction frame
    couplings: Tuple[Tuple[int, int, float], ...]  # local qubits, rad/s
    lines: Tuple[Line, ...]
    t1: np.ndarray  # float64[n], s, inf: none
    t2: np.ndarray  # float64[n], s, inf: none
    p_th: np.ndarray  # float64[n], dimensionless
    dt: float  # s
    extra: Tuple[ExtraTerm, ...] = ()
    held: Tuple[int, ...] = field(default=())  # local qubits whose level cannot change

    @property
    def n(self) -> int:
        """The number of transmons."""
        return len(self.qubits)

    @cached_property
    def dim(self) -> int:
        """The dimension of the Hilbert space."""
        return int(np.prod(self.levels, dtype=np.int64))

    @cached_property
    def driven(self) -> Tuple[ExtraTerm, ...]:
        """The extra terms that a channel drives."""
        return tuple(term for term in self.extra if term.channel is not None)

    @cached_property
    def on_grid(self) -> bool:
        """Whether every line is late by a whole number of samples."""
        late = np.array([line.delay_s for line in self.lines]) / self.dt
        return bool((np.abs(late - np.rint(late)) < 1e-9).all())

    @cached_property
    def noisy(self) -> bool:
        """Whether any transmon relaxes or dephases."""
        return bool(np.isfinite(self.t1).any() or np.isfinite(self.t2).any())

    @staticmethod
    def from_device(
        device: Device,
        qubits: Sequence[int],
        *,
        los: Optional[object] = None,
        levels: Optional[Sequence[int]] = None,
        noise: bool = True,
        couplings: Optional[Sequence[Tuple[int, int]]] = None,
        extra: Sequence[ExtraTerm] = (),
    ) -> "Model":
        """Return the model of some qubits of a device.

        Bare frequencies are solved so that every dressed 0-1 transition, all
        neighbours in their ground state, equals the device's estimate. A model
        of a device is made once.

        Args:
            device: what to model.
            qubits: device indices; their order is the model's basis order.
            los: a ``LoTable`` whose ``drive_frame`` is the interaction frame;
                None: the transmons' frequencies.
            levels: per qubit, 2 to 5; None: the device's.
            noise: whether T1 and T2 act.
            couplings: pairs of device indices to keep; None: all among
                ``qubits``.
            extra: more terms of the Hamiltonian.

        Raises:
            SimulationError: qubits that the device has not, repeated ones,
                bad levels, T2 > 2 T1.
        """
        chosen = tuple(int(q) for q in qubits)
        if extra:
            return _from_device(device, chosen, los, levels, noise, couplings, tuple(extra))
        frame = getattr(los, "drive_frame", None)
        key = (
            chosen,
            None if levels is None else tuple(int(d) for d in levels),
            noise,
            None if couplings is None else tuple(sorted(tuple(sorted(pair)) for pair in couplings)),
            None if frame is None else np.asarray(frame).tobytes(),
        )
        known = _made.setdefault(device, {})
        if key not in known:
            if len(known) >= _KEPT:
                known.clear()
            known[key] = _from_device(device, chosen, los, levels, noise, couplings, ())
        return known[key]

    def hold(self, local_qubits: Sequence[int]) -> "Model":
        """Return the model with some local qubits held at their level."""
        held = tuple(sorted(set(self.held) | {int(q) for q in local_qubits}))
        if held == self.held:
            return self
        known = self.__dict__.setdefault("_holds", {})
        if held not in known:
            known[held] = replace(self, held=held)
        return known[held]

    @cached_property
    def labels(self) -> np.ndarray:
        """Levels of every qubit in every basis state, int64[dim, n]."""
        return number_labels(self.levels)

    @cached_property
    def excitations(self) -> np.ndarray:
        """The total excitation number of every basis state, float64[dim]."""
        return self.labels.sum(axis=1).astype(np.float64)

    @cached_property
    def static_bare(self) -> np.ndarray:
        """H0 in the bare basis and the laboratory frame, rad/s."""
        return self._static(0.0)

    def _static(self, w: float) -> np.ndarray:
        """Return H0 less ``w`` (rad/s) per excitation, bare basis."""
        labels = self.labels.astype(np.float64)
        diagonal = labels @ (self.w_bare - w) + (labels * (labels - 1)) @ (self.w_alpha / 2)
        h = np.diag(diagonal).astype(complex)
        lower = [embed(lowering(d), q, self.levels) for q, d in enumerate(self.levels)]
        for i, j, w_j in self.couplings:
            hop = lower[i].T @ lower[j]
            h = h + w_j * (hop + hop.T)
        for term in self.extra:
            if term.channel is None:
                h = h + term.operator
        return h

    @cached_property
    def _dressed(self) -> Tuple[float, np.ndarray, np.ndarray]:
        """The rotation (rad/s) of a frame, energies in it, and columns.

        Rounding of 5 GHz turns states by 1e-9 in 100 us; that of distances from it does not.
        """
        w, blocks = float(np.mean(self.w_frame)), self.excitations
        if any(term.channel is None for term in self.extra):
            mixed = np.abs(self.static_bare[blocks[:, None] != blocks[None, :]]).max(initial=0.0)
            if mixed > 0:
                w, blocks = 0.0, np.zeros_like(blocks)
        h = self._static(w)
        if np.abs(h.imag).max(initial=0.0) == 0.0:
            h = h.real
        return (w, *dressed_basis(h, blocks))

    def dressed(self) -> Tuple[np.ndarray, np.ndarray]:
        """Return energies float64[dim] (rad/s) and dressed states (columns).

        Column ``b`` is the dressed form of bare basis state ``b``.
        """
        w, energies, states = self._dressed
        return energies + w * self.excitations, states

    def energies(self, w: float) -> np.ndarray:
        """Return dressed energies in the frame that rotates at ``w``, float64[dim], rad/s."""
        own, energies, _ = self._dressed
        return energies + (own - w) * self.excitations

    @cached_property
    def frame(self) -> np.ndarray:
        """Interaction-frame frequency of every dressed state, float64[dim], rad/s."""
        return self.labels @ self.w_frame

    def offsets(self, w: float) -> np.ndarray:
        """Return the same less ``w`` (rad/s) per excitation, float64[dim]."""
        return np.asarray(self.labels @ (self.w_frame - w))

    @cached_property
    def _mask(self) -> Optional[np.ndarray]:
        if not self.held:
            return None
        kept = self.labels[:, list(self.held)]
        return (kept[:, None, :] == kept[None, :, :]).all(axis=2)

    def to_dressed(self, operator: np.ndarray) -> np.ndarray:
        """Return a bare-basis operator in the dressed basis, held qubits kept."""
        _, _, v = self._dressed
        out = v.conj().T @ operator @ v
        return out if self._mask is None else np.where(self._mask, out, 0.0)

    @cached_property
    def lower_dressed(self) -> Tuple[np.ndarray, ...]:
        """The lowering operator of every qubit, in the dressed basis."""
        return tuple(self.to_dressed(embed(lowering(d), q, self.levels)) for q, d in enumerate(self.levels))

    @cached_property
    def collapse_dressed(self) -> Tuple[np.ndarray, ...]:
        """Collapse operators in the dressed basis, sqrt(1/s).

        sqrt((1 - p_th)/T1) a, sqrt(p_th/T1) |1><0| and sqrt(2 g_phi) n with
        g_phi = 1/T2 - 1/(2 T1), so that T1 and T2 are the measured totals.
        """
        out: List[np.ndarray] = []
        for q, d in enumerate(self.levels):
            if q in self.held:
                continue
            rate = 0.0 if np.isinf(self.t1[q]) else 1.0 / self.t1[q]
            dephasing = (0.0 if np.isinf(self.t2[q]) else 1.0 / self.t2[q]) - rate / 2
            raising = np.zeros((d, d))
            raising[1, 0] = 1.0
            local: Dict[float, np.ndarray] = {}
            local[0] = np.sqrt(rate * (1 - self.p_th[q])) * lowering(d)
            local[1] = np.sqrt(rate * self.p_th[q]) * raising
            local[2] = np.sqrt(2 * max(dephasing, 0.0)) * np.diag(np.arange(float(d)))
            out += [self.to_dressed(embed(m, q, self.levels)) for m in local.values() if np.any(m)]
        return tuple(out)


def _from_device(
    device: Device,
    qubits: Tuple[int, ...],
    los: Optional[object],
    levels: Optional[Sequence[int]],
    noise: bool,
    couplings: Optional[Sequence[Tuple[int, int]]],
    extra: Tuple[ExtraTerm, ...],
) -> Model:
    _check_qubits(device, qubits)
    transmons = [device.transmons[q] for q in qubits]
    depth = tuple(int(d) for d in (levels if levels is not None else [t.levels for t in transmons]))
    if len(depth) != len(qubits) or any(not 2 <= d <= 5 for d in depth):
        raise SimulationError(
            f"Argument `levels` must give each of the {len(qubits)} qubits 2 to 5 levels, but {list(depth)} came."
        )
    local = {q: i for i, q in enumerate(qubits)}
    kept = None if couplings is None else {frozenset(pair) for pair in couplings}
    pairs = tuple(
        (local[c.qubits[0]], local[c.qubits[1]], TWO_PI * c.strength)
        for c in device.couplings
        if c.qubits[0] in local and c.qubits[1] in local and (kept is None or frozenset(c.qubits) in kept)
    )
    w = TWO_PI * np.array([t.frequency for t in transmons])
    t1, t2, p_th = _decoherence(device, qubits, noise)
    drive_frame = getattr(los, "drive_frame", None)
    frame = device.qubit_freq_est if drive_frame is None else drive_frame
    w_frame = TWO_PI * np.asarray(frame, dtype=np.float64)[list(qubits)]
    dim = int(np.prod(depth, dtype=np.int64))
    for term in extra:
        if np.shape(term.operator) != (dim, dim) or not np.isfinite(term.operator).all():
            raise SimulationError(
                f"Argument `extra` must hold finite operators of shape {(dim, dim)}, "
                f"but one of shape {np.shape(term.operator)} came."
            )
    return Model(
        qubits=qubits,
        levels=depth,
        w_bare=bare_frequencies(w, pairs),
        w_alpha=TWO_PI * np.array([t.anharmonicity for t in transmons]),
        w_frame=w_frame,
        couplings=pairs,
        lines=_lines(device, local, {frozenset((qubits[a], qubits[b])) for a, b, _ in pairs}),
        t1=t1,
        t2=t2,
        p_th=p_th,
        dt=float(device.timing.dt),
        extra=extra,
    )


def _check_qubits(device: Device, qubits: Tuple[int, ...]) -> None:
    if not qubits or len(set(qubits)) != len(qubits) or any(not 0 <= q < device.n_qubits for q in qubits):
        raise SimulationError(
            f"Argument `qubits` must be different indices below {device.n_qubits} ({device.name}), "
            f"but {list(qubits)} came."
        )


def check_decoherence(qubits: Sequence[int], t1: np.ndarray, t2: np.ndarray, p_th: np.ndarray) -> None:
    """Refuse decoherence times (s) that no process has.

    Raises:
        SimulationError: times that are not positive, T2 > 2 T1, or an
            equilibrium population outside [0, 1).
    """
    for q, a, b, p in zip(qubits, t1, t2, p_th):
        if not (a > 0 and b > 0 and 0 <= p < 1):
            raise SimulationError(f"T1 and T2 must be positive and p_th in [0, 1), but qubit {q} has {a}, {b}, {p}.")
        if b > 2 * a * (1 + 1e-12):
            raise SimulationError(
                f"T2 must be at most 2 T1, but qubit {q} has T1 = {a:g} s and T2 = {b:g} s. Clip T2 to 2 T1."
            )


def _decoherence(device: Device, qubits: Tuple[int, ...], noise: bool) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(qubits)
    if not noise:
        return np.full(n, np.inf), np.full(n, np.inf), np.zeros(n)
    times = [(device.transmons[q].t1, device.transmons[q].t2) for q in qubits]
    t1 = np.array([np.inf if a is None else a for a, _ in times], dtype=np.float64)
    t2 = np.array([np.inf if b is None else b for _, b in times], dtype=np.float64)
    p_th = np.array([device.transmons[q].p_th for q in qubits], dtype=np.float64)
    t2 = np.where(np.isinf(t2), 2 * t1, t2)
    check_decoherence(qubits, t1, t2, p_th)
    return t1, t2, p_th


def _lines(device: Device, local: Dict[int, int], pairs: Set[FrozenSet[int]]) -> Tuple[Line, ...]:
    shrink = {q: drive_shrink(device, q, pairs) for q in local}
    lines: List[Line] = []
    physical: Dict[Channel, Tuple[int, float, complex, float]] = {}
    for index, d in enumerate(device.drives):
        physical[Channel("d", index)] = (d.qubit, d.rabi_rate, complex(d.gain), d.delay_s)
    for index, u in enumerate(device.controls):
        physical[Channel("u", index)] = (u.qubit, u.rabi_rate, complex(u.gain), u.delay_s)
    for channel, (qubit, rate, gain, delay) in physical.items():
        if qubit in local:
            lines.append(Line(channel, local[qubit], TWO_PI * rate * shrink[qubit], gain, delay))
    for leak in device.crosstalk:
        channel = Channel.parse(leak.channel)
        if leak.qubit in local and channel in physical:
            _, rate, gain, delay = physical[channel]
            w_rate = TWO_PI * rate * shrink[leak.qubit]
            lines.append(Line(channel, local[leak.qubit], w_rate, gain * complex(leak.gain), delay))
    return tuple(lines)
