"""Jobs that last: an SQL index of jobs, with content-hashed arrays beside it."""

from .identity import Identity
from .opening import default_home, open_store
from .records import ACTIVE, FINAL, JobRecord
from .store import Store

__all__ = ["ACTIVE", "FINAL", "Identity", "JobRecord", "Store", "default_home", "open_store"]
