"""Keep every test away from the user's own data and caches."""

from __future__ import annotations

import os
import tempfile

_base = tempfile.mkdtemp(prefix="pulsekit-tests-")
os.environ["PULSEKIT_HOME"] = os.path.join(_base, "home")
os.environ.setdefault("PULSEKIT_CACHE", os.path.join(_base, "cache"))
os.environ.setdefault("MPLBACKEND", "Agg")
