"""Turn what was executed into a qiskit Result, and into a stored document.

Both ways go through one form: a JSON document, and a list of arrays that it
refers to. Formats are those of the contract's section 3.1.
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from qiskit.qobj import QobjExperimentHeader, QobjHeader
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from ..errors import PulsekitError
from ..execution import Record, Settings
from .plain import plain
from .result import JobResult

__all__ = ["build", "pack"]

LIST_LIMIT = 1_000_000  # numbers of a job; above, level 0 and 1 memories are float arrays instead of nested lists
TABLE_SLOTS = 16  # up to here outcomes are counted in a table, without sorting
CHUNK = 1 << 20  # shots counted at a time


def pack(
    records: Sequence[Union[Record, PulsekitError]],
    headers: Sequence[Mapping[str, Any]],
    settings: Settings,
    *,
    memory: bool,
    common: Mapping[str, Any],
) -> Tuple[Dict[str, Any], List[np.ndarray]]:
    """Return a job's result as a document and the arrays that it refers to.

    Args:
        records: one per experiment, or the error that it failed with.
        headers: likewise, for the result.
        settings: of the execution.
        memory: keep the bits of every shot.
        common: fields of the result as a whole.
    """
    arrays: List[np.ndarray] = []
    results = [
        _pack_one(record, header, memory, arrays) if isinstance(record, Record) else _failed(record, header, settings)
        for record, header in zip(records, headers)
    ]
    success = all(result["success"] for result in results)
    whole = {**common, "success": success, "results": results}
    if not success:
        whole["status"] = "Partially completed"
    return whole, _joined(arrays, results)


def _failed(error: PulsekitError, header: Mapping[str, Any], settings: Settings) -> Dict[str, Any]:
    return {
        "shots": settings.shots,
        "success": False,
        "status": str(error),
        "meas_level": settings.meas_level,
        "header": header,
        "data": {},
    }


def _pack_one(record: Record, header: Mapping[str, Any], memory: bool, arrays: List[np.ndarray]) -> Dict[str, Any]:
    out: Dict[str, Any] = {
        "shots": int(record.shots),
        "success": True,
        "status": "DONE",
        "meas_level": int(record.meas_level),
        "header": header,
        "metadata": plain(record.info),
    }
    if record.meas_level == 2:
        values, counts, inverse = _tally(record.bits)
        out["data"] = {"counts": {hex(v): int(c) for v, c in zip(values, counts)}}
        if memory:
            out["memory"] = True
            out["data"]["values"] = [hex(v) for v in values]
            out["array"] = len(arrays)
            arrays.append(inverse.astype(np.min_scalar_type(max(len(values) - 1, 0))))
        return out
    signal = record.iq if record.meas_level == 1 else record.raw
    out["meas_return"] = record.meas_return
    out["data"] = {}
    out["array"] = len(arrays)
    arrays.append(np.ascontiguousarray(signal, dtype=np.complex128))
    return out


def _tally(bits: Optional[np.ndarray]) -> Tuple[List[int], np.ndarray, np.ndarray]:
    """Return the values of uint8[S, M] in order, their counts, and each shot's index."""
    if bits is None or bits.size == 0:
        shots = 0 if bits is None else len(bits)
        return [0], np.array([shots]), np.zeros(shots, dtype=np.int64)
    if bits.shape[1] <= TABLE_SLOTS:
        kind = np.dtype(np.uint16)
        numbers = np.zeros(len(bits), kind)
        for slot in range(bits.shape[1]):
            numbers |= bits[:, slot].astype(kind) << kind.type(slot)
        every = np.zeros(1 << bits.shape[1], np.int64)
        for low in range(0, len(bits), CHUNK):
            every += np.bincount(numbers[low : low + CHUNK], minlength=every.size)
        found = np.flatnonzero(every)
        place = np.zeros(every.size, kind)
        place[found] = np.arange(found.size)
        return found.tolist(), every[found], place[numbers]
    if bits.shape[1] <= 63:
        wide = bits.astype(np.int64) @ (np.int64(1) << np.arange(bits.shape[1], dtype=np.int64))
        values, inverse, counts = np.unique(wide, return_inverse=True, return_counts=True)
        return values.tolist(), counts, inverse.reshape(-1)
    packed = np.packbits(bits[:, ::-1], axis=1, bitorder="big")
    rows, inverse, counts = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    shift = -bits.shape[1] % 8
    return [int.from_bytes(r.tobytes(), "big") >> shift for r in rows], counts, inverse.reshape(-1)


def _joined(arrays: List[np.ndarray], results: List[Dict[str, Any]]) -> List[np.ndarray]:
    """Join equal-typed arrays end to end, so that a job has few files; they become read-only."""
    groups: Dict[str, List[np.ndarray]] = {}
    sizes: Dict[str, int] = {}
    places = []
    for array in arrays:
        kind = array.dtype.str
        places.append((kind, sizes.get(kind, 0), list(array.shape)))
        groups.setdefault(kind, []).append(array.reshape(-1))
        sizes[kind] = sizes.get(kind, 0) + array.size
    order = list(groups)
    for result in results:
        if "array" in result:
            kind, start, shape = places[result["array"]]
            result["array"] = {"index": order.index(kind), "start": start, "shape": shape}
    joined = [groups[kind][0] if len(groups[kind]) == 1 else np.concatenate(groups[kind]) for kind in order]
    for array in joined:
        array.flags.writeable = False
    return joined


def build(
    document: Mapping[str, Any],
    array: Callable[[int], np.ndarray],
    headers: Optional[Sequence[Mapping[str, Any]]] = None,
) -> Result:
    """Return a new Result.

    Args:
        document: from :func:`pack`.
        array: returns the array of an index.
        headers: the experiments' headers where they are at hand; default the
            document's, which went through JSON.
    """
    fields = copy.deepcopy({k: v for k, v in document.items() if k not in ("results", "header", "date")})
    as_list = _numbers(document["results"]) <= LIST_LIMIT
    results = []
    for i, item in enumerate(document["results"]):
        header = copy.deepcopy(dict(headers[i] if headers is not None else item["header"]))
        results.append(_experiment(item, header, array, as_list))
    return JobResult(
        results=results,
        date=datetime.fromisoformat(document["date"]).astimezone() if document.get("date") else None,
        header=QobjHeader(**copy.deepcopy(document.get("header", {}))),
        **fields,
    )


def _numbers(results: Sequence[Mapping[str, Any]]) -> int:
    return sum(2 * int(np.prod(r["array"]["shape"])) for r in results if r["meas_level"] != 2 and "array" in r)


def _experiment(
    item: Mapping[str, Any], header: Dict[str, Any], array: Callable[[int], np.ndarray], as_list: bool
) -> ExperimentResult:
    data: Dict[str, Any] = {}
    part = _part(item, array)
    if "counts" in item["data"]:
        data["counts"] = dict(item["data"]["counts"])
    if item["meas_level"] == 2 and part is not None:
        data["memory"] = np.array(item["data"]["values"], dtype=object)[part].tolist()
    elif part is not None:
        pairs = part.view(np.float64).reshape(*part.shape, 2)
        data["memory"] = pairs.tolist() if as_list else pairs  # no copy: read-only
    extra = {k: v for k, v in item.items() if k not in ("shots", "success", "data", "header", "meas_level", "array")}
    return ExperimentResult(
        shots=item["shots"],
        success=item["success"],
        data=ExperimentResultData(**data),
        meas_level=item["meas_level"],
        header=QobjExperimentHeader(**header),
        **copy.deepcopy(extra),
    )


def _part(item: Mapping[str, Any], array: Callable[[int], np.ndarray]) -> Optional[np.ndarray]:
    place = item.get("array")
    if place is None:
        return None
    size = int(np.prod(place["shape"], dtype=np.int64))
    return array(place["index"])[place["start"] : place["start"] + size].reshape(place["shape"])
