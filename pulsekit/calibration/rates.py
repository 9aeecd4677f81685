"""Compute what a constant tone does to a pair: effective CR Hamiltonians."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..device import Device
from ..errors import CalibrationError
from ..program import Channel
from ..simulator import Model
from ..units import TWO_PI

__all__ = ["PAULIS", "cr_rates", "effective_hamiltonian", "pauli_rates"]

PAULIS: Tuple[str, ...] = ("IX", "IY", "IZ", "ZI", "ZX", "ZY", "ZZ")

_SINGLE = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0 + 0j, -1.0]),
}


def pauli_rates(h: np.ndarray) -> Dict[str, float]:
    """Return rates nu_P in Hz with h / (2 pi) = sum_P nu_P P / 2.

    Args:
        h: complex128[4, 4], rad/s, local qubit 0 the control, 1 the target.

    Returns:
        One rate per name of :data:`PAULIS`: first letter control, second target.
    """
    out = {}
    for name in PAULIS:
        operator = np.kron(_SINGLE[name[1]], _SINGLE[name[0]])
        out[name] = float(np.trace(operator @ h).real / 2 / TWO_PI)
    return out


def _blocks(model: Model) -> List[np.ndarray]:
    labels = model.labels
    inside = (labels <= 1).all(axis=1)
    out = [np.flatnonzero(inside & (labels[:, 0] == c)) for c in (0, 1)]
    return [*out, np.flatnonzero(~inside)]


def effective_hamiltonian(h: np.ndarray, blocks: List[np.ndarray]) -> np.ndarray:
    """Block-diagonalise a Hamiltonian with the least possible rotation.

    T = X X_B^dag (X_B X_B^dag)^(-1/2) with X the eigenvectors, X_B their
    block-diagonal part (Cederbaum, Schirmer, Meyer, J. Phys. A 22, 2427
    (1989); used for CR by Magesan and Gambetta, Phys. Rev. A 101, 052308).

    Args:
        h: complex128[..., dim, dim], Hermitian.
        blocks: index arrays that partition the basis.

    Returns:
        complex128[..., dim, dim], block diagonal.
    """
    flat = h.reshape(-1, *h.shape[-2:])
    owner = np.concatenate([np.full(len(b), k) for k, b in enumerate(blocks)])
    order = np.concatenate(blocks)
    mask = np.zeros(h.shape[-2:], bool)
    for b in blocks:
        mask[np.ix_(b, b)] = True
    out = np.empty_like(flat)
    for k, one in enumerate(flat):
        _, vectors = np.linalg.eigh(one)
        weight = np.stack([(np.abs(vectors[b]) ** 2).sum(axis=0) for b in blocks])
        slots, columns = linear_sum_assignment(-weight[owner])
        x = np.empty_like(vectors)
        x[:, order[slots]] = vectors[:, columns]
        part = np.where(mask, x, 0)
        u, _, vh = np.linalg.svd(part)
        turn = x @ (u @ vh).conj().T
        out[k] = turn.conj().T @ one @ turn
    return out.reshape(h.shape)


def tone_operator(model: Model, channel: Channel) -> np.ndarray:
    """Return the lowering part of a line's drive at amplitude 1.

    Returns:
        complex128[dim, dim], rad/s, dressed basis: H = c * this + h.c. in the
        frame of the tone for a constant envelope c.

    Raises:
        CalibrationError: the channel drives none of the model's qubits.
    """
    found = [line for line in model.lines if line.channel == channel]
    if not found:
        raise CalibrationError(
            f"Argument `channel` must be a channel that drives one of qubits {list(model.qubits)}, "
            f"but {channel} does not."
        )
    down = model.excitations[:, None] - model.excitations[None, :] == -1
    total = np.zeros((model.dim, model.dim), complex)
    for line in found:
        total += line.w_rate / 2 * line.gain * np.where(down, model.lower_dressed[line.local_qubit], 0)
    return total


def driven_hamiltonian(model: Model, w_tone: float, drive: np.ndarray) -> np.ndarray:
    """Return the RWA Hamiltonian in the tone's frame, dressed basis, rad/s.

    Args:
        model: the cluster.
        w_tone: rad/s.
        drive: complex128[..., dim, dim], the lowering part of the drive.
    """
    energies, _ = model.dressed()
    static = np.diag(energies - energies[0] - w_tone * model.excitations)
    return static + drive + np.conj(np.swapaxes(drive, -1, -2))


def computational_part(model: Model, h: np.ndarray) -> np.ndarray:
    """Return the 4x4 effective Hamiltonian of a driven pair, complex128[..., 4, 4], rad/s."""
    effective = effective_hamiltonian(h, _blocks(model))
    keep = np.flatnonzero((model.labels <= 1).all(axis=1))
    return effective[..., keep[:, None], keep[None, :]]


def cr_rates(
    device: Device,
    control: int,
    target: int,
    amplitude: complex,
    *,
    channel: str = "",
    cancellation: complex = 0.0,
) -> Dict[str, float]:
    """Return the effective rates of a constant cross-resonance tone.

    Args:
        device: the pair's model, frequencies and lines.
        control, target: qubits; the tone drives ``control`` at the target's LO.
        amplitude: envelope of the tone, dimensionless.
        channel: the control channel; "": the one that drives ``control`` at
            the target's LO.
        cancellation: envelope on the target's drive channel.

    Returns:
        Rates in Hz, H / h = sum nu_P P / 2, physical (not mirrored) signs,
        first letter control: IX, IY, IZ, ZI, ZX, ZY, ZZ.

    Raises:
        CalibrationError: no such channel.
    """
    model = Model.from_device(device, (control, target), noise=False)
    line = Channel.parse(channel) if channel else control_channel(device, control, target)
    drive = amplitude * tone_operator(model, line)
    if cancellation:
        drive = drive + cancellation * tone_operator(model, Channel("d", target))
    return pauli_rates(computational_part(model, driven_hamiltonian(model, model.w_frame[1], drive)))


def control_channel(device: Device, control: int, target: int) -> Channel:
    """Return the control channel that drives ``control`` at the target's LO.

    Raises:
        CalibrationError: there is none.
    """
    for index, line in enumerate(device.controls):
        if line.qubit == control and [q for q, s in line.lo if s] == [target]:
            return Channel("u", index)
    raise CalibrationError(
        f"Qubits {control} and {target} must have a control channel that drives {control} at the LO of {target}, "
        f"but {device.name} has none."
    )
