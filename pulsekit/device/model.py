"""Describe the hardware: frozen dataclasses, validated once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from ..errors import DeviceError
from . import checks
from .calibrations import CalibrationMap
from .provenance import Provenance
from .validate import check_device

__all__ = [
    "ControlLine",
    "Coupling",
    "Crosstalk",
    "Device",
    "DriveLine",
    "Limits",
    "ReadoutSpec",
    "Resonator",
    "Timing",
    "Transmon",
]


def _check_line(rabi_rate: float, gain: complex, delay_s: float) -> None:
    checks.finite("rabi_rate", rabi_rate, least=0, unit="Hz")
    checks.complex_finite("gain", gain)
    checks.finite("delay_s", delay_s, unit="s")


@dataclass(frozen=True)
class Transmon:
    """One qubit, as a Duffing oscillator."""

    frequency: float  # Hz, dressed 0-1 transition, all neighbours in their ground state
    anharmonicity: float = -330e6  # Hz, negative for a transmon
    levels: int = 3  # 2 to 5
    t1: Optional[float] = 100e-6  # s; None: no relaxation
    t2: Optional[float] = 100e-6  # s; None: no dephasing beyond 2 T1
    p_th: float = 0.0  # equilibrium excited population

    def __post_init__(self) -> None:
        checks.carrier("frequency", self.frequency)
        checks.integer("levels", self.levels, least=2, most=5)
        checks.finite("anharmonicity", self.anharmonicity, unit="Hz")
        if self.anharmonicity == 0:
            raise DeviceError("Argument `anharmonicity` must not be 0: no pulse could tell 0-1 from 1-2.")
        checks.finite("t1", self.t1, above=0, none=True, unit="s")
        checks.finite("t2", self.t2, above=0, none=True, unit="s")
        checks.finite("p_th", self.p_th, least=0, most=0.5)
        if self.t1 is not None and self.t2 is not None and self.t2 > 2 * self.t1 * (1 + 1e-9):
            raise DeviceError(
                f"Argument `t2` must be at most 2 t1 = {2 * self.t1:g} s, but {self.t2:g} s came. Clip it."
            )


@dataclass(frozen=True)
class Coupling:
    """An exchange coupling J (a^dag b + a b^dag)."""

    qubits: Tuple[int, int]
    strength: float  # Hz

    def __post_init__(self) -> None:
        checks.pair_of("qubits", self.qubits)
        with checks.named(f"coupling of {self.qubits}"):
            checks.finite("strength", self.strength, unit="Hz")


@dataclass(frozen=True)
class DriveLine:
    """Drive channel q, which drives qubit q."""

    qubit: int
    rabi_rate: float  # Hz at amplitude 1: H = 2 pi rabi_rate s(t) (a + a^dag)
    gain: complex = 1.0  # dimensionless, cable phase and attenuation
    delay_s: float = 0.0  # s, the line is late by this

    def __post_init__(self) -> None:
        checks.integer("qubit", self.qubit)
        with checks.named(f"d{self.qubit}"):
            _check_line(self.rabi_rate, self.gain, self.delay_s)
        object.__setattr__(self, "gain", complex(self.gain))


@dataclass(frozen=True)
class ControlLine:
    """Control channel u, which drives ``qubit`` at a LO made of qubits' LOs."""

    qubit: int  # the qubit that the line physically drives
    lo: Tuple[Tuple[int, complex], ...]  # (q, scale): f_LO = sum Re(scale) * drive LO of q
    rabi_rate: float  # Hz at amplitude 1
    gain: complex = 1.0
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        checks.integer("qubit", self.qubit)
        with checks.named(f"control line of qubit {self.qubit}"):
            _check_line(self.rabi_rate, self.gain, self.delay_s)
            if not self.lo:
                raise DeviceError("Argument `lo` must name at least one qubit's LO, but it is empty.")
            for q, scale in self.lo:
                checks.integer("lo", q)
                checks.complex_finite("lo", scale)
        object.__setattr__(self, "gain", complex(self.gain))
        object.__setattr__(self, "lo", tuple((q, complex(scale)) for q, scale in self.lo))


@dataclass(frozen=True)
class Crosstalk:
    """A part of a line's signal that reaches another qubit."""

    channel: str  # "d0", "u3"
    qubit: int  # the qubit that it reaches
    gain: complex  # relative to the line's own drive

    def __post_init__(self) -> None:
        checks.integer("qubit", self.qubit)
        checks.complex_finite("gain", self.gain)
        object.__setattr__(self, "gain", complex(self.gain))


@dataclass(frozen=True)
class Resonator:
    """Readout resonator, dispersively coupled; measure channel q drives it."""

    frequency: float  # Hz, reference: the resonance with the qubit in level s is frequency + chi[s]
    kappa: float = 5e6  # Hz, linewidth (FWHM): kappa_rad = 2 pi kappa
    chi: Tuple[float, ...] = ()  # Hz per level: shift of the resonance for level s; (): kappa * (0.5, -0.5, -1.3, ...)
    drive_rate: float = 10e6  # Hz at amplitude 1: eps_m = 2 pi drive_rate
    efficiency: float = 0.3  # eta, dimensionless
    noise: float = 0.0  # added noise, quanta
    scale: float = 1e6  # arbitrary units of the IQ plane: vacuum noise of one record sample is scale / 100
    rotation: float = 0.0  # rad, of the IQ plane
    mode: str = "transmission"  # a peak; or "reflection": a notch
    notch_depth: float = 1.0  # in (0, 1], reflection only: 1 dips to zero at resonance
    kernel_decay_s: Optional[float] = None  # s, default kernel exp(-t / kernel_decay_s); None: boxcar
    threshold: float = 0.0  # default discriminator's boundary: -1 at the centre of 0, 0 midway, 1 at the centre of 1
    transitions: Tuple[Tuple[int, int, float], ...] = ()  # (from, to, 1/s): jumps that the readout tone induces

    def __post_init__(self) -> None:
        checks.carrier("frequency", self.frequency)
        checks.finite("kappa", self.kappa, above=0, unit="Hz")
        for shift in self.chi:
            checks.finite("chi", shift, unit="Hz")
        checks.finite("drive_rate", self.drive_rate, least=0, unit="Hz")
        checks.finite("efficiency", self.efficiency, above=0, most=1)
        checks.finite("noise", self.noise, least=0)
        checks.finite("scale", self.scale, above=0)
        checks.finite("rotation", self.rotation)
        checks.one_of("mode", self.mode, ("transmission", "reflection"))
        checks.finite("notch_depth", self.notch_depth, above=0, most=1)
        checks.finite("kernel_decay_s", self.kernel_decay_s, above=0, none=True, unit="s")
        checks.finite("threshold", self.threshold)
        for start, stop, rate in self.transitions:
            checks.integer("transitions", start)
            checks.integer("transitions", stop)
            checks.finite("transitions", rate, least=0, unit="1/s")


@dataclass(frozen=True)
class ReadoutSpec:
    """Published readout figures of a qubit, the target of ``tune``."""

    prob_meas0_prep1: Optional[float] = None
    prob_meas1_prep0: Optional[float] = None
    length_s: Optional[float] = None

    def __post_init__(self) -> None:
        checks.finite("prob_meas0_prep1", self.prob_meas0_prep1, least=0, most=1, none=True)
        checks.finite("prob_meas1_prep0", self.prob_meas1_prep0, least=0, most=1, none=True)
        checks.finite("length_s", self.length_s, above=0, none=True, unit="s")


@dataclass(frozen=True)
class Timing:
    """Sample times and alignment rules; alignments are in samples."""

    dt: float = 2e-9 / 9  # s
    dtm: float = 2e-9 / 9  # s
    granularity: int = 16
    min_length: int = 64
    pulse_alignment: int = 1
    acquire_alignment: int = 16

    def __post_init__(self) -> None:
        checks.finite("dt", self.dt, above=0, unit="s")
        checks.finite("dtm", self.dtm, above=0, unit="s")
        for name in ("granularity", "min_length", "pulse_alignment", "acquire_alignment"):
            checks.integer(name, getattr(self, name), least=1)


@dataclass(frozen=True)
class Limits:
    """LO ranges (physical) and service quotas (enforced with limits="device")."""

    drive_lo: Tuple[Tuple[float, float], ...] = ()  # Hz per qubit; (): estimate +- 500 MHz
    measure_lo: Tuple[Tuple[float, float], ...] = ()  # Hz per qubit
    max_shots: Optional[int] = 100_000
    max_experiments: Optional[int] = 300
    rep_times: Tuple[float, ...] = (1e-3,)  # s
    rep_delay_range: Optional[Tuple[float, float]] = (0.0, 500e-6)  # s; None: no dynamic repetition
    default_rep_delay: Optional[float] = 250e-6  # s

    def __post_init__(self) -> None:
        checks.ranges("drive_lo", self.drive_lo)
        checks.ranges("measure_lo", self.measure_lo)
        checks.integer("max_shots", self.max_shots, least=1, none=True)
        checks.integer("max_experiments", self.max_experiments, least=1, none=True)
        for time in self.rep_times:
            checks.finite("rep_times", time, above=0, unit="s")
        checks.ranges("rep_delay_range", () if self.rep_delay_range is None else (self.rep_delay_range,))
        checks.finite("default_rep_delay", self.default_rep_delay, least=0, none=True, unit="s")


@dataclass(frozen=True, eq=False)
class Device:
    """Everything that decides how a program runs. Never changed in place."""

    name: str
    transmons: Tuple[Transmon, ...]
    couplings: Tuple[Coupling, ...] = ()
    drives: Tuple[DriveLine, ...] = ()  # one per qubit
    controls: Tuple[ControlLine, ...] = ()
    crosstalk: Tuple[Crosstalk, ...] = ()
    resonators: Tuple[Resonator, ...] = ()  # one per qubit
    readout: Tuple[ReadoutSpec, ...] = ()  # one per qubit
    readout_crosstalk: Tuple[Tuple[int, int, complex], ...] = ()  # (measure line, resonator, gain)
    reset_error: Tuple[float, ...] = ()  # per qubit: excited population left by a reset at rep_delay 0
    timing: Timing = Timing()
    limits: Limits = Limits()
    meas_map: Tuple[Tuple[int, ...], ...] = ()
    coupling_map: Tuple[Tuple[int, int], ...] = ()  # directed pairs that have a two-qubit gate
    basis_gates: Tuple[str, ...] = ("id", "rz", "sx", "x", "cx", "reset")
    measure_esp_enabled: bool = False
    calibrations: CalibrationMap = field(default_factory=CalibrationMap)
    version: str = "1"
    qubit_lo: Tuple[float, ...] = ()  # Hz, default drive LOs; (): the transmons' frequencies
    measure_lo: Tuple[float, ...] = ()  # Hz, default measure LOs; (): the resonators' frequencies
    stale: Tuple[Tuple[str, Tuple[int, ...]], ...] = ()  # calibrations that a change has made wrong
    vendor: Mapping[str, Any] = field(default_factory=dict)  # the snapshot's JSON: configuration, defaults, properties
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        check_device(self)

    @property
    def n_qubits(self) -> int:
        """The number of qubits."""
        return len(self.transmons)

    @property
    def qubit_freq_est(self) -> Tuple[float, ...]:
        """The default drive LO of every qubit, in Hz; a drifted qubit is off it."""
        return self.qubit_lo or tuple(t.frequency for t in self.transmons)

    @property
    def meas_freq_est(self) -> Tuple[float, ...]:
        """The default measure LO of every resonator, in Hz."""
        return self.measure_lo or tuple(r.frequency for r in self.resonators)

    def replace(self, **changes: Any) -> "Device":
        """Return a device with some fields exchanged."""
        return replace(self, **changes)

    def with_(
        self,
        *,
        qubit: Optional[int] = None,
        pair: Optional[Tuple[int, int]] = None,
        channel: Optional[str] = None,
        **values: Any,
    ) -> "Device":
        """Return a device with parameters changed; ``stale`` names what must be tuned again.

        Args:
            qubit: change this qubit: any field of Transmon, Resonator (its
                frequency is ``measure_frequency``) and ReadoutSpec, or
                ``reset_error``. The LO estimate follows a frequency.
            pair: change this coupling: ``strength`` in Hz (0 removes it).
            channel: change this line ("d0", "u3"): ``rabi_rate``, ``gain``,
                ``delay_s``.
            **values: the new values; without ``qubit``, ``pair`` and
                ``channel`` they are fields of the device, or ``dt``, ``dtm``.

        Raises:
            DeviceError: a parameter that there is not, or an impossible value.
        """
        from .changes import changed

        return changed(self, qubit=qubit, pair=pair, channel=channel, **values)

    def age(self, seconds: float, *, seed: int = 0, drift: Any = None) -> "Device":
        """Return the device some time later: T1, frequencies and line strengths have drifted.

        LO estimates and calibrations stay as they were, and are named in
        ``stale``.

        Args:
            seconds: s.
            seed: the same seed gives the same device.
            drift: a :class:`pulsekit.device.Drift`; None for its defaults.

        Raises:
            DeviceError: a negative time or seed.
        """
        from .drift import Drift, aged

        return aged(self, seconds, seed, Drift() if drift is None else drift)

    def report(self, *, full: bool = False) -> str:
        """Return what was published, derived and assumed, as text.

        Args:
            full: every value on a line of its own.
        """
        from .report import device_report

        return device_report(self, full=full)

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of everything that decides how programs run.

        Vendor data, provenance and ``version`` do not enter. Computed once
        per device.
        """
        known = self.__dict__.get("_content_hash")
        if known is None:
            from .hashing import device_hash

            known = self.__dict__["_content_hash"] = device_hash(self)
        return str(known)

    def to_dict(self) -> "dict[str, Any]":
        """Return the device as JSON data; :meth:`from_json` reads it exactly."""
        from .json_format import to_dict

        return to_dict(self)

    def to_json(self, path: Any = None, *, indent: Optional[int] = None) -> str:
        """Return the device as JSON text, and write it to ``path`` if given."""
        text = json.dumps(self.to_dict(), indent=indent, allow_nan=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @staticmethod
    def from_json(source: Any, defaults: Any = None, properties: Any = None, *, levels: int = 3) -> "Device":
        """Return a device from pulsekit's JSON or from a vendor's three files.

        Arguments and errors: :func:`pulsekit.device.sources.device_from_json`.
        """
        from .sources import device_from_json

        return device_from_json(source, defaults, properties, levels=levels)

    @staticmethod
    def from_backend(backend: Any, *, levels: int = 3) -> "Device":
        """Return a device from a live backend object; nothing of qiskit is imported.

        Arguments and errors: :func:`pulsekit.device.sources.device_from_backend`.
        """
        from .sources import device_from_backend

        return device_from_backend(backend, levels=levels)

    @staticmethod
    def from_snapshot(name: str, *, levels: int = 3) -> "Device":
        """Return a device from a calibration snapshot that ships with qiskit-terra.

        Args:
            name: its ``backend_name``, such as "ibm_perth"; see
                :func:`pulsekit.device.snapshots`.
            levels: levels per transmon in the model, 2 to 5.

        Raises:
            DeviceError: no such snapshot, or one that has no pulses.
        """
        from .importer import device_from_vendor
        from .snapshots import load_snapshot

        return device_from_vendor(*load_snapshot(name), levels=levels)

    @staticmethod
    def from_graph(graph: Any, **options: Any) -> "Device":
        """Return a device with a transmon per node and a coupling per edge of a networkx graph.

        Options and errors: :func:`pulsekit.device.builders.device_from_graph`.
        """
        from .builders import device_from_graph

        return device_from_graph(graph, **options)

    @staticmethod
    def transmon(frequency: float = 5e9, **options: Any) -> "Device":
        """Return one transmon; options as of :meth:`from_graph`."""
        from .builders import device_from_graph, line_graph

        return device_from_graph(line_graph(1), **{"name": "transmon", "frequency": frequency, **options})

    @staticmethod
    def pair(frequency: Tuple[float, float] = (5.07e9, 5e9), **options: Any) -> "Device":
        """Return two coupled transmons; options as of :meth:`from_graph`."""
        from .builders import device_from_graph, line_graph

        return device_from_graph(line_graph(2), **{"name": "pair", "frequency": frequency, **options})

    @staticmethod
    def line(n: int, **options: Any) -> "Device":
        """Return n transmons in a line; options as of :meth:`from_graph`."""
        from .builders import device_from_graph, line_graph

        return device_from_graph(line_graph(n), **{"name": f"line_{n}", **options})

    @staticmethod
    def ring(n: int, **options: Any) -> "Device":
        """Return n transmons in a ring; options as of :meth:`from_graph`."""
        from .builders import device_from_graph, ring_graph

        return device_from_graph(ring_graph(n), **{"name": f"ring_{n}", **options})

    @staticmethod
    def heavy_hex(rows: int, columns: int, **options: Any) -> "Device":
        """Return a heavy-hexagon lattice; options as of :meth:`from_graph`."""
        from .builders import device_from_graph, heavy_hex_graph

        return device_from_graph(heavy_hex_graph(rows, columns), **{"name": f"heavy_hex_{rows}x{columns}", **options})
