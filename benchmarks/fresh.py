"""Run a measurement in a process of its own, and say how much memory it took."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

__all__ = ["Memory", "apart"]

_STATUS = Path("/proc/self/status")


class Memory:
    """The peak of this process's memory from when it is made."""

    def __init__(self) -> None:
        self.before = _status()["VmRSS"] if _STATUS.exists() else _maxrss()
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the kernel counts the peak anew
        except OSError:
            pass

    def peak(self) -> Tuple[float, float]:
        """Return the peak and by how much it exceeds what was there before, MB."""
        peak = _status()["VmHWM"] if _STATUS.exists() else _maxrss()
        return peak, max(0.0, peak - self.before)


def _status() -> Dict[str, float]:
    pairs = (line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return {name: int(text.split()[0]) / 1024 for name, text in pairs if name in ("VmRSS", "VmHWM")}


def _maxrss() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a module's function returns in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
