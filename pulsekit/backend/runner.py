"""Run jobs one after the other, in threads that live as long as there is work.

A device runs one job at a time, so a backend has one queue with one worker.
Threads are not daemons: a script that ends first waits for its jobs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Set, Tuple

__all__ = ["Runner", "Ticket", "flush", "in_background"]

logger = logging.getLogger(__name__)

YIELD = 1e-3  # s in which whoever started a thread goes on: else it holds the interpreter while run() should return

_all: "weakref.WeakSet[Runner]" = weakref.WeakSet()


class Ticket:
    """One job in this process: its status now, and what to do for it."""

    def __init__(self, job_id: str, work: Callable[["Ticket"], None]) -> None:
        self.job_id = job_id
        self.work = work
        self.process = os.getpid()  # a forked child has the ticket, not its worker
        self.cancel = threading.Event()
        self.changed = threading.Condition()
        self.status = "QUEUED"
        self.finished = False
        self.result: Any = None  # what `work` leaves for the job in this process
        self.live: List[Dict[str, Any]] = []  # the packets of live data
        self._listeners: List[_Listener] = []
        self.thread: Optional[int] = None  # that works on it

    def move(self, status: str, *, finished: bool = False) -> None:
        """Set the status, and wake up who waits."""
        with self.changed:
            self.status = status
            self.finished = finished
            self.changed.notify_all()

    def wait(self, timeout: Optional[float]) -> bool:
        """Wait until the job is finished; False if it was not in time."""
        with self.changed:
            return self.changed.wait_for(lambda: self.finished, timeout)

    def packets(self, start: int, timeout: Optional[float]) -> Tuple[List[Dict[str, Any]], bool]:
        """Wait for live data after packet ``start``; also tell whether to stop."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.live) > start or self.finished, timeout)
            return self.live[start:], self.finished or not came

    def publish(self, packet: Dict[str, Any]) -> None:
        """Hand a packet of live data to who listens."""
        with self.changed:
            self.live.append(packet)
            listeners = list(self._listeners)
            self.changed.notify_all()
        for listener in listeners:
            self._serve(listener)

    def listen(self, callback: Callable[[Dict[str, Any]], None]) -> None:
        """Call back with every packet: those that came already, then each that comes."""
        listener = _Listener(callback)
        with self.changed:
            self._listeners.append(listener)
        self._serve(listener)

    def _serve(self, listener: "_Listener") -> None:
        """Call back with what a listener has not seen, in order; no lock is held meanwhile."""
        while True:
            with self.changed:
                if listener.busy or listener.seen >= len(self.live):
                    return  # whoever is busy with it goes on
                packet = self.live[listener.seen]
                listener.seen += 1
                listener.busy = True
            try:
                listener.callback(packet)
            except Exception:
                logger.exception("A live-data callback of job %s failed.", self.job_id)
            finally:
                with self.changed:
                    listener.busy = False


@dataclass
class _Listener:
    """A callback, and how many packets it has seen."""

    callback: Callable[[Dict[str, Any]], None]
    seen: int = 0
    busy: bool = False


class Runner:
    """A queue with one worker.

    A forked child starts with an empty queue: the jobs are its parent's.
    """

    def __init__(self) -> None:
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._queue: Deque[Ticket] = deque()
        self._tickets: Dict[str, Ticket] = {}
        self._worker: Optional[threading.Thread] = None
        self._places: Set[object] = set()  # of jobs in the making

    @contextmanager
    def place(self, most: Optional[int]) -> Iterator[Optional[object]]:
        """Keep a place for a job that is being made, for :meth:`submit`; None if there is none.

        Args:
            most: how many jobs may be active or in the making; None: any
                number.
        """
        place = object()
        with self._lock:
            free = most is None or len(self._tickets) + len(self._places) < most
            if free:
                self._places.add(place)
        try:
            yield place if free else None
        finally:
            with self._lock:
                self._places.discard(place)

    def submit(self, ticket: Ticket, place: Optional[object] = None) -> None:
        """Queue a ticket, in the place that was kept for it."""
        with self._lock:
            self._places.discard(place)
            self._queue.append(ticket)
            self._tickets[ticket.job_id] = ticket
            if self._worker is None:
                self._worker = threading.Thread(target=self._loop, name="pulsekit-worker")
                self._worker.start()

    def ticket(self, job_id: str) -> Optional[Ticket]:
        """Return the ticket of an active job, or None."""
        with self._lock:
            return self._tickets.get(job_id)

    def position(self, job_id: str) -> Optional[int]:
        """Return the place in the queue, 1 being next; None if not queued."""
        with self._lock:
            for place, ticket in enumerate(self._queue, start=1):
                if ticket.job_id == job_id:
                    return place
        return None

    def withdraw(self, job_id: str) -> bool:
        """Take a ticket out of the queue; False if it is not there any more."""
        with self._lock:
            for ticket in self._queue:
                if ticket.job_id == job_id:
                    self._queue.remove(ticket)
                    self._tickets.pop(job_id, None)
                    return True
        return False

    def active(self) -> int:
        """Return how many jobs are queued or running."""
        with self._lock:
            return len(self._tickets)

    def _loop(self) -> None:
        time.sleep(YIELD)
        while True:
            with self._lock:
                if not self._queue:
                    self._worker = None
                    return
                ticket = self._queue.popleft()
            ticket.thread = threading.get_ident()
            try:
                ticket.work(ticket)
            except Exception:  # work reports its own failures; this is a bug in it
                logger.exception("Job %s ended unexpectedly.", ticket.job_id)
            finally:
                with self._lock:
                    self._tickets.pop(ticket.job_id, None)
                if not ticket.finished:
                    ticket.move("ERROR_RUNNING_JOB", finished=True)


_writing: Deque[Callable[[], None]] = deque()
_writing_lock = threading.Lock()
_writer: Optional[threading.Thread] = None


def in_background(task: Callable[[], None]) -> None:
    """Run a short task (storing a job's input) in the writer thread."""
    global _writer
    with _writing_lock:
        _writing.append(task)
        if _writer is None:
            _writer = threading.Thread(target=_write, name="pulsekit-writer")
            _writer.start()


def _write() -> None:
    global _writer
    time.sleep(YIELD)
    while True:
        with _writing_lock:
            if not _writing:
                _writer = None
                return
            task = _writing.popleft()
        try:
            task()
        except Exception:
            logger.exception("A job's input could not be stored; the job cannot be repeated after a crash.")


def flush() -> None:
    """Wait until the writer thread has stored everything it was given."""
    with _writing_lock:
        writer = _writer
    if writer is not None and writer is not threading.current_thread():
        writer.join()


def _after_fork() -> None:
    """Forget, in a forked child, the threads that only its parent has."""
    global _writing_lock, _writer
    _writing_lock = threading.Lock()
    _writer = None
    _writing.clear()
    for runner in list(_all):
        runner._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
