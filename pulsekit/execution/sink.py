"""Write shots into records: single shots, averages, live averages."""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

import numpy as np

from ..readout import Acquisition, Purpose, Stream, read_shots, trace_shots
from .live import Held, Tables, stream_rounds
from .settings import Record, Settings
from .steps import Acquire

__all__ = ["Sink", "new_record"]

CHUNK = 65536  # shots read at a time where only an average is kept
TRACE_BYTES = 1 << 24  # of records held at a time where only an average is kept


def new_record(settings: Settings, slots: int) -> Record:
    """Return an empty record of the asked level."""
    level, single = settings.meas_level, settings.meas_return == "single"
    record = Record(settings.shots, level, settings.meas_return, slots)
    lead: Tuple[int, ...] = (settings.shots,) if single else ()
    if level == 2:
        record.bits = np.zeros((settings.shots, slots), np.uint8)
    elif level == 1:
        record.iq = np.zeros((*lead, slots), np.complex128)
    else:
        record.raw = np.zeros((*lead, slots, settings.memory_slot_size), np.complex128)
    return record


class Sink:
    """Takes the levels at each acquire and fills the records."""

    def __init__(self, settings: Settings, records: List[Record], seed: int, ids: Sequence[int]) -> None:
        self.settings = settings
        self.records = records
        self.seed = seed
        self.ids = ids  # of the experiments in their job
        self.methods: Dict[Tuple[int, Tuple[int, ...]], Set[str]] = {}  # by experiment and its cluster's qubits

    def ran(self, experiments: Iterable[int], qubits: Tuple[int, ...], methods: Iterable[str]) -> None:
        """Note how a cluster of some experiments was simulated."""
        for experiment in experiments:
            self.methods.setdefault((experiment, qubits), set()).update(methods)

    def numbers(self, experiment: int, purpose: Purpose, number: int) -> Stream:
        """Return a stream of random numbers of an experiment."""
        return Stream(self.seed, self.ids[experiment], purpose, number)

    def stream(self, experiment: int, acquire: Acquire) -> Stream:
        """Return the random numbers of an acquire."""
        return self.numbers(experiment, Purpose.READ, acquire.stream_index)

    def ends(
        self, experiment: int, acquire: Acquire, acquisition: Acquisition, start: np.ndarray, first: int = 0
    ) -> np.ndarray:
        """Return the levels that an acquire leaves, uint8[shots]."""
        return read_shots(acquisition, self.stream(experiment, acquire), first, start)

    def write(self, experiment: int, acquire: Acquire, tables: Tables, start: np.ndarray) -> None:
        """Fill an acquire's slot for all shots; ``start`` uint8[shots]."""
        if acquire.slot < 0:
            return
        acquisition = tables()
        record, stream, slot = self.records[experiment], self.stream(experiment, acquire), acquire.slot
        if record.bits is not None:
            read_shots(acquisition, stream, 0, start, bits=record.bits[:, slot])
        elif record.iq is not None and record.iq.ndim == 2:
            read_shots(acquisition, stream, 0, start, iq=record.iq[:, slot])
        elif record.iq is not None:
            record.iq[slot] = mean_iq(acquisition, stream, 0, start)
        elif record.raw is not None and record.raw.ndim == 3:
            trace_shots(acquisition, stream, 0, start, record.raw[:, slot])
        elif record.raw is not None:
            record.raw[slot] = mean_raw(acquisition, stream, 0, start, record.raw.shape[1])


def mean_iq(acquisition: Acquisition, stream: Stream, first: int, start: np.ndarray) -> complex:
    """Return the mean integrated signal of some shots."""
    total = 0j
    for low in range(0, start.size, CHUNK):
        part = start[low : low + CHUNK]
        iq = np.empty(part.size, np.complex128)
        read_shots(acquisition, stream, first + low, part, iq=iq)
        total += iq.sum()
    return complex(total / start.size)


def mean_raw(acquisition: Acquisition, stream: Stream, first: int, start: np.ndarray, samples: int) -> np.ndarray:
    """Return the mean record of some shots, complex128[samples]."""
    total = np.zeros(samples, complex)
    chunk = max(1, TRACE_BYTES // (16 * max(samples, 1)))
    for low in range(0, start.size, chunk):
        part = start[low : low + chunk]
        raw = np.empty((part.size, samples), np.complex128)
        trace_shots(acquisition, stream, first + low, part, raw)
        total += raw.sum(axis=0)
    return total / start.size


class LiveSink(Sink):
    """Keeps the levels, then fills the records in rounds and reports averages."""

    def __init__(
        self,
        settings: Settings,
        records: List[Record],
        seed: int,
        ids: Sequence[int],
        live: Callable[[Dict[str, object]], None],
    ) -> None:
        super().__init__(settings, records, seed, ids)
        self.live = live
        self.held: List[Held] = []

    def write(self, experiment: int, acquire: Acquire, tables: Tables, start: np.ndarray) -> None:
        """Remember the levels of an acquire."""
        self.held.append((experiment, acquire, tables, start))

    def flush(self, stop: Optional[Callable[[], None]] = None) -> None:
        """Fill the records, and report after each round of shots."""
        stream_rounds(self.settings, self.records, self.held, self.stream, self.live, stop)
