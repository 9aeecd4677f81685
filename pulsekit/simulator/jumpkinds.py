"""Know the quantum jumps of T1, heating and dephasing."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from .ket import KetLayout
from .model import Model
from .sites import rates

__all__ = ["JumpKinds", "jump_kinds", "jump_rates"]


class JumpKinds:
    """The jumps of a model, on kets in the bare basis that are laid out.

    Args:
        model: with T1 and T2.
        layout: of the kets.
    """

    def __init__(self, model: Model, layout: KetLayout) -> None:
        found = _jump_table(model)
        index = np.arange(layout.total).reshape(-1, layout.padded)[:, : layout.row].reshape(-1)  # of every basis state
        self.layout = layout
        self.rates = np.zeros((len(found), layout.total))  # 1/s, at which each leaves basis states
        self.origin = np.zeros((len(found), layout.total), dtype=np.int64)  # of what is in a basis state after each
        self.factor = np.zeros((len(found), layout.total))
        for k, (q, kind, weight) in enumerate(found):
            n = model.labels[:, q]
            self.rates[k, index] = weight[n]
            if kind == "down":
                comes, step, factor = n < model.levels[q] - 1, layout.strides[q], np.sqrt(n + 1.0)
            elif kind == "up":
                comes, step, factor = n == 1, -layout.strides[q], np.ones(n.size)
            else:
                comes, step, factor = n > 0, 0, n.astype(np.float64)
            self.origin[k, index[comes]] = index[comes] + step
            self.factor[k, index[comes]] = factor[comes]
        self.total = np.asarray(self.rates.sum(axis=0))  # of all jumps


def jump_kinds(model: Model, layout: KetLayout) -> JumpKinds:
    """Return a model's jumps, remembered on it; arguments as of :class:`JumpKinds`."""
    if "_jump_kinds" not in model.__dict__:
        model.__dict__["_jump_kinds"] = JumpKinds(model, layout)
    return model.__dict__["_jump_kinds"]  # type: ignore[no-any-return]


def jump_rates(model: Model) -> List[Tuple[int, float]]:
    """Return (transmon, rate of all jumps at level 1 in 1/s)."""
    return [(q, float(weight[1])) for q, _, weight in _jump_table(model)]


def _jump_table(model: Model) -> List[Tuple[int, str, np.ndarray]]:
    """Return (transmon, kind, rate by level in 1/s) of every jump."""
    out: List[Tuple[int, str, np.ndarray]] = []
    for q, d in enumerate(model.levels):
        down, up, dephasing = rates(model, q)
        n = np.arange(float(d))
        for kind, weight in (("down", down * n), ("up", up * (n == 0)), ("phase", 2 * dephasing * n**2)):
            if weight.any():
                out.append((q, kind, weight))
    return out
