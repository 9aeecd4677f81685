"""Read vendor JSON (configuration, defaults, properties) in SI units.

Everything else of the package is in seconds and hertz; the conversion happens
here, once. A file whose ``dt`` is below a microsecond's number is in SI units
already (ibmq_poughkeepsie), all others are in ns, us and GHz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import DeviceError
from ..units import GHZ, KHZ, MHZ, MS, NS, TWO_PI, US

__all__ = ["VendorFiles", "angular_unit", "require"]

_UNITS: Mapping[str, float] = {
    "": 1.0,
    "s": 1.0,
    "ms": MS,
    "us": US,
    "µs": US,
    "μs": US,
    "ns": NS,
    "Hz": 1.0,
    "kHz": KHZ,
    "MHz": MHZ,
    "GHz": GHZ,
}
_SI_TIME = 1e-6  # a dt below this number is in seconds: a sample of 1 fs exists nowhere
_SI_FREQUENCY = 1e6  # a frequency above this number is in Hz


def require(data: Mapping[str, Any], key: str, file: str) -> Any:
    """Return ``data[key]``.

    Raises:
        DeviceError: the key is missing or null.
    """
    if data.get(key) is None:
        raise DeviceError(f"The vendor's {file} must have {key!r}, but it is missing.")
    return data[key]


def angular_unit(largest: float) -> float:
    """Return Hz per unit of an angular frequency: 2 pi GHz, unless the largest one is clearly in rad/s."""
    return (1.0 if largest > _SI_FREQUENCY else GHZ) / TWO_PI


@dataclass(frozen=True, eq=False)
class VendorFiles:
    """The three files of a backend, as plain dictionaries."""

    configuration: Mapping[str, Any]
    defaults: Mapping[str, Any]
    properties: Optional[Mapping[str, Any]] = None

    @property
    def name(self) -> str:
        """The backend's name."""
        return str(require(self.configuration, "backend_name", "configuration"))

    @property
    def n_qubits(self) -> int:
        """The number of qubits."""
        return int(require(self.configuration, "n_qubits", "configuration"))

    def _time_unit(self) -> float:
        return 1.0 if float(require(self.configuration, "dt", "configuration")) < _SI_TIME else NS

    @property
    def sample_times(self) -> Tuple[float, float]:
        """``dt`` and ``dtm`` in s."""
        dt = float(require(self.configuration, "dt", "configuration"))
        return dt * self._time_unit(), float(self.configuration.get("dtm") or dt) * self._time_unit()

    def repetition(self, key: str) -> Any:
        """Return a repetition time, or a list of them, in s (us in most files)."""
        value = self.configuration.get(key)
        unit = 1.0 if self._time_unit() == 1.0 else US
        if value is None:
            return None
        # round away what the conversion adds: 250 us is 2.5e-4 s
        return [_tidy(v * unit) for v in value] if isinstance(value, (list, tuple)) else _tidy(value * unit)

    @property
    def frequency_unit(self) -> float:
        """The unit of frequencies in ``defaults``, in Hz."""
        values = require(self.defaults, "qubit_freq_est", "defaults")
        return 1.0 if values and float(values[0]) > _SI_FREQUENCY else GHZ

    def frequencies(self, key: str) -> List[float]:
        """Return ``qubit_freq_est`` or ``meas_freq_est`` in Hz."""
        values = require(self.defaults, key, "defaults")
        if len(values) < self.n_qubits:
            raise DeviceError(
                f"The vendor's defaults must have one {key!r} per qubit ({self.n_qubits}), but {len(values)} came."
            )
        unit = 1.0 if float(values[0]) > _SI_FREQUENCY else GHZ
        return [float(v) * unit for v in values[: self.n_qubits]]

    def ranges(self, key: str) -> Tuple[Tuple[float, float], ...]:
        """Return ``qubit_lo_range`` or ``meas_lo_range`` in Hz; () if not given."""
        values = self.configuration.get(key) or ()
        unit = 1.0 if values and float(values[0][1]) > _SI_FREQUENCY else GHZ
        return tuple((float(low) * unit, float(high) * unit) for low, high in values)

    def qubit_property(self, qubit: int, name: str) -> Optional[float]:
        """Return a published property of a qubit in SI units, or None."""
        qubits = (self.properties or {}).get("qubits") or ()
        for item in qubits[qubit] if qubit < len(qubits) else ():
            if item.get("name") == name:
                return _in_si(item, f"{name} of qubit {qubit}")
        return None

    def gate_date(self, gate: str, qubits: Tuple[int, ...]) -> str:
        """Return when a gate was calibrated (ISO 8601), else the last update."""
        return self._gate_dates().get((gate, qubits), self.date)

    def _gate_dates(self) -> Dict[Tuple[str, Tuple[int, ...]], str]:
        cached: Optional[Dict[Tuple[str, Tuple[int, ...]], str]] = self.__dict__.get("_dates")
        if cached is None:
            cached = {
                (str(g.get("gate")), tuple(g.get("qubits", ()))): _text(g["parameters"][0].get("date", ""))
                for g in (self.properties or {}).get("gates") or ()
                if g.get("parameters")
            }
            object.__setattr__(self, "_dates", cached)
        return cached

    @property
    def date(self) -> str:
        """When the properties were updated (ISO 8601), or ""."""
        return _text((self.properties or {}).get("last_update_date", ""))


def _text(date: Any) -> str:
    return str(date.isoformat()) if hasattr(date, "isoformat") else str(date or "")


def _tidy(seconds: float) -> float:
    return float(f"{seconds:.12g}")


def _in_si(item: Mapping[str, Any], what: str) -> Optional[float]:
    unit = str(item.get("unit", ""))
    if unit not in _UNITS:
        raise DeviceError(
            f"The unit of {what} must be one of {[u for u in _UNITS if u]}, but {unit!r} came. Convert the file."
        )
    value = item.get("value")
    if value is None or not math.isfinite(float(value)):
        return None
    return float(value) * _UNITS[unit]
