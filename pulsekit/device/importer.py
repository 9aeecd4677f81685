"""Make a device from a vendor's configuration, defaults and properties."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import DeviceError
from .calibrations import CalibrationMap
from .cross_resonance import cr_area, exchange_for_cnot
from .hamiltonian import HamiltonianTerms, parse_hamiltonian
from .model import ControlLine, Coupling, Crosstalk, Device, DriveLine, Limits, ReadoutSpec, Timing, Transmon
from .notes import Notes
from .resonators import default_resonator
from .vendor import VendorFiles, angular_unit
from .vendor_commands import add_derived, command_granularity, read_commands

__all__ = ["device_from_vendor"]

OMEGAD_EXCESS = 1.1558  # published omegad over the drive strength that the x pulses need, on every snapshot
RESET_ERROR = 0.01  # excited population that a reset leaves at rep_delay 0 (assumed)
_ANHARMONICITY_BY_FAMILY = {"Eagle": -310e6, "Hummingbird": -330e6, "Falcon": -340e6, "Canary": -347e6}
_ANHARMONICITY = -330e6  # Hz; median of 751 published qubits: -329 MHz
_MAX_EXCHANGE = 6e6  # Hz; a J that is derived beyond this would mean a static ZZ that no machine has
_USABLE = (-500e6, -100e6)  # Hz, exclusive


@dataclass
class _Import:
    """What the steps of an import share."""

    files: VendorFiles
    terms: HamiltonianTerms
    notes: Notes
    freqs: List[float]
    meas_freqs: List[float]
    dt: float
    calibrations: CalibrationMap
    anharmonicities: List[float] = field(default_factory=list)
    drives: Tuple[DriveLine, ...] = ()
    controls: Tuple[ControlLine, ...] = ()

    @property
    def n(self) -> int:
        return self.files.n_qubits

    @property
    def unit(self) -> float:
        """Hz per unit of the Hamiltonian's variables."""
        return angular_unit(max((abs(w) for w in self.terms.frequency.values()), default=0.0))


def device_from_vendor(
    configuration: Mapping[str, Any],
    defaults: Mapping[str, Any],
    properties: Optional[Mapping[str, Any]] = None,
    *,
    levels: int = 3,
) -> Device:
    """Return a device from the vendor's three dictionaries (JSON, its units).

    Args:
        configuration: with ``hamiltonian``, ``u_channel_lo``, ``dt``, ...
        defaults: with ``qubit_freq_est``, ``meas_freq_est``, ``cmd_def``, ...
        properties: T1, T2, readout errors; None if there are none.
        levels: levels per transmon in the model, 2 to 5.

    Raises:
        DeviceError: something that a pulse model needs is missing or cannot
            be understood; the message says what.
    """
    files = VendorFiles(configuration, defaults, properties)
    hamiltonian = configuration.get("hamiltonian")
    if not hamiltonian or not hamiltonian.get("h_str"):
        raise DeviceError(f"Device {files.name!r} must publish a Hamiltonian, but its configuration has none.")
    if hamiltonian.get("osc"):
        raise DeviceError(f"The Hamiltonian of {files.name!r} must have qubits only, but it has oscillators (`osc`).")
    dt, dtm = files.sample_times
    notes, freqs = Notes(), files.frequencies("qubit_freq_est")
    meas_freqs = _measure_freqs(files, freqs, notes)
    terms = parse_hamiltonian(hamiltonian["h_str"], hamiltonian.get("vars") or {})
    work = _Import(files, terms, notes, freqs, meas_freqs, dt, read_commands(files))
    work.anharmonicities = _anharmonicities(work)
    work.calibrations = add_derived(work.calibrations, work.anharmonicities, dt, files, work.notes)
    work.drives, crosstalk = _drives(work)
    work.controls, more = _controls(work)
    transmons = tuple(_transmon(work, q, levels) for q in range(work.n))
    resonators = tuple(
        default_resonator(
            q,
            freqs[q],
            work.anharmonicities[q],
            meas_freqs[q],
            measure=_program(work, "measure", q),
            dt=dt,
        )
        for q in range(work.n)
    )
    _resonator_notes(work)
    readout = tuple(
        ReadoutSpec(*(files.qubit_property(q, k) for k in ("prob_meas0_prep1", "prob_meas1_prep0", "readout_length")))
        for q in range(work.n)
    )
    pairs = tuple(tuple(int(q) for q in pair) for pair in configuration.get("coupling_map") or ())
    return Device(
        name=files.name,
        transmons=transmons,
        couplings=_couplings(work),
        drives=work.drives,
        controls=work.controls,
        crosstalk=crosstalk + more,
        resonators=resonators,
        readout=readout,
        reset_error=(RESET_ERROR,) * work.n,
        timing=_timing(work, dt, dtm),
        limits=_limits(files),
        meas_map=tuple(tuple(int(q) for q in group) for group in configuration.get("meas_map") or (range(work.n),)),
        coupling_map=tuple((a, b) for a, b in pairs),
        basis_gates=tuple(str(g) for g in configuration.get("basis_gates") or ()),
        measure_esp_enabled=bool(configuration.get("measure_esp_enabled")),
        calibrations=work.calibrations,
        version=str(configuration.get("backend_version", "1")),
        vendor={"configuration": configuration, "defaults": defaults, "properties": properties},
        provenance=work.notes.provenance(),
    )


def _measure_freqs(files: VendorFiles, qubit_freqs: List[float], notes: Notes) -> List[float]:
    """Return measure frequencies (Hz); ranges' centres where a file repeats the qubits' (as poughkeepsie's does)."""
    published, ranges = files.frequencies("meas_freq_est"), files.ranges("meas_lo_range")
    if published != qubit_freqs:
        return published
    if len(ranges) < files.n_qubits:
        raise DeviceError(
            f"The measure frequencies of {files.name!r} must differ from the qubits', but `meas_freq_est` repeats "
            "`qubit_freq_est`, and there is no `meas_lo_range` to take them from."
        )
    notes.add("resonators[*].frequency", "derived", "`meas_freq_est` repeats the qubits': centres of `meas_lo_range`")
    return [(low + high) / 2 for low, high in ranges[: files.n_qubits]]


def _program(work: _Import, name: str, *qubits: int) -> Any:
    calibration = work.calibrations.get(name, qubits)
    return None if calibration is None else calibration.program


def _anharmonicities(work: _Import) -> List[float]:
    """Return the published values; where unusable, the device's median or its family's."""
    unit, published = work.unit, []  # type: Tuple[float, List[float]]
    for q in range(work.n):
        value = work.terms.anharmonicity.get(q, 0.0) * unit
        if not _USABLE[0] < value < _USABLE[1]:
            value = work.files.qubit_property(q, "anharmonicity") or 0.0
        published.append(value)
    usable = [a for a in published if _USABLE[0] < a < _USABLE[1]]
    family = str((work.files.configuration.get("processor_type") or {}).get("family", ""))
    fallback = median(usable) if usable else _ANHARMONICITY_BY_FAMILY.get(family, _ANHARMONICITY)
    source = "the median of the device's other qubits" if usable else f"typical of {family or 'its'} processors"
    out = []
    for q, value in enumerate(published):
        good = _USABLE[0] < value < _USABLE[1]
        quantity = f"transmons[{q}].anharmonicity"
        if good:
            work.notes.add(quantity, "published", f"{value / 1e6:.1f} MHz")
        else:
            was = f"{value / 1e6:.1f} MHz" if value else "none"
            work.notes.add(quantity, "derived", f"{fallback / 1e6:.1f} MHz, {source}; published: {was}, not usable")
        out.append(value if good else fallback)
    return out


def _drives(work: _Import) -> Tuple[Tuple[DriveLine, ...], Tuple[Crosstalk, ...]]:
    """Return drive strengths with which the vendor's x turns by pi."""
    lines: List[DriveLine] = []
    crosstalk: List[Crosstalk] = []
    for q in range(work.n):
        found = dict(work.terms.lines.get(f"d{q}", ()))
        coefficient = found.pop(q, 0j)
        published = abs(coefficient) * work.unit
        rate = _rate_from_pulse(work, q)
        quantity = f"drives[{q}].rabi_rate"
        shown = f"published omegad: {published / 1e6:.2f} MHz" if published else "no omegad published"
        if rate is not None:
            work.notes.add(quantity, "derived", f"{rate / 1e6:.2f} MHz from the area of the x pulse; {shown}")
        elif published:
            rate = published / OMEGAD_EXCESS
            work.notes.add(quantity, "derived", f"{rate / 1e6:.2f} MHz = omegad / {OMEGAD_EXCESS}; {shown}")
        else:
            raise DeviceError(
                f"Qubit {q} of {work.files.name!r} must have an x or sx command or a drive strength, but has neither."
            )
        gain = coefficient / abs(coefficient) if coefficient else 1.0
        lines.append(DriveLine(q, rate, gain=complex(gain)))
        crosstalk += [Crosstalk(f"d{q}", other, c / coefficient) for other, c in found.items() if c and coefficient]
    return tuple(lines), tuple(crosstalk)


def _rate_from_pulse(work: _Import, qubit: int) -> Optional[float]:
    """Return the rate (Hz) with which x turns by pi: 1 / (2 dt |sum of samples|)."""
    for name, turns in (("x", 0.5), ("sx", 0.25)):
        program = _program(work, name, qubit)
        row = -1 if program is None else program.channel_id_of("d", qubit)
        if row < 0:
            continue
        events = program.events
        area = sum(
            events.value[r] * abs(program.pulses[events.ref[r]].samples.sum())
            for r in range(len(events))
            if events.channel[r] == row and events.ref[r] >= 0
        )
        if area > 0:
            return float(turns / (area * work.dt))
    return None


def _controls(work: _Import) -> Tuple[Tuple[ControlLine, ...], Tuple[Crosstalk, ...]]:
    """Return the control lines: physical qubit from the Hamiltonian, LO from u_channel_lo."""
    unit = work.unit
    ratios = []
    for q, line in enumerate(work.drives):
        published = abs(dict(work.terms.lines.get(f"d{q}", ())).get(q, 0.0)) * unit
        ratios += [line.rabi_rate / published] if published else []
    correction = median(ratios) if ratios else 1.0
    lines: List[ControlLine] = []
    crosstalk: List[Crosstalk] = []
    for index, entries in enumerate(work.files.configuration.get("u_channel_lo") or ()):
        lo = tuple((int(e["q"]), _scale(e.get("scale", 1.0))) for e in entries)
        found = dict(work.terms.lines.get(f"u{index}", ()))
        qubit = max(found, key=lambda q: abs(found[q])) if found else _operated(work.files, index)
        if qubit is None or not lo:
            raise DeviceError(
                f"Control channel u{index} of {work.files.name!r} must drive a qubit that the Hamiltonian or "
                "`channels` names, at a LO that `u_channel_lo` gives, but it does not."
            )
        coefficient = found.pop(qubit, 0j)
        rate = abs(coefficient) * unit * correction or work.drives[lo[0][0]].rabi_rate
        gain = coefficient / abs(coefficient) if coefficient else 1.0
        lines.append(ControlLine(qubit, lo, rate, gain=complex(gain)))
        crosstalk += [Crosstalk(f"u{index}", other, c / coefficient) for other, c in found.items() if c and coefficient]
    if lines:
        work.notes.add(
            "controls[*].rabi_rate",
            "derived",
            f"published omegad times {correction:.5f}, the drive lines' median correction"
            if ratios
            else "as drive lines",
        )
    return tuple(lines), tuple(crosstalk)


def _scale(value: Any) -> complex:
    return complex(*value) if isinstance(value, (list, tuple)) else complex(value)


def _operated(files: VendorFiles, index: int) -> Optional[int]:
    channel = (files.configuration.get("channels") or {}).get(f"u{index}") or {}
    qubits = (channel.get("operates") or {}).get("qubits") or ()
    return int(qubits[0]) if qubits else None


def _transmon(work: _Import, q: int, levels: int) -> Transmon:
    t1, t2 = work.files.qubit_property(q, "T1"), work.files.qubit_property(q, "T2")
    t1 = t1 if t1 and t1 > 0 else None
    t2 = t2 if t2 and t2 > 0 else None
    for name, value in (("t1", t1), ("t2", t2)):
        if value is None:
            work.notes.add(f"transmons[{q}].{name}", "assumed", "none published: no such decay")
    if t1 is not None and t2 is not None and t2 > 2 * t1:
        work.notes.warn(
            f"transmons[{q}].t2",
            "clipped",
            f"published T2 = {t2 * 1e6:.1f} us of qubit {q} exceeds 2 T1 = {2 * t1 * 1e6:.1f} us, clipped to 2 T1",
            work.files.name,
        )
        t2 = 2 * t1
    return Transmon(frequency=work.freqs[q], anharmonicity=work.anharmonicities[q], levels=levels, t1=t1, t2=t2)


def _couplings(work: _Import) -> Tuple[Coupling, ...]:
    """Return exchange couplings; where the published J cannot make the published gate, from its CR tones."""
    strengths: Dict[Tuple[int, int], float] = {
        (min(p), max(p)): abs(j) * work.unit for p, j in work.terms.exchange.items()
    }
    out = []
    for pair, needed in _needed_exchange(work).items():
        strengths.setdefault(pair, 0.0)
        published, derived, amplitude = strengths[pair], needed[0], needed[1]
        quantity = f"couplings[{pair[0]},{pair[1]}].strength"
        if derived is None or (published > 0 and amplitude * derived <= published):
            continue
        if published > 0 and derived > _MAX_EXCHANGE:
            work.notes.add(
                quantity,
                "published",
                f"{published / 1e6:.3f} MHz; kept, although the published gate would need {derived / 1e6:.1f} MHz: "
                f"a detuning of {(work.freqs[pair[0]] - work.freqs[pair[1]]) / 1e6:.0f} MHz leaves no CR effect",
            )
            continue
        strengths[pair] = derived
        shown = f"{published / 1e6:.3f} MHz" if published else "none"
        work.notes.add(
            quantity,
            "derived",
            f"{derived / 1e6:.3f} MHz from the CR tones of the published gate; published: {shown}, "
            "with which the gate would need an amplitude above 1",
        )
    noted = {n.quantity for n in work.notes.items}
    for pair in sorted(strengths):
        quantity = f"couplings[{pair[0]},{pair[1]}].strength"
        if strengths[pair] <= 0:
            work.notes.add(quantity, "assumed", "none published, and no gate to derive it from: no coupling")
            continue
        if quantity not in noted:
            work.notes.add(quantity, "published", f"{strengths[pair] / 1e6:.3f} MHz")
        out.append(Coupling((pair[0], pair[1]), strengths[pair]))
    return tuple(out)


def _needed_exchange(work: _Import) -> Dict[Tuple[int, int], Tuple[Optional[float], float]]:
    """Return per pair the J (Hz) that its CR tones need, and their amplitude."""
    out: Dict[Tuple[int, int], Tuple[Optional[float], float]] = {}
    for calibration in work.calibrations:
        if calibration.name not in ("cx", "ecr"):
            continue
        a, b = calibration.qubits
        pair = (min(a, b), max(a, b))
        for index, line in enumerate(work.controls):
            target = line.lo[0][0]
            if {line.qubit, target} != set(pair) or pair in out:
                continue
            area = cr_area(calibration.program, index, work.dt)
            detuning = work.freqs[line.qubit] - work.freqs[target]
            needed = exchange_for_cnot(area, line.rabi_rate, detuning, work.anharmonicities[line.qubit])
            if needed is not None and math.isfinite(needed):
                out[pair] = (needed, _peak(calibration.program, index))
    return out


def _peak(program: Any, index: int) -> float:
    row, events = program.channel_id_of("u", index), program.events
    return max(
        (abs(v) for v, c, r in zip(events.value, events.channel, events.ref) if c == row and r >= 0), default=0.0
    )


def _timing(work: _Import, dt: float, dtm: float) -> Timing:
    published = work.files.configuration.get("timing_constraints")
    if published:
        return Timing(
            dt,
            dtm,
            int(published.get("granularity", 1)),
            int(published.get("min_length", 1)),
            int(published.get("pulse_alignment", published.get("alignment", 1))),
            int(published.get("acquire_alignment", 1)),
        )
    grain = command_granularity(work.calibrations)
    aligned = grain % 16 == 0
    text = "no constraints published; " + (
        "granularity 16 and length 64, as on devices of its kind" if aligned else f"commands have granularity {grain}"
    )
    work.notes.add("timing", "assumed", text)
    return Timing(dt, dtm, 16, 64, 1, 16) if aligned else Timing(dt, dtm, 1, 1, 1, 1)


def _limits(files: VendorFiles) -> Limits:
    delays, default = files.repetition("rep_delay_range"), files.repetition("default_rep_delay")
    dynamic = bool(files.configuration.get("dynamic_reprate_enabled")) and delays is not None
    return Limits(
        drive_lo=files.ranges("qubit_lo_range"),
        measure_lo=files.ranges("meas_lo_range"),
        max_shots=files.configuration.get("max_shots"),
        max_experiments=files.configuration.get("max_experiments"),
        rep_times=tuple(files.repetition("rep_times") or ()),
        rep_delay_range=(delays[0], delays[1]) if dynamic else None,
        default_rep_delay=default if dynamic else None,
    )


def _resonator_notes(work: _Import) -> None:
    work.notes.add(
        "resonators[*].frequency", "published", "the measure frequency, taken to be half way between |0> and |1>"
    )
    work.notes.add("resonators[*].chi", "derived", "from the published detuning, with an assumed coupling of 100 MHz")
    work.notes.add("resonators[*].kappa", "derived", "the published stimulus lasts ten resonator lifetimes, 1 to 8 MHz")
    work.notes.add("resonators[*].drive_rate", "derived", "the published stimulus holds five photons")
    work.notes.add("resonators[*].efficiency", "assumed", "0.3; tune fits it to the published errors")
    work.notes.add("transmons[*].p_th", "assumed", "0; tune fits it to the published errors")
    work.notes.add("reset_error", "assumed", f"{RESET_ERROR} at rep_delay 0")
