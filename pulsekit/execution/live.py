"""Stream running averages while shots come in.

A packet has one entry per acquire channel and the number of rounds:

    {"a0": {"avgLevel0": [[[re, im], ...] per experiment],
            "avgLevel1": [[re, im] per experiment],
            "rounds": 3}, ..., "total_rounds": 10}

``avgLevel0`` is empty unless level 0 was asked for. Averages are over the
shots so far; an experiment that does not acquire the channel has 0. The last
packet's averages are those of the result.
"""

from __future__ import annotations

import queue
from typing import Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np

from ..readout import Acquisition, Stream, read_shots, trace_shots
from .settings import Record, Settings
from .steps import Acquire

__all__ = ["ROUNDS", "Held", "LiveStream", "Tables", "stream_rounds"]

ROUNDS = 10
PART = 4096  # shots of raw records held at a time

Packet = Dict[str, object]
Tables = Callable[[], Acquisition]
Held = Tuple[int, Acquire, Tables, np.ndarray]  # experiment, acquire, its tables, levels at its start


class LiveStream:
    """A callback that is an iterator too: packets until the job ends.

    Give it to ``execute(live=...)`` and iterate, in another thread or later;
    ``close()`` ends the iteration. ``callback`` sees every packet as it comes.
    """

    def __init__(self, callback: Optional[Callable[[Packet], None]] = None) -> None:
        self._packets: "queue.Queue[Optional[Packet]]" = queue.Queue()
        self._callback = callback

    def __call__(self, packet: Packet) -> None:
        """Take a packet."""
        if self._callback is not None:
            self._callback(packet)
        self._packets.put(packet)

    def close(self) -> None:
        """Say that nothing more comes."""
        self._packets.put(None)

    def __iter__(self) -> Iterator[Packet]:
        while True:
            packet = self._packets.get()
            if packet is None:
                self._packets.put(None)
                return
            yield packet


def stream_rounds(
    settings: Settings,
    records: List[Record],
    held: List[Held],
    stream: Callable[[int, Acquire], Stream],
    live: Callable[[Packet], None],
    stop: Optional[Callable[[], None]] = None,
) -> None:
    """Fill the records round by round, and report the averages after each.

    Args:
        settings, records: of the job.
        held: every acquire of every experiment with its shots' levels.
        stream: the random numbers of an acquire.
        live: takes the packets.
        stop: called after every round; may raise.
    """
    bounds = np.linspace(0, settings.shots, min(ROUNDS, settings.shots) + 1).astype(int).tolist()
    total = len(bounds) - 1
    samples = settings.memory_slot_size if settings.meas_level == 0 else 0
    sums1 = [0j] * len(held)
    sums0 = [np.zeros(samples, complex) for _ in held]
    for number, (low, high) in enumerate(zip(bounds, bounds[1:]), start=1):
        for i, (experiment, acquire, tables, start) in enumerate(held):
            acquisition = tables()
            record, numbers, part = records[experiment], stream(experiment, acquire), start[low:high]
            iq = np.empty(part.size, np.complex128)
            bits = np.empty(part.size, np.uint8)
            read_shots(acquisition, numbers, low, part, iq=iq, bits=bits)
            sums1[i] += iq.sum()
            _keep(record, acquire.slot, low, high, iq, bits)
            if samples:
                sums0[i] += _raw(record, acquire.slot, acquisition, numbers, low, part, samples)
        live(_packet(settings, len(records), held, sums1, sums0, high, number, total))
        if stop is not None:
            stop()
    for i, (experiment, acquire, _, _) in enumerate(held):
        record = records[experiment]
        if acquire.slot >= 0 and settings.meas_return == "avg":
            if record.iq is not None:
                record.iq[acquire.slot] = sums1[i] / settings.shots
            elif record.raw is not None:
                record.raw[acquire.slot] = sums0[i] / settings.shots


def _keep(record: Record, slot: int, low: int, high: int, iq: np.ndarray, bits: np.ndarray) -> None:
    if slot < 0:
        return
    if record.bits is not None:
        record.bits[low:high, slot] = bits
    elif record.iq is not None and record.iq.ndim == 2:
        record.iq[low:high, slot] = iq


def _raw(
    record: Record, slot: int, acquisition: Acquisition, numbers: Stream, low: int, start: np.ndarray, samples: int
) -> np.ndarray:
    total = np.zeros(samples, complex)
    single = record.raw is not None and record.raw.ndim == 3 and slot >= 0
    for at in range(0, start.size, PART):
        part = start[at : at + PART]
        if single:
            assert record.raw is not None
            out = record.raw[low + at : low + at + part.size, slot]
        else:
            out = np.empty((part.size, samples), np.complex128)
        trace_shots(acquisition, numbers, low + at, part, out)
        total += out.sum(axis=0)
    return total


def _packet(
    settings: Settings,
    experiments: int,
    held: List[Held],
    sums1: List[complex],
    sums0: List[np.ndarray],
    shots: int,
    number: int,
    total: int,
) -> Packet:
    packet: Packet = {}
    for qubit in sorted({acquire.qubit for _, acquire, _, _ in held}):
        level1 = [[0.0, 0.0] for _ in range(experiments)]
        size = settings.memory_slot_size if settings.meas_level == 0 else 0
        level0 = [[[0.0, 0.0]] * size for _ in range(experiments)] if size else []
        for i, (experiment, acquire, _, _) in enumerate(held):
            if acquire.qubit != qubit:
                continue
            mean = complex(sums1[i]) / shots
            level1[experiment] = [mean.real, mean.imag]
            if size:
                trace = sums0[i] / shots
                level0[experiment] = np.stack([trace.real, trace.imag], axis=1).tolist()
        packet[f"a{qubit}"] = {"avgLevel0": level0, "avgLevel1": level1, "rounds": number}
    packet["total_rounds"] = total
    return packet
