"""run() takes templates whose pulses' lengths are bound by ``parameter_binds``, and keeps them."""

from __future__ import annotations

import json

import pytest
import sympy
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter
from qiskit.pulse import ScheduleBlock
from qiskit.pulse.instructions import RelativeBarrier
from qiskit.pulse.library import SymbolicPulse
from qiskit.pulse.transforms import AlignEquispaced, AlignFunc, AlignRight, block_to_schedule

from pulsekit import Backend
from pulsekit.backend.payload.document import capture, decode, encode

D = Parameter("d")


def template(context):
    d0, u0 = pulse.DriveChannel(0), pulse.MeasureChannel(0)
    inner = ScheduleBlock(alignment_context=context)
    inner.append(pulse.Play(pulse.GaussianSquare(D, 0.1, D / 16, width=D / 2), d0), inplace=True)
    inner.append(RelativeBarrier(d0, u0), inplace=True)
    inner.append(pulse.Delay(2 * D, u0), inplace=True)
    block = ScheduleBlock(name="tone", alignment_context=AlignRight())
    block.append(pulse.ShiftPhase(0.01 * D, d0), inplace=True)
    block.append(inner, inplace=True)
    circuit = QuantumCircuit(1, 1, name="sweep")
    circuit.sx(0)
    circuit.append(Gate("tone", 1, [D]), [0])
    circuit.measure(0, 0)
    circuit.add_calibration("tone", [0], block, [D])
    return circuit


def quarter(j):
    return j / 4


@pytest.mark.parametrize("context", [AlignRight(), AlignEquispaced(4 * D), AlignFunc(16 * D, quarter)])
def test_a_sweep_of_lengths_runs_and_is_kept(transmon, context):
    backend = Backend(transmon, "memory", seed_simulator=5, shots=200)
    circuit = template(context)
    lengths = (160, 320, 640)
    job = backend.run(circuit, parameter_binds=[{D: n} for n in lengths])
    result = job.result()
    bound = backend.run([circuit.assign_parameters({D: n}) for n in lengths]).result()
    assert [result.get_counts(k) for k in range(3)] == [bound.get_counts(k) for k in range(3)]
    kept = backend.retrieve_job(job.job_id()).circuits()
    assert [c.num_parameters for c in kept] == [0, 0, 0]
    again = backend.run(kept).result()
    assert [again.get_counts(k) for k in range(3)] == [bound.get_counts(k) for k in range(3)]


def test_templates_are_stored_as_they_are():
    for context in (AlignRight(), AlignEquispaced(4 * D)):
        circuit = template(context)
        document = json.loads(json.dumps(encode(capture([circuit], [{D: 160}]))))
        (kept,), (bind,) = decode(document)
        ((_, body),) = kept.calibrations["tone"].items()
        ((own, value),) = bind.items()
        assert value == 160 and body.is_schedulable() is False
        (original,) = circuit.calibrations["tone"].values()
        assert body.assign_parameters({own: 320}) == original.assign_parameters({D: 320}, inplace=False)


def test_a_function_s_positions_are_stored():
    circuit = template(AlignFunc(16 * D, quarter))
    document = json.loads(json.dumps(encode(capture([circuit], [{D: 160}]))))
    (kept,), (bind,) = decode(document)
    for d, own in ((160, 160), (320, 320)):
        (body,) = kept.calibrations["tone"].values()
        (original,) = circuit.calibrations["tone"].values()
        bound = block_to_schedule(body.assign_parameters({next(iter(bind)): own}, inplace=False))
        assert bound == block_to_schedule(original.assign_parameters({D: d}, inplace=False))
        assert bound.ch_start_time(pulse.DriveChannel(0)) > 0


@pytest.mark.parametrize("shape", ["amplitude", "length"])
def test_what_json_cannot_keep_runs_without_being_kept(transmon, caplog, shape):
    """A pulse of a user's own shape, with a parameter."""
    t, duration, amp = sympy.symbols("t, duration, amp")
    length, height = (160, D / 1600) if shape == "amplitude" else (D, 0.1)
    own = SymbolicPulse("Own", length, {"amp": height}, envelope=amp * (t / duration) * (1 - t / duration))
    with pulse.build(name="tone") as block:
        pulse.play(own, pulse.DriveChannel(0))
    circuit = QuantumCircuit(1, 1)
    circuit.append(Gate("tone", 1, [D]), [0])
    circuit.measure(0, 0)
    circuit.add_calibration("tone", [0], block, [D])
    backend = Backend(transmon, "memory", shots=10)
    job = backend.run(circuit, parameter_binds=[{D: 160}, {D: 320}])
    assert job.result().success and len(job.result().results) == 2
    assert job.circuits() == []
    assert "cannot be stored" in caplog.text
