"""Derive an exchange coupling from the pulse that should use it."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Tuple

import numpy as np

from ..device import Coupling, Device
from ..simulator import Model
from .cross import zx_turn
from .templates import CrossTemplate

__all__ = ["derive_exchange", "exchange_of", "is_published", "with_exchange"]

LARGEST = 6e6  # Hz; beyond it the static ZZ would be none that a machine has
_SEED = 2e6  # Hz


def exchange_of(device: Device, pair: Tuple[int, int]) -> float:
    """Return the coupling of two qubits in Hz, 0 where there is none."""
    return sum(c.strength for c in device.couplings if set(c.qubits) == set(pair))


def is_published(device: Device, pair: Tuple[int, int]) -> bool:
    """Tell whether the coupling of two qubits is none that the importer derived or assumed."""
    quantity = f"couplings[{min(pair)},{max(pair)}].strength"
    return not any(n.quantity == quantity and n.kind in ("derived", "assumed") for n in device.provenance.notes)


def with_exchange(device: Device, pair: Tuple[int, int], strength: float) -> Device:
    """Return the device with another coupling (Hz) between two qubits."""
    kept = [c for c in device.couplings if set(c.qubits) != set(pair)]
    found = [c for c in device.couplings if set(c.qubits) == set(pair)]
    new = replace(found[0], strength=strength) if found else Coupling((min(pair), max(pair)), strength)
    return device.replace(couplings=tuple(sorted([*kept, new], key=lambda c: c.qubits)))


def derive_exchange(device: Device, template: CrossTemplate, amplitude: float) -> Optional[float]:
    """Return the J (Hz) with which tones of a given amplitude make a CNOT.

    The ZX rate is proportional to J to first order, so J is scaled until the
    turn, on the exact effective Hamiltonian, is pi/2.

    Args:
        device: the pair's other parameters.
        template: the gate; its control channel and durations stay.
        amplitude: factor of the tone, usually the shipped one.

    Returns:
        None where no J up to 6 MHz will do.
    """
    pair = (template.control, template.target)
    strength = max(exchange_of(device, pair), _SEED / 4)
    for _ in range(12):
        model = Model.from_device(with_exchange(device, pair, strength), pair, noise=False)
        turn = abs(float(zx_turn(model, template, np.array([amplitude]))[0]))
        if turn == 0.0:
            return None
        change = (np.pi / 2) / turn
        strength *= float(np.clip(change, 0.25, 4.0))
        if strength > 2 * LARGEST:
            return None
        if abs(change - 1) < 1e-4:
            break
    return strength if strength <= LARGEST else None
