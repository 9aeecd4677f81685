"""The examples of the pages run as they stand, one after the other."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = {page.name: re.findall(r"```python\n(.*?)```", page.read_text("utf8"), re.S) for page in DOCS.glob("*.md")}
PAGES = sorted(page for page, blocks in EXAMPLES.items() if blocks and page != "readout.md")  # whose are on their own


def test_there_are_examples_of_everything_that_a_user_calls() -> None:
    assert set(PAGES) >= {"calibration.md", "compiler.md", "jobs.md", "run.md", "simulator.md"}


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSEKIT_HOME", str(tmp_path))
    names: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in EXAMPLES[page]:
            exec(compile(block, page, "exec"), names)
