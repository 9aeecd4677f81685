"""Run pieces of work in plain threads around kernels that drop the GIL.

Threads are made for a call and joined before it returns: no pool outlives it,
so that a process may fork at any time between calls. The pieces decide the
result, the number of threads does not.
"""

from __future__ import annotations

import threading
from typing import Callable, List, Optional, Sequence, TypeVar

__all__ = ["run_all"]

T = TypeVar("T")


def run_all(jobs: Sequence[Callable[[], T]], threads: int = 1) -> List[T]:
    """Return the results of ``jobs``, in order.

    Args:
        jobs: independent pieces of work.
        threads: how many run at a time; 1: in this thread.

    Raises:
        Whatever the first failing job raised; the others are finished or not
        begun.
    """
    if threads <= 1 or len(jobs) <= 1:
        return [job() for job in jobs]
    results: List[Optional[T]] = [None] * len(jobs)
    errors: List[Optional[BaseException]] = [None] * len(jobs)
    lock, left = threading.Lock(), iter(range(len(jobs)))
    failed = threading.Event()

    def work() -> None:
        while not failed.is_set():
            with lock:
                index = next(left, None)
            if index is None:
                return
            try:
                results[index] = jobs[index]()
            except BaseException as error:  # raised again below
                errors[index] = error
                failed.set()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for error in errors:
        if error is not None:
            raise error
    return results  # type: ignore[return-value]
