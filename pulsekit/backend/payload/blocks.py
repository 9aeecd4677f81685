"""Write ScheduleBlocks whose lengths are not bound yet as JSON, and read them."""

from __future__ import annotations

from typing import Any, Dict

from qiskit.pulse import ScheduleBlock
from qiskit.pulse.instructions import RelativeBarrier
from qiskit.pulse.transforms import AlignEquispaced, AlignLeft, AlignRight, AlignSequential

from ...errors import StoreError
from .schedules import channel_of, read_instruction, write_instruction
from .values import Reader, Writer

__all__ = ["read_block", "write_block"]

_CONTEXTS = {kind.__name__: kind for kind in (AlignLeft, AlignRight, AlignSequential, AlignEquispaced)}


def write_block(block: ScheduleBlock, writer: Writer) -> Dict[str, Any]:
    """Return a block as JSON, nested ones inside.

    Raises:
        StoreError: a context that places by a Python function.
    """
    kind = type(block.alignment_context).__name__
    if kind not in _CONTEXTS:
        raise StoreError(
            f"A template with unbound lengths must use the contexts {sorted(_CONTEXTS)} to be stored, but it uses "
            f"{kind}. Bind the circuits first."
        )
    out: Dict[str, Any] = {"context": kind, "name": block.name}
    if kind == "AlignEquispaced":
        out["duration"] = writer.value(block.alignment_context.duration)
    out["elements"] = [_write(element, writer) for element in block.blocks]
    return out


def _write(element: Any, writer: Writer) -> Dict[str, Any]:
    if isinstance(element, ScheduleBlock):
        return write_block(element, writer)
    if isinstance(element, RelativeBarrier):
        return {"barrier": [channel.name for channel in element.channels]}
    return write_instruction(element, writer)


def read_block(data: Dict[str, Any], reader: Reader) -> ScheduleBlock:
    """Return the block that :func:`write_block` wrote."""
    options = {"duration": reader.value(data["duration"])} if "duration" in data else {}
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
