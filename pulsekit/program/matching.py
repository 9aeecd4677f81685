"""Match two sequences of rows, in linear time where they are alike or far apart."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

__all__ = ["match"]

Pair = Tuple[int, int]
EDITS = 200  # rows inserted or removed, up to which the shortest way from one sequence to the other is looked for


def match(a: Sequence[int], b: Sequence[int], times_a: Sequence[int], times_b: Sequence[int]) -> List[Pair]:
    """Return pairs of positions with equal contents, ascending in both.

    The most pairs there are, while at most ``EDITS`` rows are left over; of
    equally many, rows at one time. Beyond, rows at one time are taken to be
    the same ones.

    Args:
        a: contents, numbered.
        b: likewise.
        times_a: ascending, one per row.
        times_b: likewise.

    Cost: linear in the number of rows.
    """
    pairs: List[Pair] = []
    i = j = 0
    for x, y in [*_at_one_time(a, b, times_a, times_b), (len(a), len(b))]:
        between = _shortest(a[i:x], b[j:y]) if i < x and j < y else ()
        pairs += [(i + p, j + q) for p, q in between or ()]
        if x < len(a):
            pairs.append((x, y))
        i, j = x + 1, y + 1
    found = _shortest(a, b)
    return pairs if found is None or len(pairs) >= len(found) else found


def _at_one_time(a: Sequence[int], b: Sequence[int], times_a: Sequence[int], times_b: Sequence[int]) -> List[Pair]:
    """Return the pairs of rows with equal contents and times."""
    pairs: List[Pair] = []
    waiting: Dict[Tuple[int, int], List[int]] = {}
    for j in range(len(b) - 1, -1, -1):
        waiting.setdefault((times_b[j], b[j]), []).append(j)
    last = -1
    for i, key in enumerate(zip(times_a, a)):
        queue = waiting.get(key, [])
        while queue and queue[-1] < last:
            queue.pop()
        if queue:
            last = queue.pop()
            pairs.append((i, last))
    return pairs


def _shortest(a: Sequence[int], b: Sequence[int]) -> Optional[List[Pair]]:
    """Return the most pairs, or None if more than ``EDITS`` rows have none.

    E. W. Myers, Algorithmica 1, 251 (1986), on what is left without the
    common beginning and end.
    """
    low, n, m = 0, len(a), len(b)
    while low < n and low < m and a[low] == b[low]:
        low += 1
    while n > low and m > low and a[n - 1] == b[m - 1]:
        n, m = n - 1, m - 1
    middle = _greedy(a[low:n], b[low:m])
    if middle is None:
        return None
    head, tail = [(k, k) for k in range(low)], [(n + k, m + k) for k in range(len(a) - n)]
    return [*head, *((low + i, low + j) for i, j in middle), *tail]


def _greedy(a: Sequence[int], b: Sequence[int]) -> Optional[List[Pair]]:
    n, m = len(a), len(b)
    if not n or not m:
        return [] if n + m <= EDITS else None
    if abs(n - m) > EDITS:
        return None
    reach: Dict[int, int] = {1: 0}  # diagonal -> how far in ``a``
    history: List[Dict[int, int]] = []
    for edits in range(EDITS + 1):
        history.append(reach.copy())
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reach[k] = x
            if x >= n and x - k >= m:
                return _walk_back(history, n, m)
    return None


def _walk_back(history: List[Dict[int, int]], n: int, m: int) -> List[Pair]:
    pairs: List[Pair] = []
    x, y = n, m
    for edits in range(len(history) - 1, -1, -1):
        reach, k = history[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        before = k + 1 if down else k - 1
        start = reach[before] if edits else 0
        while x > (start if down else start + 1) and x > 0 and y > 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = start, start - before if edits else 0
    return pairs[::-1]
