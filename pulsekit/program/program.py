"""Define the program: an event table and the tables that it refers to."""

from __future__ import annotations

import math
import types
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import ProgramError
from .channels import Channel
from .envelopes import SHAPES, sample
from .events import EventTable, Op
from .expressions import evaluate

__all__ = ["AcquireSpec", "Origin", "ParameterTable", "Program", "Pulse", "Source"]

WIDEST = 1e6  # durations; a lifted Gaussian of a larger sigma is 0/0


@dataclass(frozen=True)
class Pulse:
    """An envelope at amplitude 1 and angle 0; equal pulses have equal bits.

    ``shape`` is a key of ``envelopes.SHAPES``, with ``params`` its parameters
    sorted by name, or "samples", with ``data`` the little-endian complex128
    bytes of the samples.
    """

    shape: str
    duration: int  # samples
    params: Tuple[Tuple[str, float], ...] = ()
    data: bytes = b""
    limit_amplitude: bool = True  # refuse |sample| > 1
    name: Optional[str] = field(default=None, compare=False)  # a display name
    origin: Any = field(default=None, compare=False, repr=False)  # a frontend's own object, opaque here

    @staticmethod
    def from_samples(
        samples: np.ndarray, *, limit_amplitude: bool = True, name: Optional[str] = None, origin: Any = None
    ) -> "Pulse":
        """Return the pulse that plays ``samples`` (complex128[duration])."""
        array = np.ascontiguousarray(samples, dtype="<c16")
        return Pulse("samples", array.size, (), array.tobytes(), limit_amplitude, name, origin)

    @staticmethod
    def from_shape(
        shape: str,
        duration: int,
        params: Mapping[str, float],
        *,
        limit_amplitude: bool = True,
        name: Optional[str] = None,
    ) -> "Pulse":
        """Return a pulse of the shape library.

        Raises:
            ProgramError: no such shape, or other parameters than it has.
        """
        if shape not in SHAPES:
            raise ProgramError(f"Argument `shape` must be one of {sorted(SHAPES)}, but {shape!r} came.")
        items = tuple(sorted((k, float(v)) for k, v in params.items()))
        wanted = sorted(SHAPES[shape].parameters)
        if [k for k, _ in items] != wanted:
            raise ProgramError(
                f"Argument `params` must have the parameters of {shape!r}, {wanted}, but {[k for k, _ in items]} came."
            )
        return Pulse(shape, int(duration), items, b"", limit_amplitude, name)

    @cached_property
    def samples(self) -> np.ndarray:
        """The envelope, complex128[duration], read-only."""
        if self.shape == "samples":
            return np.frombuffer(self.data, dtype="<c16")
        array = sample(self.shape, self.duration, dict(self.params))
        array.flags.writeable = False
        return array

    @cached_property
    def peak(self) -> float:
        """The largest magnitude of a sample, dimensionless."""
        return float(np.abs(self.samples).max(initial=0.0))

    @property
    def ceiling(self) -> float:
        """What no sample's magnitude exceeds, without sampling; inf where that is not known."""
        shape, params = SHAPES.get(self.shape), dict(self.params)
        if shape is None or not 0 < params.get("sigma", 1.0) <= WIDEST * self.duration:
            return math.inf
        return shape.ceiling(**params) if math.isfinite(sum(params.values())) else math.inf


@dataclass(frozen=True)
class AcquireSpec:
    """How an acquire turns its signal into a result.

    ``kernel`` and ``discriminator`` are (name, sorted parameter items), or
    None for the device's default. Lists and arrays among the parameters are
    kept as tuples: equal specs are one.
    """

    kernel: Optional[Tuple[str, Tuple[Tuple[str, Any], ...]]] = None
    discriminator: Optional[Tuple[str, Tuple[Tuple[str, Any], ...]]] = None
    esp: bool = False  # excited-state promoted: tell 0 from 2
    register: int = -1  # register slot, or -1

    def __post_init__(self) -> None:
        for name in ("kernel", "discriminator"):
            object.__setattr__(self, name, _tuples(getattr(self, name)))


def _tuples(value: Any) -> Any:
    """Return a parameter with tuples instead of lists and arrays."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _tuples(value.tolist())
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class Source:
    """Where rows came from: one instruction of the input."""

    index: int  # position of the instruction in its circuit or schedule
    name: str
    qubits: Tuple[int, ...] = ()
    clbits: Tuple[int, ...] = ()


class Origin(NamedTuple):
    """Where a row came from."""

    program: str  # name of the circuit or schedule
    source: Optional[Source]  # the instruction
    calibration: Optional[str]  # id of the calibration


@dataclass(frozen=True)
class ParameterTable:
    """Columns that depend on parameters: base value + sum of coefficient * theta.

    Entry ``k`` adds ``coefficient[k] * theta[parameter[k]]`` to column
    ``column[k]`` (0: value, 1: angle, 2: duration, 3: t0) of row ``row[k]``;
    the event table holds the constant part. ``expressions`` is the slow lane:
    (row, column, expression tree as nested tuples) for what is not affine.
    """

    names: Tuple[str, ...]
    row: np.ndarray  # int32[k]
    column: np.ndarray  # uint8[k]
    parameter: np.ndarray  # int32[k]
    coefficient: np.ndarray  # float64[k]
    expressions: Tuple[Tuple[int, int, Any], ...] = ()


def _program_of(values: Dict[str, Any]) -> "Program":
    return Program(**values)


def _frozen(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return metadata if type(metadata) is types.MappingProxyType else types.MappingProxyType(dict(metadata))


@dataclass(frozen=True, eq=False)
class Program:
    """What each channel does and when, in integer samples. Immutable.

    Compare with :meth:`same_as`; ``pulsekit.program.diff`` says where two
    programs differ.
    """

    events: EventTable
    channels: Tuple[Channel, ...] = ()
    pulses: Tuple[Pulse, ...] = ()
    acquires: Tuple[AcquireSpec, ...] = ()
    sources: Sequence[Source] = ()
    calibrations: Tuple[str, ...] = ()
    labels: Tuple[str, ...] = ()
    name: str = ""
    duration: int = 0  # samples; at least the end of the last event
    memory_slots: int = 0  # slots of the result; at least the highest slot + 1
    parameters: Optional[ParameterTable] = None  # None: nothing left to bind
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", _frozen(self.metadata))

    def __reduce__(self) -> Tuple[Any, ...]:
        """Say how to copy a program, to another process too: from its fields."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _program_of, ({**values, "metadata": dict(self.metadata)},)

    def replace(self, **changes: Any) -> "Program":
        """Return a program with some fields exchanged."""
        return replace(self, **changes)

    def channel_id(self, channel: Channel) -> int:
        """Return the channel's index in ``channels``, or -1."""
        return self._channel_ids.get(channel, -1)

    def channel_id_of(self, kind: str, index: int) -> int:
        """Return the index in ``channels`` of a kind's channel, or -1."""
        return self.channel_id(Channel(kind, index))

    @cached_property
    def _channel_ids(self) -> Dict[Channel, int]:
        return {c: i for i, c in enumerate(self.channels)}

    def rows(self, *ops: Op) -> np.ndarray:
        """Return the indices of the rows with one of the given ops."""
        wanted = np.zeros(len(Op), dtype=bool)
        wanted[[int(op) for op in ops]] = True
        return wanted[self.events.op].nonzero()[0]

    def bind(self, theta: Sequence[float]) -> "Program":
        """Return the program with numbers in place of its parameters.

        Args:
            theta: one number per name of ``parameters``, in that order.

        Raises:
            ProgramError: another number of values, or times that depend on
                parameters (compile with ``parameter_binds`` instead).
        """
        table = self.parameters
        if table is None:
            return self
        point = np.asarray(theta, dtype=np.float64)[None, :]
        if point.shape[1] != len(table.names) or (table.column > 1).any():
            raise ProgramError(
                f"Argument `theta` must have values for {list(table.names)}, none of them a time, "
                f"but {point.shape[1]} came."
            )
        columns = [self.events.value.copy(), self.events.angle.copy()]
        for column, target in enumerate(columns):
            chosen = table.column == column
            np.add.at(target, table.row[chosen], table.coefficient[chosen] * point[0, table.parameter[chosen]])
        for row, column, tree in table.expressions:
            columns[column][row] += evaluate(tree, point)[0]
        return self.replace(events=self.events.replace(value=columns[0], angle=columns[1]), parameters=None)

    def origin(self, row: int) -> Origin:
        """Return where a row came from."""
        source, calibration = int(self.events.source[row]), int(self.events.calibration[row])
        return Origin(
            self.name,
            self.sources[source] if source >= 0 else None,
            self.calibrations[calibration] if calibration >= 0 else None,
        )

    def same_as(self, other: "Program") -> bool:
        """Tell whether two programs do the same, row by row.

        Names, labels, sources and metadata are not compared.
        """
        a, b = self.events, other.events
        if len(a) != len(b) or self.duration != other.duration or self.memory_slots != other.memory_slots:
            return False
        columns = ("t0", "duration", "op", "value", "angle", "slot")
        if not all(np.array_equal(getattr(a, c), getattr(b, c)) for c in columns):
            return False
        for x, y in zip(a, b):
            if self.channels[x.channel] != other.channels[y.channel]:
                return False
            if x.op == Op.PLAY and self.pulses[x.ref] != other.pulses[y.ref]:
                return False
            if x.op == Op.ACQUIRE and self.acquires[x.ref] != other.acquires[y.ref]:
                return False
        return True
