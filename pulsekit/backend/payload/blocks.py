"""Write ScheduleBlocks whose lengths are not bound yet as JSON, and read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

from qiskit.pulse import ScheduleBlock
from qiskit.pulse.instructions import RelativeBarrier
from qiskit.pulse.transforms import AlignEquispaced, AlignFunc, AlignLeft, AlignRight, AlignSequential

from ...errors import StoreError
from .schedules import channel_of, read_instruction, write_instruction
from .values import Reader, Writer

__all__ = ["read_block", "write_block"]

_CONTEXTS = {kind.__name__: kind for kind in (AlignLeft, AlignRight, AlignSequential, AlignEquispaced, AlignFunc)}


@dataclass(frozen=True)
class Positions:
    """The values that an AlignFunc's function has, instead of the function."""

    values: Tuple[float, ...]  # of 1, 2, ...

    def __call__(self, j: int) -> float:
        """Return where the centre of child ``j`` is, as a part of the context's duration."""
        return self.values[j - 1]


def write_block(block: ScheduleBlock, writer: Writer) -> Dict[str, Any]:
    """Return a block as JSON, nested ones inside.

    Raises:
        StoreError: a user's own kind of context.
    """
    kind = type(block.alignment_context).__name__
    if kind not in _CONTEXTS:
        raise StoreError(
            f"A template with unbound lengths must use the contexts {sorted(_CONTEXTS)} to be stored, but it uses "
            f"{kind}. Bind the circuits first."
        )
    out: Dict[str, Any] = {"context": kind, "name": block.name}
    if kind in ("AlignEquispaced", "AlignFunc"):
        out["duration"] = writer.value(block.alignment_context.duration)
    if kind == "AlignFunc":
        out["positions"] = [float(block.alignment_context.func(j)) for j in range(1, _children(block) + 1)]
    out["elements"] = [_write(element, writer) for element in block.blocks]
    return out


def _children(block: ScheduleBlock) -> int:
    """Return how many children a context places at most: after a block of fixed length comes a barrier."""
    fixed = [e for e in block.blocks if hasattr(getattr(e, "alignment_context", None), "duration")]
    return len(block.blocks) + len(fixed)


def _write(element: Any, writer: Writer) -> Dict[str, Any]:
    if isinstance(element, ScheduleBlock):
        return write_block(element, writer)
    if isinstance(element, RelativeBarrier):
        return {"barrier": [channel.name for channel in element.channels]}
    return write_instruction(element, writer)


def read_block(data: Dict[str, Any], reader: Reader) -> ScheduleBlock:
    """Return the block that :func:`write_block` wrote."""
    options = {"duration": reader.value(data["duration"])} if "duration" in data else {}
    if "positions" in data:
        options["func"] = Positions(tuple(data["positions"]))
    block = ScheduleBlock(name=data["name"], alignment_context=_CONTEXTS[data["context"]](**options))
    for item in data["elements"]:
        block.append(_read(item, reader), inplace=True)
    return block


def _read(item: Dict[str, Any], reader: Reader) -> Any:
    if "context" in item:
        return read_block(item, reader)
    if "barrier" in item:
        return RelativeBarrier(*map(channel_of, item["barrier"]))
    return read_instruction(item, reader)
