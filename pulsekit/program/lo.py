"""Resolve which LO frequency every channel has in every experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from .channels import Channel

__all__ = ["LoTable"]


@dataclass(frozen=True, eq=False)
class LoTable:
    """LO frequencies of a batch, in Hz, before any in-program change.

    ``*_frame`` are the job-level frequencies (device default or job list):
    states are returned in the interaction frame that rotates at
    ``drive_frame``. ``drive``, ``measure`` and ``control`` are those of each
    experiment (``schedule_los`` applied; control LOs derived through the
    device's ``u_channel_lo``).
    """

    drive_frame: np.ndarray  # float64[n_qubits]
    measure_frame: np.ndarray  # float64[n_qubits]
    control_frame: np.ndarray  # float64[n_control]
    drive: np.ndarray  # float64[experiments, n_qubits]
    measure: np.ndarray  # float64[experiments, n_qubits]
    control: np.ndarray  # float64[experiments, n_control]

    def __len__(self) -> int:
        return self.drive.shape[0]

    def of(self, channel: Channel) -> Tuple[float, np.ndarray]:
        """Return a channel's job-level LO (Hz) and float64[experiments]."""
        frame, table = {
            "d": (self.drive_frame, self.drive),
            "u": (self.control_frame, self.control),
            "m": (self.measure_frame, self.measure),
            "a": (self.measure_frame, self.measure),
        }[channel.kind]
        return float(frame[channel.index]), table[:, channel.index]

    def take(self, experiments: np.ndarray) -> "LoTable":
        """Return the table of some of the experiments."""
        return LoTable(
            self.drive_frame,
            self.measure_frame,
            self.control_frame,
            self.drive[experiments],
            self.measure[experiments],
            self.control[experiments],
        )
