"""Print one table of all benchmarks: ``python -m benchmarks [NAME ...]``.

Each module of this package with a ``rows()`` function is a benchmark. A row
is a :class:`benchmarks.table.Row`: what was run, our time, the peer and its
time on the same work in the same run, the accuracy reached, peak memory.
"""

from __future__ import annotations

import argparse
import importlib
from typing import List

from .table import Row, render

NAMES = ("compiler", "simulator", "backend", "threads")


def main() -> None:
    """Run the chosen benchmarks and print their table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)")
    chosen = parser.parse_args().names or NAMES
    if not set(chosen) <= set(NAMES):
        parser.error(f"NAME must be one of {', '.join(NAMES)}")
    rows: List[Row] = []
    for name in chosen:
        rows += importlib.import_module(f"benchmarks.{name}").rows()
    print(render(rows))


if __name__ == "__main__":
    main()
