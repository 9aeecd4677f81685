"""Jobs that last: an SQL index of jobs, with content-hashed arrays beside it."""

from .identity import Identity
from .records import FINAL, JobRecord
from .store import Store, default_home, open_store

__all__ = ["FINAL", "Identity", "JobRecord", "Store", "default_home", "open_store"]
