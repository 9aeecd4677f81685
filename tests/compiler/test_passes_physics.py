"""What the passes add does what it is for, on the simulated device."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from pulsekit import simulate, tune
from pulsekit.backend.frontend import compile
from pulsekit.device import Device


@pytest.fixture(scope="module")
def pair():
    return tune(Device.line(2)).replace(measure_esp_enabled=True)


def populations(circuit, device, qubit=0, **options):
    return simulate(compile(circuit, device, **options), device).level_populations(0, qubit)


@pytest.mark.parametrize("prepared,level", [(0, 0), (1, 2)])
def test_esp_promotes_one_and_leaves_zero(pair, prepared, level):
    circuit = QuantumCircuit(1, 1)
    if prepared:
        circuit.x(0)
    circuit.measure(0, 0)
    found = populations(circuit, pair)
    assert found[level] > 0.999
    assert populations(circuit, pair, use_measure_esp=False)[prepared] > 0.999


def test_x12_leaves_the_frame_where_it_was(pair):
    """Two x12 a whole number of turns of the 1-2 frame apart are -1 on |1>: the second sx undoes the first."""
    period = 1 / (abs(pair.transmons[0].anharmonicity) * pair.timing.dt)
    x12 = pair.calibrations.get("x12", (0,)).program.duration
    gap = next(g for g in range(0, 100_000, 16) if abs((g + x12) / period - round((g + x12) / period)) < 1e-3)
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    circuit.append(Gate("x12", 1, []), [0])
    circuit.delay(gap, 0)
    circuit.append(Gate("x12", 1, []), [0])
    circuit.sx(0)
    assert populations(circuit, pair)[0] > 0.97  # the rest is the pulses' Stark shift of 0-1
    halfway = circuit.copy_empty_like()
    for k, instruction in enumerate(circuit.data):
        halfway._append(instruction)
        if k == 2:
            halfway.delay(round(period / 2), 0)
    assert populations(halfway, pair, align="off")[0] < 0.1


def ramsey(delay):
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    circuit.delay(delay, 0)
    circuit.sx(0)
    return circuit


@pytest.mark.parametrize("sequence", ["X2", "XY4", "XY8", "UDD4"])
def test_decoupling_refocuses_a_detuning(pair, sequence):
    delay, detuning = 16_000, 2e5
    los = [pair.qubit_freq_est[0] + detuning, pair.qubit_freq_est[1]]
    free = populations(ramsey(delay), pair, qubit_lo_freq=los)[1]
    phase = 2 * np.pi * detuning * (delay + 160) * pair.timing.dt
    assert free == pytest.approx((1 + np.cos(phase)) / 2, abs=0.01)
    assert populations(ramsey(delay), pair, qubit_lo_freq=los, dd=sequence)[1] > 0.995


def test_staggering_refocuses_zz_and_decoupling_both_alike_does_not(pair):
    """Both qubits idle in superposition: each one's frequency hangs on the other."""
    delay = 96_000
    circuit = QuantumCircuit(2)
    circuit.sx([0, 1])
    circuit.delay(delay, [0, 1])
    circuit.sx([0, 1])
    plain = populations(circuit, pair)[1]
    alike = populations(circuit, pair, dd={"sequence": "X2", "stagger": False})[1]
    staggered = populations(circuit, pair, dd="X2")[1]
    assert staggered > 0.999
    assert alike < 0.99 and plain < 0.99


@pytest.mark.parametrize("sequence", ["X2", "XY4"])
def test_decoupling_does_not_turn_virtual_z(pair, sequence):
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    circuit.delay(4000, 0)
    circuit.rz(1.0, 0)
    circuit.delay(4000, 0)
    circuit.rz(0.5, 0)
    circuit.sx(0)
    expected = populations(circuit, pair)[1]
    assert expected == pytest.approx((1 + np.cos(1.5)) / 2, abs=0.01)
    assert populations(circuit, pair, dd=sequence)[1] == pytest.approx(expected, abs=0.01)
