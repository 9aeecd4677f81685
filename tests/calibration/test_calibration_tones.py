"""Tones by interpolated exponentials, against the simulator's own steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pulsekit.calibration.segments import CrossPropagator
from pulsekit.calibration.single import solve_rotation
from pulsekit.calibration.templates import CrossTemplate, cross_template, nominals
from pulsekit.calibration.tones import grouping, tone_shape
from pulsekit.calibration.tune import shipped_pulses
from pulsekit.device import Device
from pulsekit.program import Op, Pulse
from pulsekit.simulator import Model

FACTORS = (np.array([0.5, 0.42 + 0.11j, -0.3j]), np.array([0.0, 0.05j, -0.02 + 0.01j]), np.zeros((3, 3)))


def gate_of(device: Device, qubits: tuple) -> tuple:
    rotations = {}
    for q in qubits:
        model, pulse = Model.from_device(device, (q,), noise=False), shipped_pulses(device)[q, "x"]
        rotations[q] = {"x": solve_rotation(device, model, "x", pulse)}
    program = device.calibrations.get("cx", qubits).program
    template = cross_template(device, program, qubits, rotations, nominals(device))
    assert template is not None
    return Model.from_device(device, (template.control, template.target), noise=False), template


def by_the_simulator(device: Device, model: Model, template: CrossTemplate) -> np.ndarray:
    plain = CrossPropagator(device, model, template)
    plain.shapes = dict.fromkeys(plain.shapes)
    return plain(*FACTORS)


@pytest.mark.parametrize("qubits", [(0, 1), (2, 1)])
def test_equal_to_the_simulator(shipped, qubits: tuple) -> None:
    model, template = gate_of(shipped, qubits)
    own = CrossPropagator(shipped, model, template)
    assert all(shape is not None for shape in own.shapes.values())
    found, wanted = own(*FACTORS), by_the_simulator(shipped, model, template)
    assert np.abs(found - wanted).max() < 1e-9
    assert np.abs(found @ np.conj(np.swapaxes(found, 1, 2)) - np.eye(9)).max() < 1e-9


def test_sampled_pulses_of_files_are_one_shape_too() -> None:
    device = Device.from_snapshot("ibmq_poughkeepsie")
    model, template = gate_of(device, (0, 1))
    own = CrossPropagator(device, model, template)
    assert all(shape is not None for shape in own.shapes.values())
    assert np.abs(own(*FACTORS) - by_the_simulator(device, model, template)).max() < 1e-6


def test_slow_edges_in_groups_are_a_good_start() -> None:
    """The edges of ibmq_toronto's tones take 2048 samples each."""
    device = Device.from_snapshot("ibmq_toronto")
    model, template = gate_of(device, (0, 1))
    exact = CrossPropagator(device, model, template)
    rough = CrossPropagator(device, model, template, exact=False)
    assert rough.coarse
    error = np.abs(rough(*FACTORS) - exact(*FACTORS)).max()
    assert 1e-9 < error < 1e-4
    assert np.abs(exact(*FACTORS)[0] - by_the_simulator(device, model, template)[0]).max() < 1e-8


def test_grouping() -> None:
    slow = Pulse.from_shape("gaussian_square", 6144, {"sigma": 1024, "width": 2048}).samples.real
    quick = Pulse.from_shape("gaussian_square", 592, {"sigma": 64, "width": 336}).samples.real
    assert grouping(slow) == 8
    assert grouping(quick) == 1
    assert grouping(slow[:6143]) == 1  # not whole groups


def test_two_shapes_are_left_to_the_simulator(shipped) -> None:
    model, template = gate_of(shipped, (0, 1))
    program = template.program
    row = template.cancels[0]
    old = program.pulses[program.events.ref[row]]
    other = Pulse.from_samples(old.samples * np.linspace(1, 0.5, old.duration), name="other")
    ref = np.array(program.events.ref)
    ref[row] = len(program.pulses)
    changed = replace(
        template, program=program.replace(events=program.events.replace(ref=ref), pulses=(*program.pulses, other))
    )
    own = CrossPropagator(shipped, model, changed)
    assert None in own.shapes.values()
    played = [
        (int(program.events.channel[r]), 0, np.ones(8, complex)) for r in program.rows(Op.PLAY) if r in template.cancels
    ]
    assert tone_shape(template, played[:1], 0, 8) is None  # no tone


def test_late_lines_are_left_to_the_simulator(shipped) -> None:
    late = shipped.with_(channel="u0", delay_s=1e-9)
    model, template = gate_of(late, (0, 1))
    assert set(CrossPropagator(late, model, template).shapes.values()) == {None}
