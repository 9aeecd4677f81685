"""Keep every test away from the user's own data and caches."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_base = tempfile.mkdtemp(prefix="pulsekit-tests-")
_process = os.getpid()


@atexit.register
def _clean_up() -> None:
    if os.getpid() == _process:  # not a forked child
        shutil.rmtree(_base, ignore_errors=True)


os.environ["PULSEKIT_HOME"] = os.path.join(_base, "home")
os.environ.setdefault("PULSEKIT_CACHE", os.path.join(_base, "cache"))
os.environ.setdefault("MPLBACKEND", "Agg")
