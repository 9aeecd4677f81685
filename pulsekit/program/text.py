"""Write a program as text: stable, readable, made for diffs.

One line per thing; :func:`parse_text` reads it back exactly::

    program "bell" duration=1760 slots=1
    pulse p0 = drag(duration=160, beta=-1.5, sigma=40.0)
    source s0 = 0 "x" qubits=[0] clbits=[]
    d0@0..160: play p0 amp=0.25 source=s0
    d0@160: shift_phase 1.5707963267948966
    acquire a0 = esp=false
    a0@192..1760: acquire a0 slot=0

Numbers are Python's shortest exact ones. A row's default columns are left
out.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, List, Mapping, Tuple

import numpy as np

from .encoding import dumps
from .events import Event, Op
from .program import AcquireSpec, Program, Pulse, Source

__all__ = ["pulse_text", "row_text", "to_text"]

COLUMN_NAMES = ("value", "angle", "duration", "t0")  # of ParameterTable.column
VALUED = (Op.SHIFT_PHASE, Op.SET_PHASE, Op.SHIFT_FREQUENCY, Op.SET_FREQUENCY)


def to_text(program: Program, *, metadata: bool = True) -> str:
    """Return a program as text.

    Args:
        program: any program, bound or not.
        metadata: False leaves ``program.metadata`` out.

    Returns:
        Lines; ``parse_text(to_text(p))`` has the same rows and tables, bit by
        bit (frontends' own objects beside the pulses are not written).

    Raises:
        ProgramError: metadata that are not plain data.
    """
    return "\n".join(_lines(program, metadata)) + "\n"


def _lines(p: Program, metadata: bool) -> Iterator[str]:
    yield f"program {_quote(p.name)} duration={p.duration} slots={p.memory_slots}"
    if metadata and p.metadata:
        for key, item in p.metadata.items():
            yield f"metadata {dumps(key, where='metadata')} = {dumps(item, where=f'metadata[{key!r}]')}"
    if p.channels:
        yield "channels " + " ".join(c.name for c in p.channels)
    for i, pulse in enumerate(p.pulses):
        yield f"pulse p{i} = {pulse_text(pulse)}"
    for i, spec in enumerate(p.acquires):
        yield f"acquire a{i} = {_acquire_text(spec)}"
    for i, source in enumerate(p.sources):
        yield f"source s{i} = {_source_text(source)}"
    for i, calibration in enumerate(p.calibrations):
        yield f"calibration c{i} = {_quote(calibration)}"
    for i, label in enumerate(p.labels):
        yield f"label l{i} = {_quote(label)}"
    if p.parameters is not None:
        yield "parameters " + json.dumps(list(p.parameters.names), ensure_ascii=False)
    affine = _affine(p)
    for row, event in enumerate(p.events):
        yield row_text(p, event, affine.get(row, ()))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def pulse_text(pulse: Pulse, *, name: bool = True) -> str:
    """Return a pulse, as "drag(duration=160, beta=-1.5, sigma=40.0)"."""
    if pulse.shape == "samples":
        pairs = ", ".join(f"{z.real!r} {z.imag!r}" for z in pulse.samples.tolist())
        body = f"samples[{pairs}]"
        if np.isnan(pulse.samples.view(float)).any():
            body = f"bytes[{pulse.data.hex()}]"
    else:
        items = [f"duration={pulse.duration}", *(f"{k}={v!r}" for k, v in pulse.params)]
        body = f"{pulse.shape}({', '.join(items)})"
    return (
        body
        + ("" if pulse.limit_amplitude else " unlimited")
        + (f" name={_quote(pulse.name)}" if name and pulse.name is not None else "")
    )


def _acquire_text(spec: AcquireSpec) -> str:
    parts = [f"esp={'true' if spec.esp else 'false'}"]
    if spec.register >= 0:
        parts.append(f"register={spec.register}")
    if spec.kernel is not None:
        parts.append("kernel=" + dumps(spec.kernel, where="an acquire's kernel"))
    if spec.discriminator is not None:
        parts.append("discriminator=" + dumps(spec.discriminator, where="an acquire's discriminator"))
    return " ".join(parts)


def _source_text(source: Source) -> str:
    return f"{source.index} {_quote(source.name)} qubits={list(source.qubits)} clbits={list(source.clbits)}"


def _affine(p: Program) -> Mapping[int, List[str]]:
    """Return what each row adds for its parameters, in the table's order."""
    out: dict = {}
    table = p.parameters
    if table is None:
        return out
    columns = (table.row.tolist(), table.column.tolist(), table.parameter.tolist(), table.coefficient.tolist())
    for row, column, parameter, coefficient in zip(*columns):
        out.setdefault(row, []).append(f"{COLUMN_NAMES[column]}+={coefficient!r}*theta{parameter}")
    for row, column, tree in table.expressions:
        out.setdefault(row, []).append(f"{COLUMN_NAMES[column]}:={dumps(tree, where='an expression')}")
    return out


def row_text(p: Program, e: Event, affine: Any = ()) -> str:
    """Return one row, as "d0@0..160: play p0 amp=0.25 source=s0"."""
    where = f"{p.channels[e.channel].name}@{e.t0}" + (f"..{e.t0 + e.duration}" if e.duration else "")
    parts = [f"{where}: {e.op.name.lower()}"]
    value, angle, ref = e.value, e.angle, e.ref
    if e.op == Op.PLAY:
        parts += [f"p{ref}", f"amp={value!r}"]
        value, ref = 0.0, -1
    elif e.op == Op.ACQUIRE:
        parts.append(f"a{ref}")
        ref = -1
    elif e.op in VALUED:
        parts.append(repr(value))
        value = 0.0
    rest: Tuple[Tuple[str, str, bool], ...] = (
        ("value", repr(value), repr(value) != "0.0"),
        ("angle", repr(angle), repr(angle) != "0.0"),
        ("ref", str(ref), ref != -1),
        ("slot", str(e.slot), e.slot != -1),
        ("source", f"s{e.source}", e.source != -1),
        ("cal", f"c{e.calibration}", e.calibration != -1),
        ("label", f"l{e.label}", e.label != -1),
    )
    parts += [f"{name}={text}" for name, text, shown in rest if shown]
    return " ".join([*parts, *affine])
