"""Run the examples of the documentation, and hold it to the code."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from pulsekit.backend.parameters import OWN_OPTIONS, RUN_PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["run.md", "jobs.md"])
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.setenv("PULSEKIT_HOME", str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.S)
    assert len(blocks) >= 5
    names: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in blocks:
            exec(compile(block, page, "exec"), names)


def test_run_md_has_a_section_per_parameter_in_the_documents_order():
    text = (DOCS / "run.md").read_text()
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    names = [p.name for p in RUN_PARAMETERS]
    assert [h for h in sections if h in names] == names
    for name in names:
        assert all(word in sections[name] for word in ("*Default:*", "*Errors:*", "```python")), name
    for option in OWN_OPTIONS:
        assert f"`{option.name}`" in sections["Other keywords"]
