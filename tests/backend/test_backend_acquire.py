"""Kernels and discriminators through terra's objects; what a readout cannot do is an error of run()."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.pulse import Acquire, AcquireChannel, Discriminator, Kernel, MeasureChannel, MemorySlot

from pulsekit.backend import IBMQBackendError

WEIGHTS = np.hanning(1472) * np.exp(0.003j * np.arange(1472))


def measured(backend, kernel=None, discriminator=None, duration=None):
    """x, then a measure with the user's kernel and discriminator."""
    measure = backend.instruction_schedule_map.get("measure", [0]).filter(instruction_types=[pulse.Play])
    stimulus = measure.instructions[0][1].pulse
    x = backend.instruction_schedule_map.get("x", [0])
    out = pulse.Schedule(name="measured")
    out.insert(0, x, inplace=True)
    out.insert(x.duration, pulse.Play(stimulus, MeasureChannel(0)), inplace=True)
    length = stimulus.duration if duration is None else duration
    acquire = Acquire(length, AcquireChannel(0), MemorySlot(0), kernel=kernel, discriminator=discriminator)
    return out.insert(x.duration, acquire, inplace=True), length


@pytest.mark.parametrize("kind", [list, np.asarray, tuple])
def test_a_users_kernel_weights_the_record(backend, kind):
    length = measured(backend)[1]
    w = np.resize(WEIGHTS, length)
    program, _ = measured(backend, Kernel("weights", real=kind(w.real.tolist()), imag=kind(w.imag.tolist())))
    settings = {"meas_return": "single", "shots": 200, "seed_simulator": 3}
    raw = backend.run(program, meas_level=0, memory_slot_size=length, **settings).result().get_memory()
    iq = backend.run(program, meas_level=1, **settings).result().get_memory()
    assert np.allclose(raw[:, 0] @ w, iq[:, 0], rtol=1e-12)


def test_a_users_discriminator_decides_level_two(backend):
    rule = Discriminator("linear_discriminator", weights=[0.3, -1.0], threshold=2e5)
    program, _ = measured(backend, Kernel("boxcar", start_window=50), rule)
    settings = {"meas_return": "single", "shots": 500, "seed_simulator": 3}
    iq = backend.run(program, meas_level=1, **settings).result().get_memory()[:, 0]
    memory = backend.run(program, memory=True, **settings).result().get_memory()
    assert [int(b) for b in memory] == (0.3 * iq.real - iq.imag > 2e5).astype(int).tolist()


def test_a_kernel_comes_through_a_circuits_calibration(backend):
    program = measured(backend, Kernel("weights", real=[2.0] * measured(backend)[1]))[0]
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.add_calibration("measure", [0], program)
    settings = {"meas_level": 1, "shots": 50, "seed_simulator": 3}
    doubled = backend.run(circuit, **settings).result().get_memory()
    plain = backend.run(measured(backend)[0], **settings).result().get_memory()
    assert doubled[0] == pytest.approx(2 * plain[0], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kernel": Kernel("box")}, "kernel"),
        ({"kernel": Kernel("boxcar", start=3)}, "start"),
        ({"kernel": Kernel("weights", real=[1.0] * 10**6)}, "weights"),
        ({"kernel": Kernel("weights", real=["a"] * 1000)}, "`real` must be finite real numbers, but .'a'"),
        ({"kernel": Kernel("weights", real=[1j])}, "`real` must be finite real numbers"),
        ({"kernel": Kernel("boxcar", start_window=1.5)}, "`start_window` must be a whole number, but 1.5"),
        ({"kernel": Kernel("boxcar", stop_window=None)}, "`stop_window` must be a finite real number, but None"),
        ({"kernel": Kernel("exponential", decay_s="1us")}, "`decay_s` must be a finite real number, but '1us'"),
        ({"discriminator": Discriminator("linear_discriminator", weights=[1, 1], threshold=np.nan)}, "`threshold`"),
        ({"discriminator": Discriminator("quadratic_discriminator", coefficients=[None] * 6)}, "`coefficients` .* 6 "),
        ({"discriminator": Discriminator("lda")}, "discriminator"),
        ({"discriminator": Discriminator("linear_discriminator", weights=[1.0])}, "weights"),
    ],
)
def test_a_readout_that_there_is_not_is_refused_by_run(backend, options, said):
    with pytest.raises(IBMQBackendError, match=said) as caught:
        backend.run(measured(backend, **options)[0])
    assert "(program 'measured')" in str(caught.value) and len(str(caught.value)) < 400


def test_a_result_over_the_cap_is_refused_by_run(backend):
    program, length = measured(backend)
    asked = {"meas_level": 0, "meas_return": "single", "shots": 1000, "memory_slot_size": length}
    size = 16 * 1000 * length
    with pytest.raises(IBMQBackendError, match=str(size)):
        backend.run(program, memory_cap=size - 1, **asked)
    assert backend.run(program, memory_cap=size, **{**asked, "meas_return": "avg"}).result().success
