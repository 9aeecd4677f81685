"""Time experiments of qiskit-experiments here and on qiskit-dynamics' backend.

The same experiment, circuits, shots and analysis on one transmon of three
levels without decay; the peer is DynamicsBackend on JAX, which computes states
and samples them without a readout. The backend's time is that from ``run`` to
``result``, the whole one has the client's transpilation and analysis too, both
of all threads and child processes (CPU seconds, which a busy machine does not
stretch); the second of two runs counts. Needs the extras ``experiments`` and ``peers`` (the
latter may be missing: then only our times are shown).

    python -m benchmarks.clients [EXPERIMENT ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from qiskit import pulse
from qiskit.circuit import Delay, Parameter
from qiskit.circuit.library import RZGate, SXGate, XGate
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

import pulsekit
from pulsekit.device import Device

from .table import Row, render

__all__ = ["EXPERIMENTS", "main", "measure"]

FREQUENCY, ANHARMONICITY, RABI_RATE = 5e9, -330e6, 130e6  # Hz
SHOTS, REPEATS = 1024, 2
PEER = "DynamicsBackend"


@dataclass(frozen=True)
class Case:
    """An experiment, and where in its results the true value is."""

    make: Callable[[Any, Any], Any]  # (library, our backend) -> experiment without a backend
    result: str
    true: Callable[[Any], float]
    scale: float  # what an error is a part of


@dataclass(frozen=True)
class Times:
    """What an experiment took, in CPU seconds, and the error of what it found."""

    backend: float
    whole: float
    error: float


def _tuned(backend: Any) -> Any:
    return backend.instruction_schedule_map.get("x", 0).instructions[0][1].pulse


def _drag(backend: Any, **changes: Any) -> Any:
    with pulse.build(name="x") as made:
        pulse.play(pulse.Drag(**{**_tuned(backend).parameters, **changes}), pulse.DriveChannel(0))
    return made


def _rabi(library: Any, backend: Any) -> Any:
    return library.Rabi([0], _drag(backend, amp=Parameter("amp")), np.linspace(-0.5, 0.5, 31))


def _rough_drag(library: Any, backend: Any) -> Any:
    return library.RoughDrag([0], _drag(backend, beta=Parameter("beta")), np.linspace(-5, 5, 21))


def _spectroscopy(library: Any, backend: Any) -> Any:
    return library.QubitSpectroscopy([0], FREQUENCY + np.linspace(-9e6, 11e6, 41), amp=0.005)


EXPERIMENTS: Dict[str, Case] = {
    "QubitSpectroscopy": Case(_spectroscopy, "f01", lambda b: FREQUENCY, 1e6),
    "Rabi": Case(_rabi, "rabi_rate", lambda b: 0.5 / _tuned(b).amp, 1.0),
    "RoughDrag": Case(_rough_drag, "beta", lambda b: _tuned(b).beta, 1.0),
    "FineXAmplitude": Case(lambda e, b: e.FineXAmplitude([0]), "d_theta", lambda b: 0.0, 1.0),
    "FineXDrag": Case(lambda e, b: e.FineXDrag([0]), "d_theta", lambda b: 0.0, 1.0),
    "HalfAngle": Case(lambda e, b: e.HalfAngle([0]), "d_hac", lambda b: 0.0, 1.0),
    "RamseyXY": Case(lambda e, b: e.RamseyXY([0], osc_freq=2e6), "freq", lambda b: 2e6, 1e6),
    "FineFrequency": Case(lambda e, b: e.FineFrequency([0], 160), "d_theta", lambda b: 0.0, 1.0),
}


def ours() -> pulsekit.Backend:
    """Return the transmon as a backend."""
    device = Device.transmon(FREQUENCY, anharmonicity=ANHARMONICITY, rabi_rate=RABI_RATE)
    return pulsekit.Backend(pulsekit.tune(device), "memory", seed_simulator=1, noise=False, shots=SHOTS)


def peer(backend: pulsekit.Backend) -> Any:
    """Return DynamicsBackend with the same transmon and the same tuned gates."""
    import jax
    from qiskit_dynamics import DynamicsBackend, Solver

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    n = np.arange(3.0)
    lower = np.diag(np.sqrt(n[1:]), 1)
    h0 = 2 * np.pi * np.diag(FREQUENCY * n + ANHARMONICITY / 2 * n * (n - 1))
    solver = Solver(
        static_hamiltonian=h0,
        hamiltonian_operators=[2 * np.pi * RABI_RATE * (lower + lower.T)],
        rotating_frame=h0,
        hamiltonian_channels=["d0"],
        channel_carrier_freqs={"d0": FREQUENCY},
        dt=backend.dt,
        rwa_cutoff_freq=1.5 * FREQUENCY,
        array_library="jax",
    )
    gates = backend.instruction_schedule_map
    known = [QubitProperties(frequency=FREQUENCY)]
    target = Target(num_qubits=1, dt=backend.dt, granularity=16, min_length=64, qubit_properties=known)
    theta = Parameter("theta")
    with pulse.build(name="rz") as rz:
        pulse.shift_phase(-theta, pulse.DriveChannel(0))
    for gate, calibration in ((XGate(), gates.get("x", 0)), (SXGate(), gates.get("sx", 0)), (RZGate(theta), rz)):
        target.add_instruction(gate, {(0,): InstructionProperties(calibration=calibration)})
    target.add_instruction(Delay(Parameter("duration"), unit="dt"), {(0,): None})
    options = {"method": "jax_odeint", "atol": 1e-8, "rtol": 1e-8, "hmax": backend.dt}
    return DynamicsBackend(solver, target, subsystem_dims=[3], solver_options=options, seed_simulator=1, shots=SHOTS)


def _cpu() -> float:
    """Return the CPU seconds of this process and the children that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measure(case: Case, backend: Any, true: float, made: Callable[[], Any]) -> Times:
    """Return the times of the last of several runs.

    Raises:
        AssertionError: an experiment that failed.
    """
    run, spent = backend.run, [0.0]

    def timed(*arguments: Any, **options: Any) -> Any:
        begin = _cpu()
        job = run(*arguments, **options)
        job.result()
        spent[0] += _cpu() - begin
        return job

    backend.run = timed
    try:
        for _ in range(REPEATS):
            spent[0] = 0.0
            experiment = made()
            experiment.set_run_options(shots=SHOTS)
            begin = _cpu()
            data = experiment.run(backend).block_for_results()
            whole = _cpu() - begin
    finally:
        del backend.run
    if data.errors():
        raise AssertionError(data.errors())
    found = data.analysis_results(case.result).value.nominal_value
    return Times(spent[0], whole, abs(found - true) / case.scale)


def compare(name: str) -> Tuple[Row, Row]:
    """Return the rows of an experiment: the backend's time, and the whole one."""
    from qiskit_experiments import library

    case, backend = EXPERIMENTS[name], ours()
    true = case.true(backend)
    mine = measure(case, backend, true, lambda: case.make(library, backend))
    if importlib.util.find_spec("qiskit_dynamics") is None:
        return Row(f"{name}: backend", mine.backend), Row(f"{name}: whole", mine.whole, error=mine.error)
    other = measure(case, peer(backend), true, lambda: case.make(library, backend))
    return (
        Row(f"{name}: backend", mine.backend, PEER, other.backend),
        Row(f"{name}: whole", mine.whole, PEER, other.whole, error=mine.error, peer_error=other.error),
    )


def main() -> None:
    """Print the table of the chosen experiments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)} (default: all)")
    chosen = parser.parse_args().names or list(EXPERIMENTS)
    if not set(chosen) <= set(EXPERIMENTS):
        parser.error(f"EXPERIMENT must be of {', '.join(EXPERIMENTS)}")
    rows: List[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in chosen:
            rows += compare(name)
    print(render(rows))


if __name__ == "__main__":
    main()
