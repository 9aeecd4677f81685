"""Run pieces of work in plain threads around kernels that drop the GIL.

The caller is one of the threads; the others are made for a call and joined
before it returns: no pool outlives it, so that a process may fork at any time
between calls (what :func:`abandonable` leaves behind excepted). The pieces
decide the result, the number of threads does not.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, List, Optional, Sequence, TypeVar

from ..errors import CancelledError

__all__ = ["Crew", "abandonable", "look", "run_all"]

T = TypeVar("T")
WAITING = 64  # jobs of a crew that wait, at most
DEEP = 50  # jobs done within each other, at most; more wait


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

    others = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)) - 1)]
    for other in others:
        other.start()
    work()
    for other in others:
        other.join()
    for error in errors:
        if error is not None:
            raise error
    return results  # type: ignore[return-value]


def look(cancel: Optional[threading.Event]) -> None:
    """Look whether a run was cancelled.

    Raises:
        CancelledError: ``cancel`` was set.
    """
    if cancel is not None and cancel.is_set():
        raise CancelledError("The simulation was cancelled.")


def abandonable(job: Callable[[], T], cancel: Optional[threading.Event]) -> T:
    """Return what a job returns that cannot look at ``cancel`` itself.

    It runs in a thread, which goes on alone when the call is cancelled.

    Args:
        job: long work of a library, such as an eigendecomposition.
        cancel: looked at every 50 ms; None: the job runs here.

    Raises:
        CancelledError: ``cancel`` was set before the job was done.
        Whatever the job raised.
    """
    if cancel is None:
        return job()
    results: List[T] = []
    errors: List[BaseException] = []

    def work() -> None:
        try:
            results.append(job())
        except BaseException as error:  # raised again below
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        look(cancel)
        thread.join(0.05)
    for error in errors:
        raise error
    return results[0]


class Crew:
    """Threads for work that makes more work as it goes.

    They are made for jobs that are worth one. What was left first is done
    first: it is the longest, where work gets shorter as it goes.

    Args:
        threads: how many run at a time; 1: in this thread.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._jobs: Deque[Callable[[], None]] = deque()
        self._others: List[threading.Thread] = []
        self._busy = 0
        self._error: Optional[BaseException] = None
        self._change = threading.Condition()
        self._depth = threading.local()

    @property
    def idle(self) -> bool:
        """Whether a thread, made or not, has nothing to do."""
        return not self._jobs and self._busy < self.threads

    @property
    def asked(self) -> bool:
        """Whether a job waits for a thread, or none will be done any more."""
        return bool(self._jobs) or self._error is not None

    def spawn(self, job: Callable[[], None], worth: bool = True) -> None:
        """Leave a job to whoever is free, or do it here, where enough is waiting already.

        Args:
            job: to be done.
            worth: whether a thread should be made for it, while there are less than there may be.
        """
        depth = getattr(self._depth, "value", 0)
        with self._change:
            if self._error is not None:
                return
            if len(self._jobs) < WAITING or depth == DEEP:
                self._jobs.append(job)
                self._change.notify()
                if worth and len(self._others) < self.threads - 1:
                    self._others.append(threading.Thread(target=self._work, daemon=True))
                    self._others[-1].start()
                return
        self._depth.value = depth + 1
        job()
        self._depth.value = depth

    def run(self, job: Callable[[], None]) -> None:
        """Do a job and all that it spawns.

        Raises:
            Whatever the first failing job raised.
        """
        self._jobs.append(job)
        self._work()
        for other in self._others:
            other.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._jobs and self._busy and self._error is None:
                    self._change.wait()
                if self._error is not None or not self._jobs:
                    self._change.notify_all()
                    return
                job = self._jobs.popleft()
                self._busy += 1
            try:
                job()
            except BaseException as error:  # raised again by run()
                with self._change:
                    self._error = self._error or error
            with self._change:
                self._busy -= 1
                self._change.notify_all()
