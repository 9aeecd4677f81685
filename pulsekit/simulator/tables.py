"""Compute polynomial maps of one sample, exactly.

With G = G0 + z G1 + conj(z) G2 the propagator of a sample is analytic in z:
U(z) = sum_ab C_ab z^a conj(z)^b. The coefficients obey linear equations with
constant coefficients, also when the carrier turns inside the sample (z ->
z exp(i w tau), tagged by a - b):

    dC_ab/dtau = (G0 - i (a - b) w) C_ab + G1 C_(a-1)b + G2 C_a(b-1)

so that a Taylor series in time gives them to machine precision (the idea of a
tabulated map: Shillito et al., Phys. Rev. Research 3, 033266; Puzzuoli et al.,
arXiv:2210.11595). Terms that cannot matter at the asked precision are dropped,
entry by entry. In the frame of the carrier G1 lowers the number of excitations
by one, and each entry is z^k (or its conjugate) times a polynomial in |z|^2. In the
laboratory frame entries are polynomials in the real and the imaginary part of
z in the middle of the sample. There time reversal transposes a map and
conjugates z, if the Hamiltonian is real: what is even in Im z is symmetric,
what is odd antisymmetric, so that half of the entries give all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .. import cache
from ..errors import SimulationError
from .space import Space

__all__ = ["PolyTable", "TooStrongError", "frame_table", "lab_table"]

Key = Tuple[int, int]
_TOO_STRONG = "Drives must be weaker for a polynomial map of a sample. Use method='taylor' or 'reference'."
_HOPELESS = 8.0  # rad, a drive within a map, of which no degree makes a polynomial
_memory: Dict[str, Optional["PolyTable"]] = {}  # None: too strong, found out once


class TooStrongError(SimulationError):
    """A drive that turns too far within a sample for a polynomial."""


@dataclass(frozen=True, eq=False)
class PolyTable:
    """A polynomial map, entry by entry, as the kernel reads it.

    ``coef`` is complex128[terms], or [nodes, terms] for a family over the
    carrier's detuning, in Chebyshev polynomials of detuning / ``reach_w``.

    In the carrier's frame ``row`` holds where rows begin among the entries. In
    the laboratory frame it is every entry's row; ``shift`` and ``count`` are
    where its monomials even in Im z begin and how many it has, and ``more``
    holds whether the entry gives its transposed one too, how many odd
    monomials follow, and where they begin; ``group`` counts the monomials x^p
    y^q with p + q and q even, even and odd, odd and even, odd and odd.
    """

    lab: bool
    powers: int
    reach: int
    row: np.ndarray
    col: np.ndarray
    shift: np.ndarray
    first: np.ndarray
    count: np.ndarray
    more: np.ndarray
    group: np.ndarray
    coef: np.ndarray
    reach_w: float = 0.0  # rad/s, of a family

    def shared(self) -> np.ndarray:
        """Return coefficients as float64[2 terms]."""
        return np.ascontiguousarray(self.coef).view(np.float64)

    def for_lanes(self, detuning: np.ndarray) -> np.ndarray:
        """Return float64[blocks, terms, 2, 8] of a family.

        Args:
            detuning: float64[8 blocks], rad/s.
        """
        basis = np.polynomial.chebyshev.chebvander(detuning / self.reach_w, len(self.coef) - 1)
        lanes = (basis @ self.coef.view(np.float64)).reshape(len(detuning) // 8, 8, -1, 2)
        return np.ascontiguousarray(lanes.transpose(0, 2, 3, 1))


def _series(g0: np.ndarray, g1: np.ndarray, g2: np.ndarray, w: float, dt: float, degree: int) -> Dict[Key, np.ndarray]:
    """Return C_ab(dt) for a + b <= degree, z in the middle; G's in 1/s."""
    keys = [(a, t - a) for t in range(degree + 1) for a in range(t + 1)]
    place = {k: i for i, k in enumerate(keys)}
    size = g0.shape[0]
    none = len(keys)
    below_a = np.array([place.get((a - 1, b), none) for a, b in keys])
    below_b = np.array([place.get((a, b - 1), none) for a, b in keys])
    tag = np.array([a - b for a, b in keys]) * w
    norm = (np.abs(g0).sum(axis=1).max() + np.abs(tag).max() + np.abs(g1).sum(axis=1).max()) * dt
    doublings = max(0, int(np.ceil(np.log2(norm / 2.0)))) if norm else 0
    h = dt / 2.0**doublings
    x = np.zeros((none + 1, size, size), dtype=complex)
    x[0] = np.eye(size)
    term = x
    for order in range(1, 60):
        nxt = np.zeros_like(x)
        nxt[:none] = g0 @ term[:none] - 1j * tag[:, None, None] * term[:none]
        nxt[:none] += g1 @ term[below_a] + g2 @ term[below_b]
        term = nxt * (h / order)
        x = x + term
        if np.abs(term).max() < 1e-18:
            break
    x = x[:none]
    for _ in range(doublings):
        x = _doubled(x, keys, place, tag * h)
        h *= 2
    turn = np.exp(0.5j * tag * dt)
    return {k: x[i] * turn[i] for k, i in place.items()}


def _doubled(x: np.ndarray, keys: List[Key], place: Dict[Key, int], angle: np.ndarray) -> np.ndarray:
    """Return the series of twice the time: U(z) U(z before), z given at the end."""
    before = x * np.exp(-1j * angle)[:, None, None]
    out = np.zeros_like(x)
    for k, (a, b) in enumerate(keys):
        to = [place.get((a + p, b + q), -1) for p, q in keys]
        count = to.index(-1) if -1 in to else len(to)  # keys ascend in degree
        out[to[:count]] += x[k] @ before[:count]
    return out


def _degree(size: int) -> int:
    return 12 if size <= 9 else 10


def frame_table(
    space: Space,
    line: int,
    w: float,
    strength: float,
    precision: float,
    reach_w: float = 0.0,
    span: Optional[float] = None,
) -> PolyTable:
    """Return the map of a sample in the frame of its carrier (RWA).

    Args:
        space: the linear system.
        line: index into the model's lines.
        w: carrier, rad/s.
        strength: largest |z|, rad/s, that must be precise.
        precision: error allowed in an entry.
        reach_w: rad/s; if positive, a family for carriers within w +- reach_w.
        span: s, of the map; None: a sample.

    Raises:
        TooStrongError: too strong a drive for a polynomial.
    """
    dt = space.model.dt if span is None else span
    key = _key(space, line, w, strength, precision, reach_w, f"frame {dt!r}")
    if key in _memory:
        return _known(key)
    table = _load(key)
    if table is None:
        g1, g2 = space.drive(line) * strength, space.drive_conj(line) * strength
        degree = _degree(space.size)
        if reach_w == 0:
            nodes = np.zeros(1)
            series = [_series(space.at(w), g1, g2, 0.0, dt, degree)]
        else:
            count = _nodes(reach_w * dt * float(np.abs(space.number).max()), precision / (4 * space.size))
            nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
            series = [_series(space.at(w + x * reach_w), g1, g2, 0.0, dt, degree) for x in nodes]
        table = _frame_entries(space, series, nodes, degree, strength, precision, reach_w)
        if table is not None:
            _store(key, table)
    _memory[key] = table
    return _known(key)


def _known(key: str) -> PolyTable:
    table = _memory[key]
    if table is None:
        raise TooStrongError(_TOO_STRONG)
    return table


def _nodes(angle: float, error: float) -> int:
    """Return how many Chebyshev terms exp(i angle x) needs: (angle / 2)^n / n! is below ``error``."""
    count, size = 1, 2.0
    while size > error or count < 6:
        size *= angle / (2 * count)
        count += 1
    return count


def _frame_entries(
    space: Space,
    series: List[Dict[Key, np.ndarray]],
    nodes: np.ndarray,
    degree: int,
    strength: float,
    precision: float,
    reach_w: float,
) -> Optional[PolyTable]:
    """Return the table, None where the drive is too strong for its degree."""
    stacked = {k: np.array([s[k] for s in series]) for k in series[0]}
    number = np.rint(space.number).astype(int)
    threshold = precision / (4 * space.size)
    rows, cols, shifts, firsts, counts, terms = [0], [], [], [], [], []
    total = 0
    for i in range(space.size):
        for j in range(space.size):
            shift = int(number[j] - number[i])  # z lowers: <i|C_ab|j> needs a - b = shift
            low = abs(shift)
            powers = range((degree - low) // 2 + 1) if low <= degree else range(0)
            values = [stacked[(k + max(shift, 0), k + max(-shift, 0))][:, i, j] for k in powers]
            sizes = [np.abs(v).max() for v in values]
            keep = max((k + 1 for k, s in enumerate(sizes) if s > threshold), default=0)
            if keep == 0:
                continue
            if keep == len(sizes) and sizes[-1] > 16 * threshold and low + 2 * keep > degree - 2:
                return None
            scale = strength ** -(low + 2.0 * np.arange(keep))
            cols.append(j)
            shifts.append(shift)
            firsts.append(total)
            counts.append(keep)
            total += keep
            terms.append(np.array(values[:keep]).T * scale)
        rows.append(len(cols))
    coef = np.concatenate(terms, axis=1)
    if reach_w:
        angle = np.pi * (np.arange(len(nodes)) + 0.5) / len(nodes)
        transform = 2 / len(nodes) * np.cos(np.outer(np.arange(len(nodes)), angle))
        transform[0] /= 2
        coef = transform @ coef
    else:
        coef = coef[0]
    lists = (rows, cols, shifts, firsts, counts, [(0, 0, 0)], [0])
    top = max(1, max(abs(s) for s in shifts))
    return _table(False, max(counts), top, lists, np.ascontiguousarray(coef), reach_w)


def lab_table(
    space: Space, line: int, w: float, strength: float, precision: float, span: Optional[float] = None
) -> PolyTable:
    """Return the map of a sample in the laboratory frame, nothing dropped.

    z turns as exp(i w tau) inside the sample, and is taken in its middle; both
    z and its conjugate couple to a + a^dag.

    Args:
        space, line, w, strength, precision: as of :func:`frame_table`.
        span: s, of the map; None: a sample.

    Raises:
        TooStrongError: too strong a drive for a polynomial.
    """
    length = space.model.dt if span is None else span
    key = _key(space, line, w, strength, precision, 0.0, f"lab {length!r}")
    if key in _memory:
        return _known(key)
    table = _load(key)
    if table is None:
        both = (space.drive(line) + space.drive_conj(line)) * strength
        hopeless = np.abs(both).sum(axis=1).max() * length > _HOPELESS
        for degree in () if hopeless else (6, 8, 10, 12):
            series = _series(space.at(0.0), both, both, w, length, degree)
            table = _lab_entries(space, series, degree, strength, precision)
            if table is not None:
                _store(key, table)
                break
    _memory[key] = table
    return _known(key)


def _lab_entries(
    space: Space, series: Dict[Key, np.ndarray], degree: int, strength: float, precision: float
) -> Optional[PolyTable]:
    real = _real_monomials(series, degree)
    number = np.rint(space.number).astype(int)
    threshold = precision / (4 * space.size)
    mirrored = _is_mirrored(real, threshold)
    # monomials x^p y^q by the parity of p + q, then of q; a prefix of each is used
    order = {
        (parity, odd): [(t - q, q) for t in range(parity, degree + 1, 2) for q in range(odd, t + 1, 2)]
        for parity in (0, 1)
        for odd in (0, 1)
    }
    used = dict.fromkeys(order, 0)
    pairs, terms = [], []
    for i in range(space.size):
        for j in range(i if mirrored else 0, space.size):
            parity = int(abs(number[i] - number[j]) % 2)
            keys = order[parity, 0] + order[parity, 1]
            values = np.array([real[k][i, j] for k in keys])
            degrees = np.array([sum(k) for k in keys])
            big = degrees[np.abs(values) > threshold]
            if not big.size:
                continue
            top = int(big.max())
            if top >= degree - 1 and np.abs(values[degrees == top]).max() > 16 * threshold:
                return None
            odd = np.array([k[1] % 2 for k in keys], dtype=bool)
            kept = degrees <= top
            if mirrored and i == j:
                kept &= ~odd
            even_count, odd_count = int((kept & ~odd).sum()), int((kept & odd).sum())
            used[parity, 0] = max(used[parity, 0], even_count)
            used[parity, 1] = max(used[parity, 1], odd_count)
            pairs.append((i, j, parity, even_count, odd_count))
            terms.append(values[kept] * strength ** -degrees[kept].astype(float))
    sizes = [used[k] for k in order]
    begin = dict(zip(order, np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist()))
    first = np.concatenate([[0], np.cumsum([len(t) for t in terms])[:-1]]).tolist()
    lists = (
        [p[0] for p in pairs],
        [p[1] for p in pairs],
        [begin[p[2], 0] for p in pairs],
        first,
        [p[3] for p in pairs],
        [(mirrored and i != j, odd, begin[parity, 1]) for i, j, parity, _, odd in pairs],
        sizes,
    )
    return _table(True, sum(sizes), 0, lists, np.concatenate(terms), 0.0)


def _is_mirrored(real: Dict[Key, np.ndarray], threshold: float) -> bool:
    """Tell whether terms even in y are symmetric, and odd ones antisymmetric."""
    off = max(np.abs(c - (-1) ** q * c.T).max() for (_, q), c in real.items())
    return bool(off < 0.01 * threshold)


def _table(
    lab: bool, powers: int, reach: int, lists: Sequence[Sequence[Any]], coef: np.ndarray, reach_w: float
) -> PolyTable:
    row, col, shift, first, count, more, group = (np.array(a, dtype=np.int32) for a in lists)
    return PolyTable(lab, powers, reach, row, col, shift, first, count, more, group, coef, reach_w)


def _real_monomials(series: Dict[Key, np.ndarray], degree: int) -> Dict[Key, np.ndarray]:
    """Rewrite sum C_ab z^a conj(z)^b in x^p y^q, z = x + i y."""
    size = series[(0, 0)].shape
    out = {(p, t - p): np.zeros(size, dtype=complex) for t in range(degree + 1) for p in range(t + 1)}
    for (a, b), c in series.items():
        poly = np.array([1.0 + 0j])  # coefficients of y^q, at total degree a + b
        for factor in [1j] * a + [-1j] * b:
            poly = np.convolve(poly, [1.0, factor])
        for q, value in enumerate(poly):
            out[(a + b - q, q)] += value * c
    return out


def _key(space: Space, line: int, w: float, strength: float, precision: float, reach_w: float, kind: str) -> str:
    model = space.model
    own = model.__dict__.get("_table_hash")
    if own is None:
        noise = [model.t1.tolist(), model.t2.tolist(), model.p_th.tolist()]
        own = cache.content_hash(
            "poly 4",
            list(model.levels),
            np.asarray(model.w_bare),
            np.asarray(model.w_alpha),
            np.asarray(model.w_frame),
            [[i, j, w_j] for i, j, w_j in model.couplings],
            [repr(noise), model.dt, list(model.held)],
        )
        model.__dict__["_table_hash"] = own
    qubit = model.lines[line].local_qubit
    return f"{own}-{space.density:d}-{qubit}-{w!r}-{strength!r}-{precision!r}-{reach_w!r}-{kind}"


_FIELDS = ("row", "col", "shift", "first", "count", "more", "group", "coef")


def _load(key: str) -> Optional[PolyTable]:
    data = cache.load("sample-map", cache.content_hash(key))
    if data is None or set(data) != {*_FIELDS, "head"}:
        return None
    lab, powers, reach, reach_w = data["head"].tolist()
    row, col, shift, first, count, more, group, coef = (data[f] for f in _FIELDS)
    return PolyTable(bool(lab), int(powers), int(reach), row, col, shift, first, count, more, group, coef, reach_w)


def _store(key: str, table: PolyTable) -> None:
    data = {f: getattr(table, f) for f in _FIELDS}
    data["head"] = np.array([table.lab, table.powers, table.reach, table.reach_w], dtype=np.float64)
    cache.store("sample-map", cache.content_hash(key), data)
