"""Turn a workload into a pulsekit device and batch."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np

from pulsekit.device import ControlLine, Coupling, Device, DriveLine, Resonator, Timing, Transmon
from pulsekit.program import Batch, Channel, EventTable, LoTable, Op, ParameterTable, Program, Pulse
from pulsekit.units import GHZ, NS, US

from . import instructions

__all__ = ["batch_of", "device_of"]


def device_of(workload: Dict[str, Any]) -> Device:
    """Return the device whose bare frequencies are the workload's.

    A device states dressed frequencies; they are the labelled eigenvalues of
    the one-excitation matrix.
    """
    qubits = workload["qubits"]
    matrix = np.diag([q["freq"] for q in qubits])
    for i, j, strength in workload["couplings"]:
        matrix[i, j] = matrix[j, i] = strength
    energies, vectors = np.linalg.eigh(matrix)
    dressed = [float(energies[np.argmax(np.abs(vectors[q]))]) for q in range(len(qubits))]
    transmons = tuple(
        Transmon(
            frequency=dressed[i] * GHZ,
            anharmonicity=q["anharm"] * GHZ,
            levels=workload["levels"],
            t1=q["T1_us"] * US if "T1_us" in q else None,
            t2=q["T2_us"] * US if "T2_us" in q else None,
        )
        for i, q in enumerate(qubits)
    )
    rate = [q["drive_rate"] * GHZ for q in qubits]
    controls = [c for name, c in workload["channels"].items() if name[0] == "u"]
    follows = [int(np.argmin([abs(q["freq"] - c["lo"]) for q in qubits])) for c in controls]
    return Device(
        name=workload["name"],
        transmons=transmons,
        couplings=tuple(Coupling((i, j), s * GHZ) for i, j, s in workload["couplings"]),
        drives=tuple(DriveLine(i, rate[i]) for i in range(len(qubits))),
        controls=tuple(ControlLine(c["qubit"], ((r, 1.0),), rate[c["qubit"]]) for c, r in zip(controls, follows)),
        resonators=tuple(Resonator(7e9 + 0.05e9 * i, drive_rate=50e6, efficiency=1.0) for i in range(len(qubits))),
        timing=Timing(dt=workload["dt"] * NS, dtm=workload["dt"] * NS),
    )


def _los(workload: Dict[str, Any]) -> LoTable:
    channels, schedules = workload["channels"], workload["schedules"]
    n = len(workload["qubits"])
    controls = sum(name[0] == "u" for name in channels)
    frame = {name: c["lo"] * GHZ for name, c in channels.items()}
    drive = np.array([frame[f"d{i}"] for i in range(n)])
    control = np.array([frame[f"u{i}"] for i in range(controls)])
    rows = len(schedules)
    table = LoTable(
        drive, np.zeros(n), control, np.tile(drive, (rows, 1)), np.zeros((rows, n)), np.tile(control, (rows, 1))
    )
    for row, schedule in enumerate(schedules):
        for name, lo in schedule.get("lo", {}).items():
            target = table.drive if name[0] == "d" else table.control
            target[row, int(name[1:])] = lo * GHZ
    return table


def _pulse(shape: Dict[str, Any]) -> Pulse:
    params = {k: v for k, v in shape.items() if k not in ("type", "duration")}
    return Pulse.from_shape(shape["type"], shape["duration"], params)


def _program(workload: Dict[str, Any], pulses: Tuple[Pulse, ...], schedule: Dict[str, Any]) -> Program:
    channels = tuple(Channel.parse(name) for name in workload["channels"])
    index = {c.name: i for i, c in enumerate(channels)}
    rows = sorted(instructions(schedule), key=lambda r: (r[1], index[r[0]]))
    shapes = np.array([r[2] for r in rows])
    used = np.unique(shapes)
    length = [pulses[s].duration for s in shapes]
    end = max(r[1] + n for r, n in zip(rows, length))
    wait = schedule["duration"] - end  # what is left, as a delay on the last channel
    events = EventTable(
        t0=np.array([r[1] for r in rows] + [end]),
        duration=np.array([*length, wait]),
        op=np.array([int(Op.PLAY)] * len(rows) + [int(Op.DELAY)]),
        channel=np.array([index[r[0]] for r in rows] + [index[rows[-1][0]]]),
        ref=np.append(np.searchsorted(used, shapes), -1),
        value=np.array([r[3] for r in rows] + [0.0]),
        angle=np.array([r[4] for r in rows] + [0.0]),
    )
    return Program(events, channels, tuple(pulses[s] for s in used), duration=schedule["duration"])


def batch_of(workload: Dict[str, Any], *, sweeps: bool = True) -> Batch:
    """Return the workload's schedules as a batch.

    Args:
        workload: from :func:`~benchmarks.workloads.load`.
        sweeps: bind schedules that differ only in numbers (amplitudes, phases,
            start times, lengths) to one program; else one program each.
    """
    pulses = tuple(_pulse(s) for s in workload["shapes"])
    los = _los(workload)
    schedules = workload["schedules"]
    groups: Dict[Tuple[Any, ...], List[int]] = {}
    for row, schedule in enumerate(schedules):
        plays = instructions(schedule)
        key = tuple((r[0], r[2]) for r in plays) if sweeps else (row,)
        groups.setdefault(key, []).append(row)
    programs, program_of = [], np.zeros(len(schedules), np.int32)
    width = 0
    tables: List[np.ndarray] = []
    for number, members in enumerate(groups.values()):
        each = [_program(workload, pulses, schedules[row]) for row in members]
        program_of[members] = number
        first, theta = _sweep(each)
        programs.append(first)
        tables.append(theta)
        width = max(width, theta.shape[1])
    full = np.zeros((len(schedules), width))
    for members, theta in zip(groups.values(), tables):
        full[members, : theta.shape[1]] = theta
    return Batch(tuple(programs), program_of, los, full if width else None)


def _sweep(programs: List[Program]) -> Tuple[Program, np.ndarray]:
    """Return one program with a parameter for each number that varies."""
    first = programs[0]
    rows, columns, values = [], [], []
    for column, name in enumerate(("value", "angle", "duration", "t0")):
        table = np.array([getattr(p.events, name) for p in programs], dtype=np.float64)
        for row in np.flatnonzero((table != table[0]).any(axis=0)):
            rows.append(row)
            columns.append(column)
            values.append(table[:, row])
    if not rows:
        return first, np.zeros((len(programs), 0))
    change = np.array(values).T
    events = first.events.replace(
        **{
            name: np.where(
                np.isin(np.arange(len(first.events)), [r for r, c in zip(rows, columns) if c == k]),
                0,
                getattr(first.events, name),
            )
            for k, name in enumerate(("value", "angle", "duration", "t0"))
        }
    )
    count = len(rows)
    table = ParameterTable(
        tuple(f"P{k}" for k in range(count)),
        np.array(rows, np.int32),
        np.array(columns, np.uint8),
        np.arange(count, dtype=np.int32),
        np.ones(count),
    )
    duration = 0 if 3 in columns else first.duration
    return first.replace(events=events, parameters=table, duration=duration), change
