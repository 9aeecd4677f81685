"""Make a device from a vendor's configuration, defaults and properties."""

from __future__ import annotations

from statistics import median
from typing import Any, List, Mapping, Optional

from ..errors import DeviceError
from .checks import named
from .hamiltonian import parse_hamiltonian
from .model import Device, Limits, ReadoutSpec, Timing, Transmon
from .notes import Notes
from .resonators import default_resonator
from .vendor import VendorFiles
from .vendor_commands import add_derived, command_granularity, read_commands
from .vendor_couplings import couplings
from .vendor_lines import control_lines, drive_lines
from .vendor_work import Import, command_of

__all__ = ["device_from_vendor"]

RESET_ERROR = 0.01  # excited population that a reset leaves at rep_delay 0 (assumed)
_ANHARMONICITY_BY_FAMILY = {"Eagle": -310e6, "Hummingbird": -330e6, "Falcon": -340e6, "Canary": -347e6}
_ANHARMONICITY = -309e6  # Hz, of snapshots that name no processor: medians of boeblingen -308, of valencia -310.5 MHz
_USABLE = (-500e6, -100e6)  # Hz, exclusive


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
    work = Import(files, terms, notes, freqs, meas_freqs, dt, read_commands(files))
    work.anharmonicities = _anharmonicities(work)
    work.calibrations = add_derived(work.calibrations, work.anharmonicities, dt, files, work.notes)
    work.drives, crosstalk = drive_lines(work)
    work.controls, more = control_lines(work)
    notes.add("transmons[*].frequency", "published", "qubit_freq_est, taken to be the dressed 0-1 transition")
    if properties:
        notes.add("transmons[*].t1, t2", "published", f"properties of {files.date or 'unknown date'}")
        notes.add("readout[*]", "published", "assignment errors and length; targets for tune")
    transmons = tuple(_transmon(work, q, levels) for q in range(work.n))
    resonators = tuple(
        default_resonator(
            q,
            freqs[q],
            work.anharmonicities[q],
            meas_freqs[q],
            measure=command_of(work, "measure", q),
            dt=dt,
        )
        for q in range(work.n)
    )
    _resonator_notes(work)
    readout = tuple(_readout_spec(work, q) for q in range(work.n))
    pairs = tuple(tuple(int(q) for q in pair) for pair in configuration.get("coupling_map") or ())
    return Device(
        name=files.name,
        transmons=transmons,
        couplings=couplings(work),
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


def _anharmonicities(work: Import) -> List[float]:
    """Return the published values; where unusable, the device's median or its family's."""
    unit = work.unit
    published: List[float] = []
    for q in range(work.n):
        value = work.terms.anharmonicity.get(q, 0.0) * unit
        if not _USABLE[0] < value < _USABLE[1]:
            value = work.files.qubit_property(q, "anharmonicity") or 0.0
        published.append(value)
    usable = [a for a in published if _USABLE[0] < a < _USABLE[1]]
    family = str((work.files.configuration.get("processor_type") or {}).get("family", ""))
    fallback = median(usable) if usable else _ANHARMONICITY_BY_FAMILY.get(family, _ANHARMONICITY)
    source = "the median of the device's other qubits" if usable else f"typical of {family or 'the early'} processors"
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


def _transmon(work: Import, q: int, levels: int) -> Transmon:
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
    with named(f"qubit {q} of {work.files.name!r}"):
        return Transmon(frequency=work.freqs[q], anharmonicity=work.anharmonicities[q], levels=levels, t1=t1, t2=t2)


def _readout_spec(work: Import, q: int) -> ReadoutSpec:
    """Return published errors; where only their mean is published, that for both."""
    mean = work.files.qubit_property(q, "readout_error")
    errors = [work.files.qubit_property(q, k) for k in ("prob_meas0_prep1", "prob_meas1_prep0")]
    if mean is not None and None in errors:
        work.notes.add(f"readout[{q}]", "derived", f"both errors {mean:.4f}, the published mean")
        errors = [mean if e is None else e for e in errors]
    with named(f"qubit {q} of {work.files.name!r}"):
        return ReadoutSpec(errors[0], errors[1], work.files.qubit_property(q, "readout_length"))


def _timing(work: Import, dt: float, dtm: float) -> Timing:
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


def _resonator_notes(work: Import) -> None:
    work.notes.add(
        "resonators[*].frequency", "published", "the measure frequency, taken to be half way between |0> and |1>"
    )
    work.notes.add("resonators[*].chi", "derived", "from the published detuning, with an assumed coupling of 100 MHz")
    work.notes.add("resonators[*].kappa", "derived", "the published stimulus lasts ten resonator lifetimes, 1 to 8 MHz")
    work.notes.add("resonators[*].drive_rate", "derived", "the published stimulus holds five photons")
    work.notes.add("resonators[*].efficiency", "assumed", "0.3; tune fits it to the published errors")
    work.notes.add("transmons[*].p_th", "assumed", "0; tune fits it to the published errors")
    work.notes.add("reset_error", "assumed", f"{RESET_ERROR} at rep_delay 0")
