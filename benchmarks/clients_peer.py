"""DynamicsBackend (qiskit-dynamics, on JAX) with the transmons and the gates of one of our devices."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit import pulse
from qiskit.circuit import Delay, Parameter
from qiskit.circuit.library import CXGate, RZGate, SXGate, XGate
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

import pulsekit
from pulsekit.simulator import Model

__all__ = ["peer"]


def peer(backend: pulsekit.Backend, *, noise: bool, longest: int = 1) -> Any:
    """Return DynamicsBackend with the transmons of a device of one or two qubits, and its tuned gates.

    ``jax_odeint`` in the RWA: a sample costs a third of ``jax_expm``'s. With
    decay the Lindblad equation of a density matrix. In the dressed basis: it
    takes the rounding of 3e10 rad/s in any other for not Hermitian.

    Args:
        backend: ours.
        noise: whether T1 and T2 act.
        longest: samples that a step may take. (One keeps the pulses of gates
            to 1e-6; where delays are most of it, a part of a pulse.)
    """
    import jax
    from qiskit_dynamics import DynamicsBackend, Solver

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    device, qubits = backend.device, range(backend.num_qubits)
    model = Model.from_device(device, list(qubits), noise=noise)
    lines = {line.channel: line for line in model.lines}
    carriers = {f"d{q}": device.transmons[q].frequency for q in qubits}
    for k, control in enumerate(device.controls):
        carriers[f"u{k}"] = sum(scale.real * device.transmons[q].frequency for q, scale in control.lo)
    operators = []
    for name in carriers:
        (line,) = [entry for channel, entry in lines.items() if str(channel) == name]
        a = model.lower_dressed[line.local_qubit].real
        operators.append(line.w_rate * abs(line.gain) * (a + a.T))
    h0 = np.diag(model.dressed()[0])
    solver = Solver(
        static_hamiltonian=h0,
        hamiltonian_operators=operators,
        static_dissipators=list(model.collapse_dressed) if noise else None,
        rotating_frame=h0,
        hamiltonian_channels=list(carriers),
        channel_carrier_freqs=carriers,
        dt=backend.dt,
        rwa_cutoff_freq=1.5 * device.transmons[0].frequency,
        array_library="jax",
    )
    return DynamicsBackend(
        solver,
        _target(backend),
        subsystem_dims=list(model.levels),
        solver_options={"method": "jax_odeint", "atol": 1e-8, "rtol": 1e-8, "hmax": longest * backend.dt},
        meas_map=[list(qubits)],
        control_channel_map={q: c[0].index for q, c in backend.configuration().control_channels.items()},
        seed_simulator=1,
    )


def _target(backend: pulsekit.Backend) -> Target:
    """Return what it needs to schedule circuits: x, sx, rz and cx with the tuned pulses, and delays."""
    gates, theta = backend.instruction_schedule_map, Parameter("theta")
    known = [QubitProperties(frequency=t.frequency, t1=t.t1, t2=t.t2) for t in backend.device.transmons]
    target = Target(num_qubits=len(known), dt=backend.dt, granularity=16, min_length=64, qubit_properties=known)
    one = [(q,) for q in range(len(known))]
    for gate in (XGate(), SXGate()):
        target.add_instruction(gate, {q: _properties(backend, gates.get(gate.name, q)) for q in one})
    target.add_instruction(RZGate(theta), {q: _properties(backend, gates.get("rz", q, theta)) for q in one})
    if backend.num_qubits > 1:
        target.add_instruction(CXGate(), {q: _properties(backend, gates.get("cx", q)) for q in [(0, 1), (1, 0)]})
    target.add_instruction(Delay(Parameter("duration"), unit="dt"), dict.fromkeys(one))
    return target


def _properties(backend: pulsekit.Backend, schedule: pulse.Schedule) -> InstructionProperties:
    return InstructionProperties(duration=schedule.duration * backend.dt, calibration=schedule)
