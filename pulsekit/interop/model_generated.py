"""Describe a device that no vendor has described: JSON as a vendor writes it."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..device import Calibration, Device
from ..program import Op
from ..units import GHZ, NS, TWO_PI, US

__all__ = ["ReadoutErrors", "configuration_dict", "properties_dict"]

ReadoutErrors = Sequence[Optional[Tuple[float, float]]]  # by qubit: (prob_meas1_prep0, prob_meas0_prep1)

EPOCH = "2020-01-01T00:00:00+00:00"  # date of a device that has none
SHAPES = ["gaussian", "gaussian_square", "gaussian_square_drag", "drag", "constant"]
PAIR_GATES = ("cx", "ecr", "cz")
FORMULAS = {
    "rz": (["theta"], "gate rz(theta) q { U(0, 0, theta) q; }"),
    "cx": ([], "gate cx q0, q1 { CX q0, q1; }"),
    "u1": (["lambda"], "gate u1(lambda) q { U(0, 0, lambda) q; }"),
    "u2": (["phi", "lambda"], "gate u2(phi, lambda) q { U(pi/2, phi, lambda) q; }"),
    "u3": (["theta", "phi", "lambda"], "gate u3(theta, phi, lambda) q { U(theta, phi, lambda) q; }"),
}


def configuration_dict(device: Device) -> Dict[str, Any]:
    """Return the configuration's JSON: GHz, ns and us, as vendors have it."""
    n, limits, timing = device.n_qubits, device.limits, device.timing
    dynamic = limits.rep_delay_range is not None
    out: Dict[str, Any] = {
        "backend_name": device.name,
        "backend_version": device.version,
        "n_qubits": n,
        "basis_gates": _basis(device),
        "gates": _gates(device),
        "local": True,
        "simulator": False,
        "conditional": False,
        "open_pulse": True,
        "memory": True,
        "max_shots": limits.max_shots,
        "max_experiments": limits.max_experiments,
        "coupling_map": [list(pair) for pair in device.coupling_map],
        "dynamic_reprate_enabled": dynamic,
        "supported_instructions": [
            "acquire",
            "delay",
            "measure",
            "play",
            "reset",
            "setf",
            "shiftf",
            *device.basis_gates,
        ],
        "credits_required": False,
        "online_date": EPOCH,
        "description": f"{n} qubit device, simulated",
        "sample_name": device.name,
        "dt": timing.dt / NS,
        "dtm": timing.dtm / NS,
        "parametric_pulses": SHAPES,
        "measure_esp_enabled": device.measure_esp_enabled,
        "multi_meas_enabled": True,
        "live_data": True,
        "timing_constraints": {
            "acquire_alignment": timing.acquire_alignment,
            "granularity": timing.granularity,
            "min_length": timing.min_length,
            "pulse_alignment": timing.pulse_alignment,
        },
        "n_uchannels": len(device.controls),
        "u_channel_lo": [
            [{"q": q, "scale": [complex(s).real, complex(s).imag]} for q, s in line.lo] for line in device.controls
        ],
        "meas_levels": [0, 1, 2],
        "qubit_lo_range": _ranges(limits.drive_lo, list(device.qubit_freq_est)),
        "meas_lo_range": _ranges(limits.measure_lo, list(device.meas_freq_est)),
        "meas_kernels": ["boxcar", "hw_qmfk"],
        "discriminators": ["linear_discriminator"],
        "rep_times": [t / US for t in limits.rep_times],
        "meas_map": [list(group) for group in device.meas_map] or [list(range(n))],
        "hamiltonian": _hamiltonian(device),
        "channels": _channels(device),
    }
    if limits.rep_delay_range is not None:
        out["rep_delay_range"] = [t / US for t in limits.rep_delay_range]
        out["default_rep_delay"] = (limits.default_rep_delay or 0.0) / US
    return out


def _basis(device: Device) -> List[str]:
    """Return the basis gates; those of two qubits only where there are pairs."""
    return [g for g in device.basis_gates if device.coupling_map or g not in PAIR_GATES]


def _ranges(given: Tuple[Tuple[float, float], ...], centers: List[float]) -> List[List[float]]:
    pairs = given or tuple((f - 0.5 * GHZ, f + 0.5 * GHZ) for f in centers)
    return [[low / GHZ, high / GHZ] for low, high in pairs]


def _gates(device: Device) -> List[Dict[str, Any]]:
    gates = []
    for name in _basis(device):
        if name in ("reset", "delay", "measure"):
            continue
        parameters, formula = FORMULAS.get(name, ([], f"gate {name} q {{ }}"))
        places = _places(device, name)
        gates.append({"name": name, "parameters": parameters, "qasm_def": formula, "coupling_map": places})
    return gates


def _places(device: Device, name: str) -> List[List[int]]:
    found = sorted(c.qubits for c in device.calibrations if c.name == name)
    if found:
        return [list(q) for q in found]
    if name in PAIR_GATES:
        return [list(pair) for pair in device.coupling_map]
    return [[q] for q in range(device.n_qubits)]


def _channels(device: Device) -> Dict[str, Any]:
    def entry(qubits: List[int], purpose: str, kind: str) -> Dict[str, Any]:
        return {"operates": {"qubits": qubits}, "purpose": purpose, "type": kind}

    out: Dict[str, Any] = {}
    for q in range(device.n_qubits):
        out[f"acquire{q}"] = entry([q], "acquire", "acquire")
        out[f"d{q}"] = entry([q], "drive", "drive")
        out[f"m{q}"] = entry([q], "measure", "measure")
    for u, line in enumerate(device.controls):
        targets = [q for q, _ in line.lo if q != line.qubit]
        out[f"u{u}"] = entry([line.qubit, *targets], "cross-resonance", "control")
    return out


def _hamiltonian(device: Device) -> Dict[str, Any]:
    n = device.n_qubits
    w = TWO_PI / GHZ  # Hz to the vendors' unit, 2 pi GHz
    terms = [
        f"_SUM[i,0,{n - 1},wq{{i}}/2*(I{{i}}-Z{{i}})]",
        f"_SUM[i,0,{n - 1},delta{{i}}/2*O{{i}}*O{{i}}]",
        f"_SUM[i,0,{n - 1},-delta{{i}}/2*O{{i}}]",
        f"_SUM[i,0,{n - 1},omegad{{i}}*X{{i}}||D{{i}}]",
    ]
    variables: Dict[str, float] = {}
    for q, transmon in enumerate(device.transmons):
        variables[f"wq{q}"] = transmon.frequency * w
        variables[f"delta{q}"] = transmon.anharmonicity * w
    for line in device.drives:
        variables[f"omegad{line.qubit}"] = line.rabi_rate * w
    for coupling in device.couplings:
        a, b = coupling.qubits
        terms += [f"jq{a}q{b}*Sp{a}*Sm{b}", f"jq{a}q{b}*Sm{a}*Sp{b}"]
        variables[f"jq{a}q{b}"] = coupling.strength * w
    for u, control in enumerate(device.controls):
        terms.append(f"omegau{u}*X{control.qubit}||U{u}")
        variables[f"omegau{u}"] = control.rabi_rate * w
    levels = {str(q): transmon.levels for q, transmon in enumerate(device.transmons)}
    text = "Duffing oscillators with exchange couplings, in angular frequencies, unit 2*pi*GHz."
    return {"description": text, "h_latex": "", "h_str": terms, "osc": {}, "qub": levels, "vars": variables}


def properties_dict(device: Device, readout_errors: ReadoutErrors = ()) -> Dict[str, Any]:
    """Return the properties' JSON: what ``BackendProperties.from_dict`` reads.

    Args:
        device: any.
        readout_errors: by qubit, the model's (prob_meas1_prep0,
            prob_meas0_prep1); they stand where the device has none written down.
    """

    def item(name: str, unit: str, value: float) -> Dict[str, Any]:
        return {"date": EPOCH, "name": name, "unit": unit, "value": value}

    qubits = []
    for q, transmon in enumerate(device.transmons):
        items = [item("frequency", "GHz", transmon.frequency / GHZ)]
        items.append(item("anharmonicity", "GHz", transmon.anharmonicity / GHZ))
        for name, time in (("T1", transmon.t1), ("T2", transmon.t2)):
            if time is not None:
                items.append(item(name, "us", time / US))
        items += _readout_items(device, q, item, readout_errors[q] if q < len(readout_errors) else None)
        qubits.append(items)
    general = [item(f"jq_{c.qubits[0]}{c.qubits[1]}", "GHz", c.strength / GHZ) for c in device.couplings]
    return {
        "backend_name": device.name,
        "backend_version": device.version,
        "last_update_date": EPOCH,
        "qubits": qubits,
        "gates": _gate_properties(device, item),
        "general": general,
    }


def _readout_items(device: Device, q: int, item: Any, predicted: Optional[Tuple[float, float]]) -> List[Dict[str, Any]]:
    items = []
    measure = device.calibrations.get("measure", (q,))
    spec = device.readout[q] if q < len(device.readout) else None
    zero, one = predicted or (None, None)
    if spec is not None:
        zero = zero if spec.prob_meas1_prep0 is None else spec.prob_meas1_prep0
        one = one if spec.prob_meas0_prep1 is None else spec.prob_meas0_prep1
    if zero is not None and one is not None:
        items.append(item("readout_error", "", (zero + one) / 2))
        items.append(item("prob_meas0_prep1", "", one))
        items.append(item("prob_meas1_prep0", "", zero))
    if spec is not None and spec.length_s is not None:
        items.append(item("readout_length", "ns", spec.length_s / NS))
    elif measure is not None:
        items.append(item("readout_length", "ns", measure.program.duration * device.timing.dt / NS))
    return items


def _gate_error(device: Device, calibration: Calibration) -> Optional[float]:
    """Return the average gate error: what the calibration says of itself, and T1 and T2 for its length.

    The process fidelity of idling for t is (1 + exp(-t/T1) + 2 exp(-t/T2)) / 4
    per qubit, that of the gate the product of all.
    """
    published = calibration.parameters.get("error")
    fidelity = calibration.parameters.get("fidelity") if len(calibration.program.rows(Op.PLAY)) else 1.0
    if published is not None or fidelity is None:
        return published
    d = 2 ** len(calibration.qubits)
    process = (fidelity * (d + 1) - 1) / d
    time = calibration.program.duration * device.timing.dt
    for q in calibration.qubits:
        rates = [0.0 if t is None else 1 / t for t in (device.transmons[q].t1, device.transmons[q].t2)]
        process *= (1 + math.exp(-time * rates[0]) + 2 * math.exp(-time * rates[1])) / 4
    return (1 - process) * d / (d + 1)


def _gate_properties(device: Device, item: Any) -> List[Dict[str, Any]]:
    gates = []
    for calibration in device.calibrations:
        if calibration.name not in device.basis_gates:
            continue
        length = item("gate_length", "ns", calibration.program.duration * device.timing.dt / NS)
        parameters = [length]
        error = _gate_error(device, calibration)
        if error is not None:
            parameters.insert(0, item("gate_error", "", error))
        name = calibration.name + "_".join(str(q) for q in calibration.qubits)
        gates.append(
            {"qubits": list(calibration.qubits), "gate": calibration.name, "parameters": parameters, "name": name}
        )
    return gates
