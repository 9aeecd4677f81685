"""Hold what all parts of one run share."""

from __future__ import annotations

from typing import Any, Callable, List, NamedTuple, Optional

import numpy as np

from ..device import Device
from ..program import Batch
from ..simulator import Cluster, Model
from ..simulator.cost import check_memory
from ..simulator.lanes import LaneGroup, lane_groups
from .settings import Settings
from .signals import Signals
from .sink import Sink
from .walk import Walk

__all__ = ["Counter", "Part", "Progress", "Run"]

Progress = Callable[[int, int], None]


class Counter:
    """Counts experiments whose clusters are all done."""

    def __init__(self, clusters: List[Cluster], total: int, progress: Optional[Progress]) -> None:
        self.left = np.zeros(total, np.int64)
        for cluster in clusters:
            self.left[np.asarray(cluster.experiments)] += 1
        self.progress = progress
        self.total = total

    def done(self, experiments: np.ndarray) -> None:
        """Count one cluster of some experiments."""
        self.left[experiments] -= 1
        if self.progress is not None:
            self.progress(int(np.count_nonzero(self.left <= 0)), self.total)


class Part(NamedTuple):
    """The experiments of one cluster."""

    cluster: Cluster
    model: Model
    batch: Batch
    experiments: np.ndarray  # int64[lanes of the batch], indices into the job
    groups: List[LaneGroup]


class Run:
    """What all parts of one run share."""

    def __init__(
        self,
        batch: Batch,
        device: Device,
        settings: Settings,
        sink: Sink,
        check: Callable[[], None],
        cancel: Optional[Any] = None,
    ) -> None:
        self.batch = batch
        self.device = device
        self.settings = settings
        self.sink = sink
        self.check = check
        self.cancel = cancel
        self.signals = Signals(device, settings.noise)

    def part(self, cluster: Cluster) -> Part:
        """Return a cluster's experiments, with its model."""
        chosen = np.asarray(cluster.experiments, dtype=np.int64)
        batch = self.batch.take(chosen)
        model = cluster.model(self.device, batch.los, noise=self.settings.noise)
        return Part(cluster, model, batch, chosen, lane_groups(batch))

    def walk(self, part: Part, group: LaneGroup) -> Walk:
        """Return the walk of one lane group.

        Raises:
            MemoryCapError: its density matrix would not fit. (Kets were
                judged with the clusters.)
        """
        experiments = part.experiments[group.experiments]
        walk = Walk(
            self.device,
            part.model,
            part.batch,
            group,
            experiments,
            self.settings,
            self.signals,
            self.sink,
            self.check,
            self.cancel,
        )
        if walk.mixed and not walk.unravels:
            check_memory(part.cluster, self.settings.memory_cap, density=True)
        return walk
